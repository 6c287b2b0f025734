import type { UnverifiedBundle } from "../attestation/bundle.ts";
import { type Statement, subjectCovers } from "../attestation/statement.ts";
import { algorithmOf, type Digest, digestOf, hexOf } from "../image/digest.ts";
import type { RejectionCode } from "../trust/ports.ts";
import { checkMessageDigest } from "./message-digest.ts";
import { overHash } from "./prehashed.ts";
import { readSignedEntity, type UnprovenEntity } from "./signed-entity.ts";
import { type ProvenSignature, type TrustAnchors, verifySignature } from "./verification.ts";
import { readStatement, reject } from "./verifier.ts";

/** What a bundle is held against: some bytes, or only the digest of them. */
export type Artifact =
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  | { readonly kind: "digest"; readonly digest: Digest };

/** Whether a bundle is a signature of an artifact. Whose signature is not compared with anything here. */
export type ArtifactOutcome =
  | ({ readonly kind: "verified" } & ProvenSignature)
  | {
      readonly kind: "rejected";
      /** `subject`: signed as it should be, and about something else. */
      readonly code: RejectionCode | "subject";
      readonly reason: string;
    }
  /** It could not be decided: a signature over bare bytes was to be checked, and the bytes were not given. */
  | { readonly kind: "bytes-needed"; readonly reason: string };

/**
 * Verifies that a bundle signs an artifact: by a message signature over its bytes, or by a statement with it among the subjects
 * (RULES R13). Never throws.
 */
export function verifyArtifact(bundle: UnverifiedBundle, artifact: Artifact, anchors: TrustAnchors): ArtifactOutcome {
  try {
    const unproven = readSignedEntity(bundle.json, artifact.kind === "bytes" ? artifact.bytes : undefined);
    switch (unproven.bundle.content.$case) {
      case "dsseEnvelope":
        return verifyStatementOf(unproven, artifact, anchors);
      case "messageSignature":
        return verifyMessage(unproven, artifact, anchors);
    }
  } catch (error) {
    return reject(error);
  }
}

function verifyStatementOf(unproven: UnprovenEntity, artifact: Artifact, anchors: TrustAnchors): ArtifactOutcome {
  const signature = verifySignature(unproven, anchors);
  if (isAbout(readStatement(unproven), artifact)) return { kind: "verified", ...signature };
  return {
    kind: "rejected",
    code: "subject",
    reason: "the signed statement is about something else: no subject has the artifact's digests",
  };
}

function verifyMessage(unproven: UnprovenEntity, artifact: Artifact, anchors: TrustAnchors): ArtifactOutcome {
  checkMessageDigest(unproven, artifact.kind === "digest" ? artifact.digest : artifact.bytes);
  if (artifact.kind === "bytes") return { kind: "verified", ...verifySignature(unproven, anchors) };
  const keys = (anchors.keys ?? []).map(({ publicKey }) => publicKey);
  const overDigest = overHash(unproven, keys, Buffer.from(hexOf(artifact.digest), "hex"));
  if (overDigest !== undefined) return { kind: "verified", ...verifySignature(overDigest, anchors) };
  return {
    kind: "bytes-needed",
    reason: "this kind of key signs the artifact's bytes, and only their digest is given; give the file",
  };
}

function isAbout(statement: Statement, artifact: Artifact): boolean {
  switch (artifact.kind) {
    case "bytes":
      return subjectCovers(statement, (algorithm) => hexOf(digestOf(artifact.bytes, algorithm)));
    case "digest": {
      // Of an artifact known by one digest only that algorithm can be compared: the others say nothing for it, nor against it.
      const algorithm = algorithmOf(artifact.digest);
      const comparable = statement.subject.flatMap(({ digest }) =>
        Object.hasOwn(digest, algorithm) ? [{ digest: { [algorithm]: digest[algorithm] ?? "" } }] : [],
      );
      return subjectCovers({ ...statement, subject: comparable }, () => hexOf(artifact.digest));
    }
  }
}
