import { countBetween, diffOf, mergeBaseOf } from "../git-diff.ts";
import { readCommit, resolveCommit } from "../git-objects.ts";
import { git } from "../git-repository.ts";
import { type Endpoints, number, page, type RepositoryCall, reading, text } from "./call.ts";
import { commitDocument } from "./contents.ts";
import { notFound } from "./error.ts";
import { diffEntryDocument, filesOfPull, listedPullDocument, pullDocument, reviewDocument } from "./pull-documents.ts";
import type { Pull } from "./pulls.ts";
import { fullName, type Repository, type State } from "./state.ts";

/** GitHub lists no more files of a pull request, and none of a comparison beyond this. */
const PULL_FILES = 3000;
const COMPARED_FILES = 300;

/** Reading pull requests and comparing commits. */
export function pullEndpoints(state: State): Endpoints {
  return {
    "GET /repos/{owner}/{repo}/pulls": reading("pull_requests", (call) => {
      const { items, headers } = page(call, listed(call));
      return { status: 200, headers, body: items.map((each) => listedPullDocument(state, call.repository, each)) };
    }),
    "GET /repos/{owner}/{repo}/pulls/{pull_number}": reading("pull_requests", async (call) => ({
      status: 200,
      body: await pullDocument(state, call.repository, pullOfCall(call)),
    })),
    "GET /repos/{owner}/{repo}/pulls/{pull_number}/files": reading("pull_requests", async (call) => {
      const { repository } = call;
      const pull = pullOfCall(call);
      const ends = { from: pull.base.commit, to: pull.head.commit };
      const all = (await filesOfPull(repository, pull)).slice(0, PULL_FILES);
      const { items, headers } = page(call, all);
      return { status: 200, headers, body: items.map((each) => diffEntryDocument(state, repository, each, ends)) };
    }),
    "GET /repos/{owner}/{repo}/pulls/{pull_number}/reviews": reading("pull_requests", (call) => {
      const pull = pullOfCall(call);
      const { items, headers } = page(call, pull.reviews);
      return { status: 200, headers, body: items.map((each) => reviewDocument(state, call.repository, pull, each)) };
    }),
    "GET /repos/{owner}/{repo}/compare/{basehead}": reading("contents", (call) => compare(state, call)),
  };
}

async function compare(state: State, call: RepositoryCall) {
  const { repository } = call;
  const { directory } = repository;
  const [one = "", other = ""] = text(call, "basehead").split("...");
  const [base, head] = [await endOf(repository, one), await endOf(repository, other)];
  const parted = await mergeBaseOf(directory, base, head);
  if (parted === undefined) throw notFound();
  const [ahead, behind] = [await countBetween(directory, base, head), await countBetween(directory, head, base)];
  const ids = (await git(directory, ["rev-list", "--reverse", `${base}..${head}`])).toString().split("\n");
  const { items, headers } = page(call, ids.filter(Boolean));
  const files = Number(call.parameters.page ?? 1) > 1 ? [] : await diffOf(directory, parted, head);
  const document = async (sha: string) => commitDocument(state, repository, await readCommit(directory, sha));
  const html = `${state.url}/${fullName(repository)}/compare/${base}...${head}`;
  return {
    status: 200,
    headers,
    body: {
      url: `${state.apiUrl}/repos/${fullName(repository)}/compare/${base}...${head}`,
      html_url: html,
      permalink_url: html,
      diff_url: `${html}.diff`,
      patch_url: `${html}.patch`,
      base_commit: await document(base),
      merge_base_commit: await document(parted),
      status: ahead > 0 ? (behind > 0 ? "diverged" : "ahead") : behind > 0 ? "behind" : "identical",
      ahead_by: ahead,
      behind_by: behind,
      total_commits: ahead,
      commits: await Promise.all(items.map(document)),
      files: files
        .slice(0, COMPARED_FILES)
        .map((each) => diffEntryDocument(state, repository, each, { from: parted, to: head })),
    },
  };
}

/** @throws {ApiError} 404 */
async function endOf({ directory }: Repository, name: string): Promise<string> {
  const found = await resolveCommit(directory, name.replace(/^[^:]+:/, ""));
  if (found === undefined) throw notFound();
  return found;
}

function pullOfCall(call: RepositoryCall): Pull {
  const found = call.repository.pulls.find((each) => each.number === number(call, "pull_number"));
  if (found === undefined) throw notFound();
  return found;
}

/** Newest first, as GitHub sorts them unless asked otherwise. */
function listed(call: RepositoryCall): readonly Pull[] {
  const { state = "open", head, base, direction } = call.parameters;
  const found = call.repository.pulls.filter(
    (pull) =>
      (state === "all" || pull.state === state) &&
      (base === undefined || pull.base.branch === base) &&
      (head === undefined || `${pull.head.repository?.owner.login}:${pull.head.branch}` === head),
  );
  return direction === "asc" ? found : found.toReversed();
}
