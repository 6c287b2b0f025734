import { readRefs } from "../git-objects.ts";
import { git } from "../git-repository.ts";
import { installationDocument, repositoryStub } from "./app.ts";
import { type CheckRun, checkRunDocument, checkSuiteOf } from "./check-runs.ts";
import { commitBeneath } from "./contents.ts";
import { minimalPullDocuments } from "./pull-documents.ts";
import { appDocument, nodeId, repositoryDocument, userDocument, words } from "./repository-document.ts";
import { type ActionsRun, runDocument } from "./runs.ts";
import { type Document, examplePayload, replaceTexts, within } from "./seed.ts";
import {
  fullName,
  type Installation,
  installationOf,
  type Owner,
  PERSON,
  type Repository,
  type State,
} from "./state.ts";

/** What a ref names when it doesn't exist. */
export const NOTHING = "0".repeat(40);

/** A move of a ref; `NOTHING` on one side where it is made or deleted. */
export interface Push {
  readonly ref: string;
  readonly before: string;
  readonly after: string;
  /** Whether what it named before isn't beneath what it names now. */
  readonly forced: boolean;
}

/** The payload of `push`. */
export async function pushPayload(state: State, repository: Repository, push: Push): Promise<Document> {
  const { ref, before, after, forced } = push;
  const deleted = after === NOTHING;
  const created = before === NOTHING;
  const seed = examplePayload("push", (each) => each.deleted === deleted);
  const commit = deleted ? null : await headCommit(state, repository, after);
  const isTag = ref.startsWith("refs/tags/");
  const { owner } = repository;
  const base = about(state, repository, seed);
  const seconds = (time: unknown) => Math.floor(Date.parse(String(time)) / 1000);
  return {
    ...base,
    ref,
    before,
    after,
    created,
    deleted,
    forced,
    base_ref: isTag && created ? await branchAt(repository, commit?.id) : null,
    compare: `${state.url}/${fullName(repository)}/compare/${before.slice(0, 12)}...${after.slice(0, 12)}`,
    commits: isTag || commit === null ? [] : [commit],
    head_commit: commit,
    // Of all webhooks only this one has numbers for two times, and a link to the page where others have one to the API.
    repository: {
      ...within(base, "repository"),
      url: `${state.url}/${fullName(repository)}`,
      owner: { ...userDocument(state, owner), name: owner.login, email: null },
      created_at: seconds(within(base, "repository").created_at),
      pushed_at: seconds(state.now().toISOString()),
      stargazers: 0,
      master_branch: repository.defaultBranch,
    },
    pusher: { name: PERSON.login, email: "ada@example.test" },
  };
}

/** The payload of `create` and `delete`. */
export function refPayload(state: State, repository: Repository, event: "create" | "delete", ref: string): Document {
  const [, kind = "", name = ""] = /^refs\/(head|tag)s\/(.+)$/.exec(ref) ?? [];
  return {
    ...about(state, repository, examplePayload(event)),
    ref: name,
    ref_type: kind === "tag" ? "tag" : "branch",
    ...(event === "create" && { master_branch: repository.defaultBranch, description: null }),
    pusher_type: "user",
  };
}

/** The payload of `repository`, where who may read it has changed. */
export function visibilityPayload(state: State, repository: Repository): Document {
  const action = repository.isPrivate ? "privatized" : "publicized";
  return {
    ...about(
      state,
      repository,
      examplePayload("repository", (each) => each.action === action),
    ),
    action,
  };
}

/** The payload of `workflow_run`. */
export function runPayload(state: State, repository: Repository, run: ActionsRun, action: string): Document {
  const seed = examplePayload("workflow_run", (each) => each.action === action);
  const base = about(state, repository, seed);
  const { id, path, name } = run.workflow;
  return {
    ...base,
    action,
    workflow: {
      ...within(base, "workflow"),
      id,
      node_id: nodeId("Workflow", id),
      path,
      name,
      html_url: `${state.url}/${fullName(repository)}/blob/${repository.defaultBranch}/${path}`,
      badge_url: `${state.url}/${fullName(repository)}/workflows/${encodeURIComponent(name)}/badge.svg`,
      url: `${state.apiUrl}/repos/${fullName(repository)}/actions/workflows/${id}`,
    },
    workflow_run: { ...within(base, "workflow_run"), ...runDocument(state, repository, run) },
  };
}

/** The payload of `check_run`. @param identifier - Of the button that was clicked. */
export function checkRunPayload(
  state: State,
  repository: Repository,
  checkRun: CheckRun,
  action: string,
  by: Owner = PERSON,
  identifier?: string,
): Document {
  const { requested_action: _, ...seed } = examplePayload("check_run", (each) => each.action === action);
  const base = about(state, repository, seed);
  const document = checkRunDocument(state, repository, checkRun);
  const suite = checkSuiteOf(state, repository, checkRun);
  const url = `${state.apiUrl}/repos/${fullName(repository)}/check-suites/${suite}`;
  return {
    ...base,
    action,
    sender: userDocument(state, by),
    ...(identifier !== undefined && { requested_action: { identifier } }),
    check_run: {
      ...document,
      check_suite: {
        ...within(within(base, "check_run"), "check_suite"),
        id: suite,
        node_id: nodeId("CheckSuite", suite),
        head_branch: null,
        head_sha: checkRun.headSha,
        status: checkRun.status,
        conclusion: checkRun.conclusion,
        url,
        before: null,
        after: null,
        pull_requests: minimalPullDocuments(state, repository, checkRun.headSha),
        app: document.app,
        created_at: checkRun.startedAt,
        updated_at: checkRun.startedAt,
      },
    },
  };
}

