import type { ApplicationFunction } from "probot";

/** How long storing a delivery may take, in milliseconds. After nine seconds Probot answers 202 whatever became of it. */
const STORING_MS = 8_000;

/** A delivery as it came, its signature checked. */
export interface Delivery {
  /** GitHub's own: the same when it is sent again. */
  readonly guid: string;
  readonly event: string;
  readonly payload: unknown;
  readonly receivedAt: Date;
}

/**
 * Takes every delivery in and does nothing else: it is stored before it is answered, since GitHub doesn't send again by itself what was
 * answered with 2xx. An error is answered with 500, and the reconciler asks for it again.
 */
export function intake(store: (delivery: Delivery) => Promise<void>, now: () => Date): ApplicationFunction {
  return (app) => {
    app.onAny(async ({ id, name, payload }) => {
      const stored = store({ guid: id, event: name, payload, receivedAt: now() });
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error(`store delivery ${id}: not done in ${STORING_MS} ms`)), STORING_MS);
      });
      await Promise.race([stored, late]).finally(() => clearTimeout(timer));
    });
  };
}
