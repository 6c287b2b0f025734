import { execFile, spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { createGunzip } from "node:zlib";

/** A commit that a build can be made from. */
export interface GitSource {
  /** With `.git`: BuildKit takes an http URL without it for a file to download. */
  readonly url: string;
  readonly commit: string;
  /** The tag's name, without `refs/tags/`; undefined if none was asked for. */
  readonly tag: string | undefined;
}

/** What stands for GitHub's server, as far as git sees it. */
export interface GitServer {
  /** Plays GitHub's server URL: a repository's page would be `${url}/owner/name`. */
  readonly url: string;
  /**
   * Commits exactly these files on the branch main of `owner/name`, which is made if it isn't there. Content that begins like a
   * program gets the executable bit. Dates are fixed, so that the same files give the same commit.
   */
  repository(name: string, files: Files, options?: { readonly tag?: string }): Promise<GitSource>;
  close(): Promise<void>;
}

/** Contents by path below the repository's root. */
export type Files = Readonly<Record<string, string | Uint8Array>>;

const run = promisify(execFile);
const NAME = /^[A-Za-z0-9_-][A-Za-z0-9._-]*\/[A-Za-z0-9_-][A-Za-z0-9._-]*$/;
/** Neither the person's configuration nor their clock has a say. */
const GIT_ENV = {
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_CONFIG_SYSTEM: "/dev/null",
  GIT_AUTHOR_NAME: "Ada",
  GIT_AUTHOR_EMAIL: "ada@example.test",
  GIT_AUTHOR_DATE: "2026-01-02T03:04:05Z",
  GIT_COMMITTER_NAME: "Ada",
  GIT_COMMITTER_EMAIL: "ada@example.test",
  GIT_COMMITTER_DATE: "2026-01-02T03:04:05Z",
};

/** Serves bare repositories over git's smart HTTP on a loopback port, through the real `git http-backend`. Any commit may be asked for. */
export async function startGitServer(): Promise<GitServer> {
  const root = mkdtempSync(join(tmpdir(), "git-server-"));
  const server = createServer((request, response) => serve(root, request, response));
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(0, "127.0.0.1", resolve);
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    async repository(name, files, { tag } = {}) {
      if (!NAME.test(name)) throw new Error(`not owner/name: ${name}`);
      const commit = await commitFiles(join(root, `${name}.git`), files, tag);
      return { url: `${url}/${name}.git`, commit, tag };
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          rmSync(root, { recursive: true, force: true });
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

async function commitFiles(directory: string, files: Files, tag: string | undefined): Promise<string> {
  const work = mkdtempSync(join(tmpdir(), "git-work-"));
  const options = { env: { ...process.env, ...GIT_ENV, GIT_DIR: directory, GIT_WORK_TREE: work } };
  const git = async (...args: string[]) => (await run("git", args, options)).stdout.trim();
  try {
    if (!existsSync(directory)) {
      await run("git", ["init", "-q", "--bare", "--initial-branch=main", directory], {
        env: { ...process.env, ...GIT_ENV },
      });
      await git("config", "uploadpack.allowAnySHA1InWant", "true");
      await git("config", "core.bare", "false"); // a bare repository refuses the work tree that it gets from outside
    }
    for (const [path, content] of Object.entries(files)) {
      const file = join(work, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, content);
      if (isProgram(content)) chmodSync(file, 0o755);
    }
    await git("add", "--all", "--force", ".");
    await git("commit", "-q", "--allow-empty", "-m", tag ?? "change");
    if (tag !== undefined) await git("tag", "--force", tag);
    return await git("rev-parse", "HEAD");
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function isProgram(content: string | Uint8Array): boolean {
  const start = Buffer.from(content).subarray(0, 4).toString("latin1");
  return start === "\x7fELF" || start.startsWith("#!");
}

/** Hands a request to git's own CGI program. @see git-http-backend(1) */
function serve(root: string, request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? "/", "http://localhost");
  const match = /^\/([^/]+\/[^/]+?)(?:\.git)?(\/.*)$/.exec(url.pathname);
  const [, name = "", path = ""] = match ?? [];
  if (!NAME.test(name)) {
    response.writeHead(404).end();
    return;
  }
  const backend = spawn("git", ["http-backend"], {
    env: {
      PATH: process.env.PATH,
      ...GIT_ENV,
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: "1",
      PATH_INFO: `/${name}.git${path}`,
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers["content-type"] ?? "",
      GIT_PROTOCOL: String(request.headers["git-protocol"] ?? ""),
      REMOTE_ADDR: "127.0.0.1",
    },
    stdio: ["pipe", "pipe", "ignore"],
  });
  backend.on("error", () => response.destroy());
  backend.stdin.on("error", () => {}); // it may answer without having read all
  const body = request.headers["content-encoding"] === "gzip" ? request.pipe(createGunzip()) : request;
  body.pipe(backend.stdin);
  let head = Buffer.alloc(0);
  const onData = (chunk: Buffer) => {
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf("\r\n\r\n");
    if (end < 0) return;
    backend.stdout.off("data", onData);
    const headers = head.subarray(0, end).toString("latin1").split("\r\n");
    let status = 200;
    for (const header of headers) {
      const colon = header.indexOf(":");
      const key = header.slice(0, colon);
      const value = header.slice(colon + 1).trim();
      if (key.toLowerCase() === "status") status = Number.parseInt(value, 10);
      else response.setHeader(key, value);
    }
    response.writeHead(status);
    response.write(head.subarray(end + 4));
    backend.stdout.pipe(response);
  };
  backend.stdout.on("data", onData);
  backend.on("close", () => {
    if (!response.headersSent) response.writeHead(500).end();
  });
}
