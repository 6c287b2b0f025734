import { z } from "zod";
import type { Repository } from "../build/build.ts";
import { type CommitWriter, OUR_BRANCHES, WriteRefused } from "../change/ports.ts";
import { absentOn, ask, type GitHubClient } from "./ask.ts";
import { isBranchName } from "./branch-name.ts";
import { checkFiles, textOf } from "./commit-files.ts";
import { GitHubError, type Question } from "./error.ts";
import { type FileMode, readModes } from "./file-modes.ts";
import { fullName, proveRepository } from "./repository.ts";
import { objectId } from "./tags.ts";
import { reserve, type WriterOptions, write } from "./writing.ts";

/** Longest message of a commit, in characters. */
const MAX_MESSAGE_LENGTH = 10_000;

/** A tree, a commit, and the branch that is moved to it. */
const WRITES = 3;

const object = z.object({ sha: objectId });
const gitCommit = z.object({ sha: objectId, tree: object, parents: z.array(object) });
const gitRef = z.object({ ref: z.string(), object: z.object({ type: z.string(), sha: objectId }) });

/**
 * Writes commits through GitHub's git database, in the app's own name: where nobody is named as author, GitHub signs them, and shows them as
 * verified.
 */
export function createCommitWriter(options: WriterOptions): CommitWriter {
  return {
    async commit(repository, change) {
      checkBranch(change.branch);
      checkFiles(change.files);
      if (change.message.trim() === "" || change.message.length > MAX_MESSAGE_LENGTH || /\0/.test(change.message))
        throw new WriteRefused("invalid", `a message of ${change.message.length} characters is none`);
      const octokit = await options.octokitFor(repository.installation);
      const [, tip] = await Promise.all([
        proveRepository(octokit, repository),
        readTip(octokit, repository, change.branch),
      ]);
      checkTip(repository, change, tip);
      return commit(options, octokit, repository, change);
    },
    async readBranch(repository, branch) {
      if (!isBranchName(branch)) return undefined;
      const octokit = await options.octokitFor(repository.installation);
      const [, tip] = await Promise.all([proveRepository(octokit, repository), readTip(octokit, repository, branch)]);
      return tip;
    },
    async deleteBranch(repository, branch) {
      checkBranch(branch);
      if (!branch.startsWith(OUR_BRANCHES))
        throw new WriteRefused("invalid", `the branch ${branch} isn't deleted: it is none of the app's`);
      const octokit = await options.octokitFor(repository.installation);
      const [, tip] = await Promise.all([proveRepository(octokit, repository), readTip(octokit, repository, branch)]);
      if (tip === undefined) return;
      const question = about(`to delete the branch ${branch} of ${fullName(repository)}`, repository);
      await reserve(options, repository, question, 1);
      try {
        await write(options, repository, question, z.unknown(), (request) =>
          octokit.rest.git.deleteRef({ ...at(repository), ref: `heads/${branch}`, request }),
        );
      } catch (error) {
        // Somebody was faster.
        if (!(error instanceof WriteRefused) || error.code !== "moved-on") throw error;
      }
    },
  };
}

type Change = Parameters<CommitWriter["commit"]>[1];

interface Entry {
  readonly path: string;
  readonly mode: FileMode;
  readonly type: "blob";
  readonly content?: string;
  readonly sha?: string;
}

