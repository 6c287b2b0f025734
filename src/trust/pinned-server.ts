import type { SignerKey } from "../attestation/public-key.ts";
import {
  buildLevelOf,
  parseVsa,
  trackOf,
  type VerificationSummary,
  VSA_PREDICATE,
  VsaError,
} from "../attestation/vsa.ts";
import { algorithmOf, type Digest, digestOf, isDigest } from "../image/digest.ts";
import { samePlatform } from "../image/platform.ts";
import { type ImageReference, imageName } from "../image/reference.ts";
import { type FoundStatement, isAbout } from "./evidence.ts";
import type { Refusal, VsaRefusalCode } from "./finding.ts";
import type { Policy } from "./policy.ts";
import type { ImageNode } from "./resolve.ts";
import { dependencyFailure, levelFailure, readResource, refusalOf, SKEW_MS } from "./verifiers.ts";

/** A server whose signed answer whoever asks takes in the place of a walk of their own, by a key that they have from elsewhere. */
export interface PinnedServer {
  /** For people: its address. */
  readonly name: string;
  /** `verifier.id` of its answers, letter for letter. */
  readonly id: string;
  readonly key: SignerKey;
  /** The policy that it has to have judged by; undefined: whichever it publishes. */
  readonly policy: Policy | undefined;
  readonly maxAgeMs: number;
  /** The least SLSA build level of the image and of all below it; undefined: what the server's policy asks for. */
  readonly minimum: number | undefined;
}

/** An answer of the server's about one platform's image under the very reference that was asked about, young enough. */
export interface ServedClaim {
  readonly found: FoundStatement;
  readonly summary: VerificationSummary;
  /** The digest of the policy that it was judged by. */
  readonly policy: Digest;
  /** The earliest time of those that are proven and the one that the server wrote. */
  readonly since: Date;
}

/** What the statements that a server gave come to, about one platform's image. */
export type Served =
  | { readonly kind: "passed"; readonly claim: ServedClaim }
  | { readonly kind: "failed"; readonly claim: ServedClaim }
  /** It says PASSED, and of a level that isn't enough for whoever asks. */
  | { readonly kind: "below"; readonly claim: ServedClaim; readonly refusal: Refusal }
  /** Nothing that it gave is its signer's answer about this image. Why not, of each that should have been. */
  | { readonly kind: "none"; readonly refusals: readonly Refusal[] };

/**
 * Holds what a server gave to its pinned key, to what was asked, and to the clock.
 *
 * Of the checks of RULES R28 one is missing: that somebody else proves the time. There it bounds how long a summary that lies about can
 * be brought again; here the time under the signature does, of a key that is trusted to tell it. Three are stricter: the tag has to be
 * the one that was asked about (R26); the resource has to be named by the outermost digest, so that images which were judged one by one
 * can't be put together into an index that nobody judged (R25); and FAILED counts, for it is the server itself that is asked.
 *
 * @param asked - With the tag under which the image was asked for, if any.
 */
export function servedAnswer(
  server: PinnedServer,
  asked: ImageReference,
  node: ImageNode,
  found: readonly FoundStatement[],
  asOf: Date,
): Served {
  const held = found
    // An answer has one for each platform: those of the others are no fault of this one's.
    .filter(({ verified }) => isAbout(verified.statement, node.manifestBytes))
    .map((each) => hold(server, asked, node, each, asOf));
  const claims = held.flatMap((each) => (each.kind === "claim" ? [each.claim] : []));
  // The newest is its answer. Of two at one moment the worse: which of them comes first is the server's, or somebody's in between.
  const [newest] = claims.sort((a, b) => b.since.getTime() - a.since.getTime() || rank(a) - rank(b));
  if (newest === undefined)
    return { kind: "none", refusals: held.flatMap((each) => (each.kind === "refusal" ? [each.refusal] : [])) };
  if (newest.summary.verificationResult === "FAILED") return { kind: "failed", claim: newest };
  const { minimum } = server;
  const failure =
    minimum === undefined
      ? undefined
      : (levelFailure(newest.summary, { minimum }) ?? dependencyFailure(newest.summary, { minimum }));
  return failure === undefined
    ? { kind: "passed", claim: newest }
    : { kind: "below", claim: newest, refusal: refusalOf(newest.found, failure) };
}

