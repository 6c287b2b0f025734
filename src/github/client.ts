import { Octokit } from "@octokit/rest";
import type { GitHubClient } from "./ask.ts";

/** Where github.com has its API. */
export const GITHUB_API = "https://api.github.com";

/** The server of everybody. */
const GITHUB = "https://github.com";

/**
 * A client that speaks in a token's name, or in nobody's. It prints nothing.
 *
 * @param apiUrl - Where the token is sent, and nowhere else.
 */
export function createGitHubClient(apiUrl: string, token?: string): GitHubClient {
  return new Octokit({
    baseUrl: apiUrl,
    ...(token !== undefined && token !== "" && { auth: token }),
    log: { debug() {}, info() {}, warn() {}, error() {} },
  });
}

/** A client of a server by its URL. @param token - Sent to github.com's API alone: strangers choose which server a name is of. */
export function createServerClient(server: string, token?: string): GitHubClient {
  const { origin } = new URL(server);
  return createGitHubClient(apiOf(origin), origin === GITHUB ? token : undefined);
}

/** Where a server has its API: github.com and enterprises with data residency at a name of its own, others below their path. */
function apiOf(origin: string): string {
  const { hostname } = new URL(origin);
  if (origin === GITHUB) return GITHUB_API;
  if (/^https:\/\/[^.]+\.ghe\.com$/.test(origin)) return `https://api.${hostname}`;
  return `${origin}/api/v3`;
}
