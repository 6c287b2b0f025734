import { type SignedEntity, VerificationError, Verifier } from "@sigstore/verify";
import type { SignerIdentity } from "../attestation/identity.ts";
import type { RejectionCode } from "../trust/ports.ts";
import { readCertificateIdentity } from "./certificate-identity.ts";
import { proveCertificateSigned, proveKeySigned } from "./direct-proof.ts";
import { checkLogEntries, INTOTO_001 } from "./log-entry.ts";
import { messageOf, Rejection } from "./rejection.ts";
import type { UnprovenEntity } from "./signed-entity.ts";
import type { TrustedKey } from "./trusted-key.ts";
import type { TrustedRootProfile } from "./trusted-root.ts";

/** Whom a verifier starts from. */
export interface TrustAnchors {
  /** Tried one at a time; what one asks never stands for what another asks. */
  readonly roots: readonly TrustedRootProfile[];
  readonly keys?: readonly TrustedKey[];
}

/** Who signed and when, under which anchor. The content is that of the entity it was made from. */
export interface ProvenSignature {
  readonly identity: SignerIdentity;
  readonly times: readonly Date[];
  /** The name of the root, of the key, or of both. */
  readonly trustedRoot: string;
}

/** The order of the checks: of several roots' refusals the one that came furthest is the one worth telling. */
const ORDER: readonly RejectionCode[] = ["key", "timestamp", "certificate", "sct", "log-entry", "signature"];

/**
 * Verifies the signature of an entity under the first anchor that accepts it.
 *
 * @throws {Rejection} of the anchor whose own authority issued the certificate, and among those of the one that came furthest.
 */
export function verifySignature(unproven: UnprovenEntity, { roots, keys = [] }: TrustAnchors): ProvenSignature {
  const attempts =
    unproven.certificate !== undefined
      ? roots.map((root) => () => verifyCertificateSigned(unproven, root))
      : keys.flatMap((key) => [
          ...roots.map((root) => () => verifyKeySigned(unproven, key, root)),
          ...(key.log === "optional"
            ? [...roots.map((root) => () => verifyKeyStamped(unproven, key, root)), () => verifyKeyAlone(unproven, key)]
            : []),
        ]);
  let furthest: Rejection | undefined;
  for (const attempt of attempts) {
    try {
      return attempt();
    } catch (error) {
      if (!(error instanceof Rejection)) throw error;
      if (furthest === undefined || progressOf(error) > progressOf(furthest)) furthest = error;
    }
  }
  throw furthest ?? noAnchor(unproven.entity);
}

/**
 * The short way, where it proves the bundle. Where it doesn't, the library has the last word, and tells which check failed; but for
 * entries that only the short way knows.
 */
function proveShortly<T>({ bundle }: UnprovenEntity, prove: () => T): T | undefined {
  // A message signature is checked by an entity that may have been replaced (over a hash alone).
  if (bundle.content.$case !== "dsseEnvelope") return undefined;
  try {
    return prove();
  } catch (error) {
    const kinds = bundle.verificationMaterial.tlogEntries.map(({ kindVersion }) => kindVersion);
    if (kinds.some((each) => `${each?.kind}/${each?.version}` === INTOTO_001)) throw error;
    return undefined;
  }
}

function verifyCertificateSigned(unproven: UnprovenEntity, root: TrustedRootProfile): ProvenSignature {
  const { bundle, certificate } = unproven;
  if (certificate === undefined) throw noAnchor(unproven.entity);
  const proven = proveShortly(unproven, () => proveCertificateSigned(bundle, certificate, root));
  if (proven !== undefined) return { ...proven, trustedRoot: root.name };
  const { entity } = unproven;
  const { key, tlogEntries } = entity;
  if (key.$case !== "certificate") throw noAnchor(entity);
  const leaf = key.certificate;
  // Necessary for any chain (RFC 5280 6.1.3), and cheap: foreign bundles cost no signature check.
  const isIssuer = root.material.certificateAuthorities.some(({ certChain }) =>
    certChain.some((authority) => authority.subject.equals(leaf.issuer)),
  );
  if (!isIssuer) throw new Foreign("certificate", `no authority of ${root.name} issued the certificate`);

  const { tlog, ctlog } = root.thresholds;
  // Some proven time always: a certificate is good for minutes. Where there are no logs, only an authority's token can prove one.
  const verifier = new Verifier(root.material, { tlogThreshold: tlog, ctlogThreshold: ctlog, timestampThreshold: 1 });
  runVerifier(verifier, entity, root.name);
  const times = provenTimes(entity);
  checkLogEntries(tlogEntries, { kind: "certificate", rawBytes: certificate }, times, root.material.tlogs);
  return { identity: readCertificateIdentity(leaf), times, trustedRoot: root.name };
}

