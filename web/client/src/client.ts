/** The client of one account at one server: feeds, commands, queries, and how the connection is. */

import type { Parts } from "./connection.js";
import { Cursor } from "./cursor.js";
import type { FeedOptions } from "./cursor.js";
import { noCounts } from "./counts.js";
import { ClientError, Refusal, asError } from "./errors.js";
import type { ProblemDetails, Report } from "./errors.js";
import type { Answers, Commands, Queries, Receipt } from "./generated.js";
import { newId } from "./ids.js";
import type { Ends, Link } from "./link.js";
import { Listeners } from "./listeners.js";
import type { Entry, Store } from "./outbox.js";
import type { OfFeed, Outcome, RelaySays } from "./relay_messages.js";
import { AT_FIRST } from "./status.js";
import type { Status } from "./status.js";

export type AnyCommand = Commands[keyof Commands];
/** Of what is answered to a query: the answer, and how far it knows the log and the project's feed. */
export interface Answered<T> {
  readonly answer: T;
  readonly position: number;
  readonly sequence: number | undefined;
  readonly epoch: string | undefined;
}

/** Two versions of the same thing: somebody else was faster. */
export interface Conflict {
  readonly commandId: string;
  /** The command that was refused: what this person wanted. */
  readonly mine: AnyCommand;
  /** What this person had seen, as it was given with the command. */
  readonly base: unknown;
  /** What it is now, and its revision. */
  readonly theirs: unknown;
  readonly currentRevision: number | undefined;
  readonly problem: ProblemDetails;
}

const MOST_BYTES = 64 * 1024 - 512;
const QUERY_MS = 30_000;
const ALIVE_MS = 20_000;

export interface ClientParts {
  readonly parts: Parts;
  readonly store: Store;
  readonly link: (ends: Ends) => Link;
  readonly report: Report;
}

export class Client {
  /** Hears of every change of `status`. */
  readonly changed: Listeners<Status>;
  /** Hears how each command of this browser ends, also those of earlier pages. */
  readonly settled: Listeners<Outcome>;
  /** Hears of commands that lost against somebody else's. */
  readonly conflicts: Listeners<Conflict>;
  readonly tab = newId();
  readonly counts = noCounts();
  #status = AT_FIRST;
  #lastSyncedAt: number | undefined;
  #link: Link | undefined;
  #users = 0;
  #away = false;
  #unwatch: (() => void) | undefined;
  #alive: ReturnType<typeof setInterval> | undefined;
  readonly #cursors = new Map<string, Cursor>();
  readonly #asked = new Map<string, { query: Readonly<Record<string, unknown>>; pending: Pending<Answered<unknown>> }>();
  readonly #queued = new Map<string, Pending<Receipt>>();
  readonly #given: ClientParts;

  constructor(given: ClientParts) {
    const failed = (error: Error): void => {
      given.report(error, { doing: "listening" });
    };
    this.#given = given;
    this.changed = new Listeners(failed);
    this.settled = new Listeners(failed);
    this.conflicts = new Listeners(failed);
  }

  get status(): Status {
    return this.#status;
  }

  /** When everything followed was last known to be up to date, in milliseconds since 1970. */
  get lastSyncedAt(): number | undefined {
    return this.#lastSyncedAt;
  }

  /** Whether what is shown may be out of date. */
  get stale(): boolean {
    return this.#status.state !== "connected" || !this.#status.current;
  }

  /** Whether this tab holds the connection. */
  get leads(): boolean {
    return this.#link?.leads ?? false;
  }

