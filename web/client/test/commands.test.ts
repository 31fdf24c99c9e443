import "fake-indexeddb/auto";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { ClientError, IndexedStore, MemoryStore, Refusal } from "../src/index.js";
import type { AnyCommand, Conflict } from "../src/index.js";
import { MOST_QUEUED } from "../src/outbox.js";
import type { Entry, Store } from "../src/outbox.js";
import { FEED, POSITION, PROJECT, problem } from "./server.js";
import { settle, world } from "./world.js";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "Date"] });
});
afterEach(() => {
  vi.useRealTimers();
});

function edit(description: string, project_id = PROJECT): AnyCommand {
  return { type: "position.edit", project_id, position_id: POSITION, changes: { description } };
}

async function online(options = {}) {
  const made = world({ store: new MemoryStore(), ...options });
  made.client.start();
  await vi.advanceTimersByTimeAsync(0);
  return made;
}

test("a command is answered with its receipt, and its answer is a replay when it is sent again", async () => {
  const { client, server } = await online();
  const receipt = await client.command(edit("a"), { commandId: "00000000-0000-7000-8000-0000000000c1" });
  expect(receipt.sequence).toBe(1);
  expect(await client.queued()).toEqual([]);
  server.answer = () => undefined; // the answer is lost
  const pending = client.command(edit("b"));
  await vi.advanceTimersByTimeAsync(0);
  server.socket.drop();
  server.answer = (command, id) => server.accept(command, id);
  await vi.advanceTimersByTimeAsync(5_000);
  expect((await pending).sequence).toBe(2);
  const [, sent, again] = server.commands;
  expect(again?.command_id).toBe(sent?.command_id);
});

test("what was queued while away goes in order, after everything followed has caught up", async () => {
  const { client, server } = world({ store: new MemoryStore() });
  const cursor = client.feed(FEED, { after: 0 });
  cursor.start();
  const sequences: number[] = [];
  cursor.events.add(({ sequence }) => sequences.push(sequence));
  const receipts = ["a", "b", "c"].map((each) => client.command(edit(each)));
  await settle();
  expect((await client.queued()).map((entry) => (entry.command as { changes?: unknown }).changes)).toEqual([
    { description: "a" },
    { description: "b" },
    { description: "c" },
  ]);
  server.append();
  client.start();
  await vi.advanceTimersByTimeAsync(0);
  expect((await Promise.all(receipts)).map(({ sequence }) => sequence)).toEqual([2, 3, 4]);
  const said = server.socket.said.map(({ op }) => op).filter((op) => op === "subscribe" || op === "command");
  expect(said).toEqual(["subscribe", "command", "command", "command"]);
  expect(sequences).toEqual([1, 2, 3, 4]);
});

test("one project's commands wait for each other, another project's do not", async () => {
  const { client, server } = await online();
  server.answer = () => undefined;
  for (const project of [PROJECT, PROJECT, FEED]) void client.command(edit("a", project)).catch(() => undefined);
  await vi.advanceTimersByTimeAsync(0);
  expect(server.commands.map(({ command }) => command["project_id"])).toEqual([PROJECT, FEED]);
});

test("a feed that does not catch up delays commands for five seconds at most", async () => {
  const { client, server } = world({ store: new MemoryStore() });
  const hear = server.hear.bind(server);
  vi.spyOn(server, "hear").mockImplementation((socket, message) => {
    if (message.op !== "subscribe") hear(socket, message);
  });
  client.start();
  client.feed(FEED, { after: 0 }).start();
  const receipt = client.command(edit("a"));
  await vi.advanceTimersByTimeAsync(4_900);
  expect(server.commands).toHaveLength(0);
  await vi.advanceTimersByTimeAsync(100);
  expect((await receipt).sequence).toBe(1);
});

test("a lost race is handed over with both versions", async () => {
  const { client, server } = await online();
  const conflicts: Conflict[] = [];
  client.conflicts.add((conflict) => conflicts.push(conflict));
  const current = { description: "theirs" };
  server.answer = () => problem("revision_conflict", 409, { current_revision: 7, current });
  const error = await client.command(edit("mine"), { base: { description: "before" } }).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(Refusal);
  expect((error as Refusal).code).toBe("revision_conflict");
  expect(conflicts).toMatchObject([
    { mine: edit("mine"), base: { description: "before" }, theirs: current, currentRevision: 7 },
  ]);
  expect(await client.queued()).toEqual([]);
});

test("answers that say nothing about the command are waited out", async () => {
  const { client, server } = await online();
  const answers = [problem("too_many_messages", 429, { retry_after: 3 }), problem("unavailable", 503), problem("internal", 500)];
  server.answer = (command, id) => answers.shift() ?? server.accept(command, id);
  const receipt = client.command(edit("a"));
  await vi.advanceTimersByTimeAsync(2_900);
  expect(server.commands).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(10_000);
  expect((await receipt).sequence).toBe(1);
  expect(new Set(server.commands.map(({ command_id }) => command_id)).size).toBe(1);
});

