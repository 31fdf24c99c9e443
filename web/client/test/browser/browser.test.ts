/** In a real browser, against a real server that somebody else kills and starts: see tests/web/test_browser.py. */

import chromium from "@sparticuz/chromium";
import { build } from "esbuild";
import { chromium as browsers } from "playwright-core";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";

import { newId } from "../../src/index.js";
import { Proxy } from "./proxy.js";

const { API = "", CONTROL = "", TOKEN = "", EMAIL = "", PASSWORD = "", PORT = "", CHROMIUM = "" } = process.env;
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const ORIGIN = `http://localhost:${PORT}`;

let browser: Browser;
let proxy: Proxy;
let context: BrowserContext;
let project: string;

beforeAll(async () => {
  const entryPoints = [new URL("page.tsx", import.meta.url).pathname];
  const built = await build({
    entryPoints,
    bundle: true,
    write: false,
    format: "iife",
    jsx: "automatic",
    define: { "process.env.NODE_ENV": '"development"' }, // StrictMode does its work only there
  });
  proxy = new Proxy(built.outputFiles[0]?.text ?? "", new URL(API));
  await proxy.listen(Number(PORT));
  browser = await browsers.launch({ executablePath: CHROMIUM || (await chromium.executablePath()), args: FLAGS });
});
afterAll(async () => {
  await browser.close();
  proxy.close();
});

beforeEach(async () => {
  context = await browser.newContext();
  project = newId();
  await run({ type: "project.create", project_id: project, name: "Bridge" });
});
afterEach(async () => {
  Object.assign(proxy, { blocked: false, collects: false });
  await context.close();
  await vi.waitFor(() => { expect(proxy.open).toBe(0); }, 5_000);
});

/** Carries out a command from elsewhere. */
async function run({ type, ...fields }: Record<string, unknown> & { type: string }): Promise<{ sequence: number }> {
  const headers = { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" };
  const answer = await fetch(`${API}/api/commands/${type}`, { method: "POST", headers, body: JSON.stringify(fields) });
  const receipt = (await answer.json()) as { sequence: number };
  expect(answer.ok, JSON.stringify(receipt)).toBe(true);
  return receipt;
}

function addition(description: string) {
  return {
    type: "position.add" as const,
    project_id: project,
    position_id: newId(),
    fields: { description, unit: "m3" },
  };
}

async function tab(token: string | undefined = TOKEN): Promise<Page> {
  const page = await context.newPage();
  await page.goto(ORIGIN);
  await page.evaluate(([id, secret]) => { window.begin(id ?? "", secret); }, [project, token]);
  return page;
}

async function follower(): Promise<Page> {
  const page = await tab();
  await page.evaluate(() => { window.page.follow(); });
  return page;
}

/** A page of somebody who has logged in: its cookie signs in, over sockets and over HTTP. */
async function loggedIn(): Promise<Page> {
  const page = await context.newPage();
  await page.goto(ORIGIN);
  const status = await page.evaluate(
    async (proof) => {
      const headers = { "content-type": "application/json" };
      return (await fetch("/api/session", { method: "POST", headers, body: JSON.stringify(proof) })).status;
    },
    { email: EMAIL, password: PASSWORD },
  );
  expect(status).toBe(201);
  return page;
}

const until = (check: () => Promise<void>) => vi.waitFor(check, { timeout: 20_000, interval: 50 });
const heard = (page: Page) => page.evaluate(() => window.page.heard);
const oneTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1);
const control = async (what: "kill" | "start") => {
  expect((await fetch(`${CONTROL}/${what}`, { method: "POST" })).ok).toBe(true);
};

test("two tabs share one connection, edit live, and one takes over when the other is closed", async () => {
  const before = proxy.opened;
  const tabs = [await follower(), await follower()];
  await tabs[1]?.evaluate((command) => { window.page.command(command); }, addition("from the second tab"));
  for (const page of tabs) await until(async () => { expect(await heard(page)).toEqual([1, 2, 3]); });
  expect(proxy.opened - before).toBe(1);
  const leads = await Promise.all(tabs.map((page) => page.evaluate(() => window.page.client.leads)));
  expect(leads.filter(Boolean)).toHaveLength(1);
  await tabs[leads.indexOf(true)]?.close();
  const { sequence } = await run(addition("from elsewhere"));
  const left = tabs[leads.indexOf(false)]!;
  await until(async () => { expect(await heard(left)).toEqual(oneTo(sequence)); });
  expect(await left.evaluate(() => window.page.client.leads)).toBe(true);
  expect(proxy.open).toBe(1);
});

