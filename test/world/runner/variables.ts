import { join } from "node:path";
import type { Job } from "../github/jobs.ts";

/** Where the job runs. */
export interface Place {
  /** Its own, deleted afterwards. */
  readonly directory: string;
  readonly serverUrl: string;
  readonly apiUrl: string;
  readonly actor: string;
}

/** The variables with which GitHub's runner tells a step of what it is a part. @see docs.github.com, "Variables reference" */
export function runnerVariables(job: Job, { directory, serverUrl, apiUrl, actor }: Place): Record<string, string> {
  const { repository, run, workflow, ref, commit } = job;
  const [, kind = "branch"] = /^refs\/(tag)s\//.exec(ref) ?? [];
  return {
    CI: "true",
    HOME: directory,
    GITHUB_ACTIONS: "true",
    GITHUB_SERVER_URL: serverUrl,
    GITHUB_API_URL: apiUrl,
    GITHUB_REPOSITORY: repository.fullName,
    GITHUB_REPOSITORY_ID: String(repository.id),
    GITHUB_REPOSITORY_OWNER: repository.owner.login,
    GITHUB_REPOSITORY_OWNER_ID: String(repository.owner.id),
    GITHUB_RUN_ID: String(run.id),
    GITHUB_RUN_ATTEMPT: String(run.attempt),
    GITHUB_RUN_NUMBER: String(run.number),
    GITHUB_SHA: commit,
    GITHUB_REF: ref,
    GITHUB_REF_NAME: ref.replace(/^refs\/(?:heads|tags)\//, ""),
    GITHUB_REF_TYPE: kind,
    GITHUB_EVENT_NAME: "workflow_dispatch",
    GITHUB_EVENT_PATH: join(directory, "event.json"),
    GITHUB_WORKFLOW: workflow.name,
    GITHUB_WORKFLOW_REF: `${repository.fullName}/${workflow.path}@${ref}`,
    GITHUB_WORKFLOW_SHA: commit,
    GITHUB_ACTOR: actor,
    GITHUB_TRIGGERING_ACTOR: actor,
    GITHUB_JOB: "build",
    GITHUB_WORKSPACE: join(directory, "workspace"),
    GITHUB_OUTPUT: join(directory, "output"),
    GITHUB_STATE: join(directory, "state"),
    GITHUB_ENV: join(directory, "env"),
    GITHUB_PATH: join(directory, "path"),
    GITHUB_STEP_SUMMARY: join(directory, "summary"),
    RUNNER_OS: "Linux",
    RUNNER_ARCH: process.arch === "arm64" ? "ARM64" : "X64",
    RUNNER_ENVIRONMENT: "github-hosted",
    RUNNER_NAME: "GitHub Actions 1",
    RUNNER_TEMP: join(directory, "temp"),
    RUNNER_TOOL_CACHE: join(directory, "tools"),
  };
}
