import type { IncomingMessage, ServerResponse } from "node:http";
import { CursorRefused } from "../answer/ports.ts";
import { CouldNotLook } from "../trust/ports.ts";
import { CORS, isForOtherSites, PREFLIGHT, SECURITY } from "./api-headers.ts";
import { startBeat } from "./beat.ts";
import { etagOf, isKnown } from "./conditional.ts";
import type { ApiRequest, ApiResponse, Route } from "./exchange.ts";
import { ASK_QUOTAS, createPace, type Pace, type Paced, READ_QUOTAS } from "./pace.ts";
import { Problem, problemResponse } from "./problem.ts";
import { createReadyAnswers, type ReadyAnswer } from "./ready-answers.ts";
import { readBody } from "./request-body.ts";
import { routeOf } from "./routing.ts";
import { createSlowReaders, type SlowReaders } from "./slow-readers.ts";
import { createTurns } from "./turns.ts";
import { createUnread, type Unread } from "./unread.ts";

/** Longest address that is looked at, in characters. */
const MAX_ADDRESS_LENGTH = 8192;

/** How much an answer is made of for each request that it counts as, in bytes: 16 MiB keep a core busy for some tenths of a second. */
const BYTES_A_REQUEST = 256 * 1024;

/** On what beat is sent what not everyone may have, in milliseconds. */
const BEAT_MS = 25;

// What may stand in a log as it came.
const REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/;

/** What the faces of the server stand on. */
export interface ServingPorts {
  readonly routes: readonly Route[];
  /** By what a client is known for limits. */
  clientOf(request: IncomingMessage): string;
  /** A random identifier. */
  newId(): string;
  now(): Date;
  /** In the place of 25; 0 sends at once, and lets time tell what is hidden. */
  readonly beatMs?: number;
  /** In the place of its own limits. */
  readonly unread?: Unread;
  readonly slowReaders?: SlowReaders;
  /** A fault of ours, by the request's id. */
  readonly onFault: (error: unknown, requestId: string) => void;
  /** Each answer, for the log; the path is as it came. */
  readonly onAnswer?: (line: { requestId: string; method: string; path: string; status: number; ms: number }) => void;
}

/** The server's faces for those who ask. */
export interface Api {
  /** @returns false for an address of no concern here, untouched. */
  readonly handle: (request: IncomingMessage, response: ServerResponse) => Promise<boolean>;
  /** To be called when an answer was saved: what is ready to be sent may be out of date. */
  readonly forget: () => void;
}

/** One request on its way. */
interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly method: string;
  readonly path: string;
  readonly requestId: string;
  readonly client: string;
  readonly startedMs: number;
  /** Names and values in turn, of this answer alone. */
  readonly own: string[];
}

