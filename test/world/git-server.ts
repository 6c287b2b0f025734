import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gitPath, serveGit } from "./git-http.ts";
import { commitFiles, type Files, git, REPOSITORY_NAME } from "./git-repository.ts";

export type { Files } from "./git-repository.ts";

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

/** Serves bare repositories over git's smart HTTP on a loopback port, through the real `git http-backend`. Any commit may be asked for. */
export async function startGitServer(): Promise<GitServer> {
  const root = mkdtempSync(join(tmpdir(), "git-server-"));
  const server = createServer((request, response) => {
    const asked = gitPath(new URL(request.url ?? "/", "http://localhost").pathname);
    if (asked === undefined) response.writeHead(404).end();
    else serveGit(join(root, `${asked.name}.git`), asked.path, request, response);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(0, "127.0.0.1", resolve);
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    async repository(name, files, { tag } = {}) {
      if (!REPOSITORY_NAME.test(name)) throw new Error(`not owner/name: ${name}`);
      const directory = join(root, `${name}.git`);
      const commit = await commitFiles(directory, files, tag === undefined ? {} : { message: tag });
      if (tag !== undefined) await git(directory, ["tag", "--force", tag]);
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