/** The least level that an answer tells of the image and of all below it; of what its track doesn't evaluate nothing is known. */
export function servedLevel({ verifiedLevels, dependencyLevels }: VerificationSummary): number {
  const below = Object.entries(dependencyLevels ?? {}).filter(
    ([level, count]) => count > 0 && trackOf(level) === "BUILD",
  );
  const levels = [...verifiedLevels, ...below.map(([level]) => level)].flatMap((level) => buildLevelOf(level) ?? []);
  return levels.length === 0 ? 0 : Math.min(...levels);
}

function rank({ summary: { verificationResult } }: ServedClaim): number {
  return verificationResult === "FAILED" ? 0 : 1;
}

type Held =
  | { readonly kind: "claim"; readonly claim: ServedClaim }
  | { readonly kind: "refusal"; readonly refusal: Refusal };

function hold(server: PinnedServer, asked: ImageReference, node: ImageNode, found: FoundStatement, asOf: Date): Held {
  const { identity, statement, times } = found.verified;
  const refused = (code: VsaRefusalCode, reason: string): Held => ({
    kind: "refusal",
    refusal: refusalOf(found, { code, reason }),
  });
  if (identity.kind !== "key" || identity.fingerprint !== server.key.fingerprint)
    return refused("vsa-signer", `it isn't signed with the key ${server.key.fingerprint}`);
  if (statement.predicateType !== VSA_PREDICATE) return refused("vsa-malformed", "it is no verification summary");
  let summary: VerificationSummary;
  try {
    summary = parseVsa(statement);
  } catch (error) {
    if (error instanceof VsaError) return refused("vsa-malformed", error.message);
    throw error;
  }
  if (summary.verifier.id !== server.id)
    return refused("vsa-verifier", `it is by ${summary.verifier.id}, and ${server.id} was asked`);
  const policy = policyOf(server, summary);
  if (policy === undefined)
    return refused(
      "vsa-policy",
      `by policy ${JSON.stringify(summary.policy.digest)}, which isn't the one that is asked for`,
    );
  const misfit = resourceMisfit(asked, node, summary.resourceUri);
  if (misfit !== undefined) return refused("vsa-resource", `it is about ${summary.resourceUri}: ${misfit}`);
  if (summary.timeVerified === undefined)
    return refused("vsa-time", "it doesn't say when it was judged (timeVerified)");
  const all = [...times, summary.timeVerified].map((time) => time.getTime());
  const [since, latest] = [Math.min(...all), Math.max(...all)];
  const [age, ahead] = [asOf.getTime() - since, latest - asOf.getTime()];
  // Asked this way round, a time that is no time is too old.
  if (!(age <= server.maxAgeMs && ahead <= SKEW_MS))
    return refused(
      "vsa-age",
      ahead > SKEW_MS
        ? `it was made ${new Date(latest).toISOString()}, which is still to come by the clock here`
        : `it was made ${new Date(since).toISOString()}, and at most ${server.maxAgeMs / 3_600_000} hours are taken`,
    );
  if (summary.verificationResult === "PASSED" && summary.verifiedLevels.includes("FAILED"))
    return refused("vsa-level", "it says PASSED, and FAILED among its levels");
  return { kind: "claim", claim: { found, summary, policy, since: new Date(since) } };
}

/** The policy's digest as the summary tells it; undefined without one, and where it is another than the one that is asked for. */
function policyOf({ policy: wanted }: PinnedServer, { policy: { digest } }: VerificationSummary): Digest | undefined {
  const told = Object.hasOwn(digest, "sha256") ? `sha256:${digest.sha256}` : "";
  return isDigest(told) && (wanted === undefined || wanted.digest === told) ? told : undefined;
}

/** Why a resource isn't the reference that was asked about; undefined if it is. */
function resourceMisfit(asked: ImageReference, node: ImageNode, uri: string): string | undefined {
  const resource = readResource(uri);
  if (resource === undefined) return "no image that could be read";
  const { reference, platform } = resource;
  if (imageName(reference) !== imageName(asked)) return "another name";
  if (reference.tag !== asked.tag) return "another tag, and what a tag may stand for is a part of the answer";
  const outermost = node.indexes[0]?.bytes ?? node.manifestBytes;
  if (reference.digest === undefined || digestOf(outermost, algorithmOf(reference.digest)) !== reference.digest)
    return "another digest than the one that stands there";
  return platform === undefined || samePlatform(platform, node.platform) ? undefined : "another platform";
}
