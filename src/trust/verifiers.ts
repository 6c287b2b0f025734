import type { CertificateIdentity } from "../attestation/identity.ts";
import { PurlError, parseDockerPurl } from "../attestation/purl.ts";
import {
  buildLevelOf,
  parseVsa,
  trackOf,
  type VerificationSummary,
  VSA_PREDICATE,
  VsaError,
} from "../attestation/vsa.ts";
import { algorithmOf, type Digest, digestOf, hexOf } from "../image/digest.ts";
import { type Platform, samePlatform } from "../image/platform.ts";
import { type ImageReference, ImageReferenceError, imageName, parseReference } from "../image/reference.ts";
import { GITHUB_ISSUERS, NEVER_EVENTS } from "./builder-schema.ts";
import { type FoundStatement, isAbout } from "./evidence.ts";
import type { Finding, Refusal, RefusalCode } from "./finding.ts";
import { judgedName } from "./mirror.ts";
import type { AcceptedVerifier, Policy } from "./policy.ts";
import type { VerifiedStatement } from "./ports.ts";
import type { ImageNode } from "./resolve.ts";
import { revokedIdentity } from "./revocation.ts";

/** How far clocks of verifiers and authorities may be ahead of ours, in milliseconds. */
export const SKEW_MS = 5 * 60_000;

/** A verification summary that ends the walk at a node (RULES R28). */
export interface AcceptedSummary {
  readonly found: FoundStatement;
  readonly summary: VerificationSummary;
  readonly by: AcceptedVerifier;
  /** Until when it is young enough for its entry of the policy. */
  readonly until: Date;
}

/** What the summaries beside a node come to. */
export interface Summarised {
  readonly accepted: AcceptedSummary | undefined;
  readonly refusals: readonly Refusal[];
}

/** Whether a statement is one that {@link summarise} answers for: under a policy without verifiers it is like any other that says nothing. */
export function isSummary(policy: Policy, { verified }: FoundStatement): boolean {
  return policy.verifiers.length > 0 && verified.statement.predicateType === VSA_PREDICATE;
}

/**
 * Holds the summaries beside a node to the seven checks that SLSA asks of a consumer, and to RULES R28: signer, verifier and policy named
 * together, this manifest, this reference, PASSED, the levels of the image and of all below it, and a proven time that is young enough.
 *
 * A summary that says FAILED ends nothing: whoever serves the evidence could leave it away, so that nothing may rest on its being there,
 * and could bring it back years later. It takes an older one's PASSED away, and the walk goes on.
 *
 * @param asOf - When: what is young now isn't for ever.
 */
export function summarise(policy: Policy, node: ImageNode, found: readonly FoundStatement[], asOf: Date): Summarised {
  const held = found.map((each) => hold(policy, node, each));
  const refusals = held.flatMap((each) => (each.kind === "refusal" ? [each.refusal] : []));
  const claims = held.flatMap((each) => (each.kind === "claim" ? [each] : []));
  const accepted: AcceptedSummary[] = [];
  for (const claim of claims) {
    const attempts = claim.by.map((by) => ({ by, failure: failureOf(policy, claim, by, claims, asOf) }));
    for (const { by } of attempts.filter(({ failure }) => failure === undefined)) {
      const until = new Date(claim.since.getTime() + by.maxAgeMs);
      accepted.push({ found: claim.found, summary: claim.summary, by, until });
    }
    const failure = attempts[0]?.failure;
    if (failure !== undefined && attempts.every((attempt) => attempt.failure !== undefined))
      refusals.push(refusalOf(claim.found, failure));
  }
  // The one that grants most, and of those the one that holds longest; their order in the registry is without effect.
  const [best] = accepted.sort(
    (a, b) =>
      levelGranted(b.by) - levelGranted(a.by) ||
      b.until.getTime() - a.until.getTime() ||
      (a.found.verified.bundle < b.found.verified.bundle ? -1 : 1),
  );
  return { accepted: best, refusals };
}

