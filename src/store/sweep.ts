import { sql } from "kysely";
import { forgetEvidence } from "./answer-evidence.ts";
import { isFree, type StorePace } from "./claims.ts";
import { forgetContent } from "./content.ts";
import { type Queue, WORK_KINDS } from "./queue.ts";
import { forgetAnswers } from "./stale-answers.ts";
import type { StoreTools } from "./transact.ts";

/** GitHub delivers again what failed for three days at most, and by hand for seven: after that nobody asks whether it was here. */
const DELIVERY_DAYS = 8;
/** What was proven is proven again after so many days, so that the table doesn't grow without end. */
const PROOF_DAYS = 30;
/** Forecasts, and the checks of pull requests that were closed, are kept for so many days. */
const PULL_DAYS = 30;
const DAY_MS = 86_400_000;
/** So many are woken up at once; the rest with the next sweep. */
const MAX_WOKEN = 2000;

/** What has to be looked at, and nobody is at it, is put into the queue again; finished deliveries are forgotten in time. */
export async function sweep(
  tools: StoreTools,
  queue: Queue,
  { pace, contentBytes }: { readonly pace: StorePace; readonly contentBytes: number },
  now: Date,
): Promise<void> {
  await tools.transact("look for what there is to do", async (tx) => {
    await tx
      .updateTable("work")
      .set({
        wakes: sql`wakes + 1`,
        due_at: sql`case when due_at <= ${now} then null else due_at end`,
        touched_at: sql`clock_timestamp()`,
      })
      .where(isFree)
      .where(({ or, and, eb }) =>
        or([
          eb("due_at", "<=", now),
          and([
            eb("due_at", "is", null),
            eb("wakes", "=", eb.ref("handled")),
            eb("touched_at", "<", new Date(now.getTime() - pace.idleMs)),
          ]),
        ]),
      )
      .execute();
    const waiting = await tx
      .selectFrom("work")
      .select(["kind", "id"])
      .where(isFree)
      .where(({ eb }) => eb("wakes", ">", eb.ref("handled")))
      .orderBy("touched_at")
      .limit(MAX_WOKEN)
      .execute();
    for (const kind of WORK_KINDS) {
      await queue.send(
        tx,
        kind,
        waiting.filter((row) => row.kind === kind).map(({ id }) => id),
      );
    }
  });
  const old = new Date(now.getTime() - DELIVERY_DAYS * DAY_MS);
  await tools.attempt("forget old deliveries", () =>
    tools.db.deleteFrom("deliveries").where("finished_at", "<", old).execute(),
  );
  const stale = new Date(now.getTime() - PROOF_DAYS * DAY_MS);
  await tools.attempt("forget old proofs of signatures", () =>
    tools.db.deleteFrom("proofs").where("kept_at", "<", stale).execute(),
  );
  const gone = new Date(now.getTime() - PULL_DAYS * DAY_MS);
  await tools.attempt("forget old forecasts", () =>
    tools.db.deleteFrom("forecasts").where("made_at", "<", gone).execute(),
  );
  await tools.attempt("forget closed pull requests", () =>
    tools.db.deleteFrom("pulls").where("is_open", "=", false).where("closed_at", "<", gone).execute(),
  );
  await forgetAnswers(tools, now);
  await forgetEvidence(tools, now);
  await forgetContent(tools, contentBytes);
}

/**
 * After a start: what nobody is at and waits for no time of its own is looked at again, since whoever was to tell of it may have told
 * nobody.
 *
 * @param isOurs - No other process can have a lease: all there are belonged to one that has died.
 */
export async function resume(tools: StoreTools, isOurs: boolean): Promise<void> {
  await tools.transact("resume the work", async (tx) => {
    if (isOurs) await tx.updateTable("work").set({ holder: null, held_until: null }).execute();
    await tx.updateTable("work").set({ wakes: sql`wakes + 1` }).where("due_at", "is", null).where(isFree).execute();
  });
}
