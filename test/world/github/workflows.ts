import { createHash } from "node:crypto";
import { readBlob, readCommit, readDirectory, readEntry, readRefs, resolveCommit } from "../git-objects.ts";
import { type Endpoints, page, type Reply, type RepositoryCall, reading, text, writing } from "./call.ts";
import { ApiError, notFound, unprocessable } from "./error.ts";
import { type ActionsRun, botOf, newRun, type RunListener, runDocument, runUrl, type Workflow } from "./runs.ts";
import { fullName, type Repository, type State } from "./state.ts";

const DIRECTORY = ".github/workflows";
/** Of all inputs together, as JSON. */
const INPUTS_LENGTH = 65535;
const GHES_INPUTS = 10;

interface Dispatch {
  readonly ref: string;
  readonly inputs?: Readonly<Record<string, unknown>>;
  readonly return_run_details?: boolean;
}

/** Starting workflows and finding their runs. */
export function workflowEndpoints(state: State, listener: RunListener): Endpoints {
  return {
    "POST /repos/{owner}/{repo}/actions/workflows/{workflow_id}/dispatches": writing("actions", (call) =>
      dispatch(state, listener, call),
    ),
    "GET /repos/{owner}/{repo}/actions/workflows/{workflow_id}/runs": reading("actions", async (call) => {
      const workflow = await workflowOfCall(call);
      const found = call.repository.runs
        .filter((run) => run.workflow.path === workflow.path && fits(state, run, call))
        .toReversed();
      const { items, headers } = page(call, found);
      const documents = items.map((run) => runDocument(state, call.repository, run));
      return { status: 200, headers, body: { total_count: found.length, workflow_runs: documents } };
    }),
  };
}

async function dispatch(state: State, listener: RunListener, call: RepositoryCall): Promise<Reply> {
  const { repository } = call;
  const { ref: asked, inputs = {}, return_run_details: details } = call.body as unknown as Dispatch;
  if (state.ghes && details !== undefined)
    throw new ApiError(400, `Invalid request.\n\n"return_run_details" is not a permitted key.`);
  const workflow = await workflowOfCall(call);
  const ref = await fullRef(repository, asked);
  if (ref === undefined) throw unprocessable(`No ref found for: ${asked}`);
  const commit = (await resolveCommit(repository.directory, ref)) ?? "";
  const source = await readWorkflow(repository, commit, workflow.path);
  // The run has the file of the ref; that of the default branch only says that there is such a workflow.
  if (source === undefined || !/\bworkflow_dispatch\b/.test(source))
    throw unprocessable("Workflow does not have 'workflow_dispatch' trigger");
  checkInputs(state, source, inputs);
  const head = await readCommit(repository.directory, commit);
  const run = newRun(state, repository, {
    workflow,
    ref,
    head,
    inputs: inputs as Record<string, string>,
    title: title(source, inputs),
  });
  listener.runRequested(repository, run);
  if (state.ghes || !details) return { status: 204 };
  const body = {
    workflow_run_id: run.id,
    run_url: `${state.apiUrl}/repos/${fullName(repository)}/actions/runs/${run.id}`,
    html_url: runUrl(state, repository, run),
  };
  return { status: 200, body };
}

function checkInputs(state: State, source: string, inputs: Readonly<Record<string, unknown>>): void {
  const names = Object.keys(inputs);
  if (state.ghes && names.length > GHES_INPUTS) throw unprocessable(`you may only define up to ${GHES_INPUTS} inputs`);
  const unexpected = names.filter((name) => !new RegExp(`^\\s+${RegExp.escape(name)}\\s*:`, "m").test(source));
  if (unexpected.length > 0) throw unprocessable(`Unexpected inputs provided: ${JSON.stringify(unexpected)}`);
  for (const [name, value] of Object.entries(inputs))
    if (typeof value !== "string") throw unprocessable(`Provided value for input '${name}' is not a string`);
  if (JSON.stringify(inputs).length > INPUTS_LENGTH) throw unprocessable("inputs are too large.");
}

