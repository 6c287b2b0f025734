import { sql } from "kysely";
import { StoreError } from "./error.ts";
import { toText } from "./json.ts";
import type { Queue } from "./queue.ts";
import type { StoreTools } from "./transact.ts";
import { noteWake } from "./wakes.ts";

/** An event as GitHub sent it. */
export interface Delivery {
  /** GitHub's; the same when it delivers again. */
  readonly guid: string;
  readonly event: string;
  /** As much of the body as is needed; only until it is finished. */
  readonly payload: unknown;
  readonly receivedAt: Date;
}

/** A delivery, and how far it is. */
export interface StoredDelivery extends Delivery {
  readonly finishedAt: Date | undefined;
  /** How often it was put off, and why the last time. */
  readonly postponed: number;
  readonly reason: string | undefined;
}

/** What GitHub has told. */
export interface Deliveries {
  /**
   * Before the webhook is answered: from then on it is done, whatever happens to this process.
   *
   * @returns false if it is known already.
   */
  recordDelivery(delivery: Delivery): Promise<boolean>;
  readDelivery(guid: string): Promise<StoredDelivery | undefined>;
  /** Its payload is dropped; that it was here is known for eight days. */
  finishDelivery(guid: string): Promise<void>;
  postponeDelivery(guid: string, until: Date, reason: string): Promise<void>;
}

export function createDeliveries({ db, attempt, transact }: StoreTools, queue: Queue): Deliveries {
  return {
    recordDelivery: ({ guid, event, payload, receivedAt }) =>
      transact(`record delivery ${guid}`, async (tx) => {
        const { numInsertedOrUpdatedRows } = await tx
          .insertInto("deliveries")
          .values({ guid, event, payload: JSON.stringify(payload ?? null), received_at: receivedAt })
          .onConflict((conflict) => conflict.column("guid").doNothing())
          .executeTakeFirst();
        if (numInsertedOrUpdatedRows !== 1n) return false;
        await noteWake(tx, queue, "delivery", [guid]);
        return true;
      }),
    readDelivery: (guid) =>
      attempt(`read delivery ${guid}`, async () => {
        const row = await db.selectFrom("deliveries").selectAll().where("guid", "=", guid).executeTakeFirst();
        if (row === undefined) return undefined;
        return {
          guid,
          event: row.event,
          payload: row.payload === null ? undefined : JSON.parse(row.payload),
          receivedAt: row.received_at,
          finishedAt: row.finished_at ?? undefined,
          postponed: row.postponed,
          reason: row.reason ?? undefined,
        };
      }),
    finishDelivery: (guid) =>
      transact(`finish delivery ${guid}`, async (tx) => {
        const { numUpdatedRows } = await tx
          .updateTable("deliveries")
          .set({ finished_at: sql`coalesce(finished_at, now())`, payload: null })
          .where("guid", "=", guid)
          .executeTakeFirst();
        if (numUpdatedRows !== 1n) throw new StoreError("not-found", `there is no delivery ${guid} to finish`);
      }),
    postponeDelivery: (guid, until, reason) =>
      transact(`put off delivery ${guid}`, async (tx) => {
        const { numUpdatedRows } = await tx
          .updateTable("deliveries")
          .set({ postponed: sql`postponed + 1`, reason: toText(reason) })
          .where("guid", "=", guid)
          .where("finished_at", "is", null)
          .executeTakeFirst();
        if (numUpdatedRows !== 1n)
          throw new StoreError("not-found", `there is no unfinished delivery ${guid} to put off`);
        await noteWake(tx, queue, "delivery", [guid], until);
      }),
  };
}
