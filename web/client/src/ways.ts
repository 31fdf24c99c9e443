/** Which way to connect: a socket; where the server answers but sockets do not get through, a stream; else polling. */

import type { Way } from "./status.js";

const MOST_BLOCKED = 2;
const UPGRADE_MS = 60_000;
const LONGEST_UPGRADE_MS = 15 * 60_000;

export class Ways {
  #index = 0;
  /** Tries in a row that did not get through although the server answered otherwise. */
  #blocked = 0;
  #upgradeMs = UPGRADE_MS;
  readonly #ways: readonly Way[];
  readonly #probe: () => Promise<boolean>;

  /** `ways` are those that this program knows, the best one first; `probe` tells whether the server answers HTTP. */
  constructor(ways: readonly Way[], probe: () => Promise<boolean>) {
    this.#ways = ways;
    this.#probe = probe;
  }

  /** Which way to take now. */
  get next(): Way {
    return this.#ways[this.#index] ?? "poll";
  }

  /** The way taken led to the server. */
  worked(): void {
    this.#blocked = 0;
    if (this.#index === 0) this.#upgradeMs = UPGRADE_MS;
  }

  /** The way taken did not lead to the server. */
  async failed(): Promise<void> {
    if (!(await this.#probe())) {
      this.#index = this.#blocked = 0;
      return;
    }
    this.#blocked += 1;
    if (this.#blocked < MOST_BLOCKED) return;
    this.#index = (this.#index + 1) % this.#ways.length;
    this.#blocked = 0;
  }

  /** How long to stay on a fallback before the best way is tried again: longer each time; `undefined` on the best. */
  upgradeMs(): number | undefined {
    if (this.#index === 0) return undefined;
    const now = this.#upgradeMs;
    this.#upgradeMs = Math.min(now * 2, LONGEST_UPGRADE_MS);
    return now;
  }

  /** Takes the best way again; one failure leads back. */
  upgrade(): void {
    this.#index = 0;
    this.#blocked = MOST_BLOCKED - 1;
  }
}
