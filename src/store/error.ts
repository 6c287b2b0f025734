/** What went wrong in the store. */
export type StoreErrorCode =
  /** Another process has the directory. */
  | "in-use"
  /** The tables were made by a newer program. */
  | "newer-schema"
  /** Somebody else has changed it since it was read; nothing was written. Read again and decide again. */
  | "lost-race"
  /** There is no such row. */
  | "not-found"
  /** The database doesn't answer, or takes nothing now; nothing is known to have been written. Try again. */
  | "unavailable"
  /** The address or the credentials of the database are wrong. */
  | "refused"
  /** The store was closed. */
  | "closed"
  /** What was kept isn't what was written: it was changed in the database. */
  | "damaged"
  /** Anything else; a fault of the program. */
  | "database";

/** The store could not do what was asked. Its messages never have the database's password. */
export class StoreError extends Error {
  readonly code: StoreErrorCode;
  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "StoreError";
    this.code = code;
  }
}

/** Does something with the database; whatever the driver throws comes out as a {@link StoreError} that says what was tried. */
export type Attempt = <T>(what: string, run: () => Promise<T>) => Promise<T>;

/** @param conceal - Takes secrets out of a message: drivers quote what they were given. */
export function createAttempt(conceal: (text: string) => string): Attempt {
  return async (what, run) => {
    try {
      return await run();
    } catch (error) {
      if (error instanceof StoreError) throw error;
      throw new StoreError(codeOf(error), conceal(`tried to ${what}: ${messageOf(error)}`), { cause: error });
    }
  };
}

function messageOf(error: unknown): string {
  // A host with several addresses fails with one error for each, and an empty message of its own.
  if (error instanceof AggregateError && error.message === "") return error.errors.map(messageOf).join("; ");
  return error instanceof Error ? error.message : String(error);
}

/** SQLSTATE classes and codes (PostgreSQL, appendix A). */
const SQLSTATES: readonly (readonly [RegExp, StoreErrorCode])[] = [
  // Connection, resources, operator's intervention, a deadlock or a serialisation that failed, a lock that wasn't given.
  [/^(?:08|53|57|58|40)|^55P03$/, "unavailable"],
  // Authorisation, no such database, no right to it.
  [/^(?:28|3D)|^42501$/, "refused"],
  [/^[0-9A-Z]{5}$/, "database"],
];
const CLOSED = /driver has already been destroyed|PGlite is (?:closed|closing)|after calling end on the pool/i;
const UNREACHABLE = /^(?:E[A-Z]+|ERR_TLS_\w+|DEPTH_ZERO_\w+|SELF_SIGNED_\w+|UNABLE_TO_\w+|CERT_\w+)$/;

function codeOf(error: unknown): StoreErrorCode {
  const { code, message = "" } = error as { code?: unknown; message?: string };
  if (CLOSED.test(message)) return "closed";
  if (typeof code === "string") {
    if (code === "ENOTDIR" || code === "EACCES" || code === "EROFS" || code === "ENOTFOUND") return "refused";
    const known = SQLSTATES.find(([pattern]) => !UNREACHABLE.test(code) && pattern.test(code));
    if (known !== undefined) return known[1];
    if (UNREACHABLE.test(code)) return "unavailable";
  }
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0]);
  return /timeout|terminated|connection/i.test(message) ? "unavailable" : "database";
}
