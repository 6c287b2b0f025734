import type { Repository } from "../build/build.ts";
import { digestOf } from "../image/digest.ts";
import { lookForNewer } from "./pins-look.ts";
import { moveKey, NEW_PINS, type Pins, type PinsProposal, parsePins } from "./pins-state.ts";
import { OUR_BRANCHES, type PullRequest } from "./ports.ts";
import type { ProposalPorts } from "./proposal-ports.ts";
import { advanceProposal, fractionOf, type ProposalStep, type Turn } from "./proposal-work.ts";
import { asBytes, hasFiles, refusable, tellOnce } from "./proposal-write.ts";

/** Our branch. */
export const PINS_BRANCH = `${OUR_BRANCHES}pins`;

/** The check run on the default branch's head that says which newer digests aren't proposed (RULES R31). */
export const PINS_CHECK = "trusted-builds / pins";

/** So many digests to which somebody said no are remembered; the oldest are forgotten first. */
const MAX_DECLINED = 500;

/**
 * Looks at the pins of one repository's Dockerfiles, once in each turn, and proposes the newer digests that are trusted in one pull request.
 *
 * @returns when its next turn is.
 */
export function advancePins(ports: ProposalPorts, repositoryId: number): Promise<Date | undefined> {
  return advanceProposal(ports, repositoryId, { kind: "pins", parse: parsePins, fresh: NEW_PINS, step });
}

/** Each repository has a time of its own: all of them at once would meet every limit there is. */
export function nextTurn(repositoryId: number, now: Date, everyMs: number): Date {
  const offset = Math.floor(fractionOf(`pins ${repositoryId}`) * everyMs);
  const turns = Math.floor((now.getTime() - offset) / everyMs) + 1;
  return new Date(turns * everyMs + offset);
}

type Keep = Turn<Pins>["keep"];

async function step(ports: ProposalPorts, { repository, state, keep }: Turn<Pins>): Promise<ProposalStep<Pins>> {
  if (ports.renovateMs === 0) return { kind: "rest", state, due: undefined };
  const pull = await ports.pulls.findFromBranch(repository, PINS_BRANCH);
  const settled = settle(state, pull);
  const { proposal: _, ...rest } = settled;
  const proposal = await lookForNewer(ports, repository, new Set(settled.declined));
  const before: Pins = proposal === undefined ? rest : { ...rest, proposal };
  const due = nextTurn(repository.id, ports.now(), ports.renovateMs);
  if (proposal === undefined) return { kind: "rest", state: before, due };
  // A no that came in meanwhile is kept before anything is written.
  const offered =
    proposal.moves.length === 0
      ? await withdraw(ports, repository, before, proposal, pull)
      : await offer(ports, repository, await keep(before), proposal, pull, keep);
  return { kind: "rest", state: await tell(ports, repository, offered.state, proposal, offered.isOffered), due };
}

/** What became of our pull request: merged, or closed, which is a no to what it proposed; unless we closed it ourselves. */
function settle(state: Pins, pull: PullRequest | undefined): Pins {
  if (pull === undefined || pull.isOpen) return state;
  const { pull: ours, ...closed } = state;
  // Opened though we never heard so: then it is known by our commit.
  const isOurs = ours === undefined ? pull.head.commit === state.tip : ours === pull.number;
  if (!isOurs) return state;
  if (pull.isMerged || state.retired === pull.number) return { ...closed, offered: [] };
  const declined = [...new Set([...state.declined, ...state.offered])].slice(-MAX_DECLINED);
  return { ...closed, offered: [], declined };
}

interface Offered {
  readonly state: Pins;
  /** Whether the moves are in a pull request. */
  readonly isOffered: boolean;
}

/** There is nothing to move, or no more: an open pull request of ours says so, for it offers what isn't trusted by now. */
async function withdraw(
  ports: ProposalPorts,
  repository: Repository,
  state: Pins,
  proposal: PinsProposal,
  pull: PullRequest | undefined,
): Promise<Offered> {
  if (pull?.isOpen !== true || pull.number !== state.pull) return { state, isOffered: true };
  return { state: await say(ports, repository, state, proposal, pull.number), isOffered: true };
}

async function offer(
  ports: ProposalPorts,
  repository: Repository,
  before: Pins,
  proposal: PinsProposal,
  pull: PullRequest | undefined,
  keep: Keep,
): Promise<Offered> {
  const { contents, pullRequests } = await ports.permissions.readWriting(repository);
  if (!contents || !pullRequests) return { state: before, isOffered: false };
  const isOpen = pull?.isOpen === true;
  const committed = await commit(ports, repository, before, proposal, isOpen, keep);
  if (committed === undefined) return { state: before, isOffered: false };
  return open(ports, repository, committed, proposal, keep);
}

/**
 * Brings our branch to what is proposed now. What somebody has pushed to it is theirs, and stays.
 *
 * @returns undefined where it can't be.
 */
