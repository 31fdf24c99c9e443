/** The connection to the server: one state machine, from the first try to giving up, over whichever way works. */

import { MOST_TRIES, STABLE_MS, pause } from "./backoff.js";
import { courseAfter } from "./closing.js";
import type { Course } from "./closing.js";
import { Refusal, asError } from "./errors.js";
import type { Report } from "./errors.js";
import { read } from "./frames.js";
import type { Heard } from "./frames.js";
import type { Bye, Said, Welcome } from "./generated.js";
import { Pace } from "./pace.js";
import { AT_FIRST } from "./status.js";
import type { State, Status, Way } from "./status.js";
import type { Surroundings } from "./surroundings.js";
import { authentication } from "./transport.js";
import type { Credentials, Open, Transport } from "./transport.js";
import { Ways } from "./ways.js";

const WELCOME_MS = 10_000;
const DEFAULT_SPREAD_MS = 5_000;
const NORMAL = 1000;
/** How often it is told that the server was heard. */
const TOLD_EVERY_MS = 1_000;
/** How long before their end credentials are renewed. */
const RENEW_MS = 30_000;
const SOONEST_MS = 1_000;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export interface Parts {
  readonly open: Readonly<Record<Way, Open>>;
  /** The ways that this program knows, the best one first. */
  readonly ways: readonly Way[];
  /** Tells whether the server answers plain HTTP. */
  readonly probe: () => Promise<boolean>;
  /** Gives credentials; `refused` where the last ones did not hold. Throws where there are none. */
  readonly credentials: (refused: boolean) => Promise<Credentials>;
  readonly surroundings: Surroundings;
  readonly report: Report;
  readonly random: () => number;
}

/** What a connection tells. */
export interface Ears {
  status(status: Status): void;
  /** Open and signed in: whatever was followed has to be asked for again. */
  opened(welcome: Welcome): void;
  heard(message: Heard): void;
  /** Nothing that was said and not answered will be answered. */
  lost(): void;
}

export class Connection {
  #status: Status = AT_FIRST;
  #transport: Transport | undefined;
  /** Counts tries, so that what belongs to an earlier one is known and left. */
  #era = 0;
  #welcome: Welcome | undefined;
  #bye: Bye | undefined;
  #spreadMs = DEFAULT_SPREAD_MS;
  #refused = false;
  #watched: boolean | undefined;
  #unwatch: (() => void) | undefined;
  readonly #timers = new Map<"retry" | "welcome" | "silence" | "stable" | "renew" | "upgrade", Timer>();
  readonly #parts: Parts;
  readonly #ears: Ears;
  readonly #ways: Ways;
  readonly #pace = new Pace<Said>((message) => this.#transport?.say(message));

  constructor(parts: Parts, ears: Ears) {
    this.#parts = parts;
    this.#ears = ears;
    this.#ways = new Ways(parts.ways, parts.probe);
  }

  get status(): Status {
    return this.#status;
  }

  get welcome(): Welcome | undefined {
    return this.#welcome;
  }

  /** Connects, and stays connected until `close`. */
  start(): void {
    if (this.#status.state !== "idle" && this.#status.state !== "closed") return;
    this.#unwatch ??= this.#parts.surroundings.watch((change) => {
      if (change === "online" || change === "visible") this.look(this.#watched);
    });
    this.#set({ ...AT_FIRST, state: "connecting" });
    this.#plan(0, "");
  }

  /** Ends it by intent. */
  close(): void {
    this.#unwatch?.();
    this.#unwatch = undefined;
    this.#drop("closed", "");
  }

  /** Tries again at once, with a clean record: the way out of `failed`. */
  retry(): void {
    if (this.#status.state === "failed" || this.#timers.has("retry") || this.#waits) {
      this.#refused = false;
      this.#set({ state: "reconnecting", failures: 0, reason: "" });
      this.#plan(0, "");
    }
  }

  /** Looks around: pauses tries while offline or while nobody looks, goes on when that is over, doubts old silence.
   *
   * `watched` tells whether somebody looks elsewhere, as in another tab. */
  look(watched?: boolean): void {
    this.#watched = watched;
    if (this.#waits) {
      if (this.#obstacle === undefined) {
        this.#set({ failures: 0 });
        this.#plan(this.#parts.random() * 200, "");
      }
    } else if (this.#timers.has("retry") && this.#obstacle !== undefined) {
      this.#wait(this.#obstacle);
    } else if (this.#status.state === "connected" && this.#obstacle === undefined) {
      this.#doubt();
    }
  }

