// `node scripts/docs.ts` writes the pages that are made from tests. A test of each holds it current.
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { FAULTS, faultTable } from "../test/faults/fault-table.ts";
import { HARMLESS } from "../test/faults/harmless.ts";
import { type NamedTest, rulesPage, testsIn } from "./rules.ts";

/** The file whose tests the fault table makes. */
const FAULTS_FILE = "test/faults/faults.test.ts";

/** Every test, as far as files and the fault table name it: the store's stand in files that one test file runs on each database. */
export function allTests(): readonly NamedTest[] {
  const named = globSync("test/**/*.ts")
    .sort()
    .flatMap((file) => testsIn(file, readFileSync(file, "utf8")));
  const made = [
    ...FAULTS.map(({ rule, what }) => `${rule} doesn't trust an ancestry where ${what}`),
    ...HARMLESS.map(({ rule, what }) => `${rule} trusts an ancestry where ${what}`),
  ];
  return [...named, ...made.map((name) => ({ file: FAULTS_FILE, name }))];
}

/** Each page with its text. */
export function pages(): Readonly<Record<string, string>> {
  const codes = FAULTS.map(({ rule, code }) => [rule, code] as const);
  return { "docs/fault-table.md": faultTable(), "docs/rules.md": rulesPage(allTests(), codes) };
}

if (import.meta.main) for (const [path, text] of Object.entries(pages())) writeFileSync(path, text);
