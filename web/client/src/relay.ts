/** The relay holds the one connection, and serves every tab: feeds are followed once, answers go to whoever asked. */

import { Connection } from "./connection.js";
import type { Parts } from "./connection.js";
import { problemFrom } from "./errors.js";
import { Followed } from "./followed.js";
import type { Heard } from "./frames.js";
import type { Result, Said } from "./generated.js";
import type { Store } from "./outbox.js";
import type { OfFeed, RelaySays, TabSays } from "./relay_messages.js";
import { Sender } from "./sender.js";

/** How long commands wait for feeds that do not catch up. */
const PATIENCE_MS = 5_000;
/** A tab that says nothing for so long is gone. */
const SILENT_MS = 180_000;

/** Where the relay's words go: to one tab, or to all. */
export type Tell = (says: RelaySays, tab?: string) => void;

export class Relay {
  readonly connection: Connection;
  readonly sender: Sender;
  readonly #feeds = new Map<string, Followed>();
  readonly #asks = new Map<string, { tab: string; message: Said }>();
  readonly #tabs = new Map<string, { visible: boolean; heardAt: number }>();
  readonly #tell: Tell;
  readonly #parts: Parts;
  #patience: ReturnType<typeof setTimeout> | undefined;

  constructor(parts: Parts, store: Store, tell: Tell) {
    this.#tell = tell;
    this.#parts = parts;
    this.connection = new Connection(parts, {
      status: (status) => {
        tell({ kind: "status", status });
      },
      opened: ({ account_id }) => {
        this.sender.account = account_id;
        this.#opened();
      },
      heard: (message) => {
        this.#heard(message);
      },
      lost: () => {
        this.#lost();
      },
    });
    this.sender = new Sender({
      store,
      say: (message) => this.connection.say(message),
      settled: (outcome) => {
        tell({ kind: "settled", outcome });
      },
      report: parts.report,
    });
  }

  async start(): Promise<void> {
    this.connection.start();
    await this.sender.load();
  }

  close(): void {
    clearTimeout(this.#patience);
    this.sender.pause();
    this.connection.close();
  }

  /** Hears a tab. */
  hear(tab: string, says: TabSays): void {
    const known = this.#tabs.get(tab);
    this.#tabs.set(tab, { visible: known?.visible ?? true, heardAt: Date.now() });
    switch (says.kind) {
      case "hello":
        this.#see(tab, says.visible);
        this.#tell({ kind: "status", status: this.connection.status }, tab);
        break;
      case "visible":
        this.#see(tab, says.visible);
        break;
      case "follow":
        this.#feed(says.feed).follow(`${tab}/${says.cursor}`, says);
        this.#judge();
        break;
      case "unfollow":
        this.#unfollow(`${tab}/${says.cursor}`, says.feed);
        break;
      case "ask":
        this.#ask(tab, says.id, { op: "query", id: says.id, query: says.query });
        break;
      case "queued":
        this.sender.add(says.entry);
        break;
      case "present":
        this.#present(says.feed, says.state);
        break;
      case "ack":
        this.#feeds.get(says.feed)?.acknowledge(says.sequence);
        break;
      case "alive":
        this.#forgetSilent();
        break;
      case "retry":
        this.connection.retry();
        break;
      case "gone":
        this.#forget(tab);
        break;
    }
  }

  #see(tab: string, visible: boolean): void {
    this.#tabs.set(tab, { visible, heardAt: Date.now() });
    this.connection.look([...this.#tabs.values()].some((each) => each.visible));
  }

  #forgetSilent(): void {
    const since = Date.now() - SILENT_MS;
    for (const [tab, { heardAt }] of this.#tabs) if (heardAt < since) this.#forget(tab);
  }

  #forget(tab: string): void {
    this.#tabs.delete(tab);
    for (const feed of this.#feeds.keys()) this.#unfollow(`${tab}/`, feed);
    for (const [id, ask] of this.#asks) if (ask.tab === tab) this.#asks.delete(id);
  }

  #feed(feed: string): Followed {
    const known = this.#feeds.get(feed);
    if (known !== undefined) return known;
    const followed = new Followed(feed, {
      say: (message) => this.connection.say(message),
      tell: (message, cursor) => {
        this.#tell({ kind: "feed", message }, cursor?.split("/", 1)[0]);
      },
      over: () => this.#feeds.delete(feed),
      feeds: () => this.#feeds.size,
    });
    this.#feeds.set(feed, followed);
    return followed;
  }

  #unfollow(cursor: string, feed: string): void {
    const followed = this.#feeds.get(feed);
    if (followed?.unfollow(cursor) === 0) this.#feeds.delete(feed);
    this.#judge();
  }

  #ask(tab: string, id: string, message: Said): void {
    this.#asks.set(id, { tab, message });
    this.connection.say(message);
  }

  #present(feed: string, state: Readonly<Record<string, unknown>> | null): void {
    this.#feeds.get(feed)?.present(state);
  }

  #opened(): void {
    for (const feed of this.#feeds.values()) feed.join();
    for (const { message } of this.#asks.values()) this.connection.say(message);
    this.#patience = setTimeout(() => {
      this.sender.begin();
    }, PATIENCE_MS);
    this.#judge();
  }

  #lost(): void {
    clearTimeout(this.#patience);
    this.sender.pause();
    for (const feed of this.#feeds.values()) feed.lose();
  }

  /** Looks whether everything is up to date; then commands may go. */
  #judge(): void {
    const connected = this.connection.status.state === "connected";
    const current = connected && [...this.#feeds.values()].every((feed) => feed.live);
    this.connection.note(current);
    if (!current) return;
    clearTimeout(this.#patience);
    this.sender.begin();
  }

  #heard(message: Heard): void {
    switch (message.op) {
      case "event":
      case "strange":
        this.#feeds.get(message.feed)?.event(message);
        break;
      case "result":
        this.#answered(message);
        break;
      case "error":
        this.#refused(String(message.id ?? ""), message.problem);
        break;
      default:
        if ("feed" in message) this.#ofFeed(message as OfFeed);
    }
  }

  #ofFeed(message: OfFeed): void {
    this.#feeds.get(message.feed)?.hear(message);
    this.#judge();
  }

  #answered(result: Result): void {
    if (this.sender.answered(result)) return;
    const id = String(result.id);
    const ask = this.#asks.get(id);
    this.#asks.delete(id);
    if (ask !== undefined) this.#tell({ kind: "answer", id, result }, ask.tab);
  }

  #refused(id: string, told: unknown): void {
    const problem = problemFrom(told);
    if (this.sender.refused(id, problem)) return;
    const ask = this.#asks.get(id);
    if (ask !== undefined) {
      this.#asks.delete(id);
      this.#tell({ kind: "refused", id, problem }, ask.tab);
      return;
    }
    const feed = [...this.#feeds.values()].find((each) => each.refused(id, problem));
    if (feed === undefined) this.#parts.report(new Error(`the server refused a message: ${problem.code}`), { id });
    this.#judge();
  }
}
