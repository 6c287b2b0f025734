/** What a GitHub Actions identity token says; every value is a string, numbers too. */
export type Claims = Readonly<Record<string, string>>;

/** Who builds what, and where: what a test cares about. Everything has a default. */
export interface GithubRun {
  /** `owner/name`. */
  readonly repository?: string;
  /** The full ref. */
  readonly ref?: string;
  readonly sha?: string;
  /** The caller's workflow file, below the repository. */
  readonly workflow?: string;
  /** The workflow that has the job, `owner/name/path@ref`: the caller's own unless it is a reusable one. */
  readonly jobWorkflowRef?: string;
  /** The commit of that workflow. */
  readonly jobWorkflowSha?: string;
  readonly runId?: string | number;
  readonly attempt?: string | number;
  readonly event?: string;
  readonly runner?: "github-hosted" | "self-hosted";
  readonly repositoryId?: string | number;
  readonly ownerId?: string | number;
  readonly visibility?: "public" | "private" | "internal";
}

/** The claims that GitHub would put into a token of that run. @see docs.github.com, "OpenID Connect reference" */
export function githubClaims(run: GithubRun = {}): Claims {
  const { repository = "acme/app", ref = "refs/tags/v1.0.0", sha = "a".repeat(40) } = run;
  const { workflow = ".github/workflows/release.yml", event = "push", runner = "github-hosted" } = run;
  const workflowRef = `${repository}/${workflow}@${ref}`;
  return {
    sub: `repo:${repository}:ref:${ref}`,
    event_name: event,
    ref,
    ref_type: ref.startsWith("refs/tags/") ? "tag" : "branch",
    sha,
    repository,
    repository_id: String(run.repositoryId ?? 4201),
    repository_owner: repository.slice(0, repository.indexOf("/")),
    repository_owner_id: String(run.ownerId ?? 77),
    repository_visibility: run.visibility ?? "public",
    workflow: "release",
    workflow_ref: workflowRef,
    workflow_sha: sha,
    job_workflow_ref: run.jobWorkflowRef ?? workflowRef,
    job_workflow_sha: run.jobWorkflowSha ?? (run.jobWorkflowRef === undefined ? sha : "b".repeat(40)),
    runner_environment: runner,
    run_id: String(run.runId ?? 99),
    run_attempt: String(run.attempt ?? 1),
  };
}

/** The extensions of a certificate by the last arc below 1.3.6.1.4.1.57264.1. Bytes are taken as the whole value, broken ones too. */
export type CertificateExtensions = Readonly<Record<number, string | Uint8Array>>;

/**
 * What Fulcio writes into the certificate for these claims, had it been set up for that GitHub server.
 *
 * @see sigstore/fulcio docs/oid-info.md
 */
export function extensionsOf(claims: Claims, issuer: string, serverUrl: string): CertificateExtensions {
  const below = (path: string | undefined) => (path === undefined ? undefined : `${serverUrl}/${path}`);
  const { repository, run_id: run, run_attempt: attempt } = claims;
  const all: Record<number, string | undefined> = {
    1: issuer,
    2: claims.event_name,
    3: claims.sha,
    4: claims.workflow,
    5: repository,
    6: claims.ref,
    8: issuer,
    9: below(claims.job_workflow_ref),
    10: claims.job_workflow_sha,
    11: claims.runner_environment,
    12: below(repository),
    13: claims.sha,
    14: claims.ref,
    15: claims.repository_id,
    16: below(claims.repository_owner),
    17: claims.repository_owner_id,
    18: below(claims.workflow_ref),
    19: claims.workflow_sha,
    20: claims.event_name,
    21: repository && run && attempt ? below(`${repository}/actions/runs/${run}/attempts/${attempt}`) : undefined,
    22: claims.repository_visibility,
  };
  return Object.fromEntries(Object.entries(all).flatMap(([arc, value]) => (value === undefined ? [] : [[arc, value]])));
}
