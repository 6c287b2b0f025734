import assert from "node:assert/strict";
import { test } from "node:test";
import type { PinnedImage } from "../../src/image/reference.ts";
import { type Policy, parsePolicy } from "../../src/trust/policy.ts";
import { defaultPolicy } from "../../src/trust/policy-default.ts";
import { type Explanation, explain } from "../../src/trust/policy-explain.ts";
import { type BuildOptions, policyOf, signerOf, World } from "./world.ts";

/** What is said of the image, or of the one of that repository. */
async function said(world: World, image: PinnedImage, policy: Policy = policyOf(), repo = "app"): Promise<Explanation> {
  const explanations = explain(policy, await world.judge(image, { policy }));
  const found = explanations.find(({ node }) => new RegExp(`/${repo}[:@]`).test(node.reference));
  assert.ok(found, explanations.map(({ node }) => node.reference).join());
  return found;
}

/** `LINE PATH` of each line that decided. */
const lines = ({ lines: all }: Explanation) => all.map(({ at, path }) => `${at?.line ?? "default"} ${path}`);

/** An app on a base, which is built as told. */
function onBase(options: BuildOptions = {}): { readonly world: World; readonly image: PinnedImage } {
  const world = new World();
  const base = world.build("base", options);
  return { world, image: world.build("app", { base }).image };
}

test("names the entry that accepts the signer, of the image and of its base", async () => {
  const { world, image } = onBase();
  for (const repo of ["app", "base"])
    assert.deepEqual(lines(await said(world, image, policyOf(), repo)), ["4 trust.builders[0]"]);
});

test("names the root, with its line in the file", async () => {
  const { world, image } = onBase({ signed: "nothing" });
  const unattested = await said(world, image, policyOf(), "base");
  assert.deepEqual(lines(unattested), []);
  assert.equal(unattested.missing?.under, "trust.roots");
  // The line that is told is the line that does it.
  const root = unattested.missing?.line.replace("WHY", "x").replace("YYYY-MM-DD", "2099-01-01") ?? "";
  const policy = policyOf({ trust: `  roots:\n    ${root}` });
  const rooted = await said(world, image, policy, "base");
  assert.equal(rooted.node.finding.kind, "root");
  assert.deepEqual(lines(rooted), ["10 trust.roots[0]"]);
  assert.ok(rooted.lines[0]?.at?.text.startsWith("- { image: "));
});

test("names the condition that isn't met of the entry that came nearest", async () => {
  const conditions = {
    "github.repository": { sourceRepositoryUri: "https://github.com/acme/other" },
    "github.workflow": { buildSignerUri: "https://github.com/acme/app/.github/workflows/x.yml@refs/tags/v1" },
    "github.owner-id": { sourceRepositoryOwnerIdentifier: "4321" },
  };
  for (const [key, changes] of Object.entries(conditions)) {
    const world = new World();
    const { image } = world.build("app", { by: signerOf("app", changes) });
    assert.deepEqual(lines(await said(world, image)), [`5 trust.builders[0].${key}`]);
  }
});

test("tells a condition that isn't written by its default, with the entry's line", async () => {
  for (const [key, changes] of [
    ["refs", { sourceRepositoryRef: "refs/heads/main" }],
    ["events", { buildTrigger: "schedule" }],
    ["runner", { runnerEnvironment: "self-hosted" }],
  ] as const) {
    const world = new World();
    const { image } = world.build("app", { by: signerOf("app", changes) });
    const explanation = await said(world, image);
    assert.deepEqual(lines(explanation), [`5 trust.builders[0].github.${key}`]);
    // What is missing is a whole entry, and it is one.
    const entry = explanation.missing?.line ?? "";
    const policy = policyOf({ more: `    ${entry}` });
    assert.notEqual((await said(world, image, policy)).node.finding.kind, "refused", entry);
  }
});

test("tells the entry that would have to be added where none is for such images", async () => {
  const world = new World();
  const { image } = world.build("app");
  const nobody = parsePolicy(Buffer.from("version: 1\n"), "policy.yml");
  const explanation = await said(world, image, nobody);
  assert.deepEqual([lines(explanation), explanation.missing?.under], [[], "trust.builders"]);
  const policy = parsePolicy(Buffer.from(`version: 1\ntrust:\n  builders:\n    ${explanation.missing?.line}\n`), "p");
  assert.notEqual((await said(world, image, policy)).node.finding.kind, "refused");
});

test("R19 names the role that keeps an image from being judged, and what it was to the others", async () => {
  const world = new World();
  const frontend = world.build("frontend", { signed: "nothing" });
  const { image } = world.build("app", { frontend, pinned: true });
  const policy = (rule: string) => policyOf({ trust: `  roles: { frontends: ${rule} }` });
  for (const rule of ["allow", "pinned"])
    assert.deepEqual(lines(await said(world, image, policy(rule), "frontend")), ["9 trust.roles.frontends"]);
  const unpinned = new World();
  const other = unpinned.build("frontend", { signed: "nothing" });
  const app = unpinned.build("app", { frontend: other });
  const found = await said(unpinned, app.image, policy("pinned"), "frontend");
  assert.deepEqual([lines(found), found.node.finding.kind], [["9 trust.roles.frontends"], "unresolved"]);
});

test("R27 names the revocation that is met, and no other of the same reason", async () => {
  const { world, image } = onBase();
  const { digest } = (await said(world, image, policyOf(), "base")).node;
  const other = `{ digest: "sha256:${"1".repeat(64)}", reason: bad }`;
  const policy = policyOf({ trust: `  revoked:\n    - ${other}\n    - { digest: "${digest}", reason: bad }` });
  assert.deepEqual(lines(await said(world, image, policy, "base")), ["11 trust.revoked[1]"]);
  const signer = policyOf({
    trust: `  revoked:\n    - { identity: "https://github.com/acme/builder/**@**", reason: bad }`,
  });
  assert.deepEqual(lines(await said(world, image, signer)), ["10 trust.revoked[0]"]);
});

test("R27 names a root that has expired", async () => {
  const { world, image } = onBase({ signed: "nothing" });
  const { node } = await said(world, image, policyOf(), "base");
  const root = `{ image: "ghcr.io/acme/base@${node.index ?? node.digest}", reason: x, expires: 2026-01-01 }`;
  const policy = policyOf({ trust: `  roots:\n    - ${root}` });
  assert.deepEqual(lines(await said(world, image, policy, "base")), ["10 trust.roots[0].expires"]);
});

test("R20 names the default that doesn't let in what went in", async () => {
  const world = new World();
  const { image } = world.build("app", { local: true, base: world.build("base") });
  const { node, lines: decided } = await said(world, image);
  assert.deepEqual(
    [node.finding.kind, decided.map(({ path, at }) => [path, at])],
    ["opaque", [["trust.allow.local-context", undefined]]],
  );
});

test("R5 explains the default policy by its own text", async () => {
  const world = new World();
  const by = signerOf("app", { buildSignerUri: "https://github.com/acme/app/.github/workflows/x.yml@refs/tags/v1" });
  const { image } = world.build("app", { by });
  assert.deepEqual(lines(await said(world, image, defaultPolicy)), ["4 trust.builders[0]"]);
  const other = new World();
  const foreign = signerOf("app", { sourceRepositoryOwnerUri: "https://github.com/evil" });
  const refused = await said(other, other.build("app", { by: foreign }).image, defaultPolicy);
  assert.deepEqual(lines(refused), ["6 trust.builders[0].github.owner"]);
});
