import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { ClientError, Live, MemoryStore, UndoStack, newId } from "../src/index.js";
import type { AnyCommand, FeedEvent, Fold, HeldBack } from "../src/index.js";
import { FEED, POSITION, PROJECT, problem } from "./server.js";
import { settle, world } from "./world.js";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

interface Item {
  readonly description: string;
  readonly revision: number;
}

const OTHER = "00000000-0000-7000-8000-0000000000b2";

const fold: Fold<Item> = function* (event, get) {
  if (event.type === "position.removed") yield [event.data.position_id, undefined];
  if (event.type !== "position.edited") return;
  const { position_id, revision, changes } = event.data;
  yield [position_id, { description: changes.description ?? get(position_id)?.description ?? "", revision }];
};

function edit(description: string): AnyCommand {
  return { type: "position.edit", project_id: PROJECT, position_id: POSITION, changes: { description } };
}

function to(description: string) {
  return [[POSITION, (item: Item | undefined) => ({ description, revision: item?.revision ?? 0 })]] as const;
}

async function shown() {
  const made = world({ store: new MemoryStore() });
  made.client.start();
  const cursor = made.client.feed(FEED, { after: 0 });
  const live = new Live(made.client, cursor, fold);
  cursor.start();
  await vi.advanceTimersByTimeAsync(0);
  made.server.append();
  const see = () => live.shown.get(POSITION)?.description;
  expect(see()).toBe("v1");
  return { ...made, cursor, live, see };
}

test("a change shows at once, and is confirmed by its own event", async () => {
  const { live, see, server } = await shown();
  server.answer = () => undefined;
  const commandId = newId();
  void live.change(edit("mine"), to("mine"), commandId);
  expect([see(), live.pending, live.confirmed(POSITION)?.description]).toEqual(["mine", 1, "v1"]);
  await settle();
  server.append({ command_id: commandId });
  expect([see(), live.pending]).toEqual(["v2", 0]);
});

test("a receipt confirms as soon as the feed is that far, even where no event touched the thing", async () => {
  const { live, see, server } = await shown();
  server.answer = (_, command_id) => ({ command_id, feed: FEED, sequence: 2, position: 1_002, result: {} });
  const receipt = live.change(edit("mine"), to("mine"));
  await vi.advanceTimersByTimeAsync(0);
  await receipt;
  expect([see(), live.pending]).toEqual(["mine", 1]); // the event is still on its way
  server.append({ type: "position.removed", data: { project_id: PROJECT, position_id: OTHER } });
  expect([see(), live.pending]).toEqual(["v1", 0]);
});

test("a refusal takes the change off again, and leaves the others", async () => {
  const { live, see, server } = await shown();
  let refuse = true;
  server.answer = (command, id) => (refuse ? problem("forbidden", 403) : server.accept(command, id));
  const refused = expect(live.change(edit("a"), to("a"))).rejects.toMatchObject({ code: "forbidden" });
  const accepted = live.change(edit("b"), to("b")).catch(() => undefined);
  expect(see()).toBe("b");
  await settle();
  refuse = false;
  await vi.advanceTimersByTimeAsync(0);
  await refused;
  await accepted;
  expect(live.pending).toBe(0);
});

test("remote changes lie under one's own", async () => {
  const { live, see, server } = await shown();
  server.answer = () => undefined;
  void live.change(edit("x"), [[POSITION, (item) => item && { ...item, description: `${item.description}!` }]]);
  expect(see()).toBe("v1!");
  server.append();
  expect(see()).toBe("v2!");
});

test("a draft is never overwritten: what others do is held back, and shown as a conflict", async () => {
  const { live, see, server } = await shown();
  const held: HeldBack<Item>[] = [];
  live.heldBack.add((each) => held.push(each));
  const editing = live.edit(POSITION);
  editing.draft({ description: "half a sen", revision: 1 });
  expect(editing.conflict).toBeUndefined();
  server.append();
  server.append({ data: { project_id: PROJECT, position_id: OTHER, revision: 1, changes: { description: "elsewhere" } } });
  expect(see()).toBe("half a sen");
  expect(live.shown.get(OTHER)?.description).toBe("elsewhere");
  expect(held).toHaveLength(1);
  expect(editing.conflict).toMatchObject({
    base: { description: "v1" },
    mine: { description: "half a sen" },
    theirs: { description: "v2" },
    event: { sequence: 2 },
  });
  editing.end();
  expect(see()).toBe("v2");
});

test("one's own event is no conflict with a draft", async () => {
  const { live, server } = await shown();
  server.answer = () => undefined;
  const commandId = newId();
  const editing = live.edit(POSITION);
  void live.change(edit("mine"), to("mine"), commandId);
  await settle();
  server.append({ command_id: commandId });
  expect(editing.conflict).toBeUndefined();
});

