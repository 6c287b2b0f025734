import { imageName, parseReference } from "../image/reference.ts";
import type { Finding, RefusalCode } from "./finding.ts";
import type { Policy } from "./policy.ts";
import type { Fault, JudgedNode, Verdict } from "./verdict.ts";

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
  const failure = (reason: string): Enforced => ({ mode, conclusion: "failure", reason });
  if (verdict.outcome === "trusted") return { mode, conclusion: "success", reason: "there is no fault" };
  if (verdict.outcome === "undetermined") return { mode, conclusion: "action_required", reason: COULD_NOT_LOOK };
  if (mode === "strict") return failure("every fault fails");
  // Untrusted because there is nothing to judge (RULES R18).
  if (verdict.faults.length === 0) return failure("nothing was judged");
  const grave = verdict.faults.filter((fault) => isGrave(fault, verdict.nodes));
  if (grave.length > 0) return failure(`${codes(grave)} fails whatever is enforced`);
  if (mode === "ratchet") {
    if (before === undefined) return failure("no earlier image of this name passed, so that every fault fails");
    const worse = worseThan(before, verdict);
    if (worse.length > 0) return failure(`${codes(worse)} wasn't there when the image passed last`);
  }
  // What tampering looks like may lie where nobody could look.
  if (verdict.unreachable.length > 0) return { mode, conclusion: "action_required", reason: COULD_NOT_LOOK };
  const reason = mode === "report" ? "faults are reported only" : "no fault is worse than when the image passed last";
  return { mode, conclusion: "success", reason };
}

const COULD_NOT_LOOK = "not everything could be looked at";

/** The faults of a verdict as they are told apart from one build to the next: by code, and by images and roles on the way, without tags and digests. */
export function faultKeys({ faults, nodes }: Verdict): readonly string[] {
  return [...new Set(faults.map((fault) => keyOf(fault, nodes)))].sort();
}

/** The faults that weren't there before. */
export function worseThan(before: readonly string[], { faults, nodes }: Verdict): readonly Fault[] {
  const known = new Set(before);
  return faults.filter((fault) => !known.has(keyOf(fault, nodes)));
}

function keyOf({ code, path, tag }: Fault, nodes: readonly JudgedNode[]): string {
  const steps = path.map(({ node, role }) => [
    role ?? "",
    nameOf(nodes.find(({ id }) => id === node)?.reference ?? node),
  ]);
  return JSON.stringify([code, ...(tag === undefined ? [] : [tag]), ...steps.flat()]);
}

/** What can't be read as a reference stays whole: then another one is another fault. */
function nameOf(reference: string): string {
  try {
    return imageName(parseReference(reference));
  } catch {
    return reference;
  }
}

function isGrave({ code, node: id, path }: Fault, nodes: readonly JudgedNode[]): boolean {
  const node = nodes.find((each) => each.id === id);
  // What isn't a node's own finding says that an index was mixed, a tag moved, or no platform counts.
  if (node === undefined || !codesOf(node.finding).includes(code)) return true;
  return isGraveFinding(node, path.length < 2);
}

/** A new kind of finding has to be put somewhere here: nothing is let pass by being forgotten. */
function isGraveFinding({ finding, isOwn }: JudgedNode, isSubject: boolean): boolean {
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

function codes(faults: readonly Fault[]): string {
  return [...new Set(faults.map(({ code }) => code))].join(", ");
}
