import { formatDockerPurl } from "../attestation/purl.ts";
import type { Subject } from "../attestation/statement.ts";
import {
  buildLevelText,
  type ResourceDescriptor,
  UNEVALUATED,
  type VerificationSummary,
  writeVsa,
} from "../attestation/vsa.ts";
import { algorithmOf, type Digest, hexOf } from "../image/digest.ts";
import type { Platform } from "../image/platform.ts";
import { type PinnedImage, parseReference } from "../image/reference.ts";
import { type Fault, isSound, type JudgedNode, type PlatformVerdict, type Verdict } from "./verdict.ts";

/** Who says it, and by what. */
export interface SummaryAuthor {
  /** `verifier.id`: an address that contains the scope of the policy, so that no tenant's answer passes for another's (RULES R1, R28). */
  readonly verifier: string;
  readonly version: Readonly<Record<string, string>>;
  /** Where the policy is; its digest is the verdict's. */
  readonly policyUri: string;
}

/** What a verdict says of one platform's image, as a statement that is still to be signed. */
export interface Summary {
  readonly image: PinnedImage;
  readonly platform: Platform | undefined;
  readonly result: VerificationSummary["verificationResult"];
  readonly statement: Uint8Array;
}

/**
 * A verdict as SLSA verification summaries, one for each platform that counts (RULES R28). An undetermined verdict has none: PASSED and
 * FAILED are all that there is, and not having looked is neither.
 */
export function summariesOf(verdict: Verdict, author: SummaryAuthor): readonly Summary[] {
  if (verdict.outcome === "undetermined") return [];
  const nodes = new Map(verdict.nodes.map((node) => [node.id, node]));
  return verdict.platforms.flatMap((platform) => {
    const node = nodes.get(platform.node);
    // Without a manifest that was read there is nothing that it could be about.
    if (!platform.counts || node?.digest === undefined || !node.digests?.length) return [];
    const { reference, digest, digests } = node;
    const image: PinnedImage = { ...parseReference(reference), digest };
    const result = resultOf(verdict, platform, nodes);
    if (result === undefined) return [];
    const below = ancestorsOf(node, nodes);
    const { registry, repository } = image;
    const name = { registry, repository, ...(verdict.image.tag !== undefined && { tag: verdict.image.tag }) };
    const summary: VerificationSummary = {
      verifier: { id: author.verifier, version: author.version },
      timeVerified: verdict.asOf,
      resourceUri: formatDockerPurl({ ...name, digest: node.index ?? digest }, node.platform),
      policy: { uri: author.policyUri, digest: digestSet([verdict.policy.digest]) },
      inputAttestations: inputsOf([node, ...below]),
      verificationResult: result,
      verifiedLevels: [result === "PASSED" ? buildLevelText(node.level) : "FAILED"],
      dependencyLevels: dependencyLevelsOf(node, below),
    };
    const subject: Subject = {
      name: formatDockerPurl(name, node.platform),
      digest: digestSet(digests),
    };
    return [{ image, platform: node.platform, result, statement: writeVsa(summary, [subject]) }];
  });
}

/**
 * What is wrong with the image as a whole is wrong with each of its platforms; what is wrong below one of them is that one's. So is what
 * couldn't be looked at: a fault elsewhere makes no FAILED of it.
 *
 * @returns undefined where it can't be told.
 */
function resultOf(
  { faults, unreachable }: Verdict,
  { outcome }: PlatformVerdict,
  nodes: ReadonlyMap<string, JudgedNode>,
): Summary["result"] | undefined {
  const isOfTheWhole = (fault: Fault) => {
    const node = nodes.get(fault.node);
    return node === undefined || isSound(node.finding);
  };
  if (outcome === "untrusted" || faults.some(isOfTheWhole)) return "FAILED";
  return outcome === "trusted" && !unreachable.some(isOfTheWhole) ? "PASSED" : undefined;
}

function ancestorsOf(subject: JudgedNode, nodes: ReadonlyMap<string, JudgedNode>): readonly JudgedNode[] {
  const reached = new Set<string>();
  const queue = [subject];
  for (const { parents } of queue) {
    for (const { to } of parents) {
      const node = nodes.get(to);
      if (reached.has(to) || node === undefined) continue;
      reached.add(to);
      queue.push(node);
    }
  }
  return queue.slice(1);
}

/** Every accepted bundle, and every summary, that the answer rests on: all of them, or SLSA wants none. */
function inputsOf(nodes: readonly JudgedNode[]): readonly ResourceDescriptor[] {
  const inputs = new Map<Digest, ResourceDescriptor>();
  for (const { reference, accepted, summary } of nodes) {
    for (const { verified } of [...accepted.map(({ found }) => found), ...(summary ? [summary.found] : [])]) {
      const { bundle } = verified;
      if (!inputs.has(bundle)) inputs.set(bundle, { uri: `oci://${reference}`, digest: digestSet([bundle]) });
    }
  }
  return [...inputs.values()];
}

/**
 * Each dependency once, at its highest level. Below another verifier's summary the dependencies are known by number alone, so that one
 * that is also reached otherwise counts twice: more of the same level, never one that is too high (docs/decisions/0025).
 */
function dependencyLevelsOf(subject: JudgedNode, below: readonly JudgedNode[]): Readonly<Record<string, number>> {
  const levels = new Map<string, number>();
  const counts = new Map<string, number>();
  const add = (level: string, count: number) => counts.set(level, (counts.get(level) ?? 0) + count);
  for (const node of below) {
    const key = node.digest ?? node.id;
    if (key !== subject.digest) levels.set(key, Math.max(levels.get(key) ?? -1, wasEvaluated(node) ? node.level : -1));
  }
  for (const level of levels.values()) add(level < 0 ? UNEVALUATED : buildLevelText(level), 1);
  for (const { summary } of [subject, ...below]) {
    for (const [level, count] of Object.entries(summary?.summary.dependencyLevels ?? {}))
      if (count > 0) add(level, count);
  }
  return Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? 1 : -1)));
}

/** Whether anything was looked at that a level could be given for. */
function wasEvaluated({ finding: { kind } }: JudgedNode): boolean {
  return !["pinned", "allowed", "unreachable", "limit", "unresolved"].includes(kind);
}

function digestSet(digests: readonly Digest[]): Readonly<Record<string, string>> {
  return Object.fromEntries(digests.map((digest) => [algorithmOf(digest), hexOf(digest)]));
}
