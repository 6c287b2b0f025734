import { claimsOf } from "../attestation/identity.ts";
import { algorithmOf, digestOf } from "../image/digest.ts";
import { formatPlatform } from "../image/platform.ts";
import type { AcceptedProvenance, AcceptedStatement } from "./accepted.ts";
import type { Ancestry, AncestryNode } from "./ancestry.ts";
import { isAbout } from "./evidence.ts";
import type { Finding } from "./finding.ts";
import { mendOf } from "./mend.ts";
import type { Policy } from "./policy.ts";
import { parseRunUri } from "./repository-uri.ts";
import type { EnclosingIndex, ImageNode } from "./resolve.ts";
import type { Fault, JudgedNode } from "./verdict.ts";

/** One platform's image of the index that was asked about, as it was judged. */
interface IndexedNode {
  readonly node: ImageNode;
  readonly finding: Finding;
  readonly accepted: readonly AcceptedStatement[];
  readonly provenances: readonly AcceptedProvenance[];
}

/**
 * Whether somebody put an index together of images that don't belong together (RULES R25). Whoever may push can: each image keeps its
 * own signatures, and the old one of a platform that nobody looks at is then as good as the new.
 *
 * @param nodes - Those that count. What isn't in order by itself, or couldn't be looked at, says nothing here.
 * @returns the reason, or undefined if it holds.
 */
function mixedIndex(policy: Policy, nodes: readonly IndexedNode[]): string | undefined {
  const sound = nodes.filter(({ finding: { kind } }) => ["attested", "root", "summarised"].includes(kind));
  const indexed = sound.filter(({ node }) => node.indexes.length > 0);
  const manifests = new Set(indexed.map(({ node }) => node.image.digest));
  // All come out of one index. Where one of them shows that it is signed, another may show only its own root.
  if (manifests.size < 2 || indexed.some((each) => isIndexSigned(policy, each))) return undefined;
  const builds = indexed.map((each) => ({ each, keys: buildsOf(each) }));
  const untied = builds.find(({ keys }) => keys.size === 0)?.each;
  if (untied !== undefined) {
    const what =
      untied.finding.kind === "attested"
        ? "signed without repository, commit, ref and run"
        : "known by a root or a summary alone";
    return `the index isn't signed, and nothing shows that its images belong together: that for ${formatPlatform(untied.node.platform)} is ${what}`;
  }
  const [first, ...others] = builds;
  const shared = others.reduce((keys, other) => keys.intersection(other.keys), first?.keys ?? new Set<string>());
  if (shared.size > 0) return undefined;
  const told = builds.map(
    ({ each: { node }, keys }) => `${formatPlatform(node.platform)} from ${[...keys].join(" and ")}`,
  );
  return `the index isn't signed, and its images weren't made by one run: ${told.join(", ")}`;
}

/** Whether an accepted statement, or a root of the policy, is about the index as a whole: the outermost, and so about all below it. */
function isIndexSigned(policy: Policy, { node, finding, accepted }: IndexedNode): boolean {
  const [outer] = node.indexes;
  if (outer === undefined) return true;
  if (finding.kind === "root")
    return finding.feed === undefined
      ? isRoot(policy, finding.policyPath, outer)
      : digestOf(outer.bytes, algorithmOf(finding.feed.digest)) === finding.feed.digest;
  return accepted.some(({ found }) => isAbout(found.verified.statement, outer.bytes));
}

function isRoot({ roots }: Policy, path: string, { bytes }: EnclosingIndex): boolean {
  const digest = roots.find((root) => root.path === path)?.image.digest;
  return digest !== undefined && digestOf(bytes, algorithmOf(digest)) === digest;
}

/**
 * The builds that made an image: repository id, commit, ref and run, as certificates have them. Only those of provenance: who signs
 * images of many builds in one run has not made them in one.
 */
function buildsOf({ provenances }: IndexedNode): ReadonlySet<string> {
  return new Set(
    provenances.flatMap(({ by, record }) => {
      if (record === undefined) return [];
      const run = runOf(by);
      const {
        sourceRepositoryIdentifier: id,
        sourceRepositoryDigest: commit,
        sourceRepositoryRef: ref,
      } = claimsOf(by.identity);
      if (id === undefined || commit === undefined || ref === undefined || run === undefined) return [];
      const issuer = by.identity.kind === "certificate" ? by.identity.issuer : "";
      return [`${run} of repository ${id}, commit ${commit}, ref ${ref}, by ${issuer}`];
    }),
  );
}

/** GitHub's without the attempt: what failed in a run is tried again alone, and the rest stands. Of others the text as a whole. */
function runOf({ identity, acceptance: { builder } }: AcceptedStatement): string | undefined {
  const { runInvocationUri: uri } = claimsOf(identity);
  if (uri === undefined || builder.kind !== "github") return uri;
  const run = parseRunUri(uri, builder.server);
  return run && `run ${run.run} (${run.repository})`;
}

/** An index that nobody signed can hold anything beside the image that was asked about. */
export function scopeWarning(ancestry: Ancestry, policy: Policy, node: AncestryNode): readonly string[] {
  const [indexed] = indexedNode(node.finding, node);
  if (ancestry.onlyPlatform === undefined || !ancestry.subjects.includes(node.id) || indexed === undefined) return [];
  if (indexed.node.indexes.length === 0 || isIndexSigned(policy, indexed)) return [];
  return [
    `${formatPlatform(ancestry.onlyPlatform)} alone was asked about, and the index isn't signed: this says nothing of its other images`,
  ];
}

function indexedNode(finding: Finding, { node, examination }: AncestryNode): readonly IndexedNode[] {
  if (node === undefined || examination === undefined) return [];
  const { accepted, provenances } = examination;
  return [{ node, finding, accepted, provenances }];
}

/** What is wrong with an index as a whole: its platforms, each asked about alone, stay what they are. */
export interface WholeIndex {
  readonly faults: readonly Fault[];
  /** Whether it is signed couldn't be looked at, and without that it would be a fault. */
  readonly unreachable: readonly Fault[];
}

/** Holds the images of an index together (RULES R25). */
export function judgeIndex(
  ancestry: Ancestry,
  policy: Policy,
  nodes: ReadonlyMap<string, JudgedNode>,
  subjects: readonly string[],
): WholeIndex {
  const examined = subjects.flatMap((id) => {
    const [node, judgedAs] = [ancestry.nodes.get(id), nodes.get(id)];
    return node === undefined || judgedAs === undefined ? [] : [{ node, judgedAs }];
  });
  const reason = mixedIndex(
    policy,
    examined.flatMap(({ node, judgedAs }) => indexedNode(judgedAs.finding, node)),
  );
  const [first] = examined;
  if (first === undefined || reason === undefined) return { faults: [], unreachable: [] };
  const { id } = first.judgedAs;
  const at = { node: id, path: [{ node: id, role: undefined }] };
  const [failure] = examined.flatMap(({ node }) => node.examination?.failures ?? []);
  if (failure !== undefined) {
    const { code } = failure;
    const finding = {
      kind: "unreachable",
      code,
      reason: `whether the index is signed can't be told: ${failure.message}`,
    } as const;
    const mend = mendOf(policy, { ...first.judgedAs, finding }, undefined);
    return { faults: [], unreachable: [{ ...at, code, reason: finding.reason, mend }] };
  }
  const mend =
    "sign the index, or make all its images in one run; each platform alone can be asked about (--platform), or chosen by trust.platforms of the policy";
  return { faults: [{ ...at, code: "mixed-index", reason, mend }], unreachable: [] };
}
