import { claimsOf } from "../attestation/identity.ts";
import type { ParentClaim } from "../attestation/parents.ts";
import { type Digest, digestsOf } from "../image/digest.ts";
import type { PinnedImage } from "../image/reference.ts";
import { acceptKnowingBranch } from "./accept-knowing-branch.ts";
import { type AcceptedProvenance, type AcceptedStatement, acceptProvenance, acceptStatement } from "./accepted.ts";
import { joinContained, readBeside } from "./beside.ts";
import { judgeContained, readInsides } from "./contained.ts";
import type { Evidence, FoundStatement } from "./evidence.ts";
import type { Finding, Refusal } from "./finding.ts";
import type { HeldReader } from "./held-statement.ts";
import type { OwnBuild } from "./own-build.ts";
import type { Policy, TrustRoot } from "./policy.ts";
import type { CouldNotLook, DefaultBranches } from "./ports.ts";
import type { ImageNode } from "./resolve.ts";
import { revokedCommit, revokedDigest, revokedSource, revokesByEvidence } from "./revocation.ts";
import { type BaseClaim, baseOf, levelOf, standingOf, unionOfParents } from "./standing.ts";
import {
  type AcceptedSummary,
  isSummary,
  type Summarised,
  summarise,
  summarisedFinding,
  summaryWarnings,
} from "./verifiers.ts";

/** What the evidence about one node says, before its parents are looked at. */
export interface Examination {
  readonly finding: Finding;
  readonly accepted: readonly AcceptedStatement[];
  readonly provenances: readonly AcceptedProvenance[];
  /** What doesn't count; it is reported, and changes nothing (RULES R17). */
  readonly refusals: readonly Refusal[];
  readonly warnings: readonly string[];
  /** What went in, over all accepted provenances (RULES R17). */
  readonly parents: readonly ParentClaim[];
  /** Dependencies that can't be understood: each a fault. */
  readonly unresolved: readonly { readonly uri: string; readonly why: string }[];
  readonly base: BaseClaim;
  /** What policy and evidence grant; the seam may lower it. */
  readonly level: number;
  /** The summary at which the walk ends, where the finding is `summarised`. */
  readonly summary?: AcceptedSummary | undefined;
  /** Why nothing more is known, where something couldn't be looked at. */
  readonly failures: readonly CouldNotLook[];
}

/** What examining a node needs of the world. */
export interface ExaminePorts extends HeldReader {
  readonly defaultBranches: DefaultBranches | undefined;
  /** Each image's evidence, gathered once a walk. */
  readonly evidenceOf: (image: PinnedImage) => Promise<Evidence>;
}

/**
 * What the evidence about one node is worth (RULES R27: revoked, then mismatch, then root, then summary, then attested).
 *
 * @param asOf - When: roots expire.
 * @param own - The build that this node must be of. Neither a root nor a summary can stand for it: what is asked is whether that run made it.
 */
export async function examine(
  ports: ExaminePorts,
  policy: Policy,
  node: ImageNode,
  asOf: Date,
  own?: OwnBuild,
): Promise<Examination> {
  const digests = digestsOfNode(node);
  const revoked = revokedDigest(policy, digests);
  if (revoked !== undefined) return ended({ kind: "revoked", reason: revoked });
  const named = own === undefined ? policy.roots.filter(({ image }) => digests.includes(image.digest)) : [];
  const root = named.find((candidate) => isInForce(candidate, asOf)) ?? named[0];
  const isActive = root !== undefined && isInForce(root, asOf);
  if (isActive && !revokesByEvidence(policy)) return ended(rootFinding(root));

  const evidence = await collect(ports, policy, node, own);
  const summarised = own === undefined ? summarise(policy, node, evidence.summaries, asOf) : NO_SUMMARY;
  const judged = judgeEvidence(node, policy, evidence, summarised.refusals);
  const summary = isActive || !isOverruled(judged, evidence) ? undefined : summarised.accepted;
  const finding = summary === undefined ? judged : summarisedFinding(summary);
  const rooted = isActive ? rootOver(finding, root) : finding;
  const expired = root !== undefined && !isActive ? expiredOver(finding, root) : undefined;
  const { accepted, provenances, failures } = evidence;
  const refusals = [...evidence.refusals, ...summarised.refusals];
  const records = provenances.flatMap(({ record }) => record ?? []);
  const isWalked = rooted.kind === "attested" || rooted.kind === "mismatch";
  return {
    finding: expired ?? rooted,
    accepted,
    provenances,
    refusals,
    warnings: [
      ...new Set(accepted.flatMap(({ acceptance }) => acceptance.warnings)),
      ...(summary === undefined ? [] : summaryWarnings(summary)),
    ],
    parents: isWalked ? unionOfParents(provenances) : [],
    unresolved: isWalked ? records.flatMap(({ unresolved }) => unresolved) : [],
    base: rooted.kind === "attested" ? baseOf(provenances, node) : { kind: "none" },
    level: rooted.kind === "attested" ? levelOf(provenances, node) : 0,
    summary,
    failures,
  };
}

