import { randomUUID } from "node:crypto";
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
import type { JudgedBy } from "../report/judged-by.ts";
import type { Store } from "../store/store.ts";
import type { AppCredentials, Config } from "./config.ts";
import { type Faces, openFaces } from "./faces.ts";
import { createGithubApp, githubClients } from "./github-app.ts";
import { refuseBody, sendMissing, servePage } from "./http.ts";
import { handleBuild, handleDelivery, type JobPorts, type Log } from "./jobs.ts";
import { judgedBy } from "./judged-by.ts";
import { openKept } from "./kept.ts";
import { answering, closed, listen } from "./listen.ts";
import { WEBHOOKS_PATH } from "./manifest.ts";
import { handleProposal, proposalPorts, readOnboardingPage } from "./proposals.ts";
import { readPublishedPolicy } from "./published-policy.ts";
import { createPullWork, readPullPage } from "./pulls.ts";
import { startReconciler } from "./reconciler.ts";
import { openRootRefresh } from "./root-refresh.ts";
import { openOwnSummaries, signedSummaries } from "./summaries.ts";
import { intake } from "./webhooks.ts";

/** A server that runs as an app. */
export interface ServingApp {
  readonly url: string;
  /** Where a cluster asks; undefined where none does. */
  readonly admissionUrl: string | undefined;
  close(): Promise<void>;
}

/**
 * The server of an app: deliveries, builds, pull requests and proposals, and what is told of images.
 *
 * @throws {StoreError} @throws {ConfigError}
 */
export async function serveApp(config: Config, credentials: AppCredentials): Promise<ServingApp> {
  const probot = createGithubApp(config, credentials);
  // It has no log before it is ready, and says so by nothing else.
  await probot.auth();
  const log: Log = probot.log;
  const now = () => new Date();
  const clients = githubClients(probot);
  const roots = await openRootRefresh(config, log, now);
  const published = readPublishedPolicy(config.policyFile, config.server);
  const { store, walks } = await openKept(config, log, roots.current, clients.octokitFor);
  let opened: Faces | undefined;
  try {
    const { server } = config;
    // Only who has the directory may make a key in it.
    const summaries = await openOwnSummaries(config, log);
    const openKnowing: OpenWalk = (repository, image) => ({
      ...walks.forRepository(repository, image),
      known: store.knownTo(repository),
    });
    const { octokitFor } = clients;
    const facing = await openFaces(config, { store, walks, octokitFor, published, summaries, log, now });
    opened = facing;
    const { answers } = facing;
    const basis = {
      store: facedStore(store, facing),
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
        ...(config.inquiries > 0 && { inquiry: answers.advance }),
      },
      { concurrency: config.concurrency, inquiries: config.inquiries },
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
      isReady: facing.isReady,
    };
    const http = answering(log, async (request, response) => {
      if (await facing.handle(request, response)) return;
      if (refuseBody(request, response) || (await servePage(pages, request, response))) return;
      if (!(await middleware(request, response)) && !response.headersSent) sendMissing(response);
    });
    const url = await listen(http, config);
    // Last: what it asks for again can be delivered, and nothing runs on where the port was taken.
    const reconciler = startReconciler(
      { ...ports, installations: createInstallations(clients), deliveries: createDeliveries(clients) },
      config.reconcileMs,
    );
    roots.start();
    const rounds = facing.start();
    return {
      url,
      admissionUrl: facing.admissionUrl,
      close: async () => {
        await facing.close();
        await closed(http);
        await reconciler.stop();
        await rounds.stop();
        await roots.stop();
        await store.close();
      },
    };
  } catch (error) {
    await opened?.close();
    await store.close();
    throw error;
  }
}

/**
 * Each verdict that is stored is followed by a question of the published policy's (RULES R1): the build's own says nothing to others. And a
 * repository that is seen to have turned private, or public, is so at once for whoever asks here, not only after what is kept in memory.
 */
function facedStore(store: Store, { answers, forget }: Pick<Faces, "answers" | "forget">): Store {
  return {
    ...store,
    saveJudgements: async (build, judgements) => {
      await store.saveJudgements(build, judgements);
      await answers.afterVerdict(build);
    },
    rememberRepository: async (repository) => {
      const before = await store.readRepository(repository.id);
      await store.rememberRepository(repository);
      if (before?.isPrivate !== repository.isPrivate) forget();
    },
  };
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
