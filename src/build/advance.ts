import { PolicyError } from "../trust/policy-fault.ts";
import { CouldNotLook } from "../trust/ports.ts";
import { type Build, conclusionOf, type Repository } from "./build.ts";
import { dispatchRun } from "./dispatch.ts";
import { enforceAll } from "./enforce.ts";
import { followRun } from "./follow.ts";
import { noticesOf } from "./notices.ts";
import { policyWrong } from "./policies.ts";
import type {
  BuildStore,
  CheckRunReport,
  CheckRuns,
  Judgement,
  NoticeStore,
  PassStore,
  PolicyStateStore,
  SignedSummary,
  Workflows,
} from "./ports.ts";
import { forAttempt, forJudgement, fromWhereItCame } from "./round.ts";
import { answeredBy, overdueFor } from "./stale.ts";
import { keep, on, type Step, save, settled } from "./step.ts";
import { openCheckRun, report, tellOutcome } from "./tell.ts";
import { commitNow, type VerifyPorts, verifyBuild } from "./verify.ts";

/** How long it is tried to tell an outcome, in milliseconds: after 14 days GitHub calls the check run stale by itself. */
const TELL_MS = 14 * 24 * 3_600_000;

/**
 * How many rounds one call begins on a build that was done. Each has a check run of its own, and people change tags and policies slower than
 * that: more is a fault of ours, which must not write to GitHub for ever.
 */
const MAX_ROUNDS = 8;

/** What moving a build on needs of the world. */
export interface AdvancePorts extends VerifyPorts {
  readonly workflows: Workflows;
  readonly checkRuns: CheckRuns;
  readonly store: BuildStore & PolicyStateStore & NoticeStore & PassStore;
  /** What the check run has to say of a build as it is stored. The same build, the same words: they are compared. */
  readonly describe: (build: Build) => Promise<CheckRunReport>;
  /** Signs a verdict that is settled; absent where nothing is signed. It never fails. */
  readonly summarise?: ((repository: Repository, judgement: Judgement) => readonly SignedSummary[]) | undefined;
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
  let rounds = 0;
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
    if (build.phase === "done" && ++rounds > MAX_ROUNDS)
      throw new Error(`build ${id} was judged anew ${rounds} times in a row`);
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

async function judgeImage(ports: AdvancePorts, before: Build): Promise<Step> {
  const { run, request, id } = before;
  if (run === undefined || request === undefined) throw new Error(`build ${id} has no run to judge`);
  const stored = await ports.store.readPolicies(id);
  try {
    const judged = await verifyBuild(ports, { ...before, run, request }, stored);
    if (judged.policies.organisation !== stored.organisation) await ports.store.savePolicies(id, judged.policies);
    const { verdict, digest, answersTo } = judged;
    const { judgements, enforced } = await enforceAll(ports.store, before, judged.judgements);
    // Before the verdict: killed in between, it is judged again, and finds what it saw itself.
    if (verdict === "trusted" && judged.seen.length > 0)
      await ports.sightings.recordSightings(before.repository, before.key.image, judged.seen);
    if (verdict !== "undetermined") {
      const notices = await noticesOf(ports.store, before, judgements);
      const outcome = {
        kind: "verdict",
        verdict,
        ...(notices.length > 0 && { notices }),
        ...(verdict === "untrusted" && enforced.some(({ mode }) => mode !== "strict") && { enforced }),
      } as const;
      // No fault fails it, and what could not be looked at is all that keeps it from passing.
      if (conclusionOf(outcome) === "action_required" && before.failures < ports.pace.retriesMs.length) {
        const [open] = judgements.flatMap((each) => each.verdict.unreachable);
        const message = open?.reason ?? "something could not be looked at";
        return await postponed(ports, { ...before, digest }, { message });
      }
      const build = await saveJudged({ digest, ...settled(ports, outcome) });
      return on(build);
    }
    // The digest is kept: by the next try the tag could be another image's.
    const reason = judged.reason ?? "something could not be looked at";
    if (before.failures < ports.pace.retriesMs.length)
      return await postponed(ports, { ...before, digest }, { message: reason });
    return on(await saveJudged({ digest, ...settled(ports, { kind: "undetermined", reason }) }));

    async function saveJudged(change: Partial<Build>): Promise<Build> {
      const validUntil = firstEnd(judgements);
      const build = { ...before, failures: 0, waiting: undefined, answersTo, validUntil, ...change };
      const signed = judgements.map((each) => ({
        ...each,
        summaries: ports.summarise?.(build.repository, each) ?? [],
      }));
      await ports.store.saveJudgements(build, signed);
      return build;
    }
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    const answersTo = answeredBy(before, await ports.store.readPolicyStates(before.repository));
    return on(await save(ports, before, { answersTo, ...settled(ports, policyWrong(error)) }));
  }
}

/** The earliest that lies ahead of its verdict: what had lapsed by then is in the verdict. */
function firstEnd(judgements: readonly Judgement[]): Date | undefined {
  const ends = judgements.flatMap(({ verdict: { validUntil, asOf } }) =>
    validUntil !== undefined && validUntil > asOf ? [validUntil.getTime()] : [],
  );
  return ends.length === 0 ? undefined : new Date(Math.min(...ends));
}

/**
 * What happened while it was judged told nobody who could do anything about it: the run may have been started again (RULES R9), policy
 * may be another (RULES R2), and a tag that moved turns the verdict (RULES R26). Each gets a check run of their own; the old one stays what it was.
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
  const answersTo = overdueFor(build, await ports.store.readPolicyStates(repository), ports.now());
  if (answersTo !== undefined) return on(await keep(ports, { ...fromWhereItCame(build), answersTo }));
  if (outcome !== undefined && conclusionOf(outcome) === "success") {
    const now = await commitNow(ports.tags, repository, key.ref);
    if (now !== undefined && now !== key.commit) return on(await keep(ports, forJudgement(build)));
  }
  return { kind: "rest", build: build.failures === 0 ? build : await save(ports, build, {}), until: undefined };
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
  const wait = Math.max(delay ?? retriesMs.at(-1) ?? ports.pace.pollMs, (error.retryAfter ?? 0) * 1000);
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
      if (isLast) {
        const answersTo = answeredBy(before, await ports.store.readPolicyStates(before.repository));
        const change = { answersTo, ...settled(ports, { kind: "undetermined", reason: error.message }) };
        return on(await save(ports, before, change));
      }
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
