import { spawn } from "node:child_process";
import type { IncomingMessage, ServerResponse } from "node:http";
import { basename, dirname } from "node:path";
import { createGunzip } from "node:zlib";
import { GIT_ENV, REPOSITORY_NAME } from "./git-repository.ts";

/** The repository that a URL of git's smart HTTP names, and the path below it; undefined if it isn't one. */
export function gitPath(pathname: string): { readonly name: string; readonly path: string } | undefined {
  const [, name = "", path = ""] = /^\/([^/]+\/[^/]+?)(?:\.git)?(\/.*)$/.exec(pathname) ?? [];
  return REPOSITORY_NAME.test(name) ? { name, path } : undefined;
}

/** Hands a request for a path below a repository to git's own CGI program. @see git-http-backend(1) */
export function serveGit(directory: string, path: string, request: IncomingMessage, response: ServerResponse): void {
  const { search } = new URL(request.url ?? "/", "http://localhost");
  const backend = spawn("git", ["http-backend"], {
    env: {
      PATH: process.env.PATH,
      ...GIT_ENV,
      GIT_PROJECT_ROOT: dirname(directory),
      GIT_HTTP_EXPORT_ALL: "1",
      PATH_INFO: `/${basename(directory)}${path}`,
      QUERY_STRING: search.slice(1),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers["content-type"] ?? "",
      GIT_PROTOCOL: String(request.headers["git-protocol"] ?? ""),
      REMOTE_ADDR: "127.0.0.1",
    },
    stdio: ["pipe", "pipe", "ignore"],
  });
  backend.on("error", () => response.destroy());
  // Who goes away in the middle of his question never ends it, and in the middle of the answer nobody takes the rest: git would wait, and
  // keep this process alive.
  response.on("close", () => {
    backend.stdin.destroy();
    backend.stdout.destroy();
  });
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
