import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { createNodeMiddleware } from "probot";
import type { Build } from "../build/build.ts";
import type { OpenWalk } from "../build/ports.ts";
import { createCheckRuns } from "../github/check-runs.ts";
import { createDeliveries } from "../github/deliveries.ts";
import { createInstallations } from "../github/installations.ts";
import { createPolicyReader } from "../github/policies.ts";
import { createTagReader } from "../github/tags.ts";
import { createWorkflows } from "../github/workflows.ts";
import { checkRunReport, type ReportOptions } from "../report/check-run.ts";
import { verdictDocument } from "../report/json.ts";
import type { JudgedBy } from "../report/judged-by.ts";
import { openStore, type Store } from "../store/store.ts";
import type { AppCredentials, Config } from "./config.ts";
import { createGithubApp, githubClients } from "./github-app.ts";
import { refuseBody, sendMissing, servePage } from "./http.ts";
import { handleBuild, handleDelivery, type JobPorts, type Log } from "./jobs.ts";
import { judgedBy } from "./judged-by.ts";
import { closed, listen } from "./listen.ts";
import { WEBHOOKS_PATH } from "./manifest.ts";
import { handleProposal, proposalPorts, readOnboardingPage } from "./proposals.ts";
import { createPullWork, readPullPage } from "./pulls.ts";
import { repeat, startReconciler } from "./reconciler.ts";
import { openRootRefresh } from "./root-refresh.ts";
import { serveSetup } from "./setup-server.ts";
import { openOwnSummaries, signedSummaries } from "./summaries.ts";
import { walks } from "./walk.ts";
import { intake } from "./webhooks.ts";

/** A server that runs. */
export interface Serving {
  /** `http://HOST:PORT` */
  readonly url: string;
  readonly mode: "app" | "set-up";
  /** In set-up mode: resolves when an app is registered, and a start would be one in app mode. Never otherwise. */
  readonly registered: Promise<void>;
  /** Ends what is running in an orderly way; what isn't done goes on after the next start. */
  close(): Promise<void>;
}

/**
 * Starts the server.
 *
 * @param showToken - In set-up mode: shows whoever started the server, and nobody else, the token that its page asks for.
 * @throws {StoreError} where the database can't be opened, `in-use` where another process has it. @throws {ConfigError} for files it names that can't be used.
 */
export async function serve(config: Config, showToken: (token: string) => void): Promise<Serving> {
  if (config.app !== undefined) return serveApp(config, config.app);
  return { ...(await serveSetup(config, showToken)), mode: "set-up" };
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
    const openKnowing: OpenWalk = (repository, image) => ({
      ...openWalk(repository, image),
      known: store.knownTo(repository),
    });
    const basis = {
      store,
      now,
      newId: randomUUID,
      policies: createPolicyReader({
        octokitFor: clients.octokitFor,
        appOctokit: clients.appOctokit,
        serverUrl: server,
      }),
      checkRuns: createCheckRuns({ octokitFor: clients.octokitFor, appId: credentials.id }),
      openWalk: openKnowing,
    };
    const tags = createTagReader({ octokitFor: clients.octokitFor });
    const pulls = createPullWork(config, clients, basis);
    const ports: JobPorts = {
      ...basis,
      pulls,
      log,
      server,
      tags,
      proposals: proposalPorts(config, { ...basis, clients, tags, openWalk: openKnowing }),
      workflows: createWorkflows({ octokitFor: clients.octokitFor }),
      describe: async (build) =>
        checkRunReport(build, await judgementsOf(store, build), await reportOptions(config, store, build)),
      sightings: store,
      summarise: summaries?.summarise,
      pace: { retriesMs: config.retriesMs, pollMs: config.pollMs, listingMs: config.listingMs },
    };
    await store.work(
      {
        delivery: (guid) => handleDelivery(ports, guid),
        build: (id) => handleBuild(ports, id),
        pull: pulls.advance,
        proposal: (id) => handleProposal({ ...ports.proposals, store }, id),
      },
      { concurrency: config.concurrency },
    );
    const middleware = await createNodeMiddleware(
      intake(async (delivery) => {
        await store.recordDelivery(delivery);
      }, now),
      { probot, webhooksPath: WEBHOOKS_PATH },
    );
    const pages = {
      readPull: (id: string) => readPullPage(store, server, id),
      readBuild: (id: string) => store.readBuild(id),
      server,
      listJudgements: async (id: string) => {
        const build = await store.readBuild(id);
        return build === undefined ? [] : judgementsOf(store, build);
      },
      listSummaries: store.listSummaries,
      readOnboarding: (id: number) => readOnboardingPage(store, server, id),
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
      registered: new Promise(() => {}),
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
