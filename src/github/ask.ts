import type { Octokit } from "@octokit/rest";
import type { z } from "zod";
import { BeyondLimit } from "../trust/ports.ts";
import { GitHubError, githubError, type Question } from "./error.ts";
import { limitedFetch } from "./limited-fetch.ts";

/** How long GitHub may take to answer one request, in milliseconds (DESIGN §7). */
const REQUEST_MS = 15_000;

/** Most pages of a list that are read. */
const MAX_PAGES = 100;

/** Entries on a page: the most that GitHub gives. */
export const PAGE = 100;

/**
 * The part of an Octokit that the adapters use; Probot's has it too. Its base URL and its authentication are its own.
 * One that waits out rate limits by itself hides them from us: it should tell them instead (`onRateLimit` answers false).
 */
export type GitHubClient = Pick<Octokit, "rest" | "request">;

/** Who speaks to GitHub: one installation, with a token that isn't narrowed to single repositories, or the app itself. */
export interface Clients {
  readonly octokitFor: (installation: number) => Promise<GitHubClient>;
  readonly appOctokit: () => Promise<GitHubClient>;
}

/** Passed with every call: when it ends, how much is read, and that nothing is repeated behind our back. */
export interface RequestOptions {
  readonly signal: AbortSignal;
  /** A write whose answer got lost may have been made: whoever asked looks before it is made again. */
  readonly retries: 0;
  /** Reads to a limit. */
  readonly fetch: typeof fetch;
}

/** What came back, not yet parsed. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | number | undefined>>;
  readonly data: unknown;
}

/** When to give up. */
export interface Limits {
  readonly timeoutMs?: number;
  /** Ends it too: a walk's own limit. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * One request and its answer.
 * @throws {GitHubError}
 */
export async function exchange(
  question: Question,
  call: (request: RequestOptions) => Promise<Answer>,
  { timeoutMs = REQUEST_MS, signal }: Limits = {},
): Promise<Answer> {
  const limit = AbortSignal.timeout(timeoutMs);
  const ended = signal === undefined ? limit : AbortSignal.any([signal, limit]);
  let onEnd = () => {};
  // An Octokit may wait inside, for its turn or for a rate limit, where the signal doesn't reach it.
  const end = new Promise<never>((_, reject) => {
    onEnd = () => reject(ended.reason);
    if (ended.aborted) onEnd();
    else ended.addEventListener("abort", onEnd);
  });
  try {
    return await Promise.race([end, call({ signal: ended, retries: 0, fetch: limitedFetch })]);
  } catch (error) {
    throw githubError(question, error);
  } finally {
    ended.removeEventListener("abort", onEnd);
  }
}

/**
 * Asks, and parses what comes back.
 * @throws {GitHubError} also for an answer that isn't as GitHub describes it.
 */
export async function ask<T>(
  question: Question,
  schema: z.ZodType<T>,
  call: (request: RequestOptions) => Promise<Answer>,
  limits?: Limits,
): Promise<T> {
  return parsed(question, schema, (await exchange(question, call, limits)).data);
}

/** A part of an answer. @throws {GitHubError} if it isn't as GitHub describes it. */
export function parsed<T>(question: Question, schema: z.ZodType<T>, data: unknown): T {
  const result = schema.safeParse(data);
  if (result.success) return result.data;
  throw githubError(question, result.error);
}

/**
 * Asks for a list, page after page, until there is no next one.
 * @throws {GitHubError} @throws {BeyondLimit} above 100 pages: a list that was cut would lie about what isn't in it.
 */
export async function askPages<T>(
  question: Question,
  schema: z.ZodType<readonly T[]>,
  call: (page: number, request: RequestOptions) => Promise<Answer>,
): Promise<readonly T[]> {
  const all: T[] = [];
  for (let page = 1; page <= MAX_PAGES; page++) {
    const answer = await exchange(question, (request) => call(page, request));
    all.push(...parsed(question, schema, answer.data));
    if (nextOf(answer) === undefined) return all;
  }
  throw new BeyondLimit(`asked GitHub ${question.asked}: more than ${MAX_PAGES} pages`);
}

/** Where the next page is, as the `Link` header says. */
export function nextOf({ headers }: Answer): string | undefined {
  return /<([^<>]*)>\s*;[^,]*\brel="next"/.exec(String(headers.link ?? ""))?.[1];
}

/** Makes some statuses an absence. Whether it is a proven one is for the caller to say. */
export async function absentOn<T>(statuses: readonly number[], answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof GitHubError && error.status !== undefined && statuses.includes(error.status)) return undefined;
    throw error;
  }
}
