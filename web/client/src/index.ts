/** Follows Plumbline's feeds and sends its commands, over connections that break. See README.md. */

export { Client } from "./client.js";
export type { AnyCommand, Answered, CommandOptions, Conflict } from "./client.js";
export { createClient } from "./connect.js";
export type { ClientOptions } from "./connect.js";
export type { Cursor, FeedOptions, FeedState } from "./cursor.js";
export type { Counts } from "./counts.js";
export { ClientError, Refusal } from "./errors.js";
export type { ClientErrorCode, ProblemDetails, Report } from "./errors.js";
export type { EventType, FeedEvent, Progress } from "./frames.js";
export type * as wire from "./generated.js";
export { newId } from "./ids.js";
export { Live } from "./live.js";
export type { Edit, Fold, HeldBack } from "./live.js";
export { IndexedStore, MemoryStore } from "./outbox.js";
export type { Entry, Store } from "./outbox.js";
export type { Outcome } from "./relay_messages.js";
export type { State, Status, Way } from "./status.js";
export type { Surroundings } from "./surroundings.js";
export type { Credentials, MakeSocket, SocketLike } from "./transport.js";
export { UndoStack } from "./undo.js";
export type { Send, Step } from "./undo.js";
