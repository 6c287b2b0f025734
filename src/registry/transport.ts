import type { Readable } from "node:stream";
import { setTimeout as wait } from "node:timers/promises";
import pLimit from "p-limit";
import type { Dispatcher } from "undici";
import { Agent, buildConnector, errors } from "undici";
import { quote } from "../image/quote.ts";
import { BeyondLimit } from "../trust/ports.ts";
import type { AddressGuard } from "./address-guard.ts";
import { addressForPeople, RegistryError } from "./error.ts";

/** How long one request may take, redirects and body included, in milliseconds (DESIGN §7). */
export const REQUEST_TIMEOUT_MS = 15_000;

/** How many redirects are followed (DESIGN §7): blobs go to a storage host in one. */
const MAX_REDIRECTS = 3;

/** How much of an error's body is read, in bytes; the rest is left. */
const MAX_ERROR_BODY_BYTES = 16 * 1024;

/** Requests under way at one host at a time. */
const MAX_REQUESTS_PER_HOST = 16;

/** Pauses before a request is sent again after a broken connection or 5xx, in milliseconds: so it is sent three times at most. */
const RETRY_PAUSES_MS = [250, 1000] as const;

/** Pauses after 429 where the server names none, in milliseconds. */
const RATE_LIMIT_PAUSES_MS = [1000, 2000, 4000] as const;

/** Longest pause that a server may ask for, in milliseconds; for a longer one we don't wait at all. */
const MAX_RETRY_AFTER_MS = 20_000;

/** One request, as the protocol means it. */
export interface Outgoing {
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "DELETE";
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent to the origin of `url` and to no other (RULES R32). */
  readonly authorization?: string | undefined;
  /** Bytes, or what makes a stream of them: a second try needs a second stream. */
  readonly body?: Uint8Array | (() => Readable);
  /** Largest body of a good answer, in bytes. */
  readonly limit: number;
  /** What is wanted, for messages. */
  readonly what: string;
  /** In milliseconds; {@link REQUEST_TIMEOUT_MS} if absent. */
  readonly timeoutMs?: number;
  /** Whether redirects are followed; otherwise they are answers like others. */
  readonly followRedirects?: boolean;
  /** Takes a good answer's body as it comes, which is then not kept: layers are larger than memory. A second try makes a second one. */
  readonly sink?: () => (chunk: Uint8Array) => Promise<void>;
}

/** What came back, read whole. */
export interface Answer {
  readonly status: number;
  /** Whole for 2xx; for others at most 16 KiB of it. */
  readonly body: Uint8Array;
  /** Where it came from in the end. */
  readonly url: URL;
  /** By way of another origin than the one asked: what it says about absence or permission is not the registry's word. */
  readonly fromElsewhere: boolean;
  /** The header's value, several joined by commas. */
  header(name: string): string | undefined;
}

/** One request that was sent, for progress and counts. */
export interface SentRequest {
  readonly method: string;
  /** Without query and user info. */
  readonly url: string;
  readonly status: number;
  /** Of the body as read. */
  readonly bytes: number;
}

/** What the transport stands on. */
export interface TransportOptions {
  readonly guard: AddressGuard;
  readonly userAgent: string;
  /** Ends everything: the walk's own limit, or the user. */
  readonly signal?: AbortSignal | undefined;
  readonly onRequest?: ((request: SentRequest) => void) | undefined;
  /** PEM certificates of authorities to trust instead of Node's own. */
  readonly authorities?: string | undefined;
  /** How pauses are made; a test counts them instead. */
  readonly pause?: ((milliseconds: number) => Promise<void>) | undefined;
}

/** Sends requests under the guard, the limits and the deadline. It knows nothing of registries. */
export interface Transport {
  /**
   * @returns Any answer but 429 and 5xx, after some tries.
   * @throws {RegistryError} `network`, `timeout`, `rate-limited`, `server-error`, `address-refused`
   * @throws {BeyondLimit} if a good answer's body is larger than the limit.
   */
  send(request: Outgoing): Promise<Answer>;
  /** Closes the connections that are kept open. */
  close(): Promise<void>;
}

