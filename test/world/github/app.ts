import { type Call, type Endpoints, forApp, number, page, type Reply } from "./call.ts";
import { holds, issueToken } from "./credentials.ts";
import { ApiError, notFound, unprocessable } from "./error.ts";
import { appDocument, repositoryDocument, userDocument } from "./repository-document.ts";
import type { Document } from "./seed.ts";
import { covers, fullName, type Installation, iso, type Permissions, type Repository, type State } from "./state.ts";

/** More names than this can't be given to a token. */
const NARROWED_REPOSITORIES = 500;

/** The app about itself: who it is, where it is installed, and its tokens. */
export function appEndpoints(state: State): Endpoints {
  return {
    "GET /app": forApp(() => ({
      status: 200,
      body: { ...appDocument(state, state.app.id), installations_count: state.installations.size },
    })),
    "GET /app/installations": forApp((call) => {
      const { items, headers } = page(call, [...state.installations.values()]);
      return { status: 200, headers, body: items.map((each) => installationDocument(state, each)) };
    }),
    "GET /app/installations/{installation_id}": forApp((call) => ({
      status: 200,
      body: installationDocument(state, installationOfCall(state, call)),
    })),
    "POST /app/installations/{installation_id}/access_tokens": forApp((call) => createToken(state, call)),
    "GET /installation/repositories": {
      kind: "installation",
      answer(call) {
        if (call.caller.kind !== "token")
          throw new ApiError(403, "You must authenticate with an installation access token");
        const { token } = call.caller;
        const all = [...state.repositories.values()].filter((each) => holds(token, each));
        const { items, headers } = page(call, all);
        const repositories = items.map((each) => repositoryDocument(state, each));
        const { selection = "selected" } = token.installation ?? {};
        return {
          status: 200,
          headers,
          body: { total_count: all.length, repository_selection: selection, repositories },
        };
      },
    },
  };
}

/** An installation as GitHub writes it, in webhooks too. */
export function installationDocument(state: State, installation: Installation): Document {
  const { id, owner, selection, permissions, suspendedAt, createdAt } = installation;
  return {
    id,
    account: userDocument(state, owner),
    repository_selection: selection,
    access_tokens_url: `${state.apiUrl}/app/installations/${id}/access_tokens`,
    repositories_url: `${state.apiUrl}/installation/repositories`,
    html_url: `${state.url}/settings/installations/${id}`,
    app_id: state.app.id,
    app_slug: state.app.slug,
    target_id: owner.id,
    target_type: owner.type,
    permissions,
    events: state.app.events,
    created_at: iso(createdAt),
    updated_at: iso(createdAt),
    single_file_name: null,
    has_multiple_single_files: false,
    single_file_paths: [],
    suspended_by: suspendedAt === undefined ? null : userDocument(state, owner),
    suspended_at: suspendedAt === undefined ? null : iso(suspendedAt),
  };
}

function installationOfCall(state: State, call: Call): Installation {
  const found = state.installations.get(number(call, "installation_id"));
  if (found === undefined) throw notFound();
  return found;
}

interface TokenRequest {
  readonly repositories?: readonly string[];
  readonly repository_ids?: readonly number[];
  readonly permissions?: Permissions;
}

function createToken(state: State, call: Call): Reply {
  const installation = installationOfCall(state, call);
  if (installation.suspendedAt !== undefined) throw new ApiError(403, "This installation has been suspended");
  const { repositories, repository_ids, permissions } = call.body as TokenRequest;
  const narrowed =
    repositories === undefined && repository_ids === undefined
      ? undefined
      : [
          ...(repositories ?? []).map((name) => reach(state, installation, (each) => same(each.name, name))),
          ...(repository_ids ?? []).map((id) => reach(state, installation, (each) => each.id === id)),
        ];
  if ((narrowed?.length ?? 0) > NARROWED_REPOSITORIES) throw unprocessable("Too many repositories");
  for (const [name, level] of Object.entries(permissions ?? {})) {
    const held = installation.permissions[name];
    if (held !== "write" && held !== level)
      throw unprocessable("The permissions requested are not granted to this installation.");
  }
  const token = issueToken(state, {
    installation,
    repositories: narrowed && new Set(narrowed.map(({ id }) => id)),
    permissions: permissions === undefined ? installation.permissions : { metadata: "read", ...permissions },
  });
  return {
    status: 201,
    body: {
      token: token.value,
      expires_at: iso(token.expiresAt),
      permissions: token.permissions,
      repository_selection: narrowed === undefined ? installation.selection : "selected",
      ...(narrowed && { repositories: narrowed.map((each) => repositoryDocument(state, each)) }),
    },
  };
}

function reach(state: State, installation: Installation, is: (repository: Repository) => boolean): Repository {
  const found = [...state.repositories.values()].find((each) => covers(installation, each) && is(each));
  if (found !== undefined) return found;
  throw unprocessable(
    "There is at least one repository that does not exist or is not accessible to the parent installation.",
  );
}

function same(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

/** The short form in which webhooks list repositories. */
export function repositoryStub(repository: Repository): Document {
  const { id, name, isPrivate } = repository;
  return { id, node_id: `R_${id}`, name, full_name: fullName(repository), private: isPrivate };
}