test("what somebody else queued in this browser waits until they are back", async () => {
  const store = new MemoryStore();
  const theirs = { commandId: "1", command: edit("theirs") as never, queuedAt: 0, accountId: "somebody else" };
  await store.add(theirs);
  const { client, server } = await online({ store });
  await client.command(edit("mine"));
  expect(server.commands).toHaveLength(1);
  expect(await client.queued()).toEqual([theirs]);
});

test("where nothing can be kept, commands are sent all the same, and that is told", async () => {
  const store = new MemoryStore();
  store.add = () => Promise.reject(new Error("the disk is full"));
  const { client, reported } = await online({ store });
  expect((await client.command(edit("a"))).sequence).toBe(1);
  expect(reported).toEqual(["the disk is full"]);
});

test("no more is said than the server takes, and nothing of it is lost", async () => {
  const { client, server } = await online();
  const answers = Array.from({ length: 200 }, () => client.query({ type: "projects.list" }));
  await settle();
  const asked = () => server.socket.said.filter(({ op }) => op === "query").length;
  expect(asked()).toBe(80); // of a burst of 100
  await vi.advanceTimersByTimeAsync(1_000);
  expect(asked()).toBe(120); // at 40 of 50 a second
  await vi.advanceTimersByTimeAsync(2_000);
  expect(await Promise.all(answers)).toHaveLength(200);
});

test("a command that is too large is refused here", async () => {
  const { client } = await online();
  await expect(client.command(edit("x".repeat(65_536)))).rejects.toMatchObject({ code: "too_large" });
  expect(await client.queued()).toEqual([]);
});

test("a query is asked again after a loss, and gives up after half a minute", async () => {
  const { client, server } = await online();
  const hear = vi.spyOn(server, "hear").mockImplementation(() => undefined);
  const lost = client.query({ type: "projects.list" });
  await settle();
  server.socket.drop(4008);
  hear.mockRestore();
  await vi.advanceTimersByTimeAsync(5_000);
  expect(await lost).toMatchObject({ answer: { items: [] }, position: 5, sequence: 0 });
  vi.spyOn(server, "hear").mockImplementation(() => undefined);
  const never = expect(client.query({ type: "projects.list" })).rejects.toMatchObject({ code: "timeout" });
  await vi.advanceTimersByTimeAsync(30_000);
  await never;
});

test("a refused query is a refusal", async () => {
  const { client, server } = await online();
  vi.spyOn(server, "hear").mockImplementation((socket, message) => {
    socket.tell({ op: "error", id: (message as { id: string }).id, problem: problem("unknown_project", 404) });
  });
  await expect(client.query({ type: "projects.get", project_id: PROJECT })).rejects.toMatchObject({ code: "unknown_project" });
});

test("closing rejects what waits, and keeps what is queued", async () => {
  const { client, server } = await online();
  server.answer = () => undefined;
  const waiting = expect(client.command(edit("a"))).rejects.toBeInstanceOf(ClientError);
  await settle();
  client.close();
  await waiting;
  expect(await client.queued()).toHaveLength(1);
});

test.each([
  ["memory", () => new MemoryStore()],
  ["IndexedDB", () => new IndexedStore(`test ${String(Math.random())}`)],
])("the store in %s keeps order, removes, and is bounded", async (_, make) => {
  vi.useRealTimers();
  const store: Store = make();
  const entry = (count: number): Entry => ({ commandId: String(count), command: edit("a") as never, queuedAt: count });
  for (let count = MOST_QUEUED; count > 0; count -= 1) await store.add(entry(count));
  await expect(store.add(entry(0))).rejects.toMatchObject({ code: "outbox_full" });
  await store.remove("999");
  await store.remove("unknown");
  await store.add(entry(0));
  const kept = (await store.all()).map(({ commandId }) => commandId);
  expect(kept).toEqual(["1000", ...Array.from({ length: 998 }, (__, index) => String(998 - index)), "0"]);
  store.close();
});

test("what one page queued, the next one sends", async () => {
  vi.useRealTimers();
  const first = world({ store: new IndexedStore("reload") });
  void first.client.command(edit("from before"), { base: "seen" }).catch(() => undefined);
  await vi.waitFor(async () => { expect(await first.client.queued()).toHaveLength(1); });
  const next = world({ store: new IndexedStore("reload") });
  const settled = new Promise((resolve) => next.client.settled.add(resolve));
  next.client.start();
  expect(await settled).toMatchObject({ entry: { command: edit("from before"), base: "seen" }, receipt: { sequence: 1 } });
  await vi.waitFor(async () => { expect(await next.client.queued()).toEqual([]); });
});
