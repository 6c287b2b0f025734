import { type KeyObject, X509Certificate } from "node:crypto";
import { p256, p384, p521 } from "@noble/curves/nist.js";
import type { UnprovenEntity } from "./signed-entity.ts";

const CURVES = { prime256v1: p256, secp384r1: p384, secp521r1: p521 } as const;

/** The curve of a key that signs hashes; undefined for those that sign only whole messages (Ed25519), or that we don't check so. */
function curveOf(key: KeyObject) {
  const name = key.asymmetricKeyDetails?.namedCurve ?? "";
  return Object.hasOwn(CURVES, name) ? CURVES[name as keyof typeof CURVES] : undefined;
}

/**
 * Verifies an ECDSA signature over a hash that somebody else computed. Node's own verification hashes what it is given, so that a
 * library does it here, and only here: where there are bytes, Node decides.
 *
 * @param hash - Of the signed bytes.
 * @param signature - In DER.
 */
export function verifyPrehashed(key: KeyObject, hash: Uint8Array, signature: Uint8Array): boolean {
  const curve = curveOf(key);
  if (curve === undefined) return false;
  const { x = "", y = "" } = key.export({ format: "jwk" });
  const point = Buffer.concat([Buffer.of(4), Buffer.from(x, "base64url"), Buffer.from(y, "base64url")]);
  try {
    return curve.verify(signature, hash, point, { prehash: false, lowS: false, format: "der" });
  } catch {
    return false;
  }
}

/** The entity with its message signature checked over the hash alone; undefined where the signer's key can't be checked so. */
export function overHash(
  unproven: UnprovenEntity,
  keys: readonly KeyObject[],
  hash: Uint8Array,
): UnprovenEntity | undefined {
  const { entity, certificate } = unproven;
  const signers = certificate === undefined ? keys : [new X509Certificate(certificate).publicKey];
  if (!signers.every((key) => curveOf(key) !== undefined)) return undefined;
  const verify = (key: KeyObject) => verifyPrehashed(key, hash, entity.signature.signature);
  const signature = Object.create(entity.signature, { verifySignature: { value: verify } }) as typeof entity.signature;
  return { ...unproven, entity: { ...entity, signature } };
}
