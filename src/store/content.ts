import { sql } from "kysely";
import { digestOf } from "../image/digest.ts";
import type { StoreTools } from "./transact.ts";

/** How much is kept where nobody says otherwise, in bytes. */
export const CONTENT_BYTES = 256 * 1024 * 1024;
/** Largest content that is kept, in bytes: few bundles, and no ordinary manifest or config, have more. */
const MAX_ROW_BYTES = 1024 * 1024;
/** How much is left of the limit when the least recently used goes. */
const SHARE_LEFT = 0.75;

/** What registries hold under a digest, kept for all processes and walks. What is read is hashed again by whoever asked. */
export interface KeptContent {
  /** @param limit - in bytes. @returns undefined where nothing is kept, or something larger. */
  readContent(key: ContentKey, limit: number): Promise<Uint8Array | undefined>;
  /** What is too large for one row isn't kept; nor is anything where the store keeps none. */
  keepContent(key: ContentKey, bytes: Uint8Array): Promise<void>;
}

interface ContentKey {
  readonly repository: string;
  readonly kind: string;
  readonly digest: string;
}

/** @param limit - in bytes, over all that is kept; 0 keeps nothing. */
export function createKeptContent({ db, attempt }: StoreTools, limit: number): KeptContent {
  return {
    readContent: (key, atMost) =>
      attempt("read content", async () => {
        const row = await db
          .selectFrom("content")
          .select(["bytes", sql<boolean>`used_at < now() - interval '1 hour'`.as("is_old")])
          .where("key", "=", nameOf(key))
          .where("size", "<=", atMost)
          .executeTakeFirst();
        // Once an hour is enough to know what is used.
        if (row?.is_old)
          await db.updateTable("content").set({ used_at: sql`now()` }).where("key", "=", nameOf(key)).execute();
        return row?.bytes;
      }),
    keepContent: (key, bytes) =>
      attempt("keep content", async () => {
        if (bytes.length > Math.min(MAX_ROW_BYTES, limit)) return;
        const row = { key: nameOf(key), bytes: Buffer.from(bytes), size: bytes.length };
        // Whatever was there before isn't what its digest says, or nobody would keep it again.
        await db
          .insertInto("content")
          .values(row)
          .onConflict((conflict) => conflict.column("key").doUpdateSet({ bytes: row.bytes, size: row.size }))
          .execute();
      }),
  };
}

/** The least recently used goes where there is more than the limit: with each sweep, so that no walk waits for it. */
export async function forgetContent({ db, attempt }: StoreTools, limit: number): Promise<void> {
  await attempt("forget content", async () => {
    const { total } = await db
      .selectFrom("content")
      .select(sql<string>`coalesce(sum(size), 0)`.as("total"))
      .executeTakeFirstOrThrow();
    if (Number(total) <= limit) return;
    await sql`delete from content where key in (
      select key from (select key, sum(size) over (order by used_at desc, key) as up_to from content) as ranked
      where up_to > ${Math.floor(limit * SHARE_LEFT)})`.execute(db);
  });
}

/** One name for each key, whatever characters it has. */
function nameOf({ repository, kind, digest }: ContentKey): string {
  return digestOf(Buffer.from(`${kind} ${digest} ${repository}`));
}
