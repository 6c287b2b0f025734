import { z } from "zod";
import type { PackagesChange } from "../trust/packages-change.ts";
import type { Fault, Verdict } from "../trust/verdict.ts";
import type { AncestorState, BuiltFrom, VerdictChange } from "../trust/verdict-change.ts";
import { type VerdictDocument, verdictDocument } from "./json.ts";
import { packagesChangeDocument, packagesChangeSchema } from "./packages-change-json.ts";

const outcome = z.enum(["trusted", "untrusted", "undetermined"]);
const openness = z.enum(["closed", "recorded", "open"]);
const names = z.strictObject({ gained: z.array(z.string()), lost: z.array(z.string()) });

const side = z.strictObject({
  reference: z.string(),
  verdict: outcome,
  level: z.int().min(0).max(3),
  inputs: openness,
  asOf: z.iso.datetime(),
  policy: z.strictObject({ name: z.string(), digest: z.string() }),
});

const source = z.strictObject({
  repository: z.string(),
  commit: z.string().nullable(),
  ref: z.string().nullable(),
});

const ancestor = z.strictObject({
  name: z.string(),
  tag: z.string().nullable(),
  digest: z.string().nullable(),
  role: z.enum(["base", "input", "frontend", "tool"]),
  platform: z.string(),
  outcome: outcome.nullable().meta({ description: "of the image by itself; null where it is in order" }),
});

const fault = z.strictObject({
  code: z.string(),
  reason: z.string(),
  mend: z.string(),
  path: z.array(z.string()).meta({ description: "references from the image to where it is" }),
});

/** The form of `diff --output json`. Fields may be added within a version; none changes its meaning. */
export const verdictChangeSchema = z
  .strictObject({
    version: z.literal(1),
    standing: z.enum(["no-worse", "worse", "unknown"]).meta({ description: "how the second stands beside the first" }),
    reason: z.string(),
    before: side,
    after: side,
    sources: z.strictObject({
      before: z.array(source),
      after: z.array(source),
      compare: z.string().nullable().meta({ description: "where the change of the source can be read" }),
    }),
    builders: names,
    platforms: names,
    ancestors: z.strictObject({
      gained: z.array(ancestor),
      lost: z.array(ancestor),
      moved: z.array(z.strictObject({ from: ancestor, to: ancestor })),
    }),
    faults: z.strictObject({ gained: z.array(fault), lost: z.array(fault), same: z.array(fault) }),
    unreachable: z.strictObject({ gained: z.array(fault), lost: z.array(fault) }),
    packages: z.array(packagesChangeSchema).meta({ description: "beside the verdicts: `standing` doesn't rest on it" }),
  })
  .meta({ title: "What differs between two images", description: "What `trusted-builds diff --output json` prints." });

/** In the form of {@link verdictChangeSchema}. */
export type VerdictChangeDocument = z.output<typeof verdictChangeSchema>;

/** Writes down what differs between two verdicts, and beside it between the packages. */
export function verdictChangeDocument(
  before: Verdict,
  after: Verdict,
  change: VerdictChange,
  packages: readonly PackagesChange[],
): VerdictChangeDocument {
  const [earlier, later] = [verdictDocument(before), verdictDocument(after)];
  const faultIn = (document: VerdictDocument) => (each: Fault) => faultDocument(document, each);
  const { sources, ancestors, faults, unreachable, standing } = change;
  return {
    version: 1,
    standing: standing.kind,
    reason: standing.reason,
    before: sideDocument(earlier),
    after: sideDocument(later),
    sources: {
      before: sources.before.map(sourceDocument),
      after: sources.after.map(sourceDocument),
      compare: compareUrl(sources.before, sources.after) ?? null,
    },
    builders: { gained: [...change.builders.gained], lost: [...change.builders.lost] },
    platforms: { gained: [...change.platforms.gained], lost: [...change.platforms.lost] },
    ancestors: {
      gained: ancestors.gained.map(ancestorDocument),
      lost: ancestors.lost.map(ancestorDocument),
      moved: ancestors.moved.map(({ from, to }) => ({ from: ancestorDocument(from), to: ancestorDocument(to) })),
    },
    faults: {
      gained: faults.gained.map(faultIn(later)),
      lost: faults.lost.map(faultIn(earlier)),
      same: faults.same.map(faultIn(later)),
    },
    unreachable: { gained: unreachable.gained.map(faultIn(later)), lost: unreachable.lost.map(faultIn(earlier)) },
    packages: packages.map(packagesChangeDocument),
  };
}

function sideDocument({
  image,
  verdict,
  level,
  inputs,
  asOf,
  policy,
}: VerdictDocument): VerdictChangeDocument["before"] {
  return { reference: image.reference, verdict, level, inputs, asOf, policy };
}

function sourceDocument({ repository, commit, ref }: BuiltFrom): VerdictChangeDocument["sources"]["before"][number] {
  return { repository, commit: commit ?? null, ref: ref ?? null };
}

function ancestorDocument(state: AncestorState): VerdictChangeDocument["ancestors"]["gained"][number] {
  return { ...state, tag: state.tag ?? null, digest: state.digest ?? null, outcome: state.outcome ?? null };
}

function faultDocument({ nodes }: VerdictDocument, { code, reason, mend, path }: Fault) {
  const named = path.map(({ node }) => nodes.find(({ id }) => id === node)?.reference ?? node);
  return { code, reason, mend, path: named };
}

/** GitHub's page of what lies between two commits of one repository, where each side has one. */
function compareUrl([from, ...others]: readonly BuiltFrom[], [to, ...more]: readonly BuiltFrom[]): string | undefined {
  if (from?.commit === undefined || to?.commit === undefined || others.length + more.length > 0) return undefined;
  if (from.repository !== to.repository || from.commit === to.commit) return undefined;
  const isGitHub = /^https:\/\/github\.com\/[A-Za-z0-9_.-]+\/[A-Za-z0-9_.-]+$/.test(to.repository);
  const areCommits = [from.commit, to.commit].every((commit) => /^[0-9a-f]{40,64}$/.test(commit));
  return isGitHub && areCommits ? `${to.repository}/compare/${from.commit}...${to.commit}` : undefined;
}
