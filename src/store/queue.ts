import { type ConstructorOptions, fromKysely, PgBoss } from "pg-boss";
import type { Attempt } from "./error.ts";
import type { Transact } from "./transact.ts";

/** What there is to do. */
export type WorkKind = "build" | "delivery" | "pull" | "proposal" | "inquiry";

export const WORK_KINDS: readonly WorkKind[] = ["build", "delivery", "pull", "proposal", "inquiry"];

/** Takes what goes wrong where nobody waits for an answer. */
export type StoreLog = (level: "warn" | "error", message: string, cause?: unknown) => void;

/** How often the queue is looked at beside the notifications, which tell nothing of a job whose time comes. */
const POLL_SECONDS = 1;
/** How long a job may wait for room; it is handed over then, and done. */
const EXPIRE_SECONDS = 3600;
/** How long jobs are kept that nobody took: the sweep makes them again. */
const RETENTION_SECONDS = 3600;
const DELETE_AFTER_SECONDS = 60;
const MAINTENANCE_SECONDS = 600;
const NO_JOB = "00000000-0000-0000-0000-000000000000";

/** Wakes workers up, across processes. A job is a hint and may be lost: what there is to do stands in the table `work`. */
export interface Queue {
  /** In the transaction that notes the wake. A job that is there already is enough. */
  send(tx: Transact, kind: WorkKind, ids: readonly string[], at?: Date): Promise<void>;
  /** @param take - Resolves as soon as there is room for the next, not when the work is done. */
  consume(kind: WorkKind, batch: number, take: (id: string) => Promise<void>): Promise<void>;
  stop(timeoutMs: number): Promise<void>;
}

/** Starts pg-boss with its own tables in the schema `pgboss`. */
export async function startQueue(connection: ConstructorOptions, attempt: Attempt, log: StoreLog): Promise<Queue> {
  const boss = new PgBoss({
    ...connection,
    useListenNotify: true,
    schedule: false,
    // Rebuilding indexes and watching the vacuum are the operator's; PGlite has neither.
    reindex: false,
    monitorVacuum: false,
    maintenanceIntervalSeconds: MAINTENANCE_SECONDS,
  });
  // Without a listener an error event ends the process.
  boss.on("error", (error) => log("error", `the queue: ${error.message}`, error));
  boss.on("warning", ({ message }) => log("warn", `the queue: ${message}`));
  try {
    await prepare(boss);
  } catch (error) {
    await boss.stop({ graceful: false }).catch(() => {});
    throw error;
  }
  return {
    async send(tx, kind, ids, at) {
      if (ids.length === 0) return;
      const jobs = ids.map((id) => ({
        data: { id },
        singletonKey: at === undefined ? id : `${id}@${Math.floor(at.getTime() / 1000)}`,
        ...(at !== undefined && { startAfter: at }),
      }));
      await boss.insert(kind, jobs, { db: fromKysely(tx) });
    },
    async consume(kind, batch, take) {
      const options = {
        batchSize: Math.max(2, batch),
        // Otherwise a backlog drains by one batch a poll.
        burstWhenBatchFull: true,
        pollingIntervalSeconds: POLL_SECONDS,
        notifyPollingIntervalSeconds: POLL_SECONDS,
      };
      await attempt(`take ${kind} jobs from the queue`, () =>
        boss.work<{ id: string }>(kind, options, async (jobs) => {
          for (const { data } of jobs) await take(data.id);
        }),
      );
    },
    stop: (timeoutMs) => boss.stop({ graceful: true, timeout: timeoutMs }),
  };
}

async function prepare(boss: PgBoss): Promise<void> {
  await boss.start();
  for (const kind of WORK_KINDS) {
    // `short`: at most one job waits for a build, any number of them may be at work.
    await boss.createQueue(kind, {
      policy: "short",
      notify: true,
      retryLimit: 0,
      expireInSeconds: EXPIRE_SECONDS,
      retentionSeconds: RETENTION_SECONDS,
      deleteAfterSeconds: DELETE_AFTER_SECONDS,
    });
    // The first use of a queue reads its row, over a connection of its own. PGlite has only one: in a transaction that would wait for
    // itself for ever.
    await boss.findJobs(kind, { id: NO_JOB });
  }
}
