import type { PullRequest } from "./ports.ts";
import type { PullOutcome } from "./pull.ts";
import { newCheck, type PullJob } from "./pull-check.ts";
import type { PullPorts } from "./pull-ports.ts";

/** A step that was taken, and saved: go on with this, or rest; for good where no time is given. */
export type PullStep =
  | { readonly kind: "on"; readonly job: PullJob }
  | { readonly kind: "rest"; readonly job: PullJob; readonly until: Date | undefined };

/** Something was learnt or done: what kept us from it is over. */
export function save(ports: PullPorts, before: PullJob, change: Partial<PullJob>): Promise<PullJob> {
  return keep(ports, { ...before, failures: 0, waiting: undefined, ...change });
}

/** Saves a check as it is. Before a write: that it is going to be tried is no success, or it would be tried for ever. */
export function keep(ports: PullPorts, job: PullJob): Promise<PullJob> {
  return ports.store.saveCheck(job);
}

/** Goes on with another check of the same head, which gets a check run of its own. */
export async function judgeAgain(ports: PullPorts, pull: PullRequest, job: PullJob): Promise<PullStep> {
  const { repository, number } = job;
  const { head, base } = pull;
  await ports.store.beginCheck(newCheck(ports, { repository, number, head, base }, job));
  const begun = await ports.store.readNewestCheck(repository.id, number);
  if (begun === undefined) throw new Error(`the check after ${job.id} that was begun isn't there`);
  return on(begun);
}

/** Goes on with what was saved. */
export const on = (job: PullJob): PullStep => ({ kind: "on", job });

/** The outcome is known; nothing is told yet. */
export function settled(ports: PullPorts, outcome: PullOutcome): Partial<PullJob> {
  return { phase: "settled", outcome, settledAt: ports.now() };
}
