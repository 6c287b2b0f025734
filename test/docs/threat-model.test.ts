import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { allTests } from "../../scripts/docs.ts";

const page = readFileSync("docs/threat-model.md", "utf8");

test("every test that docs/threat-model.md names exists", () => {
  const exists = new Set(allTests().map(({ file, name }) => `${file}: ${name}`));
  const named = [...page.matchAll(/`([^`]+)` in \[[^\]]*\]\(\.\.\/([^)]+)\)/g)].map(
    ([, name, file]) => `${file}: ${name}`,
  );
  assert.ok(named.length > 30, "the names were found");
  assert.deepEqual(
    named.filter((each) => !exists.has(each)),
    [],
  );
});

test("every lie in docs/threat-model.md has a test that shows it, or says that there is none", () => {
  const rows = page.split("\n").filter((line) => /^\| (?!the lie)[^-]/.test(line));
  assert.ok(rows.length > 20, "the rows were found");
  for (const row of rows) assert.match(row, /` in \[|\| none \|$/);
});
