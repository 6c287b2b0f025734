import { type Document, examplePayload, replaceTexts, within } from "./seed.ts";
import { ACTIONS_APP, fullName, iso, type Owner, type Repository, type State } from "./state.ts";

const seed = within(examplePayload("push"), "repository");
const { name: _name, email: _email, ...userSeed } = within(seed, "owner");

/** A user or organisation as other documents have it. */
export function userDocument(state: State, { login, id, type }: Owner): Document {
  return {
    ...replaceTexts(userSeed, words(state, seed, login, login)),
    login,
    id,
    type,
    node_id: nodeId("User", id),
    avatar_url: `${state.url}/avatars/u/${id}`,
  };
}

/** A repository as lists and other documents have it; enough for webhooks too. */
export function repositoryDocument(state: State, repository: Repository): Document {
  const { owner, id, name, isPrivate, isArchived, defaultBranch } = repository;
  const { stargazers: _, master_branch: __, ...rest } = replaceTexts(seed, words(state, seed, owner.login, name));
  return {
    ...rest,
    id,
    node_id: nodeId("Repository", id),
    name,
    full_name: fullName(repository),
    owner: userDocument(state, owner),
    private: isPrivate,
    visibility: isPrivate ? "private" : "public",
    url: `${state.apiUrl}/repos/${fullName(repository)}`,
    clone_url: `${state.url}/${fullName(repository)}.git`,
    default_branch: defaultBranch,
    archived: isArchived,
    disabled: false,
    has_discussions: false,
    is_template: false,
    allow_forking: true,
    web_commit_signoff_required: false,
    topics: [],
    language: null,
    description: null,
    created_at: "2026-01-01T00:00:00Z",
    updated_at: "2026-01-01T00:00:00Z",
    pushed_at: iso(state.now()),
  };
}

/** A repository as it answers for itself. */
export function fullRepositoryDocument(state: State, repository: Repository): Document {
  return {
    ...repositoryDocument(state, repository),
    network_count: 0,
    subscribers_count: 0,
    ...(repository.owner.type === "Organization" && { organization: userDocument(state, repository.owner) }),
  };
}

/** An app as check runs name it. */
export function appDocument(state: State, id: number): Document {
  const { app } = state;
  const isOurs = id === app.id;
  const { slug, name } = isOurs ? app : ACTIONS_APP;
  return {
    id,
    slug,
    node_id: nodeId("App", id),
    client_id: `Iv23li${slug}`,
    owner: userDocument(state, { id: 9919, login: isOurs ? slug : "github", type: "Organization" }),
    name,
    description: null,
    external_url: `${state.url}/${slug}`,
    html_url: `${state.url}/apps/${slug}`,
    created_at: "2026-01-01T00:00:00Z",
    updated_at: "2026-01-01T00:00:00Z",
    permissions: isOurs ? app.permissions : {},
    events: isOurs ? app.events : [],
  };
}

/** The words of an example that name its repository, and those of ours. */
export function words(state: State, example: Document, login: string, name: string): Map<string, string> {
  const [exampleOwner = "", exampleName = ""] = String(example.full_name ?? "/").split("/");
  return new Map([
    ["https://api.github.com", state.apiUrl],
    ["https://github.com", state.url],
    ["git://github.com", `git://${new URL(state.url).host}`],
    [`${exampleOwner}/${exampleName}`, `${login}/${name}`],
    [`/${exampleOwner}`, `/${login}`],
  ]);
}

/** Opaque to all but GitHub. */
export function nodeId(kind: string, id: number | string): string {
  return Buffer.from(`${kind}:${id}`).toString("base64url");
}
