import type { Commit } from "../git-objects.ts";
import type { BundleStorage } from "./attestations.ts";
import { type Endpoints, number, page, type RepositoryCall, reading, writing } from "./call.ts";
import { type CheckRun, newCheckRun } from "./check-runs.ts";
import { ApiError, notFound } from "./error.ts";
import { nodeId, repositoryDocument, userDocument } from "./repository-document.ts";
import type { Document } from "./seed.ts";
import { ACTIONS_APP, fullName, iso, type Owner, type Repository, type State } from "./state.ts";

/** A workflow file that the default branch has. */
export interface Workflow {
  readonly id: number;
  /** `.github/workflows/NAME.yml` */
  readonly path: string;
  readonly name: string;
}

/** One try of a run, with its one job. */
export interface Attempt {
  readonly number: number;
  readonly jobId: number;
  readonly checkRun: CheckRun;
  status: "queued" | "in_progress" | "completed";
  conclusion: string | null;
  readonly queuedAt: Date;
  startedAt: Date | undefined;
  completedAt: Date | undefined;
  isCancelled: boolean;
  /** With the time at which each line was printed. */
  readonly log: string[];
}

/** A run of a workflow. */
export interface ActionsRun {
  readonly id: number;
  readonly number: number;
  readonly workflow: Workflow;
  /** The full ref. */
  readonly ref: string;
  /** Its id is `commit`. */
  readonly head: Commit;
  readonly commit: string;
  readonly inputs: Readonly<Record<string, string>>;
  readonly title: string;
  readonly createdAt: Date;
  /** The newest last. */
  readonly attempts: [Attempt, ...Attempt[]];
}

/** What runs tell others. */
export interface RunListener {
  runRequested(repository: Repository, run: ActionsRun): void;
  rerunRequested(repository: Repository, run: ActionsRun): void;
  cancelRequested(repository: Repository, run: ActionsRun): void;
}

/** A reusable workflow's job is called by the caller's job and its own. */
const JOB = "build / build";

/** Following, cancelling and repeating runs. */
export function runEndpoints(state: State, listener: RunListener, storage: BundleStorage): Endpoints {
  const RUN = "/repos/{owner}/{repo}/actions/runs/{run_id}";
  return {
    [`GET ${RUN}`]: reading("actions", (call) => ({
      status: 200,
      body: runDocument(state, call.repository, runOfCall(call)),
    })),
    [`GET ${RUN}/attempts/{attempt_number}/jobs`]: reading("actions", (call) => {
      const run = runOfCall(call);
      const attempt = run.attempts[number(call, "attempt_number") - 1];
      if (attempt === undefined) throw notFound();
      const { items, headers } = page(call, [jobDocument(state, call.repository, run, attempt)]);
      return { status: 200, headers, body: { total_count: 1, jobs: items } };
    }),
    "GET /repos/{owner}/{repo}/actions/jobs/{job_id}/logs": {
      kind: "repository",
      need: { permission: "actions", level: "read", isPublic: false }, // those of public repositories too are for people who are signed in
      answer(call) {
        const id = number(call, "job_id");
        const attempt = call.repository.runs.flatMap((run) => run.attempts).find(({ jobId }) => jobId === id);
        if (attempt === undefined || attempt.status !== "completed") throw notFound();
        const text = `\ufeff${attempt.log.map((line) => `${line}\r\n`).join("")}`;
        return {
          status: 302,
          headers: { location: storage.keep(`logs/${id}.txt`, "text/plain; charset=utf-8", Buffer.from(text)) },
        };
      },
    },
    [`POST ${RUN}/cancel`]: writing("actions", (call) => {
      cancel(call.repository, runOfCall(call), listener);
      return { status: 202, body: {} };
    }),
    [`POST ${RUN}/rerun`]: writing("actions", (call) => {
      rerun(state, call.repository, runOfCall(call), listener);
      return { status: 201, body: {} };
    }),
  };
}

/** A run that is queued. */
export function newRun(
  state: State,
  repository: Repository,
  run: Pick<ActionsRun, "workflow" | "ref" | "head" | "inputs" | "title">,
): ActionsRun {
  const number = repository.runs.filter((each) => each.workflow.path === run.workflow.path).length + 1;
  const commit = run.head.sha;
  const attempt = newAttempt(state, repository, commit, 1);
  const made: ActionsRun = {
    ...run,
    commit,
    id: state.nextId("run"),
    number,
    createdAt: state.now(),
    attempts: [attempt],
  };
  repository.runs.push(made);
  return made;
}

/** The newest. */
export function attemptOf({ attempts }: ActionsRun): Attempt {
  return attempts.at(-1) ?? attempts[0];
}

/** @throws {ApiError} 409 if it has ended. */
export function cancel(repository: Repository, run: ActionsRun, listener: RunListener): void {
  const attempt = attemptOf(run);
  if (attempt.status === "completed") throw new ApiError(409, "Cannot cancel a workflow run that is completed.");
  attempt.isCancelled = true;
  listener.cancelRequested(repository, run);
}