async function commit(
  options: WriterOptions,
  octokit: GitHubClient,
  repository: Repository,
  change: Change,
): Promise<string> {
  const { branch, isNew, on, message, files } = change;
  const question = about(`to commit on the branch ${branch} of ${fullName(repository)}`, repository, needsOf(files));
  const { tree: base } = await readCommit(octokit, repository, on);
  const modes = await readModes(
    octokit,
    repository,
    base.sha,
    files.map(({ path }) => path),
  );
  const texts = files.map(({ bytes }) => textOf(bytes));
  await reserve(options, repository, question, WRITES + texts.filter((text) => text === undefined).length);

  const blob = async (bytes: Uint8Array) => {
    const encoded = { content: Buffer.from(bytes).toString("base64"), encoding: "base64" };
    return write(options, repository, question, object, (request) =>
      octokit.rest.git.createBlob({ ...at(repository), ...encoded, request }),
    );
  };
  const entries: Entry[] = [];
  for (const [i, { path, bytes }] of files.entries()) {
    const content = texts[i];
    const entry = { path, mode: modes.get(path) ?? "100644", type: "blob" } as const;
    entries.push(content === undefined ? { ...entry, sha: (await blob(bytes)).sha } : { ...entry, content });
  }
  const tree = await write(options, repository, question, object, (request) =>
    octokit.rest.git.createTree({ ...at(repository), base_tree: base.sha, tree: entries, request }),
  );
  if (tree.sha === base.sha)
    throw new WriteRefused("invalid", `${on} of ${fullName(repository)} has all of it already`);
  const made = await write(options, repository, question, gitCommit, (request) =>
    octokit.rest.git.createCommit({ ...at(repository), message, tree: tree.sha, parents: [on], request }),
  );
  if (made.tree.sha !== tree.sha || made.parents.length !== 1 || made.parents[0]?.sha !== on)
    throw aboutAnother(question);

  // GitHub moves a branch forward from wherever it is: also from an older commit to which somebody has just put it back.
  if (!isNew) checkTip(repository, change, await readTip(octokit, repository, branch));
  const moved = await write(options, repository, question, gitRef, (request) =>
    isNew
      ? octokit.rest.git.createRef({ ...at(repository), ref: `refs/heads/${branch}`, sha: made.sha, request })
      : octokit.rest.git.updateRef({ ...at(repository), ref: `heads/${branch}`, sha: made.sha, force: false, request }),
  );
  if (moved.ref !== `refs/heads/${branch}` || moved.object.sha !== made.sha) throw aboutAnother(question);
  return made.sha;
}

/** A branch's commit. What isn't there counts as absent only beside {@link proveRepository}. */
async function readTip(octokit: GitHubClient, repository: Repository, branch: string): Promise<string | undefined> {
  const question = about(`for the branch ${branch} of ${fullName(repository)}`, repository, "contents: read");
  // 409: the repository is empty.
  const found = await absentOn(
    [404, 409],
    ask(question, gitRef, (request) => octokit.rest.git.getRef({ ...at(repository), ref: `heads/${branch}`, request })),
  );
  if (found === undefined) return undefined;
  if (found.ref !== `refs/heads/${branch}` || found.object.type !== "commit") throw aboutAnother(question);
  return found.object.sha;
}

async function readCommit(octokit: GitHubClient, repository: Repository, commit: string) {
  const question = about(`for the commit ${commit} of ${fullName(repository)}`, repository, "contents: read");
  const found = await ask(question, gitCommit, (request) =>
    octokit.rest.git.getCommit({ ...at(repository), commit_sha: commit, request }),
  );
  if (found.sha !== commit) throw aboutAnother(question);
  return found;
}

function checkBranch(branch: string): void {
  if (!isBranchName(branch))
    throw new WriteRefused("invalid", `${JSON.stringify(branch.slice(0, 100))} is no name of a branch`);
}

function checkTip(repository: Repository, { branch, isNew, on }: Change, tip: string | undefined): void {
  if (isNew ? tip === undefined : tip === on) return;
  throw new WriteRefused(
    "moved-on",
    `the branch ${branch} of ${fullName(repository)} is at ${tip ?? "nothing"} now; see what is there`,
  );
}

/** GitHub takes workflow files only from whoever was given a permission of their own. */
function needsOf(files: Change["files"]): string {
  const hasWorkflow = files.some(({ path }) => path.toLowerCase().startsWith(".github/workflows/"));
  return hasWorkflow ? "contents: write, workflows: write" : "contents: write";
}

function at({ owner, name }: Repository) {
  return { owner, repo: name };
}

function aboutAnother({ asked }: Question): GitHubError {
  return new GitHubError("server-error", `asked GitHub ${asked}: it told about something else; see what is there now`);
}

function about(asked: string, repository: Repository, needs = "contents: write"): Question {
  return { asked, repository: fullName(repository), needs };
}
