/** A place in a feed: every event behind it once and in order, whatever the connection does. */

import type { Counts } from "./counts.js";
import { asError } from "./errors.js";
import type { Report } from "./errors.js";
import type { FeedEvent, Progress, StrangeEvent } from "./frames.js";
import type { Presence } from "./generated.js";
import { Listeners } from "./listeners.js";
import type { OfFeed, Place, ResetHere, Wanted } from "./relay_messages.js";

/** Events that came too early and wait for those before them. */
const MOST_BUFFERED = 1_000;
/** How long what came too early may wait before the hole is asked for. */
const HOLE_MS = 250;
const AGAIN_MS = 1_000;
const LONGEST_AGAIN_MS = 30_000;

export interface FeedOptions extends Partial<Wanted>, Place {
  /** Reads the state at some sequence, and takes it over. Called first where there is no `after`, and after a reset.
   *
   * Answers the sequence that the state is true at, and its epoch where it is known. Without it the feed is live only,
   * or ends with the code `snapshot_needed` where a reset asks for one. */
  readonly snapshot?: (reason: string) => Promise<{ sequence: number; epoch?: string | undefined }>;
}

export interface CursorParts {
  readonly follow: (place: Place) => void;
  readonly unfollow: () => void;
  readonly ack: (sequence: number) => void;
  readonly report: Report;
  readonly counts: Counts;
}

/** `joining`: asks and replays. `live`. `reading`: a snapshot. `ended`: the server, or its refusal, ended it. */
export type FeedState = "idle" | "joining" | "live" | "reading" | "ended";

export class Cursor {
  readonly feed: string;
  readonly events: Listeners<FeedEvent>;
  readonly presence: Listeners<Presence>;
  readonly progress: Listeners<Progress>;
  /** Hears of every change of `state`, `sequence` or freshness. */
  readonly changed: Listeners<Cursor>;
  readonly wanted: Wanted;
  #state: FeedState = "idle";
  /** Why it ended: the server's code. */
  #code = "";
  #sequence: number | undefined;
  #epoch: string | undefined;
  #syncedAt: number | undefined;
  readonly #early = new Map<number, FeedEvent | StrangeEvent>();
  #hole: ReturnType<typeof setTimeout> | undefined;
  #again: ReturnType<typeof setTimeout> | undefined;
  /** Counts starts and resets, so that a late snapshot of an earlier one is left. */
  #era = 0;
  readonly #options: FeedOptions;
  readonly #parts: CursorParts;

  constructor(feed: string, options: FeedOptions, parts: CursorParts) {
    const failed = (error: Error): void => {
      parts.report(error, { feed, doing: "listening" });
    };
    this.feed = feed;
    this.events = new Listeners(failed);
    this.presence = new Listeners(failed);
    this.progress = new Listeners(failed);
    this.changed = new Listeners(failed);
    this.wanted = { types: options.types ?? [], about: options.about ?? [] };
    this.#options = options;
    this.#parts = parts;
    this.#sequence = options.after;
    this.#epoch = options.epoch;
  }

  get state(): FeedState {
    return this.#state;
  }

  get code(): string {
    return this.#code;
  }

  /** Everything up to here was told. */
  get sequence(): number | undefined {
    return this.#sequence;
  }

  get epoch(): string | undefined {
    return this.#epoch;
  }

  /** When it was last known to be up to date, in milliseconds since 1970. */
  get lastSyncedAt(): number | undefined {
    return this.#syncedAt;
  }

  get stale(): boolean {
    return this.#state !== "live";
  }

