import { PULL_CHECK } from "../build/build.ts";
import type { CheckRunReport } from "../build/ports.ts";
import { digestOf } from "../image/digest.ts";
import type { PullJob } from "./pull-check.ts";
import type { PullPorts } from "./pull-ports.ts";
import { keep, on, type PullStep, save } from "./pull-step.ts";

/**
 * Opens the check run of a check, or finds the one that was opened when nobody lived to hear so. Where the outcome is known already, it
 * is opened with it, by one request.
 */
export async function openPullCheckRun(ports: PullPorts, before: PullJob): Promise<PullJob> {
  const { repository, head, id } = before;
  const check = { name: PULL_CHECK, commit: head.commit, externalId: id };
  if (before.attempted.checkRun !== undefined) {
    const known = await ports.checkRuns.find(repository, check);
    if (known !== undefined) return save(ports, before, { checkRun: known });
  }
  const report = await wordsOf(ports, before);
  const reported = hashOf(report);
  // If it is there although we never heard so, it may say all that there is to say.
  const attempted = { ...before.attempted, checkRun: ports.now(), report: reported };
  const job = await keep(ports, { ...before, attempted });
  const checkRun = await ports.checkRuns.create(repository, check, report);
  return save(ports, job, { checkRun, reported });
}

/** Completes the check run. From then on it isn't written again: what comes later has another. */
export async function tellPullOutcome(ports: PullPorts, before: PullJob): Promise<PullStep> {
  let job = before;
  if (job.checkRun === undefined) {
    const wasOpened = job.attempted.checkRun !== undefined;
    if (job.outcome?.kind !== "superseded") job = await openPullCheckRun(ports, job);
    else if (wasOpened) {
      const { repository, head, id } = job;
      const check = { name: PULL_CHECK, commit: head.commit, externalId: id };
      const known = await ports.checkRuns.find(repository, check);
      if (known !== undefined) job = await save(ports, job, { checkRun: known });
    }
  }
  return on(await save(ports, await reportPull(ports, job), { phase: "done" }));
}

/** Writes the check run, unless it says so already: each write counts against GitHub's limits, and shows. */
export async function reportPull(ports: PullPorts, before: PullJob): Promise<PullJob> {
  const { checkRun, repository, attempted } = before;
  if (checkRun === undefined) return before;
  const wanted = await wordsOf(ports, before);
  const hash = hashOf(wanted);
  if (before.reported === hash) return before;
  let job = before;
  const isTold = attempted.report === hash && (await ports.checkRuns.says(repository, checkRun, wanted));
  if (!isTold) {
    // Whoever was superseded meanwhile is refused here, before anything is written.
    job = await keep(ports, { ...before, attempted: { ...attempted, report: hash } });
    await ports.checkRuns.update(repository, checkRun, wanted);
  }
  return keep(ports, { ...job, reported: hash });
}

/** The same outcome in the same words, however often it was tried to tell them: what kept us from it is no part of it. */
function wordsOf(ports: PullPorts, job: PullJob): Promise<CheckRunReport> {
  if (job.outcome === undefined) return ports.describePull(job);
  const tries = job.outcome.kind === "undetermined" ? ports.pace.retriesMs.length + 1 : 0;
  return ports.describePull({ ...job, failures: tries, waiting: undefined });
}

function hashOf(report: CheckRunReport): string {
  return digestOf(new TextEncoder().encode(JSON.stringify(report)));
}
