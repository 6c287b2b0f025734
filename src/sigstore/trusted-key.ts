import { createPublicKey, type KeyObject } from "node:crypto";
import type { SignerKey } from "../attestation/public-key.ts";
import { type Digest, digestOf } from "../image/digest.ts";
import { messageOf } from "./rejection.ts";

/** Smallest RSA modulus that is accepted, in bits (NIST SP 800-131A). */
const MIN_RSA_BITS = 2048;

/** A key that someone who may say so trusts by itself, without a certificate. */
export interface TrustedKey {
  /** For people. */
  readonly name: string;
  /** SHA-256 of the key's SubjectPublicKeyInfo: what a `KeyIdentity` is told by. */
  readonly fingerprint: Digest;
  readonly publicKey: KeyObject;
  /**
   * `required`: a signature counts only with what the trusted root asks of everyone, an entry in its logs. `optional`: log entries
   * and timestamps that verify give it times, and without them it counts all the same, with none (RULES R12).
   */
  readonly log: "required" | "optional";
}

/** A file that holds no public key that could be trusted. */
export class TrustedKeyError extends Error {
  readonly code = "malformed-key";
}

/**
 * Reads one public key in PEM.
 *
 * @param name - The file's name, or what else people know it by.
 * @throws {TrustedKeyError} also on a private key or a certificate, which node would turn into a public key without a word.
 */
export function parseTrustedKey(pem: string, name: string, log: TrustedKey["log"]): TrustedKey {
  if (!/^\s*-----BEGIN PUBLIC KEY-----[A-Za-z0-9+/=\s]+-----END PUBLIC KEY-----\s*$/.test(pem)) {
    throw new TrustedKeyError(`read public key ${name}: not one PEM block PUBLIC KEY; give the public half alone`);
  }
  let publicKey: KeyObject;
  try {
    publicKey = createPublicKey(pem);
  } catch (cause) {
    throw new TrustedKeyError(`read public key ${name}: ${messageOf(cause)}; write it out anew`, { cause });
  }
  if (!isStrong(publicKey)) {
    throw new TrustedKeyError(
      `read public key ${name}: neither EC, Ed25519 nor RSA of ${MIN_RSA_BITS} bits; use another key`,
    );
  }
  return { name, fingerprint: digestOf(publicKey.export({ format: "der", type: "spki" })), publicKey, log };
}

/**
 * A policy's key, ready to verify with.
 *
 * @throws {TrustedKeyError} also where the library reads another key in the text than policy did.
 */
export function trustedKeyOf({ pem, name, fingerprint, log }: SignerKey): TrustedKey {
  const key = parseTrustedKey(pem, name, log);
  if (key.fingerprint !== fingerprint)
    throw new TrustedKeyError(`read public key ${name}: its encoding has another form; write it out anew`);
  return key;
}

function isStrong({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): boolean {
  switch (asymmetricKeyType) {
    case "ec":
    case "ed25519":
      return true;
    case "rsa":
      return (asymmetricKeyDetails?.modulusLength ?? 0) >= MIN_RSA_BITS;
    default:
      return false;
  }
}
