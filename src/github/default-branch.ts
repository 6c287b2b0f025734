import { Octokit } from "@octokit/rest";
import { z } from "zod";
import type { FulcioExtensions } from "../attestation/identity.ts";
import { CouldNotLook, type CouldNotLookCode, type DefaultBranches } from "../trust/ports.ts";

/** How long GitHub may take to answer, in milliseconds (DESIGN §7). */
const REQUEST_MS = 15_000;

const GITHUB = "https://github.com";

/** In whose name GitHub is asked. */
export interface DefaultBranchOptions {
  /** Sent to api.github.com and nowhere else; without it private repositories can't be seen. */
  readonly token?: string;
  /** Ends every request: a walk's own limit. */
  readonly signal?: AbortSignal;
}

const repository = z.object({ id: z.number().int(), default_branch: z.string().min(1) });

/** Asks GitHub for default branches, each repository once. */
export function createDefaultBranches({ token, signal }: DefaultBranchOptions): DefaultBranches {
  const answers = new Map<string, Promise<string | undefined>>();
  return {
    readDefaultBranch(source) {
      const key = `${source.sourceRepositoryUri} ${source.sourceRepositoryIdentifier}`;
      const known = answers.get(key);
      if (known !== undefined) return known;
      const answer = ask(source, token, signal);
      answers.set(key, answer);
      return answer;
    },
  };
}

async function ask(
  source: FulcioExtensions,
  token: string | undefined,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const uri = source.sourceRepositoryUri ?? "";
  const { origin, pathname } = new URL(uri);
  const [owner = "", repo = ""] = pathname.slice(1).split("/");
  const octokit = new Octokit({
    baseUrl: origin === GITHUB ? "https://api.github.com" : `${origin}/api/v3`,
    ...(token !== undefined && origin === GITHUB && { auth: token }),
    log: { debug() {}, info() {}, warn() {}, error() {} },
  });
  const limit = AbortSignal.timeout(REQUEST_MS);
  try {
    const { data } = await octokit.rest.repos.get({
      owner,
      repo,
      request: { signal: signal ? AbortSignal.any([signal, limit]) : limit },
    });
    const { id, default_branch } = repository.parse(data);
    // A name can have a new owner; the id in the certificate can't (RULES R8).
    return String(id) === source.sourceRepositoryIdentifier ? default_branch : undefined;
  } catch (error) {
    const code = codeOf(error);
    throw new CouldNotLook(code, `asked GitHub for the default branch of ${uri}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

function codeOf(error: unknown): CouldNotLookCode {
  const { name, status, response } = error as {
    name?: string;
    status?: number;
    response?: { headers?: Record<string, unknown> };
  };
  if (name === "TimeoutError" || name === "AbortError") return "timeout";
  if (response === undefined) return error instanceof z.ZodError ? "server-error" : "network";
  if (status === 429 || (status === 403 && response.headers?.["x-ratelimit-remaining"] === "0")) return "rate-limited";
  if (status === 401 || status === 403) return "credentials-refused";
  return status === 404 ? "not-found-unproven" : "server-error";
}
