import { dirname, join } from "node:path/posix";
import {
  type Commit,
  peel,
  type Ref,
  readBlob,
  readCommit,
  readDirectory,
  readEntry,
  readRefs,
  readTagObject,
  resolveCommit,
  type TreeEntry,
} from "../git-objects.ts";
import { type Endpoints, page, type Reply, type RepositoryCall, reading, text } from "./call.ts";
import { ApiError, notFound, unprocessable } from "./error.ts";
import { fullRepositoryDocument, nodeId } from "./repository-document.ts";
import type { Document } from "./seed.ts";
import { fullName, type Repository, type State } from "./state.ts";

/** Above this many bytes the contents of a file aren't in the answer. */
const INLINE_BYTES = 1024 * 1024;

/** What git holds, read from the repository itself. */
export function contentEndpoints(state: State): Endpoints {
  const base = ({ repository }: RepositoryCall) => `${state.apiUrl}/repos/${fullName(repository)}`;
  return {
    "GET /repos/{owner}/{repo}": reading("metadata", ({ repository }) => ({
      status: 200,
      body: fullRepositoryDocument(state, repository),
    })),
    "GET /repos/{owner}/{repo}/contents/{path}": reading("contents", (call) => contents(state, call)),
    "GET /repos/{owner}/{repo}/git/ref/{ref}": reading("contents", async (call) => {
      const found = (await refsOf(call.repository)).find(({ ref }) => ref === `refs/${text(call, "ref")}`);
      if (found === undefined) throw notFound();
      return { status: 200, body: refDocument(base(call), found) };
    }),
    "GET /repos/{owner}/{repo}/git/matching-refs/{ref}": reading("contents", async (call) => {
      const prefix = `refs/${text(call, "ref")}`;
      const found = (await refsOf(call.repository)).filter(({ ref }) => ref.startsWith(prefix));
      return { status: 200, body: found.map((each) => refDocument(base(call), each)) }; // all at once: it has no pages
    }),
    "GET /repos/{owner}/{repo}/git/tags/{tag_sha}": reading("contents", async (call) => {
      const tag = await readTagObject(call.repository.directory, text(call, "tag_sha"));
      if (tag === undefined) throw notFound();
      return {
        status: 200,
        body: {
          node_id: nodeId("Tag", tag.sha),
          sha: tag.sha,
          url: `${base(call)}/git/tags/${tag.sha}`,
          tagger: tag.tagger,
          object: objectDocument(base(call), tag.object, tag.type),
          tag: tag.tag,
          message: tag.message,
          verification: UNSIGNED,
        },
      };
    }),
    "GET /repos/{owner}/{repo}/branches/{branch}": reading("contents", async (call) => {
      const name = text(call, "branch");
      const { repository } = call;
      const head = (await readRefs(repository.directory)).find(({ ref }) => ref === `refs/heads/${name}`);
      if (head === undefined) throw new ApiError(404, "Branch not found");
      const commit = await readCommit(repository.directory, head.object);
      return { status: 200, body: branchDocument(state, repository, name, commit) };
    }),
    "GET /repos/{owner}/{repo}/rules/branches/{branch}": reading("metadata", (call) => {
      const { repository } = call;
      const rule = repository.rules.get(text(call, "branch"));
      const { items, headers } = page(call, rule === undefined ? [] : rulesOf(repository, rule.reviews));
      return { status: 200, headers, body: items };
    }),
    "GET /repos/{owner}/{repo}/commits/{ref}": reading("contents", async (call) => {
      await refsOf(call.repository);
      const sha = await resolveCommit(call.repository.directory, text(call, "ref"));
      if (sha === undefined) throw unprocessable(`No commit found for SHA: ${text(call, "ref")}`);
      const commit = await readCommit(call.repository.directory, sha);
      return { status: 200, body: { ...commitDocument(state, call.repository, commit), files: [] } };
    }),
  };
}

/** @throws {ApiError} 409 in a repository without a commit. */
export async function refsOf(repository: Repository): Promise<readonly Ref[]> {
  const refs = await readRefs(repository.directory);
  if (refs.length === 0) throw new ApiError(409, "Git Repository is empty.");
  return refs;
}

/** What GitHub says of a commit that nobody signed. */
export const UNSIGNED = { verified: false, reason: "unsigned", signature: null, payload: null, verified_at: null };

/** A ref as the API has it. */
export function refDocument(base: string, { ref, object, type }: Ref): Document {
  return {
    ref,
    node_id: nodeId("Ref", ref),
    url: `${base}/git/${ref}`,
    object: objectDocument(base, object, type),
  };
}

function objectDocument(base: string, sha: string, type: Ref["type"]): Document {
  return { sha, type, url: `${base}/git/${type}s/${sha}` };
}

function branchDocument(state: State, repository: Repository, name: string, commit: Commit): Document {
  const url = `${state.apiUrl}/repos/${fullName(repository)}/branches/${name}`;
  const isProtected = repository.rules.has(name);
  return {
    name,
    commit: commitDocument(state, repository, commit),
    _links: { self: url, html: `${state.url}/${fullName(repository)}/tree/${name}` },
    protected: isProtected,
    protection: { enabled: isProtected, required_status_checks: { contexts: [], checks: [] } },
    protection_url: `${url}/protection`,
  };
}

