/** What surrounds the client: whether there is a network, whether anybody looks, whether the page is put away. */

export interface Surroundings {
  readonly online: boolean;
  readonly visible: boolean;
  /** Hears of every change; `away` and `back` frame the time that a page spends in the history. Answers how to stop. */
  watch(listener: (change: "online" | "visible" | "away" | "back") => void): () => void;
}

/** Surroundings of a program without a page. */
export const ALWAYS_HERE: Surroundings = { online: true, visible: true, watch: () => () => undefined };

/** Gives the browser's surroundings; elsewhere those of a program that is always here. */
export function surroundings(): Surroundings {
  return typeof window === "undefined" || typeof document === "undefined" ? ALWAYS_HERE : new Page();
}

class Page implements Surroundings {
  get online(): boolean {
    return navigator.onLine;
  }

  get visible(): boolean {
    return document.visibilityState !== "hidden";
  }

  watch(listener: (change: "online" | "visible" | "away" | "back") => void): () => void {
    const watching = new AbortController();
    const { signal } = watching;
    const online = (): void => {
      listener("online");
    };
    window.addEventListener("online", online, { signal });
    window.addEventListener("offline", online, { signal });
    document.addEventListener("visibilitychange", () => { listener("visible"); }, { signal });
    window.addEventListener("pagehide", () => { listener("away"); }, { signal });
    window.addEventListener("pageshow", (event) => { if (event.persisted) listener("back"); }, { signal });
    return () => {
      watching.abort();
    };
  }
}
