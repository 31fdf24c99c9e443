/** A server in memory: speaks as much of `plumbline.v1` as the client's tests need, over sockets that are objects. */

import type { Said } from "../src/generated.js";
import { newId } from "../src/ids.js";
import type { SocketLike } from "../src/transport.js";

export const EPOCH = "00000000-0000-7000-8000-00000000000e";
export const ACCOUNT = "00000000-0000-7000-8000-00000000000a";
export const PROJECT = "00000000-0000-7000-8000-000000000001";
export const FEED = `project:${PROJECT}`;
export const POSITION = "00000000-0000-7000-8000-0000000000b1";

type Frame = Record<string, unknown>;

export class FakeSocket implements SocketLike {
  readyState: WebSocket["readyState"] = 0;
  onopen: SocketLike["onopen"] = null;
  onmessage: SocketLike["onmessage"] = null;
  onclose: SocketLike["onclose"] = null;
  onerror: SocketLike["onerror"] = null;
  readonly said: Said[] = [];
  welcomed = false;
  readonly following = new Map<string, number>();
  readonly #server: FakeServer;

  constructor(server: FakeServer) {
    this.#server = server;
  }

  send(data: string): void {
    const message = JSON.parse(data) as Said;
    this.said.push(message);
    queueMicrotask(() => {
      if (this.readyState === 1) this.#server.hear(this, message);
    });
  }

  close(code = 1005, reason = ""): void {
    if (this.readyState === 3) return;
    this.readyState = 3;
    this.#call(this.onclose, { code, reason });
  }

  #call(handler: unknown, event: unknown): void {
    (handler as ((event: unknown) => void) | null)?.(event);
  }

  /** Opens, as the network would. */
  open(): void {
    this.readyState = 1;
    this.#call(this.onopen, undefined);
  }

  /** Ends the connection from the server's side. */
  drop(code = 1006, reason = ""): void {
    this.close(code, reason);
  }

  tell(...frames: (Frame | string)[]): void {
    const lines = frames.map((each) => (typeof each === "string" ? each : JSON.stringify(each)));
    if (this.readyState === 1) this.#call(this.onmessage, { data: lines.join("\n") });
  }
}

export class FakeServer {
  readonly sockets: FakeSocket[] = [];
  readonly log: Frame[] = [];
  readonly commands: { id: string; command: Frame; command_id: string }[] = [];
  epoch = EPOCH;
  replayLimit = 10_000;
  /** What happens to a new socket. */
  admit: "welcome" | "refuse" | "ignore" | "by message" = "welcome";
  /** Answers commands; `undefined` leaves them without an answer. */
  answer: (command: Frame, commandId: string) => Frame | undefined = (command, commandId) => this.accept(command, commandId);
  readonly #receipts = new Map<string, Frame>();

  readonly makeSocket = (): SocketLike => {
    const socket = new FakeSocket(this);
    this.sockets.push(socket);
    queueMicrotask(() => {
      if (this.admit === "refuse") socket.drop();
      else if (this.admit !== "ignore") socket.open();
      if (this.admit === "welcome") this.welcome(socket);
    });
    return socket;
  };

  get socket(): FakeSocket {
    const socket = this.sockets.at(-1);
    if (socket === undefined) throw new Error("nobody connected");
    return socket;
  }

  welcome(socket: FakeSocket, change: Frame = {}): void {
    if (socket.welcomed) return;
    socket.welcomed = true;
    socket.tell({
      op: "welcome",
      connection_id: newId(),
      account_id: ACCOUNT,
      server_time: "2026-01-01T00:00:00Z",
      epoch: this.epoch,
      heartbeat_interval: 25,
      heartbeat_timeout: 10,
      reconnect_jitter_max_ms: 5_000,
      limits: { message_bytes: 65_536, messages_per_second: 50, burst: 100, feeds: 100, in_flight: 128 },
      ...change,
    });
  }

  /** Stores an event, and sends it to whoever follows the feed. */
  append(change: Frame = {}, send = true): Frame {
    const sequence = this.log.length + 1;
    const event = {
      op: "event",
      feed: FEED,
      sequence,
      position: 1_000 + sequence,
      type: "position.edited",
      at: "2026-01-01T00:00:00Z",
      actor: `account:${ACCOUNT}`,
      data: { project_id: PROJECT, position_id: POSITION, revision: sequence, changes: { description: `v${String(sequence)}` } },
      ...change,
    };
    this.log.push(event);
    if (send) for (const socket of this.sockets) if (socket.following.has(FEED)) socket.tell(event);
    return event;
  }

  accept(command: Frame, commandId: string): Frame {
    const known = this.#receipts.get(commandId);
    if (known !== undefined) return known;
    const event = this.append({ command_id: commandId }, false);
    const receipt = { command_id: commandId, feed: FEED, sequence: event["sequence"], position: event["position"], result: {}, command };
    this.#receipts.set(commandId, receipt);
    queueMicrotask(() => {
      for (const socket of this.sockets) if (socket.following.has(FEED)) socket.tell(event);
    });
    return receipt;
  }

  hear(socket: FakeSocket, message: Said): void {
    switch (message.op) {
      case "auth":
        this.welcome(socket);
        break;
      case "subscribe":
        this.#subscribe(socket, message);
        break;
      case "unsubscribe":
        socket.following.delete(message.feed);
        socket.tell({ op: "unsubscribed", id: message.id, feed: message.feed });
        break;
      case "command": {
        const { id, command, command_id } = message as unknown as { id: string; command: Frame; command_id: string };
        this.commands.push({ id, command, command_id });
        const answer = this.answer(command, command_id);
        if (answer === undefined) return;
        if ("status" in answer) socket.tell({ op: "error", id, problem: answer });
        else socket.tell({ op: "result", id, result: answer, position: Number(answer["position"]) });
        break;
      }
      case "query":
        socket.tell({ op: "result", id: message.id, result: { items: [] }, position: 5, sequence: this.log.length, epoch: this.epoch });
        break;
      case "ping":
        socket.tell({ op: "pong", t: message.t });
        break;
      default:
        break;
    }
  }

  #subscribe(socket: FakeSocket, { id, feed, after, epoch }: Said & { op: "subscribe" }): void {
    const head = this.log.length;
    const reason =
      typeof epoch === "string" && epoch !== this.epoch ? "epoch"
      : typeof after === "number" && after > head ? "ahead"
      : typeof after === "number" && head - after > this.replayLimit ? "too_far"
      : undefined;
    if (reason !== undefined) {
      socket.tell({ op: "reset", id, feed, epoch: this.epoch, head, reason });
      return;
    }
    socket.tell({ op: "subscribed", id, feed, epoch: this.epoch, head, recovered: typeof after === "number" });
    socket.following.set(feed, after ?? head);
    if (typeof after === "number" && after < head) socket.tell(...this.log.slice(after));
    socket.tell({ op: "caught_up", feed, sequence: head });
  }
}

export function problem(code: string, status: number, more: Frame = {}): Frame {
  return { type: `/api/docs#${code}`, title: code, status, detail: code, code, errors: [], request_id: "1", ...more };
}
