import { z } from "zod";

/** The run of the workflow that the action is a step of: what GitHub's runner says of it. */
export interface WorkflowRun {
  /** Without a slash at its end. */
  readonly serverUrl: string;
  readonly apiUrl: string;
  /** owner/name */
  readonly repository: string;
  /** The commit that is built. */
  readonly commit: string;
  /** The full ref. */
  readonly ref: string;
  readonly id: string;
  readonly attempt: string;
  /** A directory that the runner deletes after the job. */
  readonly temporaryDirectory: string;
}

/** The runner doesn't say what the action needs to know: it isn't run by a workflow. */
export class WorkflowRunError extends Error {
  readonly code = "no-workflow-run";
  constructor(faults: readonly string[]) {
    super(`the action is run by GitHub Actions and by nothing else; its environment lacks:\n${faults.join("\n")}`);
    this.name = "WorkflowRunError";
  }
}

const url = z
  .string()
  .regex(/^https?:\/\/[A-Za-z0-9.-]+(?::\d+)?(?:\/[A-Za-z0-9._/-]*)?$/)
  .transform((text) => text.replace(/\/+$/, ""));
const number = z.string().regex(/^[1-9]\d*$/);

const schema = z.object({
  GITHUB_SERVER_URL: url,
  GITHUB_API_URL: url,
  GITHUB_REPOSITORY: z.string().regex(/^[A-Za-z0-9_.-]+\/[A-Za-z0-9_.-]+$/),
  GITHUB_SHA: z.string().regex(/^[0-9a-f]{40}(?:[0-9a-f]{24})?$/),
  GITHUB_REF: z.string().regex(/^refs\/\S+$/),
  GITHUB_RUN_ID: number,
  GITHUB_RUN_ATTEMPT: number,
  RUNNER_TEMP: z.string().startsWith("/"),
});

/**
 * Reads the runner's variables, which steps of the job can't change.
 *
 * @throws {WorkflowRunError} with all that is missing or malformed.
 */
export function readWorkflowRun(env: Readonly<Record<string, string | undefined>>): WorkflowRun {
  const outcome = schema.safeParse(env);
  if (!outcome.success) {
    throw new WorkflowRunError(outcome.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`));
  }
  const { data } = outcome;
  return {
    serverUrl: data.GITHUB_SERVER_URL,
    apiUrl: data.GITHUB_API_URL,
    repository: data.GITHUB_REPOSITORY,
    commit: data.GITHUB_SHA,
    ref: data.GITHUB_REF,
    id: data.GITHUB_RUN_ID,
    attempt: data.GITHUB_RUN_ATTEMPT,
    temporaryDirectory: data.RUNNER_TEMP,
  };
}

/** The page of this attempt, with its log: what BuildKit's provenance calls the builder (RULES R11). */
export function runUrl({ serverUrl, repository, id, attempt }: WorkflowRun): string {
  return `${serverUrl}/${repository}/actions/runs/${id}/attempts/${attempt}`;
}

/** Where git finds the source. Without `.git` BuildKit would take it for a file to download. */
export function gitUrl({ serverUrl, repository }: WorkflowRun): string {
  return `${serverUrl}/${repository}.git`;
}
