import { z } from "zod";
import type { Repository } from "../build/build.ts";
import type { Tag, TagReader } from "../build/ports.ts";
import { BeyondLimit } from "../trust/ports.ts";
import { absentOn, ask, askPages, type Clients, type GitHubClient } from "./ask.ts";
import { GitHubError, type Question } from "./error.ts";
import { fullName, proveRepository } from "./repository.ts";

/** How many tag objects may stand between a tag and its commit. */
const MAX_TAG_DEPTH = 5;

const TAGS = "refs/tags/";

/** The id of an object in git: SHA-1, or SHA-256 in repositories of that format. */
export const objectId = z.string().regex(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/);

const target = z.object({ type: z.string(), sha: objectId });
const gitRef = z.object({ ref: z.string(), object: target });
const tagObject = z.object({ sha: objectId, object: target });

/** Reads tags through GitHub's git database, which shows what a ref names rather than what was built from it. */
export function createTagReader({ octokitFor }: Pick<Clients, "octokitFor">): TagReader {
  return {
    async readTag(repository, ref) {
      const octokit = await octokitFor(repository.installation);
      const [, tag] = await Promise.all([proveRepository(octokit, repository), readTag(octokit, repository, ref)]);
      return tag;
    },
    async listTags(repository) {
      const octokit = await octokitFor(repository.installation);
      const [, refs] = await Promise.all([proveRepository(octokit, repository), listTags(octokit, repository)]);
      return refs;
    },
  };
}

/**
 * One tag, peeled. What isn't there counts as absent only beside {@link proveRepository}.
 * @returns undefined also for a tag of a file or a directory: there is no commit that could be built.
 * @throws {GitHubError} @throws {BeyondLimit} if tags of tags go deeper than five.
 */
export async function readTag(octokit: GitHubClient, repository: Repository, ref: string): Promise<Tag | undefined> {
  const at = { owner: repository.owner, repo: repository.name };
  const question = about(`for the tag ${ref} of ${fullName(repository)}`, repository);
  if (!ref.startsWith(TAGS)) throw new Error(`no full ref of a tag: ${ref}`);
  // 409: the repository is empty.
  const found = await absentOn(
    [404, 409],
    ask(question, gitRef, (request) => octokit.rest.git.getRef({ ...at, ref: ref.slice("refs/".length), request })),
  );
  if (found === undefined) return undefined;
  if (found.ref !== ref) throw aboutAnother(question);
  let { type, sha } = found.object;
  for (let depth = 0; type === "tag"; depth++) {
    if (depth === MAX_TAG_DEPTH) {
      throw new BeyondLimit(
        `asked GitHub ${question.asked}: more than ${MAX_TAG_DEPTH} tags of tags; push a tag of the commit`,
      );
    }
    const tag_sha = sha;
    const peeled = await ask(question, tagObject, (request) => octokit.rest.git.getTag({ ...at, tag_sha, request }));
    if (peeled.sha !== tag_sha) throw aboutAnother(question);
    ({ type, sha } = peeled.object);
  }
  return type === "commit" ? { object: found.object.sha, commit: sha } : undefined;
}

async function listTags(octokit: GitHubClient, repository: Repository) {
  const refs = await absentOn(
    [409],
    askPages(
      about(`for the tags of ${fullName(repository)}`, repository),
      z.array(gitRef),
      // The API describes no pages for this list; where there is a next one all the same, it is asked for.
      (page, request) =>
        octokit.rest.git.listMatchingRefs({
          owner: repository.owner,
          repo: repository.name,
          ref: "tags/",
          ...(page > 1 && { page }),
          request,
        }),
    ),
  );
  return (refs ?? []).filter(({ ref }) => ref.startsWith(TAGS)).map(({ ref, object }) => ({ ref, object: object.sha }));
}

function aboutAnother({ asked }: Question): GitHubError {
  return new GitHubError("server-error", `asked GitHub ${asked}: it told about another one; try again later`);
}

function about(asked: string, repository: Repository): Question {
  return { asked, repository: fullName(repository), needs: "contents: read" };
}
