import { countBetween, type DiffEntry, diffOf, mergeBaseOf } from "../git-diff.ts";
import { resolveCommit } from "../git-objects.ts";
import type { Pull, Review } from "./pulls.ts";
import { nodeId, repositoryDocument, userDocument, words } from "./repository-document.ts";
import { type Document, examplePayload, replaceTexts, within } from "./seed.ts";
import { fullName, type Owner, type Repository, type State } from "./state.ts";
import { about } from "./webhooks.ts";

const seed = within(examplePayload("pull_request"), "pull_request");
const seedRepository = within(within(seed, "base"), "repo");

/** What only a pull request that is asked for itself says. */
const COUNTS = [
  "additions",
  "changed_files",
  "comments",
  "commits",
  "deletions",
  "maintainer_can_modify",
  "mergeable",
  "mergeable_state",
  "merged",
  "merged_by",
  "rebaseable",
  "review_comments",
];

/** A pull request as it answers for itself, and in webhooks. */
export async function pullDocument(state: State, repository: Repository, pull: Pull): Promise<Document> {
  const { head } = pull;
  const files = await filesOfPull(repository, pull);
  const sum = (count: (each: DiffEntry) => number) => files.reduce((all, each) => all + count(each), 0);
  return {
    ...listedPullDocument(state, repository, pull),
    merged: pull.mergedAt !== null,
    merged_by: pull.mergedAt === null ? null : userDocument(state, pull.author),
    mergeable: null,
    rebaseable: null,
    mergeable_state: "unknown",
    comments: 0,
    review_comments: 0,
    maintainer_can_modify: head.repository !== repository,
    commits: await countBetween(repository.directory, pull.base.commit, head.commit),
    additions: sum(({ additions }) => additions),
    deletions: sum(({ deletions }) => deletions),
    changed_files: files.length,
  };
}

/** A pull request in a list. */
export function listedPullDocument(state: State, repository: Repository, pull: Pull): Document {
  const { id, number, head, base } = pull;
  const { owner, name } = repository;
  const url = `${state.apiUrl}/repos/${fullName(repository)}/pulls/${number}`;
  const html = `${state.url}/${fullName(repository)}/pull/${number}`;
  const issue = url.replace("/pulls/", "/issues/");
  const statuses = `${state.apiUrl}/repos/${fullName(repository)}/statuses/${head.commit}`;
  const kept = Object.entries(seed).filter(([key]) => !COUNTS.includes(key));
  return {
    ...replaceTexts(Object.fromEntries(kept), words(state, seedRepository, owner.login, name)),
    id,
    node_id: nodeId("PullRequest", id),
    number,
    url,
    html_url: html,
    diff_url: `${html}.diff`,
    patch_url: `${html}.patch`,
    issue_url: issue,
    commits_url: `${url}/commits`,
    review_comments_url: `${url}/comments`,
    review_comment_url: `${url.replace(/\d+$/, "comments")}{/number}`,
    comments_url: `${issue}/comments`,
    statuses_url: statuses,
    _links: {
      self: { href: url },
      html: { href: html },
      issue: { href: issue },
      comments: { href: `${issue}/comments` },
      review_comments: { href: `${url}/comments` },
      review_comment: { href: `${url.replace(/\d+$/, "comments")}{/number}` },
      commits: { href: `${url}/commits` },
      statuses: { href: statuses },
    },
    state: pull.state,
    title: pull.title,
    body: pull.body,
    user: userDocument(state, pull.author),
    created_at: pull.createdAt,
    updated_at: pull.updatedAt,
    closed_at: pull.closedAt,
    merged_at: pull.mergedAt,
    merge_commit_sha: pull.mergeCommit,
    auto_merge: null,
    active_lock_reason: null,
    author_association: head.repository === repository ? "MEMBER" : "NONE",
    head: end(state, head.repository, head.branch, head.commit, pull.author),
    base: end(state, repository, base.branch, base.commit, pull.author),
  };
}

