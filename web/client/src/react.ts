/** React hooks. Safe under StrictMode: rendering opens nothing, and what an effect opens, its end lets go. */

import { useCallback, useEffect, useState, useSyncExternalStore } from "react";

import type { Client } from "./client.js";
import type { Cursor, FeedOptions, FeedState } from "./cursor.js";
import { Live } from "./live.js";
import type { Fold } from "./live.js";
import type { Status } from "./status.js";

/** Keeps a client connected while the component is there, and gives its status. */
export function useClient(client: Client): Status {
  useEffect(() => client.use(), [client]);
  return useStatus(client);
}

/** Gives a client's status. */
export function useStatus(client: Client): Status {
  const subscribe = useCallback((changed: () => void) => client.changed.add(changed), [client]);
  const read = useCallback(() => client.status, [client]);
  return useSyncExternalStore(subscribe, read, read);
}

export interface LiveFeed<V> {
  /** What is shown, by key. */
  readonly values: ReadonlyMap<string, V>;
  readonly state: FeedState;
  readonly live: Live<V>;
  readonly cursor: Cursor;
}

/** How a feed is shown: what its events mean, and where its state is read from first, with its sequence. */
export interface View<V> extends Omit<FeedOptions, "snapshot"> {
  readonly fold: Fold<V>;
  readonly read?: (client: Client) => Promise<{
    values: Iterable<readonly [string, V]>;
    sequence: number;
    epoch?: string | undefined;
  }>;
}

/** Follows a feed while the component is there, and gives what its events come to. `view` counts for the first render. */
export function useLive<V>(client: Client, feed: string, view: View<V>): LiveFeed<V> {
  const [held, setHeld] = useState(() => make(client, feed, view));
  const current = held.client === client && held.cursor.feed === feed ? held : make(client, feed, view);
  if (current !== held) setHeld(current);
  const { live, cursor } = current;
  useEffect(() => {
    const letGo = client.use();
    cursor.start();
    return () => {
      cursor.stop();
      letGo();
    };
  }, [client, cursor]);
  const onValues = useCallback((changed: () => void) => live.changed.add(changed), [live]);
  const onState = useCallback((changed: () => void) => cursor.changed.add(changed), [cursor]);
  const values = useSyncExternalStore(onValues, () => live.shown, () => live.shown);
  const state = useSyncExternalStore(onState, () => cursor.state, () => cursor.state);
  return { values, state, live, cursor };
}

function make<V>(client: Client, feed: string, { fold, read, ...options }: View<V>) {
  const snapshot = read && {
    snapshot: async () => {
      const { values, sequence, epoch } = await read(client);
      live.load(values, sequence);
      return { sequence, epoch };
    },
  };
  const cursor = client.feed(feed, { ...options, ...snapshot });
  const live: Live<V> = new Live(client, cursor, fold);
  return { client, cursor, live };
}
