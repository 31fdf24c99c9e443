/** How a tab reaches the relay: in the same program, or through whichever tab holds the connection for the browser. */

import type { Parts } from "./connection.js";
import { elect } from "./election.js";
import type { Election } from "./election.js";
import type { Store } from "./outbox.js";
import { Relay } from "./relay.js";
import type { RelaySays, TabSays } from "./relay_messages.js";

export interface Link {
  /** Whether the connection is held here. */
  readonly leads: boolean;
  say(says: TabSays): void;
  close(): void;
}

/** What a link needs. `restarted`: there is a new relay, which has to be told everything again. */
export interface Ends {
  readonly tab: string;
  readonly hear: (says: RelaySays) => void;
  readonly restarted: () => void;
  readonly parts: Parts;
  readonly store: Store;
}

/** A connection of one's own. */
export class OwnLink implements Link {
  readonly leads = true;
  readonly #relay: Relay;
  readonly #tab: string;
  #open = true;

  constructor({ tab, hear, parts, store, restarted }: Ends) {
    this.#tab = tab;
    this.#relay = new Relay(parts, store, (says) => {
      if (this.#open) hear(says);
    });
    void this.#relay.start();
    queueMicrotask(restarted);
  }

  say(says: TabSays): void {
    // later, so that a message that is being heard is heard to its end before it is answered
    queueMicrotask(() => {
      if (this.#open) this.#relay.hear(this.#tab, says);
    });
  }

  close(): void {
    this.#open = false;
    this.#relay.close();
  }
}

type Passed =
  | { readonly kind: "says"; readonly tab: string; readonly says: TabSays }
  | { readonly kind: "told"; readonly to: string | undefined; readonly says: RelaySays }
  | { readonly kind: "leader" };

/** A connection shared by the tabs of a browser: one of them, which they elect, holds it for all. */
export class SharedLink implements Link {
  #relay: Relay | undefined;
  readonly #ends: Ends;
  readonly #channel: BroadcastChannel;
  readonly #election: Election;

  constructor(name: string, ends: Ends) {
    this.#ends = ends;
    this.#channel = new BroadcastChannel(name);
    this.#channel.onmessage = ({ data }: MessageEvent<Passed>) => {
      this.#heard(data);
    };
    this.#election = elect(name, ends.tab, {
      won: () => {
        this.#lead();
      },
      lost: () => {
        this.#stepDown();
      },
    });
    queueMicrotask(ends.restarted);
  }

  get leads(): boolean {
    return this.#relay !== undefined;
  }

  say(says: TabSays): void {
    queueMicrotask(() => {
      if (this.#relay === undefined) this.#post({ kind: "says", tab: this.#ends.tab, says });
      else this.#relay.hear(this.#ends.tab, says);
    });
  }

  close(): void {
    if (this.#relay === undefined) this.#post({ kind: "says", tab: this.#ends.tab, says: { kind: "gone" } });
    this.#stepDown();
    this.#election.leave();
    this.#channel.close();
    this.#channel.onmessage = null;
  }

  #post(passed: Passed): void {
    if (this.#channel.onmessage !== null) this.#channel.postMessage(passed);
  }

  #heard(passed: Passed): void {
    const { tab, hear, restarted } = this.#ends;
    switch (passed.kind) {
      case "says":
        this.#relay?.hear(passed.tab, passed.says);
        break;
      case "told":
        if (this.#relay === undefined && (passed.to ?? tab) === tab) hear(passed.says);
        break;
      case "leader":
        restarted();
        break;
    }
  }

  #lead(): void {
    const { tab, hear, parts, store, restarted } = this.#ends;
    this.#relay = new Relay(parts, store, (says, to) => {
      if ((to ?? tab) === tab) hear(says);
      if (to !== tab) this.#post({ kind: "told", to, says });
    });
    void this.#relay.start();
    this.#post({ kind: "leader" });
    restarted();
  }

  #stepDown(): void {
    const relay = this.#relay;
    this.#relay = undefined; // first: what the relay tells at its end is nobody's business any more
    relay?.close();
  }
}
