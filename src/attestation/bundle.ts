import type { Digest } from "../image/digest.ts";

/** A Sigstore bundle as it was found: read in one way only, and nothing in it believed. */
export interface UnverifiedBundle {
  readonly kind: "bundle";
  /** SHA-256 of the bytes as found: what caches and evidence call it by. */
  readonly digest: Digest;
  /** The document, for the verifier. */
  readonly json: unknown;
}