  /** Follows the feed from where it stands. */
  start(): void {
    if (this.#state !== "idle" && this.#state !== "ended") return;
    this.#code = "";
    if (this.#sequence === undefined && this.#options.snapshot !== undefined) this.#read("start");
    else this.resume();
  }

  /** Stops following, and remembers the place. */
  stop(): void {
    if (this.#state === "idle") return;
    this.#leave("idle");
    this.#parts.unfollow();
  }

  /** Asks to go on from here: the relay is new, or lost something. */
  resume(): void {
    if (this.#state === "reading") return;
    this.#early.clear();
    this.#enter("joining");
    const epoch = this.#epoch === undefined ? {} : { epoch: this.#epoch };
    this.#parts.follow(this.#sequence === undefined ? {} : { after: this.#sequence, ...epoch });
  }

  /** Hears that the connection is lost, or that the server was heard at a time. */
  lose(): void {
    if (this.#state === "live") this.#enter("joining");
  }

  synced(at: number): void {
    if (this.#state === "live") this.#syncedAt = at;
  }

  /** Takes a message of the feed. */
  hear(message: OfFeed): void {
    if (this.#state === "idle" || this.#state === "ended") return;
    if (message.op === "unsubscribed") {
      this.#code = message.code ?? "";
      this.#leave("ended");
    } else if (this.#state === "reading") {
      return; // the snapshot will know
    } else {
      this.#take(message);
    }
  }

  #take(message: Exclude<OfFeed, { op: "unsubscribed" }>): void {
    switch (message.op) {
      case "event":
      case "strange":
        this.#event(message);
        break;
      case "subscribed":
        this.#subscribed(message);
        break;
      case "caught_up":
        if (this.#upTo(message.sequence)) this.#live();
        break;
      case "advanced":
        this.#upTo(message.sequence);
        break;
      case "reset":
        this.#reset(message);
        break;
      case "presence":
        this.presence.tell(message);
        break;
      case "progress":
        this.progress.tell(message);
        break;
    }
  }

  #subscribed({ epoch, head, recovered }: { epoch: string; head: number; recovered: boolean }): void {
    if (this.#epoch !== undefined && this.#epoch !== epoch && this.#sequence !== undefined) {
      this.#startAnew("epoch");
      return;
    }
    this.#epoch = epoch;
    if (!recovered) this.#sequence ??= head;
  }

  #event(event: FeedEvent | StrangeEvent): void {
    const { sequence } = event;
    if (this.#sequence !== undefined && sequence <= this.#sequence) {
      this.#parts.counts.repeated += 1;
      return;
    }
    const next = this.#sequence === undefined || this.#filtered || sequence === this.#sequence + 1;
    if (!next) {
      this.#early.set(sequence, event);
      this.#parts.counts.early += 1;
      this.#mind();
      return;
    }
    this.#pass(event);
    for (let later = this.#early.get(sequence + 1); later; later = this.#early.get(later.sequence + 1)) this.#pass(later);
    if (this.#early.size === 0) this.#healed();
    this.changed.tell(this);
  }

  #pass(event: FeedEvent | StrangeEvent): void {
    this.#early.delete(event.sequence);
    this.#parts.counts.events += 1;
    this.#sequence = event.sequence; // before it is told: whoever listens may stop
    if (event.op === "event" && this.#concerns(event)) this.events.tell(event);
    this.#parts.ack(event.sequence);
  }

  /** Something is missing: waits a little, then asks for it. */
  #mind(): void {
    if (this.#early.size > MOST_BUFFERED) {
      this.#askAgain();
      return;
    }
    this.#hole ??= setTimeout(() => {
      this.#askAgain();
    }, HOLE_MS);
  }

  #askAgain(): void {
    this.#parts.counts.holes += 1;
    this.#parts.report(new Error("events are missing: asking for them again"), {
      feed: this.feed,
      behind: this.#sequence,
      early: this.#early.size,
    });
    this.#healed();
    this.resume();
  }

  #healed(): void {
    clearTimeout(this.#hole);
    this.#hole = undefined;
  }

  /** Hears that everything wanted up to a sequence was told; says whether that is so. */
  #upTo(sequence: number): boolean {
    if (this.#sequence !== undefined && sequence > this.#sequence && !this.#filtered) {
      this.#mind();
      return false;
    }
    this.#sequence = Math.max(this.#sequence ?? 0, sequence);
    return true;
  }

  #live(): void {
    this.#syncedAt = Date.now();
    this.#enter("live");
  }

  #reset({ reason, after }: ResetHere): void {
    const mine = this.#sequence;
    if (reason === "too_far" && after !== undefined && mine !== undefined && mine > after) this.resume();
    else this.#startAnew(reason);
  }

  #startAnew(reason: string): void {
    this.#epoch = undefined;
    this.#sequence = undefined;
    if (this.#options.snapshot !== undefined) {
      this.#read(reason);
    } else if (this.#options.after === undefined) {
      this.resume(); // live only, and there is no place to lose
    } else {
      this.#code = "snapshot_needed";
      this.#leave("ended");
      this.#parts.unfollow();
    }
  }

  #read(reason: string, pause = AGAIN_MS): void {
    const { snapshot } = this.#options;
    if (snapshot === undefined) return;
    this.#parts.counts.snapshots += 1;
    this.#leave("reading");
    const era = this.#era;
    snapshot(reason).then(
      ({ sequence, epoch }) => {
        if (era !== this.#era) return;
        this.#sequence = sequence;
        this.#epoch = epoch;
        this.#state = "joining";
        this.resume();
      },
      (thrown: unknown) => {
        this.#parts.report(asError(thrown), { feed: this.feed, doing: "reading a snapshot" });
        if (era !== this.#era) return;
        this.#again = setTimeout(() => {
          this.#read(reason, Math.min(pause * 2, LONGEST_AGAIN_MS));
        }, pause);
      },
    );
  }

  #leave(state: FeedState): void {
    this.#era += 1;
    clearTimeout(this.#again);
    this.#healed();
    this.#early.clear();
    this.#enter(state);
  }

  #enter(state: FeedState): void {
    this.#state = state;
    this.changed.tell(this);
  }

  get #filtered(): boolean {
    return this.wanted.types.length > 0 || this.wanted.about.length > 0;
  }

  #concerns(event: FeedEvent): boolean {
    const { types, about } = this.wanted;
    const typed = types.length === 0 || types.some((each) => covers(each, event.type));
    return typed && (about.length === 0 || about.some((id) => JSON.stringify(event.data).includes(id)));
  }
}

function covers(pattern: string, type: string): boolean {
  return pattern === type || (pattern.endsWith(".*") && type.startsWith(pattern.slice(0, -1)));
}
