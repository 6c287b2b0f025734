import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, posix } from "node:path";
import { promisify } from "node:util";
import { AssemblyFailed } from "./failure.ts";
import type { FileNode, FileTree } from "./file-tree.ts";
import type { GitContext } from "./options.ts";

/** The files of a commit. */
export interface Source {
  readonly tree: FileTree;
  /** When the commit was made, in seconds since 1970: the date of its files, so that equal commits give equal layers. */
  readonly committedAt: number;
}

/** A server that never answers must not hold the build for ever. */
const GIT_MS = 120_000;
const OUTPUT_BYTES = 256 * 1024 * 1024;
const run = promisify(execFile);

/**
 * Fetches a commit with the real git, and reads its files out of the objects: a work tree would have this machine's umask.
 *
 * @throws {AssemblyFailed}
 */
export async function fetchSource(context: GitContext, env: NodeJS.ProcessEnv): Promise<Source> {
  const { url, commit, directory } = context;
  const repository = await mkdtemp(join(tmpdir(), "assembler-"));
  const git = async (args: readonly string[], input?: string): Promise<Buffer> => {
    try {
      const running = run("git", [...args], {
        env: { ...environment(env, context), GIT_DIR: repository },
        encoding: "buffer",
        maxBuffer: OUTPUT_BYTES,
        timeout: GIT_MS,
      });
      running.child.stdin?.on("error", () => {}); // it may end without having read all
      running.child.stdin?.end(input ?? "");
      return (await running).stdout;
    } catch (error) {
      const { stderr } = error as { stderr?: Buffer };
      const reason = stderr?.toString().trim() || (error as Error).message;
      throw new AssemblyFailed(`failed to fetch ${url} at ${commit}: git ${args[0]}: ${reason}`, { cause: error });
    }
  };
  try {
    await git(["init", "-q", "--bare", repository]);
    await git(["fetch", "-q", "--no-tags", "--depth=1", "--", url, commit]);
    const [committedAt = ""] = (await git(["show", "-s", "--format=%ct", commit])).toString().split("\n");
    const listed = (await git(["ls-tree", "-r", "-z", "--full-tree", `${commit}:${directory ?? ""}`])).toString();
    const files = listed.split("\0").flatMap((line) => (line === "" ? [] : [listedFile(line)]));
    const contents = await git(["cat-file", "--batch"], files.map(({ object }) => `${object}\n`).join(""));
    return { tree: treeOf(files, contents, Number(committedAt)), committedAt: Number(committedAt) };
  } finally {
    await rm(repository, { recursive: true, force: true });
  }
}

interface ListedFile {
  readonly path: string;
  readonly mode: string;
  readonly object: string;
}

function listedFile(line: string): ListedFile {
  const [, mode = "", object = "", path = ""] = /^([0-7]{6}) \w+ ([0-9a-f]+)\t(.*)$/s.exec(line) ?? [];
  if (mode === "160000") throw new AssemblyFailed(`${path} is a submodule, which the assembler doesn't know`);
  // Both would make another context out of the same commit.
  if (/^(?:\.gitattributes|\.dockerignore)$|\.dockerignore$/.test(posix.basename(path))) {
    throw new AssemblyFailed(`${path}: the assembler doesn't know such files`);
  }
  return { path, mode, object };
}

/** `cat-file` answers in the order that it was asked: a line with the size, the content, a line's end. */
function treeOf(files: readonly ListedFile[], contents: Buffer, mtime: number): FileTree {
  const tree = new Map<string, FileNode>();
  let at = 0;
  for (const { path, mode } of files) {
    const start = contents.indexOf("\n", at) + 1;
    const size = Number(contents.toString("latin1", at, start).split(" ")[2]);
    const content = contents.subarray(start, start + size);
    at = start + size + 1;
    const owner = { uid: 0, gid: 0, mtime };
    for (let above = posix.dirname(path); above !== "."; above = posix.dirname(above)) {
      tree.set(above, { kind: "directory", mode: 0o755, ...owner });
    }
    if (mode === "120000") tree.set(path, { kind: "symlink", mode: 0o777, ...owner, target: content.toString() });
    else tree.set(path, { kind: "file", mode: mode === "100755" ? 0o755 : 0o644, ...owner, content });
  }
  return tree;
}

/** Nobody's configuration has a say, nobody is asked for a password, and the token is in no argument that others could see. */
function environment(env: NodeJS.ProcessEnv, { url, token }: GitContext): NodeJS.ProcessEnv {
  const login = Buffer.from(`x-access-token:${token}`).toString("base64");
  const header = {
    GIT_CONFIG_COUNT: "1",
    GIT_CONFIG_KEY_0: `http.${url}.extraHeader`,
    GIT_CONFIG_VALUE_0: `Authorization: Basic ${login}`,
  };
  const direct = [env.no_proxy ?? env.NO_PROXY, "127.0.0.1,localhost"].filter(Boolean).join(",");
  return {
    ...Object.fromEntries(Object.entries(env).filter(([name]) => /^(?:PATH|HOME|TMPDIR|LANG|.*_proxy)$/i.test(name))),
    no_proxy: direct,
    NO_PROXY: direct,
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_TERMINAL_PROMPT: "0",
    GIT_ALLOW_PROTOCOL: "http:https",
    ...(token === undefined ? {} : header),
  };
}
