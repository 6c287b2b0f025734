import { PolicyError } from "../trust/policy-fault.ts";
import { CouldNotLook } from "../trust/ports.ts";
import { conclusionOfPull, ownConclusionOf } from "./conclusion.ts";
import type { PullRequest } from "./ports.ts";
import type { PullOutcome } from "./pull.ts";
import { newCheck, type PullJob, parsePullId, pullId } from "./pull-check.ts";
import { judgePull } from "./pull-judge.ts";
import { pinsDue, pinsStep } from "./pull-pins-step.ts";
import { MAX_SAME_HEAD, type PullPorts } from "./pull-ports.ts";
import { judgeAgain, keep, on, type PullStep, save, settled } from "./pull-step.ts";
import { openPullCheckRun, reportPull, tellPullOutcome } from "./pull-tell.ts";

/** How long it is tried to tell an outcome, in milliseconds: after 14 days GitHub calls the check run stale by itself. */
const TELL_MS = 14 * 24 * 3_600_000;
/** How many checks one call begins: more is a fault of ours, which must not write to GitHub for ever. */
const MAX_CHECKS = 8;

/**
 * Looks at a pull request, and moves its check on as far as it goes, step by step, each saved before the next. What woke us is no part
 * of it: GitHub is asked what is there now. Whoever is killed in the middle is replaced by whoever calls it next.
 *
 * One caller at a time for one pull request. One that lost its lease and doesn't know is refused by the store before it writes anything.
 *
 * @param id - As `pullId` makes it.
 * @returns when to call again though nothing happened; undefined for never.
 */
export async function advancePull(ports: PullPorts, id: string): Promise<Date | undefined> {
  const at = parsePullId(id);
  const repository = at && (await ports.store.readRepository(at.repositoryId));
  if (at === undefined || repository === undefined) return undefined;
  const newest = await ports.store.readNewestCheck(repository.id, at.number);
  const wait = newest?.waiting;
  if (wait?.isLimited === true && ports.now() < wait.until) return wait.until;
  let pull: PullRequest | undefined;
  try {
    pull = await ports.pulls.readPull(repository, at.number);
  } catch (error) {
    if (!(error instanceof CouldNotLook)) throw error;
    return unseen(ports, newest, error);
  }
  if (pull === undefined || !pull.isOpen) {
    await ports.store.closePull(repository, at.number, ports.now());
    const again = await tellSuperseded(ports, repository.id, at.number);
    if (newest !== undefined) await wakeSameHead(ports, newest);
    return again;
  }
  let job = newest;
  if (job !== undefined) await ports.store.reopenPull(repository.id, at.number);
  if (job === undefined || isOther(job, pull)) {
    const { head, base } = pull;
    await ports.store.beginCheck(newCheck(ports, { repository, number: at.number, head, base }, job));
    job = await ports.store.readNewestCheck(repository.id, at.number);
    if (job === undefined) throw new Error(`the check of pull request ${id} that was begun isn't there`);
  }
  // What is new comes first: nobody waits for what was superseded.
  const again = await follow(ports, pull, job);
  const told = await tellSuperseded(ports, repository.id, at.number);
  return earliest(again, told);
}

/** Whether the pull request has come to something that the check says nothing of. */
function isOther({ head, base, outcome }: PullJob, pull: PullRequest): boolean {
  const isSame = head.commit === pull.head.commit && base.branch === pull.base.branch;
  return !isSame || outcome?.kind === "superseded";
}

/** Nobody knows which commit it would be told on. What is done stays; what isn't is tried again. */
async function unseen(ports: PullPorts, newest: PullJob | undefined, error: CouldNotLook): Promise<Date | undefined> {
  if (newest !== undefined && newest.phase !== "done") {
    if (newest.waiting !== undefined && ports.now() < newest.waiting.until) return newest.waiting.until;
    const step = await postponed(ports, newest, error);
    return step.kind === "rest" ? step.until : ports.now();
  }
  const { retriesMs } = ports.pace;
  const wait = Math.max(retriesMs[Math.floor(retriesMs.length / 2)] ?? 60_000, waitOf(error));
  return new Date(ports.now().getTime() + wait);
}

