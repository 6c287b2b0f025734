import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { exchangeManifestCode } from "../github/app-manifest.ts";
import { createGitHubClient } from "../github/client.ts";
import { errorPage } from "../report/error-page.ts";
import { policyWithForms } from "../report/page-layout.ts";
import { agreementPage, registeredPage, setupPage } from "../report/setup-page.ts";
import { CouldNotLook } from "../trust/ports.ts";
import type { Config } from "./config.ts";
import { addToEnvFile, checkEnvFile, EnvFileError } from "./env-file.ts";
import { pathOf, sendMissing, sendPage } from "./http.ts";
import { closed, listen } from "./listen.ts";
import { CALLBACK_PATH, Registration } from "./registration.ts";

/** Of the set-up form, in bytes. */
const MAX_FORM_BYTES = 8192;
const COOKIE = "trusted-builds-setup";
/** A form without its origin could not be told from another page's; the address itself has nothing secret. */
const WITH_ORIGIN = { "referrer-policy": "same-origin" };
const OWN_FORM = policyWithForms("'self'");

/** A server without an app: it can do nothing but get itself one. */
export interface SettingUp {
  readonly url: string;
  /** Resolves when an app is registered and its credentials are in the file. */
  readonly registered: Promise<void>;
  close(): Promise<void>;
}

/**
 * Serves the set-up page; nothing is stored but, at its end, the credentials.
 *
 * @param showToken - Shows whoever started the server, and nobody else, the token that the page asks for.
 */
export async function serveSetup(config: Config, showToken: (token: string) => void): Promise<SettingUp> {
  const registration = new Registration(
    {
      now: () => new Date(),
      showToken,
      exchange: (code) => exchangeManifestCode(createGitHubClient(config.apiUrl), code),
      check: (names) => checkEnvFile(config.envFile, names),
      keep: (variables, comment) => addToEnvFile(config.envFile, variables, comment),
    },
    config.server,
    config.publicUrl,
  );
  const done = Promise.withResolvers<void>();
  const http = createServer(async (request, response) => {
    try {
      await answer(config, registration, done.resolve, request, response);
    } catch (error) {
      const told = toldOf(error, config);
      if (!response.headersSent) sendPage(response, told.status, errorPage(told.status, told.title, told.text));
    }
  });
  const url = await listen(http, config);
  return { url, registered: done.promise, close: () => closed(http) };
}

async function answer(
  config: Config,
  registration: Registration,
  done: () => void,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const pathname = pathOf(request);
  const isRead = request.method === "GET" || request.method === "HEAD";
  if (pathname === "/setup" && request.method === "POST") return begin(config, registration, request, response);
  if (!isRead) return sendMissing(response);
  if (pathname === "/healthz") response.writeHead(200, { "content-type": "text/plain" }).end("ok\n");
  else if (pathname === "/readyz")
    response.writeHead(503, { "content-type": "text/plain" }).end("set-up mode: no app is registered\n");
  else if (pathname === "/") {
    const { publicUrl, envFile: file } = config;
    sendPage(response, 200, setupPage({ publicUrl, file }), { policy: OWN_FORM, headers: WITH_ORIGIN });
  } else if (pathname === CALLBACK_PATH && request.method === "GET")
    await finish(config, registration, done, request, response);
  else sendMissing(response);
}

