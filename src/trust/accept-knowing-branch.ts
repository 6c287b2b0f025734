import type { AcceptedStatement, Refused } from "./accepted.ts";
import type { FoundStatement } from "./evidence.ts";
import { CouldNotLook, type DefaultBranches } from "./ports.ts";

/**
 * Policy's answer to a statement that may depend on which branch is the default one. Nobody is asked for it unless the answer does.
 *
 * @param failures - Takes up why it isn't known.
 * @param accept - The answer; first without knowing.
 */
export async function acceptKnowingBranch(
  defaultBranches: DefaultBranches | undefined,
  { verified: { identity } }: FoundStatement,
  failures: CouldNotLook[],
  accept: (isDefaultBranch?: boolean) => AcceptedStatement | Refused,
): Promise<AcceptedStatement | Refused> {
  const first = accept();
  if (
    first.kind !== "refusal" ||
    first.code !== "default-branch-unknown" ||
    identity.kind !== "certificate" ||
    defaultBranches === undefined
  )
    return first;
  try {
    const branch = await defaultBranches.readDefaultBranch(identity.extensions);
    return accept(branch !== undefined && identity.extensions.sourceRepositoryRef === `refs/heads/${branch}`);
  } catch (error) {
    if (!(error instanceof CouldNotLook)) throw error;
    failures.push(error);
    return first;
  }
}
