/** Stands between browser and server: serves the page, passes on everything under /api, counts sockets, can be cut. */

import { createServer, request } from "node:http";
import type { Server } from "node:http";
import { connect } from "node:net";
import type { Socket } from "node:net";

export class Proxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** WebSockets since the beginning. */
  opened = 0;
  /** Whether nothing gets through to the server. */
  cut = false;
  /** Whether it knows nothing of sockets. */
  blocked = false;
  /** Whether it collects whole answers before it passes them on: streams then never arrive. */
  collects = false;

  constructor(script: string, api: URL) {
    const { hostname, port } = api;
    this.#server = createServer((asked, answer) => {
      const path = asked.url ?? "/";
      if (!path.startsWith("/api") && !path.startsWith("/health")) {
        const [type, body] = path === "/page.js" ? ["text/javascript", script] : ["text/html", PAGE];
        answer.setHeader("content-type", `${type}; charset=utf-8`).end(body);
        return;
      }
      if (this.cut) {
        asked.socket.destroy();
        return;
      }
      const { method, headers } = asked;
      const passed = request({ hostname, port, path, method, headers }, (answered) => {
        if (this.collects && answered.headers["content-type"] === "text/event-stream") return;
        answer.writeHead(answered.statusCode ?? 502, answered.headers);
        answered.pipe(answer);
      });
      passed.on("error", () => asked.socket.destroy());
      answer.on("close", () => passed.destroy());
      asked.pipe(passed);
    });
    this.#server.on("upgrade", (asked, near: Socket, head) => {
      if (this.cut || this.blocked) {
        near.destroy();
        return;
      }
      const far = connect(Number(port), hostname, () => {
        const headers = asked.rawHeaders.reduce((text, each, index) => text + each + (index % 2 ? "\r\n" : ": "), "");
        far.write(`GET ${asked.url ?? ""} HTTP/1.1\r\n${headers}\r\n`);
        far.write(head);
        far.pipe(near).pipe(far);
      });
      this.opened += 1;
      this.#sockets.add(near);
      const end = (): void => {
        this.#sockets.delete(near);
        near.destroy();
        far.destroy();
      };
      for (const each of [near, far]) each.on("error", end).on("close", end);
    });
  }

  /** WebSockets that are open now. */
  get open(): number {
    return this.#sockets.size;
  }

  async listen(port: number): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(port, "127.0.0.1", resolve));
  }

  /** Lets nothing through any more, and ends what is open. */
  sever(): void {
    this.cut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  close(): void {
    this.sever();
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

const PAGE = '<!doctype html><html lang="en"><meta charset="utf-8"><title>Tests</title><script src="/page.js"></script>';
