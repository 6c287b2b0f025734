import { posix } from "node:path";
import { gunzipSync } from "node:zlib";
import { AssemblyFailed } from "./failure.ts";
import { type FileAttributes, readTar, type TarEntry } from "./tar.ts";

/** Anything but the name of a file: two steps that leave a file alone have the same object, which is how changes are found. */
export type FileNode = FileAttributes &
  (
    | { readonly kind: "file"; readonly content: Uint8Array }
    | { readonly kind: "directory" }
    | { readonly kind: "symlink"; readonly target: string }
  );

/** A file system by path, without `/` at either end. The root is not in it. */
export type FileTree = ReadonlyMap<string, FileNode>;

/** Links to links that are followed; Linux gives up at as many. */
const MAX_LINKS = 40;

const WHITEOUT = ".wh.";
const OPAQUE = ".wh..wh..opq";

/** The file system after a layer: its whiteouts take away what was there, wherever in the archive they stand, and the rest replaces it. */
export function applyLayer(before: FileTree, entries: readonly TarEntry[]): FileTree {
  const tree = new Map(before);
  const isWhiteout = ({ path }: TarEntry) => posix.basename(path).startsWith(WHITEOUT);
  for (const { path } of entries.filter(isWhiteout)) {
    const directory = posix.dirname(path);
    if (posix.basename(path) === OPAQUE) removeBelow(tree, directory);
    else remove(tree, posix.join(directory, posix.basename(path).slice(WHITEOUT.length)));
  }
  for (const entry of entries) {
    if (isWhiteout(entry) || entry.path === "") continue;
    const node = nodeOf(entry, tree);
    if (node.kind !== "directory") remove(tree, entry.path);
    tree.set(entry.path, node);
  }
  return tree;
}

/** What a layer must have so that `before` becomes `after`, in which nothing was taken away; and, as containerd does it, the directories above. */
export function changesBetween(before: FileTree, after: FileTree): readonly TarEntry[] {
  const changed = new Set<string>();
  for (const [path, node] of after) {
    if (before.get(path) === node) continue;
    for (let each = path; each !== "."; each = posix.dirname(each)) changed.add(each);
  }
  return [...changed]
    .sort((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)))
    .flatMap((path) => {
      const node = after.get(path);
      return node === undefined ? [] : [{ path, ...node }];
    });
}

/** What is copied where. */
export interface Copy {
  readonly source: FileTree;
  /** Absolute. */
  readonly from: string;
  /** Absolute; a directory if it ends with `/`. */
  readonly to: string;
  /** Whether an archive is taken apart, as ADD does. */
  readonly unpack: boolean;
  /** Of directories that have to be made, in seconds since 1970. */
  readonly createdAt: number;
}

/**
 * The file system after a copy, as BuildKit does it: of a directory what is in it, into a directory what is named, directories above
 * made where there are none, and everything root's but what comes out of an archive.
 *
 * @throws {AssemblyFailed}
 */
export function copyInto(before: FileTree, { source, from, to, unpack, createdAt }: Copy): FileTree {
  const tree = new Map(before);
  const put = (path: string, node: FileNode) => putNode(tree, path, node, createdAt);
  const origin = resolvePath(source, from);
  const node = origin === "" ? undefined : source.get(origin);
  if (origin !== "" && node === undefined) throw new AssemblyFailed(`"${from}": not found`);
  const target = resolvePath(tree, to);

  if (node === undefined || node.kind === "directory") {
    if (target !== "") put(target, node === undefined ? directory(createdAt) : rooted(node));
    for (const [path, child] of source) {
      if (origin === "") put(posix.join(target, path), rooted(child));
      else if (path.startsWith(`${origin}/`)) put(posix.join(target, path.slice(origin.length + 1)), rooted(child));
    }
    return tree;
  }
  const archive = unpack && node.kind === "file" ? archiveIn(node.content) : undefined;
  if (archive !== undefined) {
    for (const entry of archive) {
      if (entry.path !== "") put(posix.join(target, entry.path), nodeOf(entry, tree, target));
    }
    return tree;
  }
  const isInto = to.endsWith("/") || target === "" || tree.get(target)?.kind === "directory";
  put(isInto ? posix.join(target, posix.basename(from)) : target, rooted(node));
  return tree;
}

/**
 * The file system after something was written to a file, as a shell's `>` and `>>` do it.
 *
 * @throws {AssemblyFailed} where the shell would fail.
 */
