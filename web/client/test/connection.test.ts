import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { pause } from "../src/backoff.js";
import { courseAfter } from "../src/closing.js";
import { Refusal } from "../src/index.js";
import { ACCOUNT, FEED, problem } from "./server.js";
import { settle, world } from "./world.js";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

async function connected(options = {}) {
  const made = world(options);
  made.client.start();
  await vi.advanceTimersByTimeAsync(0);
  expect(made.client.status.state).toBe("connected");
  return made;
}

async function later(milliseconds: number) {
  await vi.advanceTimersByTimeAsync(milliseconds);
}

test("it goes from idle over connecting to connected, and closes by intent", async () => {
  const { client, states, server } = world();
  expect(client.status.state).toBe("idle");
  client.start();
  await later(0);
  expect(client.status.accountId).toBe(ACCOUNT);
  expect(server.socket.said[0]).toEqual({ op: "auth", id: "auth", token: "secret" });
  client.close();
  expect(states).toEqual(["connecting", "connected", "closed"]);
  expect(server.socket.readyState).toBe(3);
  await later(60_000);
  expect(server.sockets).toHaveLength(1);
});

test("pauses are fully jittered, double up to twenty seconds, and honour what the server asks", () => {
  const retry = { next: "retry" } as const;
  const terms = { spreadMs: 5_000, notBeforeMs: 0, random: () => 1 };
  expect([0, 1, 2, 5, 6, 9].map((failures) => pause(failures, retry, terms))).toEqual([
    500, 1_000, 2_000, 16_000, 20_000, 20_000,
  ]);
  expect(pause(3, retry, { ...terms, random: () => 0 })).toBe(0);
  expect(pause(1, { ...retry, doubled: true }, terms)).toBe(2_000);
  expect(pause(0, { ...retry, spread: true }, terms)).toBe(5_000);
  expect(pause(0, { ...retry, spread: true }, { ...terms, spreadMs: 1e9 })).toBe(60_000);
  expect(pause(0, retry, { ...terms, notBeforeMs: 7_000 })).toBe(7_000);
});

test("after ten failures in a row it gives up, and a retry by hand begins anew", async () => {
  const { client, server, states } = world();
  server.admit = "refuse";
  client.start();
  await later(200_000);
  expect(client.status).toMatchObject({ state: "failed", reason: "gave_up", retryAt: undefined });
  expect(server.sockets).toHaveLength(10);
  await later(600_000);
  expect(server.sockets).toHaveLength(10);
  server.admit = "welcome";
  client.retry();
  await later(0);
  expect(states).toEqual(["connecting", "failed", "reconnecting", "connected"]);
});

test("a connection that lasted makes failures forgotten, one that did not does not", async () => {
  const { client, server } = await connected();
  for (const failures of [1, 2, 3]) {
    server.socket.drop(4008);
    expect(client.status).toMatchObject({ state: "reconnecting", failures });
    await later(9_000); // it is back after four seconds at most, and lasts for five
    expect(client.status.state).toBe("connected");
  }
  await later(10_000);
  expect(client.status.failures).toBe(0);
  server.socket.drop(4008);
  expect(client.status).toMatchObject({ failures: 0, retryAt: Date.now() + 250 });
});

test("after the loss of a stable connection it comes back within what the server announced", async () => {
  const { client, server } = await connected();
  await later(11_000);
  server.socket.drop();
  expect(client.status.retryAt).toBe(Date.now() + 2_500); // half of 5,000
  await later(2_500);
  expect(client.status.state).toBe("connected");
});

describe("close codes", () => {
  test.each([
    [1000, "closed"],
    [1001, "reconnecting"],
    [1006, "reconnecting"],
    [1009, "failed"],
    [1011, "reconnecting"],
    [4003, "failed"],
    [4004, "failed"],
    [4008, "reconnecting"],
    [4009, "reconnecting"],
    [4010, "reconnecting"],
    [4012, "reconnecting"],
    [4029, "reconnecting"],
    [4400, "failed"],
  ])("%i leads to %s", async (code, state) => {
    const { client, server } = await connected();
    server.socket.drop(code);
    expect(client.status.state).toBe(state);
    expect(client.status.reason).toBe(String(code));
  });

  test("a code that nobody knows is decided by what the server said", () => {
    expect(courseAfter(4999)).toEqual({ next: "retry" });
    expect(courseAfter(4999, false)).toEqual({ next: "failed" });
    expect(courseAfter(4003, true)).toEqual({ next: "failed" });
  });

  test("bye says when to come back, even where the close code was lost", async () => {
    const { client, server } = await connected();
    server.socket.tell({ op: "bye", code: 4012, reason: "draining", reconnect: true, retry_after_ms: 9_000 });
    server.socket.drop(1006);
    expect(client.status).toMatchObject({ state: "reconnecting", reason: "4012", retryAt: Date.now() + 9_000 });
  });

  test("4001 asks for fresh credentials once, and fails when those do not hold either", async () => {
    const asked: boolean[] = [];
    const { client, server } = await connected({
      credentials: (refused: boolean) => {
        asked.push(refused);
        return { token: refused ? "fresh" : "old" };
      },
    });
    server.admit = "by message";
    const old = server.socket;
    server.hear = (socket) => {
      socket.drop(4001);
    };
    old.drop(4001);
    await later(5_000);
    expect(asked).toEqual([false, true]);
    expect(server.socket.said[0]).toMatchObject({ token: "fresh" });
    expect(client.status).toMatchObject({ state: "failed", reason: "not_authenticated" });
  });

  test("without any credentials it fails, and a network error on the way to them is a failed try", async () => {
    const refused = world({ credentials: () => Promise.reject(new Refusal(problem("not_signed_in", 401) as never)) });
    refused.client.start();
    await later(0);
    expect(refused.client.status).toMatchObject({ state: "failed", reason: "not_authenticated" });
    const unreachable = world({ credentials: () => Promise.reject(new TypeError("no network")) });
    unreachable.client.start();
    await later(0);
    expect(unreachable.client.status).toMatchObject({ state: "connecting", failures: 1 });
  });
});

