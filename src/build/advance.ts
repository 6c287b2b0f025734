import { digestOf } from "../image/digest.ts";
import { PolicyError } from "../trust/policy-fault.ts";
import { CouldNotLook } from "../trust/ports.ts";
import { type Build, checkName, externalId, type Outcome, type Run } from "./build.ts";
import { policyWrong } from "./policies.ts";
import { type BuildStore, type CheckRunReport, type CheckRuns, DispatchRefused, type Workflows } from "./ports.ts";
import { forAttempt, forJudgement } from "./round.ts";
import { commitNow, type VerifyPorts, verifyBuild } from "./verify.ts";

/** How often the log of a failed run is asked for, beside the first time. */
const LOG_TRIES = 2;
/** How long it is tried to tell an outcome, in milliseconds: after 14 days GitHub calls the check run stale by itself. */
const TELL_MS = 14 * 24 * 3_600_000;

/** What moving a build on needs of the world. */
export interface AdvancePorts extends VerifyPorts {
  readonly workflows: Workflows;
  readonly checkRuns: CheckRuns;
  readonly store: BuildStore;
  /** What the check run has to say of a build as it is stored. The same build, the same words: they are compared. */
  readonly describe: (build: Build) => Promise<CheckRunReport>;
  readonly pace: Pace;
}

/** How long is waited, in milliseconds. */
export interface Pace {
  /** Before each further try where something could not be looked at; after the last one it is left undetermined. */
  readonly retriesMs: readonly number[];
  /** Between looks at a run, beside the events that tell of it. */
  readonly pollMs: number;
  /** How late GitHub may list a run that it has started. */
  readonly listingMs: number;
}

/** A step that was taken, and saved: go on with this, or rest; for good where no time is given. */
type Step =
  | { readonly kind: "on"; readonly build: Build }
  | { readonly kind: "rest"; readonly build: Build; readonly until: Date | undefined };

/**
 * Moves a build on as far as it goes, step by step, each saved before the next (DESIGN §5). Whoever is killed in the middle is
 * replaced by whoever calls it next: what may have reached GitHub already is looked for before it is done again.
 *
 * One caller at a time for one build.
 *
 * @returns when to call again though nothing happened; undefined for never.
 */
export async function advance(ports: AdvancePorts, id: string): Promise<Date | undefined> {
  let build = await ports.store.readBuild(id);
  // Whoever calls too early uses up no try, and asks nobody who wants to be left alone.
  if (build?.waiting !== undefined && ports.now() < build.waiting.until) return build.waiting.until;
  while (build !== undefined) {
    let step: Step;
    try {
      step = await nextStep(ports, build);
    } catch (error) {
      if (!(error instanceof CouldNotLook)) throw error;
      // What was saved on the way stays true.
      step = await postponed(ports, (await ports.store.readBuild(id)) ?? build, error);
    }
    if (step.kind === "rest") return step.until;
    build = step.build;
  }
  return undefined;
}

function nextStep(ports: AdvancePorts, build: Build): Promise<Step> {
  if (build.phase !== "done" && build.checkRun === undefined) return openCheckRun(ports, build);
  switch (build.phase) {
    case "requested":
      return dispatchRun(ports, build);
    case "dispatched":
      return followRun(ports, build);
    case "verifying":
      return judgeImage(ports, build);
    case "settled":
      return tellOutcome(ports, build);
    case "done":
      return lookBack(ports, build);
  }
}

/** Something was learnt or done: what kept us from it is over. */
async function save(ports: AdvancePorts, before: Build, change: Partial<Build>): Promise<Build> {
  return keep(ports, { ...before, failures: 0, waiting: undefined, ...change });
}

/** Before a write: that it is going to be tried is no success, or it would be tried for ever. */
async function keep(ports: AdvancePorts, build: Build): Promise<Build> {
  await ports.store.saveBuild(build);
  return build;
}

const on = (build: Build): Step => ({ kind: "on", build });

function settled(ports: AdvancePorts, outcome: Outcome): Partial<Build> {
  return { phase: "settled", outcome, runStatus: undefined, settledAt: ports.now() };
}

async function openCheckRun(ports: AdvancePorts, before: Build): Promise<Step> {
  const { repository, key } = before;
  const check = { name: checkName(before), commit: key.commit, externalId: externalId(before) };
  if (before.attempted.checkRun !== undefined) {
    const known = await ports.checkRuns.find(repository, check);
    if (known !== undefined) return on(await save(ports, before, { checkRun: known }));
  }
  const report = await wordsOf(ports, before);
  const reported = hashOf(report);
  // If it is there although we never heard so, it may say all that there is to say.
  const attempted = { ...before.attempted, checkRun: ports.now(), report: reported };
  const build = await keep(ports, { ...before, attempted });
  const checkRun = await ports.checkRuns.create(repository, check, report);
  return on(await save(ports, build, { checkRun, reported }));
}

