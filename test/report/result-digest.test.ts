import assert from "node:assert/strict";
import { test } from "node:test";
import { type VerdictDocument, verdictDocument } from "../../src/report/json.ts";
import { resultDigest } from "../../src/report/result-digest.ts";
import { World } from "../trust/world.ts";

const scene = new World();
const document = verdictDocument(await scene.judge(scene.build("app").image));
const digest = resultDigest(document);

test("R34 the digest of the result doesn't depend on what this machine calls things, nor on the order of keys", () => {
  const [node] = document.nodes;
  assert.ok(node && node.statements.length > 0);
  const nodes = document.nodes.map((each) => ({
    ...each,
    statements: each.statements.map((statement) => ({ ...statement, trustedRoot: "another.json" })),
  }));
  const others: readonly VerdictDocument[] = [
    { ...document, policy: { ...document.policy, name: "another.yml" } },
    { ...document, image: { ...document.image, origin: { place: "oci:DIR", namedBy: "asker" } } },
    { ...document, nodes },
    Object.fromEntries(Object.entries(document).reverse()) as VerdictDocument,
  ];
  assert.deepEqual(
    others.map((other) => resultDigest(other)),
    others.map(() => digest),
  );
});

test("R34 the digest of the result depends on all that the verdict says", () => {
  const others: readonly VerdictDocument[] = [
    { ...document, verdict: "undetermined" },
    { ...document, asOf: "2001-01-01T00:00:00.000Z" },
    { ...document, policy: { ...document.policy, digest: `sha256:${"0".repeat(64)}` } },
    { ...document, image: { ...document.image, reference: "another" } },
    { ...document, nodes: document.nodes.slice(1) },
    { ...document, nodes: document.nodes.map((node) => ({ ...node, statements: [] })) },
  ];
  assert.equal(new Set([digest, ...others.map(resultDigest)]).size, others.length + 1);
});