test("what is shown is the same object until it changes, and changes are told together", async () => {
  const { live, server } = await shown();
  await settle();
  let told = 0;
  live.changed.add(() => (told += 1));
  const before = live.shown;
  expect(live.shown).toBe(before);
  server.socket.tell(server.append({}, false), server.append({}, false));
  await settle();
  expect(told).toBe(1);
  expect(live.shown).not.toBe(before);
  expect(before.get(POSITION)?.description).toBe("v1"); // nobody's copy is changed
});

test("a snapshot replaces what is confirmed, and keeps drafts and changes on their way", async () => {
  const { live, see, server } = await shown();
  server.answer = () => undefined;
  void live.change(edit("mine"), to("mine"));
  live.edit(OTHER).draft({ description: "draft", revision: 0 });
  live.load([[POSITION, { description: "from the snapshot", revision: 9 }]], 40);
  expect([see(), live.shown.get(OTHER)?.description]).toEqual(["mine", "draft"]);
  expect(live.confirmed(POSITION)?.revision).toBe(9);
});

test("any history shows what the server says once everything is answered", async () => {
  let seed = 7;
  const random = () => (seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31) / 2 ** 31;
  for (let round = 0; round < 30; round += 1) {
    const { client, live, server, see } = await shown();
    const accept = server.answer;
    server.answer = (command, id) => (random() < 0.3 ? problem("forbidden", 403) : accept(command, id));
    for (let step = 0; step < 20; step += 1) {
      const chance = random();
      if (chance < 0.4) void live.change(edit(`mine ${String(step)}`), to(`mine ${String(step)}`)).catch(() => undefined);
      else if (chance < 0.7) server.append();
      else if (chance < 0.8) server.socket.drop(4008);
      else await vi.advanceTimersByTimeAsync(random() * 2_000);
    }
    await vi.advanceTimersByTimeAsync(60_000);
    expect(live.pending).toBe(0);
    expect(see()).toBe(`v${String(server.log.length)}`);
    client.close();
  }
});

function undoing() {
  const sent: AnyCommand[] = [];
  const failing: Error[] = [];
  const stack = new UndoStack((command) => {
    const error = failing.pop();
    if (error !== undefined) return Promise.reject(error);
    sent.push(command);
    return Promise.resolve();
  }, newId);
  const step = (key: string, commandId = newId()) => ({
    keys: [key],
    commandId,
    undo: () => edit(`undo ${key}`),
    redo: () => edit(`redo ${key}`),
  });
  return { sent, failing, stack, step };
}

function remote(command_id = newId()): FeedEvent {
  return { op: "event", sequence: 1, type: "position.edited", command_id } as FeedEvent;
}

test("undo and redo are commands", async () => {
  const { sent, stack, step } = undoing();
  stack.push(step("a"));
  stack.push(step("b"));
  await stack.undo();
  await stack.undo();
  await stack.redo();
  expect(sent).toEqual([edit("undo b"), edit("undo a"), edit("redo a")]);
  stack.push(step("c"));
  expect(stack.nextRedo).toBeUndefined();
  await expect(stack.redo()).rejects.toMatchObject({ code: "nothing_to_undo" });
});

test("the stack survives remote changes: only steps about the same thing are overtaken", async () => {
  const { sent, stack, step } = undoing();
  stack.push(step("a"));
  stack.push(step("b"));
  stack.hear(remote(), ["a"]);
  await stack.undo();
  expect(sent).toEqual([edit("undo b")]);
  await expect(stack.undo()).rejects.toBeInstanceOf(ClientError);
  expect(stack.nextUndo?.overtakenBy?.sequence).toBe(1);
  await stack.undo(true);
  expect(sent.at(-1)).toEqual(edit("undo a"));
  stack.skip("redo");
  expect(stack.nextRedo?.step.keys).toEqual(["b"]);
});

test("one's own events overtake nothing", async () => {
  const { stack, step } = undoing();
  const commandId = newId();
  stack.push(step("a", commandId));
  stack.hear(remote(commandId), ["a"]);
  expect(stack.nextUndo?.overtakenBy).toBeUndefined();
  await stack.undo();
  expect(stack.nextRedo?.step.keys).toEqual(["a"]);
});

test("an undo that is refused leaves the step where it was, and the stack is bounded", async () => {
  const { failing, stack, step } = undoing();
  for (let count = 0; count <= 100; count += 1) stack.push(step(String(count)));
  failing.push(new Error("refused"));
  await expect(stack.undo()).rejects.toThrow("refused");
  expect(stack.nextUndo?.step.keys).toEqual(["100"]);
  for (let count = 0; count < 100; count += 1) await stack.undo();
  expect(stack.nextUndo).toBeUndefined();
});
