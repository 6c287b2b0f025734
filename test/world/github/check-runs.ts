import { peel, resolveCommit } from "../git-objects.ts";
import { type Call, type Endpoints, number, page, type RepositoryCall, reading, text, writing } from "./call.ts";
import { forbidden, notFound, unprocessable } from "./error.ts";
import { minimalPullDocuments } from "./pull-documents.ts";
import { appDocument, nodeId } from "./repository-document.ts";
import type { Document } from "./seed.ts";
import { fullName, iso, type Repository, type State } from "./state.ts";

/** What a check run says in words. */
export interface CheckRunOutput {
  readonly title: string | null;
  readonly summary: string | null;
  readonly text: string | null;
}

/** A remark on lines of a file. */
export interface CheckAnnotation {
  readonly path: string;
  readonly start_line: number;
  readonly end_line: number;
  readonly start_column?: number;
  readonly end_column?: number;
  readonly annotation_level: string;
  readonly title?: string;
  readonly message: string;
  readonly raw_details?: string;
}

/** A button. */
export interface CheckRunAction {
  readonly label: string;
  readonly description: string;
  readonly identifier: string;
}

/** A check run as it stands. */
export interface CheckRun {
  readonly id: number;
  readonly appId: number;
  readonly headSha: string;
  name: string;
  externalId: string;
  detailsUrl: string | null;
  status: "queued" | "in_progress" | "completed";
  conclusion: string | null;
  startedAt: string;
  completedAt: string | null;
  output: CheckRunOutput;
  /** In the order in which they were added; none is ever changed. */
  readonly annotations: CheckAnnotation[];
  /** The buttons, those of the last request that named any. */
  actions: readonly CheckRunAction[];
  /** How often it was changed since it was made. */
  updates: number;
}

/** Of `summary` and `text`, in bytes: GitHub says characters, and only the smaller of the two is sure. */
const OUTPUT_BYTES = 65535;

/** Of an annotation, which the description says in words only; bytes and UTF-16 units again. */
const MESSAGE_BYTES = 64 * 1024;
const ANNOTATION_TITLE = 255;

/** What a check run tells others. */
export interface CheckRunListener {
  checkRunChanged(repository: Repository, checkRun: CheckRun, action: "created" | "completed"): void;
}

/** What of a body may change a check run; it fits the description. */
interface Change {
  readonly name?: string;
  readonly head_sha?: string;
  readonly details_url?: string;
  readonly external_id?: string;
  readonly status?: string;
  readonly started_at?: string;
  readonly conclusion?: string;
  readonly completed_at?: string;
  readonly output?: { title?: string; summary: string; text?: string; annotations?: readonly CheckAnnotation[] };
  readonly actions?: readonly CheckRunAction[];
}

/** Making, changing and listing check runs. */
export function checkRunEndpoints(state: State, listener: CheckRunListener): Endpoints {
  const answer = (status: number, repository: Repository, checkRun: CheckRun) => ({
    status,
    body: checkRunDocument(state, repository, checkRun),
  });
  return {
    "POST /repos/{owner}/{repo}/check-runs": writing("checks", async (call) => {
      const { repository } = call;
      const change = call.body as Change;
      const headSha = change.head_sha ?? "";
      // A tag's object is no commit; GitHub doesn't peel it.
      if (!/^[0-9a-f]{40}$/.test(headSha) || (await peel(repository.directory, headSha)) !== headSha)
        throw unprocessable(`No commit found for SHA: ${headSha}`);
      if (change.status === "completed" && change.conclusion === undefined)
        throw unprocessable(`Invalid request.\n\n"conclusion" wasn't supplied.`);
      const checkRun = newCheckRun(state, repository, state.app.id, { headSha, name: change.name ?? "" });
      apply(state, checkRun, change);
      listener.checkRunChanged(repository, checkRun, "created");
      if (checkRun.status === "completed") listener.checkRunChanged(repository, checkRun, "completed");
      return answer(201, repository, checkRun);
    }),
    "GET /repos/{owner}/{repo}/check-runs/{check_run_id}": reading("checks", (call) =>
      answer(200, call.repository, checkRunOfCall(call)),
    ),
    "PATCH /repos/{owner}/{repo}/check-runs/{check_run_id}": writing("checks", (call) => {
      const checkRun = checkRunOfCall(call);
      if (checkRun.appId !== state.app.id)
        throw forbidden(
          `Invalid app_id \`${state.app.id}\` - check run can only be modified by the GitHub App that created it.`,
        );
      const before = checkRun.status;
      apply(state, checkRun, call.body as Change);
      checkRun.updates++;
      if (checkRun.status === "completed" && before !== "completed")
        listener.checkRunChanged(call.repository, checkRun, "completed");
      return answer(200, call.repository, checkRun);
    }),
    "GET /repos/{owner}/{repo}/check-runs/{check_run_id}/annotations": reading("checks", (call) => {
      const checkRun = checkRunOfCall(call);
      const { items, headers } = page(call, checkRun.annotations);
      return { status: 200, headers, body: items.map((each) => annotationDocument(state, call, checkRun, each)) };
    }),
    "GET /repos/{owner}/{repo}/commits/{ref}/check-runs": reading("checks", async (call) => {
      const { repository } = call;
      const commit = await resolveCommit(repository.directory, text(call, "ref"));
      if (commit === undefined) throw unprocessable(`No commit found for SHA: ${text(call, "ref")}`);
      const found = listed(repository, commit, call);
      const { items, headers } = page(call, found);
      const documents = items.map((each) => checkRunDocument(state, repository, each));
      return { status: 200, headers, body: { total_count: found.length, check_runs: documents } };
    }),
  };
}

