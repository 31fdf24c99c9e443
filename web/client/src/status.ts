/** What is known of the connection, for people to see. */

export type State = "idle" | "connecting" | "connected" | "reconnecting" | "failed" | "closed";

/** How frames travel: over a socket, or where proxies break those, over a stream of events or by polling. */
export type Way = "websocket" | "sse" | "poll";

export interface Status {
  readonly state: State;
  /** Why it is not connected, as a code such as `4012`, `silence`, `gave_up` or `offline`; empty when all is well. */
  readonly reason: string;
  /** Tries that failed in a row. */
  readonly failures: number;
  /** When the next try is due, in milliseconds since 1970; `undefined` where none is planned. */
  readonly retryAt: number | undefined;
  readonly way: Way;
  /** When the server was last heard, in milliseconds since 1970. */
  readonly heardAt: number | undefined;
  /** Whether everything followed is up to the head of its feed. */
  readonly current: boolean;
  readonly accountId: string | undefined;
}

export const AT_FIRST: Status = {
  state: "idle",
  reason: "",
  failures: 0,
  retryAt: undefined,
  way: "websocket",
  heardAt: undefined,
  current: false,
  accountId: undefined,
};
