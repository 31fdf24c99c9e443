/** The queue of commands: kept until each is answered, sent in order, bounded. */

import { ClientError } from "./errors.js";

export const MOST_QUEUED = 1_000;

/** A command on its way. */
export interface Entry {
  readonly commandId: string;
  readonly command: Readonly<Record<string, unknown>> & { readonly type: string };
  /** What the person saw when they decided on it, for whoever has to sort out a conflict. */
  readonly base?: unknown;
  readonly queuedAt: number;
  /** Whose it is, where that was known: nobody else may send it. */
  readonly accountId?: string | undefined;
}

/** Where entries are kept. */
export interface Store {
  /** Adds an entry behind all others. Raises `ClientError` `outbox_full`. */
  add(entry: Entry): Promise<void>;
  remove(commandId: string): Promise<void>;
  /** Gives all entries in their order. */
  all(): Promise<Entry[]>;
  close(): void;
}

export function outboxFull(): ClientError {
  return new ClientError("outbox_full", `${String(MOST_QUEUED)} commands wait already: connect before adding more`);
}

/** Keeps entries for as long as the program runs. */
export class MemoryStore implements Store {
  readonly #entries = new Map<string, Entry>();

  add(entry: Entry): Promise<void> {
    if (this.#entries.size >= MOST_QUEUED) return Promise.reject(outboxFull());
    this.#entries.set(entry.commandId, entry);
    return Promise.resolve();
  }

  remove(commandId: string): Promise<void> {
    this.#entries.delete(commandId);
    return Promise.resolve();
  }

  all(): Promise<Entry[]> {
    return Promise.resolve([...this.#entries.values()]);
  }

  close(): void {
    this.#entries.clear();
  }
}

const NAME = "plumbline";
const ENTRIES = "outbox";

/** Keeps entries in IndexedDB: they outlive the page. `scope` keeps servers and accounts apart. */
export class IndexedStore implements Store {
  readonly #database: Promise<IDBDatabase>;

  constructor(scope: string) {
    this.#database = open(`${NAME}:${scope}`);
    this.#database.catch(() => undefined); // whoever uses the store hears of it
  }

  async add(entry: Entry): Promise<void> {
    const transaction = (await this.#database).transaction(ENTRIES, "readwrite", { durability: "strict" });
    const entries = transaction.objectStore(ENTRIES);
    const full = (await answered(entries.count())) >= MOST_QUEUED;
    if (!full) entries.add(entry);
    await completed(transaction);
    if (full) throw outboxFull();
  }

  async remove(commandId: string): Promise<void> {
    const transaction = (await this.#database).transaction(ENTRIES, "readwrite");
    const entries = transaction.objectStore(ENTRIES);
    const key = await answered(entries.index("commandId").getKey(commandId));
    if (key !== undefined) entries.delete(key);
    await completed(transaction);
  }

  async all(): Promise<Entry[]> {
    const transaction = (await this.#database).transaction(ENTRIES);
    return answered(transaction.objectStore(ENTRIES).getAll() as IDBRequest<Entry[]>);
  }

  close(): void {
    this.#database.then((database) => { database.close(); }, () => undefined);
  }
}

async function open(name: string): Promise<IDBDatabase> {
  const request = indexedDB.open(name, 1);
  request.onupgradeneeded = () => {
    const entries = request.result.createObjectStore(ENTRIES, { autoIncrement: true });
    entries.createIndex("commandId", "commandId", { unique: true });
  };
  return answered(request);
}

function answered<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => { resolve(request.result); };
    request.onerror = () => { reject(request.error ?? new Error("IndexedDB failed")); };
  });
}

function completed(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (): void => { reject(transaction.error ?? new Error("IndexedDB gave up a transaction")); };
    transaction.oncomplete = () => { resolve(); };
    transaction.onerror = failed;
    transaction.onabort = failed;
  });
}
