import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import { ONBOARDING_BRANCH } from "../../src/change/onboarding.ts";
import { readProposalHappening } from "../../src/change/proposal-happening.ts";
import { PINS_BRANCH } from "../../src/change/renovation.ts";

const definitions = createRequire(import.meta.url)("@octokit/webhooks-examples") as readonly {
  readonly name: string;
  readonly examples: readonly { readonly action?: string; readonly repository?: { readonly id: number } }[];
}[];
const CLOSED = definitions
  .find(({ name }) => name === "pull_request")
  ?.examples.find((payload) => payload.action === "closed");
const HERE = CLOSED?.repository?.id ?? 0;

/** GitHub's own example of a pull request that was closed, from another branch. */
function closed(ref: string, repo: { readonly id: number } | null = { id: HERE }, action = "closed") {
  const { pull_request: pull, ...rest } = structuredClone(CLOSED) as unknown as { pull_request: object };
  return { ...rest, action, pull_request: { ...pull, head: { ref, repo } } };
}

test("a pull request of ours that was decided, or is open again, is told of by its branch", () => {
  assert.ok(HERE > 0);
  for (const [branch, proposal] of [
    [ONBOARDING_BRANCH, "onboarding"],
    [PINS_BRANCH, "pins"],
  ] as const)
    for (const action of ["closed", "reopened"])
      assert.deepEqual(readProposalHappening("pull_request", closed(branch, undefined, action)), {
        kind: "proposal-decided",
        proposal,
        repositoryId: HERE,
      });
});

test("a fork's branch that is called like ours, or that is gone, decides nothing of ours", () => {
  for (const branch of [ONBOARDING_BRANCH, PINS_BRANCH])
    for (const repo of [{ id: HERE + 1 }, null])
      assert.equal(readProposalHappening("pull_request", closed(branch, repo)), undefined);
});

test("other branches, actions, events and forms tell nothing of proposals", () => {
  for (const branch of ["main", `${PINS_BRANCH}-2`, `x/${PINS_BRANCH}`])
    assert.equal(readProposalHappening("pull_request", closed(branch)), undefined);
  assert.equal(readProposalHappening("pull_request", closed(PINS_BRANCH, undefined, "synchronize")), undefined);
  assert.equal(readProposalHappening("push", closed(PINS_BRANCH)), undefined);
  for (const payload of [null, "x", {}, { action: "closed" }])
    assert.equal(readProposalHappening("pull_request", payload), undefined);
});

test("other permissions wake the installation's proposals, and nothing else of an installation does", () => {
  const payload = { action: "new_permissions_accepted", installation: { id: 5 } };
  assert.deepEqual(readProposalHappening("installation", payload), { kind: "permissions-changed", installation: 5 });
  for (const action of ["created", "deleted", "suspend"])
    assert.equal(readProposalHappening("installation", { ...payload, action }), undefined);
});
