import type { ReadableStream } from "node:stream/web";
import type { GitHubClient } from "../github/ask.ts";
import { createServerClient } from "../github/client.ts";
import { type Download, readJobLog } from "../github/job-log.ts";
import { readRunJobs } from "../github/run-jobs.ts";
import { printable } from "../report/printable.ts";
import { type BuildRun, buildRunsOf } from "../trust/build-runs.ts";
import { CouldNotLook } from "../trust/ports.ts";
import type { Verdict } from "../trust/verdict.ts";
import { EXIT, type ExitCode, exitCodeOf, UsageError } from "./exit-code.ts";
import { judgeAsked, type Surroundings, type WalkArguments } from "./walk.ts";

/** Longest log of one job that is printed, in bytes; GitHub keeps larger ones only of builds that print without end. */
const MAX_LOG_BYTES = 64 * 1024 * 1024;
/** How long one job's log may take, in milliseconds. */
const LOG_MS = 120_000;

/** How GitHub is asked; another one in tests. */
export interface LogPorts {
  readonly octokitFor: (server: string, token: string) => GitHubClient;
  readonly download: Download;
}

/**
 * Prints the log of the run that built an image: that which the certificate of an accepted signature names, and nothing that the image says of
 * itself. The log is on standard output, and which run it is on standard error.
 *
 * @throws {UsageError} @throws {PolicyError} for what the person has to mend.
 */
export async function logCommand(
  args: WalkArguments,
  surroundings: Surroundings,
  { octokitFor = createServerClient, download = fetch }: Partial<LogPorts> = {},
): Promise<ExitCode> {
  const { env, stderr } = surroundings;
  const say = (line: string) => stderr.write(`trusted-builds: ${printable(line)}\n`);
  const { verdict } = await judgeAsked(args, surroundings);
  const runs = buildRunsOf(verdict);
  if (runs.length === 0) return withoutRun(args.image, verdict, say);
  for (const run of runs) for (const line of wordsOf(run)) say(line);
  const token = env.GH_TOKEN || env.GITHUB_TOKEN;
  if (token === undefined || token === "")
    throw new UsageError(
      `read the log of ${runs[0]?.url}: GitHub shows logs, of public repositories too, only to those who are logged in; set GH_TOKEN, as with GH_TOKEN=$(gh auth token), or open that address`,
    );
  let printed = 0;
  try {
    for (const run of runs) {
      const octokit = octokitFor(run.server, token);
      printed += await printRun(run, octokit, download, surroundings.stdout, say);
    }
  } catch (error) {
    if (!(error instanceof CouldNotLook)) throw error;
    say(error.message);
    return EXIT.undetermined;
  }
  return printed === 0 ? EXIT.undetermined : EXIT.trusted;
}

function withoutRun(image: string, verdict: Verdict, say: (line: string) => void): ExitCode {
  const asked = new Set(verdict.platforms.map(({ node }) => node));
  const told = [...verdict.faults, ...verdict.unreachable].filter(({ node }) => asked.has(node));
  for (const { code, reason } of told) say(`${image}: ${code}: ${reason}`);
  say(`${image}: nobody whom the policy accepts has signed in which run it was built`);
  const exit = exitCodeOf(verdict);
  return exit === EXIT.trusted ? EXIT.untrusted : exit;
}

function wordsOf({ run, attempt, repository, commit, ref, builder, url, acceptedBy }: BuildRun): readonly string[] {
  return [
    `run ${run}, attempt ${attempt}, of ${repository} at ${commit}${ref === undefined ? "" : ` (${ref})`}`,
    `  built by ${builder}, accepted by ${acceptedBy}`,
    `  ${url}`,
  ];
}

/** @returns how many logs were printed. */
async function printRun(
  run: BuildRun,
  octokit: GitHubClient,
  download: Download,
  stdout: NodeJS.WriteStream,
  say: (line: string) => void,
): Promise<number> {
  const [owner = "", name = ""] = run.repository.split("/");
  const jobs = await readRunJobs(octokit, { owner, name }, run);
  if (jobs === undefined) {
    say(`GitHub has no such run of that commit any more, or shows it to others only: ${run.url}`);
    return 0;
  }
  let printed = 0;
  for (const { id, name: title, conclusion } of jobs) {
    say(`job ${title} (${conclusion ?? "still running"})`);
    const read = (body: ReadableStream<Uint8Array> | null) => printLog(body, stdout);
    const whole = await readJobLog(octokit, { owner, name }, id, download, read, LOG_MS);
    if (whole === undefined) say(`its log is gone: GitHub keeps logs for 90 days as a rule; ${run.url}`);
    else printed += 1;
    if (whole === false) say(`cut after ${MAX_LOG_BYTES} bytes; the whole log is at ${run.url}`);
  }
  return printed;
}

/**
 * Prints a log line by line as it comes. On a terminal nothing in it controls the terminal: whoever wrote the build wrote the log.
 *
 * @returns whether it was printed to its end.
 */
async function printLog(body: ReadableStream<Uint8Array> | null, stdout: NodeJS.WriteStream): Promise<boolean> {
  if (body === null) return true;
  const decoder = new TextDecoder();
  let size = 0;
  let rest = "";
  const show = (text: string) => {
    const shown = stdout.isTTY === true ? text.split("\n").map(plain).join("\n") : text;
    return stdout.write(shown) || new Promise<void>((resolve) => stdout.once("drain", resolve));
  };
  for await (const chunk of body) {
    size += chunk.length;
    if (size > MAX_LOG_BYTES) {
      await show(`${rest}\n`);
      return false;
    }
    const text = rest + decoder.decode(chunk, { stream: true });
    const end = text.lastIndexOf("\n") + 1;
    rest = text.slice(end);
    if (end > 0) await show(text.slice(0, end));
  }
  rest += decoder.decode();
  if (rest !== "") await show(`${rest}\n`);
  return true;
}

function plain(line: string): string {
  return printable(line.replace(/\r$/, "").replaceAll("\t", "    "));
}
