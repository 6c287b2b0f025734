import { z } from "zod";
import type { Repository } from "./build.ts";
import { POLICY_PLACES, type PolicyText } from "./ports.ts";
import type { TagPush } from "./start.ts";

/** What a delivery tells us, as far as it matters here. Signed by GitHub, and still a hint: it may be old, or told twice. */
export type Happening =
  | { readonly kind: "tag-pushed"; readonly push: TagPush }
  /** The default branch changed where policy is, or may have: GitHub doesn't tell everything that a push changes. */
  | { readonly kind: "policy-pushed"; readonly repository: Repository; readonly kinds: readonly PolicyText["kind"][] }
  | { readonly kind: "run-changed"; readonly repositoryId: number; readonly runId: number; readonly title: string }
  | {
      readonly kind: "check-rerun-asked";
      readonly repositoryId: number;
      readonly checkRun: number;
      readonly externalId: string;
      /** Who clicked, where a button of ours asked; GitHub itself asks nobody who may not write. */
      readonly by?: string;
    }
  /** Every check of a commit is asked for again. */
  | { readonly kind: "suite-rerun-asked"; readonly repositoryId: number; readonly commit: string }
  | { readonly kind: "repositories-added"; readonly repositories: readonly Repository[] }
  | { readonly kind: "repositories-removed"; readonly ids: readonly number[] }
  | { readonly kind: "repository-hidden"; readonly id: number }
  | { readonly kind: "installation-gone"; readonly installation: number };

/** A delivery that says it is something that we know, and isn't of that form. */
export class DeliveryError extends Error {
  readonly code = "malformed-delivery";
  constructor(event: string, cause: z.ZodError) {
    super(`read a delivery of ${event}: ${z.prettifyError(cause)}`, { cause });
    this.name = "DeliveryError";
  }
}

const id = z.number().int().positive();
const sha = z.string().regex(/^[0-9a-f]{40}([0-9a-f]{24})?$/);
const installation = z.object({ id });
const repository = z.object({
  id,
  name: z.string().min(1),
  private: z.boolean(),
  owner: z.object({ id, login: z.string().min(1) }),
});
const push = z.object({ ref: z.string(), before: sha, after: sha, deleted: z.boolean(), repository, installation });
const paths = z.array(z.string());
const branchPush = z.object({
  ref: z.string(),
  forced: z.boolean(),
  repository: repository.extend({ default_branch: z.string() }),
  installation,
  commits: z.array(z.object({ added: paths, removed: paths, modified: paths })),
});
const workflowRun = z.object({
  workflow_run: z.object({ id, display_title: z.string().nullish() }),
  repository: z.object({ id }),
});
const acted = z.object({ action: z.string() });
const checkRun = z.object({
  check_run: z.object({ id, external_id: z.string().nullish() }),
  repository: z.object({ id }),
  requested_action: z.object({ identifier: z.string() }).nullish(),
  sender: z.object({ login: z.string() }).nullish(),
});
const checkSuite = z.object({ check_suite: z.object({ head_sha: sha }), repository: z.object({ id }) });

/** The button that asks for another look; the same on every check run of ours. */
export const RE_VERIFY = "re-verify";
const listed = z.object({ id, name: z.string().min(1), private: z.boolean() });
const hidden = z.object({ repository: z.object({ id }) });
const account = z.object({ id, login: z.string().min(1) });
const uninstalled = z.object({ installation });
const installed = z.object({
  installation: installation.extend({ account }),
  repositories: z.array(listed).optional(),
});
const given = z.object({ installation: installation.extend({ account }), repositories_added: z.array(listed) });
const taken = z.object({ repositories_removed: z.array(z.object({ id })) });

/**
 * Reads a delivery.
 *
 * @param event - The header `X-GitHub-Event`.
 * @returns undefined for what is of no concern here; GitHub adds events and actions as it likes.
 * @throws {DeliveryError}
 */
