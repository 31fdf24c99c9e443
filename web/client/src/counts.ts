/** What happened to a client so far, for whoever watches many of them. */
export interface Counts {
  /** Connections that were lost, and that came back. */
  lost: number;
  recovered: number;
  /** Events told, those that came again, and those that came before others. */
  events: number;
  repeated: number;
  early: number;
  /** Times that something was missing and asked for, and that a snapshot was read. */
  holes: number;
  snapshots: number;
  /** Commands that were refused, and of those, that lost against somebody else's. */
  refused: number;
  conflicts: number;
}

export function noCounts(): Counts {
  return {
    lost: 0,
    recovered: 0,
    events: 0,
    repeated: 0,
    early: 0,
    holes: 0,
    snapshots: 0,
    refused: 0,
    conflicts: 0,
  };
}
