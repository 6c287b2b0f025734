import { z } from "zod";
import type { Repository } from "../build/build.ts";
import { absentOn, askPages, type GitHubClient, PAGE } from "./ask.ts";
import { fullName } from "./repository.ts";

const job = z.object({
  id: z.int().positive(),
  run_id: z.int().positive(),
  head_sha: z.string(),
  name: z.string(),
  conclusion: z.string().nullable(),
});
const jobs = z.object({ jobs: z.array(job) }).transform((answer) => answer.jobs);

/** One job of an attempt of a run. */
export interface RunJob {
  readonly id: number;
  readonly name: string;
  /** Undefined while it runs. */
  readonly conclusion: string | undefined;
}

/** An attempt of a run, as a certificate names it. */
export interface RunAttempt {
  readonly run: number;
  readonly attempt: number;
  /** The commit that it ran for. */
  readonly commit: string;
}

/**
 * The jobs of an attempt, in GitHub's order; undefined where there is no such run, or none that may be seen, or it is one of another commit.
 *
 * @throws {CouldNotLook}
 */
export async function readRunJobs(
  octokit: GitHubClient,
  repository: Pick<Repository, "owner" | "name">,
  { run, attempt, commit }: RunAttempt,
): Promise<readonly RunJob[] | undefined> {
  const name = fullName(repository);
  const question = {
    asked: `for the jobs of run ${run}, attempt ${attempt}, of ${name}`,
    repository: name,
    needs: "actions: read",
  };
  const listed = await absentOn(
    [404],
    askPages(question, jobs, (page, request) =>
      octokit.rest.actions.listJobsForWorkflowRunAttempt({
        owner: repository.owner,
        repo: repository.name,
        run_id: run,
        attempt_number: attempt,
        per_page: PAGE,
        page,
        request,
      }),
    ),
  );
  if (listed?.some(({ run_id, head_sha }) => run_id !== run || head_sha !== commit)) return undefined;
  return listed?.map(({ id, name, conclusion }) => ({ id, name, conclusion: conclusion ?? undefined }));
}
