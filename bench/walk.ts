// `npm run bench walk [-- --json]`: one cold verdict on a chain of eight images, each built FROM the one before and signed, beside a loop
// of `cosign verify-attestation` over the same eight images in the same registry, which answers every request 50 ms late. Both are
// processes as a person starts them. Beside the ratio it prints the critical path: the longest row of requests each of which names a
// digest that only the answer before it told. No client can be quicker than that; only the ratios mean anything on another machine.
import { execFile, execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Published, publish } from "../test/world/chain.ts";
import { startGitServer } from "../test/world/git-server.ts";
import { type LoggedRequest, startOciRegistry } from "../test/world/oci-registry.ts";
import { GITHUB_ISSUER, startSigstore } from "../test/world/sigstore.ts";
import { runningWorld } from "../test/world/toolchain.ts";

const IMAGES = 8;
/** How late the registry answers, in milliseconds. */
const LATENCY_MS = 50;
/** Rounds, each of which gives every way its turn; medians are told. */
const ROUNDS = 3;
const PROJECT = fileURLToPath(new URL("..", import.meta.url));

/** One answer of the registry. */
interface Reply {
  readonly request: LoggedRequest;
  readonly status: number;
  readonly body: Uint8Array;
  /** On the monotonic clock, in milliseconds. */
  readonly at: number;
}

/** What one run took. */
interface Run {
  /** The whole process. */
  readonly ms: number;
  /** From the first request, which was on its way for as long as its answer was held back, to the end of the process. */
  readonly walkMs: number;
  readonly replies: readonly Reply[];
}

const toolchain = await runningWorld(["dockerd", "cosign", "busybox"]);
if (typeof toolchain === "string") {
  console.error(`bench walk: ${toolchain}; nothing measured`);
  process.exit(process.env.CI === undefined ? 0 : 1);
}
const world = toolchain;
let replies: Reply[] = [];
const registry = await startOciRegistry({
  onReply: (request, status, body) => void replies.push({ request, status, body, at: performance.now() }),
});
const git = await startGitServer();
const sigstore = await startSigstore({ serverUrl: git.url });
const directory = mkdtempSync(join(tmpdir(), "bench-walk-"));
const namespace = `acme-${randomBytes(4).toString("hex")}`;
try {
  const chain = await makeChain();
  // What npm publishes: a person runs no TypeScript.
  const command = join(directory, "package");
  execFileSync(process.execPath, ["scripts/build.ts", command], { cwd: PROJECT, stdio: "ignore" });
  const root = file("trusted_root.json", JSON.stringify(sigstore.trustedRoot));
  const policy = file("policy.yml", policyText());
  registry.delay(LATENCY_MS);

  const last = chain.at(-1)!;
  const verify = (cache: string) =>
    measured(
      process.execPath,
      [join(command, "main.js"), "verify", "--trusted-root", root, "--policy", policy, last.image],
      {
        TRUSTED_BUILDS_CACHE: cache,
      },
    );
  const loop = () => measured("/bin/sh", ["-euc", cosignLoop(chain, root)], {});
  const runs: { cold: Run[]; warm: Run[]; cosign: Run[] } = { cold: [], warm: [], cosign: [] };
  for (let round = 0; round < ROUNDS; round++) {
    const cache = join(directory, `cache-${round}`);
    runs.cold.push(await verify(cache));
    runs.warm.push(await verify(cache));
    runs.cosign.push(await loop());
  }
  report(median(runs.cold), median(runs.warm), median(runs.cosign));
} finally {
  await Promise.all([registry.close(), git.close(), sigstore.close()]);
  rmSync(directory, { recursive: true, force: true });
}

/** i1 from scratch, i2 FROM i1, and so on, by the real BuildKit; provenance and a statement about the index signed for each. */
async function makeChain(): Promise<readonly Published[]> {
  const made: Published[] = [];
  for (let i = 1; i <= IMAGES; i++) {
    const from = made.at(-1)?.image ?? "scratch";
    const files = { Dockerfile: `FROM ${from}\nCOPY file /file${i}\n`, file: `file ${i}\n` };
    made.push(
      await publish({ toolchain: world, sigstore, git, registry: registry.host, namespace }, { name: `i${i}`, files }),
    );
  }
  return made;
}

function policyText(): string {
  return `version: 1
trust:
  builders:
    - images: ["${registry.host}/${namespace}/{repo}"]
      github:
        repository: "${namespace}/{repo}"
        owner-id: 77
        workflow: "${namespace}/{repo}/.github/workflows/release.yml@refs/tags/v*"
        server: "${git.url}"
        issuer: "${GITHUB_ISSUER}"
      level: 2
      builds: true
`;
}

/** The provenance of each image, as a person would have it verified who has nothing but cosign: no parents, no layers, no policy. */
function cosignLoop(chain: readonly Published[], root: string): string {
  const lines = chain.map(({ image, repository, platforms }) => {
    const who = `${git.url}/${repository}/.github/workflows/release.yml@refs/tags/v1.0.0`;
    return [
      ...[world.bin("cosign"), "verify-attestation", "--type", "slsaprovenance1", "--trusted-root", root],
      ...["--certificate-oidc-issuer", GITHUB_ISSUER, "--certificate-identity", who],
      `${image.replace(/:[^:/]+$/, "")}@${platforms[0]?.manifest}`,
    ].join(" ");
  });
  return lines.join(" >/dev/null 2>&1\n").concat(" >/dev/null 2>&1\n");
}

function file(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}

