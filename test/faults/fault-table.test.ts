import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { FAULTS, faultTable } from "./fault-table.ts";
import { HARMLESS } from "./harmless.ts";
import { SHARED_CODES } from "./shared-codes.ts";

/** The causes of each finding and code, sorted. */
function causesByCode(): readonly {
  readonly kind: string;
  readonly code: string;
  readonly causes: readonly string[];
}[] {
  return [...Map.groupBy(FAULTS, ({ kind, code }) => `${kind} ${code}`).values()].flatMap((faults) => {
    const [first] = faults;
    const causes = [...new Set(faults.map(({ cause }) => cause))].sort();
    return first === undefined ? [] : [{ kind: first.kind, code: first.code, causes }];
  });
}

test("another cause has another code, but for the exceptions that are listed with a reason", () => {
  const shared = causesByCode().filter(({ causes }) => causes.length > 1);
  const byCode = (a: { code: string }, b: { code: string }) => a.code.localeCompare(b.code, "en");
  assert.deepEqual(
    shared.toSorted(byCode),
    SHARED_CODES.map(({ kind, code, causes }) => ({ kind, code, causes: causes.toSorted() })).toSorted(byCode),
  );
});

test("no fault could pass for harmless by its name", () => {
  const names = [...FAULTS, ...HARMLESS].map(({ rule, what }) => `${rule} ${what}`);
  assert.deepEqual(
    names.filter((name, i) => names.indexOf(name) !== i),
    [],
  );
});

test("every fault that we could not look at is undetermined, and no other", () => {
  for (const { what, kind, outcome } of FAULTS) assert.equal(outcome === "undetermined", kind === "unreachable", what);
});

test("docs/fault-table.md is what the tables say", () => {
  assert.equal(readFileSync("docs/fault-table.md", "utf8"), faultTable(), "run node scripts/docs.ts");
});
