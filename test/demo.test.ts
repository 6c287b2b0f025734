import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";
import { toolchain } from "./world/toolchain.ts";

test("the README's demo builds, signs and judges for real, and tells the trusted chain from the one with an unsigned grandparent", async (t) => {
  if (!(await toolchain(t))) return;
  const { stdout } = await promisify(execFile)(process.execPath, ["scripts/demo.ts"], {
    env: { ...process.env, NO_COLOR: "1" },
  });
  assert.match(stdout, /✔ TRUSTED/);
  assert.match(stdout, /✖ UNTRUSTED/);
  assert.match(stdout, /✖ unattested base .*\/base:1\.0\.0/);
  assert.match(stdout, /✖ unattested {2}\S+\/app:\S+ → base \S+\/runtime:\S+ → base \S+\/base:/);
});