/** A pull request beside a check run: only those from the repository itself are there. */
export function minimalPullDocuments(state: State, repository: Repository, commit: string): readonly Document[] {
  const stub = { id: repository.id, url: `${state.apiUrl}/repos/${fullName(repository)}`, name: repository.name };
  return repository.pulls
    .filter((pull) => pull.state === "open" && pull.head.commit === commit && pull.head.repository === repository)
    .map(({ id, number, head, base }) => ({
      id,
      number,
      url: `${stub.url}/pulls/${number}`,
      head: { ref: head.branch, sha: head.commit, repo: stub },
      base: { ref: base.branch, sha: base.commit, repo: stub },
    }));
}

/** The payload of `pull_request`, but for what only one action has. */
export async function pullPayload(
  state: State,
  repository: Repository,
  pull: Pull,
  action: string,
  by: Owner,
): Promise<Document> {
  const { before: _, after: __, changes: ___, ...base } = about(state, repository, examplePayload("pull_request"));
  const settings = { allow_auto_merge: false, allow_update_branch: false, delete_branch_on_merge: false };
  return {
    ...base,
    action,
    number: pull.number,
    pull_request: { ...(await pullDocument(state, repository, pull)), ...settings },
    sender: userDocument(state, by),
  };
}

/** What it changes against where the branches parted. */
export async function filesOfPull(repository: Repository, { head, base }: Pull): Promise<readonly DiffEntry[]> {
  const { directory } = repository;
  const tip = (await resolveCommit(directory, `refs/heads/${base.branch}`)) ?? base.commit;
  return diffOf(directory, (await mergeBaseOf(directory, tip, head.commit)) ?? tip, head.commit);
}

/** A changed file as GitHub writes it. @param from - The commit that has what is removed. */
export function diffEntryDocument(
  state: State,
  repository: Repository,
  { path, previousPath, letter, blob, additions, deletions }: DiffEntry,
  { from, to }: { readonly from: string; readonly to: string },
): Document {
  const status = STATUS[letter] ?? "changed";
  const commit = letter === "D" ? from : to;
  const html = (kind: string) => `${state.url}/${fullName(repository)}/${kind}/${commit}/${encodeURIComponent(path)}`;
  return {
    sha: blob,
    filename: path,
    status,
    additions,
    deletions,
    changes: additions + deletions,
    blob_url: html("blob"),
    raw_url: html("raw"),
    contents_url: `${state.apiUrl}/repos/${fullName(repository)}/contents/${encodeURIComponent(path)}?ref=${commit}`,
    ...(previousPath !== undefined && { previous_filename: previousPath }),
  };
}

/** A review as answers and lists have it. */
export function reviewDocument(state: State, repository: Repository, pull: Pull, review: Review): Document {
  const html = `${state.url}/${fullName(repository)}/pull/${pull.number}#pullrequestreview-${review.id}`;
  const api = `${state.apiUrl}/repos/${fullName(repository)}/pulls/${pull.number}`;
  return {
    id: review.id,
    node_id: nodeId("PullRequestReview", review.id),
    user: userDocument(state, review.by),
    body: review.body,
    state: "COMMENTED",
    html_url: html,
    pull_request_url: api,
    _links: { html: { href: html }, pull_request: { href: api } },
    submitted_at: review.at,
    commit_id: review.commit,
    author_association: "NONE",
  };
}

const STATUS: Readonly<Record<string, string>> = {
  A: "added",
  C: "copied",
  D: "removed",
  M: "modified",
  R: "renamed",
  T: "changed",
};

function end(state: State, repository: Repository | undefined, ref: string, sha: string, author: Owner): Document {
  const owner = repository?.owner ?? author;
  return {
    label: `${owner.login}:${ref}`,
    ref,
    sha,
    user: userDocument(state, owner),
    repo: repository === undefined ? null : repositoryDocument(state, repository),
  };
}
