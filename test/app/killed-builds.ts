import { setTimeout as wait } from "node:timers/promises";
import type { ActionsRun } from "../world/github/runs.ts";
import { startOciRegistry } from "../world/oci-registry.ts";
import type { KillPoint, Moment, RequestCounts } from "./kill-points.ts";
import { startScene } from "./scene.ts";
import { StartFailed, startServer } from "./server-process.ts";
import { IMAGE, pushSignedImage } from "./signed-image.ts";

/** How long a verdict may take, in milliseconds, where the next start takes over at once. */
const PATIENCE_MS = 120_000;
/** Elsewhere the lease of who was killed has to lapse (a minute), and the next look around has to come (another). */
const LEASED_PATIENCE_MS = 240_000;
/** Who asked GitHub nothing for so long, in milliseconds, has nothing to do. */
const QUIET_MS = 300;
const REPOSITORY = `acme/${IMAGE}`;
/** A real server that is killed and started again, build after build, on the same data. */
export interface KilledBuilds {
  readonly requests: RequestCounts;
  /** Pushes a tag, kills the server as told, starts it again and waits for the verdict. @returns what is wrong with it, in words. */
  try(point: KillPoint): Promise<readonly string[]>;
  /** What is wrong by now with any of the builds: a second write may come late. */
  finish(): Promise<readonly string[]>;
  close(): Promise<void>;
}

