import { z } from "zod";
import type { Repository, Run } from "../build/build.ts";
import { absentOn, askPages, type GitHubClient, PAGE } from "./ask.ts";
import type { Question } from "./error.ts";
import { type Download, readJobLog } from "./job-log.ts";
import { readTail } from "./log-tail.ts";
import { fullName } from "./repository.ts";

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
  return readJobLog(octokit, repository, failed.id, download, readTail);
}

function about(asked: string, repository: Repository): Question {
  return { asked, repository: fullName(repository), needs: "actions: read" };
}
