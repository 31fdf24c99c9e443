/** What can go wrong, and where it is told. */

import type { Problem } from "./generated.js";

/** The server refused something; `problem` is what it said, with members of its own for some codes. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly problem: ProblemDetails;

  constructor(problem: ProblemDetails) {
    super(problem.detail || problem.title);
    this.problem = problem;
  }

  /** The permanent code of the refusal. */
  get code(): string {
    return this.problem.code;
  }
}

export type ProblemDetails = Problem & Readonly<Record<string, unknown>>;

/** The client itself could not do something: `code` says what. */
export class ClientError extends Error {
  override readonly name = "ClientError";
  readonly code: ClientErrorCode;

  constructor(code: ClientErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

export type ClientErrorCode = "closed" | "timeout" | "outbox_full" | "too_large" | "overtaken" | "nothing_to_undo";

/** Hears of everything that went wrong without a caller to tell: hand it on to an error tracker. Never of secrets. */
export type Report = (error: Error, context: Readonly<Record<string, unknown>>) => void;

/** Makes a problem out of what a server answered: proxies on the way know nothing of problems. */
export function problemFrom(value: unknown, status = 0): ProblemDetails {
  const given = (typeof value === "object" && value !== null ? value : {}) as Partial<ProblemDetails>;
  const code = typeof given.code === "string" ? given.code : "unknown";
  const title = typeof given.title === "string" ? given.title : `HTTP ${String(status)}`;
  return { type: "about:blank", detail: "", ...given, code, title, status: Number(given.status ?? status) };
}

export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