/** The finding of a node at which an accepted summary ends the walk. */
export function summarisedFinding({ summary, by, until }: AcceptedSummary): Finding {
  const { id } = summary.verifier;
  return {
    kind: "summarised",
    reason: `${id} answers for it and all below it, by policy ${by.policy}`,
    // All checked levels reach the minimum, and policy grants no more than that.
    level: levelGranted(by),
    until: until.toISOString(),
    policyPath: by.path,
  };
}

/** A level for the word of a repository without its numbers: names can change hands (RULES R8). */
const LEVEL_WITHOUT_IDS = 1;

function levelGranted({ minimum, signer }: AcceptedVerifier): number {
  return namesWithoutIds(signer) ? Math.min(minimum, LEVEL_WITHOUT_IDS) : minimum;
}

function namesWithoutIds(signer: AcceptedVerifier["signer"]): boolean {
  if (signer.kind === "key" || signer.source === undefined) return false;
  return signer.repositoryId === undefined && signer.ownerId === undefined;
}

/** What caps the level of a node at which the walk ends, for people. */
export function summaryWarnings({ by: { path, signer } }: AcceptedSummary): readonly string[] {
  return namesWithoutIds(signer)
    ? [
        `${path} names its source without repository-id or owner-id: level ${LEVEL_WITHOUT_IDS} at most, because names can change hands`,
      ]
    : [];
}

/** A summary by a verifier that policy names, about this very image and reference; what it says of it is still to be looked at. */
interface Claim {
  readonly kind: "claim";
  readonly found: FoundStatement;
  readonly summary: VerificationSummary;
  /** Every entry of the policy that names this signer, verifier and policy together. */
  readonly by: readonly AcceptedVerifier[];
  /** The earliest time of those that are proven and the one that the verifier wrote. */
  readonly since: Date;
}

/** Which check failed, and why. */
export interface Failure {
  readonly code: RefusalCode;
  readonly reason: string;
}

function hold(
  policy: Policy,
  node: ImageNode,
  found: FoundStatement,
): Claim | { readonly kind: "refusal"; readonly refusal: Refusal } {
  const { verified } = found;
  const { statement, identity, times } = verified;
  const refused = (code: RefusalCode, reason: string) => ({
    kind: "refusal" as const,
    refusal: refusalOf(found, { code, reason }),
  });
  if (!isAbout(statement, node.manifestBytes)) {
    // An index can be put together anew around an image that was judged, and a summary of the one says nothing of the other's platforms.
    return node.indexes.some(({ bytes }) => isAbout(statement, bytes))
      ? refused("vsa-subject", "it is about the index, and only one about this platform's manifest counts")
      : refused("subject-mismatch", "its subject is something else");
  }
  let summary: VerificationSummary;
  try {
    summary = parseVsa(statement);
  } catch (error) {
    if (error instanceof VsaError) return refused("vsa-malformed", error.message);
    throw error;
  }
  const named = policy.verifiers.filter(({ id }) => id === summary.verifier.id);
  if (named.length === 0) return refused("vsa-verifier", `no entry of trust.verifiers names ${summary.verifier.id}`);
  const signed = named.filter(({ signer }) => isSignedBy(signer, found.verified));
  const signer = identity.kind === "key" ? identity.fingerprint : identity.subjectAlternativeName;
  if (signed.length === 0)
    return refused("vsa-signer", `signed by ${signer}, who isn't the signer that policy names for this verifier`);
  const { digest } = summary.policy;
  const by = signed.filter(
    (entry) =>
      Object.hasOwn(digest, algorithmOf(entry.policy)) && digest[algorithmOf(entry.policy)] === hexOf(entry.policy),
  );
  if (by.length === 0)
    return refused("vsa-policy", `by policy ${JSON.stringify(digest)}, and trust.verifiers names another`);
  const revoked = revokedIdentity(policy, verified);
  if (revoked !== undefined) return refused("revoked", revoked);
  if (!isResource(policy, summary.resourceUri, node))
    return refused("vsa-resource", `it is about ${summary.resourceUri}, which isn't the reference that was walked`);
  if (times.length === 0) return refused("vsa-time", "no log and no authority proves when it was signed");
  // Whoever has it can have its signature timestamped anew, and leave the old timestamp out. A certificate bounds that to minutes; for a
  // key only the time that is under the signature does.
  if (identity.kind === "key" && summary.timeVerified === undefined)
    return refused("vsa-time", "signed by a key and without timeVerified: an old one could have been timestamped anew");
  const all = [...times, ...(summary.timeVerified ? [summary.timeVerified] : [])].map((time) => time.getTime());
  return {
    kind: "claim",
    found,
    summary,
    by,
    since: new Date(Math.min(...all)),
  };
}

