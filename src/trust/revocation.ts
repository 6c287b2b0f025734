import type { Digest } from "../image/digest.ts";
import type { Policy } from "./policy.ts";
import type { VerifiedStatement } from "./ports.ts";

/** Why policy no longer believes these bytes, if it doesn't. */
export function revokedDigest(policy: Policy, digests: readonly Digest[]): string | undefined {
  return policy.revoked.find((entry) => entry.kind === "digest" && digests.includes(entry.digest))?.reason;
}

/** Why policy no longer believes images from this commit, if it doesn't. */
export function revokedCommit(policy: Policy, { identity }: VerifiedStatement): string | undefined {
  if (identity.kind !== "certificate") return undefined;
  const commit = identity.extensions.sourceRepositoryDigest;
  return policy.revoked.find((entry) => entry.kind === "commit" && entry.commit === commit)?.reason;
}

/**
 * Why policy no longer believes this signer at that time, if it doesn't (RULES R12): any overlap of the window with the span from
 * the earliest to the latest proven time revokes, and a statement without a proven time is revoked by any window.
 */
export function revokedIdentity(policy: Policy, { identity, times }: VerifiedStatement): string | undefined {
  const name = identity.kind === "certificate" ? identity.subjectAlternativeName : identity.fingerprint;
  const proven = times.map((time) => time.getTime());
  const [earliest, latest] = [Math.min(...proven), Math.max(...proven)];
  const entry = policy.revoked.find(
    (candidate) =>
      candidate.kind === "identity" &&
      candidate.identity.match(name) !== undefined &&
      (proven.length === 0 ||
        ((candidate.from === undefined || latest >= candidate.from.getTime()) &&
          (candidate.until === undefined || earliest <= candidate.until.getTime()))),
  );
  return entry?.reason;
}

/** Whether policy revokes anything that only the evidence shows, so that even a root has to be looked at. */
export function revokesByEvidence(policy: Policy): boolean {
  return policy.revoked.some((entry) => entry.kind !== "digest");
}
