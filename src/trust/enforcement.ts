import { imageName, parseReference } from "../image/reference.ts";
import type { Finding, RefusalCode } from "./finding.ts";
import type { Policy } from "./policy.ts";
import type { Fault, JudgedNode, Outcome, Verdict } from "./verdict.ts";

/** What a verdict means for a check: the verdict itself stays what it is (RULES R35). */
export interface Enforced {
  readonly mode: Policy["enforce"];
  readonly conclusion: "success" | "failure" | "action_required";
  /** Which part of the policy's word decided, for people. */
  readonly reason: string;
}

/**
 * Refusals that say more than that policy doesn't name the signer: somebody accepted signed something else than it is taken for, or a
 * name or a builder changed hands. Policy was written by then, so that nobody is kept from adopting by them.
 */
const GRAVE_REFUSALS: ReadonlySet<RefusalCode> = new Set([
  "revoked",
  "other-run",
  "other-commit",
  "other-ref",
  "parameters",
  "unknown-parameter",
  "run",
  "repository-id",
  "owner-id",
  "builder-moved",
]);

/**
 * How a check ends that has this verdict. `report` and `ratchet` are for adopting: they let pass that something isn't signed, isn't
 * named by policy or isn't recorded. They let nothing pass that says that somebody tampered, and could-not-look passes nowhere.
 *
 * @param before - The faults ({@link faultKeys}) with which the image passed last; undefined if it never did.
 */
export function enforce(verdict: Verdict, mode: Policy["enforce"], before: readonly string[] | undefined): Enforced {
  const faults = verdict.faults.map((fault) => ({
    code: fault.code,
    key: keyOf(fault, verdict.nodes),
    isGrave: isGrave(fault, verdict.nodes, fault.path.length < 2),
  }));
  const weighed = { outcome: verdict.outcome, faults, isPartial: verdict.unreachable.length > 0 };
  return conclude(weighed, mode, before && { keys: before, isPartial: false }, {
    none: "no earlier image of this name passed, so that every fault fails",
    worse: "wasn't there when the image passed last",
    same: "no fault is worse than when the image passed last",
  });
}

/** What of a judgement decides how a check ends. */
export interface Weighed {
  readonly outcome: Outcome;
  readonly faults: readonly WeighedFault[];
  /** Whether there was something that nobody could look at. */
  readonly isPartial: boolean;
}

/** A fault as it is told apart from one judgement to the next. */
export interface WeighedFault {
  /** Without lines, tags and digests: what is the same fault in two versions of something has the same key (RULES R35). */
  readonly key: string;
  readonly code: string;
  /** Whether it fails whatever is enforced: it says that somebody tampered, not that something isn't signed yet. */
  readonly isGrave: boolean;
}

/** With which faults a check may pass, and whether there may be more of them that nobody could see. */
interface Measure {
  readonly keys: readonly string[];
  readonly isPartial: boolean;
}

/** What ratchet says in its place: where there is no measure, of what is worse (behind its codes), and where nothing is. */
interface RatchetWords {
  readonly none: string;
  readonly worse: string;
  readonly same: string;
}

/**
 * How a check ends, of whatever was judged.
 *
 * @param before - The measure of ratchet; undefined where there is none, so that every fault fails.
 */
export function conclude(
  { outcome, faults, isPartial }: Weighed,
  mode: Policy["enforce"],
  before: Measure | undefined,
  words: RatchetWords,
): Enforced {
  const failure = (reason: string): Enforced => ({ mode, conclusion: "failure", reason });
  const couldNotLook = (reason: string): Enforced => ({ mode, conclusion: "action_required", reason });
  if (outcome === "trusted") return { mode, conclusion: "success", reason: "there is no fault" };
  if (outcome === "undetermined") return couldNotLook(COULD_NOT_LOOK);
  if (mode === "strict") return failure("every fault fails");
  // Untrusted because there is nothing to judge (RULES R18).
  if (faults.length === 0) return failure("nothing was judged");
  const grave = faults.filter((fault) => fault.isGrave);
  if (grave.length > 0) return failure(`${codes(grave)} fails whatever is enforced`);
  if (mode === "ratchet") {
    if (before === undefined) return failure(words.none);
    const known = new Set(before.keys);
    const worse = faults.filter(({ key }) => !known.has(key));
    // What was there may be among what nobody could look at: then it can't be told whether it is worse, and that never passes.
    if (worse.length > 0 && before.isPartial) return couldNotLook(BEFORE_UNKNOWN);
    if (worse.length > 0) return failure(`${codes(worse)} ${words.worse}`);
  }
  // What tampering looks like may lie where nobody could look.
  if (isPartial) return couldNotLook(COULD_NOT_LOOK);
  return { mode, conclusion: "success", reason: mode === "report" ? "faults are reported only" : words.same };
}

