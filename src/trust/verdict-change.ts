import { claimsOf, signerName } from "../attestation/identity.ts";
import type { Digest } from "../image/digest.ts";
import { formatPlatform } from "../image/platform.ts";
import { ImageReferenceError, imageName, parseReference } from "../image/reference.ts";
import type { Role } from "./ancestry.ts";
import { conclude, faultKey, isGrave, namedSteps } from "./enforcement.ts";
import { changeOf, type ParentsChange } from "./forecast-change.ts";
import { type Fault, isSound, type JudgedNode, type Outcome, type Verdict } from "./verdict.ts";
import { reachedFrom } from "./ways.ts";

/** An ancestor in one role, for one platform of the image. */
export interface AncestorState {
  /** `registry/repository`; the whole text of what isn't a reference. */
  readonly name: string;
  readonly tag: string | undefined;
  /** Of the index where it was taken from one. */
  readonly digest: Digest | undefined;
  readonly role: Role;
  readonly platform: string;
  /** Its own finding; undefined where it is in order. */
  readonly outcome: Outcome | undefined;
}

/** Where an image was built from, in the word of a statement that counts. */
export interface BuiltFrom {
  readonly repository: string;
  readonly commit: string | undefined;
  readonly ref: string | undefined;
}

/** What differs from one verdict to another, most often of two versions of an image. */
export interface VerdictChange {
  /** The sources of each, of the image asked about alone. */
  readonly sources: { readonly before: readonly BuiltFrom[]; readonly after: readonly BuiltFrom[] };
  /** Who built: the workflow with its ref, or the key's fingerprint. */
  readonly builders: Gained<string>;
  readonly platforms: Gained<string>;
  readonly ancestors: ParentsChange<AncestorState>;
  readonly faults: Gained<Fault> & { readonly same: readonly Fault[] };
  /** What could be looked at in one and not in the other. */
  readonly unreachable: Gained<Fault>;
  readonly standing: Standing;
}

/** What is there now and wasn't, and the other way round. */
export interface Gained<Each> {
  readonly gained: readonly Each[];
  readonly lost: readonly Each[];
}

/** How the second stands beside the first. */
export interface Standing {
  /** `unknown`: something could not be looked at, in one of them, that decides. */
  readonly kind: "no-worse" | "worse" | "unknown";
  /** For people. */
  readonly reason: string;
}

/**
 * Compares two verdicts. Which is worse is told as ratchet tells it (RULES R35): by faults that weren't there, each known again by code,
 * names and roles, never by digest; what shows tampering is worse in any case. The images themselves may be called otherwise.
 */
export function verdictChange(before: Verdict, after: Verdict): VerdictChange {
  const faults = compared(before.faults, after.faults, (fault, i) => keyOf(fault, i === 0 ? before : after));
  return {
    sources: { before: sourcesOf(before), after: sourcesOf(after) },
    builders: gained(buildersOf(before), buildersOf(after)),
    platforms: gained(platformsOf(before), platformsOf(after)),
    ancestors: changeOf(ancestorsOf(before), ancestorsOf(after)),
    faults,
    unreachable: compared(before.unreachable, after.unreachable, (fault, i) => keyOf(fault, i === 0 ? before : after)),
    standing: standingOf(before, after),
  };
}

function standingOf(before: Verdict, after: Verdict): Standing {
  const weighed = {
    outcome: after.outcome,
    faults: after.faults.map((fault) => ({
      code: fault.code,
      key: keyOf(fault, after),
      isGrave: isGrave(fault, after.nodes, fault.path.length < 2),
    })),
    isPartial: after.unreachable.length > 0,
  };
  const measure = {
    keys: before.faults.map((fault) => keyOf(fault, before)),
    isPartial: before.outcome === "undetermined" || before.unreachable.length > 0,
  };
  const { conclusion, reason } = conclude(weighed, "ratchet", measure, {
    none: "there is nothing to compare it with",
    worse: "wasn't there in the first",
    same: "nothing is wrong with the second that isn't with the first",
  });
  switch (conclusion) {
    case "success":
      return { kind: "no-worse", reason };
    case "failure":
      return { kind: "worse", reason };
    case "action_required":
      return { kind: "unknown", reason };
  }
}

