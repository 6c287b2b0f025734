import type { UnverifiedBundle } from "../attestation/bundle.ts";
import type { SignerKey } from "../attestation/public-key.ts";
import { parseSimpleSigning } from "../attestation/simple-signing.ts";
import { parseStatement, type Statement } from "../attestation/statement.ts";
import { weightOf } from "../attestation/statement-weight.ts";
import { type Digest, digestOf } from "../image/digest.ts";
import type { BundleVerifier, RejectedBundle, VerifiedStatement } from "../trust/ports.ts";
import { checkMessageDigest } from "./message-digest.ts";
import { messageOf, Rejection, rejectAs } from "./rejection.ts";
import { readSignedEntity, type UnprovenEntity } from "./signed-entity.ts";
import { type TrustedKey, trustedKeyOf } from "./trusted-key.ts";
import { type ProvenSignature, type TrustAnchors, verifySignature } from "./verification.ts";
import type { VerificationCache } from "./verification-cache.ts";

/** Changes with everything that could change an outcome: this folder's checks, and the library below them (RULES R14). */
const VERIFIER_VERSION = "6; @sigstore/verify 4.1.3";

const IN_TOTO = "application/vnd.in-toto+json";

/** For how many characters of the cache a part of a statement counts: it takes some 130 bytes. */
const CHARACTERS_A_PART = 16;

/** An outcome as the cache keeps it. */
export type VerificationOutcome = VerifiedStatement | RejectedBundle;

/** What a verifier is made from. */
export interface BundleVerifierOptions extends TrustAnchors {
  /** May be shared between verifiers of other anchors: their outcomes are kept apart. Without one, nothing is kept. */
  readonly cache?: VerificationCache<VerificationOutcome>;
}

/** A verifier that answers at once. */
export interface LocalVerifier extends BundleVerifier {
  verifyBundle(bundle: UnverifiedBundle, keys?: readonly SignerKey[]): VerificationOutcome;
  /**
   * What an outcome is kept under, here or elsewhere: (bundle, anchors, version of this verifier) and nothing else (RULES R14).
   *
   * @throws {Rejection} of a key that can't be read.
   */
  keyOf(bundle: UnverifiedBundle, keys?: readonly SignerKey[]): Digest;
  /** What the cache has; undefined without one. */
  recall(key: Digest): VerificationOutcome | undefined;
  /** The outcome of what was proven before under the bundle's key. The statement is read from the bundle itself. Never throws. */
  adopt(bundle: UnverifiedBundle, key: Digest, proof: ProvenSignature): VerificationOutcome;
}

/**
 * Makes the verifier of bundles: cryptography and the form of what it proves, nothing of policy.
 *
 * A bundle that signs bare bytes (a message signature) says something only where those bytes came with it, and are cosign's payload
 * of simple signing. Any other is no statement, whoever signed it: `payload-type`.
 */
export function createBundleVerifier({ roots, keys = [], cache }: BundleVerifierOptions): LocalVerifier {
  const own = anchorsOf(roots, keys);
  const withKeys = new WeakMap<readonly SignerKey[], Anchors>();
  const anchorsFor = (named: readonly SignerKey[]): Anchors => {
    if (named.length === 0) return own;
    const known = withKeys.get(named);
    if (known !== undefined) return known;
    const all = anchorsOf(roots, [...keys, ...named.map(namedKey)]);
    withKeys.set(named, all);
    return all;
  };
  return {
    verifyBundle(bundle, named = []) {
      try {
        const { anchors, digest } = anchorsFor(named);
        if (cache === undefined) return verify(bundle, anchors);
        const { key, size } = cacheKey(bundle, digest);
        const known = cache.get(key);
        if (known !== undefined) return known;
        const outcome = verify(bundle, anchors);
        cache.set(key, outcome, size + weighed(outcome));
        return outcome;
      } catch (error) {
        return reject(error);
      }
    },
    keyOf: (bundle, named = []) => cacheKey(bundle, anchorsFor(named).digest).key,
    recall: (key) => cache?.get(key),
    adopt(bundle, key, proof) {
      const outcome = outcomeOf(bundle, () => proof);
      cache?.set(key, outcome, (JSON.stringify(bundle.json)?.length ?? 0) + weighed(outcome));
      return outcome;
    },
  };
}

