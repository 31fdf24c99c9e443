import { afterEach, beforeEach, expect, test, vi } from "vitest";

import type { FeedEvent, FeedOptions } from "../src/index.js";
import { FEED, POSITION, PROJECT, problem } from "./server.js";
import type { FakeServer } from "./server.js";
import { settle, world } from "./world.js";
import type { World } from "./world.js";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

async function following(options: FeedOptions = { after: 0 }, prepare: (server: FakeServer) => void = () => undefined) {
  const made = world();
  prepare(made.server);
  made.client.start();
  const cursor = made.client.feed(FEED, options);
  const heard: number[] = [];
  cursor.events.add((event: FeedEvent) => heard.push(event.sequence));
  cursor.start();
  await vi.advanceTimersByTimeAsync(0);
  return { ...made, cursor, heard };
}

function subscriptions({ server }: Pick<World, "server">) {
  return server.sockets.flatMap((socket) => socket.said.filter((each) => each.op === "subscribe"));
}

test("it replays what is behind its place, goes live, and acknowledges what it has", async () => {
  const { cursor, heard, server, client } = await following({ after: 2 }, (prepared) => {
    for (let count = 0; count < 5; count += 1) prepared.append();
  });
  expect(heard).toEqual([3, 4, 5]);
  expect(cursor.state).toBe("live");
  expect(client.stale).toBe(false);
  server.append();
  expect(heard).toEqual([3, 4, 5, 6]);
  expect(cursor.sequence).toBe(6);
  await vi.advanceTimersByTimeAsync(250);
  expect(server.socket.said.filter((each) => each.op === "ack").map((each) => each.sequence)).toEqual([6]);
});

test("after every kind of loss nothing is missed and nothing comes twice", async () => {
  const { heard, server, client, cursor } = await following();
  for (const code of [1006, 1011, 4008, 4010, 4012, 4029]) {
    server.append();
    server.socket.drop(code);
    expect(cursor.state).toBe("joining");
    expect(client.stale).toBe(true);
    server.append();
    await vi.advanceTimersByTimeAsync(20_000);
    server.append();
  }
  expect(heard).toEqual(Array.from({ length: 18 }, (_, index) => index + 1));
  expect(client.stale).toBe(false);
  expect(client.counts).toMatchObject({ lost: 6, recovered: 6, events: 18, holes: 0 });
});

test("duplicates are dropped, and what comes too early waits for what is before it", async () => {
  const { heard, server, reported } = await following();
  const events = Array.from({ length: 5 }, () => server.append({}, false));
  server.socket.tell(events[0]!, events[0]!, events[2]!, events[1]!, events[1]!, events[4]!);
  expect(heard).toEqual([1, 2, 3]);
  server.socket.tell(events[3]!);
  expect(heard).toEqual([1, 2, 3, 4, 5]);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(reported).toEqual([]);
});

test("a hole is asked for", async () => {
  const made = await following();
  const { heard, server, reported } = made;
  server.append();
  server.append({}, false); // lost on its way
  server.append();
  expect(heard).toEqual([1]);
  await vi.advanceTimersByTimeAsync(250);
  expect(heard).toEqual([1, 2, 3]);
  expect(reported).toEqual(["events are missing: asking for them again"]);
  expect(subscriptions(made).map((each) => each.after)).toEqual([0, 1]);
});

test("a hole too large for the buffer is asked for at once", async () => {
  const { heard, server } = await following();
  server.append({}, false);
  for (let count = 0; count <= 1_001; count += 1) server.append();
  await settle();
  expect(heard).toHaveLength(1_003);
});

test("a replay that ends beyond what came is a hole", async () => {
  const { heard, server } = await following();
  server.append({}, false);
  server.socket.tell({ op: "caught_up", feed: FEED, sequence: 1 });
  await vi.advanceTimersByTimeAsync(250);
  expect(heard).toEqual([1]);
});

test("in any order, with any repetitions, everything is told once and in order", async () => {
  let seed = 42;
  const random = () => (seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31) / 2 ** 31;
  for (let round = 0; round < 50; round += 1) {
    const { heard, server, client } = await following();
    const events = Array.from({ length: 30 }, () => server.append({}, false));
    const sent = [...events, ...events.filter(() => random() < 0.3)]
      .map((event) => ({ event, order: Number(event["sequence"]) + random() * 8 }))
      .sort((one, other) => one.order - other.order)
      .filter(() => random() > 0.05);
    for (const { event } of sent) server.socket.tell(event);
    await vi.advanceTimersByTimeAsync(1_000);
    server.append();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(heard).toEqual(Array.from({ length: 31 }, (_, index) => index + 1));
    client.close();
  }
});

test("without a place it hears what is live, and keeps its place when the connection is lost", async () => {
  const { heard, server } = await following({}, (prepared) => prepared.append());
  expect(heard).toEqual([]);
  server.append();
  server.socket.drop();
  server.append();
  await vi.advanceTimersByTimeAsync(5_000);
  expect(heard).toEqual([2, 3]);
});

test("a snapshot comes first, and again after a reset", async () => {
  const reasons: string[] = [];
  let stored = () => 1;
  const { heard, server, cursor } = await following(
    {
      snapshot: (reason) => {
        reasons.push(reason);
        return Promise.resolve({ sequence: stored() });
      },
    },
    (prepared) => prepared.append(),
  );
  stored = () => server.log.length;
  await vi.advanceTimersByTimeAsync(0);
  expect(cursor.state).toBe("live");
  server.append();
  expect(heard).toEqual([2]);
  server.replayLimit = 2;
  server.socket.drop();
  for (let count = 0; count < 5; count += 1) server.append();
  await vi.advanceTimersByTimeAsync(5_000);
  server.append();
  expect(reasons).toEqual(["start", "too_far"]);
  expect(heard).toEqual([2, 8]);
});

