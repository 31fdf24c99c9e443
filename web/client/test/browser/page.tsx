/** The page that the browser's tests drive: a client, what it heard, and a table made with the React hook. */

import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import type { Root } from "react-dom/client";

import { createClient } from "../../src/index.js";
import type { AnyCommand, Client, Credentials, Fold, Outcome } from "../../src/index.js";
import { useLive, useStatus } from "../../src/react.js";

export interface Row {
  readonly description: string;
}

const fold: Fold<Row> = function* (event, get) {
  if (event.type === "position.added") {
    yield [event.data.position.position_id, { description: event.data.position.description ?? "" }];
  } else if (event.type === "position.edited") {
    const { position_id, changes } = event.data;
    yield [position_id, { ...get(position_id), description: changes.description ?? get(position_id)?.description ?? "" }];
  }
};

class Page {
  readonly heard: number[] = [];
  readonly settled: Outcome[] = [];
  readonly reported: string[] = [];
  readonly #client: Client;
  readonly #feed: string;
  readonly #project: string;
  #root: Root | undefined;

  constructor(project: string, credentials?: () => Promise<Credentials>) {
    this.#project = project;
    this.#feed = `project:${project}`;
    this.#client = createClient({
      ...(credentials === undefined ? {} : { credentials }),
      report: (error) => this.reported.push(error.message),
    });
    this.#client.settled.add((outcome) => this.settled.push(outcome));
  }

  get client(): Client {
    return this.#client;
  }

  follow(after = 0): void {
    this.#client.start();
    const cursor = this.#client.feed(this.#feed, { after });
    cursor.events.add(({ sequence }) => this.heard.push(sequence));
    cursor.start();
  }

  command(command: AnyCommand): void {
    this.#client.command(command).catch((error: unknown) => this.reported.push(String(error)));
  }

  show(): void {
    this.#root = createRoot(document.body.appendChild(document.createElement("main")));
    this.#root.render(
      <StrictMode>
        <Table client={this.#client} project={this.#project} />
      </StrictMode>,
    );
  }

  hide(): void {
    this.#root?.unmount();
  }
}

function Table({ client, project }: { client: Client; project: string }) {
  const { values, state } = useLive<Row>(client, `project:${project}`, { fold, after: 0 });
  const status = useStatus(client);
  return (
    <>
      <p role="status">{`${status.state} ${state}`}</p>
      <ul>
        {[...values].map(([key, { description }]) => (
          <li key={key}>{description}</li>
        ))}
      </ul>
    </>
  );
}

declare global {
  interface Window {
    /** Begins anew, signing in with tickets that a token gives, or with the session's cookie. */
    begin(project: string, token?: string): void;
    page: Page;
  }
}

window.begin = (project, token) => {
  const ticket = async (): Promise<Credentials> => {
    const headers = { authorization: `Bearer ${String(token)}`, "content-type": "application/json" };
    const answer = await fetch("/api/commands/socket.ticket", { method: "POST", headers, body: "{}" });
    return (await answer.json()) as { ticket: string };
  };
  window.page = new Page(project, token === undefined ? undefined : ticket);
};