function rulesOf(repository: Repository, reviews: number): readonly Document[] {
  const ruleset = { ruleset_source_type: "Repository", ruleset_source: fullName(repository), ruleset_id: 42 };
  const pullRequest = {
    type: "pull_request",
    parameters: {
      required_approving_review_count: reviews,
      dismiss_stale_reviews_on_push: true,
      require_code_owner_review: false,
      require_last_push_approval: false,
      required_review_thread_resolution: false,
    },
  };
  return [{ type: "deletion" }, { type: "non_fast_forward" }, pullRequest].map((rule) => ({ ...rule, ...ruleset }));
}

/** A commit as the API has it. */
export function commitDocument(state: State, repository: Repository, commit: Commit): Document {
  const url = (sha: string) => `${state.apiUrl}/repos/${fullName(repository)}/commits/${sha}`;
  const page = (sha: string) => `${state.url}/${fullName(repository)}/commit/${sha}`;
  return {
    sha: commit.sha,
    node_id: nodeId("Commit", commit.sha),
    url: url(commit.sha),
    html_url: page(commit.sha),
    comments_url: `${url(commit.sha)}/comments`,
    commit: {
      url: url(commit.sha).replace("/commits/", "/git/commits/"),
      author: commit.author,
      committer: commit.committer,
      message: commit.message,
      comment_count: 0,
      tree: { sha: commit.tree, url: url(commit.tree).replace("/commits/", "/git/trees/") },
      verification: UNSIGNED,
    },
    author: null,
    committer: null,
    parents: commit.parents.map((sha) => ({ sha, url: url(sha), html_url: page(sha) })),
  };
}

async function contents(state: State, call: RepositoryCall): Promise<Reply> {
  const { repository } = call;
  const path = text(call, "path").replace(/\/$/, "");
  const ref = text(call, "ref") || repository.defaultBranch;
  const commit = await resolveCommit(repository.directory, ref);
  if (commit === undefined) {
    const isEmpty = (await readRefs(repository.directory)).length === 0;
    throw new ApiError(404, isEmpty ? "This repository is empty." : `No commit found for the ref ${ref}`);
  }
  const entry = await readEntry(repository.directory, commit, path);
  if (entry === undefined) throw notFound();
  const about = (each: TreeEntry) => contentDocument(state, repository, each, ref);
  if (entry.type === "tree") {
    const entries = await readDirectory(repository.directory, entry);
    return { status: 200, body: entries.map(about) };
  }
  if (entry.type === "commit") return { status: 200, body: { ...about(entry), submodule_git_url: null } };
  const bytes = await readBlob(repository.directory, entry.sha);
  if (entry.mode === "120000") {
    // Where a symlink leads to a file of the repository, GitHub answers with that file's content.
    const target = join(dirname(path), bytes.toString());
    const led = target.startsWith("..") ? undefined : await readEntry(repository.directory, commit, target);
    if (led?.type !== "blob" || led.mode === "120000")
      return { status: 200, body: { ...about(entry), target: bytes.toString() } };
    return {
      status: 200,
      body: { ...about({ ...led, path }), ...inlined(await readBlob(repository.directory, led.sha)) },
    };
  }
  return { status: 200, body: { ...about(entry), ...inlined(bytes) } };
}

/** Lines of 60 characters, as GitHub breaks them; nothing of what is too large. */
function inlined(bytes: Buffer): Document {
  if (bytes.length > INLINE_BYTES) return { encoding: "none", content: "" };
  return { encoding: "base64", content: bytes.toString("base64").replace(/.{1,60}/g, "$&\n") };
}

function contentDocument(state: State, repository: Repository, entry: TreeEntry, ref: string): Document {
  const { path, sha, size, type, mode } = entry;
  const name = fullName(repository);
  const kind = type === "tree" ? "dir" : type === "commit" ? "submodule" : mode === "120000" ? "symlink" : "file";
  const self = `${state.apiUrl}/repos/${name}/contents/${encodeURI(path)}?ref=${encodeURIComponent(ref)}`;
  const git = `${state.apiUrl}/repos/${name}/git/${type === "tree" ? "trees" : "blobs"}/${sha}`;
  const html = `${state.url}/${name}/${type === "tree" ? "tree" : "blob"}/${encodeURIComponent(ref)}/${encodeURI(path)}`;
  return {
    name: path.slice(path.lastIndexOf("/") + 1),
    path,
    sha,
    size,
    url: self,
    html_url: html,
    git_url: git,
    download_url: kind === "file" ? html.replace("/blob/", "/raw/") : null,
    type: kind,
    _links: { self, git, html },
  };
}

/** The commit beneath what a ref names. */
export async function commitBeneath(repository: Repository, object: string): Promise<Commit> {
  const sha = await peel(repository.directory, object);
  if (sha === undefined) throw new Error(`${fullName(repository)}: ${object} comes to no commit`);
  return readCommit(repository.directory, sha);
}
