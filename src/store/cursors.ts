import type { StoreTools } from "./transact.ts";

/** How far something that is read bit by bit has been read. */
export interface Cursors {
  readCursor(name: string): Promise<string | undefined>;
  writeCursor(name: string, value: string): Promise<void>;
}

export function createCursors({ db, attempt }: StoreTools): Cursors {
  return {
    readCursor: (name) =>
      attempt(`read the cursor ${name}`, async () => {
        const row = await db.selectFrom("cursors").select("value").where("name", "=", name).executeTakeFirst();
        return row?.value;
      }),
    writeCursor: (name, value) =>
      attempt(`write the cursor ${name}`, async () => {
        await db
          .insertInto("cursors")
          .values({ name, value })
          .onConflict((conflict) => conflict.column("name").doUpdateSet({ value }))
          .execute();
      }),
  };
}
