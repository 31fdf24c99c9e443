/** Things that are shown live: folded from a feed's events, with one's own changes on top until they are confirmed.
 *
 * There is one truth, what the events say. Everything else lies above it and can be taken off: changes that were sent
 * and are not confirmed, and drafts of what somebody is editing, which remote events never overwrite. */

import type { AnyCommand, Client } from "./client.js";
import type { Cursor } from "./cursor.js";
import type { FeedEvent } from "./frames.js";
import type { Receipt } from "./generated.js";
import { newId } from "./ids.js";
import { Listeners } from "./listeners.js";

/** Says what an event makes of things: by key the new value, `undefined` for what is gone. Pure. */
export type Fold<V> = (
  event: FeedEvent,
  get: (key: string) => V | undefined,
) => Iterable<readonly [key: string, value: V | undefined]>;

/** What somebody else made of a thing while it was being edited here. */
export interface HeldBack<V> {
  readonly key: string;
  /** What it was when the edit began, what this person made of it, and what the server says now. */
  readonly base: V | undefined;
  readonly mine: V | undefined;
  readonly theirs: V | undefined;
  readonly event: FeedEvent;
}

interface Change<V> {
  readonly commandId: string;
  readonly changes: Map<string, (value: V | undefined) => V | undefined>;
  /** The sequence after which it is confirmed at the latest, once the receipt is here. */
  upTo: number | undefined;
}

interface Draft<V> {
  readonly base: V | undefined;
  value: V | undefined;
  event: FeedEvent | undefined;
}

/** An edit in progress. */
export interface Edit<V> {
  /** Shows this draft from now on. */
  draft(value: V | undefined): void;
  /** What somebody else made of it meanwhile. */
  readonly conflict: HeldBack<V> | undefined;
  /** Ends the edit, and shows what the server says. */
  end(): void;
}

export class Live<V> {
  /** Hears when what is shown is something else. */
  readonly changed: Listeners<undefined>;
  /** Hears of remote changes to what is being edited. */
  readonly heldBack: Listeners<HeldBack<V>>;
  readonly #client: Client;
  readonly #fold: Fold<V>;
  readonly #confirmed = new Map<string, V>();
  #pending: Change<V>[] = [];
  readonly #drafts = new Map<string, Draft<V>>();
  #shown: ReadonlyMap<string, V> | undefined;
  #sequence = 0;
  #telling = false;

  constructor(client: Client, cursor: Cursor, fold: Fold<V>, failed: (error: Error) => void = console.error) {
    this.#client = client;
    this.#fold = fold;
    this.changed = new Listeners(failed);
    this.heldBack = new Listeners(failed);
    cursor.events.add((event) => {
      this.#apply(event);
    });
  }

  /** Takes over a snapshot, true at a sequence of the feed. Drafts and changes on their way stay. */
  load(values: Iterable<readonly [string, V]>, sequence: number): void {
    this.#confirmed.clear();
    for (const [key, value] of values) this.#confirmed.set(key, value);
    this.#sequence = sequence;
    this.#confirm();
    this.#touch();
  }

  /** What is shown: the same object until it changes. */
  get shown(): ReadonlyMap<string, V> {
    return (this.#shown ??= this.#show());
  }

  /** What the server says, without one's own changes. */
  confirmed(key: string): V | undefined {
    return this.#confirmed.get(key);
  }

  /** Changes not confirmed yet. */
  get pending(): number {
    return this.#pending.length;
  }

  /** Shows changes at once and sends the command for them. A refusal takes them off again, and is raised. */
  async change(
    command: AnyCommand,
    changes: Iterable<readonly [key: string, change: (value: V | undefined) => V | undefined]>,
    commandId = newId(),
  ): Promise<Receipt> {
    const change: Change<V> = { commandId, changes: new Map(changes), upTo: undefined };
    const base = Object.fromEntries([...change.changes.keys()].map((key) => [key, this.#confirmed.get(key)]));
    this.#pending.push(change);
    this.#touch();
    try {
      const receipt = await this.#client.command(command, { commandId, base });
      change.upTo = receipt.sequence;
      this.#confirm();
      return receipt;
    } catch (thrown) {
      this.#pending = this.#pending.filter((each) => each !== change);
      throw thrown;
    } finally {
      this.#touch();
    }
  }

  /** Begins to edit a thing: until `end`, it is shown as the draft says, whatever comes from elsewhere. */
  edit(key: string): Edit<V> {
    const base = this.shown.get(key);
    const draft: Draft<V> = { base, value: base, event: undefined };
    this.#drafts.set(key, draft);
    const conflict = (): HeldBack<V> | undefined => this.#heldBack(key, draft);
    return {
      draft: (value) => {
        draft.value = value;
        this.#touch();
      },
      get conflict() {
        return conflict();
      },
      end: () => {
        if (this.#drafts.get(key) === draft) this.#drafts.delete(key);
        this.#touch();
      },
    };
  }

  #heldBack(key: string, draft: Draft<V>): HeldBack<V> | undefined {
    const { base, value, event } = draft;
    return event && { key, base, mine: value, theirs: this.#confirmed.get(key), event };
  }

  #apply(event: FeedEvent): void {
    this.#sequence = event.sequence;
    const own = this.#pending.find((each) => each.commandId === event.command_id);
    for (const [key, value] of this.#fold(event, (each) => this.#confirmed.get(each))) {
      if (value === undefined) this.#confirmed.delete(key);
      else this.#confirmed.set(key, value);
      own?.changes.delete(key);
      if (own === undefined) this.#hold(key, event);
    }
    this.#confirm();
    this.#touch();
  }

  #hold(key: string, event: FeedEvent): void {
    const draft = this.#drafts.get(key);
    if (draft === undefined) return;
    draft.event = event;
    const held = this.#heldBack(key, draft);
    if (held !== undefined) this.heldBack.tell(held);
  }

  /** Takes off what the events say themselves by now. */
  #confirm(): void {
    this.#pending = this.#pending.filter(
      ({ changes, upTo }) => changes.size > 0 && (upTo === undefined || upTo > this.#sequence),
    );
  }

  #show(): ReadonlyMap<string, V> {
    if (this.#pending.length === 0 && this.#drafts.size === 0) return new Map(this.#confirmed);
    const shown = new Map(this.#confirmed);
    const put = (key: string, value: V | undefined): void => {
      if (value === undefined) shown.delete(key);
      else shown.set(key, value);
    };
    for (const { changes } of this.#pending) for (const [key, change] of changes) put(key, change(shown.get(key)));
    for (const [key, { value }] of this.#drafts) put(key, value);
    return shown;
  }

  /** Tells of changes, of several at once once. */
  #touch(): void {
    this.#shown = undefined;
    if (this.#telling) return;
    this.#telling = true;
    queueMicrotask(() => {
      this.#telling = false;
      this.changed.tell(undefined);
    });
  }
}