function verifyKeySigned(unproven: UnprovenEntity, key: TrustedKey, root: TrustedRootProfile): ProvenSignature {
  const { publicKey, fingerprint } = key;
  // What such a root asks of certificates, a timestamp, is another profile's: it says nothing of a log.
  if (key.log === "required" && root.thresholds.tlog === 0)
    throw new Rejection("log-entry", `a log entry is asked of ${key.name}, and ${root.name} has no log`);
  const trustedRoot = `${key.name} with ${root.name}`;
  const proven = proveShortly(unproven, () => proveKeySigned(unproven.bundle, publicKey, root));
  if (proven !== undefined) return { identity: { kind: "key", fingerprint }, times: proven, trustedRoot };
  const { entity } = unproven;
  const material = { ...root.material, publicKey: () => ({ publicKey, validFor: () => true }) };
  // A key does not expire in minutes, so that no time is asked for; what there is must verify.
  const verifier = new Verifier(material, {
    tlogThreshold: root.thresholds.tlog,
    ctlogThreshold: 0,
    timestampThreshold: 0,
  });
  runVerifier(verifier, entity, trustedRoot);
  const times = provenTimes(entity);
  checkLogEntries(entity.tlogEntries, { kind: "key", publicKey }, times, root.material.tlogs);
  return { identity: { kind: "key", fingerprint }, times, trustedRoot };
}

/** For a key of which no log is asked: an authority's timestamp proves the time by itself. What else there is must verify too. */
function verifyKeyStamped({ entity }: UnprovenEntity, key: TrustedKey, root: TrustedRootProfile): ProvenSignature {
  const { publicKey, fingerprint } = key;
  const material = { ...root.material, publicKey: () => ({ publicKey, validFor: () => true }) };
  const trustedRoot = `${key.name} with ${root.name}`;
  runVerifier(
    new Verifier(material, { tlogThreshold: 0, ctlogThreshold: 0, timestampThreshold: 1 }),
    entity,
    trustedRoot,
  );
  const times = provenTimes(entity);
  checkLogEntries(entity.tlogEntries, { kind: "key", publicKey }, times, root.material.tlogs);
  return { identity: { kind: "key", fingerprint }, times, trustedRoot };
}

/** The signature and nothing else. Log entries and timestamps that no root proves are worth what their absence is: no time. */
function verifyKeyAlone({ entity }: UnprovenEntity, { name, publicKey, fingerprint }: TrustedKey): ProvenSignature {
  let fits = false;
  try {
    fits = entity.signature.verifySignature(publicKey);
  } catch (cause) {
    throw new Rejection("signature", `verifying the signature with ${name}: ${messageOf(cause)}`, { cause });
  }
  if (!fits) throw new Rejection("signature", `verifying the signature with ${name}: it does not fit the content`);
  return { identity: { kind: "key", fingerprint }, times: [], trustedRoot: name };
}

/** Runs the library, and tells by what it reached for last which check an exception without a code came out of. */
function runVerifier(verifier: Verifier, entity: SignedEntity, anchor: string): void {
  let stage: RejectionCode = "timestamp";
  const { signature } = entity;
  const watched: SignedEntity = {
    get timestamps() {
      stage = "timestamp";
      return entity.timestamps;
    },
    get key() {
      stage = entity.key.$case === "certificate" ? "certificate" : "key";
      return entity.key;
    },
    get tlogEntries() {
      stage = "log-entry";
      return entity.tlogEntries;
    },
    get signature() {
      return signature;
    },
  };
  try {
    verifier.verify(watched);
  } catch (cause) {
    const code = codeOf(cause, stage);
    throw new Rejection(code, `verifying the ${code} under ${anchor}: ${messageOf(cause)}`, { cause });
  }
}

function codeOf(error: unknown, stage: RejectionCode): RejectionCode {
  // The library gives promises of certificate transparency the code of certificates; SCTs are the last that it checks of one.
  if (stage === "certificate" && /\bSCTs?\b/.test(messageOf(error))) return "sct";
  if (error instanceof VerificationError && error.code === "SIGNATURE_ERROR") return "signature";
  return stage;
}

/**
 * The times that the verifier has proven: it checks each timestamp token, and the promise of each entry that has one, over its
 * time. An entry's `integratedTime` without a promise is nobody's word.
 *
 * @param entity - Verified: before that, these are claims.
 */
function provenTimes(entity: SignedEntity): readonly Date[] {
  const times: Date[] = [];
  for (const time of entity.timestamps) {
    switch (time.$case) {
      case "timestamp-authority":
        times.push(time.timestamp.signingTime);
        break;
      case "transparency-log":
        if (time.tlogEntry.inclusionPromise !== undefined) {
          times.push(new Date(Number(time.tlogEntry.integratedTime) * 1000));
        }
        break;
    }
  }
  return times;
}

/** What is simply not this anchor's business. */
class Foreign extends Rejection {}

function progressOf(rejection: Rejection): number {
  if (rejection instanceof Foreign) return -1;
  const place = ORDER.indexOf(rejection.code);
  return place < 0 ? ORDER.length : place;
}

function noAnchor({ key }: SignedEntity): Rejection {
  return key.$case === "certificate"
    ? new Rejection("certificate", "the bundle is signed with a certificate, and no trusted root is given")
    : new Rejection(
        "key",
        `the bundle is signed with a key, and none was given for ${JSON.stringify(key.hint.slice(0, 100))}`,
      );
}
