import { createHash } from "node:crypto";
import type { RepositoryReaders } from "../answer/ports.ts";
import type { GitHubClient } from "./ask.ts";
import { createGitHubClient } from "./client.ts";
import { GitHubError } from "./error.ts";
import { readNumbered } from "./numbered-repository.ts";

/** How long an answer of GitHub's is kept, in milliseconds: for so long somebody who lost access may still be told. */
const KEPT_MS = 5 * 60_000;
/** Most answers that are kept. */
const MAX_KEPT = 10_000;

/**
 * Asks GitHub in the asker's own name. Of a token only its SHA-256 stays here.
 *
 * @param apiUrl - Of the one server that tokens are sent to.
 */
export function createRepositoryReaders(apiUrl: string, now: () => Date): RepositoryReaders {
  const kept = new Map<string, { readonly mayRead: Promise<boolean>; readonly until: number }>();
  return {
    mayRead(token, repositoryIds, question) {
      const time = now().getTime();
      // The repositories too: what is there may have come since, and leave to read one is none to read another.
      const key = hashOf(JSON.stringify([hashOf(token), repositoryIds, question]));
      const known = kept.get(key);
      if (known !== undefined && time < known.until) return known.mayRead;
      const mayRead = askAll(apiUrl, token, repositoryIds);
      kept.delete(key);
      kept.set(key, { mayRead, until: time + KEPT_MS });
      const [oldest] = kept.keys();
      if (kept.size > MAX_KEPT && oldest !== undefined) kept.delete(oldest);
      // Not having been able to ask is no answer.
      mayRead.catch(() => kept.get(key)?.mayRead === mayRead && kept.delete(key));
      return mayRead;
    },
  };
}

/** The first refusal ends it: whoever may read none causes one request, as for what isn't there. */
async function askAll(apiUrl: string, token: string, repositoryIds: readonly string[]): Promise<boolean> {
  const octokit = createGitHubClient(apiUrl, token);
  for (const id of repositoryIds) if ((await readId(octokit, id)) !== id) return false;
  return repositoryIds.length > 0;
}

/** @returns undefined where GitHub shows none. @throws {CouldNotLook} also for limits, which come as refusals. */
async function readId(octokit: GitHubClient, id: string): Promise<string | undefined> {
  try {
    const repository = await readNumbered(octokit, id);
    return String(repository.id);
  } catch (error) {
    const isRefused = error instanceof GitHubError && [401, 403, 404].includes(error.status ?? 0);
    if (isRefused && error.code !== "rate-limited") return undefined;
    throw error;
  }
}

function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
