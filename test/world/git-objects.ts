import { git } from "./git-repository.ts";

/** A ref as it stands: for an annotated tag the object is the tag's. */
export interface Ref {
  /** The full name. */
  readonly ref: string;
  readonly object: string;
  readonly type: "commit" | "tag" | "tree" | "blob";
}

/** Who did something, and when. */
export interface Person {
  readonly name: string;
  readonly email: string;
  /** ISO 8601 */
  readonly date: string;
}

/** A commit object. */
export interface Commit {
  readonly sha: string;
  readonly tree: string;
  readonly parents: readonly string[];
  readonly author: Person;
  readonly committer: Person;
  readonly message: string;
}

/** An annotated tag's object. */
export interface TagObject {
  readonly sha: string;
  readonly object: string;
  readonly type: Ref["type"];
  readonly tag: string;
  readonly tagger: Person;
  readonly message: string;
}

/** What a tree has at a name. */
export interface TreeEntry {
  /** Below the repository's root. */
  readonly path: string;
  readonly mode: string;
  readonly type: "blob" | "tree" | "commit";
  readonly sha: string;
  /** Of a blob, in bytes. */
  readonly size: number;
}

const SHA = /^[0-9a-f]{40}$/;

/** Every ref, in the order of their names. */
export async function readRefs(directory: string): Promise<readonly Ref[]> {
  const text = (await git(directory, ["for-each-ref", "--format=%(objectname) %(objecttype) %(refname)"])).toString();
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [object = "", type = "", ref = ""] = line.split(" ");
      return { ref, object, type: type as Ref["type"] };
    });
}

/** The commit that a 40-digit id or a ref's name comes to; short names are branches first. No other way of naming is understood. */
export async function resolveCommit(directory: string, name: string): Promise<string | undefined> {
  if (SHA.test(name)) return peel(directory, name);
  const refs = await readRefs(directory);
  const named = (prefix: string) => refs.find(({ ref }) => ref === `${prefix}${name}`);
  const found = name.startsWith("refs/") ? named("") : (named("refs/") ?? named("refs/heads/") ?? named("refs/tags/"));
  return found && peel(directory, found.object);
}

/** The commit beneath an object. */
export async function peel(directory: string, sha: string): Promise<string | undefined> {
  try {
    return (await git(directory, ["rev-parse", "--verify", "--quiet", `${sha}^{commit}`])).toString().trim();
  } catch {
    return undefined;
  }
}

/** @throws if there is no such commit. */
export async function readCommit(directory: string, sha: string): Promise<Commit> {
  const { headers, message } = parse((await git(directory, ["cat-file", "commit", sha])).toString());
  const all = (key: string) => headers.flatMap(([name, value]) => (name === key ? [value] : []));
  const [author = "", committer = ""] = [...all("author"), ...all("committer")];
  return {
    sha,
    tree: all("tree")[0] ?? "",
    parents: all("parent"),
    author: person(author),
    committer: person(committer),
    message,
  };
}

/** @returns undefined if it isn't the object of an annotated tag. */
export async function readTagObject(directory: string, sha: string): Promise<TagObject | undefined> {
  if (!SHA.test(sha)) return undefined;
  try {
    const { headers, message } = parse((await git(directory, ["cat-file", "tag", sha])).toString());
    const { object = "", type = "", tag = "", tagger = "" } = Object.fromEntries(headers);
    return { sha, object, type: type as Ref["type"], tag, tagger: person(tagger), message };
  } catch {
    return undefined;
  }
}

/** @returns undefined if the commit has nothing there. The root is the path "". */
export async function readEntry(directory: string, commit: string, path: string): Promise<TreeEntry | undefined> {
  if (path === "")
    return { path, mode: "040000", type: "tree", sha: (await readCommit(directory, commit)).tree, size: 0 };
  return (await listTree(directory, [commit, "--", path]))[0];
}

/** What a directory holds. */
export async function readDirectory(directory: string, tree: TreeEntry): Promise<readonly TreeEntry[]> {
  const prefix = tree.path === "" ? "" : `${tree.path}/`;
  return (await listTree(directory, [tree.sha])).map((entry) => ({ ...entry, path: prefix + entry.path }));
}

/** A file's bytes. */
export function readBlob(directory: string, sha: string): Promise<Buffer> {
  return git(directory, ["cat-file", "blob", sha]);
}

async function listTree(directory: string, args: readonly string[]): Promise<readonly TreeEntry[]> {
  const text = (await git(directory, ["ls-tree", "-z", "-l", ...args])).toString();
  return text
    .split("\0")
    .filter((line) => line !== "")
    .map((line) => {
      const tab = line.indexOf("\t");
      const [mode = "", type = "", sha = "", size = ""] = line.slice(0, tab).split(/ +/);
      return { path: line.slice(tab + 1), mode, type: type as TreeEntry["type"], sha, size: Number(size) || 0 };
    });
}

function parse(text: string): { readonly headers: readonly (readonly [string, string])[]; readonly message: string } {
  const end = text.indexOf("\n\n");
  const headers = text
    .slice(0, end)
    .split("\n")
    .map((line) => [line.slice(0, line.indexOf(" ")), line.slice(line.indexOf(" ") + 1)] as const);
  return { headers, message: text.slice(end + 2).replace(/\n$/, "") };
}

function person(text: string): Person {
  const [, name = "", email = "", seconds = "0"] = /^(.*) <(.*)> (\d+) [+-]\d{4}$/.exec(text) ?? [];
  return { name, email, date: new Date(Number(seconds) * 1000).toISOString().replace(".000", "") };
}
