import * as core from "@actions/core";
import { z } from "zod";
import { runUrl, type WorkflowRun } from "./workflow-run.ts";

/** Whom Fulcio expects a token to be meant for. */
const AUDIENCE = "sigstore";

/** What GitHub says of the job in its token; the certificate will say the same. @see docs.github.com, "OpenID Connect reference" */
export interface TokenClaims {
  readonly repository: string;
  readonly repositoryId: string;
  readonly repositoryOwnerId: string;
  /** `public`, `private` or `internal`; undefined on servers that don't say. */
  readonly visibility: string | undefined;
  readonly ref: string;
  readonly sha: string;
  readonly eventName: string;
  /** The workflow that was triggered, `owner/name/path@ref`. */
  readonly workflowRef: string;
  /** The workflow that has the job: the reusable one where there is one. */
  readonly jobWorkflowRef: string;
  readonly runnerEnvironment: string;
}

/** The job can't prove who it is. */
export class IdentityTokenError extends Error {
  readonly code: "no-identity-token" | "identity-token-differs";
  constructor(code: IdentityTokenError["code"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "IdentityTokenError";
    this.code = code;
  }
}

const text = z.string().min(1);
const schema = z.object({
  repository: text,
  repository_id: text,
  repository_owner_id: text,
  repository_visibility: text.optional(),
  ref: text,
  sha: text,
  event_name: text,
  workflow_ref: text,
  job_workflow_ref: text,
  runner_environment: text,
  run_id: text,
  run_attempt: text,
});

/**
 * A fresh token of the job. GitHub gives it only to jobs with `id-token: write`.
 *
 * @throws {IdentityTokenError} `no-identity-token`
 */
export async function fetchIdentityToken(): Promise<string> {
  try {
    return await core.getIDToken(AUDIENCE);
  } catch (cause) {
    throw new IdentityTokenError(
      "no-identity-token",
      `ask GitHub for the job's identity token: ${(cause as Error).message}; the job, and the caller of a reusable workflow, need \`permissions: id-token: write\``,
      { cause },
    );
  }
}

/**
 * Reads a token's claims. Its signature isn't checked here: Fulcio does, and only what it puts into the certificate counts.
 *
 * @throws {IdentityTokenError} also if it is another run's than the environment says: what is signed would not be what is built.
 */
export function readClaims(token: string, run: WorkflowRun): TokenClaims {
  let claims: z.infer<typeof schema>;
  try {
    claims = schema.parse(JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()));
  } catch {
    // Neither the parser's message nor its cause: both may quote the token.
    throw new IdentityTokenError(
      "no-identity-token",
      "read GitHub's identity token: it lacks claims of a workflow's job",
    );
  }
  const told = {
    repository: [claims.repository, run.repository],
    commit: [claims.sha, run.commit],
    ref: [claims.ref, run.ref],
    run: [
      runUrl({ ...run, repository: claims.repository, id: claims.run_id, attempt: claims.run_attempt }),
      runUrl(run),
    ],
  };
  for (const [what, [token, environment]] of Object.entries(told)) {
    if (token === environment) continue;
    const message = `the identity token's ${what} is ${token}, and the runner's environment says ${environment}`;
    throw new IdentityTokenError("identity-token-differs", message);
  }
  return {
    repository: claims.repository,
    repositoryId: claims.repository_id,
    repositoryOwnerId: claims.repository_owner_id,
    visibility: claims.repository_visibility,
    ref: claims.ref,
    sha: claims.sha,
    eventName: claims.event_name,
    workflowRef: claims.workflow_ref,
    jobWorkflowRef: claims.job_workflow_ref,
    runnerEnvironment: claims.runner_environment,
  };
}
