import { readBlob, readCommit } from "../git-objects.ts";
import { git } from "../git-repository.ts";
import { type Endpoints, type RepositoryCall, reading, text } from "./call.ts";
import { commitDocument, refsOf } from "./contents.ts";
import { notFound } from "./error.ts";
import { nodeId } from "./repository-document.ts";
import type { Document } from "./seed.ts";
import { fullName, type State } from "./state.ts";

/** Git's own objects: trees, blobs and commits by their ids. */
export function gitDataEndpoints(state: State): Endpoints {
  const base = ({ repository }: RepositoryCall) => `${state.apiUrl}/repos/${fullName(repository)}/git`;
  return {
    "GET /repos/{owner}/{repo}/git/trees/{tree_sha}": reading("contents", async (call) => {
      await refsOf(call.repository);
      const { directory, treeLimit } = call.repository;
      const sha = await objectNamed(directory, text(call, "tree_sha"), "tree");
      // Any value asks for it, `0` and `false` too.
      const isRecursive = call.parameters.recursive !== undefined;
      const entries = await treeEntries(directory, sha, isRecursive);
      const tree = entries.slice(0, treeLimit).map(({ type, size, ...entry }) => ({
        ...entry,
        type,
        ...(type === "blob" && { size }),
        ...(type !== "commit" && { url: `${base(call)}/${type}s/${entry.sha}` }),
      }));
      const truncated = entries.length > treeLimit;
      return { status: 200, body: { sha, url: `${base(call)}/trees/${sha}`, tree, truncated } };
    }),
    "GET /repos/{owner}/{repo}/git/blobs/{file_sha}": reading("contents", async (call) => {
      const sha = await objectNamed(call.repository.directory, text(call, "file_sha"), "blob");
      const bytes = await readBlob(call.repository.directory, sha);
      return { status: 200, body: { ...blobStub(base(call), sha), size: bytes.length, ...inBase64(bytes) } };
    }),
    "GET /repos/{owner}/{repo}/git/commits/{commit_sha}": reading("contents", async (call) => {
      const sha = await objectNamed(call.repository.directory, text(call, "commit_sha"), "commit");
      const commit = await readCommit(call.repository.directory, sha);
      const { commit: inner, node_id, html_url, parents } = commitDocument(state, call.repository, commit);
      const { comment_count: _, url, ...rest } = inner as Document;
      return { status: 200, body: { ...rest, sha, url, node_id, html_url, parents } };
    }),
  };
}

function blobStub(base: string, sha: string): Document {
  return { sha, node_id: nodeId("Blob", sha), url: `${base}/blobs/${sha}` };
}

/** Lines of 60 characters, as GitHub breaks them. */
function inBase64(bytes: Buffer): Document {
  return { encoding: "base64", content: bytes.toString("base64").replace(/.{1,60}/g, "$&\n") };
}

/** An object of that kind by its whole id, or by the name of what it is beneath. @throws {ApiError} 404 */
async function objectNamed(directory: string, name: string, kind: "tree" | "blob" | "commit"): Promise<string> {
  if (kind !== "tree" && !/^[0-9a-f]{40}$/.test(name)) throw notFound();
  // Only whole ids and names of refs: git would understand a whole language.
  if (!/^[\w./-]+$/.test(name)) throw notFound();
  try {
    return (await git(directory, ["rev-parse", "--verify", "--quiet", `${name}^{${kind}}`])).toString().trim();
  } catch {
    throw notFound();
  }
}

async function treeEntries(directory: string, sha: string, isRecursive: boolean) {
  const args = ["ls-tree", "-z", "-l", ...(isRecursive ? ["-r", "-t"] : []), sha];
  return (await git(directory, args))
    .toString()
    .split("\0")
    .filter((line) => line !== "")
    .map((line) => {
      const tab = line.indexOf("\t");
      const [mode = "", type = "", entry = "", size = ""] = line.slice(0, tab).split(/ +/);
      return { path: line.slice(tab + 1), mode, type, sha: entry, size: Number(size) || 0 };
    });
}
