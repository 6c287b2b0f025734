import type { Lines } from "../image/dockerfile/reading.ts";
import { imageName, type PinnedImage } from "../image/reference.ts";
import type { WalkPorts } from "./ancestry.ts";
import { notPinned } from "./claimed-parents.ts";
import { disagreements } from "./forecast-disagreements.ts";
import { boundedFaults, parentFault, walkedFaults } from "./forecast-faults.ts";
import { inputFaults } from "./forecast-inputs.ts";
import { type Newer, newerOf } from "./forecast-newer.ts";
import { type NamedParent, type PlatformReading, parentsNamed } from "./forecast-parents.ts";
import { type Located, locate, type TagResolver } from "./forecast-tags.ts";
import { beyondFaults, strangerFaults, unresolvedFaults } from "./forecast-unresolved.ts";
import { type LocatedParent, verdictsOnParents } from "./forecast-verdicts.ts";
import type { Policy } from "./policy.ts";
import type { Fault, Outcome, Verdict } from "./verdict.ts";

/**
 * What an image would be by one policy if it were built from a Dockerfile now: the verdict on everything that would go into it. Its own
 * attestation is taken for granted, for the build would make it; so `trusted` is a forecast, and never a {@link Verdict} on an image.
 */
export interface Forecast {
  readonly outcome: Outcome;
  readonly policy: Verdict["policy"];
  readonly asOf: Date;
  /** The images that would go in, each once for each platform, role and policy's rule for it; in the order of the file. */
  readonly parents: readonly ForecastParent[];
  /** Why it would not be trusted; those of parents with the lines that use them. */
  readonly faults: readonly ForecastFault[];
  /** What we could not look at. */
  readonly unreachable: readonly ForecastFault[];
  /** The lowest SLSA build level of the parents; undefined where there is none. */
  readonly level: number | undefined;
  /** The first moment at which something that it rests on has lapsed. */
  readonly validUntil: Date | undefined;
}

/** An image that would go in. */
export interface ForecastParent extends NamedParent {
  /** What the name leads to now: the index, where there is one. Undefined where it could not be resolved. */
  readonly image: PinnedImage | undefined;
  /** Undefined where policy's rule for the role asks for none, or where it could not be resolved. */
  readonly verdict: Verdict | undefined;
  /** Of a pinned one that has a tag beside its digest: where the tag leads now, if elsewhere, and what that is. Absent where it wasn't asked, or couldn't be. */
  readonly newer?: Newer;
}

/** Something that would keep the image from being trusted, and where the file says so. */
export interface ForecastFault extends Pick<Fault, "code" | "reason" | "mend"> {
  /** What it is known again by in another version of the file: without lines, tags and digests (RULES R35). */
  readonly key: string;
  /** Whether it fails whatever is enforced: it says that somebody tampered, not that something isn't signed yet. */
  readonly isGrave: boolean;
  /** The lines that bring it about; empty where none of them does. */
  readonly lines: readonly Lines[];
  /** Index into {@link Forecast.parents}. */
  readonly parent?: number;
  /** From the parent to the ancestor whose fault it is; empty where it is the parent's own. */
  readonly path: Fault["path"];
}

/** What a forecast needs of the world. */
export interface ForecastPorts extends WalkPorts, TagResolver {}

/** What is asked of a forecast beside its outcome. */
export interface ForecastOptions {
  /** Whether to look where the tags beside pinned digests lead now. */
  readonly newer?: boolean;
}

/** A parent that a pinned child can't raise above this (RULES R19). */
const LEVEL_PINNED = 1;

/**
 * Judges what an image would be if it were built now (RULES R19, R20): each parent as the walk of the built image would judge it, all of
 * them in one walk, whatever the number of platforms. A tag is asked for once, and stands for what was found then.
 *
 * @param readings - One for each platform that is built; nothing is left out of any of them. Without one there is nothing to judge, and
 * that is untrusted (RULES R18).
 * @param asOf - When: roots expire.
 * @throws Nothing for what it couldn't look at: that is among `unreachable`. How long it may take is the ports' affair.
 */
