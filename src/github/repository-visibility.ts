import { z } from "zod";
import type { RepositoryVisibility } from "../answer/ports.ts";
import { ask, type GitHubClient } from "./ask.ts";
import { createGitHubClient } from "./client.ts";
import { GitHubError } from "./error.ts";
import { readNumbered } from "./numbered-repository.ts";

/** How long a repository is taken for public, in milliseconds: what it shows was shown to everyone then. */
const PUBLIC_MS = 24 * 60 * 60_000;
/** And for one that isn't. */
const HIDDEN_MS = 5 * 60_000;
const MAX_KEPT = 10_000;

/** Dots alone would lead to another question. */
const NAMED = /^https?:\/\/[^/]+\/(?!\.{1,2}\/)([\w.-]+)\/(?!\.{1,2}$)([\w.-]+)$/;

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
    async isPublic(repository, repositoryId) {
      const isPrivate = repositoryId === undefined ? undefined : await known.readIsPrivate(repositoryId);
      if (isPrivate !== undefined) return !isPrivate;
      const time = now().getTime();
      const key = repositoryId ?? repository;
      const before = kept.get(key);
      if (before !== undefined && time < before.until) return before.isPublic;
      const isPublic = await (repositoryId === undefined
        ? askByName(octokit, repository)
        : askWhether(octokit, repositoryId));
      kept.delete(key);
      kept.set(key, { isPublic, until: time + (isPublic ? PUBLIC_MS : HIDDEN_MS) });
      const [oldest] = kept.keys();
      if (kept.size > MAX_KEPT && oldest !== undefined) kept.delete(oldest);
      return isPublic;
    },
  };
}

async function askWhether(octokit: GitHubClient, id: string): Promise<boolean> {
  // What isn't a number would be another address.
  if (!/^[1-9][0-9]{0,15}$/.test(id)) return false;
  const found = await unlessHidden(readNumbered(octokit, id));
  return found !== undefined && String(found.id) === id && !found.private;
}

/** Whoever has the name now: where everyone is shown a repository under it, or led on from it, the name is no secret. */
async function askByName(octokit: GitHubClient, repository: string): Promise<boolean> {
  const [, owner, repo] = NAMED.exec(repository) ?? [];
  if (owner === undefined || repo === undefined) return false;
  const question = { asked: `whether everyone may read ${owner}/${repo}` };
  const found = await unlessHidden(
    ask(question, z.object({ private: z.boolean() }), (request) => octokit.rest.repos.get({ owner, repo, request })),
  );
  return found?.private === false;
}

/** A refusal of our own token says nothing of the repository, and is thrown. */
async function unlessHidden<T>(read: Promise<T>): Promise<T | undefined> {
  try {
    return await read;
  } catch (error) {
    if (error instanceof GitHubError && error.code === "not-found-unproven") return undefined;
    throw error;
  }
}
