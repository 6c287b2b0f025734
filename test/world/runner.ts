import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Github } from "./github/github.ts";
import type { Job } from "./github/jobs.ts";
import { type Claims, githubClaims } from "./github-claims.ts";
import { inputVariables } from "./runner/action-inputs.ts";
import { runActionProcess } from "./runner/action-process.ts";
import { parseFileCommands } from "./runner/file-commands.ts";
import { startIdentityTokens } from "./runner/identity-tokens.ts";
import { MaskedLog } from "./runner/masked-log.ts";
import { runnerVariables } from "./runner/variables.ts";
import type { Sigstore } from "./sigstore.ts";
import type { Toolchain } from "./toolchain.ts";

/** How a runner differs from its defaults. */
export interface RunnerOptions {
  readonly sigstore: Sigstore;
  /** Gives the job docker and its registries. */
  readonly toolchain?: Pick<Toolchain, "env">;
  /** The action's bundle. Default: the committed one. */
  readonly main?: string;
  /** The reusable workflow that has the job. */
  readonly jobWorkflowRef?: string;
  readonly jobWorkflowSha?: string;
  readonly rekorVersion?: 1 | 2;
  /** The secret `build-secrets`: values by id. */
  readonly buildSecrets?: Readonly<Record<string, string>>;
  /** Above the runner's variables, TRUSTED_BUILDS_ALLOW_HOSTS say. */
  readonly env?: Readonly<Record<string, string>>;
}

/** What a job left behind. */
export interface JobResult {
  /** `owner/name` */
  readonly repository: string;
  readonly run: number;
  readonly attempt: number;
  readonly conclusion: "success" | "failure" | "cancelled";
  /** The action's exit code; null if it was killed, undefined if it didn't run. */
  readonly code: number | null | undefined;
  readonly outputs: Readonly<Record<string, string>>;
  /** Markdown. */
  readonly summary: string;
  /** What was printed, masked. */
  readonly log: string;
}

/** What the action left behind. */
export type ActionResult = Pick<JobResult, "outputs" | "summary"> & { readonly code: number | null };

/** What a test may do in place of the action, or around it. */
export interface Work {
  readonly job: Job;
  /** What the job's identity token says. */
  readonly claims: Claims;
  readonly signal: AbortSignal;
  /** Prints a line into the job's log. */
  log(text: string): void;
  /** What the runner does by itself. @param changed - Above the variables of the process. */
  runAction(changed?: Readonly<Record<string, string>>): Promise<ActionResult>;
}

/** Takes every dispatched run of a GitHub. */
export interface Runner {
  /** Of all jobs that ended, oldest first. */
  readonly results: readonly JobResult[];
  /** Replaces what is done in the next run that nothing was replaced in; what it throws fails the job. */
  next(work: (work: Work) => Promise<"success" | "failure">): void;
  /** Ends the jobs that run. Runs that are dispatched afterwards wait. */
  close(): Promise<void>;
}

const MAIN = fileURLToPath(new URL("../../action/dist/index.js", import.meta.url));
const JOB_WORKFLOW = "trusted-builds/trusted-builds/.github/workflows/build.yml@refs/tags/v1";
const FILES = ["output", "state", "env", "path", "summary"];

/** Plays GitHub's runner: it runs the bundled action as a process, the way build.yml does, and interprets no YAML. */
export async function startRunner(github: Github, options: RunnerOptions): Promise<Runner> {
  const tokens = await startIdentityTokens(options.sigstore);
  const results: JobResult[] = [];
  const replaced: ((work: Work) => Promise<"success" | "failure">)[] = [];
  const closing = new AbortController();

  async function take(job: Job): Promise<JobResult["conclusion"]> {
    const directory = mkdtempSync(join(tmpdir(), "runner-"));
    const claims = claimsOf(job, options);
    const identity = tokens.open(claims);
    const signal = AbortSignal.any([job.signal, closing.signal]);
    const lines: string[] = [];
    const log = new MaskedLog((line) => {
      lines.push(line);
      job.log(line);
    });
    let ended: ActionResult | undefined;
    let conclusion: JobResult["conclusion"] = "failure";
    const runAction: Work["runAction"] = async (changed) => {
      const variables = { ...identity.variables, ...changed };
      ended = await runBundle(github, options, { job, directory, variables, log, signal });
      return ended;
    };
    job.start();
    try {
      const work = replaced.shift() ?? (async () => ((await runAction()).code === 0 ? "success" : "failure"));
      conclusion = await work({ job, claims, signal, log: (text) => log.line(text), runAction });
    } catch (error) {
      log.line(`##[error]${(error as Error).message}`);
    } finally {
      identity.close();
      rmSync(directory, { recursive: true, force: true });
    }
    if (signal.aborted) conclusion = "cancelled";
    const { repository, run } = job;
    const { code, outputs = {}, summary = "" } = ended ?? {};
    const about = { repository: repository.fullName, run: run.id, attempt: run.attempt };
    results.push({ ...about, conclusion, code, outputs, summary, log: lines.join("\n") });
    return conclusion;
  }

  github.onDispatch(take);
  return {
    results,
    next: (work) => void replaced.push(work),
    async close() {
      github.onDispatch(undefined);
      closing.abort();
      await github.idle();
      await tokens.close();
    },
  };
}

