/** A feed as the relay follows it: one subscription at the server, from the lowest place that any tab needs. */

import type { ProblemDetails } from "./errors.js";
import type { FeedEvent, StrangeEvent } from "./frames.js";
import type { Said } from "./generated.js";
import type { OfFeed, Place, Wanted } from "./relay_messages.js";

const AGAIN_MS = 1_000;
/** How often the server hears how far this client is: each feed less often, the more there are. */
const ACK_EVERY_MS = 250;
const ACK_MS_PER_FEED = 50;
const PASSING = new Set([401, 429, 500, 503]);
const EVERYTHING: Wanted = { types: [], about: [] };

export interface FollowedParts {
  readonly say: (message: Said) => boolean;
  readonly tell: (message: OfFeed, cursor?: string) => void;
  /** Hears that the feed is followed no longer, because the server said so. */
  readonly over: () => void;
  /** How many feeds are followed. */
  readonly feeds: () => number;
}

let counted = 0;

export class Followed {
  /** Whether the subscription is past its replay. */
  live = false;
  readonly #feed: string;
  readonly #parts: FollowedParts;
  readonly #cursors = new Map<string, Wanted>();
  /** Up to where every tab was served; `undefined` for live only. */
  #from: number | undefined;
  #epoch: string | undefined;
  #wanted: Wanted = EVERYTHING;
  /** The id of the subscription that was asked for, and whether it was granted. */
  #asked = "";
  #granted = false;
  #state: Readonly<Record<string, unknown>> | null = null;
  #acked = 0;
  #acking: ReturnType<typeof setTimeout> | undefined;
  #again: ReturnType<typeof setTimeout> | undefined;

  constructor(feed: string, parts: FollowedParts) {
    this.#feed = feed;
    this.#parts = parts;
  }