export async function forecast(
  ports: ForecastPorts,
  policy: Policy,
  readings: readonly PlatformReading[],
  asOf: Date,
  options: ForecastOptions = {},
): Promise<Forecast> {
  const { parents: named, beyond } = parentsNamed(policy, readings);
  const placeOf = await locate(ports, policy, named);
  const places = named.map(({ reference }) => placeOf(reference));
  const located = named.flatMap((parent, i): readonly LocatedParent[] => {
    const image = imageAt(places[i]);
    return image === undefined ? [] : [{ parent, image }];
  });
  const verdicts = await verdictsOnParents(ports, policy, located, readings.length, asOf);
  const verdictOf = new Map(located.map(({ parent }, i) => [parent, verdicts[i]]));
  const newer = options.newer === true ? await newerOf(ports, policy, named, asOf) : new Map<number, Newer>();

  const told = named.map((parent, i): Told => {
    const [place, verdict] = [places[i], verdictOf.get(parent)];
    return verdict === undefined ? toldOfPlace(policy, parent, i, place) : toldOfWalk(parent, i, verdict);
  });
  const faults = [
    ...told.flatMap((each) => each.faults),
    ...disagreements(policy, readings, placeOf),
    ...unresolvedFaults(readings),
    ...strangerFaults(named),
    ...beyondFaults(beyond),
    ...inputFaults(policy, readings),
  ];
  const unreachable = told.flatMap((each) => each.unreachable);
  return {
    outcome: worst([
      ...told.map(({ outcome }) => outcome),
      ...faults.map(() => "untrusted" as const),
      ...unreachable.map(() => "undetermined" as const),
    ]),
    policy: { name: policy.name, digest: policy.digest },
    asOf,
    parents: named.map((parent, i): ForecastParent => {
      const moved = newer.get(i);
      return {
        ...parent,
        image: imageAt(places[i]),
        verdict: parent.rule === "attested" ? verdictOf.get(parent) : undefined,
        ...(moved && { newer: moved }),
      };
    }),
    faults: boundedFaults(faults),
    unreachable: boundedFaults(unreachable),
    level: lowest(named.map((parent) => levelOf(parent, verdictOf.get(parent)))),
    validUntil: earliest(verdicts),
  };
}

/** What is said of one parent. */
interface Told {
  readonly outcome: Outcome;
  readonly faults: readonly ForecastFault[];
  readonly unreachable: readonly ForecastFault[];
}

function toldOfWalk(parent: NamedParent, index: number, verdict: Verdict): Told {
  return {
    outcome: verdict.outcome,
    faults: walkedFaults(parent, index, verdict, verdict.faults),
    unreachable: walkedFaults(parent, index, verdict, verdict.unreachable),
  };
}

/** Of a parent that leads to no image. */
function toldOfPlace(policy: Policy, parent: NamedParent, index: number, place: Located | undefined): Told {
  const finding = place !== undefined && "kind" in place && "reason" in place ? place : undefined;
  // That it isn't pinned is seen without looking, and nothing found makes it better.
  const isLoose = parent.rule === "pinned" && !parent.isPinned;
  // Policy doesn't look into it, and nobody asked.
  const isAllowed = place === undefined && parent.rule === "allow";
  if (finding === undefined && !isLoose && !isAllowed)
    throw new Error(`nobody said where ${imageName(parent.reference)} leads`);
  const isUnreachable = finding?.kind === "unreachable";
  const found = [
    ...(isLoose ? [notPinned(parent.role)] : []),
    ...(finding === undefined || isUnreachable || isLoose ? [] : [finding]),
  ];
  return {
    outcome: found.length > 0 ? "untrusted" : isUnreachable ? "undetermined" : "trusted",
    faults: found.map((each) => parentFault(policy, parent, index, each)),
    unreachable: isUnreachable ? [parentFault(policy, parent, index, finding)] : [],
  };
}

function imageAt(place: Located | undefined): PinnedImage | undefined {
  return place === undefined || "kind" in place ? undefined : place;
}

/** Nothing named is nothing against it: that something must be, {@link unresolvedFaults} sees to. */
function worst(outcomes: readonly Outcome[]): Outcome {
  if (outcomes.includes("untrusted")) return "untrusted";
  return outcomes.includes("undetermined") ? "undetermined" : "trusted";
}

function levelOf({ rule }: NamedParent, verdict: Verdict | undefined): number | undefined {
  switch (rule) {
    case "attested":
      return verdict?.level ?? 0;
    case "pinned":
      return LEVEL_PINNED;
    case "allow":
      return undefined;
  }
}

function lowest(levels: readonly (number | undefined)[]): number | undefined {
  const known = levels.flatMap((level) => level ?? []);
  return known.length === 0 ? undefined : Math.min(...known);
}

function earliest(verdicts: readonly Verdict[]): Date | undefined {
  const ends = verdicts.flatMap(({ validUntil }) => validUntil?.getTime() ?? []);
  return ends.length === 0 ? undefined : new Date(Math.min(...ends));
}
