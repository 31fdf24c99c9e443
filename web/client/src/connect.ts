/** Puts a client together for wherever it runs. */

import { Client } from "./client.js";
import type { Parts } from "./connection.js";
import type { Report } from "./errors.js";
import { overHttp, probe } from "./http.js";
import { OwnLink, SharedLink } from "./link.js";
import { IndexedStore, MemoryStore } from "./outbox.js";
import type { Store } from "./outbox.js";
import { surroundings } from "./surroundings.js";
import type { Surroundings } from "./surroundings.js";
import { overSocket } from "./transport.js";
import type { Credentials, MakeSocket } from "./transport.js";

export interface ClientOptions {
  /** Where the server is, such as `https://plumbline.example.org`; in a page by default where the page comes from. */
  readonly url?: string;
  /** Gives who signs in, before every connection; `refused` where the last credentials did not hold any more.
   *
   * Throws a `Refusal` where there are none any more. By default the browser's session cookie. */
  readonly credentials?: (refused: boolean) => Credentials | Promise<Credentials>;
  /** Hears of errors that no caller hears of: hand them on to an error tracker. By default they go to the console. */
  readonly report?: Report;
  /** Whether the tabs of a browser share one connection; by default they do where they can. */
  readonly shared?: boolean;
  /** Names whose outbox and connection this is where several accounts use one browser at a time. */
  readonly scope?: string;
  readonly store?: Store;
  /** Makes sockets; needed on Node 20, which has none: without, streams are used there. */
  readonly makeSocket?: MakeSocket;
  readonly fetch?: typeof fetch;
  readonly surroundings?: Surroundings;
  /** Gives numbers from 0 to below 1, for jitter. */
  readonly random?: () => number;
}

/** Makes a client. It connects when it is started, or used. */
export function createClient(options: ClientOptions = {}): Client {
  const url = options.url ?? globalThis.location.origin;
  const report = options.report ?? ((error, context) => { console.error(error, context); });
  const ask = options.fetch ?? globalThis.fetch.bind(globalThis);
  const make = options.makeSocket ?? ((address, protocol) => new WebSocket(address, protocol));
  const credentials = options.credentials ?? (() => ({ cookie: true }) as const);
  const parts: Parts = {
    open: { websocket: overSocket(url, make), sse: overHttp(url, ask, "sse"), poll: overHttp(url, ask, "poll") },
    ways: options.makeSocket || typeof WebSocket !== "undefined" ? ["websocket", "sse", "poll"] : ["sse", "poll"],
    probe: () => probe(url, ask),
    credentials: async (refused) => credentials(refused),
    surroundings: options.surroundings ?? surroundings(),
    report,
    random: options.random ?? Math.random,
  };
  const name = `plumbline:${url}:${options.scope ?? ""}`;
  const shared = options.shared ?? (typeof window !== "undefined" && typeof BroadcastChannel !== "undefined");
  return new Client({
    parts,
    report,
    store: options.store ?? storeFor(name),
    link: (ends) => (shared ? new SharedLink(name, ends) : new OwnLink(ends)),
  });
}

function storeFor(name: string): Store {
  return typeof indexedDB === "undefined" ? new MemoryStore() : new IndexedStore(name);
}