/** By every algorithm: an index can name by SHA-512 what policy revokes by SHA-256. */
function digestsOfNode({ manifestBytes, indexes }: ImageNode): readonly Digest[] {
  return [manifestBytes, ...indexes.map(({ bytes }) => bytes)].flatMap(digestsOf);
}

function ended(finding: Finding): Examination {
  const none = { accepted: [], provenances: [], refusals: [], warnings: [], parents: [], unresolved: [], failures: [] };
  return { finding, ...none, base: { kind: "none" }, level: 0 };
}

function isInForce({ expires }: TrustRoot, asOf: Date): boolean {
  return asOf.toISOString().slice(0, 10) <= expires;
}

function rootFinding({ reason, expires, path }: TrustRoot): Finding {
  return { kind: "root", reason, expires, policyPath: path };
}

/** A root heals what is missing or refused; never a revocation or a contradiction (RULES R27). */
function rootOver(finding: Finding, root: TrustRoot): Finding {
  return ["attested", "unattested", "opaque", "refused"].includes(finding.kind) ? rootFinding(root) : finding;
}

/**
 * Whether a summary goes before what else is known of the node: before its own provenance, and before what is missing or couldn't be
 * looked at. Never before a revocation, a contradiction, or what an accepted signer says of it that can't be right (RULES R27).
 */
function isOverruled({ kind }: Finding, { refusedProvenance }: Collected): boolean {
  return (
    ["attested", "unattested", "opaque", "refused", "unreachable", "limit"].includes(kind) &&
    refusedProvenance.length === 0
  );
}

function expiredOver(finding: Finding, { expires, path }: TrustRoot): Finding | undefined {
  if (!["unattested", "opaque", "refused"].includes(finding.kind)) return undefined;
  return {
    kind: "opaque",
    code: "root-expired",
    reason: `${path} named it a root until ${expires}; without that it is ${finding.kind}`,
  };
}

const NO_SUMMARY: Summarised = { accepted: undefined, refusals: [] };

interface Collected {
  /** Statements that are verification summaries, where policy names verifiers. */
  readonly summaries: readonly FoundStatement[];
  readonly accepted: readonly AcceptedStatement[];
  readonly provenances: readonly AcceptedProvenance[];
  readonly refusals: readonly Refusal[];
  /** Those among them that an accepted signer made: what is wrong with them is what is wrong with the image. */
  readonly refusedProvenance: readonly Refusal[];
  readonly failures: readonly CouldNotLook[];
  readonly omitted: number;
  readonly notAdopted: string | undefined;
  readonly isUncovered: boolean;
}

async function collect(
  ports: ExaminePorts,
  policy: Policy,
  node: ImageNode,
  own: OwnBuild | undefined,
): Promise<Collected> {
  // What is inside the indexes is read whatever the signatures turn out to be: it needn't wait for them.
  const [insides, ...gathered] = await Promise.all([
    readInsides(ports, node),
    ...[node.image, ...node.indexes.map(({ image }) => image)].map(ports.evidenceOf),
  ]);
  const found = new Map(gathered.flatMap(({ statements }) => statements).map((each) => [each.verified.bundle, each]));
  const failures = gathered.flatMap((each) => each.failures);
  const accept = (about: ImageNode, each: FoundStatement) =>
    acceptKnowingBranch(ports.defaultBranches, each, failures, (isDefaultBranch) =>
      acceptStatement(policy, about, each, isDefaultBranch, own),
    );
  const summaries = [...found.values()].filter((each) => isSummary(policy, each));
  const others = [...found.values()].filter((each) => !isSummary(policy, each));
  const judged = await Promise.all(others.map((each) => accept(node, each)));
  const accepted = judged.filter((each) => each.kind === "statement");
  const read = accepted.map((by) => acceptProvenance(policy, node, by, by.found.verified.statement));
  const held = { ...ports, accept };
  const unsigned = gathered.flatMap((each) => each.unsigned);
  const contained = joinContained(
    await Promise.all([
      judgeContained(held, policy, node, insides, accepted),
      readBeside(held, policy, node, unsigned),
    ]),
  );
  const refusedProvenance = [...read.filter((each) => each?.kind === "refusal"), ...contained.refusedProvenance];
  return {
    summaries,
    accepted: [...accepted, ...contained.signers],
    provenances: [...read.filter((each) => each?.kind === "provenance"), ...contained.provenances],
    refusals: [
      ...gathered.flatMap(({ refusals }) => refusals),
      ...judged.filter((each) => each.kind === "refusal"),
      ...contained.refusals,
      ...refusedProvenance,
    ],
    refusedProvenance,
    failures: [...failures, ...contained.failures],
    omitted: gathered.reduce((sum, each) => sum + each.omitted, contained.omitted),
    notAdopted: contained.notAdopted,
    isUncovered: contained.isUncovered,
  };
}

