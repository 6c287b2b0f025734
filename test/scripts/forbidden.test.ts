import assert from "node:assert/strict";
import { test } from "node:test";
import { forbiddenIn } from "../../scripts/forbidden.ts";

// Put together here, so that this file passes the check it tests.
const REFUSED: readonly (readonly [name: string, path: string, text: string])[] = [
  ["a path of one machine", "a.md", `see /${"work"}/shared/x`],
  ["the home folder of a person", "a.ts", `const x = "/${"home"}/jo/x";`],
  ["a registry's host", "a.json", `https://${"registry.npm"}js.org/x`],
  ["a host in the lock file", "package-lock.json", `"resolved${'": "'}https://npm.example/x.tgz"`],
  ["a test that runs alone", "a.test.ts", `test${".only"}("x", () => {});`],
  ["a test that is left out", "a.test.ts", `test${".skip"}("x", () => {});`],
  ["a test that is left out by an option", "a.test.ts", `test("x", { ${"skip"}: true }, () => {});`],
  ["a hidden type error", "a.ts", `// @ts${"-ignore"}`],
  ["a hidden lint finding", "a.ts", `// biome${"-ignore"} lint: x`],
  ["a cast to any", "a.ts", `x ${"as"} any`],
  ["a note to oneself", "a.ts", `// ${"TO"}DO x`],
  ["the mark of a merge conflict", "a.md", `${"<".repeat(7)} HEAD`],
];

for (const [name, path, text] of REFUSED) {
  test(`the check refuses ${name}`, () => assert.equal(forbiddenIn(path, `one line\n${text}\n`).length, 1));
}

test("the check names the line", () => {
  assert.match(forbiddenIn("a.ts", `\n\nx ${"as"} any`)[0] ?? "", /^3:/);
});

test("the check permits what only looks like it", () => {
  for (const text of [
    "src/work/x.ts",
    "https://example.com/work/x",
    "../shared/work/x",
    't.skip("no network")',
    "skip: absent",
    "as anyone knows",
    '"resolved": false',
    "registry-1.docker.io",
  ]) {
    assert.deepEqual(forbiddenIn("a.ts", text), [], text);
  }
});
