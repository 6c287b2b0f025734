import { type Digest, digestOf } from "../image/digest.ts";

/** Longest PEM text that is read, in characters: RSA of 8192 bits has 1500. */
const MAX_PEM_LENGTH = 8192;
/** Smallest RSA modulus that is accepted, in bytes (NIST SP 800-131A: 2048 bits). */
const MIN_RSA_BYTES = 256;

/** DER tags (X.690 8.1.2) of what a SubjectPublicKeyInfo is made of. */
const TAG = { sequence: 0x30, integer: 0x02, bitString: 0x03, oid: 0x06 } as const;

/** Algorithms of keys that sign, as their object identifiers are encoded (RFC 5480 2.1.1, RFC 8410 3, RFC 8017 A.1). */
const ALGORITHM = { ec: "2a8648ce3d0201", ed25519: "2b6570", rsa: "2a864886f70d010101" } as const;

/** A key whose holder somebody trusts without a certificate. */
export interface SignerKey {
  /** Where it was named, for people. */
  readonly name: string;
  /** One PEM block PUBLIC KEY. */
  readonly pem: string;
  /** SHA-256 of the key's SubjectPublicKeyInfo: what a `KeyIdentity` is told by. */
  readonly fingerprint: Digest;
  /** Whether a signature counts only with an entry in a trusted log, or without one too, then with no proven time (RULES R12). */
  readonly log: "required" | "optional";
}

/** A text that holds no public key that could be trusted. */
export class PublicKeyError extends Error {
  readonly code = "malformed-key";
}

/**
 * The fingerprint of one public key in PEM: SHA-256 of its SubjectPublicKeyInfo (RFC 5280 4.1.2.7).
 *
 * Only the form is read here, and what can be seen of the key's strength; whether it is a point of its curve, the verifier finds out.
 *
 * @throws {PublicKeyError} also on a private key or a certificate: the public half alone says whom somebody trusts.
 */
export function fingerprintOf(pem: string): Digest {
  const body = /^\s*-----BEGIN PUBLIC KEY-----([A-Za-z0-9+/=\s]+)-----END PUBLIC KEY-----\s*$/.exec(pem)?.[1];
  if (body === undefined || pem.length > MAX_PEM_LENGTH)
    throw new PublicKeyError("not one PEM block PUBLIC KEY; give the public half alone");
  const base64 = body.replace(/\s+/g, "");
  const der = Buffer.from(base64, "base64");
  // Readers forgive what isn't base64, each in its own way: one text, one key.
  if (der.toString("base64") !== base64) throw new PublicKeyError("its base64 isn't whole; write the key out anew");
  try {
    checkStrength(der);
  } catch (cause) {
    throw new PublicKeyError(`${(cause as Error).message}; give an EC, Ed25519 or RSA key of 2048 bits or more`, {
      cause,
    });
  }
  return digestOf(der);
}

function checkStrength(der: Uint8Array): void {
  const [algorithm, key, ...rest] = elementsOf(only(der, TAG.sequence));
  if (algorithm?.tag !== TAG.sequence || key?.tag !== TAG.bitString || rest.length > 0)
    throw new Error("not a SubjectPublicKeyInfo");
  const [oid] = elementsOf(algorithm.content);
  switch (oid?.tag === TAG.oid ? Buffer.from(oid.content).toString("hex") : "") {
    case ALGORITHM.ec:
    case ALGORITHM.ed25519:
      return;
    case ALGORITHM.rsa: {
      // The first octet counts unused bits.
      const [modulus] = elementsOf(only(key.content.subarray(1), TAG.sequence));
      const digits = modulus?.tag === TAG.integer ? modulus.content.findIndex((byte) => byte !== 0) : -1;
      if (modulus === undefined || digits < 0 || modulus.content.length - digits < MIN_RSA_BYTES)
        throw new Error("an RSA key that is too short");
      return;
    }
    default:
      throw new Error("a key of a kind that isn't used for signing here");
  }
}

interface Element {
  readonly tag: number;
  readonly content: Uint8Array;
}

function only(bytes: Uint8Array, tag: number): Uint8Array {
  const [element, ...rest] = elementsOf(bytes);
  if (element?.tag !== tag || rest.length > 0) throw new Error("not a SubjectPublicKeyInfo");
  return element.content;
}

/** Elements side by side, with definite lengths in their shortest form (X.690 10.1). */
function elementsOf(bytes: Uint8Array): readonly Element[] {
  const elements: Element[] = [];
  for (let at = 0; at < bytes.length; ) {
    const [tag = 0, first = 0] = bytes.subarray(at, at + 2);
    const octets = first < 0x80 ? 0 : first & 0x7f;
    const written = bytes.subarray(at + 2, at + 2 + octets);
    const length = octets === 0 ? first : written.reduce((sum, byte) => sum * 256 + byte, 0);
    const start = at + 2 + octets;
    const isShortest = octets === 0 ? first < 0x80 : length >= (octets === 1 ? 0x80 : 256 ** (octets - 1));
    if (octets > 3 || !isShortest || start + length > bytes.length) throw new Error("not DER");
    elements.push({ tag, content: bytes.subarray(start, start + length) });
    at = start + length;
  }
  return elements;
}
