/** Undo and redo, as commands: what somebody else did in between is never undone along with it. */

import type { AnyCommand } from "./client.js";
import { ClientError } from "./errors.js";
import type { FeedEvent } from "./frames.js";

const MOST_STEPS = 100;

/** Something that can be undone. */
export interface Step {
  /** What it changes, as keys such as a position's id, or finer ones such as id and field. */
  readonly keys: readonly string[];
  /** The command that did it: its events are no remote changes. */
  readonly commandId: string;
  /** Make the command that undoes, or does again, out of how things are now. */
  readonly undo: () => AnyCommand;
  readonly redo: () => AnyCommand;
}

interface Kept {
  readonly step: Step;
  /** The event of somebody else that changed the same since. */
  overtakenBy: FeedEvent | undefined;
}

/** Sends a command under an id. */
export type Send = (command: AnyCommand, commandId: string) => Promise<unknown>;

export class UndoStack {
  #done: Kept[] = [];
  #undone: Kept[] = [];
  readonly #own = new Set<string>();
  readonly #send: Send;
  readonly #makeId: () => string;

  constructor(send: Send, makeId: () => string) {
    this.#send = send;
    this.#makeId = makeId;
  }

  /** Remembers a step that was done. What was undone before can no longer be done again. */
  push(step: Step): void {
    this.#own.add(step.commandId);
    this.#done.push({ step, overtakenBy: undefined });
    this.#undone = [];
    if (this.#done.length > MOST_STEPS) this.#done.shift();
  }

  /** The step that `undo`, or `redo`, would take, and who has overtaken it. */
  get nextUndo(): Readonly<Kept> | undefined {
    return this.#done.at(-1);
  }

  get nextRedo(): Readonly<Kept> | undefined {
    return this.#undone.at(-1);
  }

  /** Hears an event and what it changes: steps about the same are overtaken, the others stay as they are. */
  hear(event: FeedEvent, keys: Iterable<string>): void {
    if (event.command_id !== undefined && this.#own.has(event.command_id)) return;
    const changed = new Set(keys);
    for (const kept of [...this.#done, ...this.#undone]) {
      if (kept.step.keys.some((key) => changed.has(key))) kept.overtakenBy = event;
    }
  }

  /** Takes the last step back. Raises `ClientError` `overtaken` where somebody changed the same since, unless `anyway`. */
  undo(anyway = false): Promise<void> {
    return this.#take("undo", anyway);
  }

  /** Does again what was undone last, by the same rules. */
  redo(anyway = false): Promise<void> {
    return this.#take("redo", anyway);
  }

  /** Forgets the next step of a kind, as when it is overtaken and not wanted any more. */
  skip(which: "undo" | "redo"): void {
    (which === "undo" ? this.#done : this.#undone).pop();
  }

  async #take(which: "undo" | "redo", anyway: boolean): Promise<void> {
    const [from, to] = which === "undo" ? [this.#done, this.#undone] : [this.#undone, this.#done];
    const kept = from.at(-1);
    if (kept === undefined) throw new ClientError("nothing_to_undo", `there is nothing to ${which}`);
    if (kept.overtakenBy !== undefined && !anyway) {
      throw new ClientError("overtaken", "somebody else has changed the same since");
    }
    const commandId = this.#makeId();
    this.#own.add(commandId);
    from.pop();
    to.push({ step: kept.step, overtakenBy: undefined });
    try {
      await this.#send(kept.step[which](), commandId);
    } catch (thrown) {
      this.#own.delete(commandId);
      const moved = to.findIndex(({ step }) => step === kept.step);
      if (moved !== -1) to.splice(moved, 1);
      from.push(kept);
      throw thrown;
    }
  }
}
