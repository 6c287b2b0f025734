import type { Repository } from "../build/build.ts";
import { digestOf } from "../image/digest.ts";
import { WORKFLOWS } from "./caller-workflow.ts";
import { lookAt } from "./onboarding-look.ts";
import { NEW_ONBOARDING, type Onboarding, type OnboardingDraft, parseOnboarding } from "./onboarding-state.ts";
import { OUR_BRANCHES, type PullRequest } from "./ports.ts";
import type { ProposalPorts } from "./proposal-ports.ts";
import { advanceProposal, DAY_MS, type ProposalStep, type Turn } from "./proposal-work.ts";
import { commitOnNew, openOnce, tellOnce } from "./proposal-write.ts";

/** Our branch. */
export const ONBOARDING_BRANCH = `${OUR_BRANCHES}onboarding`;

/** The check run that says where the files are; another name than those of tags and pull requests (RULES R31), so that it satisfies none of their rules. */
export const ONBOARDING_CHECK = "trusted-builds / onboarding";

/** Where there was nothing to propose it is looked again, after so long, in milliseconds: a Dockerfile may have come. */
const LOOK_AGAIN_MS = 7 * DAY_MS;

const MESSAGE = "Build and judge images with Trusted Builds";

/**
 * Proposes the workflow and the policy to a repository that has none, once: closed and not merged is a no, for good.
 *
 * @returns when to be called again though nothing comes.
 */
export function advanceOnboarding(ports: ProposalPorts, repositoryId: number): Promise<Date | undefined> {
  return advanceProposal(ports, repositoryId, {
    kind: "onboarding",
    parse: parseOnboarding,
    fresh: NEW_ONBOARDING,
    step,
  });
}

type Step = ProposalStep<Onboarding>;

const on = (state: Onboarding): Step => ({ kind: "on", state });

async function step(ports: ProposalPorts, { repository, state }: Turn<Onboarding>): Promise<Step> {
  switch (state.phase) {
    case "looking":
    case "nothing":
      return look(ports, repository, state);
    case "drafted":
      return write(ports, repository, state);
    case "committed":
      return open(ports, repository, state);
    case "open":
      return follow(ports, repository, state);
    case "shown":
      // It was no answer: whoever lets us write since gets the pull request.
      if (state.isRefused !== true && (await mayPropose(ports, repository))) return on({ ...state, phase: "looking" });
      return { kind: "rest", state, due: undefined };
    case "declined":
    case "done":
      return { kind: "rest", state, due: undefined };
  }
}

async function look(ports: ProposalPorts, repository: Repository, before: Onboarding): Promise<Step> {
  // What this database doesn't know of, GitHub does: nobody is asked twice because we forgot.
  const earlier = await ports.pulls.findFromBranch(repository, ONBOARDING_BRANCH);
  if (earlier !== undefined) return decided(ports, { ...before, pull: earlier.number }, earlier);
  const { draft: _, why: _why, ...state } = before;
  const found = await lookAt(ports, repository);
  switch (found.kind) {
    case "there":
      return on({ ...state, phase: "done" });
    case "nothing": {
      const due = new Date(ports.now().getTime() + LOOK_AGAIN_MS);
      return { kind: "rest", state: { ...state, phase: "nothing", why: found.why }, due };
    }
    case "draft":
      return on({ ...state, phase: "drafted", draft: found.draft });
  }
}

async function mayPropose(ports: ProposalPorts, repository: Repository): Promise<boolean> {
  const { contents, pullRequests } = await ports.permissions.readWriting(repository);
  return contents && pullRequests;
}

async function write(ports: ProposalPorts, repository: Repository, state: Onboarding): Promise<Step> {
  const { draft } = state;
  // It waited long for its turn: what it was made from may be another by now.
  if (draft === undefined || ports.now().getTime() - draft.madeAt > DAY_MS) return on({ ...state, phase: "looking" });
  const { contents, pullRequests, workflows } = await ports.permissions.readWriting(repository);
  const files = workflows ? draft.files : draft.files.filter(({ path }) => !path.startsWith(WORKFLOWS));
  if (!contents || !pullRequests) return show(ports, repository, state, draft);
  if (files.length === 0) return show(ports, repository, { ...state, isRefused: true }, draft);
  const { kind } = await commitOnNew(ports, repository, {
    branch: ONBOARDING_BRANCH,
    on: draft.head,
    message: MESSAGE,
    files,
  });
  // A rule forbids it, or somebody has a branch of that name: theirs stays as it is.
  if (kind !== "committed") return show(ports, repository, { ...state, isRefused: true }, draft);
  return on({ ...state, phase: "committed", withoutWorkflow: files.length < draft.files.length });
}

async function open(ports: ProposalPorts, repository: Repository, state: Onboarding): Promise<Step> {
  const { draft, withoutWorkflow = false } = state;
  if (draft === undefined) return on({ ...state, phase: "looking" });
  const opened = await openOnce(ports, repository, {
    branch: ONBOARDING_BRANCH,
    base: draft.defaultBranch,
    ...ports.words.onboardingPull(repository, draft, withoutWorkflow),
  });
  switch (opened.kind) {
    case "opened":
      return on({ ...state, phase: "open", pull: opened.number });
    case "found":
      return decided(ports, { ...state, pull: opened.pull.number }, opened.pull);
    case "refused":
    case "taken":
      return show(ports, repository, { ...state, isRefused: true }, draft);
  }
}

async function follow(ports: ProposalPorts, repository: Repository, state: Onboarding): Promise<Step> {
  const pull = await ports.pulls.findFromBranch(repository, ONBOARDING_BRANCH);
  // Gone without a trace: nobody has said yes, so that nothing more is asked.
  return pull === undefined ? on({ ...state, phase: "declined" }) : decided(ports, state, pull);
}

/** Merged is yes, closed is no, and both are for good. */
function decided(ports: ProposalPorts, state: Onboarding, { isOpen, isMerged }: PullRequest): Step {
  if (isOpen)
    return { kind: "rest", state: { ...state, phase: "open" }, due: new Date(ports.now().getTime() + DAY_MS) };
  return on({ ...state, phase: isMerged ? "done" : "declined" });
}

/** Without the right to write: a check run that never blocks says what there is, with both files. */
async function show(
  ports: ProposalPorts,
  repository: Repository,
  state: Onboarding,
  draft: OnboardingDraft,
): Promise<Step> {
  await tellOnce(ports, repository, {
    name: ONBOARDING_CHECK,
    commit: draft.head,
    externalId: `onboarding-${digestOf(new TextEncoder().encode(JSON.stringify(draft.files))).slice(7, 23)}`,
    report: ports.words.onboardingCheck(repository, draft),
  });
  return on({ ...state, phase: "shown" });
}
