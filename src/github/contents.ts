import { z } from "zod";
import type { Repository } from "../build/build.ts";
import { BeyondLimit } from "../trust/ports.ts";
import { absentOn, ask, type GitHubClient, parsed } from "./ask.ts";
import { GitHubError, githubError, type Question, quote } from "./error.ts";
import { fullName } from "./repository.ts";
import { objectId } from "./tags.ts";

type At = Pick<Repository, "owner" | "name">;

const branchAnswer = z.object({ name: z.string(), commit: z.object({ sha: objectId }), protected: z.boolean() });

/** The head of a branch. */
export interface Branch {
  readonly commit: string;
  /** Whether classic protection is on; of which kind only administrators see. */
  readonly isProtected: boolean;
}

/**
 * The head of a repository's branch.
 * @returns undefined if the repository's refs can be read and the branch isn't among them: an empty repository.
 * @throws {GitHubError}
 */
export async function readBranch(octokit: GitHubClient, at: At, branch: string): Promise<Branch | undefined> {
  const repository = { owner: at.owner, repo: at.name };
  const question = about(`for the branch ${branch} of ${fullName(at)}`, at);
  try {
    const found = await ask(question, branchAnswer, (request) =>
      octokit.rest.repos.getBranch({ ...repository, branch, request }),
    );
    // GitHub answers for a renamed branch under its new name.
    if (found.name === branch) return { commit: found.commit.sha, isProtected: found.protected };
    throw new GitHubError("server-error", `asked GitHub ${question.asked}: it told about another; try again later`);
  } catch (error) {
    if (!(error instanceof GitHubError) || error.status !== 404) throw error;
    const refs = await absentOn(
      [409],
      ask(question, z.array(z.object({ ref: z.string() })), (request) =>
        octokit.rest.git.listMatchingRefs({ ...repository, ref: `heads/${branch}`, request }),
      ),
    );
    if (refs?.some(({ ref }) => ref === `refs/heads/${branch}`)) throw error;
    return undefined;
  }
}

const file = z.object({
  type: z.literal("file"),
  size: z.int().nonnegative(),
  encoding: z.string(),
  content: z.string(),
});
const other = z.object({ type: z.string() });

/** What stands at a path at a commit. */
export type Content =
  | { readonly kind: "file"; readonly bytes: Uint8Array }
  /** `symlink`, `submodule`, `dir`, or whatever else isn't a file. */
  | { readonly kind: "other"; readonly type: string };

/**
 * What a commit has at a path.
 * @param limit - in bytes.
 * @returns undefined if the commit can be read and has nothing there.
 * @throws {GitHubError} @throws {BeyondLimit}
 */
export async function readContent(
  octokit: GitHubClient,
  at: At,
  commit: string,
  path: string,
  limit: number,
): Promise<Content | undefined> {
  const repository = { owner: at.owner, repo: at.name };
  const question = about(`for ${path} of ${fullName(at)} at ${commit}`, at);
  const tooLarge = () =>
    new BeyondLimit(`asked GitHub ${question.asked}: it is larger than ${limit} bytes; shorten it`);
  const data = await absentOn(
    [404],
    ask(question, z.unknown(), (request) =>
      octokit.rest.repos.getContent({ ...repository, path, ref: commit, request }),
    ),
  ).catch((error) => {
    throw isTooLarge(error) ? tooLarge() : error;
  });
  if (data === undefined) {
    await proveCommit(octokit, at, commit);
    return undefined;
  }
  if (Array.isArray(data)) return { kind: "other", type: "dir" };
  const { type } = parsed(question, other, data);
  if (type !== "file") return { kind: "other", type };
  const { size, encoding, content } = parsed(question, file, data);
  if (size > limit) throw tooLarge();
  const bytes = decodedBytes(question, encoding, content);
  if (bytes.length > limit) throw tooLarge();
  if (bytes.length !== size) {
    throw new GitHubError(
      "server-error",
      `asked GitHub ${question.asked}: ${bytes.length} bytes came, and should have been ${size}; try again later`,
    );
  }
  return { kind: "file", bytes };
}

/** The bytes of a content as GitHub encodes them. @throws {GitHubError} for anything but base64. */
export function decodedBytes({ asked }: Question, encoding: string, content: string): Buffer {
  const text = content.replaceAll("\n", "");
  if (encoding === "base64" && /^[A-Za-z0-9+/]*={0,2}$/.test(text)) return Buffer.from(text, "base64");
  throw new GitHubError(
    "server-error",
    `asked GitHub ${asked}: the content is in an encoding that it doesn't describe (${quote(encoding)}); try again later`,
  );
}

/** Above 1 MB (100 MB on newer servers) GitHub refuses with the status of a missing permission. */
function isTooLarge(error: unknown): boolean {
  const body = z.object({ errors: z.array(z.object({ code: z.literal("too_large") })) });
  const cause = error instanceof GitHubError && error.status === 403 ? error.cause : undefined;
  return body.safeParse((cause as { response?: { data?: unknown } } | undefined)?.response?.data).success;
}

/** A 404 of a path proves its absence only where the commit around it can be read. */
async function proveCommit(octokit: GitHubClient, at: At, commit: string): Promise<void> {
  const question = about(`for the commit ${commit} of ${fullName(at)}`, at);
  const { sha } = await ask(question, z.object({ sha: objectId }), (request) =>
    octokit.rest.repos.getCommit({ owner: at.owner, repo: at.name, ref: commit, per_page: 1, request }),
  );
  if (sha !== commit) throw githubError(question, new Error("it told about another commit"));
}

function about(asked: string, at: At): Question {
  return { asked, repository: fullName(at), needs: "contents: read" };
}