export function writeFile(
  before: FileTree,
  path: string,
  text: string,
  { append, createdAt }: { readonly append: boolean; readonly createdAt: number },
): FileTree {
  const place = resolvePath(before, path);
  const parent = posix.dirname(place);
  const node = before.get(place);
  const isThere = parent === "." || before.get(parent)?.kind === "directory";
  if (!isThere || place === "" || node?.kind === "directory") {
    throw new AssemblyFailed(`${path}: ${isThere ? "is a directory" : "nonexistent directory"}`);
  }
  const old = append && node?.kind === "file" ? [node.content] : [];
  const attributes = node ?? { mode: 0o644, uid: 0, gid: 0 };
  const content = Buffer.concat([...old, Buffer.from(text)]);
  const { mode, uid, gid } = attributes;
  return new Map([...before, [place, { kind: "file", mode, uid, gid, mtime: createdAt, content }]]);
}

/** Follows symbolic links, the last part's too; what isn't there stands for itself. */
export function resolvePath(tree: FileTree, path: string): string {
  const open = path.split("/").reverse();
  let place = "";
  let links = 0;
  while (open.length > 0) {
    const part = open.pop() ?? "";
    if (part === "" || part === ".") continue;
    if (part === "..") {
      place = place.includes("/") ? posix.dirname(place) : "";
      continue;
    }
    const next = posix.join(place, part);
    const node = tree.get(next);
    if (node?.kind !== "symlink") {
      place = next;
      continue;
    }
    if (++links > MAX_LINKS) throw new AssemblyFailed(`${path}: too many links`);
    if (node.target.startsWith("/")) place = "";
    open.push(...node.target.split("/").reverse());
  }
  return place;
}

/** A file of a tree. */
export function readFileIn(tree: FileTree, path: string): Uint8Array | undefined {
  const node = tree.get(resolvePath(tree, path));
  return node?.kind === "file" ? node.content : undefined;
}

function putNode(tree: Map<string, FileNode>, path: string, node: FileNode, createdAt: number): void {
  const parent = resolvePath(tree, posix.dirname(path));
  const place = posix.join(parent, posix.basename(path));
  if (parent !== "" && parent !== "." && tree.get(parent)?.kind !== "directory") {
    if (tree.has(parent)) throw new AssemblyFailed(`/${place}: /${parent} is no directory`);
    putNode(tree, parent, directory(createdAt), createdAt);
  }
  const old = tree.get(place);
  if (old !== undefined && (old.kind === "directory") !== (node.kind === "directory")) {
    throw new AssemblyFailed(`/${place}: a directory and something else have that name`);
  }
  tree.set(place, node);
}

function directory(mtime: number): FileNode {
  return { kind: "directory", mode: 0o755, uid: 0, gid: 0, mtime };
}

function rooted(node: FileNode): FileNode {
  return { ...node, uid: 0, gid: 0 };
}

function nodeOf(entry: TarEntry, tree: FileTree, below = ""): FileNode {
  const { mode, uid, gid, mtime } = entry;
  const attributes = { mode, uid, gid, mtime };
  switch (entry.kind) {
    case "file":
      return { ...attributes, kind: "file", content: entry.content };
    case "directory":
      return { ...attributes, kind: "directory" };
    case "symlink":
      return { ...attributes, kind: "symlink", target: entry.target };
    case "link": {
      const other = tree.get(posix.join(below, entry.target));
      if (other === undefined) throw new AssemblyFailed(`read an archive: ${entry.path} links to nothing`);
      return other.kind === "directory" ? other : { ...other };
    }
  }
}

function remove(tree: Map<string, FileNode>, path: string): void {
  tree.delete(path);
  removeBelow(tree, path);
}

function removeBelow(tree: Map<string, FileNode>, path: string): void {
  for (const other of [...tree.keys()]) {
    if (path === "." || path === "" || other.startsWith(`${path}/`)) tree.delete(other);
  }
}

/** The entries of a tar file, compressed with gzip or not; undefined if it is none. */
function archiveIn(content: Uint8Array): readonly TarEntry[] | undefined {
  const isGzip = content[0] === 0x1f && content[1] === 0x8b;
  const isOther = [
    [0x42, 0x5a, 0x68],
    [0xfd, 0x37, 0x7a],
    [0x28, 0xb5, 0x2f],
  ].some((magic) => magic.every((byte, at) => content[at] === byte));
  if (isOther) throw new AssemblyFailed("ADD of an archive: the assembler knows tar and tar.gz only");
  const bytes = isGzip ? gunzipSync(content) : content;
  return Buffer.from(bytes.subarray(257, 262)).toString("latin1") === "ustar" ? readTar(bytes) : undefined;
}