/** @throws {ApiError} 403 while it runs. */
export function rerun(state: State, repository: Repository, run: ActionsRun, listener: RunListener): void {
  const { status, number } = attemptOf(run);
  if (status !== "completed") throw new ApiError(403, "This workflow run is already running");
  run.attempts.push(newAttempt(state, repository, run.commit, number + 1));
  listener.rerunRequested(repository, run);
}

/** The run's page, without an attempt: the newest. */
export function runUrl(state: State, repository: Repository, { id }: Pick<ActionsRun, "id">): string {
  return `${state.url}/${fullName(repository)}/actions/runs/${id}`;
}

/** In whose name the app acts. */
export function botOf({ app }: State): Owner {
  return { id: 200_000_000 + app.id, login: `${app.slug}[bot]`, type: "Bot" };
}

/** A run as GitHub writes it at this moment, in webhooks too. */
export function runDocument(state: State, repository: Repository, run: ActionsRun): Document {
  const { id, workflow, commit: sha, head } = run;
  const attempt = attemptOf(run);
  const base = `${state.apiUrl}/repos/${fullName(repository)}`;
  const url = `${base}/actions/runs/${id}`;
  const actor = userDocument(state, botOf(state));
  const suite = repository.checkSuites.get(`${ACTIONS_APP.id} ${sha}`) ?? 0;
  return {
    id,
    name: workflow.name,
    node_id: nodeId("WorkflowRun", id),
    check_suite_id: suite,
    check_suite_node_id: nodeId("CheckSuite", suite),
    head_branch: run.ref.replace(/^refs\/(?:heads|tags)\//, ""),
    head_sha: sha,
    path: workflow.path,
    display_title: run.title,
    run_number: run.number,
    run_attempt: attempt.number,
    event: "workflow_dispatch",
    status: attempt.status,
    conclusion: attempt.conclusion,
    workflow_id: workflow.id,
    url,
    html_url: runUrl(state, repository, run),
    pull_requests: [],
    referenced_workflows: [],
    created_at: iso(run.createdAt),
    updated_at: iso(attempt.completedAt ?? attempt.startedAt ?? attempt.queuedAt),
    run_started_at: iso(attempt.queuedAt),
    actor,
    triggering_actor: actor,
    jobs_url: `${url}/jobs`,
    logs_url: `${url}/logs`,
    check_suite_url: `${base}/check-suites/${suite}`,
    artifacts_url: `${url}/artifacts`,
    cancel_url: `${url}/cancel`,
    rerun_url: `${url}/rerun`,
    previous_attempt_url: attempt.number === 1 ? null : `${url}/attempts/${attempt.number - 1}`,
    workflow_url: `${base}/actions/workflows/${workflow.id}`,
    head_commit: {
      id: head.sha,
      tree_id: head.tree,
      message: head.message,
      timestamp: head.committer.date,
      author: { name: head.author.name, email: head.author.email },
      committer: { name: head.committer.name, email: head.committer.email },
    },
    repository: repositoryDocument(state, repository),
    head_repository: repositoryDocument(state, repository),
  };
}

function jobDocument(state: State, repository: Repository, run: ActionsRun, attempt: Attempt): Document {
  const { jobId, status, conclusion, queuedAt, startedAt, completedAt, checkRun } = attempt;
  const base = `${state.apiUrl}/repos/${fullName(repository)}`;
  return {
    id: jobId,
    run_id: run.id,
    run_url: `${base}/actions/runs/${run.id}`,
    run_attempt: attempt.number,
    node_id: nodeId("Job", jobId),
    head_sha: run.commit,
    head_branch: run.ref.replace(/^refs\/(?:heads|tags)\//, ""),
    url: `${base}/actions/jobs/${jobId}`,
    html_url: `${runUrl(state, repository, run)}/job/${jobId}`,
    status,
    conclusion,
    created_at: iso(queuedAt),
    started_at: iso(startedAt ?? queuedAt),
    completed_at: completedAt === undefined ? null : iso(completedAt),
    name: JOB,
    steps: [],
    check_run_url: `${base}/check-runs/${checkRun.id}`,
    labels: ["ubuntu-latest"],
    runner_id: startedAt === undefined ? null : 1,
    runner_name: startedAt === undefined ? null : "GitHub Actions 1",
    runner_group_id: startedAt === undefined ? null : 0,
    runner_group_name: startedAt === undefined ? null : "GitHub Actions",
    workflow_name: run.workflow.name,
  };
}

function newAttempt(state: State, repository: Repository, headSha: string, number: number): Attempt {
  return {
    number,
    jobId: state.nextId("job"),
    // Jobs are check runs of GitHub's own app, on the same commit as ours.
    checkRun: newCheckRun(state, repository, ACTIONS_APP.id, { headSha, name: JOB }),
    status: "queued",
    conclusion: null,
    queuedAt: state.now(),
    startedAt: undefined,
    completedAt: undefined,
    isCancelled: false,
    log: [],
  };
}

function runOfCall(call: RepositoryCall): ActionsRun {
  const found = call.repository.runs.find(({ id }) => id === number(call, "run_id"));
  if (found === undefined) throw notFound();
  return found;
}
