import { Octokit } from "@octokit/rest";
import type { SerializedBundle } from "@sigstore/bundle";
import { withRetries } from "./retry.ts";
import type { WorkflowRun } from "./workflow-run.ts";

/** How long GitHub may take to answer, in milliseconds. */
const REQUEST_MS = 30_000;

/** What became of a bundle at GitHub. */
export type Posted =
  | { readonly kind: "stored"; readonly id: string }
  /** Why it isn't there. It is attached to the image all the same, so nothing fails for it. */
  | { readonly kind: "not-stored"; readonly reason: string };

/** Posts bundles to GitHub's attestations API, where its own tools look for them. */
export type PostAttestation = (bundle: SerializedBundle) => Promise<Posted>;

/** @param token - The job's, with `attestations: write`. */
export function createPostAttestation(run: WorkflowRun, token: string): PostAttestation {
  const [owner = "", repo = ""] = run.repository.split("/");
  const octokit = new Octokit({
    baseUrl: run.apiUrl,
    auth: token,
    log: { debug() {}, info() {}, warn() {}, error() {} },
  });
  return async (bundle) => {
    const post = () =>
      octokit.rest.repos.createAttestation({
        owner,
        repo,
        bundle: JSON.parse(JSON.stringify(bundle)),
        request: { signal: AbortSignal.timeout(REQUEST_MS) },
      });
    try {
      const { data } = await withRetries(post, mayPass, () => {});
      return { kind: "stored", id: String(data.id ?? "") };
    } catch (error) {
      return { kind: "not-stored", reason: reasonOf(error, run) };
    }
  };
}

function statusOf(error: unknown): number | undefined {
  const { status, response } = error as { status?: number; response?: unknown };
  return response === undefined ? undefined : status;
}

/** No answer at all, or one that says that the server is at fault. */
function mayPass(error: unknown): boolean {
  const status = statusOf(error);
  return status === undefined || status >= 500 || status === 429;
}

function reasonOf(error: unknown, { apiUrl, repository }: WorkflowRun): string {
  const status = statusOf(error);
  const what = `post the attestation to ${apiUrl}/repos/${repository}/attestations`;
  const advice: Readonly<Record<number, string>> = {
    401: "the token isn't valid",
    403: "the job needs `permissions: attestations: write`, and a private repository a plan that has attestations",
    404: "this server has no attestations, or the token may not write them",
    422: "GitHub doesn't take it; private repositories need a plan that has attestations",
  };
  if (status === undefined) return `${what}: ${(error as Error).message}`;
  return `${what}: status ${status}${advice[status] === undefined ? "" : `: ${advice[status]}`}`;
}
