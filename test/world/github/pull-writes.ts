import { mergeBaseOf } from "../git-diff.ts";
import { resolveCommit } from "../git-objects.ts";
import { git } from "../git-repository.ts";
import { type Endpoints, number, type RepositoryCall, writing } from "./call.ts";
import { type ApiError, notFound, unprocessable } from "./error.ts";
import { pullDocument, reviewDocument } from "./pull-documents.ts";
import {
  isNothingNew,
  openOf,
  type Pull,
  type PullChanges,
  type Pulls,
  type Review,
  type ReviewComment,
} from "./pulls.ts";
import { botOf } from "./runs.ts";
import { iso, type Repository, type State } from "./state.ts";

/** Longest of a pull request's title and body, and of a review's, in characters. */
const TITLE_LENGTH = 256;
const BODY_LENGTH = 65_536;

/** Opening and changing pull requests, and reviewing them, in the app's name. */
export function pullWriteEndpoints(state: State, pulls: Pulls): Endpoints {
  return {
    "POST /repos/{owner}/{repo}/pulls": writing("pull_requests", async (call) => {
      const { repository } = call;
      const given = call.body as { head: string; base: string; title?: string; body?: string };
      const { head, base, title = "", body = "" } = given;
      const [owner = "", branch = ""] = head.includes(":") ? head.split(":") : [repository.owner.login, head];
      // Nobody here proposes in the name of a fork.
      if (owner !== repository.owner.login) throw invalid("head");
      const [tip, onto] = await Promise.all([branch, base].map((each) => tipOf(repository, each)));
      if (tip === undefined) throw invalid("head");
      if (onto === undefined) throw invalid("base");
      if (openOf(repository, repository, branch).some((each) => each.base.branch === base))
        throw failed({ code: "custom", message: `A pull request already exists for ${owner}:${branch}.` });
      if (await isNothingNew(repository, onto, tip))
        throw failed({ code: "custom", message: `No commits between ${base} and ${branch}` });
      checkWords({ title, body });
      const pull = await pulls.open(repository, { branch, base, title, body, by: botOf(state) });
      return { status: 201, body: await pullDocument(state, repository, pull) };
    }),
    "PATCH /repos/{owner}/{repo}/pulls/{pull_number}": writing("pull_requests", async (call) => {
      const { repository } = call;
      const pull = pullOfCall(call);
      const { state: to, ...changes } = call.body as PullChanges & { readonly state?: "open" | "closed" };
      checkWords(changes);
      if (Object.keys(changes).length > 0) await pulls.change(repository, pull, changes, botOf(state));
      if (to === "closed" && pull.state === "open") await pulls.close(repository, pull, botOf(state));
      if (to === "open" && pull.state === "closed") await pulls.reopen(repository, pull, botOf(state));
      return { status: 200, body: await pullDocument(state, repository, pull) };
    }),
    "POST /repos/{owner}/{repo}/pulls/{pull_number}/reviews": writing("pull_requests", (call) => review(state, call)),
  };
}

interface ReviewRequest {
  readonly commit_id?: string;
  readonly body?: string;
  readonly event?: "APPROVE" | "REQUEST_CHANGES" | "COMMENT";
  readonly comments?: readonly {
    readonly path: string;
    readonly body: string;
    readonly line?: number;
    readonly side?: string;
    readonly start_line?: number;
    readonly start_side?: string;
  }[];
}

/** Lines are those of the head, and only what the pull request shows of it can be talked about. */
async function review(state: State, call: RepositoryCall) {
  const { repository } = call;
  const pull = pullOfCall(call);
  const { commit_id = pull.head.commit, body = "", event, comments = [] } = call.body as ReviewRequest;
  if (commit_id !== pull.head.commit) throw simply("commit_id is not part of the pull request");
  if (event !== "COMMENT") throw simply("the app has no say in it: its reviews are comments");
  if (body === "" && comments.length === 0) throw simply("body can't be blank");
  const said: ReviewComment[] = [];
  for (const { path, body: words, line, side = "RIGHT", start_line = line, start_side = side } of comments) {
    const hunks = await shownLines(repository, pull, path);
    if (hunks.length === 0) throw simply("Path could not be resolved");
    const isShown = hunks.some(
      ([from, to]) => start_line !== undefined && line !== undefined && from <= start_line && line <= to,
    );
    if (side !== "RIGHT" || start_side !== side || !isShown) throw simply("Line could not be resolved");
    if (start_line !== line && (start_line ?? 0) > (line ?? 0)) throw simply("start_line must precede the end line.");
    said.push({ path, line: start_line ?? 0, endLine: line ?? 0, body: words });
  }
  checkWords({ body });
  const made: Review = {
    id: state.nextId("review"),
    commit: commit_id,
    body,
    comments: said,
    by: botOf(state),
    at: iso(state.now()),
  };
  pull.reviews.push(made);
  return { status: 200, body: reviewDocument(state, repository, pull, made) };
}

/** From where to where a file's hunks reach in the head, three lines of context included. */
async function shownLines(repository: Repository, { head, base }: Pull, path: string) {
  const { directory } = repository;
  const parted = (await mergeBaseOf(directory, base.commit, head.commit)) ?? base.commit;
  const text = (await git(directory, ["diff", "-U3", parted, head.commit, "--", path])).toString();
  return [...text.matchAll(/^@@ -\S+ \+(\d+)(?:,(\d+))? @@/gm)].map(([, from = "", count = "1"]) => {
    const first = Number(from);
    return [first, first + Number(count) - 1] as const;
  });
}

function checkWords({ title, body }: PullChanges): void {
  if (title !== undefined && (title.trim() === "" || title.length > TITLE_LENGTH)) throw invalid("title");
  if ((body ?? "").length > BODY_LENGTH) throw invalid("body");
}

function tipOf({ directory }: Repository, branch: string): Promise<string | undefined> {
  return resolveCommit(directory, `refs/heads/${branch}`);
}

function pullOfCall(call: RepositoryCall): Pull {
  const found = call.repository.pulls.find((each) => each.number === number(call, "pull_number"));
  if (found === undefined) throw notFound();
  return found;
}

function failed(error: object): ApiError {
  return unprocessable("Validation Failed", [{ resource: "PullRequest", ...error }]);
}

function invalid(field: string): ApiError {
  return failed({ field, code: "invalid" });
}

function simply(error: string): ApiError {
  return unprocessable("Unprocessable Entity", [error]);
}
