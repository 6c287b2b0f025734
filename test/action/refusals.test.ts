import assert from "node:assert/strict";
import { test } from "node:test";
import { githubClaims } from "../world/github-claims.ts";
import { startOciRegistry } from "../world/oci-registry.ts";
import { builds, TAG } from "./builds.ts";

const { stage, place, build } = await builds();

test("no tag moves where the signature fails, and the error names the service", async (t) => {
  const at = await place(t);
  if (!at) return;
  const made = await build(at, "unsigned", { inputs: { "fulcio-url": `${stage.sigstore.url}/nowhere` } });
  assert.equal(made.exit, 1, made.log);
  assert.match(made.errors.join(), /\/nowhere for a certificate/);
  assert.equal(await made.store.readManifest(TAG), undefined);
  assert.deepEqual([made.outputs, made.posted], [{}, []]);
});

test("no tag moves where the bundles can't be attached", async (t) => {
  const at = await place(t);
  if (!at) return;
  const registry = await startOciRegistry();
  t.after(() => registry.close());
  // What a bundle hangs on is read back first; pushing reads nothing.
  registry.fail(/^GET .*\/manifests\/sha256:/, { status: 403 });
  const made = await build(at, "unattached", { registry: registry.host });
  assert.equal(made.exit, 1, made.log);
  assert.match(made.errors.join(), /attach|manifest sha256/);
  assert.match(made.log, /^Sign: .*\n::group::Attach$/m);
  assert.equal(registry.readTag(`${at.namespace}/unattached`, TAG), undefined);
});

test("a job without permission to identify itself builds nothing, and is told which permission it lacks", async (t) => {
  const at = await place(t);
  if (!at) return;
  const made = await build(at, "anonymous", { job: { mayIdentify: false } });
  assert.equal(made.exit, 1);
  assert.match(made.errors.join(), /id-token: write/);
  assert.doesNotMatch(made.log, /buildx build/);
});

test("inputs that can't be used end the step with all their faults, and nothing is built", async (t) => {
  const at = await place(t);
  if (!at) return;
  const made = await build(at, "malformed", { inputs: { tags: "a/b", dockerfile: "/etc/passwd" } });
  assert.equal(made.exit, 1);
  assert.equal(made.errors.length, 1);
  assert.match(made.errors[0] ?? "", /^2 inputs can't be used:\ntags: .*\ndockerfile: /);
  assert.doesNotMatch(made.log, /buildx build/);
});

for (const status of [403, 404, 422]) {
  test(`a server that doesn't take attestations (${status}) is a warning in log and summary, and the tag moves`, async (t) => {
    const at = await place(t);
    if (!at) return;
    const made = await build(at, `unstored-${status}`, { job: { attestationStatus: status } });
    assert.equal(made.exit, 0, made.log);
    assert.match(made.warnings.join(), new RegExp(`status ${status}: `));
    assert.match(made.summary, new RegExp(`warning: .*status ${status}`));
    assert.ok(await made.store.readManifest(TAG));
  });
}

test("a token of another commit than the runner's is refused before anything is built", async (t) => {
  const at = await place(t);
  if (!at) return;
  const tokenClaims = githubClaims({ repository: `${at.namespace}/other-commit`, sha: "c".repeat(40) });
  const made = await build(at, "other-commit", { job: { tokenClaims } });
  assert.equal(made.exit, 1);
  assert.match(made.errors.join(), /identity token's commit is c+/);
  assert.doesNotMatch(made.log, /buildx build/);
});
