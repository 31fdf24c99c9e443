import { expect, test, vi } from "vitest";

import { createClient } from "../src/index.js";
import type { Client } from "../src/index.js";
import { serverSentEvents } from "../src/sse.js";
import { ACCOUNT, FEED, FakeServer, PROJECT, problem } from "./server.js";

/** The server in memory, asked over plain HTTP. */
function http(server: FakeServer, { streams = true } = {}) {
  const asked: string[] = [];
  const cut = new Set<() => void>();
  const ask: typeof fetch = async (input, init) => {
    const url = new URL(input as string);
    const method = init?.method ?? "GET";
    asked.push(`${method} ${url.pathname}${url.search}`);
    if (url.pathname === "/health/live") return new Response();
    if (url.pathname === "/api/session") return Response.json({ account_id: ACCOUNT, admin: false, csrf: "csrf" });
    if (url.pathname.endsWith("/stream")) return streams ? stream(server, init, cut) : new Response(new ReadableStream());
    if (url.pathname.endsWith("/events")) return poll(server, url, init?.signal);
    if (method === "POST") return command(server, url, init);
    return Response.json({ items: [] }, { headers: { "plumbline-position": "7" } });
  };
  return { ask, asked, cut };
}

function stream(server: FakeServer, init: RequestInit | undefined, cut: Set<() => void>): Response {
  const after = new Headers(init?.headers).get("last-event-id");
  let following: ReturnType<typeof setInterval> | undefined;
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      const put = (text: string) => { controller.enqueue(new TextEncoder().encode(text)); };
      let sent = after === null ? server.log.length : Number(after);
      const head = server.log.length;
      put(`data: ${JSON.stringify({ op: "subscribed", id: "", feed: FEED, epoch: server.epoch, head, recovered: after !== null })}\n\n`);
      const flush = () => {
        for (; sent < server.log.length; sent += 1) put(`id: ${String(sent + 1)}\ndata: ${JSON.stringify(server.log[sent])}\n\n`);
      };
      flush();
      put(`data: ${JSON.stringify({ op: "caught_up", feed: FEED, sequence: head })}\n\n`);
      following = setInterval(flush, 5);
      cut.add(() => {
        clearInterval(following);
        controller.error(new Error("cut"));
      });
    },
    cancel() {
      clearInterval(following);
    },
  });
  return new Response(body);
}