/** What an outcome takes of the cache beside its bundle's size: few characters make many parts. */
function weighed(outcome: VerificationOutcome): number {
  return outcome.kind === "verified" ? weightOf(outcome.statement) * CHARACTERS_A_PART : 0;
}

interface Anchors {
  readonly anchors: TrustAnchors;
  readonly digest: Digest;
}

function anchorsOf(roots: TrustAnchors["roots"], keys: readonly TrustedKey[]): Anchors {
  const anchors = { roots, keys };
  return { anchors, digest: digestAnchors(anchors) };
}

/** A policy's key that the library doesn't take: whoever wrote the policy has to hear of it, whatever is verified. */
function namedKey(key: SignerKey): TrustedKey {
  return rejectAs("key", "reading a key of the policy", () => trustedKeyOf(key));
}

/** The rejection that an exception amounts to. One of an unknown kind counts as a bundle that cannot be read. */
export function reject(error: unknown): RejectedBundle {
  return error instanceof Rejection
    ? { kind: "rejected", code: error.code, reason: error.message }
    : { kind: "rejected", code: "malformed-bundle", reason: `verifying the bundle: ${messageOf(error)}` };
}

/**
 * The statement in an envelope, read from the very bytes that the signature is over.
 *
 * @throws {Rejection} `payload-type` before anything is parsed, `malformed-statement`
 */
export function readStatement({ bundle: { content } }: UnprovenEntity): Statement {
  const { payload } = envelopeOf(content);
  return rejectAs("malformed-statement", "reading the signed statement", () => parseStatement(payload));
}

/** @throws {Rejection} `malformed-statement` */
function readMessage(artifact: Uint8Array): Statement {
  return rejectAs("malformed-statement", "reading the signed payload", () => parseSimpleSigning(artifact));
}

function envelopeOf(content: UnprovenEntity["bundle"]["content"]) {
  if (content.$case !== "dsseEnvelope")
    throw new Rejection("payload-type", "the bundle signs bare bytes, and no statement");
  const { payloadType } = content.dsseEnvelope;
  if (payloadType === IN_TOTO) return content.dsseEnvelope;
  throw new Rejection(
    "payload-type",
    `the envelope holds ${JSON.stringify(payloadType.slice(0, 100))} where ${IN_TOTO} belongs`,
  );
}

function verify(bundle: UnverifiedBundle, anchors: TrustAnchors): VerificationOutcome {
  return outcomeOf(bundle, (unproven) => verifySignature(unproven, anchors));
}

/** Reads a bundle, has its signature proven, and answers what it says. */
function outcomeOf(
  bundle: UnverifiedBundle,
  prove: (unproven: UnprovenEntity) => ProvenSignature,
): VerificationOutcome {
  try {
    const { artifact } = bundle;
    const unproven = readSignedEntity(bundle.json, artifact);
    const { content } = unproven.bundle;
    const isMessage = content.$case === "messageSignature" && artifact !== undefined;
    if (isMessage) checkMessageDigest(unproven, artifact);
    else envelopeOf(content);
    const signature = prove(unproven);
    const statement = isMessage ? readMessage(artifact) : readStatement(unproven);
    return { kind: "verified", statement, bundle: bundle.digest, ...signature };
  } catch (error) {
    return reject(error);
  }
}

/** The order of the anchors is part of it: it decides which one a verified statement names. */
function digestAnchors({ roots, keys = [] }: TrustAnchors): Digest {
  const parts = [
    ...roots.map((root) => [root.name, root.digest]),
    ...keys.map((key) => [key.name, key.fingerprint, key.log]),
  ];
  return digestOf(Buffer.from(JSON.stringify(parts)));
}

/**
 * The document itself is hashed beside the digest that it came with: that one is of the bytes as found, which need not be all that
 * the document was made of (old cosign keeps the certificate in annotations), and a name must never fetch another bundle's outcome.
 */
function cacheKey(bundle: UnverifiedBundle, anchors: Digest): { readonly key: Digest; readonly size: number } {
  const text = JSON.stringify(bundle.json) ?? "";
  const { artifact } = bundle;
  // The artifact's digest stands in the document too, but what the document says of it isn't proven yet.
  const parts = [bundle.digest, digestOf(Buffer.from(text)), artifact && digestOf(artifact), anchors, VERIFIER_VERSION];
  return { key: digestOf(Buffer.from(JSON.stringify(parts))), size: text.length + (artifact?.length ?? 0) };
}
