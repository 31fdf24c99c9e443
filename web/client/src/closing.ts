/** Close codes: what each means for coming back. */

/** `done`: over, as intended. `failed`: no point in coming back. `renew`: with fresh credentials. `retry`: after a pause,
 * `doubled` where the server is in trouble, `spread` where many clients are sent away together. */
export type Course =
  | { readonly next: "done" }
  | { readonly next: "failed" }
  | { readonly next: "renew" }
  | { readonly next: "retry"; readonly doubled?: true; readonly spread?: true };

const COURSES: Readonly<Record<number, Course>> = {
  1000: { next: "done" },
  1001: { next: "retry", spread: true },
  1006: { next: "retry", spread: true },
  1009: { next: "failed" },
  1011: { next: "retry", doubled: true },
  4001: { next: "renew" },
  4003: { next: "failed" },
  4004: { next: "failed" },
  4008: { next: "retry" },
  4009: { next: "retry" },
  4010: { next: "retry" },
  4012: { next: "retry", spread: true },
  4029: { next: "retry" },
  4400: { next: "failed" },
};

/** Says what to do after a close. `told` is what the server's `bye` said about coming back, for codes not known here. */
export function courseAfter(code: number, told?: boolean): Course {
  return COURSES[code] ?? { next: told === false ? "failed" : "retry" };
}