  /** Says something as soon as the server takes it, if there is a connection; tells whether there is. */
  say(message: Said): boolean {
    if (this.#status.state !== "connected" || this.#transport === undefined) return false;
    this.#pace.say(message);
    return true;
  }

  /** Notes whether everything followed is up to date. */
  note(current: boolean): void {
    if (current !== this.#status.current) this.#set({ current });
  }

  get #waits(): boolean {
    const { state } = this.#status;
    return (state === "connecting" || state === "reconnecting") && !this.#transport && this.#timers.size === 0;
  }

  get #obstacle(): "offline" | "hidden" | undefined {
    const { online, visible } = this.#parts.surroundings;
    if (!online) return "offline";
    return (this.#watched ?? visible) ? undefined : "hidden";
  }

  #set(change: Partial<Status>): void {
    this.#status = { ...this.#status, ...change };
    this.#ears.status(this.#status);
  }

  #wait(why: "offline" | "hidden"): void {
    this.#clear();
    this.#set({ reason: why, retryAt: undefined });
  }

  #plan(milliseconds: number, reason: string): void {
    this.#clear();
    this.#era += 1; // whatever is under way is not wanted any more
    if (this.#obstacle !== undefined) {
      this.#wait(this.#obstacle);
      return;
    }
    this.#set({ reason, retryAt: Date.now() + milliseconds });
    const era = this.#era;
    this.#after("retry", milliseconds, () => {
      this.#set({ retryAt: undefined });
      this.#connect(era).catch((thrown: unknown) => {
        this.#parts.report(asError(thrown), { doing: "connecting" });
        if (era !== this.#era) return;
        if (thrown instanceof Refusal) this.#drop("failed", "not_authenticated");
        else this.#closed(era, 1006, "no credentials");
      });
    });
  }

  async #connect(era: number): Promise<void> {
    this.#after("welcome", WELCOME_MS, () => {
      this.#closed(era, 1006, "no welcome");
    });
    const credentials = await this.#parts.credentials(this.#refused);
    if (era !== this.#era) return;
    this.#bye = undefined;
    this.#welcome = undefined;
    this.#transport = this.#parts.open[this.#ways.next](
      {
        frame: (text) => {
          if (era === this.#era) this.#frame(era, text);
        },
        alive: () => {
          if (era === this.#era) this.#alive();
        },
        closed: (code, reason) => {
          this.#closed(era, code, reason);
        },
      },
      credentials,
    );
    this.#set({ way: this.#transport.way });
  }

  /** Renews credentials in time, on the open socket, where the server says when they end. */
  #renewBefore(end: string | null | undefined): void {
    if (typeof end !== "string" || this.#status.way !== "websocket") return;
    const era = this.#era;
    const milliseconds = Date.parse(end) - Date.now() - RENEW_MS;
    this.#after("renew", Math.min(Math.max(milliseconds, SOONEST_MS), LONGEST_TIMER_MS), () => {
      this.#parts
        .credentials(false)
        .then((fresh) => {
          const proof = authentication(fresh);
          if (era === this.#era && proof !== undefined) this.#transport?.say(proof);
        })
        .catch((thrown: unknown) => {
          this.#parts.report(asError(thrown), { doing: "renewing credentials" });
        });
    });
  }

  #frame(era: number, text: string): void {
    this.#alive();
    const strange = (what: string, details: Readonly<Record<string, unknown>>): void => {
      this.#parts.report(new Error(what), details);
    };
    for (const message of read(text, strange)) {
      if (era !== this.#era) return;
      this.#hear(message);
    }
  }

  #hear(message: Heard): void {
    switch (message.op) {
      case "welcome":
        this.#open(message);
        break;
      case "ping":
        this.#transport?.say({ op: "pong", t: message.t });
        break;
      case "pong":
        break;
      case "signed_in":
        this.#renewBefore(message.expires_at);
        break;
      case "bye":
        this.#bye = message;
        break;
      default:
        this.#ears.heard(message);
    }
  }

  #open(welcome: Welcome): void {
    this.#welcome = welcome;
    this.#refused = false;
    this.#spreadMs = welcome.reconnect_jitter_max_ms;
    this.#clearOne("welcome");
    this.#ways.worked();
    this.#pace.begin(welcome.limits.messages_per_second, welcome.limits.burst);
    this.#set({ state: "connected", reason: "", retryAt: undefined, accountId: welcome.account_id, current: false });
    this.#after("stable", STABLE_MS, () => {
      this.#set({ failures: 0 });
    });
    this.#listen();
    this.#upgradeLater();
    this.#renewBefore(welcome.expires_at);
    this.#ears.opened(welcome);
  }

  #upgradeLater(): void {
    const milliseconds = this.#ways.upgradeMs();
    if (milliseconds === undefined) return;
    this.#after("upgrade", milliseconds, () => {
      this.#ways.upgrade();
      this.#lose();
      this.#set({ state: "reconnecting", current: false });
      this.#plan(0, "upgrade");
    });
  }

  #alive(): void {
    const now = Date.now();
    if (now - (this.#status.heardAt ?? 0) >= TOLD_EVERY_MS) this.#set({ heardAt: now });
    this.#listen();
  }

  /** Takes silence for the end. */
  #listen(withinMs?: number): void {
    const { heartbeat_interval = 0, heartbeat_timeout = 0 } = this.#welcome ?? {};
    if (this.#welcome === undefined) return;
    const era = this.#era;
    this.#after("silence", withinMs ?? 1000 * (heartbeat_interval + heartbeat_timeout), () => {
      this.#transport?.close(4010, "silence");
      this.#closed(era, 4010, "silence");
    });
  }

  /** After a sleep, or another network: the connection may be dead without anybody having been told. */
  #doubt(): void {
    const { heartbeat_timeout } = this.#welcome ?? { heartbeat_timeout: 10 };
    this.#transport?.say({ op: "ping", t: Date.now() });
    this.#listen(1000 * heartbeat_timeout);
  }

  #closed(era: number, code: number, reason: string): void {
    if (era !== this.#era) return;
    const bye = this.#bye;
    const welcomed = this.#welcome !== undefined;
    const stable = welcomed && !this.#timers.has("stable");
    this.#lose();
    const course = courseAfter(bye?.code ?? code, bye?.reconnect);
    const why = reason === "silence" ? "silence" : String(bye?.code ?? code);
    if (course.next === "done") {
      this.#drop("closed", why);
    } else if (course.next === "failed" || (course.next === "renew" && this.#refused)) {
      this.#drop("failed", course.next === "renew" ? "not_authenticated" : why);
    } else {
      if (course.next === "renew") this.#refused = true;
      this.#comeBack(course, why, { welcomed, stable, notBeforeMs: bye?.retry_after_ms ?? 0 });
    }
  }

  #comeBack(
    course: Course & { next: "retry" | "renew" },
    why: string,
    { welcomed, stable, notBeforeMs }: { welcomed: boolean; stable: boolean; notBeforeMs: number },
  ): void {
    const failures = stable ? 0 : this.#status.failures + 1;
    const state = welcomed || this.#status.state === "reconnecting" ? "reconnecting" : "connecting";
    this.#set({ state, failures, current: false });
    if (failures >= MOST_TRIES) {
      this.#drop("failed", "gave_up");
      return;
    }
    const again = course.next === "retry" ? course : ({ next: "retry" } as const);
    const milliseconds = pause(failures, again, { spreadMs: this.#spreadMs, notBeforeMs, random: this.#parts.random });
    this.#plan(milliseconds, why);
    if (!welcomed) void this.#ways.failed();
  }

  #drop(state: State & ("closed" | "failed"), reason: string): void {
    this.#lose();
    this.#set({ state, reason, retryAt: undefined, current: false });
  }

  #lose(): void {
    const transport = this.#transport;
    this.#era += 1;
    this.#transport = undefined;
    this.#pace.stop();
    this.#clear();
    transport?.close(NORMAL, "");
    if (this.#welcome !== undefined) {
      this.#welcome = undefined;
      this.#ears.lost();
    }
  }

  #after(name: TimerName, milliseconds: number, action: () => void): void {
    this.#clearOne(name);
    const timer = setTimeout(() => {
      this.#timers.delete(name);
      action();
    }, milliseconds);
    this.#timers.set(name, timer);
  }

  #clearOne(name: TimerName): void {
    clearTimeout(this.#timers.get(name));
    this.#timers.delete(name);
  }

  #clear(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }
}

type Timer = ReturnType<typeof setTimeout>;
type TimerName = "retry" | "welcome" | "silence" | "stable" | "renew" | "upgrade";
