import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { gitPath, serveGit } from "../git-http.ts";
import type { AppManifests } from "./app-manifests.ts";
import type { Endpoint, Endpoints, Reply } from "./call.ts";
import { ContentLimits } from "./content-limits.ts";
import { allow, authenticate, type Caller, sees } from "./credentials.ts";
import { findOperation, type Operation } from "./description.ts";
import { ApiError, notFound } from "./error.ts";
import type { Fault, Faults } from "./faults.ts";
import { htmlPage } from "./pages.ts";
import { fullName, type State } from "./state.ts";
import { readRequest, responseFaults } from "./validation.ts";

/** One request to the API as it came in, and what it got. */
export interface LoggedRequest {
  readonly method: string;
  /** Below `/api/v3`, with its query. */
  readonly path: string;
  /** 0 where the answer was lost. */
  readonly status: number;
  readonly body?: unknown;
}

/** A moment of a request to the API: before anything is done, and when everything is done but the answer. */
export interface RequestMoment {
  readonly when: "before" | "after";
  readonly method: string;
  /** Below `/api/v3`, with its query. */
  readonly path: string;
}

/** Called at both moments of every request, and waited for. What it answers `lost` for goes no further: the request, or its answer. */
export type RequestHook = (moment: RequestMoment) => Promise<"lost" | undefined> | undefined;

const API = "/api/v3";
/** Below the number of a repository. */
const NUMBERED = /^\/repositories\/(\d+)(.*)$/;
const API_VERSION = "2022-11-28";
const RATE_LIMIT = { anonymous: 60, app: 5000, token: 5000 };
const HOUR_SECONDS = 3600;

/** Something that GitHub's description doesn't know. */
class Violation extends Error {}

/** The server of API, git and pages. */
export function createGithubServer(
  state: State,
  endpoints: Endpoints,
  faults: Faults,
  requests: LoggedRequest[],
  hook: RequestHook,
  manifests: AppManifests,
): Server {
  const used = new Map<string, number>();
  const limits = new ContentLimits(state);

  async function serveApi(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const method = request.method ?? "GET";
    const url = new URL(`${state.url}${request.url}`);
    const path = url.pathname.slice(API.length);
    const text = await readText(request);
    const body = parseBody(text);
    const isLost = async (when: RequestMoment["when"]) =>
      (await hook({ when, method, path: path + url.search })) === "lost";
    if (await isLost("before")) {
      response.destroy();
      return;
    }
    const fault = faults.take(method, path + url.search);
    if (fault?.hang) return;
    const answered = fault !== undefined && !fault.after ? undefined : await answer(method, path, url, body, request);
    const reply = fault === undefined ? answered : faultReply(fault);
    const logged = { method, path: path + url.search, status: fault?.drop ? 0 : (reply?.status ?? 500) };
    requests.push(body === undefined ? logged : { ...logged, body });
    if ((await isLost("after")) || fault?.drop || reply === undefined) {
      response.destroy();
      return;
    }
    const { status, headers = {}, body: document } = reply;
    response.writeHead(status, {
      ...(document === undefined ? {} : { "content-type": "application/json; charset=utf-8" }),
      "x-github-media-type": "github.v3; format=json",
      "x-github-request-id": randomUUID(),
      ...rateLimit(request.headers.authorization),
      ...headers,
    });
    response.end(document === undefined ? undefined : JSON.stringify(document));
  }

  /** Whatever happens, it becomes an answer; a violation becomes a loud one. */
  async function answer(
    method: string,
    asPath: string,
    url: URL,
    body: unknown,
    request: IncomingMessage,
  ): Promise<Reply> {
    const moved = movedReply(state, method, asPath, url.search);
    if (moved !== undefined) return moved;
    const path = pathByName(state, asPath);
    try {
      if (NUMBERED.test(path)) return nowhere(state, request);
      const found = findOperation(method, path);
      if (found === undefined) throw new Violation("the description (openapi.json) has no such operation");
      const { operation } = found;
      if (body === BROKEN) throw new Violation("the body is no JSON");
      const asked = request.headers["x-github-api-version"] ?? API_VERSION;
      if (asked !== API_VERSION) throw new Violation(`API version ${asked} is another than that of the description`);
      const read = readRequest(operation, found.parameters, url.searchParams, body);
      if (read.faults.length > 0) throw new Violation(read.faults.join("; "));
      const reply = await attempt(operation, { ...read, body: (body ?? {}) as Record<string, unknown>, url }, request);
      const wrong = responseFaults(operation, reply.status, plain(reply.body));
      if (wrong.length > 0) throw new Violation(wrong.join("; "));
      return reply;
    } catch (error) {
      const what = error instanceof Violation ? error.message : String((error as Error).stack);
      state.violations.push(`${method} ${path}${url.search}: ${what}`);
      return errorReply(new ApiError(500, `The stand-in for GitHub: ${what}`));
    }
  }

  async function attempt(
    operation: Operation,
    read: {
      readonly parameters: Readonly<Record<string, string | number | boolean>>;
      body: Record<string, unknown>;
      url: URL;
    },
    request: IncomingMessage,
  ): Promise<Reply> {
    const endpoint: Endpoint | undefined = endpoints[operation.name];
    if (endpoint === undefined) throw new Violation("the stand-in doesn't play this operation");
    try {
      const call = { ...read, caller: authenticate(state, request.headers.authorization) };
      limits.count(operation.name, call.caller);
      switch (endpoint.kind) {
        case "anyone":
          return await endpoint.answer(call);
        case "app":
          if (call.caller.kind !== "app") throw new ApiError(401, "A JSON web token could not be decoded");
          return await endpoint.answer(call);
        case "installation":
          if (call.caller.kind === "anonymous") throw new ApiError(401, "Requires authentication");
          return await endpoint.answer(call);
        case "repository": {
          const { owner, repo } = read.parameters;
          const named = state.repositories.get(`${owner}/${repo}`.toLowerCase());
          return await endpoint.answer({ ...call, repository: allow(call.caller, named, endpoint.need) });
        }
      }
    } catch (error) {
      if (error instanceof ApiError) return errorReply(error);
      throw error;
    }
  }

  function rateLimit(authorization: string | undefined): Record<string, string> {
    const limit = authorization === undefined ? RATE_LIMIT.anonymous : RATE_LIMIT.token;
    const key = authorization ?? "";
    const count = (used.get(key) ?? 0) + 1;
    used.set(key, count);
    return {
      "x-ratelimit-limit": String(limit),
      // It never runs out by itself: a test that wants that makes a fault of it.
      "x-ratelimit-remaining": String(Math.max(limit - count, 1)),
      "x-ratelimit-used": String(count),
      "x-ratelimit-reset": String(Math.floor(state.now().getTime() / 1000) + HOUR_SECONDS),
      "x-ratelimit-resource": "core",
    };
  }

  return createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    const failed = (error: unknown) => {
      state.violations.push(`${request.method} ${pathname}: ${String((error as Error).stack)}`);
      response.destroy();
    };
    if (pathname.startsWith(`${API}/`)) serveApi(request, response).catch(failed);
    else if (/\/(?:info\/refs|git-upload-pack|git-receive-pack|HEAD|objects\/.*)$/.test(pathname))
      cloneFrom(state, request, response);
    else if (request.method === "POST") postForm(manifests, request, response).catch(failed);
    else {
      const page = htmlPage(state, pathname);
      response.writeHead(page === undefined ? 404 : 200, { "content-type": "text/html; charset=utf-8" }).end(page);
    }
  });
}

