import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import { readMarkdown } from "../../scripts/markdown.ts";
import { parsePolicy } from "../../src/trust/policy.ts";
import { keyPaths, policyJsonSchema } from "../../src/trust/policy-json-schema.ts";
import { POLICY_KEYS } from "../../src/trust/policy-keys.ts";
import { readPolicyYaml } from "../../src/trust/policy-yaml.ts";

const schema = policyJsonSchema();
// `uri` is the one format: whoever checks it may refuse more than we do.
const validate = new Ajv2020({ strict: true, allowUnionTypes: true, formats: { uri: true } }).compile(schema);

const isTaken = (text: string) => validate(readPolicyYaml(Buffer.from(text), "policy.yml").value);
const page = readMarkdown(readFileSync("docs/policy.md", "utf8"));
const examples = page.blocks.filter(({ info, text }) => info.startsWith("yaml") && !text.includes('owner: "{owner}"'));

test("docs/policy.schema.json is the schema", () => {
  assert.deepEqual(JSON.parse(readFileSync("docs/policy.schema.json", "utf8")), schema);
});

test("the schema takes what can be used as a policy", () => {
  assert.ok(examples.length >= 2);
  const texts = [
    ...examples.map(({ text }) => text),
    "version: 1\n",
    "version: 1\ntrust: { publishers: [chainguard, { github-actions: { owner: a, owner-id: 1, images: ['ghcr.io/a/{repo}'] } }] }\n",
    "version: 1\nbuilds: [{ image: app, build-args: { A: 1, B: true, C: x } }]\n",
    'version: 1\ntrust: { builders: [{ images: [ghcr.io/a/b], github: { repository: a/b, owner-id: "7", workflow: a/b/.github/workflows/c.yml@refs/tags/v1 } }] }\n',
  ];
  for (const text of texts) {
    parsePolicy(Buffer.from(text), "policy.yml");
    assert.ok(isTaken(text), `${JSON.stringify(validate.errors)}\n${text}`);
  }
});

test("the schema refuses what an editor can see to be none", () => {
  const wrong = [
    "version: 2\n",
    "trust: {}\n",
    "version: 1\nbuild: []\n",
    "version: 1\ntrust: { roles: { inputs: yes } }\n",
    "version: 1\ntrust: { builders: [{ images: [] }] }\n",
    "version: 1\ntrust: { builders: [{ images: [a], level: 4 }] }\n",
    "version: 1\ntrust: { roots: [{ image: a, reason: x }] }\n",
    "version: 1\ntrust: { revoked: [{ reason: x }] }\n",
    "version: 1\ntrust: { publishers: [nobody] }\n",
  ];
  for (const text of wrong) {
    assert.throws(() => parsePolicy(Buffer.from(text), "policy.yml"), text);
    assert.ok(!isTaken(text), text);
  }
});

test("the schema has words for every key, and for no other", () => {
  const paths = keyPaths();
  assert.ok(paths.length > 90);
  assert.deepEqual(Object.keys(POLICY_KEYS).toSorted(), paths.toSorted());
});