async function poll(server: FakeServer, url: URL, signal: AbortSignal | null | undefined): Promise<Response> {
  const after = url.searchParams.get("after");
  const from = after === null ? server.log.length : Number(after);
  if (url.searchParams.get("wait") !== "0") {
    while (server.log.length <= from && signal?.aborted !== true) await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const events = server.log.slice(from, from + Number(url.searchParams.get("limit")));
  return Response.json({ epoch: server.epoch, head: server.log.length, sequence: from + events.length, events });
}

function command(server: FakeServer, url: URL, init: RequestInit | undefined): Response {
  const body = JSON.parse(init?.body as string) as Record<string, unknown>;
  const id = new Headers(init?.headers).get("idempotency-key") ?? "";
  const answer = server.answer({ type: url.pathname.split("/").at(-1), ...body }, id) ?? {};
  return Response.json(answer, { status: Number(answer["status"] ?? 201) });
}

function client(server: FakeServer, ask: typeof fetch, reported: string[]): Client {
  server.admit = "refuse"; // a proxy that breaks sockets
  return createClient({
    url: "http://plumbline.test",
    credentials: () => ({ token: "secret" }),
    makeSocket: server.makeSocket,
    fetch: ask,
    shared: false,
    random: () => 0,
    report: (error) => reported.push(error.message),
  });
}

test.each([["sse", true], ["poll", false]] as const)(
  "where sockets do not get through, %s does the same, and says so",
  async (way, streams) => {
    const server = new FakeServer();
    server.append();
    const { ask, asked, cut } = http(server, { streams });
    if (!streams) vi.stubGlobal("setTimeout", quick(setTimeout));
    const reported: string[] = [];
    const made = client(server, ask, reported);
    const cursor = made.feed(FEED, { after: 0 });
    const heard: number[] = [];
    cursor.events.add(({ sequence }) => heard.push(sequence));
    cursor.start();
    made.start();
    await vi.waitFor(() => { expect(cursor.state).toBe("live"); }, 10_000);
    vi.unstubAllGlobals();
    expect(made.status).toMatchObject({ state: "connected", way, accountId: ACCOUNT });
    const receipt = await made.command({ type: "project.rename", project_id: PROJECT, name: "New" });
    expect(receipt.sequence).toBe(2);
    await vi.waitFor(() => { expect(heard).toEqual([1, 2]); });
    server.answer = () => problem("forbidden", 403);
    await expect(made.command({ type: "project.rename", project_id: PROJECT, name: "Newer" })).rejects.toMatchObject({
      code: "forbidden",
    });
    expect(await made.query({ type: "positions.list", project_id: PROJECT, limit: 5 })).toMatchObject({ position: 7 });
    expect(asked).toContain(`GET /api/projects/${PROJECT}/positions?limit=5`);
    for (const each of cut) each();
    server.append();
    await vi.waitFor(() => { expect(heard).toEqual([1, 2, 3]); }, 5_000);
    expect(reported).toEqual([]);
    made.close();
    cursor.stop();
  },
  20_000,
);

test("a backlog of several pages ends live, and later pages name the epoch that they go on in", async () => {
  const server = new FakeServer();
  for (let count = 0; count < 501; count += 1) server.append();
  const { ask, asked } = http(server, { streams: false });
  vi.stubGlobal("setTimeout", quick(setTimeout));
  const made = client(server, ask, []);
  const cursor = made.feed(FEED, { after: 0 });
  let heard = 0;
  cursor.events.add(() => (heard += 1));
  cursor.start();
  made.start();
  await vi.waitFor(() => { expect(cursor.state).toBe("live"); }, 10_000);
  vi.unstubAllGlobals();
  expect(heard).toBe(501);
  const pages = asked.filter((each) => each.includes("/events?"));
  expect(pages.slice(0, 2).map((each) => each.includes("wait=0"))).toEqual([true, true]);
  expect(pages.map((each) => each.includes(`epoch=${server.epoch}`))).toEqual([false, ...pages.slice(1).map(() => true)]);
  made.close();
  cursor.stop();
}, 20_000);

/** Ten seconds without a sign are a long time for a test: here they are short. */
function quick(real: typeof setTimeout) {
  return (action: () => void, milliseconds?: number) => real(action, milliseconds === 10_000 ? 100 : milliseconds);
}

test("where there is a csrf token, it is sent with the cookie", async () => {
  const server = new FakeServer();
  const { ask } = http(server);
  const seen: (string | null)[] = [];
  const made = createClient({
    url: "http://plumbline.test",
    makeSocket: () => { throw new Error("no sockets here"); },
    fetch: (input, init) => {
      if (init?.method === "POST") seen.push(new Headers(init.headers).get("x-csrf-token"));
      return ask(input, init);
    },
    shared: false,
    random: () => 0,
    report: () => undefined,
  });
  made.start();
  await made.command({ type: "project.rename", project_id: PROJECT, name: "New" });
  expect(seen).toEqual(["csrf"]);
  made.close();
});

test("server-sent events are read whatever pieces they come in", async () => {
  const text = ': hello\r\n\r\nid: 1\ndata: {"a":\ndata: 1}\n\nevent: x\ndata:b\n\ndata: never finished';
  const bytes = new TextEncoder().encode(text);
  for (const size of [1, 2, 7, bytes.length]) {
    const count = Math.ceil(bytes.length / size);
    const pieces = Array.from({ length: count }, (_, index) => bytes.slice(index * size, (index + 1) * size));
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        const piece = pieces.shift();
        if (piece === undefined) controller.close();
        else controller.enqueue(piece);
      },
    });
    let alive = 0;
    const read: string[] = [];
    for await (const data of serverSentEvents(body, () => (alive += 1))) read.push(data);
    expect(read).toEqual(['{"a":\n1}', "b"]);
    expect(alive).toBe(count);
  }
});