/** @param summaryRefusals - Only reported: that a verifier is revoked is nothing against an image that he once looked at (RULES R17). */
function judgeEvidence(
  node: ImageNode,
  policy: Policy,
  { accepted, provenances, refusals, refusedProvenance, failures, omitted, notAdopted, isUncovered }: Collected,
  summaryRefusals: readonly Refusal[],
): Finding {
  const badCommit = [
    ...accepted.map(({ found }) => revokedCommit(policy, found.verified)),
    ...provenances.map(({ provenance }) => revokedSource(policy, provenance)),
  ].find((reason) => reason !== undefined);
  if (badCommit !== undefined) return { kind: "revoked", reason: badCommit };

  const foreign = provenances.find(({ source }) => source === "differs");
  if (foreign !== undefined) {
    const { sourceRepositoryUri, sourceRepositoryDigest } = claimsOf(foreign.by.identity);
    const built = `${foreign.record?.source?.uri ?? "?"} at ${foreign.record?.source?.commit ?? "no commit"}`;
    return {
      kind: "mismatch",
      code: "source-mismatch",
      reason: `the provenance was built from ${built}, its signer ran for ${sourceRepositoryUri} at ${sourceRepositoryDigest}`,
    };
  }
  const [disagreement] = provenances.flatMap(({ record }) => record?.disagreements ?? []);
  if (disagreement !== undefined) {
    return {
      kind: "mismatch",
      code: "dependencies-disagree",
      reason: `${disagreement.reference} stands in the provenance with ${disagreement.digests.join(" and ")}`,
    };
  }

  const standings = provenances.map((provenance) => standingOf(provenance, node));
  // Also of those that aren't enough by themselves: what they say still contradicts.
  const bases = new Set(provenances.flatMap(({ record }) => record?.base.kind ?? []));
  if (bases.has("scratch") && bases.has("image")) {
    return {
      kind: "mismatch",
      code: "provenance-disagrees",
      reason: "one accepted provenance says FROM scratch, another names a base",
    };
  }
  if (standings.some(({ kind }) => kind === "walkable")) return { kind: "attested" };

  const [failure] = failures;
  if (failure !== undefined) return { kind: "unreachable", code: failure.code, reason: failure.message };
  if (omitted > 0)
    return {
      kind: "limit",
      reason: `nothing sufficient among the first statements, and ${omitted} more were not read`,
    };
  const revokedSigner = refusals.find(({ code }) => code === "revoked");
  if (revokedSigner !== undefined) return { kind: "revoked", reason: revokedSigner.reason };
  if (refusedProvenance.length > 0) return { kind: "refused", refusals: refusedProvenance };
  const opaque = standings.flatMap((standing) => (standing.kind === "opaque" ? [standing] : []));
  // What records images and isn't enough says more than what doesn't record them; so does provenance inside the index.
  const [telling] = opaque.filter(({ code }) => code !== "parents-unrecorded" || notAdopted === undefined);
  if (telling !== undefined) return telling;
  if (accepted.length > 0) {
    const uncovered = "provenance inside the index is unsigned or unread, and no accepted signature covers it";
    const reason = notAdopted ?? (isUncovered ? uncovered : undefined);
    return reason === undefined
      ? { kind: "opaque", code: "parents-unrecorded", reason: "what is signed doesn't record which images went in" }
      : { kind: "opaque", code: "containment", reason };
  }
  const all = [...refusals, ...summaryRefusals];
  return all.length > 0 ? { kind: "refused", refusals: all } : { kind: "unattested" };
}
