// `npm run bench admission [-- --json]`: how long a cluster waits for its review of a pod, over TLS as it asks. Cold: an image that the
// server has never met, three generations of it, signed, in a registry that answers every request 50 ms late. Warm: the same pod again,
// beside a bare `node:https` server that sends the same bytes. The servers are processes of their own. Aims: 10 s and 20 ms.
import { type ChildProcess, execFileSync, fork } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { Agent, createServer, request } from "node:https";
import type { AddressInfo } from "node:net";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openAdmission } from "../src/app/admission-server.ts";
import { createRegistryClient } from "../src/registry/client.ts";
import { parseTrustedRoot } from "../src/sigstore/trusted-root.ts";
import { createBundleVerifier } from "../src/sigstore/verifier.ts";
import { parsePolicy } from "../src/trust/policy.ts";
import { pod, reviewDocument } from "../test/admission/cluster.ts";
import { makeImage, NAMES } from "../test/faults/ancestry.ts";
import { makeAll, policyText } from "../test/faults/trial.ts";
import { startOciRegistry } from "../test/world/oci-registry.ts";
import { startSigstore } from "../test/world/sigstore.ts";

/** How many images are met for the first time, and how often one is met again. */
const COLD = 20;
const WARM = 3000;
/** Before the warm ones count. */
const WARMING = 500;
/** How late the registry answers, in milliseconds. */
const LATENCY_MS = 50;
const PATH = "/v1/admission?timeout=10s";
const SELF = fileURLToPath(import.meta.url);

/** What a server in a process of its own is told. */
interface Orders {
  readonly certificate: string;
  readonly key: string;
  /** Of the registry; absent for the bare server. */
  readonly host?: string;
  readonly root?: unknown;
  /** What the bare server sends. */
  readonly body?: string;
}

async function serveOurs({ certificate, key, host = "", root }: Orders): Promise<string> {
  const policy = parsePolicy(Buffer.from(policyText(host)), "policy.yml");
  const verifier = createBundleVerifier({ roots: [parseTrustedRoot(Buffer.from(JSON.stringify(root)), "bench")] });
  const settings = { undetermined: "deny", unknown: "deny", isEnforced: true, grace: undefined } as const;
  const listener = await openAdmission(
    { host: "127.0.0.1", port: 0, certificate, key, clientAuthorities: undefined, settings },
    {
      policy: () => policy,
      openWalk: () => {
        const client = createRegistryClient({ allowHosts: [host] });
        return {
          images: client,
          attestations: client,
          layers: client,
          verifier,
          resolve: async (reference) => (await client.resolve(reference))?.pinned,
          close: () => client.close(),
        };
      },
      now: () => new Date(),
      publicUrl: undefined,
      isReady: async () => true,
      log: console,
    },
  );
  return listener.url;
}

async function serveBare({ certificate, key, body = "" }: Orders): Promise<string> {
  const bytes = Buffer.from(body);
  const headers = { "content-type": "application/json", "cache-control": "no-store", "content-length": bytes.length };
  const pair = { cert: readFileSync(certificate), key: readFileSync(key) };
  const https = createServer(pair, (asked, response) => {
    asked.on("data", () => {});
    asked.on("end", () => response.writeHead(200, headers).end(bytes));
  });
  await new Promise<void>((resolve) => https.listen(0, "127.0.0.1", resolve));
  return `https://127.0.0.1:${(https.address() as AddressInfo).port}`;
}

function start(
  which: "ours" | "bare",
  orders: Orders,
): Promise<{ readonly url: string; readonly child: ChildProcess }> {
  const child = fork(SELF, ["--serve", which]);
  child.send(orders);
  return new Promise((resolve, reject) => {
    child.once("message", (url) => resolve({ url: String(url), child }));
    child.once("exit", () => reject(new Error("the server ended")));
  });
}

/** @returns how long it took, in milliseconds. @throws an Error for another answer than yes: a quick no would look like speed. */
async function review(url: string, agent: Agent | false, image: string): Promise<{ ms: number; text: string }> {
  const body = JSON.stringify(reviewDocument(pod(image)));
  const begun = performance.now();
  const text = await new Promise<string>((resolve, reject) => {
    const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
    const asked = request(
      `${url}${PATH}`,
      { method: "POST", agent, rejectUnauthorized: false, headers },
      (response) => {
        let read = "";
        response.on("data", (chunk) => {
          read += chunk;
        });
        response.on("end", () => resolve(read));
      },
    );
    asked.on("error", reject);
    asked.end(body);
  });
  const ms = performance.now() - begun;
  if (!/"allowed": true/.test(text)) throw new Error(text);
  return { ms, text };
}

