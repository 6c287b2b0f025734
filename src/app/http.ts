import type { IncomingMessage, ServerResponse } from "node:http";
import type { Build } from "../build/build.ts";
import { buildPage, CONTENT_SECURITY_POLICY, errorPage } from "../report/build-page.ts";
import type { JudgedBy } from "../report/judged-by.ts";
import type { StoredSummary } from "../store/summaries.ts";
import { signedSummaries } from "./summaries.ts";

/** The largest delivery that GitHub sends, in bytes; Probot itself sets no limit. */
const MAX_DELIVERY_BYTES = 25 * 1024 * 1024;

const PULL_PAGE = /^\/pulls\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;
const BUILD_PAGE = /^\/builds\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(\/vsa\.jsonl)?$/;
const ONBOARDING_PAGE = /^\/onboarding\/([1-9][0-9]{0,15})$/;

/** What the pages show. */
export interface PagePorts {
  /** The GitHub server that pages link to. */
  readonly server: string;
  /** The page of a pull request's check; undefined where there is none that may be seen. */
  readPull(id: string): Promise<string | undefined>;
  readBuild(id: string): Promise<Build | undefined>;
  listJudgements(id: string): Promise<readonly JudgedBy[]>;
  listSummaries(id: string): Promise<readonly StoredSummary[]>;
  /** The page of what is proposed to a repository, by its number; undefined where there is none that may be seen. */
  readOnboarding(repositoryId: number): Promise<string | undefined>;
  /** Whether the database answers. */
  isReady(): Promise<boolean>;
}

/** The path that is asked for; undefined where it is none: anyone may send `//`. */
export function pathOf(request: IncomingMessage): string | undefined {
  return URL.parse(request.url ?? "/", "http://localhost")?.pathname;
}

/** Whether the server lives, and whether its database answers. @returns false for another address. */
export async function serveHealth(
  { isReady }: Pick<PagePorts, "isReady">,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<boolean> {
  if (request.method !== "GET" && request.method !== "HEAD") return false;
  switch (pathOf(request)) {
    case "/healthz":
      sendText(response, 200, "ok\n");
      return true;
    case "/readyz": {
      const ready = await isReady();
      sendText(response, ready ? 200 : 503, ready ? "ready\n" : "the database doesn't answer\n");
      return true;
    }
    default:
      return false;
  }
}

/** Answers what isn't a webhook. @returns false for an address of no concern here. */
export async function servePage(
  ports: PagePorts,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<boolean> {
  const pathname = pathOf(request);
  if (pathname === undefined) {
    sendMissing(response);
    return true;
  }
  if (request.method !== "GET" && request.method !== "HEAD") return false;
  if (await serveHealth(ports, request, response)) return true;
  const [, repositoryId] = ONBOARDING_PAGE.exec(pathname) ?? [];
  if (repositoryId !== undefined) {
    const page = await ports.readOnboarding(Number(repositoryId));
    if (page === undefined) sendMissing(response);
    else sendPage(response, 200, page);
    return true;
  }
  const [, id, file] = BUILD_PAGE.exec(pathname) ?? [];
  if (id === undefined) {
    const [, check] = PULL_PAGE.exec(pathname) ?? [];
    if (check === undefined) return false;
    const page = await ports.readPull(check);
    if (page === undefined) sendMissing(response);
    else sendPage(response, 200, page);
    return true;
  }
  const build = await ports.readBuild(id);
  // A private repository's build and none at all look the same: that it exists is nobody's business (DESIGN §6).
  if (build === undefined || build.repository.isPrivate) sendMissing(response);
  else if (file !== undefined) {
    const summaries = await ports.listSummaries(id);
    if (summaries.length === 0) sendMissing(response);
    else sendDocument(response, "application/jsonl", summaries.map(({ bundle }) => `${bundle}\n`).join(""));
  } else {
    const summaries = signedSummaries(`/builds/${id}/vsa.jsonl`, await ports.listSummaries(id));
    const options = { server: ports.server, ...(summaries && { summaries }) };
    sendPage(response, 200, buildPage(build, await ports.listJudgements(id), options));
  }
  return true;
}

/** The answer for every address that isn't there, and for everything that may not be seen. */
export function sendMissing(response: ServerResponse): void {
  sendPage(
    response,
    404,
    errorPage(404, "Not found", "There is nothing at this address, or nothing that may be seen here."),
  );
}

/** How a page is sent that isn't like the others: one with a form. */
export interface PageHeaders {
  /** Its content security policy. */
  readonly policy?: string;
  /** Beside the usual ones, or instead of them. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** A page of ours: no script, nothing from elsewhere, in nobody's frame. */
export function sendPage(
  response: ServerResponse,
  status: number,
  html: string,
  { policy = CONTENT_SECURITY_POLICY, headers = {} }: PageHeaders = {},
): void {
  response
    .writeHead(status, {
      "content-type": "text/html; charset=utf-8",
      "content-length": Buffer.byteLength(html),
      "content-security-policy": policy,
      "cache-control": "no-store",
      "referrer-policy": "no-referrer",
      "x-content-type-options": "nosniff",
      ...headers,
    })
    .end(html);
}

function sendDocument(response: ServerResponse, type: string, text: string): void {
  response
    .writeHead(200, {
      "content-type": `${type}; charset=utf-8`,
      "content-length": Buffer.byteLength(text),
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
    })
    .end(text);
}

function sendText(response: ServerResponse, status: number, text: string): void {
  response
    .writeHead(status, {
      "content-type": "text/plain; charset=utf-8",
      "content-length": Buffer.byteLength(text),
      "x-content-type-options": "nosniff",
    })
    .end(text);
}

/** Whether a delivery's body may be read: without a length it could go on for ever. */
export function refuseBody(request: IncomingMessage, response: ServerResponse): boolean {
  if (request.method !== "POST") return false;
  const length = request.headers["content-length"];
  if (length === undefined) {
    sendText(response, 411, "a delivery has a content-length\n");
    return true;
  }
  if (Number(length) <= MAX_DELIVERY_BYTES) return false;
  sendText(response, 413, `a delivery is no larger than ${MAX_DELIVERY_BYTES} bytes\n`);
  return true;
}
