import { z } from "zod";
import type { Repository } from "../build/build.ts";
import { ask, type GitHubClient } from "./ask.ts";
import { GitHubError, quote } from "./error.ts";

/** A repository as GitHub's answers have it, as far as it is used. */
export const repositoryAnswer = z.object({
  id: z.int().positive(),
  name: z.string().min(1),
  private: z.boolean(),
  default_branch: z.string().min(1),
  owner: z.object({ id: z.int().positive(), login: z.string().min(1) }),
});

/** `owner/name`, for messages. */
export function fullName({ owner, name }: Pick<Repository, "owner" | "name">): string {
  return `${owner}/${name}`;
}

/**
 * Reads a repository by its name and makes sure that it is the one with the numbers that we know: names change hands
 * (RULES R8). It is also the proof that the repository isn't hidden from us.
 * @throws {GitHubError}
 */
export async function proveRepository(
  octokit: GitHubClient,
  repository: Repository,
): Promise<{ readonly defaultBranch: string }> {
  const name = fullName(repository);
  const { id, owner, default_branch } = await ask(
    { asked: `for the repository ${name}`, repository: name, needs: "metadata: read" },
    repositoryAnswer,
    (request) => octokit.rest.repos.get({ owner: repository.owner, repo: repository.name, request }),
  );
  if (id !== repository.id) {
    throw new GitHubError(
      "not-found-unproven",
      `asked GitHub for the repository ${name} with the id ${repository.id}: that name belongs to another repository now, with the id ${id}; nothing of it counts here: install the app where the repository is now`,
    );
  }
  if (owner.id !== repository.ownerId) {
    throw new GitHubError(
      "not-found-unproven",
      `asked GitHub for the repository ${name} of the owner with the id ${repository.ownerId}: it belongs to ${quote(owner.login)} now, with the id ${owner.id}; install the app there`,
    );
  }
  return { defaultBranch: default_branch };
}
