import type { Lines } from "../image/dockerfile/reading.ts";
import { formatReference, type ImageReference, imageName } from "../image/reference.ts";
import { faultKey, isGrave, isGraveFinding, type NamedStep, namedSteps } from "./enforcement.ts";
import type { Finding } from "./finding.ts";
import type { ForecastFault } from "./forecast.ts";
import type { NamedParent } from "./forecast-parents.ts";
import { mendOf } from "./mend.ts";
import type { Policy } from "./policy.ts";
import type { Fault, Verdict } from "./verdict.ts";

/** How many faults one forecast tells; honest files have a few. */
const MAX_FAULTS = 1000;

/** What is wrong with something that nobody walked, and how it is told apart. */
interface FoundFault {
  readonly finding: Finding & { readonly reason: string };
  /** By what it is known again, beside its code. */
  readonly steps: readonly NamedStep[];
  readonly lines: readonly Lines[];
  readonly parent?: number;
  /** As people know it. */
  readonly called: string;
}

/** A fault that is no walked image's: of a name that leads nowhere, or of what isn't an image. */
export function foundFault(policy: Policy, { finding, steps, lines, parent, called }: FoundFault): ForecastFault {
  const code = "code" in finding ? finding.code : finding.kind;
  // A parent can be named a root; what else goes in is the image's own.
  const isOwn = parent === undefined ? ({ isOwn: true } as const) : {};
  return {
    code,
    key: faultKey(code, undefined, steps),
    isGrave: isGraveFinding({ finding }, false),
    reason: finding.reason,
    mend: mendOf(policy, { finding, reference: called, digest: undefined, index: undefined, ...isOwn }, undefined),
    lines: distinctLines(lines),
    ...(parent !== undefined && { parent }),
    path: [],
  };
}

/** The same of a parent that can't be walked. */
export function parentFault(
  policy: Policy,
  { reference, role, uses }: NamedParent,
  parent: number,
  finding: FoundFault["finding"],
): ForecastFault {
  const steps = [stepOf(role, reference)];
  return foundFault(policy, { finding, steps, lines: uses, parent, called: formatReference(reference) });
}

/** The faults of a parent's verdict, or what could not be looked at, each with the lines that bring the parent in. */
export function walkedFaults(
  { reference, role, uses }: NamedParent,
  parent: number,
  { nodes }: Verdict,
  faults: readonly Fault[],
): readonly ForecastFault[] {
  const lines = distinctLines(uses);
  return faults.map((fault) => {
    const { code, reason, mend, path } = fault;
    return {
      code,
      key: faultKey(code, undefined, [stepOf(role, reference), ...namedSteps(path.slice(1), nodes)]),
      // Of the image that would be built it is never the own fault.
      isGrave: isGrave(fault, nodes, false),
      reason,
      mend,
      lines,
      parent,
      path: path.length > 1 ? path : [],
    };
  });
}

/** As many as are told. What is left out could be anything, and counts as the worst. */
export function boundedFaults(faults: readonly ForecastFault[]): readonly ForecastFault[] {
  if (faults.length <= MAX_FAULTS) return faults;
  const left = faults.length - MAX_FAULTS + 1;
  return [
    ...faults.slice(0, MAX_FAULTS - 1),
    {
      code: "limit",
      key: faultKey("limit", undefined, []),
      isGrave: true,
      reason: `${left} more faults than one forecast tells`,
      mend: "mend the others first",
      lines: [],
      path: [],
    },
  ];
}

/** Each line once, in their order. */
export function distinctLines(lines: readonly Lines[]): readonly Lines[] {
  const each = new Map(lines.map(({ line, endLine }) => [line, { line, endLine }]));
  return [...each.values()].sort((a, b) => a.line - b.line);
}

function stepOf(role: string, reference: ImageReference): NamedStep {
  return { role, name: imageName(reference) };
}