function failureOf(
  policy: Policy,
  claim: Claim,
  entry: AcceptedVerifier,
  claims: readonly Claim[],
  asOf: Date,
): Failure | undefined {
  const { summary, since } = claim;
  if (summary.verificationResult !== "PASSED") return { code: "vsa-result", reason: "it says FAILED" };
  return (
    levelFailure(summary, entry) ??
    dependencyFailure(summary, entry) ??
    ageFailure(since, entry, asOf) ??
    revocationFailure(policy, since) ??
    withdrawnBy(claim, entry, claims)
  );
}

/** Why the level of the image itself isn't enough; undefined if it is. */
export function levelFailure(
  { verifiedLevels }: VerificationSummary,
  { minimum }: Pick<AcceptedVerifier, "minimum">,
): Failure | undefined {
  const code = "vsa-level";
  if (verifiedLevels.includes("FAILED")) return { code, reason: "it says PASSED, and FAILED among its levels" };
  const build = verifiedLevels.filter((level) => trackOf(level) === "BUILD");
  const [level] = build.map(buildLevelOf);
  // SLSA allows one level a track; of several, readers would take different ones.
  if (build.length !== 1 || level === undefined)
    return { code, reason: `${JSON.stringify(verifiedLevels.slice(0, 10))} has no one level of SLSA's build track` };
  return level >= minimum
    ? undefined
    : { code, reason: `verified at build level ${level}, and policy asks for ${minimum}` };
}

/** Why the levels of what the image is built on aren't enough; undefined if they are. */
export function dependencyFailure(
  { dependencyLevels }: VerificationSummary,
  { minimum }: Pick<AcceptedVerifier, "minimum">,
): Failure | undefined {
  const code = "vsa-dependencies";
  if (dependencyLevels === undefined)
    return { code, reason: "it makes no claim about what the image is built on (dependencyLevels)" };
  const counts = Object.entries(dependencyLevels).filter(([, count]) => count > 0);
  const tracks = new Map<string, number>();
  for (const [level, count] of counts) {
    const track = trackOf(level) ?? level;
    tracks.set(track, (tracks.get(track) ?? 0) + count);
    if (track !== "BUILD" && level !== "FAILED") continue;
    const reached = buildLevelOf(level);
    if (reached === undefined || reached < minimum)
      return {
        code,
        reason: `${count} of its dependencies are at ${level}, and policy asks for build level ${minimum}`,
      };
  }
  // Each dependency stands once in each track: more of them in another one were never looked at in this.
  const built = tracks.get("BUILD") ?? 0;
  const other = [...tracks].find(([, count]) => count > built);
  return other === undefined
    ? undefined
    : { code, reason: `${other[1]} dependencies have a level (${other[0]}), and ${built} one of SLSA's build track` };
}

function ageFailure(since: Date, { maxAgeMs }: AcceptedVerifier, asOf: Date): Failure | undefined {
  const age = asOf.getTime() - since.getTime();
  // Asked this way round, a time that is no time is too old.
  return age <= maxAgeMs && age >= -SKEW_MS
    ? undefined
    : {
        code: "vsa-age",
        reason: `made ${since.toISOString()}, and policy takes what is at most ${maxAgeMs / 86_400_000} days old`,
      };
}

