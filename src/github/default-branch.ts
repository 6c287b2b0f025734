import { z } from "zod";
import type { FulcioExtensions } from "../attestation/identity.ts";
import type { DefaultBranches } from "../trust/ports.ts";
import { ask, type GitHubClient } from "./ask.ts";
import { createServerClient } from "./client.ts";
import { GitHubError } from "./error.ts";

/** In whose name GitHub is asked. */
export interface DefaultBranchOptions {
  /** Sent to api.github.com and nowhere else; without it private repositories can't be seen. */
  readonly token?: string;
  /** Ends every request: a walk's own limit. */
  readonly signal?: AbortSignal;
  /** The one server that is asked. Strangers choose which server a certificate names; an app on a private network lets none choose whom it calls. */
  readonly server?: string;
  /** Who asks `server`, instead of the token. */
  readonly octokit?: () => Promise<GitHubClient>;
}

const repository = z.object({ id: z.number().int(), default_branch: z.string().min(1) });

/** Asks GitHub for default branches, each repository once. */
export function createDefaultBranches(options: DefaultBranchOptions): DefaultBranches {
  const answers = new Map<string, Promise<string | undefined>>();
  return {
    readDefaultBranch(source) {
      const key = `${source.sourceRepositoryUri} ${source.sourceRepositoryIdentifier}`;
      const known = answers.get(key);
      if (known !== undefined) return known;
      const answer = readDefaultBranch(source, options);
      answers.set(key, answer);
      return answer;
    },
  };
}

async function readDefaultBranch(source: FulcioExtensions, options: DefaultBranchOptions): Promise<string | undefined> {
  const uri = source.sourceRepositoryUri ?? "";
  const question = { asked: `for the default branch of ${uri}` };
  const { origin, pathname } = new URL(uri);
  const { server } = options;
  if (server !== undefined && origin !== new URL(server).origin) {
    throw new GitHubError(
      "address-refused",
      `asked GitHub ${question.asked}: only ${server} is asked here; name refs in the policy instead of the default branch`,
    );
  }
  const octokit = await clientFor(origin, options);
  const [owner = "", repo = ""] = pathname.slice(1).split("/");
  const { id, default_branch } = await ask(
    question,
    repository,
    (request) => octokit.rest.repos.get({ owner, repo, request }),
    { signal: options.signal },
  );
  // A name can have a new owner; the id in the certificate can't (RULES R8).
  return String(id) === source.sourceRepositoryIdentifier ? default_branch : undefined;
}

async function clientFor(origin: string, { token, server, octokit }: DefaultBranchOptions): Promise<GitHubClient> {
  // Its credentials are that server's.
  if (octokit !== undefined && server !== undefined) return octokit();
  return createServerClient(origin, token);
}
