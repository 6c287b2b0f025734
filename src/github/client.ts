import { Octokit } from "@octokit/rest";
import type { GitHubClient } from "./ask.ts";

/** Where github.com has its API. */
export const GITHUB_API = "https://api.github.com";

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
