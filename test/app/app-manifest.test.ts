import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { parseDocument } from "yaml";
import { APP, manifestFor, WRITING } from "../../src/app/manifest.ts";

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
  assert.deepEqual(manifest.default_events, ["push", "workflow_run", "check_run", "pull_request", "repository"]);
  assert.equal(manifest.public, false);
});

test("every permission and event of the app has its reason above it", () => {
  const lines = text.split("\n");
  for (const name of [...Object.keys(manifest.default_permissions), ...manifest.default_events]) {
    const at = lines.findIndex((line) => new RegExp(`^ {2}(?:- )?${name}(?::|$)`).test(line));
    assert.match(lines[at - 1] ?? "", /^ {2}# ./, name);
  }
});

test("R33: the app that set-up registers is that of app.yml, and asks to write only where somebody chose so", () => {
  const { hook_attributes, ...asked } = parseDocument(text).toJS() as Record<string, unknown>;
  assert.deepEqual(asked, APP);
  const manifest = manifestFor("https://builds.example.org", "https://builds.example.org/setup/callback", false);
  assert.deepEqual(manifest.default_permissions, APP.default_permissions);
  assert.deepEqual(manifest.hook_attributes, { ...(hook_attributes as object), active: true });
  const writing = manifestFor("https://builds.example.org", "https://builds.example.org/setup/callback", true);
  assert.deepEqual(writing.default_permissions, { ...APP.default_permissions, ...WRITING });
  for (const [name, access] of Object.entries(WRITING))
    assert.match(text, new RegExp(`^ {2}# +${name}: ${access} `, "m"));
});
