/** Listeners: told in their order, and none of them keeps another from hearing. */

import { asError } from "./errors.js";

export class Listeners<T> {
  readonly #listeners = new Set<(value: T) => void>();
  readonly #failed: (error: Error) => void;

  /** Errors of listeners go to `failed`. */
  constructor(failed: (error: Error) => void) {
    this.#failed = failed;
  }

  get size(): number {
    return this.#listeners.size;
  }

  /** Adds a listener; answers how to remove it. */
  add(listener: (value: T) => void): () => void {
    const own = (value: T): void => {
      listener(value);
    };
    this.#listeners.add(own);
    return () => {
      this.#listeners.delete(own);
    };
  }

  tell(value: T): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(value);
      } catch (thrown) {
        this.#failed(asError(thrown));
      }
    }
  }
}
