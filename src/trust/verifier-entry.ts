import { z } from "zod";
import { fingerprintOf } from "../attestation/public-key.ts";
import { buildLevelOf } from "../attestation/vsa.ts";
import { type Digest, isDigest } from "../image/digest.ts";
import { GITHUB_ISSUERS, numericId, publicKeyPem, repositoryUri, signerName } from "./builder-schema.ts";
import { compileGlob } from "./glob.ts";
import type { AcceptedVerifier } from "./policy.ts";

const HOUR_MS = 3_600_000;

/** Whoever signs is the holder of this key. */
export const signerKey = z.strictObject({
  pem: publicKeyPem,
  log: z.enum(["required", "optional"]).default("optional"),
});

/** Whoever signs is named so by a certificate. */
export const signingIdentity = z
  .strictObject({
    issuer: z.url(),
    name: signerName,
    source: repositoryUri.optional(),
    "repository-id": numericId.optional(),
    "owner-id": numericId.optional(),
  })
  .refine(({ issuer, source }) => source !== undefined || !GITHUB_ISSUERS.test(issuer), {
    error: "with GitHub's issuer also source: whoever calls a workflow that can be called gets its name",
    path: ["source"],
  });

/** How old something may be. */
export const maxAge = z.string().regex(/^[1-9][0-9]{0,3}[dh]$/, { error: "days or hours, as 30d or 12h" });

/** An age that {@link maxAge} has taken, in milliseconds. */
export function ageOf(text: string): number {
  return Number.parseInt(text, 10) * (text.endsWith("h") ? 1 : 24) * HOUR_MS;
}

/** An entry of `trust.verifiers`: whose VSA may stand for a walk, and by which policy. All of it is compared as it stands (RULES R28). */
export const verifierEntry = z
  .strictObject({
    id: z.string().min(1).max(4096),
    key: signerKey.optional(),
    identity: signingIdentity.optional(),
    policy: z.string().refine(isDigest, { error: "the digest of the verifier's policy: sha256:…" }),
    "max-age": maxAge,
    minimum: z.string().refine((text) => buildLevelOf(text) !== undefined, {
      error: "SLSA_BUILD_LEVEL_0, SLSA_BUILD_LEVEL_1, SLSA_BUILD_LEVEL_2 or SLSA_BUILD_LEVEL_3",
    }),
  })
  .superRefine(({ key, identity }, context) => {
    if ((key === undefined) === (identity === undefined))
      context.addIssue({ code: "custom", message: "exactly one of key and identity says who signs" });
  });

/** An entry that the schema has taken, as the walk compares with it. */
export function verifierOf(entry: z.output<typeof verifierEntry>, path: string): AcceptedVerifier {
  const { id, policy, minimum, "max-age": age } = entry;
  return {
    path,
    id,
    signer: signerOf(entry, path),
    policy: policy as Digest,
    maxAgeMs: ageOf(age),
    minimum: buildLevelOf(minimum) ?? 3,
  };
}

/** Who an entry says must sign. */
export function signerOf(
  { key, identity }: Pick<z.output<typeof verifierEntry>, "key" | "identity">,
  path: string,
): AcceptedVerifier["signer"] {
  if (key !== undefined) {
    const { pem, log } = key;
    return { kind: "key", key: { name: `${path}.key`, pem, fingerprint: fingerprintOf(pem), log } };
  }
  if (identity === undefined) throw new Error(`${path} names no signer`);
  const { issuer, name, source, "repository-id": repositoryId, "owner-id": ownerId } = identity;
  return { kind: "certificate", issuer, identity: compileGlob(name), source, repositoryId, ownerId };
}
