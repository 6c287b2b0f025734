import { createHash } from "node:crypto";

/** The algorithms that a verdict may rest on (RULES R13). */
export type DigestAlgorithm = "sha256" | "sha384" | "sha512";

declare const digest: unique symbol;

/**
 * The address of some bytes: `algorithm:hex`, lower case, of the algorithm's exact length.
 *
 * @see OCI image-spec, descriptor.md, "Digests"
 */
export type Digest = string & { readonly [digest]: true };

/** Lengths in hexadecimal digits. */
const HEX_LENGTH: Readonly<Record<DigestAlgorithm, number>> = { sha256: 64, sha384: 96, sha512: 128 };

/** A text that is no digest we could compute: another algorithm, another length, upper case. */
export class DigestError extends Error {
  readonly code = "malformed-digest";
}

/** Whether the text names an algorithm that we compute. */
export function isDigestAlgorithm(text: string): text is DigestAlgorithm {
  return Object.hasOwn(HEX_LENGTH, text);
}

/** Whether the text is a well-formed digest. */
export function isDigest(text: string): text is Digest {
  const colon = text.indexOf(":");
  const algorithm = text.slice(0, colon);
  if (colon < 0 || !isDigestAlgorithm(algorithm)) return false;
  const hex = text.slice(colon + 1);
  return hex.length === HEX_LENGTH[algorithm] && /^[0-9a-f]+$/.test(hex);
}

/** @throws {DigestError} if the text is not a well-formed digest. */
export function parseDigest(text: string): Digest {
  if (isDigest(text)) return text;
  throw new DigestError(`not a digest (sha256, sha384 or sha512 and lower-case hexadecimal): ${text.slice(0, 160)}`);
}

/** The digest of these bytes. */
export function digestOf(bytes: Uint8Array, algorithm: DigestAlgorithm = "sha256"): Digest {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest("hex")}` as Digest;
}

/** The digests of these bytes by every algorithm that we compute. */
export function digestsOf(bytes: Uint8Array): readonly Digest[] {
  return (["sha256", "sha384", "sha512"] as const).map((algorithm) => digestOf(bytes, algorithm));
}

/** The part before the colon. */
export function algorithmOf(digest: Digest): DigestAlgorithm {
  return digest.slice(0, digest.indexOf(":")) as DigestAlgorithm;
}

/** The part after the colon. */
export function hexOf(digest: Digest): string {
  return digest.slice(digest.indexOf(":") + 1);
}
