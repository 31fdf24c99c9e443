/** A client over the server in memory, with surroundings that a test moves. */

import { createClient } from "../src/index.js";
import type { Client, ClientOptions, Surroundings } from "../src/index.js";
import { FakeServer } from "./server.js";

type Change = "online" | "visible" | "away" | "back";

export class FakeSurroundings implements Surroundings {
  online = true;
  visible = true;
  readonly #listeners = new Set<(change: Change) => void>();

  watch(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  set(change: { online?: boolean; visible?: boolean }): void {
    Object.assign(this, change);
    this.tell("online" in change ? "online" : "visible");
  }

  tell(change: Change): void {
    for (const listener of this.#listeners) listener(change);
  }
}

export interface World {
  readonly server: FakeServer;
  readonly surroundings: FakeSurroundings;
  readonly client: Client;
  readonly reported: string[];
  /** The states that the client went through. */
  readonly states: string[];
  /** Whether the server answers plain HTTP. */
  http: boolean;
}

export function world(options: Partial<ClientOptions> = {}): World {
  const server = new FakeServer();
  const surroundings = new FakeSurroundings();
  const reported: string[] = [];
  const states: string[] = [];
  const made: World = {
    server,
    surroundings,
    reported,
    states,
    http: false,
    client: createClient({
      url: "http://plumbline.test",
      credentials: () => ({ token: "secret" }),
      makeSocket: server.makeSocket,
      fetch: () => (made.http ? Promise.resolve(new Response("{}")) : Promise.reject(new TypeError("no network"))),
      report: (error) => reported.push(error.message),
      shared: false,
      surroundings,
      random: () => 0.5,
      ...options,
    }),
  };
  made.client.changed.add(({ state }) => {
    if (states.at(-1) !== state) states.push(state);
  });
  return made;
}

/** Lets everything run that waits for nothing but its turn. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}
