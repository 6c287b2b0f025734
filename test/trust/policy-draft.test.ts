import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type PinnedImage, parseReference } from "../../src/image/reference.ts";
import { parsePolicy } from "../../src/trust/policy.ts";
import { type PolicyDraft, writePolicy } from "../../src/trust/policy-draft.ts";
import { policyWarnings } from "../../src/trust/policy-warnings.ts";
import { readPolicyYaml } from "../../src/trust/policy-yaml.ts";
import { bytesOf } from "./world.ts";

const NOW = new Date("2026-11-27T12:00:00Z");
const root = parseReference(`docker.io/library/alpine:3.22@sha256:${"a".repeat(64)}`) as PinnedImage;
const draft: PolicyDraft = {
  enforce: "ratchet",
  builds: [
    {
      image: "ghcr.io/acme/app",
      dockerfile: "Dockerfile",
      context: "api",
      platforms: ["linux/amd64", "linux/arm64"],
      tags: ["v*"],
    },
  ],
  builders: [
    {
      images: ["ghcr.io/acme/app"],
      repository: "acme/app",
      repositoryId: 99,
      ownerId: 1234,
      workflow: "trusted-builds/trusted-builds/.github/workflows/build.yml@refs/tags/v*",
    },
  ],
  publishers: ["docker-hardened-images", { owner: "moby", ownerId: 5, images: "ghcr.io/moby/{repo}" }],
  roots: [root],
};

test("a draft is a policy that says what it says, and that nobody warns of", () => {
  const policy = parsePolicy(bytesOf(writePolicy(draft)), "trusted-builds.yml");
  assert.deepEqual(policyWarnings(policy, NOW), []);
  assert.equal(policy.enforce, "ratchet");
  const [build] = policy.builds;
  assert.deepEqual([build?.image, build?.context, build?.dockerfile], ["ghcr.io/acme/app", "api", "Dockerfile"]);
  assert.deepEqual(
    policy.publishers.map(({ name }) => name),
    ["docker-hardened-images"],
  );
});

test("R27 an image that nothing covers is suggested in a comment alone, and trusted by nobody", () => {
  const text = writePolicy(draft);
  assert.deepEqual(parsePolicy(bytesOf(text), "").roots, []);
  // With a person's reason and day it becomes a root of that digest.
  const [before = "", after = ""] = text.split("#   roots:");
  const taken = `${before}  roots:${after.replaceAll("\n# ", "\n").replace("# say why", "looked at").replace("# YYYY-MM-DD", "2027-01-01")}`;
  assert.deepEqual(
    parsePolicy(bytesOf(taken), "").roots.map(({ image }) => image.digest),
    [root.digest],
  );
});

test("no path and no git tag of strangers becomes anything but a text in the policy", () => {
  const hostile = fc.oneof(
    fc.string({ unit: "binary", maxLength: 60 }),
    fc.constantFrom(
      "v*\ntrust:\n  roots: []",
      'a"\n- image: evil',
      "*alias",
      "&anchor",
      "!!js/function x",
      "? a : b",
      "{a: b}",
      "# comment",
      "a: b",
      "---",
      "...",
      "%YAML 1.1",
      "1e3",
      "null",
      "\u2028x: y",
      "<<",
    ),
  );
  const well = hostile.filter((text) => text.isWellFormed());
  fc.assert(
    fc.property(well, well, well, (dockerfile, context, tag) => {
      const [build] = draft.builds;
      assert.ok(build);
      const text = writePolicy({ ...draft, builds: [{ ...build, dockerfile, context, tags: [tag, "v*"] }] });
      const { value, faults } = readPolicyYaml(bytesOf(text), "");
      assert.deepEqual(faults, []);
      const { builds, trust, ...rest } = value as { builds: unknown; trust: object };
      assert.deepEqual(builds, [
        { image: build.image, context, dockerfile, platforms: build.platforms, tags: [tag, "v*"] },
      ]);
      assert.deepEqual([Object.keys(trust), rest], [["builders", "publishers"], { version: 1, enforce: "ratchet" }]);
    }),
  );
});
