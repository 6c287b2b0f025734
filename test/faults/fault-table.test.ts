import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { FAULTS, faultTable } from "./fault-table.ts";
import { HARMLESS } from "./harmless.ts";
import { SHARED_CODES } from "./shared-codes.ts";
import { UNREACHED_CODES } from "./unreached-codes.ts";

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

/** The codes of a verdict's faults, as the unions of the sources name them. */
function namedCodes(): readonly string[] {
  const files = ["src/trust/finding.ts", "src/trust/ports.ts", "src/image/manifest.ts", "src/image/json.ts"];
  const unions = files.flatMap((file) => {
    const code = readFileSync(file, "utf8").replace(/\/\*.*?\*\//gs, "");
    return [...code.matchAll(/^export type \w+Code =([^;]*);/gm)];
  });
  assert.ok(unions.length >= 11, "the unions were found");
  const own = unions.flatMap(([, members = ""]) =>
    [...members.matchAll(/\| "([a-z0-9-]+)"/g)].map(([, code = ""]) => code),
  );
  // Findings without a code of their own are told by their kind, and an index that is wrong as a whole by none.
  const kinds = ["unattested", "revoked", "cycle", "limit", "undeclared-base", "mixed-index"];
  return [...new Set([...own, ...kinds, "malformed-archive", "size-mismatch"])];
}

test("every code of a verdict is reached by a mutation, but for the exceptions that are listed with a reason", () => {
  const reached = new Set(FAULTS.map(({ code }) => code));
  assert.deepEqual(
    namedCodes()
      .filter((code) => !reached.has(code))
      .toSorted(),
    UNREACHED_CODES.map(({ code }) => code).toSorted(),
  );
  for (const { code, test: file } of UNREACHED_CODES)
    assert.ok(readFileSync(file, "utf8").includes(`"${code}"`), `${code} in ${file}`);
});

test("no mutation is told by a code that no union names", () => {
  const named = new Set(namedCodes());
  assert.deepEqual(
    FAULTS.filter(({ code }) => !named.has(code)).map(({ what, code }) => `${code}: ${what}`),
    [],
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
