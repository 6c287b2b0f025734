import type { RepositoryVisibility } from "../answer/ports.ts";
import { createGitHubClient } from "./client.ts";
import { GitHubError } from "./error.ts";
import { readNumbered } from "./numbered-repository.ts";

/** How long a repository is taken for public, in milliseconds: what it shows was shown to everyone then. */
const PUBLIC_MS = 24 * 60 * 60_000;
/** And for one that isn't. */
const HIDDEN_MS = 5 * 60_000;
const MAX_KEPT = 10_000;

/** What is known here of repositories, before anybody is asked. */
export interface KnownRepositories {
  /** @returns undefined where the app isn't installed on it. */
  readIsPrivate(repositoryId: string): Promise<boolean | undefined>;
}

/** Whom to ask. */
export interface VisibilityOptions {
  readonly apiUrl: string;
  /** Of no permissions: it raises GitHub's limit and must show nothing that everyone can't see. */
  readonly token: string | undefined;
  now(): Date;
}

/** Asks GitHub as anybody may. A repository that says itself that it is private isn't public, whoever was shown it. */
export function createRepositoryVisibility(
  known: KnownRepositories,
  { apiUrl, token, now }: VisibilityOptions,
): RepositoryVisibility {
  const kept = new Map<string, { readonly isPublic: boolean; readonly until: number }>();
  const octokit = createGitHubClient(apiUrl, token);
  return {
    async isPublic(_, repositoryId) {
      const isPrivate = await known.readIsPrivate(repositoryId);
      if (isPrivate !== undefined) return !isPrivate;
      const time = now().getTime();
      const before = kept.get(repositoryId);
      if (before !== undefined && time < before.until) return before.isPublic;
      const isPublic = await askWhether(octokit, repositoryId);
      kept.delete(repositoryId);
      kept.set(repositoryId, { isPublic, until: time + (isPublic ? PUBLIC_MS : HIDDEN_MS) });
      const [oldest] = kept.keys();
      if (kept.size > MAX_KEPT && oldest !== undefined) kept.delete(oldest);
      return isPublic;
    },
  };
}

async function askWhether(octokit: ReturnType<typeof createGitHubClient>, id: string): Promise<boolean> {
  // What isn't a number would be another address.
  if (!/^[1-9][0-9]{0,15}$/.test(id)) return false;
  try {
    const repository = await readNumbered(octokit, id);
    return String(repository.id) === id && !repository.private;
  } catch (error) {
    // A refusal of our own token says nothing of the repository.
    if (error instanceof GitHubError && error.code === "not-found-unproven") return false;
    throw error;
  }
}