/** A transport with its own pool of connections. */
export function createTransport(options: TransportOptions): Transport {
  const { guard, signal } = options;
  const pause = options.pause ?? ((milliseconds: number) => wait(milliseconds, undefined, signal && { signal }));
  const agent = new Agent({
    connect: guardedConnector(guard, options.authorities),
    connections: MAX_REQUESTS_PER_HOST,
  });
  const queues = new Map<string, ReturnType<typeof pLimit>>();

  const send = async (request: Outgoing): Promise<Answer> => {
    const queue = queues.get(request.url.origin) ?? pLimit(MAX_REQUESTS_PER_HOST);
    queues.set(request.url.origin, queue);
    let broken = 0;
    let limited = 0;
    for (;;) {
      const outcome = await queue(() => attempt(request)).catch((error: unknown) => {
        if (error instanceof RegistryError && error.code === "network" && broken < RETRY_PAUSES_MS.length) return error;
        throw error;
      });
      if (outcome instanceof RegistryError) {
        await rest(RETRY_PAUSES_MS[broken++]!, request);
        continue;
      }
      const { status } = outcome;
      // 501 is "no such method": trying again changes nothing.
      if (status !== 429 && (status < 500 || status === 501)) return outcome;
      const asked = retryAfterMs(outcome.header("retry-after"));
      const own = status === 429 ? RATE_LIMIT_PAUSES_MS[limited++] : RETRY_PAUSES_MS[broken++];
      if (own === undefined || (asked ?? 0) > MAX_RETRY_AFTER_MS) throw gaveUp(request, outcome, asked);
      await rest(asked ?? own, request);
    }
  };

  const rest = async (milliseconds: number, request: Outgoing): Promise<void> => {
    await pause(milliseconds).catch((cause: unknown) => {
      throw failure(request, request.url, cause, signal);
    });
  };

  const attempt = async (request: Outgoing): Promise<Answer> => {
    const deadline = AbortSignal.timeout(request.timeoutMs ?? REQUEST_TIMEOUT_MS);
    const either = signal === undefined ? deadline : AbortSignal.any([deadline, signal]);
    let url = request.url;
    let fromElsewhere = false;
    for (let hops = 0; ; hops += 1) {
      let response: Dispatcher.ResponseData;
      let body: Uint8Array;
      try {
        guard.check(url);
        response = await agent.request({
          origin: url.origin,
          path: `${url.pathname}${url.search}`,
          method: request.method,
          headers: {
            ...request.headers,
            "user-agent": options.userAgent,
            "accept-encoding": "identity",
            ...(request.authorization === undefined || fromElsewhere ? {} : { authorization: request.authorization }),
          },
          body: typeof request.body === "function" ? request.body() : (request.body ?? null),
          signal: either,
        });
        body = await readBody(request, url, response);
      } catch (error) {
        throw failure(request, url, error, signal);
      }
      const { statusCode: status, headers } = response;
      options.onRequest?.({ method: request.method, url: addressForPeople(url), status, bytes: body.length });
      const header = (name: string) => [headers[name.toLowerCase()] ?? []].flat().join(", ") || undefined;
      const location = header("location");
      const redirected = [301, 302, 303, 307, 308].includes(status) && location !== undefined;
      if (!redirected || request.followRedirects !== true) {
        return { status, body, url, fromElsewhere, header };
      }
      const next = URL.parse(location, url.href);
      if (next === null || hops === MAX_REDIRECTS) {
        const what =
          next === null ? "a redirect to something that is no address" : `more than ${MAX_REDIRECTS} redirects`;
        throw new RegistryError("server-error", `${describe(request, url)}: ${what}`, {
          url: addressForPeople(url),
          status,
        });
      }
      // Once dropped, the authorization stays dropped: the way back to the registry may lead anywhere on it (RULES R32).
      fromElsewhere ||= next.origin !== url.origin;
      url = next;
    }
  };

  return { send, close: () => agent.close() };
}

