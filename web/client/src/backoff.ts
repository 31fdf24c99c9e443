/** Pauses between tries: full jitter, doubling from half a second to twenty, ten tries in a row at most. */

import type { Course } from "./closing.js";

export const FIRST_MS = 500;
export const LONGEST_MS = 20_000;
export const MOST_TRIES = 10;
/** A connection that lasted this long makes earlier failures forgotten. */
export const STABLE_MS = 10_000;
/** What a server may ask for at most as spread of a first retry. */
export const MOST_SPREAD_MS = 60_000;

/** Gives the pause in milliseconds before the next try.
 *
 * `failures` is how many tries failed in a row; 0 after a stable connection. `spreadMs` is what the server announced.
 * `notBeforeMs` is how long it asked to stay away. `random` gives a number from 0 to below 1. */
export function pause(
  failures: number,
  course: Course & { next: "retry" },
  { spreadMs, notBeforeMs, random }: { spreadMs: number; notBeforeMs: number; random: () => number },
): number {
  const spread = failures === 0 && course.spread === true ? Math.min(Math.max(spreadMs, 0), MOST_SPREAD_MS) : undefined;
  const bound = spread ?? Math.min(LONGEST_MS, FIRST_MS * 2 ** failures * (course.doubled === true ? 2 : 1));
  return Math.max(notBeforeMs, Math.round(random() * bound));
}
