import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mergeBaseOf } from "../git-diff.ts";
import { readCommit } from "../git-objects.ts";
import { git } from "../git-repository.ts";
import { type Endpoints, type Reply, type RepositoryCall, text, writing } from "./call.ts";
import { commitDocument, refDocument, refsOf } from "./contents.ts";
import { forbidden, unprocessable } from "./error.ts";
import type { Pushes } from "./pushes.ts";
import { nodeId } from "./repository-document.ts";
import { botOf } from "./runs.ts";
import type { Document } from "./seed.ts";
import { fullName, type Repository, type State } from "./state.ts";
import { NOTHING } from "./webhooks.ts";

const SHA = /^[0-9a-f]{40}$/;
const EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";
const RULES = "Repository rule violations found\n\nChanges must be made through a pull request.\n\n";

/** Writing git's objects and refs, into the repository itself. */
export function gitWriteEndpoints(state: State, pushes: Pushes, later: (work: Promise<unknown>) => void): Endpoints {
  const base = ({ repository }: RepositoryCall) => `${state.apiUrl}/repos/${fullName(repository)}`;
  /** Told when it is done; the answer to the call doesn't wait for it. */
  const move = async (call: RepositoryCall, ref: string, before: string, after: string) => {
    const { repository } = call;
    await git(repository.directory, after === NOTHING ? ["update-ref", "-d", ref] : ["update-ref", ref, after, before]);
    const isForward = before === NOTHING || (await mergeBaseOf(repository.directory, before, after)) === before;
    later(pushes.tell(repository, { ref, before, after, forced: after !== NOTHING && !isForward }));
    return { status: 200, body: refDocument(base(call), { ref, object: after, type: "commit" }) };
  };
  return {
    "POST /repos/{owner}/{repo}/git/blobs": writing("contents", async (call) => {
      await refsOf(call.repository);
      const { content, encoding = "utf-8" } = call.body as { readonly content: string; readonly encoding?: string };
      if (encoding !== "utf-8" && encoding !== "base64") throw unprocessable("Invalid blob encoding");
      const sha = await writeBlob(call.repository, Buffer.from(content, encoding));
      return { status: 201, body: { sha, url: `${base(call)}/git/blobs/${sha}` } };
    }),
    "POST /repos/{owner}/{repo}/git/trees": writing("contents", (call) => createTree(base(call), call)),
    "POST /repos/{owner}/{repo}/git/commits": writing("contents", (call) => createCommit(state, call)),
    "POST /repos/{owner}/{repo}/git/refs": writing("contents", async (call) => {
      const { ref, sha } = call.body as { readonly ref: string; readonly sha: string };
      const refs = await refsOf(call.repository);
      if (!/^refs\/(?:heads|tags)\/[^/]/.test(ref) || !(await isRefName(call.repository, ref)))
        throw unprocessable(`${ref} is not a valid ref name.`);
      if ((await kindOf(call.repository, sha)) !== "commit") throw unprocessable("Object does not exist");
      if (refs.some((each) => each.ref === ref)) throw unprocessable("Reference already exists");
      if (isRuled(call.repository, ref)) throw unprocessable(RULES);
      // git knows it too: no branch `a/b` beside a branch `a`.
      if (refs.some((each) => each.ref.startsWith(`${ref}/`) || ref.startsWith(`${each.ref}/`)))
        throw unprocessable("Reference update failed");
      return { ...(await move(call, ref, NOTHING, sha)), status: 201 };
    }),
    "PATCH /repos/{owner}/{repo}/git/refs/{ref}": writing("contents", async (call) => {
      const { sha, force = false } = call.body as { readonly sha: string; readonly force?: boolean };
      const { ref, object } = await refOfCall(call);
      const { directory } = call.repository;
      if ((await kindOf(call.repository, sha)) !== "commit") throw unprocessable("Object does not exist");
      if (isRuled(call.repository, ref)) throw unprocessable(RULES);
      if (!force && (await mergeBaseOf(directory, object, sha)) !== object)
        throw unprocessable("Update is not a fast forward");
      return move(call, ref, object, sha);
    }),
    "DELETE /repos/{owner}/{repo}/git/refs/{ref}": writing("contents", async (call) => {
      const { ref, object } = await refOfCall(call);
      if (isRuled(call.repository, ref)) throw unprocessable("Cannot delete this protected branch");
      await move(call, ref, object, NOTHING);
      return { status: 204 };
    }),
  };
}

async function refOfCall(call: RepositoryCall) {
  const found = (await refsOf(call.repository)).find(({ ref }) => ref === `refs/${text(call, "ref")}`);
  if (found === undefined) throw unprocessable("Reference does not exist");
  return found;
}

