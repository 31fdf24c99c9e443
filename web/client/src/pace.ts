/** Says things no faster than the server allows: what is too much waits, in its order. */

/** How much of the allowance is used: the server's clock is another one, and heartbeats come on top. */
const SHARE = 0.8;

export class Pace<T> {
  #rate = Infinity;
  #burst = Infinity;
  #tokens = 0;
  #at = 0;
  #waiting: T[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #send: (message: T) => void;

  constructor(send: (message: T) => void) {
    this.#send = send;
  }

  /** Begins anew, with what the server allows: so many messages a second, and so many at once. */
  begin(rate: number, burst: number): void {
    this.stop();
    this.#rate = rate * SHARE;
    this.#burst = this.#tokens = burst * SHARE;
    this.#at = Date.now();
  }

  say(message: T): void {
    this.#waiting.push(message);
    if (this.#timer === undefined) this.#flush();
  }

  /** Forgets what waits. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#waiting = [];
  }

  #flush(): void {
    const now = Date.now();
    this.#tokens = Math.min(this.#burst, this.#tokens + ((now - this.#at) / 1000) * this.#rate);
    this.#at = now;
    while (this.#waiting.length > 0 && this.#tokens >= 1) {
      this.#tokens -= 1;
      this.#send(this.#waiting.shift() as T);
    }
    this.#timer = undefined;
    if (this.#waiting.length === 0) return;
    this.#timer = setTimeout(() => {
      this.#flush();
    }, Math.ceil((1000 * (1 - this.#tokens)) / this.#rate));
  }
}