async function follow(ports: PullPorts, pull: PullRequest, given: PullJob): Promise<Date | undefined> {
  let job = given;
  if (job.waiting !== undefined && ports.now() < job.waiting.until) return job.waiting.until;
  const { generation } = job;
  for (;;) {
    let step: PullStep;
    try {
      step = await nextStep(ports, pull, job);
    } catch (error) {
      if (!(error instanceof CouldNotLook)) throw error;
      // What was saved on the way stays true.
      const saved = await ports.store.readNewestCheck(job.repository.id, job.number);
      step = await postponed(ports, saved?.id === job.id ? saved : job, error);
    }
    if (step.kind === "rest") return step.until;
    job = step.job;
    if (job.generation - generation > MAX_CHECKS)
      throw new Error(`pull request ${pullId(job.repository.id, job.number)} was judged anew too often in a row`);
  }
}

function nextStep(ports: PullPorts, pull: PullRequest, job: PullJob): Promise<PullStep> {
  switch (job.phase) {
    case "judging":
      return judgeStep(ports, pull, job);
    case "settled":
      return tellStep(ports, job);
    case "done":
      return doneStep(ports, pull, job);
  }
}

async function judgeStep(ports: PullPorts, pull: PullRequest, before: PullJob): Promise<PullStep> {
  let job = before;
  const announce = async () => {
    if (job.checkRun === undefined) job = await openPullCheckRun(ports, { ...job, waiting: undefined });
  };
  try {
    const judged = await judgePull(ports, job.repository, pull, { since: job.judgedSince, announce });
    const { answersTo, validUntil } = judged;
    const outcome = await heldBack(ports, job, judged.outcome);
    if (conclusionOfPull(outcome) === "action_required" && before.failures < ports.pace.retriesMs.length)
      return await postponed(ports, { ...job, failures: before.failures }, { message: COULD_NOT_LOOK });
    const base = pull.base;
    return on(await save(ports, job, { base, answersTo, validUntil, ...settled(ports, outcome) }));
  } catch (error) {
    if (error instanceof CouldNotLook) return postponed(ports, { ...job, failures: before.failures }, error);
    if (!(error instanceof PolicyError)) throw error;
    const answersTo = await ports.store.readPolicyStates(job.repository);
    const outcome: PullOutcome = { kind: "policy-wrong", policy: error.policy, faults: error.faults };
    return on(await save(ports, job, { answersTo, ...settled(ports, outcome) }));
  }
}

const COULD_NOT_LOOK = "something that the images rest on could not be looked at";

/** GitHub counts a check run for every pull request with that head: what passes for one branch must not pass for another (RULES R31). */
async function heldBack(ports: PullPorts, job: PullJob, outcome: PullOutcome): Promise<PullOutcome> {
  if (ownConclusionOf(outcome) !== "success" || !(outcome.kind === "judged" || outcome.kind === "no-dockerfile"))
    return outcome;
  const holder = await holderOf(ports, job);
  return holder === undefined ? outcome : { ...outcome, heldBackBy: holder };
}

async function holderOf(ports: PullPorts, job: PullJob): Promise<number | undefined> {
  const others = await ports.store.listSameHead(job);
  // Whoever opens enough of them hides none that fails behind them.
  if (others.length > MAX_SAME_HEAD) return others[0]?.number;
  return others.find(
    ({ outcome }) => outcome !== undefined && outcome.kind !== "superseded" && ownConclusionOf(outcome) !== "success",
  )?.number;
}

async function tellStep(ports: PullPorts, job: PullJob): Promise<PullStep> {
  const step = await tellPullOutcome(ports, job);
  await wakeSameHead(ports, step.job);
  return step;
}

async function wakeSameHead(ports: PullPorts, job: PullJob): Promise<void> {
  for (const { repository, number } of await ports.store.listSameHead(job))
    await ports.wakePull(pullId(repository.id, number));
}

/** What somebody asked for comes before what happened since: the check that they saw is the one that is answered. */
async function doneStep(ports: PullPorts, pull: PullRequest, job: PullJob): Promise<PullStep> {
  const taken = await pinsStep(ports, pull, job);
  if (taken !== undefined) return taken;
  const step = await lookBack(ports, pull, job);
  return step.kind === "rest" ? { ...step, until: earliest(step.until, pinsDue(job)) } : step;
}

/**
 * What happened while it was judged, or since, told nobody who could do anything about it: policy may be another (RULES R2), something it
 * rests on may have lapsed (RULES R14), another pull request of the same head may pass or not. Each gets a check run of its own.
 */
