import { once } from "node:events";
import { stripVTControlCharacters } from "node:util";
import type { GitHubClient } from "../github/ask.ts";
import { createServerClient } from "../github/client.ts";
import { type Download, readJobLog } from "../github/job-log.ts";
import { readRunJobs } from "../github/run-jobs.ts";
import { formatReference } from "../image/reference.ts";
import { printable } from "../report/printable.ts";
import { type BuildRun, buildRunsOf } from "../trust/build-runs.ts";
import { CouldNotLook } from "../trust/ports.ts";
import type { Verdict } from "../trust/verdict.ts";
import { EXIT, type ExitCode, exitCodeOf } from "./exit-code.ts";
import { judgeAsked, type Surroundings, type WalkArguments } from "./walk.ts";

/** How long one job's log may take, in milliseconds, and most that is printed of it, in bytes. */
const LOG_MS = 120_000;
const MAX_LOG_BYTES = 256 * 1024 * 1024;
/** Longest line that is waited for, in characters. */
const MAX_LINE = 64 * 1024;

/** Where logs are read. */
export interface LogPorts {
  /** @param server - The token goes to github.com alone. */
  readonly client: (server: string) => GitHubClient;
  readonly download: Download;
}

/** Finds the run that built an image, by what policy accepts, and prints its log. @throws {UsageError} @throws {PolicyError} */
export async function logCommand(args: WalkArguments, surroundings: Surroundings): Promise<ExitCode> {
  const { verdict } = await judgeAsked(args, surroundings);
  const token = surroundings.env.GH_TOKEN || surroundings.env.GITHUB_TOKEN;
  return tellLog(verdict, { client: (server) => createServerClient(server, token), download: fetch }, surroundings);
}

/**
 * Says on standard error which runs an image comes from, and prints what their jobs printed on standard output.
 *
 * @returns 0 where all of it is printed, 1 where nothing that policy accepts names a run, 3 where a log could not be had, be it that it is gone.
 */
export async function tellLog(verdict: Verdict, ports: LogPorts, surroundings: Surroundings): Promise<ExitCode> {
  const runs = buildRunsOf(verdict);
  const say = (text: string) => surroundings.stderr.write(`${printable(text)}\n`);
  say(formatReference(verdict.image));
  if (runs.length === 0) {
    for (const { code, reason } of [...verdict.faults, ...verdict.unreachable]) say(`  ${code}: ${reason}`);
    say("  nothing that policy accepts names the run that built it");
    return verdict.outcome === "undetermined" ? exitCodeOf(verdict) : EXIT.untrusted;
  }
  let exit: ExitCode = EXIT.trusted;
  for (const run of runs) {
    for (const [name, value] of Object.entries({
      run: run.url,
      commit: `${run.commit}${run.ref === undefined ? "" : ` (${run.ref})`}`,
      builder: run.builder,
      accepted: `by ${run.acceptedBy} of ${verdict.policy.name}`,
    }))
      say(`  ${name.padEnd(8)}  ${value}`);
    try {
      if (!(await printRun(run, ports, surroundings))) {
        say(`  the log is gone, or may not be seen; the run's page: ${run.url}`);
        exit = EXIT.undetermined;
      }
    } catch (error) {
      if (!(error instanceof CouldNotLook)) throw error;
      say(`  ${error.message}; GitHub shows logs only to a token (GH_TOKEN); the run's page: ${run.url}`);
      exit = EXIT.undetermined;
    }
  }
  return exit;
}

/** @returns whether all of it was there. @throws {CouldNotLook} */
async function printRun(run: BuildRun, { client, download }: LogPorts, { stdout }: Surroundings): Promise<boolean> {
  const octokit = client(run.server);
  const [owner = "", name = ""] = run.repository.split("/");
  const jobs = await readRunJobs(octokit, { owner, name }, run);
  if (jobs === undefined || jobs.length === 0) return false;
  let isWhole = true;
  for (const { id, name: job, conclusion = "not finished" } of jobs) {
    stdout.write(`==> ${printable(job)} (${printable(conclusion)}) <==\n`);
    // A job that was skipped printed nothing.
    if (conclusion === "skipped") continue;
    const printed = await readJobLog(octokit, { owner, name }, id, download, (body) => printBody(body, stdout), LOG_MS);
    if (printed !== true) isWhole = false;
  }
  return isWhole;
}

/** Line by line, without whatever could command a terminal: anyone whose code the job ran may have written it. */
async function printBody(body: ReadableStream<Uint8Array> | null, stdout: NodeJS.WriteStream): Promise<true> {
  const decoder = new TextDecoder();
  let [rest, read] = ["", 0];
  const print = async (lines: readonly string[]) => {
    if (lines.length === 0 || stdout.write(lines.map((line) => `${plain(line)}\n`).join(""))) return;
    await once(stdout, "drain");
  };
  for await (const chunk of body ?? []) {
    read += chunk.length;
    if (read > MAX_LOG_BYTES) {
      await print([`… the log goes on; ${MAX_LOG_BYTES >> 20} MiB of it were read`]);
      return true;
    }
    const lines = `${rest}${decoder.decode(chunk, { stream: true })}`.split(/\r?\n/);
    rest = lines.pop() ?? "";
    if (rest.length > MAX_LINE) {
      lines.push(rest);
      rest = "";
    }
    await print(lines);
  }
  const last = rest + decoder.decode();
  if (last !== "") await print([last]);
  return true;
}

function plain(line: string): string {
  return stripVTControlCharacters(line)
    .replaceAll("\t", "  ")
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "");
}