/** @param databaseUrl - A database that nobody else uses; a new directory if undefined. */
export async function startKilledBuilds(databaseUrl?: string): Promise<KilledBuilds> {
  const registry = await startOciRegistry();
  const scene = await startScene({
    registry: registry.host,
    env: {
      LISTING_SECONDS: "0.3",
      RETRY_SECONDS: "0.3 0.5 1 2 5",
      POLL_SECONDS: "0.5",
      LOG_LEVEL: "error",
      ...(databaseUrl !== undefined && { DATA_DIR: "", DATABASE_URL: databaseUrl }),
    },
  });
  const { github, sigstore, namespace } = scene;
  const patienceMs = databaseUrl === undefined ? PATIENCE_MS : LEASED_PATIENCE_MS;
  const workshop = { registry, sigstore, namespace, server: github.url };
  /** By build id: what its run left under the tag. */
  const pushed = new Map<string, string>();
  const tags: string[] = [];
  let startMs = 0;
  let buildMs = 0;

  await scene.repository(IMAGE, { Dockerfile: "FROM scratch\nCOPY x /x\n" });
  const requests = await wholeBuild();

  /** How it goes when nobody is killed. The server is started anew first: its first start also makes the database. */
  async function wholeBuild(): Promise<RequestCounts> {
    startMs = await timed(() => scene.restart());
    await quiet();
    const push = pushTag();
    await push.acknowledged;
    const before = github.requests.length;
    buildMs = await timed(() => judged(push.tag));
    await push.done;
    await quiet();
    const wrong = await faultsOf(push.tag);
    if (wrong.length > 0) throw new Error(`a build that nobody killed went wrong: ${wrong.join("; ")}`);
    const made = github.requests.slice(before);
    return { all: made.length, writes: made.filter(isWrite).length };
  }

  function pushTag(): { readonly tag: string; readonly acknowledged: Promise<void>; readonly done: Promise<unknown> } {
    const tag = `v1.0.${tags.length}`;
    tags.push(tag);
    scene.runner?.next(async (work) => {
      pushed.set(work.job.inputs["build-id"] ?? "", await pushSignedImage(workshop, work));
      return "success";
    });
    const done = github.tag(REPOSITORY, tag);
    return { tag, done, acknowledged: acknowledged(tag) };
  }

  async function acknowledged(tag: string): Promise<void> {
    for (;;) {
      const delivery = github.deliveries.findLast(
        ({ event, payload }) => event === "push" && payload.ref === refOf(tag),
      );
      if (delivery?.status === "OK") return;
      if (delivery?.status !== undefined) throw new Error(`the push of ${tag} wasn't acknowledged: ${delivery.status}`);
      await wait(1);
    }
  }

  /** @returns once the server is dead; at the end of the build if the moment doesn't come before. */
  async function kill(tag: string, at: Moment): Promise<void> {
    const { server } = scene;
    const over = new AbortController();
    const dead = Promise.withResolvers<void>();
    let seen = 0;
    if (at.kind === "request") {
      github.onRequest(async (moment) => {
        const isCounted = moment.when === at.when && (at.of === "all" || isWrite(moment));
        if (!isCounted || ++seen !== at.index) return undefined;
        await server.kill();
        dead.resolve();
        return "lost";
      });
    } else {
      const afterMs = at.kind === "time" ? at.share * buildMs : 0;
      wait(afterMs, undefined, over).then(dead.resolve, () => {});
    }
    await Promise.race([dead.promise, judged(tag, over.signal)]);
    over.abort();
    await server.kill();
    github.onRequest(undefined);
  }

  /** Starts the server; where it is to be killed again, after that time, and then once more. */
  async function start(killAfterMs: number | undefined): Promise<void> {
    let death: Promise<void> | undefined;
    try {
      scene.server = await startServer(scene.env, undefined, ({ kill }) => {
        if (killAfterMs !== undefined) death = wait(killAfterMs).then(kill);
      });
    } catch (error) {
      if (killAfterMs === undefined || !(error instanceof StartFailed) || error.exit !== null) throw error;
    }
    if (death === undefined) return;
    await death;
    await start(undefined);
  }

  async function judged(tag: string, signal?: AbortSignal): Promise<void> {
    const started = Date.now();
    while (signal?.aborted !== true) {
      if (checkRunsOf(runsOf(tag)).some(({ status }) => status === "completed")) return;
      if (Date.now() - started > patienceMs)
        throw new Error(
          `no verdict on ${tag} after ${patienceMs} ms: ${JSON.stringify(github.checkRuns(REPOSITORY).at(-1))}\n${scene.server.output()}`,
        );
      await wait(5);
    }
  }

  async function quiet(): Promise<void> {
    for (let seen = -1; seen !== github.requests.length; ) {
      seen = github.requests.length;
      await github.idle();
      await wait(QUIET_MS);
    }
  }

  function runsOf(tag: string): readonly ActionsRun[] {
    return github.runs(REPOSITORY).filter(({ ref }) => ref === refOf(tag));
  }

  function checkRunsOf(runs: readonly ActionsRun[]) {
    return github
      .checkRuns(REPOSITORY)
      .filter(({ externalId }) => runs.some(({ inputs }) => externalId.startsWith(inputs["build-id"] ?? " ")));
  }

  async function faultsOf(tag: string): Promise<readonly string[]> {
    const runs = runsOf(tag);
    const checkRuns = checkRunsOf(runs);
    const [run] = runs;
    const [checkRun] = checkRuns;
    if (run === undefined || checkRun === undefined || runs.length > 1 || checkRuns.length > 1)
      return [`${tag}: ${runs.length} runs and ${checkRuns.length} check runs`];
    const id = run.inputs["build-id"] ?? "";
    const bodies = github.requests.filter(isWrite).map(({ path, body }) => ({ path, body }));
    const written = bodies.filter(
      ({ path, body }) => path.endsWith(`/check-runs/${checkRun.id}`) || fieldOf(body, "external_id") === id,
    );
    const completions = written.filter(({ body }) => fieldOf(body, "conclusion") !== undefined).length;
    const dispatches = bodies.filter(
      ({ path, body }) => path.endsWith("/dispatches") && fieldOf(fieldOf(body, "inputs"), "build-id") === id,
    ).length;
    const page = await (await fetch(checkRun.detailsUrl ?? "")).text();
    const digest = pushed.get(id) ?? "no digest";
    const expectations: readonly (readonly [boolean, string])[] = [
      [
        checkRun.status === "completed" && checkRun.conclusion === "success",
        `${checkRun.status}, ${checkRun.conclusion}: ${checkRun.output.summary}`,
      ],
      [checkRun.headSha === run.commit, `the check run is on ${checkRun.headSha}, the run of ${run.commit}`],
      [run.attempts.length === 1, `${run.attempts.length} attempts of the run`],
      [completions === 1, `completed ${completions} times`],
      [dispatches === 1, `dispatched ${dispatches} times`],
      [page.includes("<title>Trusted:"), `the page doesn't say that it is trusted:\n${page}`],
      [page.includes(digest), `the page isn't about ${digest}`],
    ];
    return expectations.flatMap(([isMet, words]) => (isMet ? [] : [`${tag}: ${words}`]));
  }

  /** What each build on its own doesn't show: check runs and runs that belong to none of them. */
  function faultsOfAll(): readonly string[] {
    const [checkRuns, runs] = [github.checkRuns(REPOSITORY).length, github.runs(REPOSITORY).length];
    const counts =
      checkRuns === tags.length && runs === tags.length
        ? []
        : [`${tags.length} tags made ${checkRuns} check runs and ${runs} runs`];
    return [...counts, ...github.violations];
  }

  return {
    requests,
    async try({ at, again, isNewCommit }) {
      if (isNewCommit) await github.commit(REPOSITORY, { x: String(tags.length) });
      const push = pushTag();
      await push.acknowledged;
      await kill(push.tag, at);
      await start(again === undefined ? undefined : again * (startMs + buildMs));
      await push.done;
      await judged(push.tag);
      await quiet();
      return [...(await faultsOf(push.tag)), ...faultsOfAll()];
    },
    async finish() {
      await quiet();
      const faults: string[] = [];
      for (const tag of tags) faults.push(...(await faultsOf(tag)));
      return [...faults, ...faultsOfAll()];
    },
    async close() {
      await scene.close();
      await registry.close();
    },
  };
}

/** Tokens are nothing that anyone sees. */
function isWrite({ method, path }: { readonly method: string; readonly path: string }): boolean {
  return method !== "GET" && !path.endsWith("/access_tokens");
}

const refOf = (tag: string) => `refs/tags/${tag}`;

function fieldOf(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[key] : undefined;
}

async function timed(run: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await run();
  return performance.now() - started;
}