test("after the server was killed nothing is missed, and what was commanded meanwhile is done once", async () => {
  const page = await follower();
  await run(addition("before"));
  await until(async () => { expect(await heard(page)).toEqual([1, 2, 3]); });
  await control("kill");
  await until(async () => { expect(await page.evaluate(() => window.page.client.status.state)).toBe("reconnecting"); });
  expect(await page.evaluate(() => window.page.client.stale)).toBe(true);
  await page.evaluate((command) => { window.page.command(command); }, addition("while it was away"));
  await control("start");
  await run(addition("after"));
  await until(async () => { expect(await page.evaluate(() => window.page.settled.length)).toBe(1); });
  await until(async () => { expect(await heard(page)).toEqual(oneTo(7)); });
  await until(async () => { expect(await page.evaluate(() => window.page.client.stale)).toBe(false); });
  expect(await page.evaluate(() => window.page.settled.map((each) => "receipt" in each))).toEqual([true]);
});

test("commands of a page without a network outlive a reload, and are carried out in order", async () => {
  const page = await follower();
  await until(async () => { expect(await heard(page)).toEqual([1]); });
  proxy.sever();
  const commands = ["first", "second", "third"].map(addition);
  for (const command of commands) await page.evaluate((each) => { window.page.command(each); }, command);
  await until(async () => { expect(await page.evaluate(async () => (await window.page.client.queued()).length)).toBe(3); });
  await page.reload();
  await page.evaluate(([id, token]) => { window.begin(id ?? "", token); }, [project, TOKEN]);
  expect(await page.evaluate(async () => (await window.page.client.queued()).length)).toBe(3);
  proxy.cut = false;
  await page.evaluate(() => { window.page.follow(); });
  await until(async () => { expect(await page.evaluate(() => window.page.settled.length)).toBe(3); });
  await until(async () => { expect(await heard(page)).toEqual(oneTo(7)); });
  const done = await page.evaluate(() => window.page.settled.map(({ entry }) => entry.command));
  expect(done).toEqual(commands);
  await until(async () => { expect(await page.evaluate(async () => (await window.page.client.queued()).length)).toBe(0); });
});

test("the React hook shows a feed live, holds one connection under StrictMode, and lets go of it", async () => {
  const before = proxy.opened;
  const page = await tab();
  await page.evaluate(() => { window.page.show(); });
  await page.getByText("connected live").waitFor();
  await run(addition("A wall"));
  await page.getByText("A wall").waitFor();
  expect(proxy.opened - before).toBe(1);
  await page.evaluate(() => { window.page.hide(); });
  await until(async () => { expect(await page.evaluate(() => window.page.client.status.state)).toBe("closed"); });
  await vi.waitFor(() => { expect(proxy.open).toBe(0); }, 5_000);
});

test.each([["sse", false], ["poll", true]] as const)(
  "where sockets do not get through, a page follows over HTTP: %s",
  async (way, collects) => {
    Object.assign(proxy, { blocked: true, collects });
    await context.addInitScript(quicken);
    const page = await loggedIn();
    await page.evaluate((id) => { window.begin(id); window.page.follow(); }, project);
    await until(async () => { expect(await page.evaluate(() => window.page.client.status.way)).toBe(way); });
    await until(async () => { expect(await heard(page)).toEqual([1]); });
    await until(async () => { expect(await page.evaluate(() => window.page.client.stale)).toBe(false); });
    await page.evaluate((command) => { window.page.command(command); }, addition("over HTTP"));
    await until(async () => { expect(await heard(page)).toEqual([1, 2, 3]); });
    expect(await page.evaluate(() => window.page.settled.map((each) => "receipt" in each))).toEqual([true]);
    const { sequence } = await run(addition("from elsewhere"));
    await until(async () => { expect(await heard(page)).toEqual(oneTo(sequence)); });
    expect(await page.evaluate(() => window.page.reported)).toEqual([]);
  },
);

/** Runs in the page: ten seconds without a sign of a stream are a long time for a test. */
function quicken(): void {
  const real = window.setTimeout.bind(window);
  const quick = (action: () => void, milliseconds?: number) => real(action, milliseconds === 10_000 ? 300 : milliseconds);
  Object.assign(window, { setTimeout: quick });
}

test("a page that is logged in needs nothing but its cookie", async () => {
  const page = await loggedIn();
  await page.evaluate((id) => { window.begin(id); window.page.follow(); }, project);
  await until(async () => { expect(await heard(page)).toEqual([1]); });
});
