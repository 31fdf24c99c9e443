/** Sends queued commands: those of one project one after the other, each until it is answered, however often. */

import type { ProblemDetails, Report } from "./errors.js";
import { asError } from "./errors.js";
import type { Result, Receipt, Said } from "./generated.js";
import type { Entry, Store } from "./outbox.js";
import type { Outcome } from "./relay_messages.js";

const MOST_IN_FLIGHT = 16;
const AGAIN_MS = 1_000;
const LONGEST_AGAIN_MS = 30_000;
/** Answers that say nothing about the command itself. */
const PASSING = new Set([401, 429, 500, 502, 503, 504]);

export interface SenderParts {
  readonly store: Store;
  /** Says a message, if there is a connection. */
  readonly say: (message: Said) => boolean;
  readonly settled: (outcome: Outcome) => void;
  readonly report: Report;
}

export class Sender {
  readonly #entries = new Map<string, Entry>();
  /** Commands that are on the wire, by lane. */
  readonly #flying = new Map<string, string>();
  readonly #parts: SenderParts;
  /** Who is signed in: what somebody else queued in this browser waits until they are back. */
  account: string | undefined;
  #ready = false;
  #tries = 0;
  #again: ReturnType<typeof setTimeout> | undefined;

  constructor(parts: SenderParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Takes up what an earlier run, or another tab, left behind. */
  async load(): Promise<void> {
    try {
      const later = [...this.#entries.values()];
      const kept = await this.#parts.store.all();
      const added = [...this.#entries.values()].filter((entry) => !later.includes(entry));
      this.#entries.clear();
      for (const entry of [...kept, ...later, ...added]) this.#entries.set(entry.commandId, entry);
    } catch (thrown) {
      this.#parts.report(asError(thrown), { doing: "reading the outbox" });
    }
    this.#send();
  }

  /** Sends a command that is kept already, when its turn comes. */
  add(entry: Entry): void {
    if (!this.#entries.has(entry.commandId)) this.#entries.set(entry.commandId, entry);
    this.#send();
  }

  /** Begins to send: there is a connection, and everything followed is up to date. */
  begin(): void {
    this.#ready = true;
    this.#tries = 0;
    this.#send();
  }

  /** Stops: the connection is lost, and with it the answers to what was on the wire. It will be sent again. */
  pause(): void {
    this.#ready = false;
    this.#flying.clear();
    clearTimeout(this.#again);
    this.#again = undefined;
  }

  /** Hears the receipt of a command; tells whether it was one of these. */
  answered(result: Result): boolean {
    const entry = this.#landed(String(result.id));
    if (entry !== undefined) this.#settle({ entry, receipt: result.result as Receipt });
    return entry !== undefined;
  }

  /** Hears that a command was refused; tells whether it was one of these. */
  refused(id: string, problem: ProblemDetails): boolean {
    const entry = this.#landed(id);
    if (entry === undefined) return false;
    if (PASSING.has(problem.status)) this.#later(problem);
    else this.#settle({ entry, problem });
    return true;
  }

  #landed(id: string): Entry | undefined {
    const entry = this.#entries.get(id);
    if (entry === undefined || this.#flying.get(laneOf(entry)) !== id) return undefined;
    this.#flying.delete(laneOf(entry));
    return entry;
  }

  #settle(outcome: Outcome): void {
    const { commandId } = outcome.entry;
    this.#tries = 0;
    this.#entries.delete(commandId);
    this.#parts.store.remove(commandId).catch((thrown: unknown) => {
      this.#parts.report(asError(thrown), { doing: "removing from the outbox", commandId });
    });
    this.#parts.settled(outcome);
    this.#send();
  }

  #later(problem: ProblemDetails): void {
    const asked = Number(problem["retry_after"] ?? 0) * 1000;
    const pause = Math.max(asked, Math.min(LONGEST_AGAIN_MS, AGAIN_MS * 2 ** this.#tries));
    this.#tries += 1;
    if (problem.status >= 500 && this.#tries > 3) {
      this.#parts.report(new Error("a command is not carried out"), { code: problem.code, tries: this.#tries });
    }
    this.#again ??= setTimeout(() => {
      this.#again = undefined;
      this.#send();
    }, pause);
  }

  #send(): void {
    if (!this.#ready || this.#again !== undefined) return;
    for (const entry of this.#entries.values()) {
      if (this.#flying.size >= MOST_IN_FLIGHT) return;
      const { commandId, command, accountId } = entry;
      if (accountId !== undefined && accountId !== this.account) continue;
      const lane = laneOf(entry);
      if (this.#flying.has(lane)) continue;
      if (!this.#parts.say({ op: "command", id: commandId, command, command_id: commandId })) return;
      this.#flying.set(lane, commandId);
    }
  }
}

/** Names what a command's order matters within. */
function laneOf({ command }: Entry): string {
  const project = command["project_id"];
  return typeof project === "string" ? project : "";
}