export function readHappening(event: string, payload: unknown): Happening | undefined {
  const read = <T>(schema: z.ZodType<T>): T => {
    const parsed = schema.safeParse(payload);
    if (!parsed.success) throw new DeliveryError(event, parsed.error);
    return parsed.data;
  };
  switch (event) {
    case "push": {
      if (!read(z.object({ ref: z.string() })).ref.startsWith("refs/tags/")) return policyPushed(read(branchPush));
      const { ref, before, after, deleted, repository: on, installation: by } = read(push);
      const of = repositoryOf(on, on.owner, by.id);
      return { kind: "tag-pushed", push: { repository: of, ref, before, after: deleted ? undefined : after } };
    }
    case "workflow_run": {
      const { workflow_run: run, repository: on } = read(workflowRun);
      return { kind: "run-changed", repositoryId: on.id, runId: run.id, title: run.display_title ?? "" };
    }
    case "check_run": {
      const { action } = read(acted);
      if (action !== "rerequested" && action !== "requested_action") return undefined;
      const { check_run: run, repository: on, requested_action: asked, sender } = read(checkRun);
      const isButton = action === "requested_action";
      if (isButton && asked?.identifier !== RE_VERIFY) return undefined;
      return {
        kind: "check-rerun-asked",
        repositoryId: on.id,
        checkRun: run.id,
        externalId: run.external_id ?? "",
        ...(isButton && { by: sender?.login ?? "" }),
      };
    }
    case "check_suite": {
      if (read(acted).action !== "rerequested") return undefined;
      const { check_suite: suite, repository: on } = read(checkSuite);
      return { kind: "suite-rerun-asked", repositoryId: on.id, commit: suite.head_sha };
    }
    case "repository":
      // That one was made public isn't heard: a delivery that comes late would show again what was hidden since.
      if (read(acted).action !== "privatized") return undefined;
      return { kind: "repository-hidden", id: read(hidden).repository.id };
    case "installation": {
      const { action } = read(acted);
      // Not everything that it can be installed on is an account with a name.
      if (action === "deleted") return { kind: "installation-gone", installation: read(uninstalled).installation.id };
      if (action !== "created" && action !== "unsuspend") return undefined;
      const { installation: by, repositories = [] } = read(installed);
      return added(repositories, by);
    }
    case "installation_repositories": {
      const { action } = read(acted);
      if (action === "removed")
        return { kind: "repositories-removed", ids: read(taken).repositories_removed.map(({ id }) => id) };
      if (action !== "added") return undefined;
      const { installation: by, repositories_added: repositories } = read(given);
      return added(repositories, by);
    }
    default:
      return undefined;
  }
}

/** GitHub lists so many commits of a push, and not what a forced push takes away. */
const MAX_LISTED_COMMITS = 2048;

function policyPushed({ ref, forced, repository: on, installation: by, commits }: z.infer<typeof branchPush>) {
  if (ref !== `refs/heads/${on.default_branch}`) return undefined;
  const touched = new Set(commits.flatMap(({ added, removed, modified }) => [...added, ...removed, ...modified]));
  const isWhole = !forced && commits.length > 0 && commits.length < MAX_LISTED_COMMITS;
  const kinds = (["repository", "organisation"] as const).filter((kind) => {
    const { path, repository: home = on.name } = POLICY_PLACES[kind];
    return on.name.toLowerCase() === home.toLowerCase() && (!isWhole || touched.has(path));
  });
  if (kinds.length === 0) return undefined;
  return { kind: "policy-pushed" as const, repository: repositoryOf(on, on.owner, by.id), kinds };
}

function added(repositories: readonly z.infer<typeof listed>[], by: z.infer<typeof given>["installation"]): Happening {
  return {
    kind: "repositories-added",
    repositories: repositories.map((each) => repositoryOf(each, by.account, by.id)),
  };
}

function repositoryOf(on: z.infer<typeof listed>, owner: z.infer<typeof account>, by: number): Repository {
  return {
    id: on.id,
    ownerId: owner.id,
    owner: owner.login,
    name: on.name,
    installation: by,
    isPrivate: on.private,
  };
}