test("credentials that end are renewed on the open socket", async () => {
  let count = 0;
  const { server } = await connected({ credentials: () => ({ token: `token ${String((count += 1))}` }) });
  const end = (): string => new Date(Date.now() + 60_000).toISOString();
  server.socket.welcomed = false;
  server.welcome(server.socket, { expires_at: end() });
  server.hear = (socket, message) => {
    if (message.op === "auth") socket.tell({ op: "signed_in", id: "auth", expires_at: end() });
  };
  await later(30_000);
  expect(server.socket.said.at(-1)).toEqual({ op: "auth", id: "auth", token: "token 2" });
  server.socket.tell({ op: "ping", t: 1 });
  await later(30_000);
  expect(server.socket.said.at(-1)).toEqual({ op: "auth", id: "auth", token: "token 3" });
  expect(server.sockets).toHaveLength(1);
});

test("pings are answered, and silence means dead", async () => {
  const { client, server } = await connected();
  server.socket.tell({ op: "ping", t: 42 });
  expect(server.socket.said.at(-1)).toEqual({ op: "pong", t: 42 });
  await later(34_000);
  server.socket.tell({ op: "ping", t: 43 });
  await later(34_900);
  expect(client.status.state).toBe("connected");
  const silent = server.socket;
  await later(200);
  expect(silent.readyState).toBe(3);
  expect(client.status).toMatchObject({ state: "reconnecting", reason: "silence" });
});

test("a handshake without a welcome is given up after ten seconds", async () => {
  const { client, server } = world();
  server.admit = "ignore";
  client.start();
  await later(9_999);
  expect(client.status.failures).toBe(0);
  await later(1);
  expect(client.status.failures).toBe(1);
});

test("while offline, or with nobody looking, nothing is tried; when that is over, at once", async () => {
  for (const [lost, found, reason] of [
    [{ online: false }, { online: true }, "offline"],
    [{ visible: false }, { visible: true }, "hidden"],
  ] as const) {
    const { client, server, surroundings } = await connected();
    server.admit = "refuse";
    server.socket.drop();
    surroundings.set(lost);
    await settle();
    await later(600_000);
    expect(server.sockets).toHaveLength(1);
    expect(client.status).toMatchObject({ state: "reconnecting", reason, retryAt: undefined });
    server.admit = "welcome";
    surroundings.set(found);
    await settle();
    await later(200);
    expect(client.status.state).toBe("connected");
    client.close();
  }
});

test("a start while offline waits for the network", async () => {
  const { client, server, surroundings } = world();
  surroundings.online = false;
  client.start();
  await later(60_000);
  expect(client.status).toMatchObject({ state: "connecting", reason: "offline" });
  expect(server.sockets).toHaveLength(0);
  surroundings.set({ online: true });
  await settle();
  await later(200);
  expect(client.status.state).toBe("connected");
});

test("coming back to a page doubts an old connection", async () => {
  const { client, server, surroundings } = await connected();
  const hear = vi.spyOn(server, "hear").mockImplementation(() => undefined);
  surroundings.set({ visible: true });
  await settle();
  expect(hear.mock.lastCall?.[1]).toMatchObject({ op: "ping" });
  await later(10_000);
  expect(client.status).toMatchObject({ state: "reconnecting", reason: "silence" });
});

test("a page that is put away lets go of its connection, and connects again when it comes back", async () => {
  const { client, server, surroundings } = await connected();
  surroundings.tell("away");
  expect(client.status).toMatchObject({ state: "idle", reason: "away" });
  expect(server.socket.readyState).toBe(3);
  surroundings.tell("back");
  await later(0);
  expect(client.status.state).toBe("connected");
  expect(server.sockets).toHaveLength(2);
});

test("what is not understood is reported and left out", async () => {
  const { server, reported, client } = await connected();
  server.socket.tell("{", { op: "novelty", feed: FEED }, { op: "caught_up", feed: 7, sequence: 1 }, { op: "event" });
  expect(reported).toEqual([
    "a message is not JSON",
    "a message of an unknown kind",
    "a message has another shape than its kind says",
    "an event has no readable envelope",
  ]);
  expect(client.status.state).toBe("connected");
});

test("many users share one connection; the last one to go closes it, unless it comes again at once", async () => {
  const { client, server } = world();
  const first = client.use();
  await later(0);
  first(); // as React does it while developing
  const second = client.use();
  await later(0);
  expect(client.status.state).toBe("connected");
  const third = client.use();
  second();
  second();
  await later(0);
  expect(client.status.state).toBe("connected");
  third();
  await later(0);
  expect(client.status.state).toBe("closed");
  expect(server.sockets).toHaveLength(1);
});
