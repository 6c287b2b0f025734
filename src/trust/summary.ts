import { formatDockerPurl } from "../attestation/purl.ts";
import type { Subject } from "../attestation/statement.ts";
import { buildLevelText, type ResourceDescriptor, type VerificationSummary, writeVsa } from "../attestation/vsa.ts";
import { algorithmOf, type Digest, hexOf } from "../image/digest.ts";
import type { Platform } from "../image/platform.ts";
import { type PinnedImage, parseReference } from "../image/reference.ts";
import type { JudgedNode, PlatformVerdict, Verdict } from "./verdict.ts";
import { reachedFrom } from "./ways.ts";
import { ofTheWhole } from "./whole-faults.ts";

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
 * A verdict as SLSA verification summaries, one for each platform that counts (RULES R28). What is undetermined has none, the whole
 * or one platform: PASSED and FAILED are all that there is, and not having looked is neither.
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
    const { registry, repository } = image;
    const name = { registry, repository, ...(verdict.image.tag !== undefined && { tag: verdict.image.tag }) };
    const summary: VerificationSummary = {
      verifier: { id: author.verifier, version: author.version },
      timeVerified: verdict.asOf,
      resourceUri: formatDockerPurl({ ...name, digest: node.index ?? digest }, node.platform),
      policy: { uri: author.policyUri, digest: digestSet([verdict.policy.digest]) },
      inputAttestations: inputsOf(reachedFrom([node.id], nodes)),
      verificationResult: result,
      verifiedLevels: [result === "PASSED" ? buildLevelText(node.level) : "FAILED"],
      dependencyLevels: platform.dependencyLevels,
    };
    const subject: Subject = {
      name: formatDockerPurl(name, node.platform),
      digest: digestSet(digests),
    };
    return [{ image, platform: node.platform, result, statement: writeVsa(summary, [subject]) }];
  });
}

/**
 * What is wrong with the image as a whole is wrong with each of its platforms, and what couldn't be looked at of the whole wasn't for any
 * of them; what is wrong below one of them is that one's.
 *
 * @returns undefined where the answer isn't known, even if another platform makes the verdict an untrusted one.
 */
function resultOf(
  verdict: Verdict,
  { outcome }: PlatformVerdict,
  nodes: ReadonlyMap<string, JudgedNode>,
): Summary["result"] | undefined {
  if (outcome === "undetermined") return undefined;
  if (outcome === "untrusted" || isAnyOfTheWhole(verdict, "faults", nodes)) return "FAILED";
  return isAnyOfTheWhole(verdict, "unreachable", nodes) ? undefined : "PASSED";
}

/** Whether any of the faults, or of what couldn't be looked at, is the whole image's. Another tag's is none of the image under this one (RULES R26). */
function isAnyOfTheWhole(
  verdict: Verdict,
  kind: "faults" | "unreachable",
  nodes: ReadonlyMap<string, JudgedNode>,
): boolean {
  const listed = verdict[kind].filter(({ tag }) => tag === undefined || tag === verdict.image.tag);
  return ofTheWhole(listed, kind, (id) => nodes.get(id)?.finding).length > 0;
}

/** Every accepted bundle, every summary and every feed of roots that the answer rests on: all of them, or SLSA wants none. */
function inputsOf(nodes: readonly JudgedNode[]): readonly ResourceDescriptor[] {
  const inputs = new Map<Digest, ResourceDescriptor>();
  for (const { reference, accepted, summary, finding } of nodes) {
    if (finding.kind === "root" && finding.feed !== undefined)
      inputs.set(finding.feed.bundle, { uri: finding.feed.url, digest: digestSet([finding.feed.bundle]) });
    for (const { verified } of [...accepted.map(({ found }) => found), ...(summary ? [summary.found] : [])]) {
      const { bundle } = verified;
      if (!inputs.has(bundle)) inputs.set(bundle, { uri: `oci://${reference}`, digest: digestSet([bundle]) });
    }
  }
  return [...inputs.values()];
}

function digestSet(digests: readonly Digest[]): Readonly<Record<string, string>> {
  return Object.fromEntries(digests.map((digest) => [algorithmOf(digest), hexOf(digest)]));
}
