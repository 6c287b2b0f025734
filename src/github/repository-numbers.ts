import { z } from "zod";
import type { RepositoryNumbers } from "../trust/ports.ts";
import { type Answer, ask, type GitHubClient, type RequestOptions } from "./ask.ts";
import { createServerClient } from "./client.ts";
import { GitHubError } from "./error.ts";

/** In whose name GitHub is asked. */
export interface RepositoryNumbersOptions {
  /** Sent to api.github.com and nowhere else; without it private repositories can't be seen. */
  readonly token?: string | undefined;
  /** Ends every request. */
  readonly signal?: AbortSignal | undefined;
}

const number = z.int().positive();
const repository = z.object({
  id: number,
  full_name: z.string().regex(/^[^/]+\/[^/]+$/),
  owner: z.object({ id: number, login: z.string() }),
});
const account = z.object({ id: number, login: z.string().min(1) });

type Call = (octokit: GitHubClient, request: RequestOptions) => Promise<Answer>;

/** Asks GitHub for numbers, for each name once. */
export function createRepositoryNumbers({ token, signal }: RepositoryNumbersOptions): RepositoryNumbers {
  const answers = new Map<string, Promise<unknown>>();
  /** Of servers that let us look no further: a policy may name thousands of repositories. */
  const ended = new Map<string, GitHubError>();

  function once<T>(server: string, names: readonly string[], schema: z.ZodType<T>, call: Call): Promise<T> {
    const key = `${server}/${names.join("/")}`;
    const known = answers.get(key) as Promise<T> | undefined;
    const answer = known ?? look(server, names, schema, call);
    answers.set(key, answer);
    return answer;
  }

  async function look<T>(server: string, names: readonly string[], schema: z.ZodType<T>, call: Call): Promise<T> {
    const asked = `for the numbers of ${names.join("/")} at ${server}`;
    refuse(asked, server, names);
    const before = ended.get(server);
    if (before !== undefined) throw before;
    try {
      const octokit = createServerClient(server, token);
      return await ask({ asked }, schema, (request) => call(octokit, request), { signal });
    } catch (error) {
      if (!(error instanceof GitHubError)) throw error;
      const told = inOwnWords(asked, error);
      if (["rate-limited", "network", "timeout"].includes(error.code) || error.status === 401) ended.set(server, told);
      throw told;
    }
  }

  return {
    async readRepository(server, owner, repo) {
      const {
        id,
        full_name,
        owner: its,
      } = await once(server, [owner, repo], repository, (octokit, request) =>
        octokit.rest.repos.get({ owner, repo, request }),
      );
      return { fullName: full_name, id, ownerId: its.id };
    },
    readAccount: (server, username) =>
      once(server, [username], account, (octokit, request) => octokit.rest.users.getByUsername({ username, request })),
  };
}

/** Before anything is sent. */
function refuse(asked: string, server: string, names: readonly string[]): void {
  const { protocol, hostname } = new URL(server);
  // Whoever sits between could plant a number.
  if (protocol !== "https:" && !/^(localhost|127(\.\d+){3})$/.test(hostname))
    throw new GitHubError("address-refused", `asked GitHub ${asked}: not over http; write the numbers yourself`);
  // Dots would lead to another path of the API.
  if (names.some((name) => !/^[A-Za-z0-9_.-]{1,100}$/.test(name) || /^\.+$/.test(name)))
    throw new GitHubError(
      "not-found-unproven",
      `asked GitHub ${asked}: GitHub gives no such names; write OWNER/REPO as it stands in the repository's address`,
    );
}

/** The errors of this folder advise who runs the app; here a person asks. */
function inOwnWords(asked: string, error: GitHubError): GitHubError {
  const { code, status, retryAfter } = error;
  const advice =
    status === 401
      ? "set GH_TOKEN to a token that is valid, or to none"
      : code === "credentials-refused" || code === "not-found-unproven"
        ? "see whether the name is right, and set GH_TOKEN to a token that may see it"
        : undefined;
  if (advice === undefined) return error;
  return new GitHubError(code, `asked GitHub ${asked}: ${status}; ${advice}`, { status, retryAfter, cause: error });
}
