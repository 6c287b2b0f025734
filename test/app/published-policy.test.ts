import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { ConfigError } from "../../src/app/config.ts";
import { readPublishedPolicy } from "../../src/app/published-policy.ts";
import { defaultPolicy } from "../../src/trust/policy-default.ts";
import { policyText } from "../build/world.ts";

const SERVER = "https://github.com";

function fileOf(t: TestContext, text: string): string {
  const directory = mkdtempSync(join(tmpdir(), "published-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const file = join(directory, "policy.yml");
  writeFileSync(file, text);
  return file;
}

test("R1 the operator's file is the published policy, under its own name without its directory", (t) => {
  const { policy, bytes, isDefault } = readPublishedPolicy(fileOf(t, policyText()), SERVER);
  assert.equal(policy.name, "policy.yml");
  assert.equal(Buffer.from(bytes).toString(), policyText());
  assert.equal(isDefault, false);
});

test("R5 without a file it is the default one", () => {
  const { policy, isDefault } = readPublishedPolicy(undefined, SERVER);
  assert.equal(policy, defaultPolicy);
  assert.equal(isDefault, true);
});

test("a policy that can't be used ends the start, with line and column, and none takes its place", (t) => {
  const told = (error: unknown) =>
    error instanceof ConfigError && /^POLICY_FILE: .*\d+:\d+/s.test(error.faults[0] ?? "");
  assert.throws(() => readPublishedPolicy(fileOf(t, `${policyText()}\nnonsense: true\n`), SERVER), told);
  assert.throws(() => readPublishedPolicy("/nowhere/policy.yml", SERVER), ConfigError);
});
