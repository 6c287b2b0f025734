import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { TLSSocket } from "node:tls";
import { keepJudgements } from "../admission/kept-judgements.ts";
import { isBounded, MAX_GRACE_DAYS } from "../admission/settings.ts";
import { admissionRoutes } from "../api/admission.ts";
import type { ApiResponse, Route } from "../api/exchange.ts";
import { linksFrom } from "../api/links.ts";
import { Problem, problemResponse } from "../api/problem.ts";
import { readBody } from "../api/request-body.ts";
import { routeOf } from "../api/routing.ts";
import { parseReference } from "../image/reference.ts";
import type { AdmissionConfig } from "./admission-config.ts";
import { type AdmissionWorld, createAdmissionJudge } from "./admission-judge.ts";
import { ConfigError } from "./config.ts";
import type { Log } from "./jobs.ts";
import { closed } from "./listen.ts";
import { repeat } from "./reconciler.ts";
import { type TlsPair, tlsFiles } from "./tls-files.ts";

/** How often the files are looked at, in milliseconds. */
const FILES_MS = 30_000;
/** How many reviews are answered at once; a cluster asks again. */
const MAX_REVIEWS = 256;
/** How long a request may take to come, in milliseconds. */
const REQUEST_MS = 15_000;

/** What the listener needs beside its configuration. */
export interface AdmissionServing extends AdmissionWorld {
  /** Where images have pages; undefined where nowhere. No slash at its end. */
  readonly publicUrl: string | undefined;
  readonly isReady: () => Promise<boolean>;
  readonly log: Log;
}

/** A listener that runs. */
export interface AdmissionListener {
  /** `https://HOST:PORT` */
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Listens for a cluster's reviews, over TLS and on a port of their own: what is answered there may rest on what the operator's credentials
 * show, and is nobody's but the cluster's.
 *
 * @throws {ConfigError} for files that can't be used, and for a grace without a near end.
 */
export async function openAdmission(config: AdmissionConfig, serving: AdmissionServing): Promise<AdmissionListener> {
  const { now, log, publicUrl, policy } = serving;
  const { grace } = config.settings;
  if (grace !== undefined && !isBounded(grace, now()))
    throw new ConfigError([`ADMISSION_GRACE: ends no later than ${MAX_GRACE_DAYS} days from now`]);
  const files = tlsFiles(config);
  let pair: TlsPair;
  try {
    pair = await files.read();
  } catch (error) {
    // Without what the library says: it could quote the key.
    throw new ConfigError([
      `ADMISSION_TLS_CERT and ADMISSION_TLS_KEY: can't be used as a pair (${(error as NodeJS.ErrnoException).code ?? "error"})`,
    ]);
  }
  const callers = config.clientAuthorities === undefined ? undefined : await readAuthorities(config.clientAuthorities);
  // Health is asked by the machine's kubelet, which has no certificate: who may ask is looked at by request.
  const asking = { minVersion: "TLSv1.2", ...(callers && { ca: callers }) } as const;
  const digest = () => policy().digest;
  const onFault = (error: unknown) => log.error({ err: error }, "a review ended in a fault of the program");
  const routes = admissionRoutes({
    judge: keepJudgements(createAdmissionJudge(serving), digest, now),
    policy: digest,
    settings: config.settings,
    pageOf: (image) => (publicUrl === undefined ? undefined : linksFrom(publicUrl).of(parseReference(image)).page),
    now,
    onFault,
  });
  let answering = 0;
  const https = createServer(
    { ...pair, ...asking, requestCert: callers !== undefined, rejectUnauthorized: false, requestTimeout: REQUEST_MS },
    async (request, response) => {
      answering += 1;
      try {
        if (answering > MAX_REVIEWS) throw new Problem("too-busy", "too many reviews are being answered");
        send(response, await answer(routes, serving, request, callers === undefined || isKnown(request)));
      } catch (error) {
        if (!(error instanceof Problem)) onFault(error);
        if (!request.complete) response.setHeader("connection", "close");
        send(response, problemResponse(error instanceof Problem ? error : new Problem("internal")));
      } finally {
        answering -= 1;
      }
    },
  );
  await new Promise<void>((resolve, reject) => {
    https.once("error", reject).listen(config.port, config.host, resolve);
  });
  const watching = repeat(
    FILES_MS,
    async () => {
      const changed = await files.readIfChanged();
      if (changed !== undefined) https.setSecureContext({ ...changed, ...asking });
    },
    log,
  );
  const { address, family, port } = https.address() as AddressInfo;
  return {
    url: `https://${family === "IPv6" ? `[${address}]` : address}:${port}`,
    close: async () => {
      await watching.stop();
      await closed(https);
    },
  };
}

/** @throws {ConfigError} also for a file without a certificate, by which nobody, or everybody, would be known. */
async function readAuthorities(path: string): Promise<Buffer> {
  try {
    const bytes = await readFile(path);
    new X509Certificate(bytes);
    return bytes;
  } catch (error) {
    const { code = "error" } = error as NodeJS.ErrnoException;
    throw new ConfigError([`ADMISSION_CLIENT_CA: no file of certificates in PEM (${code})`]);
  }
}

/** Whether a certificate by one of the authorities came, also where a session is resumed. */
function isKnown({ socket }: IncomingMessage): boolean {
  return socket instanceof TLSSocket && socket.authorized;
}

async function answer(
  routes: readonly Route[],
  { isReady }: Pick<AdmissionServing, "isReady">,
  request: IncomingMessage,
  mayAsk: boolean,
): Promise<ApiResponse> {
  const url = URL.parse(request.url ?? "/", "https://localhost");
  const method = request.method ?? "GET";
  if (url === null) throw new Problem("no-such-address");
  if (method === "GET" && url.pathname === "/healthz") return text(200, "ok\n");
  if (method === "GET" && url.pathname === "/readyz")
    return (await isReady()) ? text(200, "ready\n") : text(503, "not ready\n");
  if (!mayAsk) return text(403, "reviews are asked for with a certificate of the cluster's API server\n");
  const routed = routeOf(routes, method, url.pathname);
  if (routed.kind === "other-method")
    throw new Problem("method-not-allowed", undefined, { headers: { allow: routed.allow } });
  if (routed.kind !== "found") throw new Problem("no-such-address");
  const { route, parts } = routed;
  const body = await readBody(request, route.maxBody);
  const { headers } = request;
  const client = request.socket.remoteAddress ?? "";
  return route.handle({ method, path: url.pathname, query: url.searchParams, headers, client, body }, parts);
}

function text(status: number, body: string): ApiResponse {
  return { status, headers: { "content-type": "text/plain; charset=utf-8" }, body };
}

function send(response: ServerResponse, { status, headers, body }: ApiResponse): void {
  const bytes = Buffer.from(body);
  response.writeHead(status, { ...headers, "content-length": bytes.length }).end(bytes);
}
