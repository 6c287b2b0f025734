import assert from "node:assert/strict";
import { test } from "node:test";
import { IdentityTokenError, readClaims } from "../../action/src/identity-token.ts";
import { readWorkflowRun, runUrl, WorkflowRunError } from "../../action/src/workflow-run.ts";
import { workflowStatement } from "../../action/src/workflow-statement.ts";
import { parseStatement } from "../../src/attestation/statement.ts";
import { digestOf, hexOf } from "../../src/image/digest.ts";
import { type Claims, githubClaims } from "../world/github-claims.ts";

const claims = githubClaims({
  jobWorkflowRef: "trusted-builds/trusted-builds/.github/workflows/build.yml@refs/tags/v1",
  event: "workflow_dispatch",
});
const variables = {
  GITHUB_SERVER_URL: "https://github.com",
  GITHUB_API_URL: "https://api.github.com",
  GITHUB_REPOSITORY: "acme/app",
  GITHUB_SHA: "a".repeat(40),
  GITHUB_REF: "refs/tags/v1.0.0",
  GITHUB_RUN_ID: "99",
  GITHUB_RUN_ATTEMPT: "1",
  RUNNER_TEMP: "/tmp",
};
const run = readWorkflowRun(variables);

/** Unsigned: the action leaves the signature to Fulcio. */
function token(payload: Claims): string {
  return ["{}", JSON.stringify(payload), ""].map((part) => Buffer.from(part).toString("base64url")).join(".");
}

test("the statement over the index is that of actions/attest-build-provenance", () => {
  const index = digestOf(Buffer.from("index"));
  const bytes = workflowStatement(
    { name: "ghcr.io/acme/app", index },
    readClaims(token(claims), run),
    run.serverUrl,
    runUrl(run),
  );
  parseStatement(bytes);
  assert.deepEqual(JSON.parse(Buffer.from(bytes).toString()), {
    _type: "https://in-toto.io/Statement/v1",
    subject: [{ name: "ghcr.io/acme/app", digest: { sha256: hexOf(index) } }],
    predicateType: "https://slsa.dev/provenance/v1",
    predicate: {
      buildDefinition: {
        buildType: "https://actions.github.io/buildtypes/workflow/v1",
        externalParameters: {
          workflow: {
            ref: "refs/tags/v1.0.0",
            repository: "https://github.com/acme/app",
            path: ".github/workflows/release.yml",
          },
        },
        internalParameters: {
          github: {
            event_name: "workflow_dispatch",
            repository_id: "4201",
            repository_owner_id: "77",
            runner_environment: "github-hosted",
          },
        },
        resolvedDependencies: [
          { uri: "git+https://github.com/acme/app@refs/tags/v1.0.0", digest: { gitCommit: "a".repeat(40) } },
        ],
      },
      runDetails: {
        builder: { id: "https://github.com/trusted-builds/trusted-builds/.github/workflows/build.yml@refs/tags/v1" },
        metadata: { invocationId: "https://github.com/acme/app/actions/runs/99/attempts/1" },
      },
    },
  });
});

for (const [what, other] of [
  ["repository", { repository: "acme/other" }],
  ["commit", { sha: "b".repeat(40) }],
  ["ref", { ref: "refs/tags/v2.0.0" }],
  ["run", { run_id: "100" }],
  ["attempt", { run_attempt: "2" }],
] as const) {
  test(`refuses a token of another ${what} than the runner's`, () => {
    assert.throws(() => readClaims(token({ ...claims, ...other }), run), { code: "identity-token-differs" });
  });
}

test("refuses what is no token, and doesn't repeat it", () => {
  for (const text of ["hush", "hush.aHVzaA.hush", token({ hush: "hush" })]) {
    assert.throws(
      () => readClaims(text, run),
      (error) => error instanceof IdentityTokenError && !error.message.includes("hush"),
    );
  }
});

test("an environment that isn't a runner's is refused with all that it lacks", () => {
  assert.throws(
    () =>
      readWorkflowRun({ ...variables, GITHUB_SHA: "main", GITHUB_REPOSITORY: "acme/app#x", RUNNER_TEMP: undefined }),
    (error) =>
      error instanceof WorkflowRunError &&
      ["GITHUB_SHA", "GITHUB_REPOSITORY", "RUNNER_TEMP"].every((name) => error.message.includes(name)),
  );
});
