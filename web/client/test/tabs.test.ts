import { afterEach, expect, test, vi } from "vitest";

import { Claims } from "../src/election.js";
import { MemoryStore, createClient } from "../src/index.js";
import type { Client } from "../src/index.js";
import { FEED, FakeServer, POSITION, PROJECT } from "./server.js";
import { FakeSurroundings } from "./world.js";

const open: { close(): void }[] = [];
afterEach(() => {
  for (const each of open.splice(0)) each.close();
});

let browsers = 0;

/** A browser's tabs: they share a store, a channel, and, as leader of one, the connection. */
function browser() {
  const server = new FakeServer();
  const store = new MemoryStore();
  browsers += 1;
  const scope = `tabs ${String(browsers)}`;
  const tab = (surroundings = new FakeSurroundings()): Client => {
    const client = createClient({
      url: "http://plumbline.test",
      credentials: () => ({ token: "secret" }),
      makeSocket: server.makeSocket,
      report: () => undefined,
      random: () => 0,
      shared: true,
      scope,
      store,
      surroundings,
    });
    open.push(client);
    client.start();
    return client;
  };
  return { server, tab };
}

function follow(client: Client, after = 0) {
  const cursor = client.feed(FEED, { after });
  const heard: number[] = [];
  cursor.events.add(({ sequence }) => heard.push(sequence));
  cursor.start();
  return { cursor, heard };
}

const until = (check: () => void) => vi.waitFor(check, 10_000);

test("tabs share one connection, and another one takes over when the leader goes", async () => {
  const { server, tab } = browser();
  const tabs = [tab(), tab(), tab()];
  server.append();
  const feeds = tabs.map((each) => follow(each));
  await until(() => { for (const { cursor } of feeds) expect(cursor.state).toBe("live"); });
  expect(server.sockets).toHaveLength(1);
  server.append();
  await until(() => { for (const { heard } of feeds) expect(heard).toEqual([1, 2]); });

  const follower = tabs.findIndex((each) => !each.leads);
  const receipt = await tabs[follower]!.command({ type: "position.remove", project_id: PROJECT, position_id: POSITION });
  expect(receipt.sequence).toBe(3);
  expect(await tabs[follower]!.query({ type: "projects.list" })).toMatchObject({ position: 5 });

  const leader = tabs.findIndex((each) => each.leads);
  tabs[leader]!.close();
  server.append();
  const left = feeds.filter((_, index) => index !== leader);
  await until(() => { for (const { heard } of left) expect(heard).toEqual([1, 2, 3, 4]); });
  expect(server.sockets.filter(({ readyState }) => readyState === 1)).toHaveLength(1);
  expect(tabs.filter((each) => each.leads)).toHaveLength(1);
}, 20_000);

test("the next leader follows what only others follow", async () => {
  const { server, tab } = browser();
  const tabs = [tab()];
  await until(() => { expect(tabs[0]?.leads).toBe(true); });
  tabs.push(tab());
  await until(() => { expect(tabs[1]?.status.state).toBe("connected"); });
  tabs.push(tab());
  const feeds = tabs.map((each) => follow(each));
  await until(() => { for (const { cursor } of feeds) expect(cursor.state).toBe("live"); });
  feeds[1]?.cursor.stop(); // the next to lead, for it came before the third
  tabs[0]?.close();
  await until(() => { expect(tabs[1]?.leads).toBe(true); });
  server.append();
  await until(() => { expect(feeds[2]?.heard).toEqual([1]); });
  expect(feeds[1]?.heard).toEqual([]);
}, 20_000);

test("a tab that comes later gets what is behind its own place, and the others nothing twice", async () => {
  const { server, tab } = browser();
  for (let count = 0; count < 4; count += 1) server.append();
  const first = follow(tab(), 2);
  await until(() => { expect(first.heard).toEqual([3, 4]); });
  const second = follow(tab(), 0);
  await until(() => { expect(second.heard).toEqual([1, 2, 3, 4]); });
  server.append();
  await until(() => { expect(first.heard).toEqual([3, 4, 5]); expect(second.heard).toEqual([1, 2, 3, 4, 5]); });
}, 20_000);

test("what a tab queued while nobody was connected is sent by whoever leads later", async () => {
  const { server, tab } = browser();
  server.admit = "refuse";
  const tabs = [tab(), tab()];
  await until(() => { expect(tabs.some((each) => each.leads)).toBe(true); });
  const follower = tabs.find((each) => !each.leads)!;
  const leader = tabs.find((each) => each.leads)!;
  const receipt = follower.command({ type: "position.remove", project_id: PROJECT, position_id: POSITION });
  leader.close();
  server.admit = "welcome";
  expect((await receipt).sequence).toBe(1);
}, 20_000);

test("a leader that nobody looks at comes back for a tab that somebody looks at, and for nobody it does not", async () => {
  const { server, tab } = browser();
  const [back, front] = [new FakeSurroundings(), new FakeSurroundings()];
  const leader = tab(back);
  await until(() => { expect(leader.status.state).toBe("connected"); });
  const follower = tab(front);
  await until(() => { expect(follower.status.state).toBe("connected"); });
  back.set({ visible: false });
  server.socket.drop(4008);
  await until(() => { expect(server.sockets).toHaveLength(2); });
  await until(() => { expect(follower.status.state).toBe("connected"); });
  front.set({ visible: false });
  await new Promise((resolve) => setTimeout(resolve, 50)); // the leader hears of it
  server.socket.drop(4008);
  await until(() => { expect(follower.status).toMatchObject({ state: "reconnecting", reason: "hidden" }); });
  expect(leader.leads).toBe(true);
  front.set({ visible: true });
  await until(() => { expect(follower.status.state).toBe("connected"); });
}, 20_000);

test("where there are no locks, tabs agree on one leader by talking", async () => {
  const leading = new Set<string>();
  const names = ["c", "a", "b"];
  const claims = new Map(
    names.map((name) => {
      const claim = new Claims("talk", name, { won: () => leading.add(name), lost: () => leading.delete(name) });
      open.push({ close: () => { claim.leave(); } });
      return [name, claim];
    }),
  );
  await until(() => { expect(leading.size).toBe(1); });
  const [first] = [...leading];
  claims.get(first!)!.leave();
  leading.clear();
  await until(() => { expect(leading.size).toBe(1); });
  const late = new Claims("talk", "0", { won: () => leading.add("0"), lost: () => leading.delete("0") });
  open.push({ close: () => { late.leave(); } });
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(leading.size).toBe(1);
  expect(leading.has("0")).toBe(false); // whoever leads, stays
}, 20_000);
