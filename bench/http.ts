// `npm run bench http [-- --json]`: a cached answer of the API beside a bare `node:http` server that sends the same bytes and headers, on
// the same machine in the same run, turn by turn. Each server is a process of its own, and so is the load.
import { type ChildProcess, fork, spawn } from "node:child_process";
import { createServer, get, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { apiRoutes } from "../src/api/api-routes.ts";
import { clientsBehind } from "../src/api/client-address.ts";
import { createApi } from "../src/api/create-api.ts";
import { answerOn } from "../test/api/answers.ts";
import { InMemory } from "../test/api/in-memory.ts";
import { untrusted } from "../test/report/answered.ts";

/** Rounds, each of which gives both servers their turn, so that the machine's moods fall on both. */
const ROUNDS = 5;
/** Seconds of one turn. */
const TURN_SECONDS = 4;
const CONNECTIONS = 16;
const PATH = "/v1/images/ghcr.io/acme/app:1";
/** What a client may ask in a minute is used up in a moment here: each request comes from another one. */
const CLIENTS = 10_000;

const SELF = fileURLToPath(import.meta.url);
const AUTOCANNON = fileURLToPath(import.meta.resolve("autocannon"));

/** What a turn came to. */
interface Turn {
  readonly perSecond: number;
  readonly p99Ms: number;
  /** The server's own time, user and system, in microseconds a request. */
  readonly cpuUs: number;
}

/** A server in a process of its own. */
interface Served {
  readonly url: string;
  readonly child: ChildProcess;
  /** Its own time so far, in microseconds. */
  cpu(): Promise<number>;
}

async function serveOurs(): Promise<void> {
  const world = new InMemory();
  world.answers.push(answerOn({ image: "ghcr.io/acme/app:1", verdict: untrusted }));
  const behind = clientsBehind([]);
  // The world's time runs from where its tag was seen: what was seen long ago isn't kept.
  const begun = Date.now();
  const now = () => new Date(world.now.getTime() + Date.now() - begun);
  let asked = 0;
  const api = createApi({
    routes: apiRoutes({ ...world.ports(), now }),
    clientOf: (request) => `${behind(request)} ${asked++ % CLIENTS}`,
    newId: () => crypto.randomUUID(),
    now,
    onFault: (error) => console.error(error),
  });
  await serve(createServer((request, response) => void api.handle(request, response)));
}

async function serveBare(headers: IncomingHttpHeaders, body: string): Promise<void> {
  const bytes = Buffer.from(body, "base64");
  const flat = Object.entries(headers).flatMap(([name, value]) => [name, String(value)]);
  await serve(createServer((_, response) => response.writeHead(200, flat).end(bytes)));
}

async function serve(http: ReturnType<typeof createServer>): Promise<void> {
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  process.on("message", () => {
    const { user, system } = process.cpuUsage();
    process.send?.(user + system);
  });
  process.on("disconnect", () => process.exit());
  process.send?.((http.address() as AddressInfo).port);
}

async function served(...args: readonly string[]): Promise<Served> {
  const child = fork(SELF, ["--serve", ...args]);
  const told = () => new Promise<number>((resolve) => child.once("message", (said) => resolve(Number(said))));
  const url = `http://127.0.0.1:${await told()}${PATH}`;
  return {
    url,
    child,
    cpu: () => {
      const answer = told();
      child.send("cpu");
      return answer;
    },
  };
}

function fetched(url: string): Promise<{ readonly headers: IncomingHttpHeaders; readonly body: Buffer }> {
  return new Promise((resolve, reject) => {
    get(url, { agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => resolve({ headers: response.headers, body: Buffer.concat(chunks) }));
    }).on("error", reject);
  });
}

async function turn({ url, cpu }: Served): Promise<Turn> {
  const before = await cpu();
  const load = spawn(
    process.execPath,
    [AUTOCANNON, "--json", "-c", String(CONNECTIONS), "-d", String(TURN_SECONDS), url],
    {
      stdio: ["ignore", "pipe", "ignore"],
    },
  );
  let text = "";
  load.stdout.on("data", (chunk) => {
    text += chunk;
  });
  await new Promise((resolve) => load.once("close", resolve));
  const told = JSON.parse(text) as {
    readonly requests: { readonly average: number; readonly total: number };
    readonly latency: { readonly p99: number };
    readonly non2xx: number;
    readonly errors: number;
  };
  if (told.non2xx > 0 || told.errors > 0) throw new Error(`${told.non2xx} refusals, ${told.errors} errors`);
  const cpuUs = ((await cpu()) - before) / told.requests.total;
  return { perSecond: told.requests.average, p99Ms: told.latency.p99, cpuUs };
}

const median = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? Number.NaN;

async function measure() {
  const ours = await served("ours");
  const { headers, body } = await fetched(ours.url);
  const { connection: _, "keep-alive": __, date: ___, ...own } = headers;
  const bare = await served("bare", JSON.stringify(own), body.toString("base64"));
  try {
    const same = await fetched(bare.url);
    if (Buffer.compare(same.body, body) !== 0) throw new Error("the servers don't send the same");
    // The first requests make the machine warm, and the answer ready.
    await turn(ours);
    await turn(bare);
    const turns = { ours: [] as Turn[], bare: [] as Turn[] };
    for (let round = 0; round < ROUNDS; round++) {
      turns.bare.push(await turn(bare));
      turns.ours.push(await turn(ours));
    }
    const of = (name: "ours" | "bare", key: keyof Turn) => median(turns[name].map((each) => each[key]));
    const summary = (name: "ours" | "bare") => ({
      perSecond: Math.round(of(name, "perSecond")),
      p99Ms: of(name, "p99Ms"),
      cpuUs: Number(of(name, "cpuUs").toFixed(1)),
    });
    return {
      bytes: body.length,
      connections: CONNECTIONS,
      ours: summary("ours"),
      bare: summary("bare"),
      throughput: Number((of("ours", "perSecond") / of("bare", "perSecond")).toFixed(3)),
      cpu: Number((of("bare", "cpuUs") / of("ours", "cpuUs")).toFixed(3)),
    };
  } finally {
    ours.child.disconnect();
    bare.child.disconnect();
  }
}

const [, , mode, which, headers = "{}", body = ""] = process.argv;
if (mode === "--serve") {
  if (which === "ours") await serveOurs();
  else await serveBare(JSON.parse(headers) as IncomingHttpHeaders, body);
} else {
  const result = await measure();
  if (process.argv.includes("--json")) console.log(JSON.stringify(result, null, 2));
  else {
    const { ours, bare, throughput, cpu, bytes } = result;
    console.log(
      `a cached answer of ${bytes} bytes, ${CONNECTIONS} connections, medians of ${ROUNDS} turns of ${TURN_SECONDS} s each`,
    );
    console.log(
      `  bare node:http   ${bare.perSecond}/s   p99 ${bare.p99Ms} ms   ${bare.cpuUs} µs of its own time a request`,
    );
    console.log(`  the API          ${ours.perSecond}/s   p99 ${ours.p99Ms} ms   ${ours.cpuUs} µs`);
    console.log(
      `  throughput       ${(throughput * 100).toFixed(1)} % of bare (aim: 70 %); by own time ${(cpu * 100).toFixed(1)} %`,
    );
  }
}
