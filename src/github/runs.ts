import { z } from "zod";
import type { Repository, Run } from "../build/build.ts";
import type { RunState } from "../build/ports.ts";
import { absentOn, ask, askPages, type GitHubClient, PAGE } from "./ask.ts";
import { GitHubError, type Question, quote } from "./error.ts";
import { fullName, proveRepository } from "./repository.ts";

/** How far GitHub's clock may be behind ours, in milliseconds. */
const CLOCK_SKEW_MS = 60_000;

/** A page that people are sent to. */
export const pageOf = z.url({ protocol: /^https?$/ });

const time = z.iso.datetime({ offset: true }).transform((text) => new Date(text));

const runAnswer = z.object({
  id: z.int().positive(),
  run_attempt: z.int().positive().default(1),
  html_url: pageOf,
  event: z.string(),
  path: z.string(),
  display_title: z.string(),
  status: z.string().nullable(),
  conclusion: z.string().nullable(),
  created_at: time,
  updated_at: time,
  run_started_at: time.optional(),
  repository: z.object({ id: z.int() }),
});

type RunAnswer = z.infer<typeof runAnswer>;

/**
 * The run whose title has the build's id. Whoever may write to the repository can start another one with the same title once the id
 * shows: the earliest counts, so that a later one takes nothing over. Whatever is followed, its image is held to the signed request
 * (RULES R9).
 */
export async function findRun(
  octokit: GitHubClient,
  repository: Repository,
  file: string,
  buildId: string,
  since: Date,
): Promise<Run | undefined> {
  const earliest = new Date(since.getTime() - CLOCK_SKEW_MS);
  const question = about(`for the runs of ${file} of ${fullName(repository)}`, repository);
  const runs = await absentOn(
    [404],
    askPages(
      question,
      z.object({ workflow_runs: z.array(runAnswer) }).transform(({ workflow_runs }) => workflow_runs),
      (page, request) =>
        octokit.rest.actions.listWorkflowRuns({
          owner: repository.owner,
          repo: repository.name,
          workflow_id: file,
          event: "workflow_dispatch",
          created: `>=${earliest.toISOString().replace(/\.\d+Z$/, "Z")}`,
          per_page: PAGE,
          page,
          request,
        }),
    ),
  );
  if (runs === undefined) {
    // Without the workflow there are no runs of it; without access there is nothing to be seen.
    await proveRepository(octokit, repository);
    return undefined;
  }
  const [ours] = runs
    .filter(
      (run) =>
        run.event === "workflow_dispatch" && hasWord(run.display_title, buildId) && run.created_at >= floor(earliest),
    )
    .sort((one, other) => one.created_at.getTime() - other.created_at.getTime() || one.id - other.id);
  if (ours === undefined) return undefined;
  proveRun(question, repository, ours);
  return { id: ours.id, attempt: ours.run_attempt, url: ours.html_url };
}

/** GitHub's times have no milliseconds. */
function floor(time: Date): Date {
  return new Date(Math.floor(time.getTime() / 1000) * 1000);
}

/** Whether a text has a word, and not as a part of a longer one. */
function hasWord(text: string, word: string): boolean {
  const isPart = (character: string | undefined) => character !== undefined && /[\p{L}\p{N}_.-]/u.test(character);
  for (let at = text.indexOf(word); at !== -1; at = text.indexOf(word, at + 1)) {
    if (!isPart(text[at - 1]) && !isPart(text[at + word.length])) return true;
  }
  return false;
}

/** The newest attempt of a run. */
export async function readRun(
  octokit: GitHubClient,
  repository: Repository,
  runId: number,
): Promise<RunState | undefined> {
  const question = about(`for the run ${runId} of ${fullName(repository)}`, repository);
  const run = await absentOn(
    [404],
    ask(question, runAnswer, (request) =>
      octokit.rest.actions.getWorkflowRun({
        owner: repository.owner,
        repo: repository.name,
        run_id: runId,
        exclude_pull_requests: true,
        request,
      }),
    ),
  );
  if (run === undefined) {
    await proveRepository(octokit, repository);
    return undefined;
  }
  proveRun(question, repository, run);
  const status = statusOf(question, run);
  return {
    id: run.id,
    attempt: run.run_attempt,
    url: run.html_url,
    status,
    conclusion: status === "completed" ? conclusionOf(question, run) : undefined,
    // An attempt is said to have started when it was queued; when it left the queue shows in the last change alone.
    since: status === "queued" ? (run.run_started_at ?? run.created_at) : run.updated_at,
  };
}

function statusOf({ asked }: Question, { status }: RunAnswer): RunState["status"] {
  switch (status) {
    case "queued":
    case "waiting":
    case "pending":
    case "requested":
      return "queued";
    case "in_progress":
    case "completed":
      return status;
    default:
      throw new GitHubError(
        "server-error",
        `asked GitHub ${asked}: it has a status that isn't described, ${quote(String(status))}; try again later`,
      );
  }
}

function conclusionOf({ asked }: Question, { conclusion }: RunAnswer): string {
  if (conclusion !== null && conclusion !== "") return conclusion;
  throw new GitHubError(
    "server-error",
    `asked GitHub ${asked}: it is completed, and has no conclusion; try again later`,
  );
}

function proveRun({ asked }: Question, { id }: Repository, run: RunAnswer): void {
  if (run.repository.id === id) return;
  throw new GitHubError(
    "not-found-unproven",
    `asked GitHub ${asked}: the repository of that name has the id ${run.repository.id} now, and had ${id}; install the app where the repository is now`,
  );
}

function about(asked: string, repository: Repository): Question {
  return { asked, repository: fullName(repository), needs: "actions: read" };
}