async function commit(
  ports: ProposalPorts,
  repository: Repository,
  before: Pins,
  proposal: PinsProposal,
  isOpen: boolean,
  keep: Keep,
): Promise<Pins | undefined> {
  const tip = await ports.commits.readBranch(repository, PINS_BRANCH);
  const { isCommitting, tip: ours } = before;
  // Only what was announced may be ours without our knowing of it: else it is a person's commit that has the same files.
  const isOurs =
    tip !== undefined && (tip === ours || (isCommitting && (await hasFiles(ports, repository, tip, proposal.files))));
  if (tip !== undefined && !isOurs) return undefined;
  if (tip !== undefined && tip !== ours) return keep(after(before, proposal, tip));
  if (tip === undefined) return write(ports, repository, before, proposal, { isNew: true, on: proposal.head }, keep);
  // Open, or not opened yet.
  const isWanted = isOpen || (before.pull === undefined && before.offered.length > 0);
  if (isWanted && isSame(before, proposal)) return before;
  if (isWanted && isOnTop(before, proposal))
    return write(ports, repository, before, proposal, { isNew: false, on: tip }, keep);
  // What it was made from has changed, or its pull request is over: begun anew, since ours alone is there.
  const retiring = await keep({ ...before, ...(before.pull !== undefined && { retired: before.pull }) });
  // Whoever was quicker than we were keeps what is theirs.
  if ((await ports.commits.readBranch(repository, PINS_BRANCH)) !== tip) return undefined;
  const deleted = await refusable(async () => {
    await ports.commits.deleteBranch(repository, PINS_BRANCH);
    return { kind: "deleted" as const };
  });
  if (deleted.kind !== "deleted") return undefined;
  const { tip: _, pull: _pull, ...gone } = retiring;
  return write(ports, repository, await keep(gone), proposal, { isNew: true, on: proposal.head }, keep);
}

async function write(
  ports: ProposalPorts,
  repository: Repository,
  before: Pins,
  proposal: PinsProposal,
  at: { readonly isNew: boolean; readonly on: string },
  keep: Keep,
): Promise<Pins | undefined> {
  const announced = await keep({ ...before, isCommitting: true });
  const written = await refusable(async () => ({
    kind: "written" as const,
    commit: await ports.commits.commit(repository, {
      branch: PINS_BRANCH,
      ...at,
      message: "Move pins of base images that were built anew",
      files: proposal.files.map(asBytes),
    }),
  }));
  return written.kind === "written" ? keep(after(announced, proposal, written.commit)) : undefined;
}

function after(before: Pins, proposal: PinsProposal, tip: string): Pins {
  return {
    ...before,
    isCommitting: false,
    tip,
    committed: committedOf(proposal),
    offered: proposal.moves.map(moveKey),
  };
}

function committedOf({ files }: PinsProposal): NonNullable<Pins["committed"]> {
  return files.map(({ path, text, before }) => ({ path, before, after: digestOf(new TextEncoder().encode(text)) }));
}

/** Whether the branch has just this. */
function isSame({ committed = [] }: Pins, proposal: PinsProposal): boolean {
  return JSON.stringify(committed) === JSON.stringify(committedOf(proposal));
}

/** Whether the files that the branch changes are at the head as they were when it was made: else they would meet in a conflict. */
function isOnTop({ committed = [] }: Pins, proposal: PinsProposal): boolean {
  const placesOf = (files: readonly { readonly path: string; readonly before: string }[]) =>
    JSON.stringify(files.map(({ path, before }) => [path, before]));
  return placesOf(committed) === placesOf(proposal.files);
}

async function open(
  ports: ProposalPorts,
  repository: Repository,
  before: Pins,
  proposal: PinsProposal,
  keep: Keep,
): Promise<Offered> {
  const words = ports.words.pinsPull(proposal);
  const there = await ports.pulls.findFromBranch(repository, PINS_BRANCH);
  if (there?.isOpen === true) {
    const state = await keep({ ...before, pull: there.number });
    return { state: await say(ports, repository, state, proposal, there.number), isOffered: true };
  }
  const opened = await refusable(async () => ({
    kind: "opened" as const,
    number: await ports.pulls.open(repository, { branch: PINS_BRANCH, base: proposal.defaultBranch, ...words }),
  }));
  if (opened.kind !== "opened") return { state: before, isOffered: false };
  return { state: await keep({ ...before, pull: opened.number, said: hashOf(words) }), isOffered: true };
}

/** The words of the pull request, where they are others by now: also that there is nothing to move any more. */
async function say(
  ports: ProposalPorts,
  repository: Repository,
  state: Pins,
  proposal: PinsProposal,
  number: number,
): Promise<Pins> {
  const words = ports.words.pinsPull(proposal);
  if (state.said === hashOf(words)) return state;
  const updated = await refusable(async () => {
    await ports.pulls.update(repository, number, words);
    return { kind: "updated" as const };
  });
  return updated.kind === "updated" ? { ...state, said: hashOf(words) } : state;
}

function hashOf(value: object | string): string {
  return digestOf(new TextEncoder().encode(JSON.stringify(value))).slice("sha256:".length, "sha256:".length + 16);
}

/** Says what isn't proposed, once for what it is and for the head that it is said on. */
async function tell(
  ports: ProposalPorts,
  repository: Repository,
  state: Pins,
  proposal: PinsProposal,
  isOffered: boolean,
): Promise<Pins> {
  const isHeld = proposal.held.some(({ why }) => why !== "declined");
  if (!isHeld && (isOffered || proposal.moves.length === 0)) return state;
  const { head, moves, held } = proposal;
  const told = hashOf([head, held, isOffered ? [] : moves]);
  if (state.told === told) return state;
  await tellOnce(ports, repository, {
    name: PINS_CHECK,
    commit: head,
    externalId: `pins-${told}`,
    report: ports.words.pinsCheck(repository, proposal, isOffered),
  });
  return { ...state, told };
}
