import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf } from "../../src/image/digest.ts";
import type { ImageReference, PinnedImage } from "../../src/image/reference.ts";
import { parseReference, pin } from "../../src/image/reference.ts";
import { sourcePolicyJson } from "../../src/report/source-policy.ts";

const DIGEST = digestOf(Buffer.from("image"));
const admitted = (text: string) => {
  const asked = parseReference(text);
  return { asked, pinned: pin(asked, DIGEST) };
};
const rulesOf = (text: string, denyOthers = false): readonly string[] =>
  JSON.parse(sourcePolicyJson(text === "" ? [] : [admitted(text)], denyOthers)).rules.map(
    (rule: { action: string; selector: { identifier: string }; updates?: { identifier: string } }) =>
      [rule.action, rule.selector.identifier, rule.updates?.identifier].filter(Boolean).join(" "),
  );
const DENY = ["DENY docker-image*", "DENY oci-layout*"];

test("a tag is converted to its digest, and that alone allowed, after all images are denied", () => {
  const name = "docker-image://docker.io/library/alpine:3.22";
  assert.deepEqual(rulesOf("alpine:3.22"), [...DENY, `CONVERT ${name} ${name}@${DIGEST}`, `ALLOW ${name}@${DIGEST}`]);
});

test("a digest is allowed as it is, and converted to no name of itself, over and over", () => {
  const name = `docker-image://ghcr.io/acme/app@${DIGEST}`;
  assert.deepEqual(rulesOf(`ghcr.io/acme/app@${DIGEST}`), [...DENY, `ALLOW ${name}`]);
});

test("without any image every image is denied: a policy without rules would be none", () => {
  assert.deepEqual(rulesOf(""), DENY);
  assert.deepEqual(rulesOf("", true), ["DENY *", "ALLOW local://*"]);
});

test("nothing that BuildKit takes for a pattern or a placeholder gets into a rule", () => {
  assert.equal(rulesOf("[::1]:5000/acme/app:1").length, 4);
  for (const repository of ["acme/*", `acme/\${1}`, "acme/a b", 'acme/"']) {
    const asked: ImageReference = { registry: "ghcr.io", repository, tag: "1" };
    const pinned: PinnedImage = { ...asked, digest: DIGEST };
    assert.throws(() => sourcePolicyJson([{ asked, pinned }], false), repository);
  }
});