async function begin(
  { publicUrl, envFile: file, server }: Config,
  registration: Registration,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const form = await formOf(request);
  if (form === undefined) {
    response.shouldKeepAlive = false;
    return sendPage(response, 413, errorPage(413, "Too large", `A form is no larger than ${MAX_FORM_BYTES} bytes.`));
  }
  const entered = {
    token: form.get("token") ?? "",
    publicUrl: form.get("public-url") ?? "",
    organisation: form.get("organisation") ?? "",
    writes: form.get("writes") === "yes",
  };
  const origin = originOf(request);
  const begun = registration.begin(entered, origin);
  if (begun.kind === "refused") {
    const page = setupPage({ faults: begun.faults, publicUrl, file, entered });
    return sendPage(response, 400, page, { policy: OWN_FORM, headers: WITH_ORIGIN });
  }
  const { action, manifest, isLoopback, cookie } = begun;
  const secure = origin.startsWith("https:") ? "; Secure" : "";
  // GitHub leads the browser back here, which counts as coming from elsewhere: Strict would keep the cookie back.
  const setCookie = `${COOKIE}=${cookie}; Path=/setup; HttpOnly; SameSite=Lax; Max-Age=3600${secure}`;
  const page = agreementPage({
    action,
    manifest: JSON.stringify(manifest),
    deliveries: manifest.hook_attributes.url,
    permissions: manifest.default_permissions,
    events: manifest.default_events,
    isLoopback,
  });
  sendPage(response, 200, page, {
    // Browsers hold what the form leads to, back to here, to the policy too.
    policy: policyWithForms(new URL(server).origin, "'self'"),
    // GitHub may want to know which page sent the form; it is told the host, and no more.
    headers: { "set-cookie": setCookie, "referrer-policy": "strict-origin" },
  });
}

async function finish(
  { envFile }: Config,
  registration: Registration,
  done: () => void,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { searchParams } = new URL(request.url ?? "/", "http://localhost");
  const cookies = (request.headers.cookie ?? "").split(/; */).map((each) => each.split("="));
  const [, cookie = ""] = cookies.find(([name]) => name === COOKIE) ?? [];
  const of = (name: string) => searchParams.get(name) ?? "";
  const finished = await registration.finish(of("code"), of("state"), cookie);
  const headers = { "set-cookie": `${COOKIE}=; Path=/setup; HttpOnly; SameSite=Lax; Max-Age=0` };
  switch (finished.kind) {
    case "stranger":
      return sendPage(
        response,
        403,
        errorPage(
          403,
          "Not begun here",
          "Nobody has begun to register an app with this address in this browser, or it was more than an hour ago. Begin on the set-up page.",
        ),
      );
    case "no-code":
      return sendPage(
        response,
        400,
        errorPage(
          400,
          "GitHub knows no such code",
          "It serves once, and for an hour. Begin again on the set-up page, with the token that the server has printed since.",
        ),
        { headers },
      );
    case "registered":
      // This connection is not to hold up the app that begins where this server ends.
      response.shouldKeepAlive = false;
      response.once("close", done);
      return sendPage(response, 200, registeredPage(finished.app, envFile), { headers });
  }
}

/** The form that was sent; undefined where it is too large for one of ours. */
async function formOf(request: IncomingMessage): Promise<URLSearchParams | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_FORM_BYTES) return undefined;
    chunks.push(chunk);
  }
  return new URLSearchParams(Buffer.concat(chunks).toString("utf8"));
}

/** Where the browser thinks that it is: behind a proxy that isn't where this server thinks. */
function originOf({ headers }: IncomingMessage): string {
  const { origin, host = "localhost" } = headers;
  const url = URL.parse(origin !== undefined && origin !== "null" ? origin : `http://${host}`);
  return url === null || !/^https?:$/.test(url.protocol) ? "http://localhost" : url.origin;
}

/** What a person is told of what went wrong; nothing in it is secret. */
function toldOf(error: unknown, { envFile }: Config): { status: number; title: string; text: string } {
  if (error instanceof EnvFileError)
    return {
      status: 500,
      title: "Nowhere to keep it",
      text: `${error.message}. If the app is at GitHub by now, make a key for it on its page there, and set the variables by hand; or delete it, and begin again.`,
    };
  if (error instanceof CouldNotLook)
    return {
      status: 502,
      title: "GitHub didn't answer",
      text: `${error.message}. The app may be at GitHub by now, with a key that nobody knows: make another on its page there, and set the variables by hand; or delete it, and begin again.`,
    };
  return { status: 500, title: "A fault of the program", text: `Nothing was written to ${envFile}.` };
}
