import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { z } from "zod";
import { readMarkdown } from "../../scripts/markdown.ts";
import { imageTagsOf } from "../../src/trust/image-tags.ts";
import { parsePolicy } from "../../src/trust/policy.ts";
import { DEFAULT_POLICY_TEXT } from "../../src/trust/policy-default.ts";
import { policySchema } from "../../src/trust/policy-schema.ts";
import { workflowOf } from "../trust/verified.ts";

const page = readFileSync("docs/policy.md", "utf8");
const [example = "", shown = ""] = readMarkdown(page)
  .blocks.filter(({ info }) => info === "yaml")
  .map(({ text }) => text);

const parse = (text: string) => parsePolicy(Buffer.from(text), "policy.yml");

/** Every key that a policy file may have, at any level. */
function keysOf(schema: z.core.$ZodType): readonly string[] {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  switch (def.type) {
    case "object":
      return Object.entries(def.shape).flatMap(([key, field]) => [key, ...keysOf(field)]);
    case "array":
      return keysOf(def.element);
    case "union":
      return def.options.flatMap(keysOf);
    case "optional":
    case "default":
    case "prefault":
      return keysOf(def.innerType);
    case "pipe":
      return [...keysOf(def.in), ...keysOf(def.out)];
    default:
      return [];
  }
}

test("the example of docs/policy.md is a policy", () => {
  const policy = parse(example);
  assert.equal(policy.builders.length, 1);
  assert.equal(policy.roots.length, 1);
  assert.equal(policy.revoked.length, 1);
  assert.equal(policy.builds.length, 1);
});

test("R26 the example of docs/policy.md gives an image the tags that the page says, and none where it says none", () => {
  const [build] = parse(example).builds;
  assert.ok(build);
  assert.deepEqual(imageTagsOf(build, "v1.2.3"), { kind: "tags", tags: ["1.2.3", "v1.2.3", "latest"] });
  assert.match(page, /of `v1\.2\.3` the example\s+above makes `1\.2\.3`, `v1\.2\.3` and `latest`/);
  for (const tag of ["release/1.0", "1.0+build", "1".repeat(129)])
    assert.equal(imageTagsOf(build, tag).kind, "unusable", tag);
  for (const tag of ["release/1.0", "1.0+build", "more than 128"]) assert.ok(page.includes(tag), tag);
});

test("docs/policy.md names every key that a policy may have", () => {
  const keys = new Set(keysOf(policySchema));
  assert.ok(keys.size > 20, "the keys of the schema were found");
  const named = new Set([...page.matchAll(/[\w-]+/g)].map(([word]) => word));
  assert.deepEqual(
    [...keys].filter((key) => !named.has(key)),
    [],
  );
});

test("the defaults are those that docs/policy.md tells", () => {
  const { builders, roles, platforms, roots, revoked, builds, allow } = parse(
    "version: 1\ntrust: { builders: [{ images: [ghcr.io/acme/app], github: { repository: acme/app, workflow: a/b/.github/workflows/c.yml@refs/heads/main } }] }\n",
  );
  const builder = workflowOf(builders[0]);
  assert.equal(builder.level, 2);
  assert.equal(builder.builds, false);
  assert.equal(builder.runner, "github-hosted");
  assert.deepEqual(builder.events, ["push", "release", "workflow_dispatch"]);
  assert.deepEqual(
    builder.refs.map(({ pattern }) => pattern),
    ["refs/tags/**"],
  );
  assert.equal(builder.server, "https://github.com");
  assert.deepEqual(roles, { input: "attested", frontend: "attested", tool: "attested" });
  assert.deepEqual(allow, {
    network: true,
    localContext: false,
    httpWithoutChecksum: [],
    cache: true,
    privileged: true,
    layouts: [],
  });
  assert.deepEqual(allow, {
    network: true,
    localContext: false,
    httpWithoutChecksum: [],
    cache: true,
    privileged: true,
    layouts: [],
  });
  const [build] = parse("version: 1\nbuilds: [{ image: ghcr.io/acme/app }]\n").builds;
  assert.deepEqual(
    [build?.dockerfile, build?.imageTags, build?.workflow, build?.tags],
    ["Dockerfile", ["{tag}"], "trusted-builds.yml", undefined],
  );
  assert.deepEqual({ platforms, roots, revoked, builds }, { platforms: undefined, roots: [], revoked: [], builds: [] });
});

test("the default policy of docs/policy.md is the one that holds", () => {
  assert.equal(shown, DEFAULT_POLICY_TEXT.trimEnd());
});
