import { Octokit } from "@octokit/rest";
import { z } from "zod";
import type { Repository } from "../build/build.ts";
import { ask, type Clients, type GitHubClient, type RequestOptions } from "./ask.ts";
import { GitHubError, quote } from "./error.ts";

const contents = z.enum(["read", "write"]).optional();

const tokenAnswer = z.object({
  token: z.string().min(1),
  repository_selection: z.enum(["all", "selected"]).optional(),
  permissions: z.object({ contents }).optional(),
});

const installationAnswer = z.object({
  id: z.int(),
  account: z.object({ id: z.int(), login: z.string().optional() }).nullable(),
  repository_selection: z.enum(["all", "selected"]),
  permissions: z.object({ contents }),
  suspended_at: z.string().nullable(),
});

/**
 * Asks something of an owner's repositories so that "there is none" can be believed (RULES R2): with a token of its own that GitHub
 * says covers all repositories of the installation, and of an installation that covers all repositories of that owner. A token
 * narrowed to one repository gets a 404 for every other private one.
 *
 * @param found - Asks with that token; undefined if GitHub said that there is none.
 * @returns undefined if it is proven that there is none.
 * @throws {GitHubError} of the code `not-found-unproven` where GitHub said so to somebody who might not see it.
 */
export async function findForSure<T>(
  { appOctokit }: Pick<Clients, "appOctokit">,
  { installation, owner, ownerId }: Repository,
  what: string,
  found: (octokit: GitHubClient) => Promise<T | undefined>,
): Promise<T | undefined> {
  const app = await appOctokit();
  const about = { installation_id: installation };
  const { token, repository_selection, permissions } = await ask(
    { asked: `for a token that sees all repositories of ${owner}` },
    tokenAnswer,
    (request: RequestOptions) =>
      app.rest.apps.createInstallationAccessToken({ ...about, permissions: { contents: "read" }, request }),
  );
  const answer = await found(speakingWith(app, token));
  if (answer !== undefined) return answer;
  // After the question, so that what was true of the token when it was made is known to be true still.
  const state = await ask({ asked: `for the app's installation at ${owner}` }, installationAnswer, (request) =>
    app.rest.apps.getInstallation({ ...about, request }),
  );
  const blind =
    state.account?.id !== ownerId || state.account.login?.toLowerCase() !== owner.toLowerCase()
      ? `the installation belongs to ${quote(state.account?.login ?? "nobody")} now`
      : state.suspended_at !== null
        ? "the app is suspended there"
        : state.repository_selection !== "all" || repository_selection !== "all"
          ? "the app sees selected repositories only"
          : state.permissions.contents === undefined || permissions?.contents === undefined
            ? 'the app lacks the permission "contents: read"'
            : undefined;
  if (blind === undefined) return undefined;
  throw new GitHubError(
    "not-found-unproven",
    `asked GitHub for ${what}: 404, which could hide it, for ${blind}; give the app access to ${what}, or create it`,
  );
}

/** An Octokit for the same server in the name of a token. */
function speakingWith(app: GitHubClient, token: string): GitHubClient {
  const { baseUrl, request } = app.request.endpoint.DEFAULTS;
  const silent = { debug() {}, info() {}, warn() {}, error() {} };
  return new Octokit({ auth: token, baseUrl, ...(request && { request }), log: silent });
}