async function dispatchRun(ports: AdvancePorts, before: Build): Promise<Step> {
  const { repository, key, request, attempted } = before;
  if (request === undefined) throw new Error(`build ${before.id} has nothing to dispatch`);
  const { workflow } = request;
  if (attempted.dispatch !== undefined) {
    const run = await ports.workflows.findRun(repository, workflow, before.id, attempted.dispatch);
    if (run !== undefined) return on(await save(ports, before, { run, phase: "dispatched" }));
    const listed = new Date(attempted.dispatch.getTime() + ports.pace.listingMs);
    if (ports.now() < listed) return { kind: "rest", build: before, until: listed };
    if (attempted.isDispatched) {
      throw new CouldNotLook(
        "server-error",
        `looked for the run that was started for build ${before.id}: GitHub doesn't list one whose title has that id; the workflow needs "run-name: Trusted build \${{ inputs.build-id }}"`,
      );
    }
  }
  const reason = (await overtaken(ports, before)) ?? (await missingWorkflow(ports, before, workflow));
  if (reason !== undefined) return on(await save(ports, before, settled(ports, { kind: "no-workflow", reason })));
  const build = await keep(ports, { ...before, attempted: { ...attempted, dispatch: ports.now() } });
  try {
    const run = await ports.workflows.dispatch(repository, workflow, key.ref, { id: build.id, request });
    const told = { ...build.attempted, isDispatched: true };
    return on(await save(ports, build, run === undefined ? { attempted: told } : { run, phase: "dispatched" }));
  } catch (error) {
    if (!(error instanceof DispatchRefused)) throw error;
    return on(await save(ports, build, settled(ports, { kind: "no-workflow", reason: error.message })));
  }
}

/** The run would build what the tag names now, under the tag of the image that the newer push builds. */
async function overtaken({ tags }: AdvancePorts, { repository, key }: Build): Promise<string | undefined> {
  const now = await commitNow(tags, repository, key.ref);
  if (now === key.commit) return undefined;
  return now === undefined
    ? `${key.ref} was deleted before its build was started; push it again`
    : `${key.ref} was moved from ${key.commit} to ${now} before its build was started; what it names now has a build of its own`;
}

/** GitHub wants the file in both places: the run is of the tag's file, and may be started because the default branch has one. */
async function missingWorkflow({ workflows }: AdvancePorts, build: Build, file: string): Promise<string | undefined> {
  const { repository, key } = build;
  const [atTag, onDefault] = await Promise.all([
    workflows.hasWorkflow(repository, file, key.ref),
    workflows.hasWorkflow(repository, file, "default-branch"),
  ]);
  if (atTag && onDefault) return undefined;
  const where = [...(atTag ? [] : [`at ${key.ref}`]), ...(onDefault ? [] : ["on the default branch"])].join(" and ");
  return `there is no .github/workflows/${file} ${where}: GitHub starts a workflow for a tag only if the tag and the default branch both have it; add it and push a new tag`;
}

async function followRun(ports: AdvancePorts, before: Build): Promise<Step> {
  const { repository, run: known } = before;
  if (known === undefined) throw new Error(`build ${before.id} has no run to follow`);
  const state = await ports.workflows.readRun(repository, known.id);
  if (state === undefined)
    return on(
      await save(
        ports,
        before,
        settled(ports, { kind: "build-failed", conclusion: "the run was deleted", log: undefined }),
      ),
    );
  const { id, attempt, url, status, since } = state;
  if (attempt < known.attempt)
    throw new CouldNotLook(
      "server-error",
      `asked GitHub for attempt ${known.attempt} of run ${id}: it told about attempt ${attempt}, which is over; try again later`,
    );
  const run = { id, attempt, url };
  if (status !== "completed") {
    const build = await save(ports, before, { run, runStatus: { status, since } });
    return {
      kind: "rest",
      build: await report(ports, build),
      until: new Date(ports.now().getTime() + ports.pace.pollMs),
    };
  }
  if (state.conclusion === "success")
    return on(await save(ports, before, { run, runStatus: undefined, phase: "verifying" }));
  if (state.conclusion === "cancelled")
    return on(await save(ports, before, { run, ...settled(ports, { kind: "cancelled" }) }));
  const conclusion = state.conclusion ?? "unknown";
  const log = await failureLog(ports, before, run);
  return on(await save(ports, before, { run, ...settled(ports, { kind: "build-failed", conclusion, log }) }));
}

/** A build that failed has failed, whether or not its log can be read. */
async function failureLog({ workflows, pace }: AdvancePorts, build: Build, run: Run): Promise<string | undefined> {
  try {
    return await workflows.readFailureLog(build.repository, run);
  } catch (error) {
    const tries = Math.min(LOG_TRIES, pace.retriesMs.length);
    if (error instanceof CouldNotLook && build.failures >= tries) return undefined;
    throw error;
  }
}