test("another life of the log drops the place", async () => {
  const reasons: string[] = [];
  const made = await following({
    after: 0,
    snapshot: (reason) => {
      reasons.push(reason);
      return Promise.resolve({ sequence: 0 });
    },
  });
  made.server.append();
  made.server.socket.drop();
  made.server.epoch = "00000000-0000-7000-8000-00000000000f";
  made.server.log.length = 0;
  await vi.advanceTimersByTimeAsync(5_000);
  expect(reasons).toEqual(["epoch"]);
  expect(made.cursor.epoch).toBe(made.server.epoch);
  made.server.append();
  expect(made.heard).toEqual([1, 1]);
});

test("a snapshot that fails is read again; without one, a reset ends the feed", async () => {
  let failing = true;
  const { cursor, reported } = await following({
    snapshot: () => (failing ? Promise.reject(new Error("not now")) : Promise.resolve({ sequence: 0 })),
  });
  expect(cursor.state).toBe("reading");
  failing = false;
  await vi.advanceTimersByTimeAsync(1_000);
  expect(cursor.state).toBe("live");
  expect(reported).toEqual(["not now"]);
  const ended = await following({ after: 7 });
  expect(ended.cursor).toMatchObject({ state: "ended", code: "snapshot_needed" });
});

test("filtered events move the place", async () => {
  const made = await following({ after: 0, types: ["position.*"], about: [POSITION] });
  const { heard, server, cursor } = made;
  expect(subscriptions(made)[0]).toMatchObject({ types: ["position.*"], about: [POSITION] });
  server.append({ sequence: 5 });
  server.socket.tell({ op: "advanced", feed: FEED, sequence: 9 });
  expect(heard).toEqual([5]);
  expect(cursor.sequence).toBe(9);
});

test("cursors of one client share a subscription, each from its own place and with its own filter", async () => {
  const made = await following({ after: 3 }, (prepared) => {
    for (let count = 0; count < 5; count += 1) prepared.append({ type: count % 2 ? "position.removed" : "position.edited" });
  });
  const { client, server, heard } = made;
  const other = client.feed(FEED, { after: 0, types: ["position.removed"] });
  const types: string[] = [];
  other.events.add(({ type }) => types.push(type));
  other.start();
  await vi.advanceTimersByTimeAsync(0);
  expect(heard).toEqual([4, 5]);
  expect(types).toEqual(["position.removed", "position.removed"]);
  const live = client.feed(FEED);
  live.start();
  await vi.advanceTimersByTimeAsync(0);
  expect(live.state).toBe("live");
  expect(subscriptions(made)).toHaveLength(2); // the third had nothing to ask
  made.cursor.stop();
  other.stop();
  live.stop();
  await vi.advanceTimersByTimeAsync(0);
  server.append();
  expect(heard).toEqual([4, 5]);
  expect(server.socket.following.size).toBe(0);
});

test("an event that is not understood counts, but is not told", async () => {
  const { heard, server, reported } = await following();
  server.append({ type: "novelty.invented" });
  server.append({ data: { project_id: PROJECT, position_id: POSITION, revision: "many", changes: {} } });
  server.append();
  expect(heard).toEqual([3]);
  expect(reported).toEqual(["an event is not understood", "an event is not understood"]);
});

test("the server's end of a feed is told; a passing refusal is asked again", async () => {
  const { cursor, server, client } = await following();
  server.socket.tell({ op: "unsubscribed", feed: FEED, code: "forbidden" });
  expect(cursor).toMatchObject({ state: "ended", code: "forbidden" });
  const subscribe = server.hear.bind(server);
  const refused = vi.spyOn(server, "hear").mockImplementationOnce((socket, message) => {
    socket.tell({ op: "error", id: (message as { id: string }).id, problem: problem("unavailable", 503) });
  });
  refused.mockImplementation(subscribe);
  const again = client.feed(FEED, { after: 0 });
  again.start();
  await settle();
  expect(again.state).toBe("joining");
  await vi.advanceTimersByTimeAsync(1_000);
  expect(again.state).toBe("live");
});

test("a listener that fails is reported, and keeps nobody from hearing", async () => {
  const { cursor, heard, server, reported } = await following();
  cursor.events.add(() => {
    throw new Error("mine");
  });
  const later: number[] = [];
  cursor.events.add((event) => later.push(event.sequence));
  server.append();
  expect([heard, later, reported]).toEqual([[1], [1], ["mine"]]);
});

test("progress passes by", async () => {
  const { cursor, server } = await following();
  const seen: unknown[] = [];
  cursor.progress.add(({ type, event_id }) => seen.push([type, event_id]));
  server.socket.tell({ op: "progress", feed: FEED, type: "job.progress", event_id: 3, step_index: 1 });
  expect(seen).toEqual([["job.progress", 3]]);
});

test("presence is shown again after a reconnection", async () => {
  const { client, server, cursor } = await following();
  const seen: unknown[] = [];
  cursor.presence.add(({ here }) => seen.push(here.length));
  client.present(FEED, { position: POSITION });
  await settle();
  server.socket.drop(4008);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(server.sockets.map(({ said }) => said.filter(({ op }) => (op as string) === "presence").length)).toEqual([1, 1]);
  server.socket.tell({ op: "presence", feed: FEED, complete: true, here: [], left: [] });
  expect(seen).toEqual([0]);
});
