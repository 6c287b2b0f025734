import type { Repository } from "../build/build.ts";
import { absentOn, exchange, type GitHubClient } from "./ask.ts";
import { GitHubError, githubError, type Question } from "./error.ts";
import { fullName } from "./repository.ts";

/** How long a log may take, in milliseconds. */
const DOWNLOAD_MS = 15_000;
const MAX_REDIRECTS = 3;

/** Fetches a log from where GitHub says it is. */
export type Download = (
  url: URL,
  init: { readonly redirect: "manual"; readonly signal: AbortSignal },
) => Promise<Response>;

/**
 * What a job printed, read as it comes; undefined if its log is gone: GitHub keeps them for some weeks.
 *
 * @param read - Takes the body to its own limit; may be asked once only.
 * @throws {CouldNotLook}
 */
export async function readJobLog<T>(
  octokit: GitHubClient,
  repository: Pick<Repository, "owner" | "name">,
  job: number,
  download: Download,
  read: (body: ReadableStream<Uint8Array> | null) => Promise<T>,
  milliseconds = DOWNLOAD_MS,
): Promise<T | undefined> {
  const question: Question = {
    asked: `for the log of job ${job} of ${fullName(repository)}`,
    repository: fullName(repository),
    needs: "actions: read",
  };
  const answer = await absentOn(
    [404, 410],
    exchange(question, (request) =>
      octokit.rest.actions.downloadJobLogsForWorkflowRun({
        owner: repository.owner,
        repo: repository.name,
        job_id: job,
        request: { ...request, redirect: "manual" },
      }),
    ),
  );
  if (answer === undefined) return undefined;
  const location = answer.headers.location;
  if (typeof location !== "string") {
    throw new GitHubError(
      "server-error",
      `asked GitHub ${question.asked}: ${answer.status} and no place to read it; try again later`,
    );
  }
  const { baseUrl } = octokit.request.endpoint.DEFAULTS;
  return absentOn([404, 410], readBody(question, location, { api: baseUrl, download, read, milliseconds }));
}

interface Reading<T> {
  /** The API's address. */
  readonly api: string;
  readonly download: Download;
  readonly read: (body: ReadableStream<Uint8Array> | null) => Promise<T>;
  readonly milliseconds: number;
}

/** Reads a log where GitHub keeps it. The address is a secret of its own, and gets no other: no header of ours goes there. */
async function readBody<T>(
  question: Question,
  location: string,
  { api, download, read, milliseconds }: Reading<T>,
): Promise<T> {
  const signal = AbortSignal.timeout(milliseconds);
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
      return await read(response.body);
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