async function warm(url: string, image: string): Promise<readonly number[]> {
  // A cluster keeps its connections to a webhook.
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const all: number[] = [];
  for (let i = 0; i < WARMING + WARM; i++) {
    const { ms } = await review(url, agent, image);
    if (i >= WARMING) all.push(ms);
  }
  agent.destroy();
  return all;
}

function quantiles(all: readonly number[]): { readonly p50: number; readonly p99: number; readonly max: number } {
  const sorted = all.toSorted((a, b) => a - b);
  const at = (part: number) =>
    Number((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0).toFixed(3));
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}

async function measure() {
  const directory = mkdtempSync(join(tmpdir(), "bench-admission-"));
  const [certificate, key] = [join(directory, "tls.crt"), join(directory, "tls.key")];
  const made = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", certificate];
  execFileSync("openssl", ["req", "-x509", "-days", "1", "-subj", "/CN=localhost", ...made], { stdio: "ignore" });
  const registry = await startOciRegistry();
  const sigstore = await startSigstore();
  const children: ChildProcess[] = [];
  try {
    const images: string[] = [];
    const signers = { registry, sigstore, stranger: sigstore };
    const elsewhere = await makeImage({ ...signers, namespace: "elsewhere/deep" }, "base", {});
    for (let i = 0; i < COLD; i++) {
      const place = { ...signers, elsewhere, namespace: `cold${i}`, images: {} };
      images.push(`${(await makeAll(place, NAMES, {})).app.repository}:1.0.0`);
    }
    registry.delay(LATENCY_MS);
    const ours = await start("ours", { certificate, key, host: registry.host, root: sigstore.trustedRoot });
    children.push(ours.child);
    const before = registry.requests.length;
    const cold: number[] = [];
    for (const image of images) cold.push((await review(ours.url, false, image)).ms);
    const requests = (registry.requests.length - before) / COLD;
    const [image = ""] = images;
    // By digest, as the second webhook is asked: the tag needn't be resolved.
    const { text } = await review(ours.url, false, image);
    const patch = JSON.parse(text) as { readonly response: { readonly patch: string } };
    const [, step] = JSON.parse(Buffer.from(patch.response.patch, "base64").toString()) as readonly {
      readonly value: string;
    }[];
    const pinned = step?.value ?? "";
    const answer = (await review(ours.url, false, pinned)).text;
    const bare = await start("bare", { certificate, key, body: answer });
    children.push(bare.child);
    const [theirs, own] = [await warm(bare.url, pinned), await warm(ours.url, pinned)];
    return {
      machine: `${cpus().length} cores, ${cpus()[0]?.model.trim()}`,
      latencyMs: LATENCY_MS,
      images: COLD,
      generations: NAMES.length,
      requests,
      coldMs: quantiles(cold),
      warmMs: quantiles(own),
      bareMs: quantiles(theirs),
      warmToBare: Number((quantiles(own).p50 / quantiles(theirs).p50).toFixed(2)),
    };
  } finally {
    for (const child of children) child.kill();
    await Promise.all([registry.close(), sigstore.close()]);
    rmSync(directory, { recursive: true, force: true });
  }
}

const [, , mode, which] = process.argv;
if (mode === "--serve")
  process.once("message", async (orders) => {
    process.on("disconnect", () => process.exit());
    process.send?.(await (which === "ours" ? serveOurs : serveBare)(orders as Orders));
  });
else {
  const result = await measure();
  if (process.argv.includes("--json")) console.log(JSON.stringify(result, undefined, 2));
  else {
    const { coldMs, warmMs, bareMs, warmToBare, requests } = result;
    const row = ({ p50, p99, max }: typeof coldMs) => `p50 ${p50} ms   p99 ${p99} ms   longest ${max} ms`;
    console.log(
      `reviews of a pod over TLS; cold: ${COLD} images of ${NAMES.length} generations, ${requests} requests each, ${LATENCY_MS} ms late`,
    );
    console.log(`  cold         ${row(coldMs)} (aim: 10 s)`);
    console.log(`  warm         ${row(warmMs)} (aim: 20 ms)`);
    console.log(`  bare https   ${row(bareMs)}; warm : bare ${warmToBare}`);
  }
}
