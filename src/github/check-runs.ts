import { z } from "zod";
import type { Repository } from "../build/build.ts";
import type { CheckRunReport, CheckRuns } from "../build/ports.ts";
import { ANNOTATIONS_A_REQUEST, type AnnotationBody, annotationsOf } from "./annotations.ts";
import { ask, askPages, type Clients, type GitHubClient, PAGE } from "./ask.ts";
import { actionsOf, outputOf } from "./check-run-output.ts";
import { GitHubError, type Question } from "./error.ts";
import { fullName } from "./repository.ts";

/** In whose name check runs are written. */
export interface CheckRunsOptions extends Pick<Clients, "octokitFor"> {
  /** The app's id: other apps may have check runs of the same name on the same commit. */
  readonly appId: number;
}

const checkRun = z.object({
  id: z.int().positive(),
  name: z.string(),
  head_sha: z.string(),
  external_id: z.string().nullable(),
  status: z.string(),
  conclusion: z.string().nullable(),
  app: z.object({ id: z.int() }).nullable(),
  output: z.object({
    title: z.string().nullable(),
    summary: z.string().nullable(),
    annotations_count: z.int().nonnegative(),
  }),
});

const checkRuns = z.object({ check_runs: z.array(checkRun) }).transform((answer) => answer.check_runs);

/** Writes check runs through the API. They hang on a commit: whose tag they are about is in their external id. */
export function createCheckRuns({ octokitFor, appId }: CheckRunsOptions): CheckRuns {
  return {
    async create(repository, { name, commit, externalId }, report) {
      const octokit = await octokitFor(repository.installation);
      const question = about(`to create the check run "${name}" on ${commit} of ${fullName(repository)}`, repository);
      const annotations = annotationsOf(report);
      const { id } = await ask(question, checkRun, (request) =>
        octokit.rest.checks.create({
          ...at(repository),
          name,
          head_sha: commit,
          external_id: externalId,
          ...bodyOf(report, annotations.slice(0, ANNOTATIONS_A_REQUEST)),
          request,
        }),
      );
      await appendAnnotations(octokit, repository, id, report, annotations.slice(ANNOTATIONS_A_REQUEST));
      return id;
    },
    async find(repository, { name, commit, externalId }) {
      const octokit = await octokitFor(repository.installation);
      const question = about(`for the check runs "${name}" on ${commit} of ${fullName(repository)}`, repository);
      const all = await askPages(question, checkRuns, (page, request) =>
        octokit.rest.checks.listForRef({
          ...at(repository),
          ref: commit,
          check_name: name,
          app_id: appId,
          filter: "all",
          per_page: PAGE,
          page,
          request,
        }),
      );
      const ours = all.filter(
        (each) =>
          each.app?.id === appId && each.external_id === externalId && each.name === name && each.head_sha === commit,
      );
      // Where one was written twice all the same, the first is the one that goes on.
      return ours.map(({ id }) => id).sort((one, other) => one - other)[0];
    },
    async says(repository, id, report) {
      const octokit = await octokitFor(repository.installation);
      const found = await readOurs(octokit, repository, id, appId);
      const { title, summary } = outputOf(report);
      return (
        found.status === report.status &&
        (report.status !== "completed" || found.conclusion === report.conclusion) &&
        found.output.title?.trim() === title.trim() &&
        found.output.summary?.trim() === summary.trim() &&
        found.output.annotations_count >= annotationsOf(report).length
      );
    },
    async update(repository, id, report) {
      const octokit = await octokitFor(repository.installation);
      const annotations = annotationsOf(report);
      // GitHub adds whatever comes: what an earlier try wrote, whose answer got lost, would be there twice.
      const written =
        annotations.length === 0 ? 0 : (await readOurs(octokit, repository, id, appId)).output.annotations_count;
      const left = annotations.slice(written);
      const question = about(`to update the check run ${id} of ${fullName(repository)}`, repository);
      await ask(question, checkRun, (request) =>
        octokit.rest.checks.update({
          ...at(repository),
          check_run_id: id,
          ...bodyOf(report, left.slice(0, ANNOTATIONS_A_REQUEST)),
          request,
        }),
      );
      await appendAnnotations(octokit, repository, id, report, left.slice(ANNOTATIONS_A_REQUEST));
    },
  };
}

/** A check run of the app's own. @throws {GitHubError} also for another's. */
async function readOurs(octokit: GitHubClient, repository: Repository, id: number, appId: number) {
  const question = about(`for the check run ${id} of ${fullName(repository)}`, repository);
  const found = await ask(question, checkRun, (request) =>
    octokit.rest.checks.get({ ...at(repository), check_run_id: id, request }),
  );
  if (found.app?.id === appId) return found;
  throw new GitHubError("server-error", `asked GitHub ${question.asked}: it is another app's; try again later`);
}

/** Adds annotations in portions, in their order: how many are there says which are missing. */
async function appendAnnotations(
  octokit: GitHubClient,
  repository: Repository,
  id: number,
  report: CheckRunReport,
  annotations: readonly AnnotationBody[],
): Promise<void> {
  const question = about(`to annotate the check run ${id} of ${fullName(repository)}`, repository);
  for (let from = 0; from < annotations.length; from += ANNOTATIONS_A_REQUEST) {
    const portion = annotations.slice(from, from + ANNOTATIONS_A_REQUEST);
    await ask(question, checkRun, (request) =>
      octokit.rest.checks.update({
        ...at(repository),
        check_run_id: id,
        output: { ...outputOf(report), annotations: [...portion] },
        request,
      }),
    );
  }
}

/** A conclusion completes a check run, whatever its status says: it is sent with that status alone. */
function bodyOf(report: CheckRunReport, annotations: readonly AnnotationBody[]) {
  const { status, conclusion, detailsUrl, startedAt, completedAt, actions } = report;
  const times = {
    ...(startedAt && { started_at: isoOf(startedAt) }),
    ...(completedAt && status === "completed" && { completed_at: isoOf(completedAt) }),
  };
  const common = {
    ...(detailsUrl !== undefined && { details_url: detailsUrl }),
    ...times,
    output: { ...outputOf(report), ...(annotations.length > 0 && { annotations: [...annotations] }) },
    ...(actions !== undefined && { actions: actionsOf(actions) }),
  };
  if (status !== "completed") return { status, ...common };
  if (conclusion === undefined) throw new Error("a completed check run needs a conclusion");
  return { status, conclusion, ...common };
}

/** `YYYY-MM-DDTHH:MM:SSZ`, as GitHub writes times. */
function isoOf(time: Date): string {
  return time.toISOString().replace(/\.\d+Z$/, "Z");
}

function at({ owner, name }: Repository) {
  return { owner, repo: name };
}

function about(asked: string, repository: Repository): Question {
  return { asked, repository: fullName(repository), needs: "checks: write" };
}