  /** Connects, and stays connected until `close`. */
  start(): void {
    if (this.#link !== undefined) return;
    this.#set({ ...AT_FIRST, state: "connecting" });
    const { surroundings } = this.#given.parts;
    this.#unwatch = surroundings.watch((change) => {
      if (change === "away") this.#goAway();
      else if (change === "back") this.#comeBack();
      else this.#look();
    });
    this.#alive = setInterval(() => {
      this.#link?.say({ kind: "alive" });
    }, ALIVE_MS);
    (this.#alive as { unref?: () => void }).unref?.();
    this.#open();
  }

  /** Ends the connection by intent. What is queued stays queued. */
  close(): void {
    this.#unwatch?.();
    clearInterval(this.#alive);
    this.#link?.close();
    this.#link = undefined;
    for (const cursor of this.#cursors.values()) cursor.lose();
    this.#rejectAll(new ClientError("closed", "the client was closed"));
    this.#set({ ...this.#status, state: "closed", reason: "", retryAt: undefined, current: false });
  }

  /** Starts, and closes when the last user has let go: for programs whose parts come and go. Answers how to let go. */
  use(): () => void {
    this.#users += 1;
    this.start();
    let used = true;
    return () => {
      if (!used) return;
      used = false;
      this.#users -= 1;
      // later: a part that goes and comes again at once, as React's do while developing, keeps the connection
      setTimeout(() => {
        if (this.#users === 0) this.close();
      });
    };
  }

  /** Tries again at once after `failed`, or before the next try is due. */
  retry(): void {
    this.#link?.say({ kind: "retry" });
  }

  /** Gives a place in a feed. It follows from `start` to `stop`. */
  feed(feed: string, options: FeedOptions = {}): Cursor {
    const id = newId();
    const say = (says: Parameters<Link["say"]>[0]): void => this.#link?.say(says);
    const cursor: Cursor = new Cursor(feed, options, {
      follow: (place) => {
        this.#cursors.set(id, cursor);
        say({ kind: "follow", cursor: id, feed, ...place, ...cursor.wanted });
      },
      unfollow: () => {
        this.#cursors.delete(id);
        say({ kind: "unfollow", cursor: id, feed });
      },
      ack: (sequence) => {
        say({ kind: "ack", feed, sequence });
      },
      report: this.#given.report,
      counts: this.counts,
    });
    return cursor;
  }

  /** Carries out a command once, now or when there is a connection again; gives its receipt.
   *
   * It is kept until it is answered, in browsers over reloads, too. `base` is what the person saw, for conflicts.
   * Raises `Refusal`, and `ClientError` with the codes `outbox_full` and `too_large`. */
  async command(command: AnyCommand, { commandId = newId(), base }: CommandOptions = {}): Promise<Receipt> {
    if (new TextEncoder().encode(JSON.stringify(command)).length > MOST_BYTES) {
      throw new ClientError("too_large", "a command may have at most 64 KiB: make it several");
    }
    const { accountId } = this.#status;
    const entry: Entry = { commandId, command: { ...command }, base, queuedAt: Date.now(), accountId };
    await this.#keep(entry);
    const receipt = new Promise<Receipt>((resolve, reject) => {
      this.#queued.set(commandId, { resolve, reject });
    });
    this.#link?.say({ kind: "queued", entry });
    return receipt;
  }

  /** Gives the commands that are not answered yet, in their order. */
  queued(): Promise<Entry[]> {
    return this.#given.store.all();
  }

  /** Asks. Raises `Refusal`, and `ClientError` `timeout` where no answer came within half a minute. */
  async query<N extends keyof Queries>(query: Queries[N] & { type: N }): Promise<Answered<Answers[N]>> {
    const id = `${this.tab}:${newId()}`;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const answer = new Promise<Answered<unknown>>((resolve, reject) => {
      this.#asked.set(id, { query: { ...query }, pending: { resolve, reject } });
      timer = setTimeout(() => {
        reject(new ClientError("timeout", "no answer within 30 seconds"));
      }, QUERY_MS);
    });
    this.#link?.say({ kind: "ask", id, query: { ...query } });
    try {
      return (await answer) as Answered<Answers[N]>;
    } finally {
      clearTimeout(timer);
      this.#asked.delete(id);
    }
  }

  /** Shows everybody on a feed that this person is here, and what they do; `null` when they leave. */
  present(feed: string, state: Readonly<Record<string, unknown>> | null): void {
    this.#link?.say({ kind: "present", feed, state });
  }

  /** Keeps an entry. Where that fails, it is sent from memory all the same, and the failure is told. */
  async #keep(entry: Entry): Promise<void> {
    try {
      await this.#given.store.add(entry);
    } catch (thrown) {
      if (thrown instanceof ClientError) throw thrown;
      this.#given.report(asError(thrown), { doing: "keeping a command", commandId: entry.commandId });
    }
  }

  #open(): void {
    const { parts, store, link } = this.#given;
    this.#link = link({
      tab: this.tab,
      parts,
      store,
      hear: (says) => {
        this.#hear(says);
      },
      restarted: () => {
        this.#tellAll();
      },
    });
  }

  /** Tells a new relay what the one before knew. Commands it finds in the store. */
  #tellAll(): void {
    const link = this.#link;
    if (link === undefined) return;
    link.say({ kind: "hello", visible: this.#given.parts.surroundings.visible });
    for (const cursor of [...this.#cursors.values()]) cursor.resume();
    for (const [id, { query }] of this.#asked) link.say({ kind: "ask", id, query });
  }

  /** The page is put away: it must not hold the connection that others wait for. */
  #goAway(): void {
    this.#away = true;
    this.#link?.close();
    this.#link = undefined;
    for (const cursor of this.#cursors.values()) cursor.lose();
    this.#set({ ...this.#status, state: "idle", reason: "away", retryAt: undefined, current: false });
  }

  #comeBack(): void {
    if (!this.#away) return;
    this.#away = false;
    this.#set({ ...this.#status, state: "connecting", reason: "" });
    this.#open();
  }

  #look(): void {
    this.#link?.say({ kind: "visible", visible: this.#given.parts.surroundings.visible });
  }

  #set(status: Status): void {
    const [before, now] = [this.#status.state, status.state];
    if (before === "connected" && now === "reconnecting") this.counts.lost += 1;
    if (before === "reconnecting" && now === "connected") this.counts.recovered += 1;
    this.#status = status;
    if (status.current && status.heardAt !== undefined) {
      this.#lastSyncedAt = status.heardAt;
      for (const cursor of this.#cursors.values()) cursor.synced(status.heardAt);
    }
    this.changed.tell(status);
  }

  #hear(says: RelaySays): void {
    switch (says.kind) {
      case "status":
        if (says.status.state !== "connected") for (const cursor of this.#cursors.values()) cursor.lose();
        this.#set(says.status);
        break;
      case "feed":
        this.#ofFeed(says.message);
        break;
      case "answer": {
        const { result, position, sequence, epoch } = says.result;
        const known = { sequence: sequence ?? undefined, epoch: epoch ?? undefined };
        this.#asked.get(says.id)?.pending.resolve({ answer: result, position, ...known });
        break;
      }
      case "refused":
        this.#asked.get(says.id)?.pending.reject(new Refusal(says.problem));
        break;
      case "settled":
        this.#settle(says.outcome);
        break;
    }
  }

  #ofFeed(message: OfFeed): void {
    for (const cursor of [...this.#cursors.values()]) if (cursor.feed === message.feed) cursor.hear(message);
  }

  #settle(outcome: Outcome): void {
    const { commandId, command, base } = outcome.entry;
    const pending = this.#queued.get(commandId);
    this.#queued.delete(commandId);
    if ("receipt" in outcome) {
      pending?.resolve(outcome.receipt);
    } else {
      const { problem } = outcome;
      this.counts.refused += 1;
      pending?.reject(new Refusal(problem));
      if (problem.code === "revision_conflict") {
        const revision = problem["current_revision"];
        this.counts.conflicts += 1;
        this.conflicts.tell({
          commandId,
          mine: command as unknown as AnyCommand,
          base,
          theirs: problem["current"],
          currentRevision: typeof revision === "number" ? revision : undefined,
          problem,
        });
      }
    }
    this.settled.tell(outcome);
  }

  #rejectAll(error: Error): void {
    for (const { pending } of this.#asked.values()) pending.reject(asError(error));
    for (const pending of this.#queued.values()) pending.reject(asError(error));
    this.#queued.clear();
  }
}

export interface CommandOptions {
  readonly commandId?: string;
  readonly base?: unknown;
}

interface Pending<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (error: Error) => void;
}