/** A check run that is queued and says nothing; it is in its repository's list from now on. */
export function newCheckRun(
  state: State,
  repository: Repository,
  appId: number,
  { headSha, name }: Pick<CheckRun, "headSha" | "name">,
): CheckRun {
  const checkRun: CheckRun = {
    id: state.nextId("checkRun"),
    appId,
    headSha,
    name,
    externalId: "",
    detailsUrl: appId === state.app.id ? `${state.url}/${state.app.slug}` : null,
    status: "queued",
    conclusion: null,
    startedAt: iso(state.now()),
    completedAt: null,
    output: { title: null, summary: null, text: null },
    annotations: [],
    actions: [],
    updates: 0,
  };
  repository.checkRuns.push(checkRun);
  return checkRun;
}

/** A check run as GitHub writes it. */
export function checkRunDocument(state: State, repository: Repository, checkRun: CheckRun): Document {
  const { id, appId } = checkRun;
  const url = `${state.apiUrl}/repos/${fullName(repository)}/check-runs/${id}`;
  return {
    id,
    name: checkRun.name,
    node_id: nodeId("CheckRun", id),
    head_sha: checkRun.headSha,
    external_id: checkRun.externalId,
    url,
    html_url: `${state.url}/${fullName(repository)}/runs/${id}`,
    details_url: checkRun.detailsUrl,
    status: checkRun.status,
    conclusion: checkRun.conclusion,
    started_at: checkRun.startedAt,
    completed_at: checkRun.completedAt,
    output: {
      ...checkRun.output,
      annotations_count: checkRun.annotations.length,
      annotations_url: `${url}/annotations`,
    },
    check_suite: { id: checkSuiteOf(state, repository, checkRun) },
    app: appDocument(state, appId),
    pull_requests: minimalPullDocuments(state, repository, checkRun.headSha),
  };
}

/** One for each app and commit. */
export function checkSuiteOf(
  state: State,
  repository: Repository,
  { appId, headSha }: Pick<CheckRun, "appId" | "headSha">,
): number {
  const key = `${appId} ${headSha}`;
  const id = repository.checkSuites.get(key) ?? state.nextId("checkSuite");
  repository.checkSuites.set(key, id);
  return id;
}

/** Sets what the body gives. A conclusion completes; a status that isn't `completed` takes the conclusion back. */
function apply(state: State, checkRun: CheckRun, change: Change): void {
  for (const key of ["summary", "text"] as const) {
    const bytes = Buffer.byteLength(change.output?.[key] ?? "");
    if (bytes > OUTPUT_BYTES)
      throw unprocessable(`Invalid request.\n\nOnly ${OUTPUT_BYTES} characters are allowed; ${bytes} were supplied.`);
  }
  if (change.actions !== undefined) checkRun.actions = change.actions;
  if (change.name !== undefined) checkRun.name = change.name;
  if (change.details_url !== undefined) checkRun.detailsUrl = change.details_url;
  if (change.external_id !== undefined) checkRun.externalId = change.external_id;
  if (change.started_at !== undefined) checkRun.startedAt = change.started_at;
  if (change.output !== undefined) {
    const { title, summary, text: long, annotations = [] } = change.output;
    checkRun.output = { title: title ?? checkRun.output.title, summary, text: long ?? null };
    annotations.forEach(checkAnnotation);
    checkRun.annotations.push(...annotations); // later ones are added to the earlier ones
  }
  if (change.conclusion !== undefined) {
    checkRun.status = "completed";
    checkRun.conclusion = change.conclusion;
    checkRun.completedAt = change.completed_at ?? iso(state.now());
  } else if (change.status === "queued" || change.status === "in_progress") {
    checkRun.status = change.status;
    checkRun.conclusion = null;
    checkRun.completedAt = null;
  }
}

/** @throws {ApiError} 422 */
function checkAnnotation({ message, title = "", start_line, end_line }: CheckAnnotation): void {
  if (Buffer.byteLength(message) > MESSAGE_BYTES || message === "")
    throw unprocessable("Invalid request.\n\nThe message of an annotation has 1 to 64 KB.");
  if (title.length > ANNOTATION_TITLE)
    throw unprocessable(`Invalid request.\n\nOnly ${ANNOTATION_TITLE} characters are allowed in a title.`);
  if (start_line < 1 || end_line < start_line) throw unprocessable("Invalid request.\n\nNo such lines.");
}

function annotationDocument(
  state: State,
  { repository }: RepositoryCall,
  { headSha }: CheckRun,
  annotation: CheckAnnotation,
): Document {
  return {
    start_column: null,
    end_column: null,
    title: null,
    raw_details: null,
    ...annotation,
    blob_href: `${state.url}/${fullName(repository)}/blob/${headSha}/${encodeURIComponent(annotation.path)}`,
  };
}

function checkRunOfCall(call: RepositoryCall): CheckRun {
  const found = call.repository.checkRuns.find(({ id }) => id === number(call, "check_run_id"));
  if (found === undefined) throw notFound();
  return found;
}

/** Newest first; of each app's runs of one name the newest alone, unless all are asked for. */
function listed(repository: Repository, commit: string, call: Call): readonly CheckRun[] {
  const { check_name: name, status, app_id: appId } = call.parameters;
  const fits = (each: CheckRun) =>
    each.headSha === commit &&
    (name === undefined || each.name === name) &&
    (status === undefined || each.status === status) &&
    (appId === undefined || each.appId === appId);
  const newestFirst = repository.checkRuns.filter(fits).toReversed();
  if (call.parameters.filter === "all") return newestFirst;
  const key = ({ appId, name }: CheckRun) => `${appId} ${name}`;
  return newestFirst.filter((each, index) => newestFirst.findIndex((other) => key(other) === key(each)) === index);
}