function isRuled({ rules }: Repository, ref: string): boolean {
  return rules.has(ref.replace(/^refs\/heads\//, ""));
}

async function isRefName({ directory }: Repository, ref: string): Promise<boolean> {
  return git(directory, ["check-ref-format", ref]).then(
    () => true,
    () => false,
  );
}

async function kindOf({ directory }: Repository, sha: unknown): Promise<string | undefined> {
  if (typeof sha !== "string" || !SHA.test(sha)) return undefined;
  return git(directory, ["cat-file", "-t", sha]).then(
    (type) => type.toString().trim(),
    () => undefined,
  );
}

/** An entry as it comes; it fits the description, which leaves nearly everything open. */
interface Entry {
  readonly path?: string;
  readonly mode?: string;
  readonly type?: string;
  readonly sha?: string | null;
  readonly content?: string;
}

async function createTree(base: string, call: RepositoryCall): Promise<Reply> {
  const { repository, caller } = call;
  const { tree, base_tree } = call.body as { readonly tree: readonly Entry[]; readonly base_tree?: string };
  await refsOf(repository);
  const paths = tree.map(({ path = "" }) => path);
  for (const path of paths)
    if (path.split("/").some((part) => /^(?:\.{0,2}|\.git)$/i.test(part)))
      throw unprocessable("tree.path contains a malformed path component");
  // A permission of its own, and GitHub says no more than of any other that is missing.
  const permitted = caller.kind === "token" && caller.token.permissions.workflows === "write";
  if (!permitted && paths.some((path) => path.startsWith(".github/workflows/"))) throw forbidden();
  if (base_tree !== undefined && (await kindOf(repository, base_tree)) !== "tree")
    throw unprocessable("base_tree is not a valid tree oid");
  const sha = await writeTree(repository, base_tree ?? EMPTY_TREE, tree);
  const entries = (await git(repository.directory, ["ls-tree", "-z", sha])).toString().split("\0").filter(Boolean);
  const body = {
    sha,
    url: `${base}/git/trees/${sha}`,
    tree: entries.map((line) => {
      const [mode = "", type = "", object = ""] = line.slice(0, line.indexOf("\t")).split(" ");
      return { path: line.slice(line.indexOf("\t") + 1), mode, type, sha: object };
    }),
    truncated: false,
  };
  return { status: 201, body };
}

async function writeTree(repository: Repository, base: string, entries: readonly Entry[]): Promise<string> {
  const { directory } = repository;
  const work = mkdtempSync(join(tmpdir(), "git-index-"));
  const inIndex = async (...args: string[]) =>
    (await git(directory, args, { GIT_INDEX_FILE: join(work, "index") })).toString().trim();
  try {
    await inIndex("read-tree", base);
    for (const { path = "", mode, sha, content } of entries) {
      if (sha === null) {
        if ((await inIndex("ls-files", "--", path)) === "") throw unprocessable("GitRPC::BadObjectState");
        await inIndex("update-index", "--force-remove", "--", path);
        continue;
      }
      // Trees and submodules nobody here writes.
      if (mode !== "100644" && mode !== "100755" && mode !== "120000")
        throw unprocessable("Must supply a valid tree.mode");
      if ((sha === undefined) === (content === undefined))
        throw unprocessable("Must supply either tree.sha or tree.content");
      if (sha !== undefined && (await kindOf(repository, sha)) !== "blob")
        throw unprocessable(`tree.sha ${sha} is not a valid blob`);
      const blob = sha ?? (await writeBlob(repository, Buffer.from(content ?? "")));
      await inIndex("update-index", "--add", "--replace", "--cacheinfo", `${mode},${blob},${path}`);
    }
    return await inIndex("write-tree");
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

async function writeBlob({ directory }: Repository, bytes: Buffer): Promise<string> {
  const work = mkdtempSync(join(tmpdir(), "git-blob-"));
  try {
    writeFileSync(join(work, "blob"), bytes);
    return (await git(directory, ["hash-object", "-w", "--no-filters", "--", join(work, "blob")])).toString().trim();
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

interface Person {
  readonly name?: string;
  readonly email?: string;
}

async function createCommit(state: State, call: RepositoryCall): Promise<Reply> {
  const { repository, body } = call;
  const { message, tree, parents = [] } = body as { message: string; tree: string; parents?: readonly string[] };
  const { author, committer } = body as { readonly author?: Person; readonly committer?: Person };
  await refsOf(repository);
  if ((await kindOf(repository, tree)) !== "tree") throw unprocessable("Tree SHA does not exist");
  for (const parent of parents)
    if ((await kindOf(repository, parent)) !== "commit")
      throw unprocessable("Parent SHA does not exist or is not a commit object");
  const bot = botOf(state);
  const app = { name: bot.login, email: `${bot.id}+${bot.login}@users.noreply.github.com` };
  const by = { ...app, ...author };
  // Nobody is named: then GitHub itself commits what its app wrote, and signs it.
  const isSigned = author === undefined && committer === undefined;
  const from = isSigned ? { name: "GitHub", email: "noreply@github.com" } : { ...by, ...committer };
  const now = state.now().toISOString();
  const env = {
    GIT_AUTHOR_NAME: by.name,
    GIT_AUTHOR_EMAIL: by.email,
    GIT_AUTHOR_DATE: now,
    GIT_COMMITTER_NAME: from.name,
    GIT_COMMITTER_EMAIL: from.email,
    GIT_COMMITTER_DATE: now,
  };
  const args = ["commit-tree", tree, ...parents.flatMap((parent) => ["-p", parent]), "-m", message];
  const sha = (await git(repository.directory, args, env)).toString().trim();
  const document = commitDocument(state, repository, await readCommit(repository.directory, sha));
  const { comment_count: _, url, ...rest } = document.commit as Document;
  const verification = isSigned
    ? {
        verified: true,
        reason: "valid",
        signature: "-----BEGIN PGP SIGNATURE-----",
        payload: `tree ${tree}`,
        verified_at: now,
      }
    : rest.verification;
  const answer = { ...rest, verification, sha, url, node_id: nodeId("Commit", sha) };
  return { status: 201, body: { ...answer, html_url: document.html_url, parents: document.parents } };
}
