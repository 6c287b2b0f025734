// `npm run bench hidden [-- --json]`: whether it can be told by time that an image is hidden rather than missing. Both are asked for in
// random order over one connection, of the real look-up on a real database; Welch's t-test compares the times. Without a token, and with
// one that GitHub has to be asked about each time.
import { mkdtempSync, rmSync } from "node:fs";
import { Agent, createServer, get, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLookUp } from "../src/answer/look-up.ts";
import { apiRoutes } from "../src/api/api-routes.ts";
import { createApi } from "../src/api/create-api.ts";
import { verdictDocument } from "../src/report/json.ts";
import { openStore } from "../src/store/store.ts";
import { answerOn, PUBLISHED } from "../test/api/answers.ts";
import { InMemory } from "../test/api/in-memory.ts";

/** Pairs of one hidden and one missing. */
const PAIRS = 700;
/** Hidden images, and as many public ones beside them. */
const IMAGES = 50;
/** The slowest part of each is left out: the machine's other work is in it. */
const TRIMMED = 0.02;
/** Of Student's distribution with so many degrees of freedom, two-sided. */
const T_95 = 1.96;

const directory = mkdtempSync(join(tmpdir(), "bench-hidden-"));
const store = await openStore({ kind: "directory", path: directory, process }, { serialise: verdictDocument });
const github = createServer((_, response) => response.writeHead(404).end("{}"));
const githubUrl = await opened(github);
let questions = 0;

for (let i = 0; i < IMAGES; i++)
  for (const name of ["hidden", "public"]) {
    const audience = { kind: "readers", repositoryIds: ["7"] } as const;
    const answer = answerOn({ image: `ghcr.io/acme/${name}-${i}:1`, ...(name === "hidden" && { audience }) });
    await store.saveAnswer({
      answer,
      doneAt: new Date(),
      ancestors: [],
      faults: [],
      summaries: [],
      evidence: undefined,
    });
    await store.saveTag(`ghcr.io/acme/${name}-${i}`, "1", answer.image.digest, new Date());
  }

const privates = store.privateSources("https://github.com");
const lookUp = createLookUp({
  answers: store,
  asked: store,
  privates,
  readers: { mayRead: (token, [id = ""]) => asksGithub(token, id) },
  sightTag: async (_, __, seenAt) => ({ kind: "same", seenAt }),
  published: PUBLISHED,
  judgeAnew: async () => {},
  now: () => new Date(),
});
const ports = { ...new InMemory().ports(), lookUp, answers: store, privates, owners: store };
let asked = 0;
const api = createApi({
  routes: apiRoutes(ports),
  clientOf: () => String(asked++),
  newId: () => crypto.randomUUID(),
  now: () => new Date(),
  onFault: (error) => console.error(error),
});
const http = createServer((incoming, response) => void api.handle(incoming, response));
const url = await opened(http);
const agent = new Agent({ keepAlive: true, maxSockets: 1 });

function opened(server: Server): Promise<string> {
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
  });
}

function asksGithub(token: string, id: string): Promise<boolean> {
  questions++;
  const headers = { authorization: `Bearer ${token}` };
  return new Promise((resolve, reject) => {
    get(`${githubUrl}/repositories/${id}`, { headers }, (response) => {
      response.resume().on("end", () => resolve(response.statusCode === 200));
    }).on("error", reject);
  });
}

/** @returns how long a 404 took, in microseconds. */
function timed(name: string, token: string | undefined): Promise<number> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return new Promise((resolve, reject) => {
    const started = process.hrtime.bigint();
    request(`${url}/v1/images/ghcr.io/acme/${name}`, { agent, headers }, (response) => {
      response.resume().on("end", () => {
        if (response.statusCode === 404) resolve(Number(process.hrtime.bigint() - started) / 1000);
        else reject(new Error(`${name}: ${response.statusCode}`));
      });
    })
      .on("error", reject)
      .end();
  });
}

async function compare(withToken: boolean) {
  const times: Record<"hidden" | "absent", number[]> = { hidden: [], absent: [] };
  questions = 0;
  for (let i = -100; i < PAIRS; i++) {
    const names = Math.random() < 0.5 ? (["hidden", "absent"] as const) : (["absent", "hidden"] as const);
    for (const name of names) {
      const us = await timed(`${name}-${Math.abs(i) % IMAGES}:1`, withToken ? `token-${i}-${name}` : undefined);
      // The first ones make everything warm.
      if (i >= 0) times[name].push(us);
    }
  }
  return { ...welch(times.hidden, times.absent), questions };
}

/** Welch's t of the means, with the interval in which their difference is. */
function welch(hidden: readonly number[], absent: readonly number[]) {
  const [one, other] = [momentsOf(hidden), momentsOf(absent)];
  const error = Math.sqrt(one.variance / one.n + other.variance / other.n);
  const difference = one.mean - other.mean;
  const round = (value: number) => Number(value.toFixed(1));
  return {
    pairs: PAIRS,
    hiddenUs: round(one.mean),
    absentUs: round(other.mean),
    differenceUs: round(difference),
    interval95Us: [round(difference - T_95 * error), round(difference + T_95 * error)],
    t: Number((difference / error).toFixed(2)),
  };
}

function momentsOf(times: readonly number[]) {
  const kept = times.toSorted((a, b) => a - b).slice(0, Math.ceil(times.length * (1 - TRIMMED)));
  const mean = kept.reduce((sum, each) => sum + each, 0) / kept.length;
  const variance = kept.reduce((sum, each) => sum + (each - mean) ** 2, 0) / (kept.length - 1);
  return { n: kept.length, mean, variance };
}

const result = { withoutToken: await compare(false), withToken: await compare(true) };
agent.destroy();
http.close();
github.close();
await store.close();
rmSync(directory, { recursive: true });
if (process.argv.includes("--json")) console.log(JSON.stringify(result, null, 2));
else
  for (const [name, each] of Object.entries(result)) {
    const [low, high] = each.interval95Us;
    console.log(
      `${name === "withToken" ? "with a token" : "without a token"}: ${each.pairs} pairs, GitHub asked ${each.questions} times`,
    );
    console.log(
      `  hidden ${each.hiddenUs} µs, missing ${each.absentUs} µs: ${each.differenceUs} µs apart, 95 % in [${low}, ${high}], Welch's t ${each.t}`,
    );
  }
