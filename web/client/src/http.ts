/** Plain HTTP in place of a socket: a stream or long polls for each feed, a request for each command and query. */

import { asError, problemFrom } from "./errors.js";
import type { Ask, RunCommand, Said, Subscribe, Welcome } from "./generated.js";
import { QUERY_PATHS } from "./generated.js";
import { newId } from "./ids.js";
import { serverSentEvents } from "./sse.js";
import type { Credentials, Hearing, Open, Transport } from "./transport.js";
import { isObject } from "./validation.js";

const PROBE_MS = 5_000;
/** Streams and polls give a sign of life at least this often, in seconds. */
const SIGN_SECONDS = 25;
const PATIENCE_SECONDS = 10;
const POLL_SECONDS = 20;
const PAGE = 500;
const LOST = 1006;
/** Messages after which a feed is not followed any more. */
const LAST = /^\{"op":"(reset|unsubscribed)"/;

/** Tells whether the server answers plain HTTP. */
export async function probe(url: string, ask: typeof fetch): Promise<boolean> {
  try {
    return (await ask(`${bare(url)}/health/live`, { signal: AbortSignal.timeout(PROBE_MS) })).ok;
  } catch {
    return false;
  }
}

/** Opens connections that are made of requests to the server `url`. */
export function overHttp(url: string, ask: typeof fetch, way: "sse" | "poll"): Open {
  return (hearing, credentials) => new HttpTransport(bare(url), ask, way, hearing, credentials);
}

function bare(url: string): string {
  return url.replace(/\/$/, "");
}

class HttpTransport implements Transport {
  readonly way: "sse" | "poll";
  readonly #url: string;
  readonly #ask: typeof fetch;
  readonly #hearing: Hearing;
  readonly #headers = new Headers();
  readonly #open = new AbortController();
  readonly #feeds = new Map<string, AbortController>();

  constructor(url: string, ask: typeof fetch, way: "sse" | "poll", hearing: Hearing, credentials: Credentials) {
    this.#url = url;
    this.#ask = ask;
    this.way = way;
    this.#hearing = hearing;
    if ("token" in credentials) this.#headers.set("authorization", `Bearer ${credentials.token}`);
    this.#try(this.#begin(credentials));
  }

  say(message: Said): void {
    switch (message.op) {
      case "subscribe":
        this.#subscribe(message);
        break;
      case "unsubscribe":
        this.#feeds.get(message.feed)?.abort();
        this.#feeds.delete(message.feed);
        break;
      case "command":
        this.#try(this.#command(message));
        break;
      case "query":
        this.#try(this.#query(message));
        break;
      case "ping":
        this.#try(this.#session());
        break;
      default: // acknowledgements, presence and renewals are for sockets
        break;
    }
  }

  close(): void {
    this.#open.abort();
    for (const only of this.#feeds.values()) only.abort();
    this.#feeds.clear();
  }

  async #begin(credentials: Credentials): Promise<void> {
    if ("ticket" in credentials) {
      this.#lost(4001, "tickets sign in on sockets only");
      return;
    }
    const session = await this.#session();
    if (session === undefined) return;
    const { accountId, csrf } = session;
    if ("cookie" in credentials && csrf !== "") this.#headers.set("x-csrf-token", csrf);
    if (this.way === "sse") await this.#firstSign(`account:${accountId}`);
    this.#tell(welcome(accountId));
  }

  async #session(): Promise<{ accountId: string; csrf: string } | undefined> {
    const answer = await this.#request("/api/session");
    const told: unknown = await answer.json();
    if (answer.status === 401) this.#lost(4001, "not signed in");
    else if (!answer.ok) this.#lost(LOST, `HTTP ${String(answer.status)}`);
    if (!answer.ok || !isObject(told)) return undefined;
    this.#hearing.alive();
    return { accountId: String(told["account_id"]), csrf: String(told["csrf"] ?? "") };
  }

  /** Waits until a stream brings something: proxies that collect whole answers do not let streams through. */
  async #firstSign(feed: string): Promise<void> {
    const only = new AbortController();
    const answer = await this.#request(`/api/feeds/${feed}/stream`, {}, only.signal);
    const reader = answer.body?.getReader();
    const first = await reader?.read();
    only.abort();
    reader?.cancel().catch(() => undefined); // it was cut on purpose
    if (!answer.ok || first?.done !== false) throw new Error(`no stream: HTTP ${String(answer.status)}`);
  }

  #subscribe(message: Subscribe): void {
    const only = new AbortController();
    this.#feeds.get(message.feed)?.abort();
    this.#feeds.set(message.feed, only);
    const following = this.way === "sse" ? this.#stream(message, only.signal) : this.#poll(message, only.signal);
    following.catch((thrown: unknown) => {
      if (!only.signal.aborted) this.#lost(LOST, asError(thrown).message);
    });
  }

  async #stream(message: Subscribe, signal: AbortSignal): Promise<void> {
    const headers: Record<string, string> = { accept: "text/event-stream" };
    if (typeof message.after === "number") headers["last-event-id"] = String(message.after);
    const answer = await this.#request(`/api/feeds/${message.feed}/stream${filters(message)}`, { headers }, signal);
    if (!answer.ok || answer.body === null) {
      await this.#refuse(message.id, answer);
      return;
    }
    for await (const data of serverSentEvents(answer.body, () => { this.#hearing.alive(); })) {
      if (signal.aborted) return;
      this.#hearing.frame(named(data, message.id));
      if (LAST.test(data)) return;
    }
    throw new Error("the stream ended");
  }

  async #poll(message: Subscribe, signal: AbortSignal): Promise<void> {
    let after = message.after ?? undefined;
    let asked = message;
    let live = false;
    for (let first = true; !signal.aborted; first = false) {
      const wait = live ? POLL_SECONDS : 0;
      const place = after === undefined ? "" : `&after=${String(after)}`;
      const more = filters(asked, "&");
      const path = `/api/feeds/${message.feed}/events?limit=${String(PAGE)}&wait=${String(wait)}${place}${more}`;
      const answer = await this.#request(path, {}, signal);
      if (!answer.ok) {
        await this.#refuse(message.id, answer);
        return;
      }
      const page = (await answer.json()) as Page;
      if (first && !isReset(page)) this.#begun(message, page, after);
      if (!this.#page(message, page, live)) return; // what follows a reset is asked for anew
      after = page.sequence;
      asked = { ...message, epoch: page.epoch };
      live ||= after >= page.head;
    }
  }

  #begun({ id, feed }: Subscribe, { epoch, head }: Page, after: number | undefined): void {
    this.#tell({ op: "subscribed", id, feed, epoch, head, recovered: after !== undefined });
  }

  /** Tells a page of events as a socket would; gives whether there is a next one. */
  #page({ id, feed }: Subscribe, page: Page, live: boolean): boolean {
    this.#hearing.alive();
    if (isReset(page)) {
      this.#tell({ ...page.reset, id });
      return false;
    }
    for (const event of page.events) this.#tell(event);
    const { sequence } = page;
    if (sequence >= page.head) this.#tell({ op: live ? "advanced" : "caught_up", feed, sequence });
    return true;
  }

  async #command({ id, command, command_id }: RunCommand): Promise<void> {
    const { type, ...fields } = command as Readonly<Record<string, unknown>> & { type: string };
    const headers = { "content-type": "application/json", "idempotency-key": command_id ?? newId() };
    const body = JSON.stringify(fields);
    const answer = await this.#request(`/api/commands/${type}`, { method: "POST", headers, body });
    await this.#answer(id, answer);
  }

  async #query({ id, query }: Ask): Promise<void> {
    const { type, ...fields } = query as Readonly<Record<string, unknown>> & { type: string };
    const rest = new URLSearchParams();
    let path = QUERY_PATHS[type] ?? "";
    for (const [name, value] of Object.entries(fields)) {
      if (value === undefined || value === null) continue;
      const text = String(value as string | number | boolean);
      if (path.includes(`{${name}}`)) path = path.replace(`{${name}}`, encodeURIComponent(text));
      else rest.set(name, text);
    }
    await this.#answer(id, await this.#request(`${path}?${rest.toString()}`));
  }

  async #answer(id: string | number, answer: Response): Promise<void> {
    if (!answer.ok) {
      await this.#refuse(id, answer);
      return;
    }
    const result: unknown = await answer.json();
    const [position, sequence] = [answer.headers.get("plumbline-position"), answer.headers.get("plumbline-sequence")];
    const epoch = answer.headers.get("plumbline-epoch");
    const place = sequence === null ? {} : { sequence: Number(sequence), epoch };
    this.#tell({ op: "result", id, result, position: Number(position ?? 0), ...place });
  }

  async #refuse(id: string | number, answer: Response): Promise<void> {
    const told: unknown = await answer.json().catch(() => undefined);
    this.#tell({ op: "error", id, problem: problemFrom(told, answer.status) });
  }

  async #request(path: string, init: RequestInit = {}, signal?: AbortSignal): Promise<Response> {
    const headers = new Headers(this.#headers);
    new Headers(init.headers).forEach((value, name) => { headers.set(name, value); });
    const signals = signal === undefined ? [this.#open.signal] : [this.#open.signal, signal];
    return this.#ask(this.#url + path, { ...init, headers, signal: AbortSignal.any(signals) });
  }

  #tell(message: object): void {
    if (!this.#open.signal.aborted) this.#hearing.frame(JSON.stringify(message));
  }

  #try(work: Promise<void | object | undefined>): void {
    work.catch((thrown: unknown) => {
      this.#lost(LOST, asError(thrown).message);
    });
  }

  #lost(code: number, reason: string): void {
    if (this.#open.signal.aborted) return;
    this.close();
    this.#hearing.closed(code, reason);
  }
}

