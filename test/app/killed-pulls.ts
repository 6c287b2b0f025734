import { setTimeout as wait } from "node:timers/promises";
import type { KillPoint, Moment } from "./kill-points.ts";
import type { KilledBuilds } from "./killed-builds.ts";
import { type PullScene, startPullScene } from "./pull-scene.ts";
import { CALLER } from "./scene.ts";
import { StartFailed, startServer } from "./server-process.ts";

/** How long a verdict may take, in milliseconds, where the next start takes over at once. */
const PATIENCE_MS = 120_000;
/** Elsewhere the lease of who was killed has to lapse (a minute), and the next look around has to come (another). */
const LEASED_PATIENCE_MS = 240_000;
const NAME = "killed";
const REPOSITORY = `acme/${NAME}`;
const BRANCH = "topic";

/**
 * A real server that is killed and started again, push after push to one pull request, on the same data. Each head has one base that is
 * trusted and one that nothing is signed about: the check fails, with remarks that must not be there twice.
 *
 * @param databaseUrl - A database that nobody else uses; a new directory if undefined.
 */
export async function startKilledPulls(databaseUrl?: string): Promise<KilledBuilds> {
  const pulls: PullScene = await startPullScene({
    env: {
      RETRY_SECONDS: "0.3 0.5 1 2 5",
      POLL_SECONDS: "0.5",
      LOG_LEVEL: "error",
      ...(databaseUrl !== undefined && { DATA_DIR: "", DATABASE_URL: databaseUrl }),
    },
  });
  const { scene } = pulls;
  const { github } = scene;
  const patienceMs = databaseUrl === undefined ? PATIENCE_MS : LEASED_PATIENCE_MS;
  const [good, bad] = [await pulls.signed("1.1"), await pulls.unsigned("1.2")];
  const heads: string[] = [];
  let startMs = 0;
  let judgeMs = 0;

  const textOf = (n: number) => `# ${n}\nFROM ${good.reference} AS one\nFROM ${bad.reference}\nCOPY --from=one /x /x\n`;
  await github.repository(REPOSITORY, {
    files: {
      ".github/trusted-builds.yml": pulls.policy(NAME),
      ".github/workflows/trusted-builds.yml": CALLER,
      Dockerfile: `FROM ${good.reference}\n`,
    },
  });
  await github.commit(REPOSITORY, { Dockerfile: textOf(-1) }, { branch: BRANCH });
  await github.openPull(REPOSITORY, { branch: BRANCH });
  const requests = await wholeCheck();

  /** How it goes when nobody is killed. The server is started anew first: its first start also makes the database. */
  async function wholeCheck() {
    startMs = await timed(() => scene.restart());
    await pulls.quiet();
    const push = pushHead(true);
    const head = await push.acknowledged;
    const before = github.requests.length;
    judgeMs = await timed(() => judged(head));
    await push.done;
    await pulls.quiet();
    const wrong = faultsOf(head);
    if (wrong.length > 0) throw new Error(`a check that nobody killed went wrong: ${wrong.join("; ")}`);
    const made = github.requests.slice(before);
    return { all: made.length, writes: made.filter(isWrite).length };
  }

  function pushHead(isNew: boolean) {
    const n = heads.length;
    const files = isNew ? { Dockerfile: textOf(n) } : { README: `${n}\n` };
    const delivered = github.deliveries.length;
    const done = github.commit(REPOSITORY, files, { branch: BRANCH });
    return { done, acknowledged: acknowledged(delivered) };
  }

  /** @returns the new head, once the server has taken over what tells of it. */
  async function acknowledged(since: number): Promise<string> {
    for (;;) {
      const delivery = github.deliveries
        .slice(since)
        .find(({ event, action }) => event === "pull_request" && action === "synchronize");
      if (delivery?.status === "OK") {
        const head = String(Object(delivery.payload).after);
        heads.push(head);
        return head;
      }
      if (delivery?.status !== undefined) throw new Error(`a push wasn't acknowledged: ${delivery.status}`);
      await wait(1);
    }
  }

  /** @returns once the server is dead; at the end of the check if the moment doesn't come before. */
  async function kill(head: string, at: Moment): Promise<void> {
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
      const afterMs = at.kind === "time" ? at.share * judgeMs : 0;
      wait(afterMs, undefined, over).then(dead.resolve, () => {});
    }
    await Promise.race([dead.promise, judged(head, over.signal)]);
    over.abort();
    await server.kill();
    github.onRequest(undefined);
  }

  /** Starts the server; where it is to be killed again, after that time, and then once more. */
  async function start(killAfterMs: number | undefined): Promise<void> {
    let death: Promise<void> | undefined;
    try {
      scene.server = await startServer(scene.env, undefined, ({ kill: end }) => {
        if (killAfterMs !== undefined) death = wait(killAfterMs).then(end);
      });
    } catch (error) {
      if (killAfterMs === undefined || !(error instanceof StartFailed) || error.exit !== null) throw error;
    }
    if (death === undefined) return;
    await death;
    await start(undefined);
  }

  async function judged(head: string, signal?: AbortSignal): Promise<void> {
    const started = Date.now();
    while (signal?.aborted !== true) {
      if (pulls.checks(NAME, head).some(({ status }) => status === "completed")) return;
      if (Date.now() - started > patienceMs)
        throw new Error(
          `no verdict on ${head} after ${patienceMs} ms: ${JSON.stringify(pulls.checks(NAME, head))}\n${scene.server.output()}`,
        );
      await wait(5);
    }
  }

  function faultsOf(head: string): readonly string[] {
    const [checkRun, ...others] = pulls.checks(NAME, head);
    if (checkRun === undefined || others.length > 0) return [`${head}: ${others.length + 1} check runs, or none`];
    const { id, externalId, status, conclusion, annotations, output } = checkRun;
    const completions = github.requests.filter(
      ({ method, path, body }) =>
        method !== "GET" &&
        (path.endsWith(`/check-runs/${id}`) || fieldOf(body, "external_id") === externalId) &&
        fieldOf(body, "conclusion") !== undefined,
    ).length;
    const remarks = annotations.map(({ start_line, annotation_level }) => `${start_line} ${annotation_level}`).sort();
    const expectations: readonly (readonly [boolean, string])[] = [
      [status === "completed" && conclusion === "failure", `${status}, ${conclusion}: ${output.summary}`],
      [completions === 1, `completed ${completions} times`],
      [remarks.join() === "2 warning,3 failure", `remarks: ${remarks.join()}`],
    ];
    return expectations.flatMap(([isMet, words]) => (isMet ? [] : [`${head}: ${words}`]));
  }

  return {
    requests,
    async try({ at, again, isNewCommit }: KillPoint) {
      const push = pushHead(isNewCommit);
      const head = await push.acknowledged;
      await kill(head, at);
      await start(again === undefined ? undefined : again * (startMs + judgeMs));
      await push.done;
      await judged(head);
      await pulls.quiet();
      return [...faultsOf(head), ...github.violations];
    },
    async finish() {
      await pulls.quiet();
      const all = pulls.checks(NAME).filter(({ headSha }) => heads.includes(headSha)).length;
      const counts = all === heads.length ? [] : [`${heads.length} heads have ${all} check runs`];
      return [...heads.flatMap(faultsOf), ...counts, ...github.violations];
    },
    close: () => pulls.close(),
  };
}

/** Tokens are nothing that anyone sees. */
function isWrite({ method, path }: { readonly method: string; readonly path: string }): boolean {
  return method !== "GET" && !path.endsWith("/access_tokens");
}

function fieldOf(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[key] : undefined;
}

async function timed(run: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await run();
  return performance.now() - started;
}
