import { randomUUID } from "node:crypto";
import type { Claims } from "./claims.ts";
import { StoreError } from "./error.ts";
import type { StoreLog, WorkKind } from "./queue.ts";

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

/** @param renewMs - Between two renewals of what is held. */
export function createLeases(claims: Claims, renewMs: number, log: StoreLog): Leases {
  const held = new Map<string, Held>();
  let isClosing = false;
  const timer = setInterval(() => void renew(), renewMs);
  timer.unref();
  return {
    async withLease(kind, id, run) {
      const key = `${kind} ${id}`;
      // Where the database thinks that our lease has lapsed, as after the machine has slept, it would give it away.
      if (isClosing || held.has(key)) return false;
      const lease = { token: randomUUID(), lost: new AbortController() };
      const first = await claims.claim(kind, id, lease.token);
      for (let seen = first; seen !== undefined; ) {
        held.set(key, lease);
        try {
          await run(lease.lost.signal);
        } catch (error) {
          held.delete(key);
          await claims.putOff(kind, id, lease.token, seen).catch((failure) => log("warn", failure.message, failure));
          throw error;
        }
        // Before it is given back: whoever is woken up in between asks the database, and not us who have looked already.
        held.delete(key);
        seen = await claims.release(kind, id, lease.token, seen, isClosing);
      }
      return first !== undefined;
    },
    close() {
      isClosing = true;
      clearInterval(timer);
    },
  };

  async function renew(): Promise<void> {
    const mine = [...held.values()];
    if (mine.length === 0) return;
    try {
      const kept = await claims.renew(mine.map(({ token }) => token));
      for (const { token, lost } of mine) {
        // One that is being given back isn't lost, and nobody hears its signal any more.
        if (!kept.has(token))
          lost.abort(new StoreError("lost-race", "somebody else has taken over: the lease had lapsed"));
      }
    } catch (error) {
      log("warn", (error as Error).message, error);
    }
  }
}