/** What policy revokes may be anywhere below the image, and only a verifier that looked afterwards can have known of it. */
function revocationFailure({ newestRevocation }: Policy, since: Date): Failure | undefined {
  const code = "vsa-revocation";
  if (newestRevocation === undefined) return undefined;
  if (newestRevocation === "undated")
    return { code, reason: "policy revokes something without saying since when that is known (made)" };
  return since.getTime() > newestRevocation.getTime()
    ? undefined
    : { code, reason: `made ${since.toISOString()}, before the newest revocation of the policy` };
}

/** A FAILED of the same verifier by the same policy that isn't older. By the time that it can't shed: an old one, timestamped anew, takes nothing away. */
function withdrawnBy(claim: Claim, entry: AcceptedVerifier, claims: readonly Claim[]): Failure | undefined {
  const later = claims.find(
    (each) =>
      each.summary.verificationResult === "FAILED" &&
      each.by.some(({ id, policy }) => id === entry.id && policy === entry.policy) &&
      each.since.getTime() >= claim.since.getTime(),
  );
  return later && { code: "vsa-result", reason: `the same verifier has said FAILED since (${later.found.where})` };
}

/** Whether a statement is by the signer that an entry of the policy names: issuer and source to the letter, the name as a whole; in no run for strangers. */
export function isSignedBy(
  signer: AcceptedVerifier["signer"],
  { identity }: Pick<VerifiedStatement, "identity">,
): boolean {
  switch (signer.kind) {
    case "key":
      return identity.kind === "key" && identity.fingerprint === signer.key.fingerprint;
    case "certificate":
      return (
        identity.kind === "certificate" &&
        identity.issuer === signer.issuer &&
        signer.identity.match(identity.subjectAlternativeName) !== undefined &&
        // Who uses somebody's shared configuration has its name: only the source tells them apart (RULES R4).
        identity.extensions.sourceRepositoryUri === signer.source &&
        (signer.repositoryId === undefined || identity.extensions.sourceRepositoryIdentifier === signer.repositoryId) &&
        (signer.ownerId === undefined || identity.extensions.sourceRepositoryOwnerIdentifier === signer.ownerId) &&
        !mayRunForStrangers(identity)
      );
  }
}

/** Such runs have the name of the default branch's workflow, and nothing but the event tells them apart; GitHub always says it (RULES R6). */
function mayRunForStrangers({ issuer, extensions: { buildTrigger } }: CertificateIdentity): boolean {
  return buildTrigger === undefined ? GITHUB_ISSUERS.test(issuer) : NEVER_EVENTS.test(buildTrigger);
}

/** Whether a resource is the image that was walked: by name, and by digest and platform where it has them. */
function isResource(policy: Policy, resourceUri: string, node: ImageNode): boolean {
  const resource = readResource(resourceUri);
  // Under a mirror's name, or the name that policy has it stand for: the bytes are the same.
  const names = [imageName(node.image), judgedName(policy, node.image)];
  if (resource === undefined || !names.includes(imageName(resource.reference))) return false;
  const { digest } = resource.reference;
  const isSame = (each: Digest, bytes: Uint8Array) => each === digestOf(bytes, algorithmOf(each));
  const documents = [node.manifestBytes, ...node.indexes.map(({ bytes }) => bytes)];
  if (digest !== undefined && !documents.some((bytes) => isSame(digest, bytes))) return false;
  return resource.platform === undefined || samePlatform(resource.platform, node.platform);
}

/** The image that a `resourceUri` names; undefined where it is none that could be read. */
export function readResource(
  uri: string,
): { readonly reference: ImageReference; readonly platform?: Platform } | undefined {
  try {
    if (!uri.startsWith("pkg:")) return { reference: parseReference(uri) };
    const purl = parseDockerPurl(uri);
    return purl.kind === "image" ? purl : undefined;
  } catch (error) {
    if (error instanceof PurlError || error instanceof ImageReferenceError) return undefined;
    throw error;
  }
}

/** A statement that doesn't count, and why. */
export function refusalOf(
  { where, verified: { identity, bundle } }: FoundStatement,
  { code, reason }: Failure,
): Refusal {
  const signer = identity.kind === "certificate" ? identity.subjectAlternativeName : identity.fingerprint;
  return { code, reason, where, bundle, signer };
}
