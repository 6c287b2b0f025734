import { z } from "zod";
import type { Repository, Run } from "../build/build.ts";
import { absentOn, askPages, exchange, type GitHubClient, PAGE } from "./ask.ts";
import { GitHubError, githubError, type Question } from "./error.ts";
import { readTail } from "./log-tail.ts";
import { fullName } from "./repository.ts";

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
  return absentOn([404, 410], readLog(asked, location, baseUrl, download));
}

/** Reads a log where GitHub keeps it. The address is a secret of its own, and gets no other: no header of ours goes there. */
async function readLog(question: Question, location: string, api: string, download: Download): Promise<string> {
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
      return await readTail(response.body);
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

function about(asked: string, repository: Repository): Question {
  return { asked, repository: fullName(repository), needs: "actions: read" };
}