const COULD_NOT_LOOK = "not everything could be looked at";
const BEFORE_UNKNOWN =
  "not everything that was there before could be looked at, so that it can't be told what is worse";

/** The faults of a verdict as they are told apart from one build to the next: by code, and by images and roles on the way, without tags and digests. */
export function faultKeys({ faults, nodes }: Verdict): readonly string[] {
  return [...new Set(faults.map((fault) => keyOf(fault, nodes)))].sort();
}

function keyOf({ code, path, tag }: Fault, nodes: readonly JudgedNode[]): string {
  return faultKey(code, tag, namedSteps(path, nodes));
}

/** The way to a fault as it is told apart: by names and roles. */
export function namedSteps(path: Fault["path"], nodes: readonly JudgedNode[]): readonly NamedStep[] {
  return path.map(({ node, role }) => ({
    role,
    name: nameOf(nodes.find(({ id }) => id === node)?.reference ?? node),
  }));
}

/** A step of the way to a fault; the name is without tag and digest. */
export interface NamedStep {
  readonly role: string | undefined;
  readonly name: string;
}

/** By what a fault is known again. */
export function faultKey(code: string, tag: string | undefined, steps: readonly NamedStep[]): string {
  return JSON.stringify([
    code,
    ...(tag === undefined ? [] : [tag]),
    ...steps.flatMap(({ role = "", name }) => [role, name]),
  ]);
}

/** What can't be read as a reference stays whole: then another one is another fault. */
function nameOf(reference: string): string {
  try {
    return imageName(parseReference(reference));
  } catch {
    return reference;
  }
}

/**
 * Whether a fault fails whatever is enforced.
 *
 * @param isSubject - Whether it is that of what was asked about, and not of something below it.
 */
export function isGrave({ code, node: id }: Fault, nodes: readonly JudgedNode[], isSubject: boolean): boolean {
  const node = nodes.find((each) => each.id === id);
  // What isn't a node's own finding says that an index was mixed, a tag moved, or no platform counts.
  if (node === undefined || !codesOf(node.finding).includes(code)) return true;
  return isGraveFinding(node, isSubject);
}

/** A new kind of finding has to be put somewhere here: nothing is let pass by being forgotten. */
export function isGraveFinding(
  { finding, isOwn }: Pick<JudgedNode, "finding"> & Partial<JudgedNode>,
  isSubject: boolean,
): boolean {
  switch (finding.kind) {
    // Nothing shows to the end how it was made: what most of the world's images are.
    case "opaque":
      return false;
    // The run that was started for an own build signs what it makes: what lies there without that is somebody else's.
    case "unattested":
      return isOwn === true;
    // All of them are looked at, not the one that is told: a stranger's statement beside it could hide the one that says so.
    case "refused":
      return isOwn === true || finding.refusals.some(({ code }) => GRAVE_REFUSALS.has(code));
    // The image itself isn't there: nothing was judged (RULES R18). What lies below it may be gone.
    case "unresolved":
      return isSubject;
    // Explained rewriting shows no base, and contradicts none.
    case "layers-mismatch":
      return finding.code !== "flattened";
    // Bytes or words that contradict each other, provenance that hides something, what is believed no more, and where nobody looked on.
    case "malformed":
    case "mismatch":
    case "undeclared-base":
    case "revoked":
    case "cycle":
    case "limit":
    case "unreachable":
      return true;
    // Sound, so that the fault is another one than the finding.
    case "attested":
    case "scratch":
    case "root":
    case "summarised":
    case "pinned":
    case "allowed":
      return true;
  }
}

/** The codes by which a fault tells a finding. */
function codesOf(finding: Finding): readonly string[] {
  if (finding.kind === "refused") return [finding.kind, ...finding.refusals.map(({ code }) => code)];
  return ["code" in finding ? finding.code : finding.kind];
}

function codes(faults: readonly Pick<Fault, "code">[]): string {
  return [...new Set(faults.map(({ code }) => code))].join(", ");
}
