import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { parseDocument } from "yaml";

const text = readFileSync("app.yml", "utf8");
const manifest = parseDocument(text).toJS() as {
  default_permissions: Record<string, string>;
  default_events: string[];
  public: boolean;
};

test("R33: the app asks for what verifying needs, and for nothing that writes to a repository", () => {
  assert.deepEqual(manifest.default_permissions, {
    contents: "read",
    checks: "write",
    actions: "write",
    pull_requests: "read",
    metadata: "read",
  });
  assert.deepEqual(manifest.default_events, ["push", "workflow_run", "check_run", "pull_request"]);
  assert.equal(manifest.public, false);
});

test("every permission and event of the app has its reason above it", () => {
  const lines = text.split("\n");
  for (const name of [...Object.keys(manifest.default_permissions), ...manifest.default_events]) {
    const at = lines.findIndex((line) => new RegExp(`^ {2}(?:- )?${name}(?::|$)`).test(line));
    assert.match(lines[at - 1] ?? "", /^ {2}# ./, name);
  }
});
