import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";
import { toolchain } from "./world/toolchain.ts";

const demo = async (...args: readonly string[]) => {
  const env = { ...process.env, NO_COLOR: "1" };
  const { stdout } = await promisify(execFile)(process.execPath, ["scripts/demo.ts", "--once", ...args], { env });
  return stdout;
};

function tellsAll(stdout: string): void {
  assert.match(stdout, /✔ success {2}trusted-builds \/ tag \(\S+\/acme\/app\)\n {2}trusted: 3 images down to scratch/);
  assert.match(stdout, /✖ failure {2}trusted-builds \/ tag \(\S+\/acme\/shop\)/);
  assert.match(stdout, /its grandparent: \S+\/shop:\S+ → base \S+\/service:\S+ → base \S+\/handmade:/);
  assert.match(stdout, /page {2}http:\S+\/builds\//);
  assert.match(
    stdout,
    /✖ failure {2}trusted-builds \/ pull request\n {2}untrusted: \S+\/handmade:\S+ is unattested, and new here/,
  );
  assert.match(stdout, /\/v1\/images\/\S+\/acme\/app:v1\.0\.0\n {2}✔ trusted\n/);
  assert.match(stdout, /\/v1\/images\/\S+\/acme\/shop:v1\.0\.0\n {2}✖ untrusted, unattested: \S+\/handmade:v1\.0\.0\n/);
  assert.match(stdout, /badge {3}http:\S+\/app:v1\.0\.0\.svg {2}says "✔ trusted"/);
  assert.match(
    stdout,
    /verify --server \S+ --server-key builds\.pem \S+\n(?: {2}│.*\n)* {2}│ ✔ TRUSTED {2}\S+\/acme\/app:v1\.0\.0@/,
  );
  assert.match(stdout, /All verdicts are as they must be/);
}

test("the README's demo builds for real where there is a docker, and tells the trusted chain from the one on a hand-pushed base", async (t) => {
  if (!(await toolchain(t))) return;
  const stdout = await demo();
  assert.match(stdout, /docker +docker buildx/);
  tellsAll(stdout);
});

test("without docker the demo says so, assembles its images itself, and comes to the same verdicts", async () => {
  const stdout = await demo("--without-docker");
  assert.match(stdout, /docker +none: asked for; the demo assembles its images itself/);
  tellsAll(stdout);
});
