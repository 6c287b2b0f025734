import { type ReconcilePorts, reconcilePolicies, reconcileTags, redeliverFailures } from "../build/reconcile.ts";
import { reconcilePulls } from "../change/pull-respond.ts";
import type { Store } from "../store/store.ts";
import { CouldNotLook } from "../trust/ports.ts";
import type { JobPorts } from "./jobs.ts";
import { reconcileProposals } from "./proposals.ts";

/** What runs beside the events. */
export interface Reconciler {
  stop(): Promise<void>;
}

/**
 * Looks, at the start and from time to time, for what no event told: tags and failed deliveries.
 * Several processes may do so at once: whatever is found twice is done once.
 */
export function startReconciler(
  ports: JobPorts & Pick<ReconcilePorts, "installations" | "deliveries"> & { readonly store: Store },
  intervalMs: number,
): Reconciler {
  const { store, log } = ports;
  const reconcilePorts: ReconcilePorts = {
    ...ports,
    hasDelivery: async (guid) => (await store.readDelivery(guid)) !== undefined,
    onFailure: (what, error) => log.warn({ reason: error.message }, `could not look at ${what}; the next round does`),
  };
  const reconcile = async () => {
    try {
      const asked = await redeliverFailures(reconcilePorts);
      if (asked > 0) log.info({ asked }, "asked GitHub for deliveries that had failed");
    } catch (error) {
      if (!(error instanceof CouldNotLook)) throw error;
      reconcilePorts.onFailure("the app's deliveries", error);
    }
    for (const id of await reconcileTags(reconcilePorts)) {
      log.info({ build: id }, "found a tag that no event had told");
      await store.wake("build", id);
    }
    for (const id of await reconcilePolicies(reconcilePorts)) {
      log.info({ build: id }, "judged anew: policy is another, or what the verdict rests on has lapsed");
      await store.wake("build", id);
    }
    for (const id of await ports.pulls.wakeStale())
      log.info({ pull: id }, "judged anew: policy is another, or what the forecast rests on has lapsed");
    const { openPulls } = ports.pulls;
    for (const id of await reconcilePulls({ ...reconcilePorts, store, openPulls })) {
      log.info({ pull: id }, "found a pull request that no event had told");
      await store.wake("pull", id);
    }
  };
  const both = async () => {
    await reconcile();
    await reconcileProposals(ports.proposals, store);
  };
  return repeat(intervalMs, both, log);
}

/** Runs it now and then again, never twice at once; a fault of one round is told and doesn't end it. */
export function repeat(everyMs: number, run: () => Promise<void>, log: JobPorts["log"]): Reconciler {
  let isStopped = false;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();
  const round = () => {
    running = run()
      .catch((error: unknown) => log.error({ err: error }, "a round of looking for what is left ended in a fault"))
      .finally(() => {
        if (!isStopped) timer = setTimeout(round, everyMs);
      });
  };
  round();
  return {
    stop: async () => {
      isStopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}
