import type { Kysely, Transaction } from "kysely";
import type { Attempt } from "./error.ts";
import type { Tables } from "./schema.ts";

/**
 * An open transaction. Everything inside one goes through it: with PGlite's only connection, a query beside it would wait for it for
 * ever.
 */
export type Transact = Transaction<Tables>;

/** What every part of the store works with. */
export interface StoreTools {
  readonly db: Kysely<Tables>;
  readonly attempt: Attempt;
  /** One transaction; what is thrown says what was tried. */
  transact<T>(what: string, run: (tx: Transact) => Promise<T>): Promise<T>;
}

export function createTools(db: Kysely<Tables>, attempt: Attempt): StoreTools {
  return {
    db,
    attempt,
    transact: (what, run) => attempt(what, () => db.transaction().execute(run)),
  };
}
