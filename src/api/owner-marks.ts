import type { Answer } from "../answer/answer.ts";
import type { OwnerVerdict } from "../answer/ports.ts";
import type { OwnerMark } from "./answer-form.ts";

/**
 * What owners say of an image by their own policy. Any repository can build an image under any name, and judge it as it likes: only those
 * count whose numeric id an accepted statement on this image carries (RULES R3). Of several none wins.
 */
export function ownerMarks({ facts }: Pick<Answer, "facts">, said: readonly OwnerVerdict[]): readonly OwnerMark[] {
  const proven = new Set(facts.sources.map(({ repositoryId }) => repositoryId));
  return said
    .filter(({ repositoryId }) => proven.has(String(repositoryId)))
    .map(({ repositoryId, ownerId, fullName, outcome, conclusion, asOf, policyUri, policyCommit }) => ({
      repository: fullName,
      repositoryId: String(repositoryId),
      ownerId: String(ownerId),
      verdict: outcome,
      asOf: asOf.toISOString(),
      conclusion: conclusion ?? null,
      policy: { uri: policyUri, commit: policyCommit },
    }));
}