/** Serves routes over `node:http`: limits, request ids, validators, problems, and answers for anyone from memory. */
export function createApi(ports: ServingPorts): Api {
  const { routes } = ports;
  const paces = { read: createPace(READ_QUOTAS), ask: createPace(ASK_QUOTAS) };
  const ready = createReadyAnswers();
  const unread = ports.unread ?? createUnread();
  const slowReaders = ports.slowReaders ?? createSlowReaders();
  const turns = createTurns();

  const open = (request: IncomingMessage, response: ServerResponse, path: string, startedMs: number): Exchange => {
    const given = request.headers["x-request-id"];
    const requestId = typeof given === "string" && REQUEST_ID.test(given) ? given : ports.newId();
    return {
      request,
      response,
      method: request.method ?? "GET",
      path,
      requestId,
      client: ports.clientOf(request),
      startedMs,
      own: ["x-request-id", requestId],
    };
  };

  const tellPace = ({ own }: Exchange, pace: Pace, { remaining }: Paced) => {
    own.length = 2;
    own.push("ratelimit", remaining, "ratelimit-policy", pace.policy);
  };

  /** @throws {Problem} */
  const take = (exchange: Exchange, pace: Pace, cost: number, now = exchange.startedMs) => {
    const paced = pace.take(exchange.client, cost, now);
    tellPace(exchange, pace, paced);
    const { allowed, retryAfter } = paced;
    if (!allowed) throw new Problem("too-many-requests", undefined, { headers: { "retry-after": String(retryAfter) } });
  };

  const end = (exchange: Exchange, status: number, headers: readonly string[], body: Buffer | undefined) => {
    const { request, response, method, path, requestId, startedMs, own } = exchange;
    // A body that wasn't read would be taken for the next request, or be read on and on.
    if (!request.complete && hasBody(request)) own.push("connection", "close");
    // All at once, in a flat list: with setHeader Node would look through them twice.
    response.writeHead(status, headers.concat(own));
    if (method === "HEAD" || body === undefined) response.end();
    else slowReaders.send(body, request, response);
    ports.onAnswer?.({ requestId, method, path, status, ms: ports.now().getTime() - startedMs });
  };

  const sendReady = (exchange: Exchange, { headers, body, etag }: Omit<ReadyAnswer, "since" | "until">) => {
    if (isKnown(exchange.request.headers["if-none-match"], etag)) end(exchange, 304, withoutBody(headers), undefined);
    else end(exchange, 200, headers, body);
  };

  const send = (
    exchange: Exchange,
    { status, headers, body }: ApiResponse,
    tell?: Route["tell"],
  ): Omit<ReadyAnswer, "since" | "until"> | undefined => {
    const bytes = typeof body === "string" ? Buffer.from(body) : Buffer.from(body.buffer, body.byteOffset, body.length);
    const etag = etagOf(bytes);
    const all = {
      ...SECURITY,
      ...(isForOtherSites(exchange.path) && CORS),
      ...headers,
      ...(status === 200 && { etag }),
      "content-length": String(bytes.length),
    };
    const flat = Object.entries(all).flat();
    if (status !== 200) {
      end(exchange, status, flat, bytes);
      return undefined;
    }
    const { request, response, client, method } = exchange;
    const isWhole = method !== "HEAD" && !isKnown(request.headers["if-none-match"], etag);
    if (isWhole && !unread.add(client, bytes.length, request, response))
      return send(exchange, told(tooMuchUnread(), exchange, tell));
    sendReady(exchange, { headers: flat, body: bytes, etag });
    return { headers: flat, body: bytes, etag };
  };

  const answer = async (exchange: Exchange, route: Route, parts: readonly string[], query: string) => {
    const { request, client, method, path } = exchange;
    const pace = paces[route.pace ?? "read"];
    take(exchange, pace, 1);
    if (route.pace === "ask") refuseOtherSites(request);
    const asked: ApiRequest = {
      method,
      path,
      query: new URLSearchParams(query),
      headers: request.headers,
      client,
      body: await readBody(request, route.maxBody),
    };
    const cost = route.cost?.(asked) ?? 1;
    return turns.take(client, () => made(exchange, pace, cost, () => route.handle(asked, parts)));
  };

  /** Has an answer made, and paid for by what it was made of. */
  const made = async (exchange: Exchange, pace: Pace, cost: number, make: () => Promise<ApiResponse>) => {
    const now = () => ports.now().getTime();
    // Of one that costs no more, too: what was asked for before it may have cost more than was left.
    take(exchange, pace, cost - 1, now());
    const beat = startBeat(ports.beatMs ?? BEAT_MS);
    try {
      const answered = await make();
      const more = Math.ceil(sizeOf(answered) / BYTES_A_REQUEST) - cost;
      if (more > 0) tellPace(exchange, pace, pace.charge(exchange.client, more, now()));
      if (answered.shared === undefined) await beat.next();
      return answered;
    } catch (error) {
      await beat.next();
      throw error;
    } finally {
      beat.stop();
    }
  };

  const handle: Api["handle"] = async (request, response) => {
    const address = request.url ?? "/";
    const { method } = request;
    const isOpen = (method === "GET" || method === "HEAD") && request.headers.authorization === undefined;
    const startedMs = ports.now().getTime();
    const found = isOpen ? ready.get(address, startedMs) : undefined;
    const [path, query] = cut(address);
    const exchange = () => open(request, response, path, startedMs);
    if (found !== undefined) {
      const known = exchange();
      try {
        take(known, paces.read, 1);
        sendReady(known, found);
      } catch (error) {
        send(known, told(error, known));
      }
      return true;
    }
    const routed = routeOf(routes, method ?? "GET", path);
    if (routed.kind === "elsewhere") return false;
    const known = exchange();
    if (method === "OPTIONS" && isForOtherSites(path)) {
      end(known, 204, PREFLIGHT, undefined);
      return true;
    }
    const { generation } = ready;
    const tell = routed.kind === "found" ? routed.route.tell : undefined;
    let answered: ApiResponse;
    try {
      // What no route is asked for is counted too.
      if (routed.kind !== "found" || address.length > MAX_ADDRESS_LENGTH) take(known, paces.read, 1);
      if (address.length > MAX_ADDRESS_LENGTH) throw new Problem("malformed-request", "the address is too long");
      if (routed.kind === "missing") throw new Problem("no-such-address");
      if (routed.kind === "other-method")
        throw new Problem("method-not-allowed", undefined, { headers: { allow: routed.allow } });
      answered = await answer(known, routed.route, routed.parts, query);
    } catch (error) {
      answered = told(error, known, tell);
    }
    const sent = send(known, answered, tell);
    if (sent !== undefined && isOpen && answered.shared !== undefined)
      ready.keep(address, sent, answered.shared.ms, known.startedMs, generation);
    return true;
  };

  /** The one place where what was thrown becomes what is told. */
  const told = (error: unknown, { requestId }: Exchange, tell: Route["tell"] = problemResponse): ApiResponse => {
    if (error instanceof Problem) return tell(error, undefined);
    if (error instanceof CursorRefused)
      return tell(new Problem("malformed-request", "?after= is no place that a list has named"), undefined);
    if (error instanceof CouldNotLook)
      return tell(new Problem("could-not-look", undefined, { headers: { "retry-after": "30" } }), undefined);
    ports.onFault(error, requestId);
    return tell(new Problem("internal"), requestId);
  };

  return { handle, forget: ready.forget };
}

/**
 * A page of another site could have its visitors' browsers ask, each with a quota of its own. Browsers say where a request comes from;
 * programs don't, and needn't.
 */
function refuseOtherSites({ headers }: IncomingMessage): void {
  const site = headers["sec-fetch-site"];
  if (site !== undefined && site !== "same-origin" && site !== "none") throw new Problem("cross-site");
}

/** How much was made, or read to make it. What is hidden is as small as what isn't there. */
function sizeOf({ body, read = 0 }: ApiResponse): number {
  return Math.max(read, Buffer.byteLength(body));
}

function tooMuchUnread(): Problem {
  return new Problem("too-many-requests", "what was asked for before isn't read yet", {
    headers: { "retry-after": "10" },
  });
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}

function withoutBody(headers: readonly string[]): readonly string[] {
  return headers.flatMap((name, i) =>
    i % 2 === 1 || name === "content-length" || name === "content-type" ? [] : [name, headers[i + 1] ?? ""],
  );
}

function cut(address: string): readonly [path: string, query: string] {
  const at = address.indexOf("?");
  return at < 0 ? [address, ""] : [address.slice(0, at), address.slice(at + 1)];
}