async function lookBack(ports: PullPorts, pull: PullRequest, job: PullJob): Promise<PullStep> {
  const { outcome, answersTo, validUntil, repository } = job;
  const seen = await ports.store.readPolicyStates(repository);
  const isAnother = (["repository", "organisation"] as const).some(
    (kind) => seen[kind] !== undefined && seen[kind] !== answersTo[kind],
  );
  const hasLapsed = validUntil !== undefined && validUntil <= ports.now();
  const isHeldOtherwise =
    outcome !== undefined &&
    (outcome.kind === "judged" || outcome.kind === "no-dockerfile") &&
    ownConclusionOf(outcome) === "success" &&
    ((await holderOf(ports, job)) === undefined) !== (outcome.heldBackBy === undefined);
  if (!isAnother && !hasLapsed && !isHeldOtherwise) return { kind: "rest", job, until: undefined };
  return judgeAgain(ports, pull, job);
}

/** Tells on older check runs that something newer came. */
async function tellSuperseded(ports: PullPorts, repositoryId: number, number: number): Promise<Date | undefined> {
  let again: Date | undefined;
  for (const old of await ports.store.listUntold(repositoryId, number)) {
    if (old.waiting !== undefined && ports.now() < old.waiting.until) {
      again = earliest(again, old.waiting.until);
      continue;
    }
    try {
      await tellPullOutcome(ports, old);
    } catch (error) {
      if (!(error instanceof CouldNotLook)) throw error;
      const saved = (await ports.store.listUntold(repositoryId, number)).find(({ id }) => id === old.id) ?? old;
      const step = await postponed(ports, saved, error);
      again = earliest(again, step.kind === "rest" ? step.until : undefined);
    }
  }
  return again;
}

/** Could not look: said on the check run, and tried again; after the last try it is undetermined, which doesn't pass. */
async function postponed(
  ports: PullPorts,
  before: PullJob,
  error: { readonly message: string; readonly retryAfter?: number },
): Promise<PullStep> {
  const { retriesMs } = ports.pace;
  const { phase, settledAt, failures } = before;
  const delay = retriesMs[failures];
  const wait = Math.max(delay ?? retriesMs.at(-1) ?? 60_000, waitOf(error));
  const until = new Date(ports.now().getTime() + wait);
  // Nothing hangs on it: whatever happens next is told.
  if (phase === "done") return { kind: "rest", job: before, until: delay === undefined ? undefined : until };
  if (phase === "settled") {
    if (settledAt !== undefined && ports.now().getTime() - settledAt.getTime() > TELL_MS)
      return { kind: "rest", job: await save(ports, before, { phase: "done" }), until: undefined };
  } else if (delay === undefined) {
    const answersTo = await ports.store.readPolicyStates(before.repository);
    const outcome: PullOutcome = { kind: "undetermined", reason: error.message };
    return on(await save(ports, before, { answersTo, ...settled(ports, outcome) }));
  }
  const isLimited = error.retryAfter !== undefined && ({ isLimited: true } as const);
  const waiting = { reason: error.message, until, ...isLimited };
  const job = await keep(ports, { ...before, failures: failures + 1, waiting });
  const rest: PullStep = { kind: "rest", job, until };
  // Who limits us is GitHub, and wants to be asked nothing.
  if (phase === "settled" || error.retryAfter !== undefined) return rest;
  try {
    const opened = job.checkRun === undefined ? await openWaiting(ports, job) : job;
    return { ...rest, job: await reportPull(ports, opened) };
  } catch (failure) {
    // It may be GitHub that doesn't answer. It is told with the next thing that can be told.
    if (!(failure instanceof CouldNotLook)) throw failure;
    return rest;
  }
}

/** Opening a check run is no success of what is waited for. */
async function openWaiting(ports: PullPorts, { waiting, failures, ...job }: PullJob): Promise<PullJob> {
  const opened = await openPullCheckRun(ports, { ...job, waiting, failures });
  return keep(ports, { ...opened, waiting, failures });
}

function waitOf({ retryAfter = 0 }: { readonly message: string; readonly retryAfter?: number }): number {
  return retryAfter * 1000;
}

function earliest(one: Date | undefined, other: Date | undefined): Date | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return one < other ? one : other;
}
