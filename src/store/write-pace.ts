import type { WriteSlots } from "../change/ports.ts";
import { pause, takeSlots, type WritePace } from "../change/write-pace.ts";
import type { StoreTools, Transact } from "./transact.ts";

/** Keeps when each installation's writes were allowed; of several processes that ask at once each waits for the one before. */
export function createWriteSlots({ transact }: StoreTools): WriteSlots {
  return {
    takeSlots: (installation, writes, now) =>
      transact(`take slots for writes of installation ${installation}`, async (tx) => {
        const { pace, until } = takeSlots(await lockPace(tx, installation), writes, now);
        await savePace(tx, installation, pace);
        return until;
      }),
    pauseWrites: (installation, until, now) =>
      transact(`pause the writes of installation ${installation}`, async (tx) => {
        await savePace(tx, installation, pause(await lockPace(tx, installation), until, now));
      }),
  };
}

async function lockPace(tx: Transact, installation: number): Promise<WritePace> {
  // A row that isn't there can't be locked.
  await tx
    .insertInto("write_paces")
    .values({ installation })
    .onConflict((conflict) => conflict.column("installation").doNothing())
    .execute();
  const { slots, paused_until } = await tx
    .selectFrom("write_paces")
    .select(["slots", "paused_until"])
    .where("installation", "=", installation)
    .forUpdate()
    .executeTakeFirstOrThrow();
  return { slots: slots.map((slot) => new Date(slot)), pausedUntil: paused_until ?? undefined };
}

async function savePace(tx: Transact, installation: number, { slots, pausedUntil }: WritePace): Promise<void> {
  await tx
    .updateTable("write_paces")
    .set({ slots: JSON.stringify(slots.map((slot) => slot.getTime())), paused_until: pausedUntil ?? null })
    .where("installation", "=", installation)
    .execute();
}
