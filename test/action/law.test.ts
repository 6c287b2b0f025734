import assert from "node:assert/strict";
import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { type Breach, breachesOf } from "../../scripts/architecture.ts";
import { staleInDist } from "../../scripts/build-action.ts";

const manifest = JSON.parse(readFileSync("package.json", "utf8")) as Record<string, Record<string, string>>;
const [dependencies, bundled] = [manifest.dependencies, manifest.devDependencies].map((list) =>
  Object.keys(list ?? {}),
);

test("the action keeps the law of imports", async () => {
  const sources = globSync("action/src/*.ts").map((path) => ({ path, text: readFileSync(path, "utf8") }));
  assert.ok(sources.length > 5);
  const breaches = await breachesOf(sources, dependencies ?? [], bundled);
  // Here are only the action's files: that others' packages are used is told by the whole.
  assert.deepEqual(
    breaches.filter(({ rule }) => rule !== "unused-package"),
    [],
  );
});

const BREACHES: readonly (readonly [name: string, rule: Breach["rule"], text: string])[] = [
  ["the walk", "inside", 'import { y } from "../../src/trust/ancestry.ts";'],
  ["the verifier", "inside", 'import { y } from "../../src/sigstore/verifier.ts";'],
  ["the scripts", "outside", 'import { y } from "../../scripts/bundle.ts";'],
  ["a package that it doesn't need", "package", 'import { y } from "probot";'],
  ["a connection of its own", "builtin", 'import { request } from "node:http";'],
  ["a program of its own", "builtin", 'import { spawn } from "node:child_process";'],
  ["a request of its own", "global", 'export const x = () => fetch("https://example.com");'],
];

for (const [name, rule, text] of BREACHES) {
  test(`the law refuses the action ${name}`, async () => {
    const breaches = await breachesOf([{ path: "action/src/x.ts", text }], ["probot"], bundled);
    assert.deepEqual(
      breaches.filter((breach) => breach.rule !== "unused-package").map((breach) => breach.rule),
      [rule],
    );
  });
}

test("a package that only the action uses isn't used by src", async () => {
  const source = { path: "action/src/x.ts", text: 'import { z } from "zod";\nexport const x = z;' };
  assert.deepEqual(
    (await breachesOf([source], ["zod"])).map(({ rule }) => rule),
    ["unused-package"],
  );
});

test("what isn't in dist, or isn't what the sources make, is told", async (t) => {
  const empty = mkdtempSync(join(tmpdir(), "dist-"));
  t.after(() => rmSync(empty, { recursive: true, force: true }));
  assert.equal((await staleInDist(empty)).length, 2);
});
