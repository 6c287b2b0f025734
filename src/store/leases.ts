import { randomUUID } from "node:crypto";
import { sql } from "kysely";
import { StoreError } from "./error.ts";
import type { Queue, StoreLog, WorkKind } from "./queue.ts";
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

/** Sees to it that one worker at a time, in whichever process, is at a build or a delivery. */
export interface Leases {
  /**
   * Does what there is to do, alone, and again until nothing has come meanwhile: a wake is never lost between looking and leaving.
   *
   * @param run - Looks at what is stored, not at why it was called. Its signal is aborted when the lease was lost. What it throws is
   * thrown on, and it is tried again later.
   * @returns false if there is nothing to do, or somebody is at it, who will see it.
   */
  withLease(kind: WorkKind, id: string, run: (signal: AbortSignal) => Promise<void>): Promise<boolean>;
  /** From now on nothing is started again. */
  close(): void;
}

interface Held {
  readonly token: string;
  readonly lost: AbortController;
}

export function createLeases(tools: StoreTools, queue: Queue, pace: StorePace, log: StoreLog): Leases {
  const claiming = new Set<string>();
  const held = new Map<string, Held>();
  let isClosing = false;
  const timer = setInterval(() => void renew(), pace.renewMs);
  timer.unref();
  return {
    async withLease(kind, id, run) {
      const key = `${kind} ${id}`;
      // Also where the database thinks that our lease has lapsed, as after the machine has slept.
      if (isClosing || claiming.has(key) || held.has(key)) return false;
      const lease = { token: randomUUID(), lost: new AbortController() };
      claiming.add(key);
      try {
        let seen = await claim(kind, id, lease.token);
        if (seen === undefined) return false;
        held.set(key, lease);
        while (seen !== undefined) {
          try {
            await run(lease.lost.signal);
          } catch (error) {
            await putOff(kind, id, lease.token, seen).catch((failure) => log("warn", failure.message, failure));
            throw error;
          }
          seen = await release(kind, id, lease.token, seen);
        }
        return true;
      } finally {
        claiming.delete(key);
        held.delete(key);
      }
    },
    close() {
      isClosing = true;
      clearInterval(timer);
    },
  };

  /** @returns the wakes that are seen by this; undefined if there is nothing to do or somebody is at it. */
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

  /** Leaves if nothing has come since. @returns the wakes that are seen by going on. */
  async function release(kind: WorkKind, id: string, holder: string, seen: number): Promise<number | undefined> {
    return tools.transact(`release ${kind} ${id}`, async (tx) => {
      const row = await locked(tx, kind, id, holder);
      if (row === undefined) return undefined;
      const ours = tx.updateTable("work").where("kind", "=", kind).where("id", "=", id);
      if (row.wakes > seen) {
        if (!isClosing) {
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

  async function renew(): Promise<void> {
    const mine = [...held.values()];
    if (mine.length === 0) return;
    try {
      const rows = await tools.attempt("renew the leases", () =>
        tools.db
          .updateTable("work")
          .set({ held_until: heldUntil() })
          .where(
            "holder",
            "in",
            mine.map(({ token }) => token),
          )
          .returning("holder")
          .execute(),
      );
      const kept = new Set(rows.map(({ holder }) => holder));
      for (const { token, lost } of mine) {
        // One that is being given back isn't lost, and nobody hears its signal any more.
        if (!kept.has(token))
          lost.abort(new StoreError("lost-race", "somebody else has taken over: the lease had lapsed"));
      }
    } catch (error) {
      log("warn", (error as Error).message, error);
    }
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
  const unfinished =
    kind === "build"
      ? tx.selectFrom("builds").select("id").where("id", "=", id).where("phase", "!=", "done")
      : tx.selectFrom("deliveries").select("guid as id").where("guid", "=", id).where("finished_at", "is", null);
  return (await unfinished.executeTakeFirst()) === undefined;
}