interface Step {
  readonly job: Job;
  readonly directory: string;
  readonly variables: Readonly<Record<string, string>>;
  readonly log: MaskedLog;
  readonly signal: AbortSignal;
}

async function runBundle(
  github: Github,
  { sigstore, toolchain, main = MAIN, rekorVersion = 1, buildSecrets = {}, env }: RunnerOptions,
  { job, directory, variables, log, signal }: Step,
): Promise<ActionResult> {
  for (const name of FILES) writeFileSync(join(directory, name), "");
  for (const name of ["temp", "tools", "workspace"]) mkdirSync(join(directory, name), { recursive: true });
  writeFileSync(join(directory, "event.json"), JSON.stringify(eventOf(job)));
  const secretLines = Object.entries(buildSecrets).map(([id, value]) => `${id}=${value}`);
  // What GitHub itself knows to be secret.
  for (const secret of [job.token, variables.ACTIONS_ID_TOKEN_REQUEST_TOKEN ?? "", ...secretLines]) log.mask(secret);
  const inputs = inputVariables({
    inputs: job.inputs,
    token: job.token,
    buildSecrets: secretLines.join("\n"),
    settings: {
      "fulcio-url": sigstore.url,
      "rekor-url": sigstore.url,
      "rekor-version": String(rekorVersion),
      "tsa-url": rekorVersion === 2 ? sigstore.url : "", // whose entries carry no time
    },
  });
  const code = await runActionProcess({
    main,
    cwd: join(directory, "workspace"),
    // Nothing of the test's own environment but the way to programs.
    env: {
      PATH: process.env.PATH ?? "",
      ...toolchain?.env,
      ...runnerVariables(job, {
        directory,
        serverUrl: github.url,
        apiUrl: github.apiUrl,
        actor: "trusted-builds[bot]",
      }),
      ...inputs,
      ...variables,
      ...env,
    },
    signal,
    line: (text) => log.line(text),
  });
  const read = (name: string) => readFileSync(join(directory, name), "utf8");
  return { code, outputs: parseFileCommands(read("output")), summary: read("summary") };
}

/** As GitHub would write them into the job's token. */
function claimsOf({ repository, run, workflow, ref, commit }: Job, options: RunnerOptions): Claims {
  const claims = githubClaims({
    repository: repository.fullName,
    repositoryId: repository.id,
    ownerId: repository.owner.id,
    visibility: repository.isPrivate ? "private" : "public",
    ref,
    sha: commit,
    workflow: workflow.path,
    jobWorkflowRef: options.jobWorkflowRef ?? JOB_WORKFLOW,
    ...(options.jobWorkflowSha !== undefined && { jobWorkflowSha: options.jobWorkflowSha }),
    runId: run.id,
    attempt: run.attempt,
    event: "workflow_dispatch",
    runner: "github-hosted",
  });
  return { ...claims, workflow: workflow.name, run_number: String(run.number), actor: "trusted-builds[bot]" };
}

/** The payload of `workflow_dispatch`, as far as actions read it. */
function eventOf({ inputs, ref, repository, workflow }: Job) {
  const { id, name, fullName, isPrivate, owner } = repository;
  const { login } = owner;
  return {
    inputs,
    ref,
    workflow: workflow.path,
    repository: { id, name, full_name: fullName, private: isPrivate, owner: { id: owner.id, login, type: owner.type } },
    sender: { login: "trusted-builds[bot]", type: "Bot" },
  };
}
