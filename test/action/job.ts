import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Claims } from "../world/github-claims.ts";
import type { Sigstore } from "../world/sigstore.ts";

/** The committed bundle, as GitHub runs it. */
const MAIN = fileURLToPath(new URL("../../action/dist/index.js", import.meta.url));
const DEADLINE_MS = 120_000;

/** A job with one step: the action. */
export interface Job {
  readonly inputs: Readonly<Record<string, string>>;
  /** Of the job's identity token; the runner's variables are made of them. */
  readonly claims: Claims;
  readonly sigstore: Sigstore;
  /** Without a slash at its end. */
  readonly serverUrl: string;
  /** Above the runner's variables. */
  readonly env?: Readonly<Record<string, string>>;
  /** Whether the job has `id-token: write`. Default true. */
  readonly mayIdentify?: boolean;
  /** What GitHub answers to an attestation. Default 201. */
  readonly attestationStatus?: number;
  /** What the token says, where that isn't what the runner's variables say. */
  readonly tokenClaims?: Claims;
}

/** What the step left behind. */
export interface Ended {
  readonly exit: number | null;
  /** All that it printed. */
  readonly log: string;
  readonly outputs: Readonly<Record<string, string>>;
  readonly summary: string;
  /** The messages of its `::error::`, decoded. */
  readonly errors: readonly string[];
  readonly warnings: readonly string[];
  /** What it told the runner to mask. */
  readonly masked: readonly string[];
  /** Bundles that were posted to GitHub, each with the token and the repository. */
  readonly posted: readonly { readonly bundle: unknown; readonly authorization: string; readonly path: string }[];
}

/** Runs the bundled action as GitHub's runner does: a process with inputs and files by environment, and endpoints on loopback. */
export async function runJob(job: Job): Promise<Ended> {
  const directory = mkdtempSync(join(tmpdir(), "job-"));
  const github = await startGithub(job);
  try {
    for (const name of ["output", "summary"]) writeFileSync(join(directory, name), "");
    mkdirSync(join(directory, "temp"));
    const { exit, log } = await action(directory, {
      ...runnerVariables(job, directory),
      GITHUB_API_URL: github.url,
      ...(job.mayIdentify === false
        ? {}
        : {
            ACTIONS_ID_TOKEN_REQUEST_URL: `${github.url}/token?api-version=2.0`,
            ACTIONS_ID_TOKEN_REQUEST_TOKEN: "ask",
          }),
      ...Object.fromEntries(
        Object.entries(job.inputs).map(([name, value]) => [`INPUT_${name.replaceAll(" ", "_").toUpperCase()}`, value]),
      ),
      ...job.env,
    });
    const read = (name: string) => readFileSync(join(directory, name), "utf8");
    const told = (command: string) =>
      [...log.matchAll(new RegExp(`^::${command}(?: [^:]*)?::(.*)$`, "gm"))].map(([, text = ""]) => decoded(text));
    return {
      exit,
      log,
      outputs: outputsIn(read("output")),
      summary: read("summary"),
      errors: told("error"),
      warnings: told("warning"),
      masked: told("add-mask"),
      posted: github.posted,
    };
  } finally {
    await github.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

function runnerVariables({ claims, serverUrl }: Job, directory: string): Record<string, string> {
  return {
    PATH: process.env.PATH ?? "",
    HOME: directory,
    CI: "true",
    GITHUB_ACTIONS: "true",
    GITHUB_OUTPUT: join(directory, "output"),
    GITHUB_STEP_SUMMARY: join(directory, "summary"),
    RUNNER_TEMP: join(directory, "temp"),
    GITHUB_SERVER_URL: serverUrl,
    GITHUB_REPOSITORY: claims.repository ?? "",
    GITHUB_SHA: claims.sha ?? "",
    GITHUB_REF: claims.ref ?? "",
    GITHUB_RUN_ID: claims.run_id ?? "",
    GITHUB_RUN_ATTEMPT: claims.run_attempt ?? "",
    GITHUB_EVENT_NAME: claims.event_name ?? "",
  };
}

function action(directory: string, env: Readonly<Record<string, string>>): Promise<Pick<Ended, "exit" | "log">> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [MAIN], {
      cwd: directory,
      env,
      stdio: ["ignore", "pipe", "pipe"],
      timeout: DEADLINE_MS,
      killSignal: "SIGKILL",
    });
    let log = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (chunk: string) => {
        log += chunk;
      });
    }
    child.on("error", reject);
    child.on("close", (exit) => resolve({ exit, log }));
  });
}

/** The two endpoints of GitHub that a step can reach: identity tokens, and attestations. */
async function startGithub({ sigstore, claims, tokenClaims = claims, attestationStatus = 201 }: Job) {
  const posted: { bundle: unknown; authorization: string; path: string }[] = [];
  const server = createServer(async (request, response) => {
    const { pathname: path, searchParams } = new URL(request.url ?? "/", "http://localhost");
    const answer = (status: number, value: unknown) =>
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
    if (path === "/token") {
      if (request.headers.authorization !== "Bearer ask") return answer(401, {});
      return answer(200, { value: await sigstore.idToken(tokenClaims, searchParams.get("audience") ?? undefined) });
    }
    if (request.method !== "POST" || !/^\/repos\/[^/]+\/[^/]+\/attestations$/.test(path)) return answer(404, {});
    const { bundle } = JSON.parse((await bodyOf(request)).toString()) as { bundle: unknown };
    if (attestationStatus === 201) posted.push({ bundle, authorization: request.headers.authorization ?? "", path });
    return answer(attestationStatus, attestationStatus === 201 ? { id: posted.length } : { message: "no" });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    posted,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** `name<<DELIMITER` blocks, as `core.setOutput` writes them. */
function outputsIn(text: string): Record<string, string> {
  const blocks = text.matchAll(/^([\w-]+)<<(\S+)\n([\s\S]*?)\n\2$/gm);
  return Object.fromEntries([...blocks].map(([, name = "", , value = ""]) => [name, value]));
}

function decoded(text: string): string {
  return text.replaceAll("%0D", "\r").replaceAll("%0A", "\n").replaceAll("%25", "%");
}
