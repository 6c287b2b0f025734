import { z } from "zod";
import type { RejectionCode } from "../trust/ports.ts";

/** Longest message that is passed on, in characters. */
const MAX_MESSAGE_CHARACTERS = 300;

/** One check said no. It travels inside this folder only: the verifier turns it into a value, and nothing else leaves as one. */
export class Rejection extends Error {
  readonly code: RejectionCode;
  constructor(code: RejectionCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "Rejection";
    this.code = code;
  }
}

/** Runs a step whose every exception, whatever its type, means that this one check failed. */
export function rejectAs<T>(code: RejectionCode, what: string, step: () => T): T {
  try {
    return step();
  } catch (error) {
    if (error instanceof Rejection) throw error;
    throw new Rejection(code, `${what}: ${messageOf(error)}`, { cause: error });
  }
}

/** What a thrown thing says; libraries throw other things than errors, and hostile input decides how long they talk. */
export function messageOf(error: unknown): string {
  if (error instanceof z.ZodError) {
    const [issue] = error.issues;
    return `${issue?.path.map(String).join(".") ?? ""}: ${issue?.message ?? "wrong form"}`.slice(
      0,
      MAX_MESSAGE_CHARACTERS,
    );
  }
  const text = error instanceof Error ? error.message || error.name : String(error);
  return text.slice(0, MAX_MESSAGE_CHARACTERS);
}
