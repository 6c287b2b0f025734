import { z } from "zod";
import type { BuildRequest, Repository, Run } from "../build/build.ts";
import { DispatchRefused, type Workflows } from "../build/ports.ts";
import { BeyondLimit } from "../trust/ports.ts";
import { type Clients, exchange, type GitHubClient, parsed, type RequestOptions } from "./ask.ts";
import { buildInputs } from "./build-inputs.ts";
import { readBranch, readContent } from "./contents.ts";
import { GitHubError, type Question, quote } from "./error.ts";
import { readFailureLog } from "./failure-log.ts";
import type { Download } from "./job-log.ts";
import { fullName, proveRepository } from "./repository.ts";
import { findRun, pageOf, readRun } from "./runs.ts";
import { readTag } from "./tags.ts";

/** Largest workflow file that is looked at, in bytes: whether it is there is all that is asked. */
const MAX_WORKFLOW_BYTES = 1024 * 1024;

const runDetails = z.object({ workflow_run_id: z.int().positive(), html_url: pageOf });

/** Whom to ask, and how logs are fetched. */
export interface WorkflowsOptions extends Pick<Clients, "octokitFor"> {
  /** Fetches a log from the storage that GitHub names; a server passes one that refuses addresses which aren't public. */
  readonly download?: Download;
}

/** Starts and follows workflow runs through the API. */
export function createWorkflows({ octokitFor, download = fetch }: WorkflowsOptions): Workflows {
  const clientOf = (repository: Repository) => octokitFor(repository.installation);
  return {
    async hasWorkflow(repository, file, ref) {
      return hasWorkflow(await clientOf(repository), repository, file, ref);
    },
    async dispatch(repository, file, ref, build) {
      return dispatch(await clientOf(repository), repository, file, ref, build);
    },
    async findRun(repository, file, buildId, since) {
      return findRun(await clientOf(repository), repository, file, buildId, since);
    },
    async readRun(repository, runId) {
      return readRun(await clientOf(repository), repository, runId);
    },
    async rerun(repository, runId) {
      await rerun(await clientOf(repository), repository, runId);
    },
    async readFailureLog(repository, run) {
      return readFailureLog(await clientOf(repository), repository, run, download);
    },
  };
}

async function hasWorkflow(
  octokit: GitHubClient,
  repository: Repository,
  file: string,
  ref: string | "default-branch",
): Promise<boolean> {
  const { defaultBranch } = await proveRepository(octokit, repository);
  // The tag is peeled here, so that a branch of the same name can't stand in for it.
  const at =
    ref === "default-branch"
      ? await readBranch(octokit, repository, defaultBranch)
      : await readTag(octokit, repository, ref);
  if (at === undefined) return false;
  try {
    const content = await readContent(octokit, repository, at.commit, workflowPath(file), MAX_WORKFLOW_BYTES);
    return content?.kind === "file";
  } catch (error) {
    if (error instanceof BeyondLimit) return true;
    throw error;
  }
}

/** Where GitHub wants workflows. */
export function workflowPath(file: string): string {
  return `.github/workflows/${file}`;
}

async function dispatch(
  octokit: GitHubClient,
  repository: Repository,
  file: string,
  ref: string,
  build: { readonly id: string; readonly request: BuildRequest },
): Promise<Run | undefined> {
  const name = fullName(repository);
  const question = about(`to start ${workflowPath(file)} at ${ref} of ${name}`, repository);
  const send = (details: { readonly return_run_details?: true }) =>
    exchange(question, (request: RequestOptions) =>
      octokit.rest.actions.createWorkflowDispatch({
        owner: repository.owner,
        repo: repository.name,
        workflow_id: file,
        ref,
        inputs: buildInputs(build),
        ...details,
        request,
      }),
    );
  try {
    const answer = await send({ return_run_details: true }).catch((error: unknown) => {
      // A server that doesn't know the field refuses the whole request: nothing has been started.
      if (isUnknownField(error)) return send({});
      throw error;
    });
    if (answer.status === 204) return undefined;
    const { workflow_run_id, html_url } = parsed(question, runDetails, answer.data);
    return { id: workflow_run_id, attempt: 1, url: html_url };
  } catch (error) {
    return refuse(
      octokit,
      repository,
      question,
      error,
      "see that the workflow is there, enabled, and has workflow_dispatch with the inputs build-id and request",
    );
  }
}

async function rerun(octokit: GitHubClient, repository: Repository, runId: number): Promise<void> {
  const question = about(`to run ${runId} of ${fullName(repository)} again`, repository);
  try {
    await exchange(question, (request: RequestOptions) =>
      octokit.rest.actions.reRunWorkflow({ owner: repository.owner, repo: repository.name, run_id: runId, request }),
    );
  } catch (error) {
    await refuse(octokit, repository, question, error, "push the tag again");
  }
}

/** GitHub Enterprise Server up to 3.20. */
function isUnknownField(error: unknown): boolean {
  if (!(error instanceof GitHubError)) return false;
  return error.status === 400 || (error.status === 422 && /return_run_details|permitted key/.test(error.message));
}

/** Refusals that come with the status of a missing permission, and are about what was asked for. */
const FORBIDDEN_FOR_GOOD =
  /\barchived\b|already running|cannot be re(?:tried|run)|unable to (?:retry|re-?run)|over a month ago/i;

/**
 * Makes a 404, 409 or 422 a refusal: nothing was started, and asking again changes nothing.
 * @throws {DispatchRefused} @throws whatever came, where it could be otherwise the next time.
 */
async function refuse(
  octokit: GitHubClient,
  repository: Repository,
  question: Question,
  error: unknown,
  advice: string,
): Promise<never> {
  if (!(error instanceof GitHubError)) throw error;
  const words = wordsOf(error);
  const isForGood = error.code === "credentials-refused" && error.status === 403 && FORBIDDEN_FOR_GOOD.test(words);
  if (!isForGood && ![404, 409, 422].includes(error.status ?? 0)) throw error;
  // What can't be seen answers 404 too.
  if (error.status === 404) await proveRepository(octokit, repository);
  throw new DispatchRefused(`asked GitHub ${question.asked}: ${error.status}: ${words}; ${advice}`, { cause: error });
}

/** What GitHub said, without the address of its documentation. */
function wordsOf(error: GitHubError): string {
  const words = error.cause instanceof Error ? error.cause.message : error.message;
  return quote(words.replace(/ - https:\/\/docs\.github\.com\S*$/, ""));
}

function about(asked: string, repository: Repository): Question {
  return { asked, repository: fullName(repository), needs: "actions: write" };
}