/** The image itself is the first step, and has another name where two images of one lineage are compared. */
function keyOf({ code, tag, path }: Fault, { nodes }: Verdict): string {
  const [image, ...below] = namedSteps(path, nodes);
  return faultKey(code, tag, image === undefined ? [] : [{ ...image, name: "the image" }, ...below]);
}

function compared(
  before: readonly Fault[],
  after: readonly Fault[],
  keyIn: (fault: Fault, side: 0 | 1) => string,
): Gained<Fault> & { readonly same: readonly Fault[] } {
  const earlier = new Map(before.map((fault) => [keyIn(fault, 0), fault]));
  const later = new Map(after.map((fault) => [keyIn(fault, 1), fault]));
  return {
    gained: [...later].flatMap(([key, fault]) => (earlier.has(key) ? [] : [fault])),
    lost: [...earlier].flatMap(([key, fault]) => (later.has(key) ? [] : [fault])),
    same: [...later].flatMap(([key, fault]) => (earlier.has(key) ? [fault] : [])),
  };
}

function gained(before: readonly string[], after: readonly string[]): Gained<string> {
  return {
    gained: after.filter((each) => !before.includes(each)),
    lost: before.filter((each) => !after.includes(each)),
  };
}

/** The images of the platforms that count, whose ancestry the verdict is on. */
export function subjectsOf({ platforms, nodes }: Verdict): readonly JudgedNode[] {
  const counting = new Set(platforms.flatMap(({ counts, node }) => (counts ? [node] : [])));
  return nodes.filter(({ id }) => counting.has(id));
}

function sourcesOf(verdict: Verdict): readonly BuiltFrom[] {
  const all = subjectsOf(verdict).flatMap(({ accepted }) =>
    accepted.flatMap(({ found }) => {
      const { sourceRepositoryUri, sourceRepositoryDigest, sourceRepositoryRef } = claimsOf(found.verified.identity);
      return sourceRepositoryUri === undefined
        ? []
        : [{ repository: sourceRepositoryUri, commit: sourceRepositoryDigest, ref: sourceRepositoryRef }];
    }),
  );
  return [...new Map(all.map((each) => [JSON.stringify(each), each])).values()];
}

function buildersOf(verdict: Verdict): readonly string[] {
  const all = subjectsOf(verdict).flatMap(({ accepted }) =>
    accepted.map(
      ({ found: { verified } }) => claimsOf(verified.identity).buildSignerUri ?? signerName(verified.identity),
    ),
  );
  return [...new Set(all)];
}

function platformsOf(verdict: Verdict): readonly string[] {
  return [
    ...new Set(
      subjectsOf(verdict).flatMap(({ platform }) => (platform === undefined ? [] : [formatPlatform(platform)])),
    ),
  ];
}

/** Every ancestor once for each role that it has and each platform of the image that it went into. */
function ancestorsOf(verdict: Verdict): readonly AncestorState[] {
  const nodes = new Map(verdict.nodes.map((node) => [node.id, node]));
  const states = subjectsOf(verdict).flatMap((subject) =>
    reachedFrom([subject.id], nodes).flatMap(({ parents }) =>
      parents.flatMap(({ to, role }): readonly AncestorState[] => {
        const node = nodes.get(to);
        const platform = subject.platform === undefined ? "" : formatPlatform(subject.platform);
        return node === undefined ? [] : [{ ...namedState(node), role, platform, outcome: outcomeOf(node) }];
      }),
    ),
  );
  return [...new Map(states.map((state) => [JSON.stringify(state), state])).values()];
}

function namedState({ reference, index, digest }: JudgedNode): Pick<AncestorState, "name" | "tag" | "digest"> {
  try {
    const read = parseReference(reference);
    return { name: imageName(read), tag: read.tag, digest: index ?? digest ?? read.digest };
  } catch (error) {
    if (!(error instanceof ImageReferenceError)) throw error;
    return { name: reference, tag: undefined, digest: index ?? digest };
  }
}

function outcomeOf({ finding }: JudgedNode): Outcome | undefined {
  if (isSound(finding)) return undefined;
  return finding.kind === "unreachable" ? "undetermined" : "untrusted";
}
