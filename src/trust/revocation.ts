import { claimsOf, type SignerIdentity, signerName } from "../attestation/identity.ts";
import type { Provenance } from "../attestation/provenance.ts";
import type { Digest } from "../image/digest.ts";
import type { Policy, Revocation, RevokedTime } from "./policy.ts";
import type { VerifiedStatement } from "./ports.ts";
import { foldCase } from "./repository-uri.ts";

/**
 * Why policy no longer believes these bytes, if it doesn't.
 *
 * @param digests - Under every algorithm that policy could name them by: who asks by SHA-512 must not get past a revoked SHA-256.
 */
export function revokedDigest(policy: Policy, digests: readonly Digest[]): string | undefined {
  return policy.revoked.find((entry) => entry.kind === "digest" && digests.includes(entry.digest))?.reason;
}

/** Why policy no longer believes images from the commit that a signer's certificate names, if it doesn't. */
export function revokedCommit(policy: Policy, { identity }: VerifiedStatement): string | undefined {
  return revokedIn(policy, [claimsOf(identity).sourceRepositoryDigest]);
}

/** The same of the commit that the provenance itself was built from: where a key signs, no certificate names any. */
export function revokedSource(policy: Policy, { source }: Pick<Provenance, "source">): string | undefined {
  return revokedIn(policy, Object.values(source?.digest ?? {}));
}

function revokedIn({ revoked }: Policy, commits: readonly (string | undefined)[]): string | undefined {
  return revoked.find((entry) => entry.kind === "commit" && commits.includes(entry.commit))?.reason;
}

/**
 * Why policy no longer believes this signer, or the workflow that it ran as, at that time, if it doesn't (RULES R12): any overlap of the
 * window with the span from the earliest to the latest proven time revokes, and a statement without a proven time is revoked by any
 * window.
 *
 * Letters are compared without case: GitHub's names have none, and spelling a repository anew must not undo a revocation.
 */
export function revokedIdentity(policy: Policy, { identity, times }: VerifiedStatement): string | undefined {
  return policy.revoked.find((entry) => isOf(entry, identity) && overlaps(entry, times))?.reason;
}

function isOf(entry: Revocation, identity: SignerIdentity): entry is Revocation & RevokedTime {
  switch (entry.kind) {
    case "digest":
    case "commit":
      return false;
    case "identity":
      return entry.identity.match(foldCase(signerName(identity))) !== undefined;
    case "builder": {
      const { buildSignerUri = "", buildSignerDigest } = claimsOf(identity);
      const { builder, workflowDigest } = entry;
      // A certificate that doesn't say at which commit may be of the revoked one.
      const isAtCommit =
        workflowDigest === undefined || buildSignerDigest === undefined || workflowDigest === buildSignerDigest;
      return isAtCommit && builder.match(foldCase(buildSignerUri).replace(/^https?:\/\/[^/]+\//, "")) !== undefined;
    }
  }
}

function overlaps({ from, until }: RevokedTime, times: readonly Date[]): boolean {
  const proven = times.map((time) => time.getTime());
  const [earliest, latest] = [Math.min(...proven), Math.max(...proven)];
  // Asked this way round, a time that is no time revokes.
  const isBefore = from !== undefined && latest < from.getTime();
  const isAfter = until !== undefined && earliest > until.getTime();
  return proven.length === 0 || !(isBefore || isAfter);
}

/** Whether policy revokes anything that only the evidence shows, so that even a root has to be looked at. */
export function revokesByEvidence(policy: Policy): boolean {
  return policy.revoked.some((entry) => entry.kind !== "digest");
}
