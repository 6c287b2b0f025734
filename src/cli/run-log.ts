import type { ReadableStream } from "node:stream/web";
import type { GitHubClient } from "../github/ask.ts";
import { type Download, readJobLog } from "../github/job-log.ts";
import { readRunJobs } from "../github/run-jobs.ts";
import { printable } from "../report/printable.ts";
import type { BuildRun } from "../trust/build-runs.ts";

/** Longest log of one job that is printed, in bytes; GitHub keeps larger ones only of builds that print without end. */
const MAX_LOG_BYTES = 64 * 1024 * 1024;
/** How long one job's log may take, in milliseconds. */
const LOG_MS = 120_000;

/** How GitHub is asked. */
export interface LogPorts {
  readonly octokitFor: (server: string) => GitHubClient;
  readonly download: Download;
}

/**
 * Prints the logs of all jobs of runs.
 *
 * @param say - Told which job it is, and what of it isn't there.
 * @returns how many logs were printed.
 * @throws {CouldNotLook}
 */
export async function printRuns(
  runs: readonly BuildRun[],
  { octokitFor, download }: LogPorts,
  stdout: NodeJS.WriteStream,
  say: (line: string) => void,
): Promise<number> {
  let printed = 0;
  for (const run of runs) printed += await printRun(run, octokitFor(run.server), download, stdout, say);
  return printed;
}

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
