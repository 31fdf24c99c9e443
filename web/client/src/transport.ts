/** How frames get to the server and back. A transport lives once: whoever wants another connection opens another one. */

import type { Said } from "./generated.js";
import type { Way } from "./status.js";

/** Who signs in: a bearer token, a one-time ticket, or whoever the browser's session cookie says. */
export type Credentials =
  | { readonly token: string }
  | { readonly ticket: string }
  | { readonly cookie: true };

export interface Transport {
  readonly way: Way;
  say(message: Said): void;
  close(code: number, reason: string): void;
}

/** What a transport tells. After `closed` it tells nothing more. */
export interface Hearing {
  /** A frame: messages, one a line. */
  frame(text: string): void;
  /** A sign of life that is no frame. */
  alive(): void;
  closed(code: number, reason: string): void;
}

export type Open = (hearing: Hearing, credentials: Credentials) => Transport;

export const PROTOCOL = "plumbline.v1";

/** The part of a WebSocket that is needed of it. */
export type SocketLike = Pick<
  WebSocket,
  "readyState" | "onopen" | "onmessage" | "onclose" | "onerror" | "send" | "close"
>;

export type MakeSocket = (url: string, protocol: string) => SocketLike;

const OPEN = 1;

/** Opens WebSockets at the server `url`. */
export function overSocket(url: string, make: MakeSocket): Open {
  const address = `${url.replace(/^http/, "ws").replace(/\/$/, "")}/api/ws`;
  return (hearing, credentials) => {
    const socket = make(address, PROTOCOL);
    let open = true;
    const closed = (code: number, reason: string): void => {
      if (!open) return;
      open = false;
      hearing.closed(code, reason);
    };
    const say = (message: Said): void => {
      if (socket.readyState === OPEN) socket.send(JSON.stringify(message));
    };
    socket.onopen = () => {
      const proof = authentication(credentials);
      if (proof !== undefined) say(proof);
    };
    socket.onmessage = ({ data }: { data: unknown }) => {
      if (!open) return;
      if (typeof data === "string") hearing.frame(data);
      else closed(4400, "a binary frame");
    };
    socket.onclose = ({ code, reason }) => {
      closed(code, reason);
    };
    socket.onerror = () => undefined; // browsers tell nothing here, and `onclose` follows
    return {
      way: "websocket",
      say,
      close: (code, reason) => {
        open = false;
        socket.close(code, reason);
      },
    };
  };
}

/** Writes the message that signs in; `undefined` where the handshake's cookie does. */
export function authentication(credentials: Credentials): Said | undefined {
  if ("token" in credentials) return { op: "auth", id: "auth", token: credentials.token };
  if ("ticket" in credentials) return { op: "auth", id: "auth", ticket: credentials.ticket };
  return undefined;
}