/** Connects to checked addresses only: the check and the dialling use one and the same answer of the resolver. */
function guardedConnector(guard: AddressGuard, authorities: string | undefined): buildConnector.connector {
  return (target, callback) => {
    const host = target.hostname.includes(":") ? `[${target.hostname}]` : target.hostname;
    const url = URL.parse(`${target.protocol}//${host}${target.port === "" ? "" : `:${target.port}`}`);
    if (url === null)
      return callback(new RegistryError("address-refused", `connect to ${quote(host)}: no such host`), null);
    guard.resolve(url).then(
      (addresses) => {
        const connect = buildConnector({
          allowH2: false,
          autoSelectFamily: true,
          ...(authorities === undefined ? {} : { ca: authorities }),
          lookup: (_hostname, lookupOptions, answer) => {
            if (lookupOptions.all) answer(null, [...addresses]);
            else answer(null, addresses[0]!.address, addresses[0]!.family);
          },
        });
        connect(target, callback);
      },
      (error: Error) => callback(error, null),
    );
  };
}

async function readBody(request: Outgoing, url: URL, response: Dispatcher.ResponseData): Promise<Uint8Array> {
  const { statusCode: status, headers, body } = response;
  body.on("error", () => {}); // whatever breaks while we stop reading is of no interest
  const good = status >= 200 && status < 300;
  const encoding = [headers["content-encoding"] ?? "identity"].flat().join(", ");
  if (good && encoding.toLowerCase() !== "identity") {
    body.destroy();
    // A few bytes of gzip can become gigabytes, and a digest is about the bytes as they were stored.
    throw new RegistryError(
      "server-error",
      `${describe(request, url)}: it came as ${quote(encoding)}, which was not asked for`,
      {
        url: addressForPeople(url),
        status,
      },
    );
  }
  const limit = good ? request.limit : MAX_ERROR_BODY_BYTES;
  const beyond = () =>
    new BeyondLimit(`${describe(request, url)}: it is larger than the limit of ${request.limit} bytes`);
  if (good && request.method !== "HEAD" && Number(headers["content-length"] ?? 0) > limit) {
    body.destroy();
    throw beyond();
  }
  const chunks: Uint8Array[] = [];
  const take = (good ? request.sink?.() : undefined) ?? ((chunk: Uint8Array) => void chunks.push(chunk));
  let size = 0;
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > limit) {
      if (good) throw beyond();
      break;
    }
    await take(chunk);
  }
  return Buffer.concat(chunks);
}

/** Whatever broke, in our words. */
function failure(request: Outgoing, url: URL, error: unknown, signal: AbortSignal | undefined): Error {
  if (error instanceof BeyondLimit || error instanceof RegistryError) return error;
  const context = { url: addressForPeople(url), cause: error };
  if (signal?.aborted)
    return new RegistryError("timeout", `${describe(request, url)}: ended from outside, before an answer`, context);
  const name = error instanceof Error ? error.name : "";
  const timedOut =
    name === "TimeoutError" ||
    error instanceof errors.ConnectTimeoutError ||
    error instanceof errors.HeadersTimeoutError ||
    error instanceof errors.BodyTimeoutError ||
    (error as NodeJS.ErrnoException)?.code === "ETIMEDOUT";
  if (timedOut) return new RegistryError("timeout", `${describe(request, url)}: no answer in time; try again`, context);
  const code = (error as NodeJS.ErrnoException)?.code;
  const reason = quote(
    `${code === undefined ? "" : `${code} `}${error instanceof Error ? error.message : String(error)}`,
  );
  return new RegistryError(
    "network",
    `${describe(request, url)}: ${reason}; check the connection, and try again`,
    context,
  );
}

function gaveUp(request: Outgoing, answer: Answer, askedMs: number | undefined): RegistryError {
  const again = askedMs === undefined ? "try again later" : `try again in ${Math.ceil(askedMs / 1000)} seconds`;
  const code = answer.status === 429 ? "rate-limited" : "server-error";
  return new RegistryError(code, `${describe(request, answer.url)}: status ${answer.status}; ${again}`, {
    url: addressForPeople(answer.url),
    status: answer.status,
  });
}

/** What was tried, on what: the first half of every message. */
function describe(request: Outgoing, url: URL): string {
  return `${request.what}: ${request.method} ${addressForPeople(url)}`;
}

/** @see RFC 9110 §10.2.3: seconds, or a date. */
function retryAfterMs(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
}
