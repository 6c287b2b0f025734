import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { CALLER_WORKFLOW } from "../../src/change/caller-workflow.ts";

test("the workflow that is proposed is the one that the documents have, to the letter", () => {
  const page = readFileSync(new URL("../../docs/app.md", import.meta.url), "utf8");
  const [, shown = ""] = /```yaml\n( {3}name: Trusted builds\n[\s\S]*?)\n {3}```/.exec(page) ?? [];
  assert.equal(`${shown.replaceAll(/^ {3}/gm, "")}\n`, CALLER_WORKFLOW);
});
