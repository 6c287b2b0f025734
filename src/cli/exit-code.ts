import { PolicyError } from "../trust/policy-fault.ts";
import type { Verdict } from "../trust/verdict.ts";

/** What the process ends with (DESIGN §6); the one table from outcomes to the shell. */
export const EXIT = {
  trusted: 0,
  untrusted: 1,
  /** A wrong command line, or a policy or trusted root that can't be read. */
  usage: 2,
  /** Something couldn't be looked at, an ancestor that refused us included. */
  undetermined: 3,
  /** The registry refused to show the image that was asked about. */
  credentials: 4,
} as const;

/** An exit code of the table. */
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** A command line that can't be done as it stands. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** The exit code of a verdict. */
export function exitCodeOf(verdict: Verdict): ExitCode {
  switch (verdict.outcome) {
    case "trusted":
      return EXIT.trusted;
    case "untrusted":
      return EXIT.untrusted;
    case "undetermined": {
      const asked = new Set(verdict.platforms.map(({ node }) => node));
      const refused = verdict.nodes.some(
        ({ id, finding }) => asked.has(id) && finding.kind === "unreachable" && finding.code === "credentials-refused",
      );
      return refused ? EXIT.credentials : EXIT.undetermined;
    }
  }
}

/** Worst first. What is proven to be wrong stays so whatever else could not be looked at, as it does within one image. */
const WORST_FIRST: readonly ExitCode[] = [
  EXIT.usage,
  EXIT.untrusted,
  EXIT.credentials,
  EXIT.undetermined,
  EXIT.trusted,
];

/** The exit code of several images together: that of the worst. Nothing at all was asked wrongly, and is never trusted. */
export function worstExit(codes: readonly ExitCode[]): ExitCode {
  return WORST_FIRST.find((code) => codes.includes(code)) ?? EXIT.usage;
}

/** Whether the error is the person's to mend, and told in a line, rather than a fault of ours. */
export function isUsage(error: unknown): error is Error {
  return error instanceof UsageError || error instanceof PolicyError;
}

/** Makes an error of this class the person's. */
export function usage<T>(kind: abstract new (...args: never[]) => Error, run: () => T, advice?: string): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof kind)
      throw new UsageError(advice === undefined ? error.message : `${error.message}; ${advice}`, { cause: error });
    throw error;
  }
}
