import assert from "node:assert/strict";
import { test } from "node:test";
import { parsePlatform } from "../../src/image/platform.ts";
import { verdictDocument } from "../../src/report/json.ts";
import { verdictText } from "../../src/report/text.ts";
import { versionWords } from "../../src/report/version-words.ts";
import type { Verdict } from "../../src/trust/verdict.ts";
import type { Version } from "../../src/trust/versions.ts";
import { hostile } from "./hostile.ts";
import { node, verdict } from "./verdicts.ts";

function version(given: Partial<Version> = {}): Version {
  return {
    origin: "https://token.actions.githubusercontent.com 99",
    repository: "https://github.com/acme/app",
    ref: "refs/tags/v1.4.0",
    commit: "a".repeat(40),
    firstSigned: new Date("2026-03-01T10:00:00Z"),
    lastSigned: new Date("2026-03-02T10:00:00Z"),
    nodes: ["app"],
    ...given,
  };
}

/** Of an image for two platforms. */
function of(...versions: readonly Version[]): Verdict {
  const nodes = [node("app"), node("arm", { platform: parsePlatform("linux/arm64") })];
  const platforms = nodes.map(({ id, platform }) => ({
    platform,
    node: id,
    outcome: "trusted" as const,
    counts: true,
    dependencyLevels: {},
  }));
  return verdict(nodes, { platforms, versions });
}

const wordsOf = (...versions: readonly Version[]) => versionWords(verdictDocument(of(...versions)));

test("R26 what stands under a tag is told by git tag, day of signing and commit", () => {
  const words = "v1.4.0 of 2026-03-01, commit aaaaaaaaaaaa";
  assert.equal(wordsOf(version()), words);
  assert.match(verdictText(of(version()), { colour: false }), new RegExp(`^ {2}tag {5}1\\.0\\.0 is ${words}$`, "m"));
  assert.equal(wordsOf(version({ ref: "refs/heads/main" })), "the branch main of 2026-03-01, commit aaaaaaaaaaaa");
});

test("R26 what isn't known of a version isn't made up", () => {
  const unknown = { ref: undefined, commit: undefined, firstSigned: undefined, lastSigned: undefined };
  assert.equal(wordsOf(version(unknown)), "a source that its signer doesn't name, signed nobody can prove when");
  assert.equal(wordsOf(), undefined);
  assert.doesNotMatch(verdictText(of(), { colour: false }), /^ {2}tag/m);
});

test("R26 platforms of several versions are told apart, and called so", () => {
  const older = version({ ref: "refs/tags/v1.3.0", commit: "b".repeat(40), nodes: ["arm"] });
  assert.equal(
    wordsOf(version(), older),
    "v1.4.0 of 2026-03-01, commit aaaaaaaaaaaa (linux/amd64); v1.3.0 of 2026-03-01, commit bbbbbbbbbbbb (linux/arm64): of several versions",
  );
  const both = ["app", "arm"];
  // The same bytes, built twice: one image, whichever tag one calls it by.
  assert.doesNotMatch(wordsOf(version({ nodes: both }), { ...older, nodes: both }) ?? "", /several versions/);
});

test("R26 names of strangers can't paint over what is told of a version", () => {
  const document = verdictDocument(of(version(), version({ ref: "refs/heads/main" }), version({ ref: "main" })));
  const words = versionWords(hostile(document)) ?? "";
  assert.ok(words.includes("octocat"));
  assert.doesNotMatch(words, /[\p{Cc}\p{Cf}]/u);
});