/** A short name is a branch's before it is a tag's. */
async function fullRef(repository: Repository, name: string): Promise<string | undefined> {
  const refs = new Set((await readRefs(repository.directory)).map(({ ref }) => ref));
  const names = name.startsWith("refs/") ? [name] : [`refs/heads/${name}`, `refs/tags/${name}`];
  return names.find((each) => refs.has(each));
}

/** There is a workflow once its file is on the default branch. */
async function workflowOfCall(call: RepositoryCall): Promise<Workflow> {
  const { repository } = call;
  const asked = text(call, "workflow_id");
  const head = await resolveCommit(repository.directory, `refs/heads/${repository.defaultBranch}`);
  if (head === undefined) throw notFound();
  for (const file of [asked, ...(await namesOf(repository, head))]) {
    const path = `${DIRECTORY}/${file}`;
    const source = /^[\w.-]+\.ya?ml$/.test(file) ? await readWorkflow(repository, head, path) : undefined;
    if (source === undefined) continue;
    const workflow = { id: workflowId(repository, path), path, name: /^name:\s*(.+)$/m.exec(source)?.[1] ?? path };
    if (file === asked || String(workflow.id) === asked) return workflow;
  }
  throw notFound();
}

async function namesOf(repository: Repository, commit: string): Promise<readonly string[]> {
  const tree = await readEntry(repository.directory, commit, DIRECTORY);
  if (tree?.type !== "tree") return [];
  return (await readDirectory(repository.directory, tree)).map(({ path }) => path.slice(path.lastIndexOf("/") + 1));
}

async function readWorkflow(repository: Repository, commit: string, path: string): Promise<string | undefined> {
  const entry = await readEntry(repository.directory, commit, path);
  return entry?.type === "blob" ? (await readBlob(repository.directory, entry.sha)).toString() : undefined;
}

function workflowId(repository: Repository, path: string): number {
  return 100_000_000 + createHash("sha256").update(`${repository.id} ${path}`).digest().readUIntBE(0, 3);
}

/** `run-name: Trusted build ${{ inputs.build-id }}` with the inputs put in. */
function title(source: string, inputs: Readonly<Record<string, unknown>>): string {
  const template = /^run-name:\s*(.+?)\s*$/m.exec(source)?.[1] ?? /^name:\s*(.+?)\s*$/m.exec(source)?.[1] ?? "workflow";
  return template.replace(/\$\{\{\s*(?:github\.event\.)?inputs\.([\w-]+)\s*\}\}/g, (_, name: string) =>
    String(inputs[name] ?? ""),
  );
}

function fits(state: State, run: ActionsRun, { parameters }: RepositoryCall): boolean {
  const { event, status, branch, head_sha: sha, created, actor } = parameters;
  const { status: now, conclusion } = run.attempts.at(-1) ?? {};
  const branchName = run.ref.replace(/^refs\/(?:heads|tags)\//, "");
  return (
    (event === undefined || event === "workflow_dispatch") &&
    (status === undefined || status === now || status === conclusion) &&
    (branch === undefined || branch === branchName) &&
    (sha === undefined || sha === run.commit) &&
    (actor === undefined || actor === botOf(state).login) &&
    (created === undefined || isWithin(run.createdAt, String(created)))
  );
}

/** `>=TIME`, `>TIME`, `<=TIME`, `<TIME`, `TIME..TIME`, as the search syntax has it; seconds count. */
function isWithin(time: Date, range: string): boolean {
  const at = Math.floor(time.getTime() / 1000);
  const seconds = (text: string) => Math.floor(Date.parse(text) / 1000);
  const [, operator, bound = ""] = /^(>=|<=|>|<)(.+)$/.exec(range) ?? [];
  if (operator === ">=") return at >= seconds(bound);
  if (operator === "<=") return at <= seconds(bound);
  if (operator === ">") return at > seconds(bound);
  if (operator === "<") return at < seconds(bound);
  const [from = "*", to = "*"] = range.split("..");
  return (from === "*" || at >= seconds(from)) && (to === "*" || at <= seconds(to));
}
