import { sql } from "kysely";
import type { Queue, WorkKind } from "./queue.ts";
import type { Transact } from "./transact.ts";

/**
 * Notes that there is something to do, and wakes a worker up, in the transaction of whatever made it so.
 *
 * @param at - In the future: by then, unless something comes before. The earliest time that was given counts; who runs then decides
 * about later ones.
 */
export async function noteWake(
  tx: Transact,
  queue: Queue,
  kind: WorkKind,
  ids: readonly string[],
  at?: Date,
): Promise<void> {
  if (ids.length === 0) return;
  if (at === undefined || at.getTime() <= Date.now()) {
    await tx
      .insertInto("work")
      .values(ids.map((id) => ({ kind, id })))
      .onConflict((conflict) =>
        conflict.columns(["kind", "id"]).doUpdateSet({ wakes: sql`work.wakes + 1`, touched_at: sql`now()` }),
      )
      .execute();
    await queue.send(tx, kind, ids);
  } else {
    await tx
      .insertInto("work")
      .values(ids.map((id) => ({ kind, id, wakes: 0, due_at: at })))
      .onConflict((conflict) =>
        conflict
          .columns(["kind", "id"])
          .doUpdateSet({ due_at: sql`least(work.due_at, excluded.due_at)`, touched_at: sql`now()` }),
      )
      .execute();
    await queue.send(tx, kind, ids, at);
  }
}