  /** Serves a cursor of some tab from where it is. */
  follow(cursor: string, { after, epoch, types, about }: Wanted & Place): void {
    this.#cursors.set(cursor, { types, about });
    const wanted = this.#together();
    const behind = after !== undefined && (this.#from === undefined || after < this.#from);
    if (behind) this.#from = after;
    if (this.#asked === "") {
      if (after !== undefined) this.#epoch = epoch;
      this.join();
    } else if (behind || !same(wanted, this.#wanted)) {
      this.#parts.say({ op: "unsubscribe", id: `${this.#asked}:end`, feed: this.#feed });
      this.join();
    } else if (this.#granted) {
      this.#welcome(cursor, after !== undefined);
    }
  }

  /** Serves cursors whose names begin so no longer; tells how many are left. */
  unfollow(cursor: string): number {
    const leaving = [...this.#cursors.keys()].filter((each) => each.startsWith(cursor));
    for (const each of leaving) this.#cursors.delete(each);
    if (leaving.length > 0 && this.#cursors.size === 0) {
      this.#end();
      if (this.#asked !== "") this.#parts.say({ op: "unsubscribe", id: `${this.#asked}:end`, feed: this.#feed });
    }
    return this.#cursors.size;
  }

  /** Asks the server for the feed, from where it was left. */
  join(): void {
    this.lose();
    if (this.#cursors.size === 0) return;
    counted += 1;
    this.#wanted = this.#together();
    const { types, about } = this.#wanted;
    const id = `feed:${String(counted)}`;
    const place = this.#from === undefined ? {} : { after: this.#from, epoch: this.#epoch ?? null };
    const filter = about.length > 0 ? { types, about } : { types };
    if (this.#parts.say({ op: "subscribe", id, feed: this.#feed, ...place, ...filter })) this.#asked = id;
  }

  /** Hears that the connection is lost. */
  lose(): void {
    this.#end();
    this.#asked = "";
    this.#granted = false;
    this.live = false;
  }

  event(event: FeedEvent | StrangeEvent): void {
    if (this.#granted && event.sequence > (this.#from ?? 0)) this.#from = event.sequence;
    this.#parts.tell(event);
  }

  hear(message: OfFeed): void {
    switch (message.op) {
      case "subscribed":
        if ("id" in message && message.id !== this.#asked) return;
        this.#granted = true;
        this.#epoch = message.epoch;
        if (!message.recovered || this.#from === undefined) this.#from = message.head;
        if (this.#state !== null) this.present(this.#state);
        break;
      case "caught_up":
      case "advanced":
        if (!this.#granted) return; // it belongs to an earlier subscription
        this.live ||= message.op === "caught_up";
        this.#from = Math.max(this.#from ?? 0, message.sequence);
        break;
      case "reset":
        this.#reset(message);
        return;
      case "unsubscribed":
        if (message.id === undefined || message.id === null) this.#ended(message.code ?? "");
        return;
      default:
        break;
    }
    this.#parts.tell(message);
  }

  /** Hears that the server refused a message; tells whether it was this feed's. */
  refused(id: string, problem: ProblemDetails): boolean {
    if (id.endsWith(":ack") || id.endsWith(":end")) return true; // too late, and of no consequence
    if (id === "" || id !== this.#asked) return false;
    if (PASSING.has(problem.status)) this.#joinLater(Number(problem["retry_after"] ?? 0) * 1000);
    else this.#ended(problem.code);
    return true;
  }

  /** Tells the server how far the tabs are. Several calls become one message. */
  acknowledge(sequence: number): void {
    this.#acked = Math.max(this.#acked, sequence);
    this.#acking ??= setTimeout(() => {
      this.#acking = undefined;
      const upto = Math.min(this.#acked, this.#from ?? 0);
      if (this.#granted) this.#parts.say({ op: "ack", id: `${this.#asked}:ack`, feed: this.#feed, sequence: upto });
    }, Math.max(ACK_EVERY_MS, ACK_MS_PER_FEED * this.#parts.feeds()));
  }

  /** Shows who is here, again after every reconnection. */
  present(state: Readonly<Record<string, unknown>> | null): void {
    this.#state = state;
    if (this.#granted) this.#parts.say({ op: "presence", feed: this.#feed, state } as unknown as Said);
  }

  #reset(message: OfFeed & { op: "reset" }): void {
    if (message.id !== undefined && message.id !== null && message.id !== this.#asked) return;
    const after = this.#from;
    this.lose();
    this.#from = undefined;
    this.#epoch = undefined;
    this.#parts.tell(after === undefined ? message : { ...message, after });
  }

  #ended(code: string): void {
    if (code === "internal") {
      this.#joinLater(AGAIN_MS);
      return;
    }
    this.lose();
    this.#parts.tell({ op: "unsubscribed", feed: this.#feed, code });
    this.#parts.over();
  }

  #joinLater(milliseconds: number): void {
    this.lose();
    this.#again = setTimeout(() => {
      this.join();
    }, Math.max(milliseconds, AGAIN_MS));
  }

  #end(): void {
    clearTimeout(this.#acking);
    clearTimeout(this.#again);
    this.#acking = undefined;
  }

  #welcome(cursor: string, recovered: boolean): void {
    const [feed, head, epoch] = [this.#feed, this.#from ?? 0, this.#epoch ?? ""];
    this.#parts.tell({ op: "subscribed", feed, epoch, head, recovered }, cursor);
    if (this.live) this.#parts.tell({ op: "caught_up", feed, sequence: head }, cursor);
  }

  /** Says what to ask the server for: what all tabs want if they want the same, else everything. */
  #together(): Wanted {
    const [first, ...others] = [...this.#cursors.values()];
    return first !== undefined && others.every((each) => same(each, first)) ? first : EVERYTHING;
  }
}

function same(one: Wanted, other: Wanted): boolean {
  return JSON.stringify([one.types, one.about]) === JSON.stringify([other.types, other.about]);
}
