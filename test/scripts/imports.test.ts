import assert from "node:assert/strict";
import { test } from "node:test";
import { COMPUTED, importsOf, reachableFrom } from "../../scripts/imports.ts";

test("every form of import is found, with the names it takes", () => {
  const text = [
    'import a, { b as c, type D } from "./1.ts";',
    'import type { E } from "./2.ts";',
    'import * as f from "./3.ts";',
    'import "./4.ts";',
    'export { g } from "./5.ts";',
    'export type { H } from "./6.ts";',
    'export * from "./7.ts";',
    'import {\n  i,\n  j,\n} from "./8.ts";',
    'const k = await import("./9.ts");',
    'type L = typeof import("./10.ts");',
    "const m = await import(k);",
    'import type from "./11.ts";',
    'import data from "./12.json" with { type: "json" };',
  ].join("\n");
  const found = importsOf(text).map(({ specifier, typeOnly, names }) => [specifier, typeOnly, ...names]);
  assert.deepEqual(
    new Set(found.map(String)),
    new Set(
      [
        [COMPUTED, false, "*"],
        ["./1.ts", false, "b", "D", "default"],
        ["./2.ts", true, "E"],
        ["./3.ts", false, "*"],
        ["./4.ts", false],
        ["./5.ts", false, "g"],
        ["./6.ts", true, "H"],
        ["./7.ts", false, "*"],
        ["./8.ts", false, "i", "j"],
        ["./9.ts", false, "*"],
        ["./10.ts", true, "*"],
        ["./11.ts", false, "default"],
        ["./12.json", false, "default"],
      ].map(String),
    ),
  );
});

test("what only looks like an import is none", () => {
  const text = [
    '// import { a } from "./1.ts";',
    '/** import("./2.ts") */',
    ' * import b from "./3.ts"',
    "export const from = 1;",
  ];
  assert.deepEqual(importsOf(text.join("\n")), []);
});

test("what a file loads is followed through others, but not through types", () => {
  const files: Record<string, string> = {
    "test/a.test.ts": 'import { b } from "./b.ts";\nimport type { C } from "./c.ts";',
    "test/b.ts": 'import { d } from "./world/d.ts";\nimport { a } from "./a.test.ts";',
    "test/c.ts": 'import "./e.ts";',
  };
  assert.deepEqual([...reachableFrom("test/a.test.ts", (path) => files[path])].sort(), [
    "test/a.test.ts",
    "test/b.ts",
    "test/world/d.ts",
  ]);
});
