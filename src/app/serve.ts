import { randomUUID } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createNodeMiddleware } from "probot";
import type { Build } from "../build/build.ts";
import { createCheckRuns } from "../github/check-runs.ts";
import { createDeliveries } from "../github/deliveries.ts";
import { createInstallations } from "../github/installations.ts";
import { createPolicyReader } from "../github/policies.ts";
import { createTagReader } from "../github/tags.ts";
import { createWorkflows } from "../github/workflows.ts";
import { setupPage } from "../report/build-page.ts";
import { checkRunReport, type ReportOptions } from "../report/check-run.ts";
import { verdictDocument } from "../report/json.ts";
import type { JudgedBy } from "../report/judged-by.ts";
import { openStore, type Store } from "../store/store.ts";
import type { AppCredentials, Config } from "./config.ts";
import { createGithubApp, githubClients } from "./github-app.ts";
import { pathOf, refuseBody, sendMissing, sendPage, servePage } from "./http.ts";
import { handleBuild, handleDelivery, type JobPorts, type Log } from "./jobs.ts";
import { judgedBy } from "./judged-by.ts";
import { repeat, startReconciler } from "./reconciler.ts";
import { openRootRefresh } from "./root-refresh.ts";
import { openOwnSummaries, signedSummaries } from "./summaries.ts";
import { walks } from "./walk.ts";
import { intake } from "./webhooks.ts";

const WEBHOOKS_PATH = "/api/github/webhooks";

/** A server that runs. */
export interface Serving {
  /** `http://HOST:PORT` */
  readonly url: string;
  readonly mode: "app" | "set-up";
  /** Ends what is running in an orderly way; what isn't done goes on after the next start. */
  close(): Promise<void>;
}

/**
 * Starts the server.
 *
 * @throws {StoreError} where the database can't be opened, `in-use` where another process has it. @throws {ConfigError} for files it names that can't be used.
 */
export function serve(config: Config): Promise<Serving> {
  return config.app === undefined ? serveSetup(config) : serveApp(config, config.app);
}

async function serveApp(config: Config, credentials: AppCredentials): Promise<Serving> {
  const probot = createGithubApp(config, credentials);
  // It has no log before it is ready, and says so by nothing else.
  await probot.auth();
  const log: Log = probot.log;
  const now = () => new Date();
  const clients = githubClients(probot);
  const roots = await openRootRefresh(config, log, now);
  // The store is opened after all that could be wrong with the configuration was told.
  const openWalk = walks(
    config,
    clients,
    roots.current,
    { readProof: (key) => store.readProof(key), keepProof: (key, proof) => store.keepProof(key, proof) },
    {
      readContent: (key, limit) => store.readContent(key, limit),
      keepContent: (key, bytes) => store.keepContent(key, bytes),
    },
  );
  const store = await openStore(config.store.kind === "url" ? config.store : { ...config.store, process }, {
    serialise: verdictDocument,
    log: (level, message, cause) => log[level]({ err: cause }, message),
    contentBytes: config.cacheBytes,
  });
  try {
    const { server } = config;
    // Only who has the directory may make a key in it.
    const summaries = await openOwnSummaries(config, log);
    const ports: JobPorts = {
      store,
      log,
      now,
      server,
      newId: randomUUID,
      tags: createTagReader({ octokitFor: clients.octokitFor }),
      policies: createPolicyReader({
        octokitFor: clients.octokitFor,
        appOctokit: clients.appOctokit,
        serverUrl: server,
      }),
      workflows: createWorkflows({ octokitFor: clients.octokitFor }),
      checkRuns: createCheckRuns({ octokitFor: clients.octokitFor, appId: credentials.id }),
      openWalk: (repository, image) => ({ ...openWalk(repository, image), known: store.knownTo(repository) }),
      describe: async (build) =>
        checkRunReport(build, await judgementsOf(store, build), await reportOptions(config, store, build)),
      sightings: store,
      summarise: summaries?.summarise,
      pace: { retriesMs: config.retriesMs, pollMs: config.pollMs, listingMs: config.listingMs },
    };
    await store.work(
      { delivery: (guid) => handleDelivery(ports, guid), build: (id) => handleBuild(ports, id) },
      { concurrency: config.concurrency },
    );
    const middleware = await createNodeMiddleware(
      intake(async (delivery) => {
        await store.recordDelivery(delivery);
      }, now),
      { probot, webhooksPath: WEBHOOKS_PATH },
    );
    const pages = {
      readBuild: (id: string) => store.readBuild(id),
      server,
      listJudgements: async (id: string) => {
        const build = await store.readBuild(id);
        return build === undefined ? [] : judgementsOf(store, build);
      },
      listSummaries: store.listSummaries,
      keys: summaries?.keys ?? [],
      isReady: () =>
        store.readCursor("ready").then(
          () => true,
          () => false,
        ),
    };
    const http = createServer(async (request, response) => {
      try {
        if (refuseBody(request, response) || (await servePage(pages, request, response))) return;
        if (!(await middleware(request, response)) && !response.headersSent) sendMissing(response);
      } catch (error) {
        log.error({ err: error, path: request.url }, "a request ended in a fault of the program");
        if (!response.headersSent) response.writeHead(500).end();
      }
    });
    const url = await listen(http, config);
    // Last: what it asks for again can be delivered, and nothing runs on where the port was taken.
    const reconciler = startReconciler(
      { ...ports, installations: createInstallations(clients), deliveries: createDeliveries(clients) },
      config.reconcileMs,
    );
    roots.start();
    const finisher = repeat(config.pollMs, async () => summaries?.finish(store, now()), log);
    return {
      url,
      mode: "app",
      close: async () => {
        await closed(http);
        await reconciler.stop();
        await finisher.stop();
        await roots.stop();
        await store.close();
      },
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function judgementsOf(store: Store, { id }: Build): Promise<readonly JudgedBy[]> {
  return (await store.listJudgements(id)).map((each) => judgedBy.parse(each));
}

/** A private repository's builds have no page: whoever may see them is told by GitHub. */
async function reportOptions(
  { publicUrl, server }: Config,
  store: Store,
  { id, repository, request }: Build,
): Promise<ReportOptions> {
  const workflowFile = request?.workflow ?? "";
  if (publicUrl === undefined || repository.isPrivate) return { workflowFile, server };
  const page = `${publicUrl}/builds/${id}`;
  const summaries = signedSummaries(`${page}/vsa.jsonl`, await store.listSummaries(id));
  return { workflowFile, server, page, ...(summaries && { summaries }) };
}

/** Without an app there is nothing to do but to say so; nothing is stored. */
async function serveSetup(config: Config): Promise<Serving> {
  const http = createServer((request, response) => {
    const pathname = pathOf(request);
    if (pathname === "/healthz") response.writeHead(200, { "content-type": "text/plain" }).end("ok\n");
    else if (pathname === "/readyz")
      response.writeHead(503, { "content-type": "text/plain" }).end("set-up mode: no app is registered\n");
    else if (pathname === "/") sendPage(response, 200, setupPage());
    else sendMissing(response);
  });
  const url = await listen(http, config);
  return { url, mode: "set-up", close: () => closed(http) };
}

async function listen(http: Server, { host, port }: Config): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    http.once("error", reject).listen(port, host, resolve);
  });
  const { address, family, port: bound } = http.address() as AddressInfo;
  return `http://${family === "IPv6" ? `[${address}]` : address}:${bound}`;
}

function closed(http: Server): Promise<void> {
  return new Promise((resolve) => {
    http.close(() => resolve());
    http.closeIdleConnections();
  });
}