async function judgeImage(ports: AdvancePorts, before: Build): Promise<Step> {
  const { run, request, id } = before;
  if (run === undefined || request === undefined) throw new Error(`build ${id} has no run to judge`);
  const stored = await ports.store.readPolicies(id);
  try {
    const judged = await verifyBuild(ports, { ...before, run, request }, stored);
    if (judged.policies !== stored) await ports.store.savePolicies(id, judged.policies);
    const { verdict, digest, judgements } = judged;
    if (verdict !== "undetermined") {
      const build = await saveJudged({ digest, ...settled(ports, { kind: "verdict", verdict }) });
      return on(build);
    }
    // The digest is kept: by the next try the tag could be another image's.
    const reason = judged.reason ?? "something could not be looked at";
    if (before.failures < ports.pace.retriesMs.length)
      return await postponed(ports, { ...before, digest }, { message: reason });
    return on(await saveJudged({ digest, ...settled(ports, { kind: "undetermined", reason }) }));

    async function saveJudged(change: Partial<Build>): Promise<Build> {
      const build = { ...before, failures: 0, waiting: undefined, ...change };
      await ports.store.saveJudgements(build, judgements);
      return build;
    }
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    return on(await save(ports, before, settled(ports, policyWrong(error))));
  }
}

async function tellOutcome(ports: AdvancePorts, before: Build): Promise<Step> {
  // What kept us from telling it is no part of it.
  const build = await report(ports, { ...before, waiting: undefined });
  return on(await save(ports, build, { phase: "done" }));
}

/**
 * What happened while it was judged told nobody who could do anything about it: the run may have been started again (RULES R9), and a
 * tag that moved turns the verdict (RULES R26). Both get a check run of their own; the old one stays what it was.
 */
async function lookBack(ports: AdvancePorts, build: Build): Promise<Step> {
  const { repository, key, run, outcome } = build;
  if (run !== undefined) {
    const state = await ports.workflows.readRun(repository, run.id);
    if (state !== undefined && state.attempt > run.attempt) {
      const { id, attempt, url } = state;
      return on(await keep(ports, forAttempt(build, { id, attempt, url })));
    }
  }
  if (outcome?.kind === "verdict" && outcome.verdict === "trusted") {
    const now = await commitNow(ports.tags, repository, key.ref);
    if (now !== undefined && now !== key.commit) return on(await keep(ports, forJudgement(build)));
  }
  return { kind: "rest", build: build.failures === 0 ? build : await save(ports, build, {}), until: undefined };
}

/** Writes the check run, unless it says so already: each write counts against GitHub's limits, and shows. */
async function report(ports: AdvancePorts, before: Build): Promise<Build> {
  const { checkRun, repository, attempted } = before;
  if (checkRun === undefined) return before;
  const wanted = await wordsOf(ports, before);
  const hash = hashOf(wanted);
  if (before.reported === hash) return before;
  let build = before;
  const isTold = attempted.report === hash && (await ports.checkRuns.says(repository, checkRun, wanted));
  if (!isTold) {
    build = { ...before, attempted: { ...attempted, report: hash } };
    await ports.store.saveBuild(build);
    await ports.checkRuns.update(repository, checkRun, wanted);
  }
  build = { ...build, reported: hash };
  await ports.store.saveBuild(build);
  return build;
}

/** The same outcome in the same words, however often it was tried to tell them. */
function wordsOf(ports: AdvancePorts, build: Build): Promise<CheckRunReport> {
  if (build.outcome === undefined) return ports.describe(build);
  const tries = build.outcome.kind === "undetermined" ? ports.pace.retriesMs.length + 1 : 0;
  return ports.describe({ ...build, failures: tries, waiting: undefined });
}

/** Could not look: said on the check run, and tried again; after the last try it is undetermined, which doesn't pass. */
async function postponed(
  ports: AdvancePorts,
  before: Build,
  error: { readonly message: string; readonly retryAfter?: number },
): Promise<Step> {
  const { retriesMs } = ports.pace;
  const { phase, settledAt, failures } = before;
  const delay = retriesMs[failures];
  const isLast = delay === undefined;
  const wait = Math.max(delay ?? retriesMs.at(-1) ?? 0, (error.retryAfter ?? 0) * 1000);
  const until = new Date(ports.now().getTime() + wait);
  switch (phase) {
    case "done":
      // Nothing hangs on it: whatever happens next is told.
      return {
        kind: "rest",
        build: await keep(ports, { ...before, failures: isLast ? 0 : failures + 1 }),
        until: isLast ? undefined : until,
      };
    case "settled":
      if (settledAt !== undefined && ports.now().getTime() - settledAt.getTime() > TELL_MS)
        return { kind: "rest", build: await save(ports, before, { phase: "done" }), until: undefined };
      break;
    default:
      if (isLast) return on(await save(ports, before, settled(ports, { kind: "undetermined", reason: error.message })));
  }
  const build = await keep(ports, { ...before, failures: failures + 1, waiting: { reason: error.message, until } });
  const rest: Step = { kind: "rest", build, until };
  // Who limits us is GitHub, and wants to be asked nothing.
  if (phase === "settled" || error.retryAfter !== undefined) return rest;
  try {
    return { ...rest, build: await report(ports, build) };
  } catch (failure) {
    // It may be GitHub that doesn't answer. It is told with the next thing that can be told.
    if (!(failure instanceof CouldNotLook)) throw failure;
    return rest;
  }
}

function hashOf(report: CheckRunReport): string {
  return digestOf(new TextEncoder().encode(JSON.stringify(report)));
}
