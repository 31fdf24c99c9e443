/** Frames as they come from the server: split, parsed, checked. Whatever is not understood is told and left out. */

import { EVENTS, SCHEMAS, TOLD } from "./generated.js";
import type { Events, Told } from "./generated.js";
import { fault, isObject } from "./validation.js";
import type { Schema } from "./validation.js";

export type EventType = keyof Events;

/** An event of a feed. `sequence` counts within the feed from 1 on, `position` within the whole log. */
export type FeedEvent<T extends EventType = EventType> = {
  [K in T]: {
    readonly op: "event";
    readonly feed: string;
    readonly sequence: number;
    readonly position: number;
    readonly type: K;
    readonly at: string;
    readonly actor: string;
    readonly command_id?: string;
    readonly data: Events[K];
  };
}[T];

/** An event that this client has no type for, or whose data is not what its type says: it counts, but says nothing. */
export interface StrangeEvent {
  readonly op: "strange";
  readonly feed: string;
  readonly sequence: number;
  readonly type: string;
}

/** How far something is: no event, shown while it is fresh and never replayed. `event_id` counts up for one thing. */
export interface Progress {
  readonly op: "progress";
  readonly feed: string;
  readonly type: string;
  readonly event_id?: number;
  readonly [more: string]: unknown;
}

export type Heard = Told | FeedEvent | StrangeEvent | Progress;

/** What could not be understood, for whoever looks after the program. */
export type Strange = (what: string, details: Readonly<Record<string, unknown>>) => void;

const ENVELOPE: Schema = {
  type: "object",
  required: ["feed", "sequence", "position", "type", "at", "actor", "data"],
  properties: {
    feed: { type: "string" },
    sequence: { type: "integer", minimum: 1 },
    position: { type: "integer", minimum: 1 },
    type: { type: "string" },
    at: { type: "string", format: "date-time" },
    actor: { type: "string" },
    command_id: { type: "string", format: "uuid" },
    data: { type: "object" },
  },
};

const PROGRESS: Schema = {
  type: "object",
  required: ["feed", "type"],
  properties: { feed: { type: "string" }, type: { type: "string" }, event_id: { type: "integer" } },
};

/** Reads a frame, which holds one message a line. */
export function read(frame: string, strange: Strange): Heard[] {
  const heard: Heard[] = [];
  for (const line of frame.split("\n")) {
    if (line === "") continue;
    const message = readLine(line, strange);
    if (message !== undefined) heard.push(message);
  }
  return heard;
}

function readLine(line: string, strange: Strange): Heard | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    strange("a message is not JSON", { length: line.length });
    return undefined;
  }
  const op = isObject(value) ? value["op"] : undefined;
  if (op === "event") return readEvent(value, strange);
  const schema = schemaOf(op);
  if (schema === undefined) {
    strange("a message of an unknown kind", { op });
    return undefined;
  }
  const wrong = fault(value, schema, SCHEMAS);
  if (wrong !== undefined) {
    strange("a message has another shape than its kind says", { op, wrong });
    return undefined;
  }
  return value as Told | Progress;
}

function schemaOf(op: unknown): Schema | undefined {
  if (op === "progress") return PROGRESS;
  const name = typeof op === "string" && Object.hasOwn(TOLD, op) ? TOLD[op] : undefined;
  return name === undefined ? undefined : { $ref: name };
}

function readEvent(value: unknown, strange: Strange): FeedEvent | StrangeEvent | undefined {
  const broken = fault(value, ENVELOPE, SCHEMAS);
  if (broken !== undefined) {
    strange("an event has no readable envelope", { wrong: broken });
    return undefined;
  }
  const event = value as FeedEvent;
  const schema = Object.hasOwn(EVENTS, event.type) ? EVENTS[event.type] : undefined;
  const wrong = schema === undefined ? "unknown type" : fault(event.data, { $ref: schema }, SCHEMAS, "$.data");
  if (wrong === undefined) return event;
  const { feed, sequence, type } = event;
  strange("an event is not understood", { feed, sequence, type, wrong });
  return { op: "strange", feed, sequence, type };
}