/** @throws an Error if the program doesn't say yes: a quick refusal would look like speed. */
async function measured(program: string, args: readonly string[], env: Readonly<Record<string, string>>): Promise<Run> {
  replies = [];
  const start = performance.now();
  await new Promise<void>((resolve, reject) => {
    execFile(program, args, { env: { ...world.env, HOME: directory, ...env } }, (error, stdout, stderr) =>
      error === null ? resolve() : reject(new Error(`${program}: ${error.code}\n${stdout}${stderr}`, { cause: error })),
    );
  });
  const end = performance.now();
  const first = (replies[0]?.at ?? end) - LATENCY_MS;
  return { ms: end - start, walkMs: end - first, replies };
}

/**
 * The longest row of dependent requests. A request depends on the answer that told its digest, by the shortest way; what unsigned
 * statements tell doesn't count, since nobody may follow them.
 *
 * @param before - Answers of an earlier run: those with a digest are on disk, and cost no request.
 */
function criticalPath(answers: readonly Reply[], before: readonly Reply[] = []): number {
  const asked = new Set(answers.map(({ request }) => request.path));
  const kept = before.filter(
    ({ request: { path } }) => /\/(?:blobs|manifests)\/sha256:/.test(path) && !asked.has(path),
  );
  const told = new Map<string, number>();
  const depths = new Map<Reply, number>();
  // Until nothing gets shorter: answers aren't in the order of what they depend on.
  for (let isSettled = false; !isSettled; ) {
    isSettled = true;
    for (const answer of [...answers, ...kept]) {
      const wanted = /[0-9a-f]{64}/.exec(answer.request.path)?.[0];
      const cost = asked.has(answer.request.path) ? 1 : 0;
      const depth = cost + (wanted === undefined ? 0 : (told.get(wanted) ?? Number.POSITIVE_INFINITY));
      if (depth >= (depths.get(answer) ?? Number.POSITIVE_INFINITY)) continue;
      depths.set(answer, depth);
      isSettled = false;
      for (const digest of digestsIn(answer)) told.set(digest, Math.min(depth, told.get(digest) ?? depth));
    }
  }
  const known = answers.flatMap((answer) => depths.get(answer) ?? []);
  if (known.length < answers.length) throw new Error("a request names a digest that no answer told");
  return Math.max(0, ...known);
}

function digestsIn({ status, body, request }: Reply): readonly string[] {
  const text = Buffer.from(body).toString("latin1");
  if (status !== 200 || /^\s*\{"_type":/.test(text)) return [];
  const payload = /"payload":"([^"]+)"/.exec(text)?.[1] ?? "";
  const all = `${text} ${Buffer.from(payload, "base64").toString("latin1")}`.match(/[0-9a-f]{64}/g) ?? [];
  const own = /[0-9a-f]{64}/.exec(request.path)?.[0];
  const asked = own === undefined ? [sha256Of(request)] : [];
  return [...asked, ...all.filter((digest) => digest !== own)];
}

/** An image asked for by tag is known by its digest from then on. */
function sha256Of({ path }: LoggedRequest): string {
  const [, name = "", tag = ""] = /^\/v2\/(.+)\/manifests\/([^/]+)$/.exec(path) ?? [];
  return registry.readTag(name, tag)?.slice(7) ?? "";
}

function median(runs: readonly Run[]): Run {
  return [...runs].sort((one, other) => one.ms - other.ms)[Math.floor(runs.length / 2)]!;
}

function report(cold: Run, warm: Run, cosign: Run): void {
  const told = (run: Run, before?: Run) => {
    const requests = criticalPath(run.replies, before?.replies);
    return {
      ms: Math.round(run.ms),
      walkMs: Math.round(run.walkMs),
      requests: run.replies.length,
      requestsPerNode: run.replies.length / IMAGES,
      criticalPathRequests: requests,
      criticalPathMs: requests * LATENCY_MS,
      walkToCriticalPath: run.walkMs / (requests * LATENCY_MS),
    };
  };
  const result = {
    machine: `${cpus().length} cores, ${cpus()[0]?.model.trim()}`,
    images: IMAGES,
    latencyMs: LATENCY_MS,
    cold: told(cold),
    warm: told(warm, cold),
    cosign: {
      ms: Math.round(cosign.ms),
      requests: cosign.replies.length,
      requestsPerNode: cosign.replies.length / IMAGES,
    },
    cosignToCold: cosign.ms / cold.ms,
    cosignToWarm: cosign.ms / warm.ms,
  };
  if (process.argv.includes("--json")) {
    console.log(JSON.stringify(result, undefined, 2));
    return;
  }
  const row = ({ ms, walkMs, requestsPerNode, criticalPathRequests, walkToCriticalPath }: ReturnType<typeof told>) => ({
    ms,
    "walk ms": walkMs,
    "requests/node": requestsPerNode.toFixed(1),
    "critical path": criticalPathRequests,
    "walk : critical path": walkToCriticalPath.toFixed(2),
  });
  console.table({
    "verify, cold": row(result.cold),
    "verify, warm": row(result.warm),
    "cosign, one by one": { ms: result.cosign.ms, "requests/node": result.cosign.requestsPerNode.toFixed(1) },
  });
  console.log(`cosign : cold ${result.cosignToCold.toFixed(2)}, cosign : warm ${result.cosignToWarm.toFixed(2)}`);
  console.log(
    `critical path: requests of ${LATENCY_MS} ms that have to wait for one another; walk: from the first request to the end of the process.`,
  );
}
