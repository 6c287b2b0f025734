import { sql } from "kysely";
import { parsePullId } from "../change/pull-check.ts";
import type { Queue, WorkKind } from "./queue.ts";
import type { StoreTools, Transact } from "./transact.ts";

/** How long things take, in milliseconds. */
export interface StorePace {
  /** After this a lease that isn't renewed is anybody's: its process is taken for dead. */
  readonly leaseMs: number;
  readonly renewMs: number;
  /** Until work that threw is tried again: doubled each time in a row, up to the second number. */
  readonly retryMs: readonly [first: number, longest: number];
  /** Something unfinished of which nothing was heard for so long is looked at again. */
  readonly idleMs: number;
}

export const PACE: StorePace = {
  leaseMs: 60_000,
  renewMs: 20_000,
  retryMs: [5000, 600_000],
  idleMs: 600_000,
};

/** The rows of `work` as one holder after the other changes them. `seen` counts the wakes that the holder knew of when it began. */
export interface Claims {
  /** @returns the wakes that are seen by this; undefined if there is nothing to do or somebody is at it. */
  claim(kind: WorkKind, id: string, holder: string): Promise<number | undefined>;
  /** Leaves, if nothing has come since or nothing more is wanted. @returns the wakes that are seen by going on. */
  release(kind: WorkKind, id: string, holder: string, seen: number, isLast: boolean): Promise<number | undefined>;
  /** Leaves work that failed, for later. */
  putOff(kind: WorkKind, id: string, holder: string, seen: number): Promise<void>;
  /** @returns those who still hold theirs. */
  renew(holders: readonly string[]): Promise<ReadonlySet<string>>;
}

export function createClaims(tools: StoreTools, queue: Queue, pace: StorePace): Claims {
  return { claim, release, putOff, renew };

  async function claim(kind: WorkKind, id: string, holder: string): Promise<number | undefined> {
    const isDue = sql<boolean>`coalesce(due_at <= clock_timestamp(), false)`;
    const row = await tools.attempt(`claim ${kind} ${id}`, () =>
      tools.db
        .updateTable("work")
        .set({
          holder,
          held_until: heldUntil(),
          // It has to stay visible as something to do for whoever comes after a crash.
          wakes: sql`wakes + case when ${isDue} then 1 else 0 end`,
          due_at: sql`case when ${isDue} then null else due_at end`,
        })
        .where("kind", "=", kind)
        .where("id", "=", id)
        .where(({ or, eb }) => or([eb("wakes", ">", eb.ref("handled")), isDue]))
        .where(isFree)
        .returning("wakes")
        .executeTakeFirst(),
    );
    return row?.wakes;
  }

  async function release(
    kind: WorkKind,
    id: string,
    holder: string,
    seen: number,
    isLast: boolean,
  ): Promise<number | undefined> {
    return tools.transact(`release ${kind} ${id}`, async (tx) => {
      const row = await locked(tx, kind, id, holder);
      if (row === undefined) return undefined;
      const ours = tx.updateTable("work").where("kind", "=", kind).where("id", "=", id);
      if (row.wakes > seen) {
        if (!isLast) {
          await ours.set({ held_until: heldUntil(), crashes: 0 }).execute();
          return row.wakes;
        }
        await ours.set({ holder: null, held_until: null }).execute();
        await queue.send(tx, kind, [id]);
        return undefined;
      }
      const isFinished = await isFinishedIn(tx, kind, id);
      if (isFinished && (row.due_at === null || kind === "delivery")) {
        await tx.deleteFrom("work").where("kind", "=", kind).where("id", "=", id).execute();
      } else {
        await ours
          .set({ holder: null, held_until: null, handled: seen, crashes: 0, touched_at: sql`clock_timestamp()` })
          .execute();
        // A delivery that was neither finished nor put off would be forgotten.
        if (kind === "delivery" && row.due_at === null) {
          const at = new Date(Date.now() + pace.retryMs[0]);
          await ours.set({ due_at: at }).execute();
          await queue.send(tx, kind, [id], at);
        }
      }
      return undefined;
    });
  }

  async function putOff(kind: WorkKind, id: string, holder: string, seen: number): Promise<void> {
    await tools.transact(`put off ${kind} ${id}`, async (tx) => {
      const row = await locked(tx, kind, id, holder);
      if (row === undefined) return;
      const at = new Date(Date.now() + Math.min(pace.retryMs[0] * 2 ** row.crashes, pace.retryMs[1]));
      const due = row.due_at !== null && row.due_at < at ? row.due_at : at;
      const isNews = row.wakes > seen;
      await tx
        .updateTable("work")
        .set({
          holder: null,
          held_until: null,
          crashes: row.crashes + 1,
          ...(!isNews && { handled: seen, due_at: due }),
        })
        .where("kind", "=", kind)
        .where("id", "=", id)
        .execute();
      await (isNews ? queue.send(tx, kind, [id]) : queue.send(tx, kind, [id], due));
    });
  }

  async function renew(holders: readonly string[]): Promise<ReadonlySet<string>> {
    const rows = await tools.attempt("renew the leases", () =>
      tools.db
        .updateTable("work")
        .set({ held_until: heldUntil() })
        .where("holder", "in", holders)
        .returning("holder")
        .execute(),
    );
    return new Set(rows.flatMap(({ holder }) => holder ?? []));
  }

  function heldUntil() {
    return sql<Date>`clock_timestamp() + ${pace.leaseMs} * interval '1 millisecond'`;
  }
}

/** Nobody is at it, or whoever was has died. By the database's clock: those of the processes differ. */
export const isFree = sql<boolean>`(holder is null or held_until < clock_timestamp())`;

function locked(tx: Transact, kind: WorkKind, id: string, holder: string) {
  return tx
    .selectFrom("work")
    .select(["wakes", "due_at", "crashes"])
    .where("kind", "=", kind)
    .where("id", "=", id)
    .where("holder", "=", holder)
    .forUpdate()
    .executeTakeFirst();
}

async function isFinishedIn(tx: Transact, kind: WorkKind, id: string): Promise<boolean> {
  const unfinished = unfinishedOf(tx, kind, id);
  return unfinished === undefined || (await unfinished.executeTakeFirst()) === undefined;
}

function unfinishedOf(tx: Transact, kind: WorkKind, id: string) {
  switch (kind) {
    case "build":
      return tx.selectFrom("builds").select("id").where("id", "=", id).where("phase", "!=", "done");
    case "delivery":
      return tx.selectFrom("deliveries").select("guid as id").where("guid", "=", id).where("finished_at", "is", null);
    case "pull": {
      const pull = parsePullId(id);
      return (
        pull &&
        tx
          .selectFrom("pull_checks")
          .select("id")
          .where("repository_id", "=", pull.repositoryId)
          .where("number", "=", pull.number)
          .where("phase", "!=", "done")
      );
    }
    case "inquiry":
      return tx.selectFrom("inquiries").select("id").where("id", "=", id).where("ended_at", "is", null);
    // When it goes on, if ever, its own row says.
    case "proposal":
      return undefined;
  }
}
