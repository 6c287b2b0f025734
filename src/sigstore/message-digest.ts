import { type Digest, type DigestAlgorithm, digestOf, hexOf } from "../image/digest.ts";
import { Rejection } from "./rejection.ts";
import type { UnprovenEntity } from "./signed-entity.ts";

const ALGORITHMS: readonly DigestAlgorithm[] = ["sha256", "sha384", "sha512"];

/**
 * The library holds the log entry against the digest that the bundle states, and the signature against the bytes: this ties the two.
 *
 * @param artifact - What the message signature is said to be over: its bytes, or their digest where nothing else is known.
 * @throws {Rejection} `signature`
 */
export function checkMessageDigest({ bundle: { content } }: UnprovenEntity, artifact: Uint8Array | Digest): void {
  if (content.$case !== "messageSignature") return;
  const { digest } = content.messageSignature.messageDigest;
  const digests =
    typeof artifact === "string" ? [artifact] : ALGORITHMS.map((algorithm) => digestOf(artifact, algorithm));
  if (!digests.some((each) => hexOf(each) === digest.toString("hex"))) {
    throw new Rejection("signature", "the digest in the bundle is not the artifact's");
  }
}
