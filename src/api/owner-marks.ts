import type { Answer } from "../answer/answer.ts";
import type { OwnerVerdict } from "../answer/ports.ts";
import type { OwnerMark } from "./answer-form.ts";

/**
 * What owners say of an image by their own policy. Any repository can build an image under any name, and judge it as it likes: only those
 * count whose numeric id an accepted statement on this image carries (RULES R3). Of several none wins.
 *
 * @param server - The GitHub server whose numbers they are: another forge's mean other repositories.
 */
export function ownerMarks(
  { facts }: Pick<Answer, "facts">,
  said: readonly OwnerVerdict[],
  server: string,
): readonly OwnerMark[] {
  const ours = facts.sources.filter(({ repository }) => repository.startsWith(`${server}/`));
  const proven = new Set(ours.map(({ repositoryId }) => repositoryId));
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
