/** What a tab and whoever holds the connection say to each other: plain objects, so that they fit a BroadcastChannel. */

import type { ProblemDetails } from "./errors.js";
import type { FeedEvent, Progress, StrangeEvent } from "./frames.js";
import type * as wire from "./generated.js";
import type { Entry } from "./outbox.js";
import type { Status } from "./status.js";

/** What of a feed is wanted: events of these types, and about these ids; everything where both are empty. */
export interface Wanted {
  readonly types: readonly string[];
  readonly about: readonly string[];
}

/** Where to go on from: behind the sequence `after` of that life of the log; live only without. */
export interface Place {
  readonly after?: number;
  readonly epoch?: string;
}

export type TabSays =
  | { readonly kind: "hello"; readonly visible: boolean }
  | ({ readonly kind: "follow"; readonly cursor: string; readonly feed: string } & Place & Wanted)
  | { readonly kind: "unfollow"; readonly cursor: string; readonly feed: string }
  | { readonly kind: "ask"; readonly id: string; readonly query: Readonly<Record<string, unknown>> }
  | { readonly kind: "queued"; readonly entry: Entry }
  | { readonly kind: "present"; readonly feed: string; readonly state: Readonly<Record<string, unknown>> | null }
  | { readonly kind: "ack"; readonly feed: string; readonly sequence: number }
  | { readonly kind: "visible"; readonly visible: boolean }
  | { readonly kind: "alive" }
  | { readonly kind: "retry" }
  | { readonly kind: "gone" };

/** A `reset` with the sequence that had been asked for: whoever has more than that is not concerned. */
export interface ResetHere extends wire.Reset {
  readonly after?: number;
}

export type OfFeed =
  | FeedEvent
  | StrangeEvent
  | Progress
  | Omit<wire.Subscribed, "id">
  | wire.CaughtUp
  | wire.Advanced
  | ResetHere
  | wire.Unsubscribed
  | wire.Presence;

export type RelaySays =
  | { readonly kind: "status"; readonly status: Status }
  | { readonly kind: "feed"; readonly message: OfFeed }
  | { readonly kind: "answer"; readonly id: string; readonly result: wire.Result }
  | { readonly kind: "refused"; readonly id: string; readonly problem: ProblemDetails }
  | { readonly kind: "settled"; readonly outcome: Outcome };

/** How a queued command ended. */
export type Outcome =
  | { readonly entry: Entry; readonly receipt: wire.Receipt }
  | { readonly entry: Entry; readonly problem: ProblemDetails };
