import { existsSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import { Kysely, PGliteDialect, PostgresDialect } from "kysely";
import pg from "pg";
import { type ConstructorOptions, fromPglite } from "pg-boss";
import { parseDatabaseUrl } from "./address.ts";
import { lockDirectory, type OwnProcess } from "./directory-lock.ts";
import type { Tables } from "./schema.ts";

const CONNECT_MS = 10_000;
/** No statement of ours reads so much that it could take longer. */
const STATEMENT_MS = 30_000;
/** A process that was stopped in the middle of a transaction must not keep its locks. */
const IDLE_IN_TRANSACTION_MS = 60_000;
const POOL_SIZE = 10;
const QUEUE_POOL_SIZE = 4;
/** Of the embedded database; beside it the operating system keeps its files in memory. The 128 MB of its default take half of a start to lay out. */
const BUFFERS = "16MB";
/** OID of int8. The numbers that GitHub gives fit in a double; the driver would make texts of them. */
const INT8 = 20;

/** Where the data is: in a directory for one process, or on a PostgreSQL server for several. */
export type StoreAddress =
  | { readonly kind: "directory"; readonly path: string; readonly process: OwnProcess }
  | { readonly kind: "url"; readonly url: string };

/** An open database, the same to both queries and queue wherever it is. */
export interface Database {
  readonly db: Kysely<Tables>;
  /** How the queue reaches it. */
  readonly queue: ConstructorOptions;
  /** Whether no other process can have it. */
  readonly isOurs: boolean;
  /** For messages: no password. */
  readonly name: string;
  readonly conceal: (text: string) => string;
  close(): Promise<void>;
}

/** @param report - Takes what goes wrong on connections that nobody is using. */
export async function openDatabase(address: StoreAddress, report: (error: Error) => void): Promise<Database> {
  return address.kind === "url" ? openServer(address.url, report) : openDirectory(address.path, address.process);
}

async function openDirectory(path: string, own: OwnProcess): Promise<Database> {
  const unlock = await lockDirectory(path, own);
  try {
    const pglite = await openPglite(join(path, "database"));
    const db = new Kysely<Tables>({ dialect: new PGliteDialect({ pglite }) });
    return {
      db,
      queue: { db: fromPglite(pglite), backend: "pglite" },
      isOurs: true,
      name: path,
      conceal: (text) => text,
      async close() {
        await db.destroy();
        if (!pglite.closed) await pglite.close();
        await unlock();
      },
    };
  } catch (error) {
    await unlock();
    throw error;
  }
}

/** Made under another name first: a process that is killed in the middle leaves nothing that looks whole and isn't. */
async function openPglite(path: string): Promise<PGlite> {
  const startParams = [...PGlite.defaultStartParams, "-c", `shared_buffers=${BUFFERS}`];
  if (!existsSync(path)) {
    const unfinished = `${path}.new`;
    await rm(unfinished, { recursive: true, force: true });
    const made = await PGlite.create(unfinished, { startParams });
    await made.close();
    await rename(unfinished, path);
  }
  // The directory is locked by us. One that was killed while it wrote this file leaves it empty, and then no start succeeds.
  await rm(join(path, "postmaster.pid"), { force: true });
  return PGlite.create(path, { startParams });
}

async function openServer(url: string, report: (error: Error) => void): Promise<Database> {
  const { forPeople, conceal } = parseDatabaseUrl(url);
  const pool = new pg.Pool({
    connectionString: url,
    application_name: "trusted-builds",
    max: POOL_SIZE,
    keepAlive: true,
    connectionTimeoutMillis: CONNECT_MS,
    statement_timeout: STATEMENT_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
    types: {
      getTypeParser: (oid: number, format?: "text" | "binary") =>
        oid === INT8 ? Number : pg.types.getTypeParser(oid, format as "text"),
    },
  });
  // Without a listener a connection that breaks while nobody uses it ends the process.
  pool.on("error", report);
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
  return {
    db,
    queue: { connectionString: url, application_name: "trusted-builds queue", max: QUEUE_POOL_SIZE },
    isOurs: false,
    name: forPeople,
    conceal,
    close: () => db.destroy(),
  };
}