/** What a browser sends to a page. */
async function postForm(manifests: AppManifests, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await readText(request);
  const { status, location, problem } = manifests.post(new URL(request.url ?? "/", "http://localhost"), body) ?? {
    status: 404,
  };
  response.writeHead(status, location === undefined ? { "content-type": "text/plain" } : { location }).end(problem);
}

/** Git over HTTP. Where a repository can't be seen, GitHub asks who is there before it says that there is none. */
function cloneFrom(state: State, request: IncomingMessage, response: ServerResponse): void {
  const asked = gitPath(new URL(request.url ?? "/", "http://localhost").pathname);
  const repository = asked && state.repositories.get(asked.name.toLowerCase());
  let caller: Caller;
  try {
    caller = authenticate(state, request.headers.authorization);
  } catch {
    response.writeHead(401, { "www-authenticate": 'Basic realm="GitHub"' }).end();
    return;
  }
  const isReadable =
    repository !== undefined &&
    sees(caller, repository) &&
    (!repository.isPrivate || (caller.kind === "token" && caller.token.permissions.contents !== undefined));
  if (asked !== undefined && isReadable) serveGit(repository.directory, asked.path, request, response);
  else if (caller.kind === "anonymous") response.writeHead(401, { "www-authenticate": 'Basic realm="GitHub"' }).end();
  else response.writeHead(404).end("Repository not found.");
}

function errorReply({ status, message, headers, errors }: ApiError): Reply {
  const body = {
    message,
    ...(errors && { errors }),
    documentation_url: "https://docs.github.com/rest",
    status: String(status),
  };
  return { status, headers, body };
}

/** Where a repository has another name now, GitHub leads on to its number. */
function movedReply(state: State, method: string, path: string, search: string): Reply | undefined {
  const [, owner = "", name = "", rest = ""] = /^\/repos\/([^/]+)\/([^/]+)(.*)$/.exec(path) ?? [];
  const id = state.renamed.get(`${owner}/${name}`.toLowerCase());
  if (id === undefined) return undefined;
  const location = `${state.apiUrl}/repositories/${id}${rest}${search}`;
  const isRead = method === "GET" || method === "HEAD";
  const message = isRead ? "Moved Permanently" : "Temporary Redirect";
  return { status: isRead ? 301 : 307, headers: { location }, body: { message, url: location } };
}

/** What nobody has of a number; whoever asks is told first that nobody has their token. */
function nowhere(state: State, request: IncomingMessage): Reply {
  try {
    authenticate(state, request.headers.authorization);
    throw notFound();
  } catch (error) {
    if (error instanceof ApiError) return errorReply(error);
    throw error;
  }
}

/** A path below a repository's number as the description knows it. GitHub leads there itself, and describes it nowhere. */
function pathByName(state: State, path: string): string {
  const [, id, rest = ""] = NUMBERED.exec(path) ?? [];
  const found = [...state.repositories.values()].find((each) => String(each.id) === id);
  return found === undefined ? path : `/repos/${fullName(found)}${rest}`;
}

function faultReply({ status = 500, message = "Server Error", headers = {} }: Fault): Reply {
  return errorReply(new ApiError(status, message, headers));
}

const BROKEN = Symbol("not JSON");

function parseBody(text: string): unknown {
  if (text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return BROKEN;
  }
}

/** As the client will read it: without what JSON leaves out. */
function plain(body: unknown): unknown {
  return body === undefined ? undefined : JSON.parse(JSON.stringify(body));
}

async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
