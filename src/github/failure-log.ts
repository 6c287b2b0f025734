import { stripVTControlCharacters } from "node:util";
import { z } from "zod";
import type { Repository, Run } from "../build/build.ts";
import { absentOn, askPages, exchange, type GitHubClient, PAGE } from "./ask.ts";
import { GitHubError, githubError, type Question } from "./error.ts";
import { fullName } from "./repository.ts";

/** What is read of a log, in bytes. */
const MAX_LOG_BYTES = 8 * 1024 * 1024;
/** What is kept while reading: enough for the tail, however much of it is colour. */
const WINDOW_BYTES = 256 * 1024;
const MAX_TAIL_LINES = 60;
const MAX_TAIL_BYTES = 16 * 1024;
/** How long a log may take, in milliseconds. */
const DOWNLOAD_MS = 15_000;
const MAX_REDIRECTS = 3;

/** Fetches a log from where GitHub says it is. */
export type Download = (
  url: URL,
  init: { readonly redirect: "manual"; readonly signal: AbortSignal },
) => Promise<Response>;

const jobs = z
  .object({ jobs: z.array(z.object({ id: z.int().positive(), conclusion: z.string().nullable() })) })
  .transform((answer) => answer.jobs);

/** The end of what the first failed job of an attempt printed; undefined if none failed, or its log is gone. */
export async function readFailureLog(
  octokit: GitHubClient,
  repository: Repository,
  run: Run,
  download: Download,
): Promise<string | undefined> {
  const at = { owner: repository.owner, repo: repository.name };
  const question = about(
    `for the jobs of run ${run.id}, attempt ${run.attempt}, of ${fullName(repository)}`,
    repository,
  );
  const listed = await absentOn(
    [404],
    askPages(question, jobs, (page, request) =>
      octokit.rest.actions.listJobsForWorkflowRunAttempt({
        ...at,
        run_id: run.id,
        attempt_number: run.attempt,
        per_page: PAGE,
        page,
        request,
      }),
    ),
  );
  const failed = listed?.find(({ conclusion }) => conclusion === "failure" || conclusion === "timed_out");
  if (failed === undefined) return undefined;
  const asked = about(`for the log of job ${failed.id} of ${fullName(repository)}`, repository);
  const answer = await absentOn(
    [404, 410],
    exchange(asked, (request) =>
      octokit.rest.actions.downloadJobLogsForWorkflowRun({
        ...at,
        job_id: failed.id,
        request: { ...request, redirect: "manual" },
      }),
    ),
  );
  if (answer === undefined) return undefined;
  const location = answer.headers.location;
  if (typeof location !== "string") {
    throw new GitHubError(
      "server-error",
      `asked GitHub ${asked.asked}: ${answer.status} and no place to read it; try again later`,
    );
  }
  const { baseUrl } = octokit.request.endpoint.DEFAULTS;
  return absentOn([404, 410], readTail(asked, location, baseUrl, download));
}

/** Reads a log where GitHub keeps it. The address is a secret of its own, and gets no other: no header of ours goes there. */
async function readTail(question: Question, location: string, api: string, download: Download): Promise<string> {
  const signal = AbortSignal.timeout(DOWNLOAD_MS);
  let url = nextUrl(question, location, new URL(api));
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    try {
      const response = await download(url, { redirect: "manual", signal });
      const next = response.headers.get("location");
      if (response.status >= 300 && response.status < 400 && next !== null) {
        await response.body?.cancel();
        url = nextUrl(question, next, url);
        continue;
      }
      if (!response.ok) {
        await response.body?.cancel();
        throw refusedBy(question, response.status);
      }
      return tailOf(await lastBytes(response.body));
    } catch (error) {
      if (error instanceof GitHubError) throw error;
      throw githubError(
        question,
        error instanceof TypeError ? { message: "the storage of the log doesn't answer", status: 0 } : error,
      );
    }
  }
  throw new GitHubError(
    "server-error",
    `asked GitHub ${question.asked}: more than ${MAX_REDIRECTS} redirects; try again later`,
  );
}

function refusedBy({ asked }: Question, status: number): GitHubError {
  return new GitHubError(
    "server-error",
    `asked GitHub ${asked}: the storage of the log answered ${status}; try again later`,
    {
      status,
    },
  );
}

/** A place that is http or https, and not http where the one that named it was https. */
function nextUrl({ asked }: Question, location: string, from: URL): URL {
  const url = URL.canParse(location, from.href) ? new URL(location, from) : undefined;
  const isFit = url?.protocol === "https:" || (url?.protocol === "http:" && from.protocol === "http:");
  if (url !== undefined && isFit && url.username === "" && url.password === "") return url;
  throw new GitHubError(
    "address-refused",
    `asked GitHub ${asked}: it is said to be at an address that isn't https; see it on the run's page`,
  );
}

/** The last part of a body, and whether reading stopped before its end. */
async function lastBytes(
  body: ReadableStream<Uint8Array> | null,
): Promise<{ bytes: Buffer; isCut: boolean; isWhole: boolean }> {
  let kept: Buffer = Buffer.alloc(0);
  let read = 0;
  for await (const chunk of body ?? []) {
    const room = chunk.subarray(0, MAX_LOG_BYTES - read);
    kept = Buffer.concat([kept, room]);
    kept = kept.subarray(Math.max(0, kept.length - WINDOW_BYTES));
    read += room.length;
    if (room.length < chunk.length) return { bytes: kept, isCut: true, isWhole: false };
  }
  return { bytes: kept, isCut: false, isWhole: kept.length === read };
}

/** The end of a log as plain text: without the times, colours and control characters, and saying where it is cut. */
export function tailOf({
  bytes,
  isCut = false,
  isWhole = true,
}: {
  readonly bytes: Uint8Array;
  readonly isCut?: boolean;
  readonly isWhole?: boolean;
}): string {
  const lines = new TextDecoder().decode(bytes).split(/\r?\n/).map(plain);
  if (lines.at(-1) === "") lines.pop();
  // The first line may have begun before the window.
  const whole = isWhole ? lines : lines.slice(1);
  const tail = isCut ? [...whole, `… the log goes on; ${MAX_LOG_BYTES >> 20} MiB of it were read`] : whole;
  const kept: string[] = [];
  let room = MAX_TAIL_BYTES;
  for (const line of tail.slice(-MAX_TAIL_LINES).reverse()) {
    const size = Buffer.byteLength(line) + 1;
    if (size > room) {
      if (kept.length === 0) kept.unshift(`…${endOf(line, room - 4)}`);
      break;
    }
    kept.unshift(line);
    room -= size;
  }
  return kept.join("\n");
}

/** At most so many bytes from the end of a text, and no part of a character. */
function endOf(text: string, bytes: number): string {
  const end = Buffer.from(text).subarray(-bytes);
  let start = 0;
  while (start < end.length && ((end[start] ?? 0) & 0xc0) === 0x80) start++;
  return end.subarray(start).toString();
}

const TIME = /^\uFEFF?\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z ?/;

function plain(line: string): string {
  return stripVTControlCharacters(line.replace(TIME, ""))
    .replaceAll("\t", "  ")
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "");
}

function about(asked: string, repository: Repository): Question {
  return { asked, repository: fullName(repository), needs: "actions: read" };
}