/** The payload of `check_suite` rerequested: of all of the app's check runs on a commit. */
export async function checkSuitePayload(
  state: State,
  repository: Repository,
  headSha: string,
  by: Owner,
): Promise<Document> {
  const action = "rerequested";
  const seed = examplePayload("check_suite", (each) => each.action === action);
  const base = about(state, repository, seed);
  const { app } = state;
  const id = checkSuiteOf(state, repository, { appId: app.id, headSha });
  const url = `${state.apiUrl}/repos/${fullName(repository)}/check-suites/${id}`;
  const { tree_id, message, timestamp, author, committer } = await headCommit(state, repository, headSha);
  const runs = repository.checkRuns.filter((each) => each.headSha === headSha && each.appId === app.id);
  return {
    ...base,
    action,
    sender: userDocument(state, by),
    check_suite: {
      ...within(base, "check_suite"),
      id,
      node_id: nodeId("CheckSuite", id),
      head_branch: null,
      head_sha: headSha,
      status: "completed",
      conclusion: runs.at(-1)?.conclusion ?? null,
      url,
      before: null,
      after: null,
      pull_requests: minimalPullDocuments(state, repository, headSha),
      app: appDocument(state, app.id),
      latest_check_runs_count: runs.length,
      check_runs_url: `${url}/check-runs`,
      head_commit: { id: headSha, tree_id, message, timestamp, author, committer },
    },
  };
}

/** The payload of `installation`. */
export function installationPayload(
  state: State,
  installation: Installation,
  action: string,
  repositories: readonly Repository[],
): Document {
  return {
    action,
    installation: installationDocument(state, installation),
    repositories: repositories.map(repositoryStub),
    ...(action === "created" && { requester: null }),
    sender: userDocument(state, PERSON),
  };
}

/** The payload of `installation_repositories`. */
export function installationRepositoriesPayload(
  state: State,
  installation: Installation,
  action: "added" | "removed",
  repositories: readonly Repository[],
): Document {
  const stubs = repositories.map(repositoryStub);
  return {
    action,
    installation: installationDocument(state, installation),
    repository_selection: installation.selection,
    repositories_added: action === "added" ? stubs : [],
    repositories_removed: action === "removed" ? stubs : [],
    requester: null,
    sender: userDocument(state, PERSON),
  };
}

/** The seed with our words in place of its own, and what every webhook about a repository has. */
export function about(state: State, repository: Repository, seed: Document): Document {
  const { owner, name } = repository;
  const {
    organization: _,
    installation: __,
    ...rest
  } = replaceTexts(seed, words(state, within(seed, "repository"), owner.login, name));
  const installation = installationOf(state, repository);
  return {
    ...rest,
    repository: repositoryDocument(state, repository),
    sender: userDocument(state, PERSON),
    ...(owner.type === "Organization" && { organization: organizationDocument(state, repository) }),
    ...(installation && { installation: { id: installation.id, node_id: nodeId("Installation", installation.id) } }),
  };
}

function organizationDocument(state: State, { owner: { login, id } }: Repository): Document {
  const url = `${state.apiUrl}/orgs/${login}`;
  return {
    login,
    id,
    node_id: nodeId("Organization", id),
    url,
    repos_url: `${url}/repos`,
    events_url: `${url}/events`,
    hooks_url: `${url}/hooks`,
    issues_url: `${url}/issues`,
    members_url: `${url}/members{/member}`,
    public_members_url: `${url}/public_members{/member}`,
    avatar_url: `${state.url}/avatars/u/${id}`,
    description: "",
  };
}

async function headCommit(state: State, repository: Repository, object: string) {
  const commit = await commitBeneath(repository, object);
  return {
    id: commit.sha,
    tree_id: commit.tree,
    distinct: true,
    message: commit.message,
    timestamp: commit.committer.date,
    url: `${state.url}/${fullName(repository)}/commit/${commit.sha}`,
    author: { name: commit.author.name, email: commit.author.email },
    committer: { name: commit.committer.name, email: commit.committer.email },
    ...(await changesOf(repository, commit.sha)),
  };
}

/** What a commit changes against its first parent, by path. */
async function changesOf(repository: Repository, commit: string) {
  const args = ["diff-tree", "--root", "--no-commit-id", "--no-renames", "--name-status", "-r", commit];
  const lines = String(await git(repository.directory, args))
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.split("\t"));
  const of = (letter: string) =>
    lines.flatMap(([status, path]) => (status === letter && path !== undefined ? [path] : []));
  return { added: of("A"), removed: of("D"), modified: of("M") };
}

async function branchAt(repository: Repository, commit: string | undefined): Promise<string | null> {
  const refs = await readRefs(repository.directory);
  return refs.find(({ ref, object }) => ref.startsWith("refs/heads/") && object === commit)?.ref ?? null;
}
