import { z } from "zod";
import type { Repository } from "../build/build.ts";
import type { ChangedFile, PullRequest, PullRequestReader } from "../change/ports.ts";
import { BeyondLimit } from "../trust/ports.ts";
import { absentOn, ask, askPages, type Clients, type GitHubClient, PAGE } from "./ask.ts";
import { GitHubError, type Question } from "./error.ts";
import { fullName, proveRepository } from "./repository.ts";
import { objectId } from "./tags.ts";

/** GitHub lists no more files of a pull request, and doesn't say that it left any out. */
const MAX_FILES = 3000;

const repository = z.object({
  id: z.int().positive(),
  name: z.string().min(1),
  owner: z.object({ id: z.int().positive(), login: z.string().min(1) }),
});

/** A pull request as answers and lists have it, as far as it is used. */
export const pullAnswer = z.object({
  number: z.int().positive(),
  state: z.enum(["open", "closed"]),
  merged_at: z.string().nullable(),
  html_url: z.url({ protocol: /^https?$/ }),
  head: z.object({ ref: z.string().min(1), sha: objectId, repo: repository.nullable() }),
  base: z.object({ ref: z.string().min(1), sha: objectId, repo: repository }),
});

const files = z.array(
  z.object({
    filename: z.string().min(1),
    previous_filename: z.string().min(1).optional(),
    status: z.string(),
    sha: objectId.nullable(),
    contents_url: z.string(),
  }),
);

/** Reads pull requests of the repositories that they are made to. */
export function createPullRequestReader({ octokitFor }: Pick<Clients, "octokitFor">): PullRequestReader {
  return {
    async readPull(to, number) {
      return readPull(await octokitFor(to.installation), to, number);
    },
    async listChangedFiles(to, number, head) {
      const octokit = await octokitFor(to.installation);
      const question = about(`for the files of the pull request ${number} of ${fullName(to)}`, to);
      const all = await askPages(question, files, (page, request) =>
        octokit.rest.pulls.listFiles({ ...at(to), pull_number: number, per_page: PAGE, page, request }),
      );
      if (all.length >= MAX_FILES) {
        throw new BeyondLimit(
          `asked GitHub ${question.asked}: it lists ${MAX_FILES} and no more; make smaller pull requests`,
        );
      }
      // Whoever pushes between two questions gets the files of one head judged as those of another. Links name the commit they are of.
      if (all.length === 0 || !all.every((each) => refOf(each.contents_url) === head)) {
        const now = await readPull(octokit, to, number);
        if (now?.head.commit !== head) {
          throw new GitHubError("server-error", `asked GitHub ${question.asked}: its head moved on; try again later`);
        }
      }
      return all.map(changedFileOf);
    },
  };
}

/** A pull request in the words of the ports. */
export function pullRequestOf({
  number,
  state,
  merged_at,
  html_url,
  head,
  base,
}: z.infer<typeof pullAnswer>): PullRequest {
  const { repo } = head;
  return {
    number,
    isOpen: state === "open",
    isMerged: merged_at !== null,
    head: {
      commit: head.sha,
      branch: head.ref,
      repository: repo === null ? undefined : { id: repo.id, owner: repo.owner.login, name: repo.name },
    },
    base: { commit: base.sha, branch: base.ref },
    url: html_url,
  };
}

async function readPull(octokit: GitHubClient, to: Repository, number: number): Promise<PullRequest | undefined> {
  const question = about(`for the pull request ${number} of ${fullName(to)}`, to);
  const answer = await absentOn(
    [404],
    ask(question, pullAnswer, (request) => octokit.rest.pulls.get({ ...at(to), pull_number: number, request })),
  );
  if (answer === undefined) {
    await proveRepository(octokit, to);
    return undefined;
  }
  const { repo } = answer.base;
  // GitHub leads on to where a repository went, and a name can have a new owner (RULES R8).
  if (repo.id !== to.id || repo.owner.id !== to.ownerId || answer.number !== number) {
    throw new GitHubError(
      "not-found-unproven",
      `asked GitHub ${question.asked}: it told about one of the repository with the id ${repo.id} of the owner with the id ${repo.owner.id}, and this one is ${to.id} of ${to.ownerId}; install the app where the repository is now`,
    );
  }
  return pullRequestOf(answer);
}

function changedFileOf({ filename, previous_filename, status, sha }: z.infer<typeof files>[number]): ChangedFile {
  const isRemoved = status === "removed";
  return {
    path: filename,
    // A copy leaves the other where it was.
    previousPath: status === "renamed" ? previous_filename : undefined,
    isRemoved,
    blob: isRemoved || sha === null ? undefined : sha,
  };
}

function refOf(url: string): string | undefined {
  return URL.parse(url)?.searchParams.get("ref") ?? undefined;
}

function at({ owner, name }: Repository) {
  return { owner, repo: name };
}

function about(asked: string, to: Repository): Question {
  return { asked, repository: fullName(to), needs: "pull_requests: read" };
}
