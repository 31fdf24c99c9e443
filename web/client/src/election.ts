/** Which tab leads: whoever gets the browser's lock, or where there are no locks, whoever claims it first. */

export interface Election {
  /** Leads no longer, and does not want to. */
  leave(): void;
}

export interface Outcomes {
  readonly won: () => void;
  /** Another tab leads, too: this one must not any more. */
  readonly lost: () => void;
}

/** Stands for election among the tabs that know `name`. */
export function elect(name: string, tab: string, outcomes: Outcomes): Election {
  const locks = (globalThis.navigator as Navigator | undefined)?.locks as LockManager | undefined;
  return locks === undefined ? new Claims(name, tab, outcomes) : byLock(locks, name, outcomes);
}

function byLock(locks: LockManager, name: string, { won }: Outcomes): Election {
  const leaving = new AbortController();
  const { signal } = leaving;
  const held = new Promise<void>((resolve) => {
    signal.addEventListener("abort", () => {
      resolve();
    });
  });
  const lead = (): Promise<void> => {
    if (!signal.aborted) won();
    return held;
  };
  locks.request(name, { signal }, lead).catch(() => undefined); // it only fails when given up
  return {
    leave: () => {
      leaving.abort();
    },
  };
}

const BEAT_MS = 1_000;
/** A leader that is silent for so long is gone. */
const SILENT_MS = 3_500;
const CLAIM_MS = 300;

interface Word {
  readonly kind: "here" | "claim" | "bye";
  readonly tab: string;
}

/** Elects by talking: a leader says that it is here, and of several the lowest name stays. */
export class Claims implements Election {
  readonly #tab: string;
  readonly #outcomes: Outcomes;
  readonly #channel: BroadcastChannel;
  #leads = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(name: string, tab: string, outcomes: Outcomes) {
    this.#tab = tab;
    this.#outcomes = outcomes;
    this.#channel = new BroadcastChannel(`${name}:election`);
    this.#channel.onmessage = ({ data }: MessageEvent<Word>) => {
      this.#heard(data);
    };
    this.#claim();
  }

  leave(): void {
    clearTimeout(this.#timer);
    if (this.#leads) this.#say("bye");
    this.#leads = false;
    this.#channel.close();
  }

  #say(kind: Word["kind"]): void {
    this.#channel.postMessage({ kind, tab: this.#tab } satisfies Word);
  }

  #next(milliseconds: number, action: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(action, milliseconds);
  }

  #claim(): void {
    this.#say("claim");
    this.#next(CLAIM_MS, () => {
      this.#leads = true;
      this.#beat();
      this.#outcomes.won();
    });
  }

  #beat(): void {
    this.#say("here");
    this.#next(BEAT_MS, () => {
      this.#beat();
    });
  }

  #follow(): void {
    this.#next(SILENT_MS, () => {
      this.#claim();
    });
  }

  #heard({ kind, tab }: Word): void {
    if (kind === "bye") {
      if (!this.#leads) this.#claim();
    } else if (!this.#leads) {
      if (kind === "here" || tab < this.#tab) this.#follow();
      else this.#claim(); // this one's name is lower
    } else if (kind === "here" && tab < this.#tab) {
      this.#leads = false;
      this.#follow();
      this.#outcomes.lost();
    } else {
      this.#say("here");
    }
  }
}