interface Page {
  readonly epoch: string;
  readonly head: number;
  readonly sequence: number;
  readonly events: readonly object[];
  readonly reset?: object | null;
}

function isReset(page: Page): page is Page & { readonly reset: object } {
  return page.reset !== undefined && page.reset !== null;
}

function filters({ types = [], about, epoch }: Subscribe, mark = "?"): string {
  const chosen = new URLSearchParams();
  if (typeof epoch === "string") chosen.set("epoch", epoch);
  if (types.length > 0) chosen.set("types", types.join(","));
  if (about !== undefined && about !== null) chosen.set("about", [about].flat().join(","));
  return chosen.size === 0 ? "" : mark + chosen.toString();
}

/** Gives what begins a subscription the id that it was asked for with. */
function named(data: string, id: string | number): string {
  return data.startsWith('{"op":"subscribed"') || data.startsWith('{"op":"reset"')
    ? JSON.stringify({ ...(JSON.parse(data) as object), id })
    : data;
}

function welcome(accountId: string): Welcome & { op: "welcome" } {
  return {
    op: "welcome",
    connection_id: newId(),
    account_id: accountId,
    server_time: new Date().toISOString(),
    epoch: "00000000-0000-0000-0000-000000000000",
    heartbeat_interval: SIGN_SECONDS,
    heartbeat_timeout: PATIENCE_SECONDS,
    reconnect_jitter_max_ms: 5_000,
    limits: { message_bytes: 65_536, messages_per_second: 10, burst: 50, feeds: 6, in_flight: 6 },
  };
}
