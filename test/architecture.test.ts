import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { build } from "esbuild";
import { type Breach, breachesOf, LAW, type Source } from "../scripts/architecture.ts";
import { importsOf, resolveImport } from "../scripts/imports.ts";

const paths = globSync("src/**/*.ts").sort();
const sources = paths.map((path): Source => ({ path, text: readFileSync(path, "utf8") }));
const manifest = JSON.parse(readFileSync("package.json", "utf8")) as { dependencies: Record<string, string> };

/** The rules that one made-up file breaks. */
async function broken(path: string, text: string, beside: readonly Source[] = []): Promise<readonly Breach["rule"][]> {
  const packages = importsOf(text).flatMap(({ specifier }) => (/^[.n(]/.test(specifier) ? [] : [specifier]));
  return (await breachesOf([{ path, text }, ...beside], packages)).map((breach) => breach.rule);
}

test("the project keeps the law of imports", async () => {
  assert.ok(sources.length > 0, "no files found: the test runs from the project's root");
  assert.deepEqual(await breachesOf(sources, Object.keys(manifest.dependencies)), []);
});

test("the scanner misses no import that the bundler finds", async () => {
  const { metafile } = await build({
    entryPoints: paths,
    bundle: true,
    packages: "external",
    platform: "node",
    format: "esm",
    write: false,
    metafile: true,
    outdir: "dist",
    logLevel: "silent",
  });
  let compared = 0;
  for (const [path, { imports }] of Object.entries(metafile.inputs)) {
    if (!path.endsWith(".ts")) continue;
    const scanned = importsOf(readFileSync(path, "utf8")).map(
      ({ specifier }) => resolveImport(path, specifier) ?? specifier,
    );
    for (const each of imports) {
      compared += 1;
      assert.ok(
        scanned.includes(each.external ? each.path : (resolveImport(path, each.original ?? "") ?? "")),
        `${path}: ${each.path}`,
      );
    }
  }
  assert.ok(compared > 0);
});

test("the law names every folder of the plan", () => {
  assert.deepEqual(
    Object.keys(LAW).sort(),
    [
      "admission",
      "answer",
      "api",
      "app",
      "archive",
      "attestation",
      "build",
      "change",
      "cli",
      "github",
      "image",
      "layer",
      "registry",
      "report",
      "signer",
      "sigstore",
      "store",
      "trust",
    ].sort(),
  );
});

const BREACHES: readonly (readonly [name: string, rule: Breach["rule"], path: string, text: string])[] = [
  ["a folder that isn't in the plan", "folder", "src/core/x.ts", "export const x = 1;"],
  ["a file beside the folders", "folder", "src/x.ts", "export const x = 1;"],
  ["a file called utils", "name", "src/image/utils.ts", "export const x = 1;"],
  ["a file called types", "name", "src/image/json-types.ts", "export const x = 1;"],
  ["an index file", "name", "src/image/index.ts", "export const x = 1;"],
  ["an import against the direction", "inside", "src/image/x.ts", 'import { y } from "../trust/y.ts";'],
  ["a type-only import against the direction", "inside", "src/image/x.ts", 'import type { Y } from "../trust/y.ts";'],
  ["an adapter that imports another", "inside", "src/registry/x.ts", 'import { y } from "../sigstore/y.ts";'],
  [
    "an adapter that imports more of trust than its ports",
    "inside",
    "src/registry/x.ts",
    'import { y } from "../trust/policy.ts";',
  ],
  [
    "a re-export against the direction",
    "inside",
    "src/image/x.ts",
    'export const x = 1;\nexport { y } from "../app/y.ts";',
  ],
  ["an import of several lines", "inside", "src/image/x.ts", 'import {\n  a,\n  b,\n} from "../app/y.ts";'],
  ["an import() against the direction", "inside", "src/image/x.ts", 'export const x = () => import("../app/y.ts");'],
  ["an import() that is computed", "computed-import", "src/app/x.ts", "export const x = (y: string) => import(y);"],
  ["an import of test code", "outside", "src/app/x.ts", 'import { y } from "../../test/y.ts";'],
  [
    "package.json in a pure folder",
    "outside",
    "src/image/x.ts",
    'import x from "../../package.json" with { type: "json" };',
  ],
  ["a package that the folder doesn't need", "package", "src/image/x.ts", 'import { fetch } from "undici";'],
  ["a builtin in a pure folder", "builtin", "src/trust/x.ts", 'import { readFileSync } from "node:fs";'],
  ["randomness from node:crypto", "crypto", "src/trust/x.ts", 'import { createHash, randomBytes } from "node:crypto";'],
  ["node:crypto as a whole", "crypto", "src/trust/x.ts", 'import * as crypto from "node:crypto";'],
  ["randomness where layers are hashed", "crypto", "src/layer/x.ts", 'import { randomBytes } from "node:crypto";'],
  ["a file where layers are hashed", "builtin", "src/layer/x.ts", 'import { readFileSync } from "node:fs";'],
  ["a barrel", "barrel", "src/image/x.ts", '/** All. */\nexport { y } from "./y.ts";\nexport * from "./z.ts";'],
  ["the environment in a pure folder", "global", "src/trust/x.ts", "export const x = process.env.HOME;"],
  ["the environment in an adapter", "global", "src/registry/x.ts", "export const x = process.env.HOME;"],
  ["the environment through globalThis", "global", "src/trust/x.ts", 'export const x = globalThis["process"];'],
  ["the network", "global", "src/trust/x.ts", 'export const x = () => fetch("http://a");'],
  ["a timer", "global", "src/trust/x.ts", "setTimeout(() => {}, 1);"],
  ["the global crypto", "global", "src/trust/x.ts", "export const x = crypto.randomUUID();"],
  ["eval", "global", "src/trust/x.ts", 'export const x = eval("1");'],
  ["Date.now()", "global", "src/trust/x.ts", "export const x = Date.now();"],
  ["new Date()", "global", "src/trust/x.ts", "export const x = new Date();"],
  ["new Date without parentheses", "global", "src/trust/x.ts", "export const x = new Date;"],
  ["Date as a function", "global", "src/trust/x.ts", "export const x = Date();"],
  ["Date under another name", "global", "src/trust/x.ts", "const D = Date; export const x = new D();"],
  ["Math.random()", "global", "src/trust/x.ts", "export const x = Math.random();"],
  ["Math.random taken out", "global", "src/trust/x.ts", "export const { random } = Math;"],
  ["Math.random by its string", "global", "src/trust/x.ts", 'export const x = Math["random"]();'],
  [
    "an order that depends on the machine's language",
    "locale",
    "src/trust/x.ts",
    'export const x = "a".localeCompare("b");',
  ],
  ["the machine's time zone", "locale", "src/trust/x.ts", "export const x = (date: Date) => date.getHours();"],
  ["where the module lies", "global", "src/trust/x.ts", "export const x = import.meta.url;"],
];

for (const [name, rule, path, text] of BREACHES) {
  test(`the law refuses ${name}`, async () => assert.deepEqual(await broken(path, text), [rule]));
}

const LAWFUL: readonly (readonly [name: string, path: string, text: string])[] = [
  ["a name that only ends like an empty one", "src/image/media-type.ts", "export const x = 1;"],
  ["an import in the direction", "src/trust/x.ts", 'import { y } from "../image/y.ts";\nexport const x = y;'],
  [
    "an adapter that imports its port",
    "src/registry/x.ts",
    'import { y } from "../trust/ports.ts";\nexport const x = y;',
  ],
  [
    "hashing in a pure folder",
    "src/image/x.ts",
    'import { createHash } from "node:crypto";\nexport const x = createHash;',
  ],
  ["an entry that imports the version", "src/cli/x.ts", 'import x from "../../package.json" with { type: "json" };'],
  ["an entry that reads the environment", "src/cli/x.ts", "export const x = process.env.HOME;"],
  ["a date that is given", "src/trust/x.ts", "export const x = (at: string): Date => new Date(at);"],
  [
    "reading a date",
    "src/trust/x.ts",
    "export const x = (at: unknown) => at instanceof Date && Date.parse('2020') > 0;",
  ],
  ["arithmetic", "src/trust/x.ts", "export const x = Math.max(1, 2);"],
  [
    "a local name or property like a global's",
    "src/trust/x.ts",
    "export const x = (process: { fetch: 1 }) => process.fetch;",
  ],
  ["a word in a comment or string", "src/trust/x.ts", '// Date.now() and process.env\nexport const x = "fetch()";'],
  ["a package of the folder", "src/trust/x.ts", 'import { z } from "zod";\nexport const x = z;'],
];

for (const [name, path, text] of LAWFUL) {
  test(`the law permits ${name}`, async () => assert.deepEqual(await broken(path, text), []));
}

test("the law refuses a ring of imports", async () => {
  const beside = { path: "src/image/b.ts", text: 'import { a } from "./a.ts";\nexport const b = a;' };
  assert.deepEqual(await broken("src/image/a.ts", 'import { b } from "./b.ts";\nexport const a = b;', [beside]), [
    "cycle",
  ]);
});

test("the law permits a ring of types", async () => {
  const beside = { path: "src/image/b.ts", text: 'import type { A } from "./a.ts";\nexport type B = A[];' };
  assert.deepEqual(
    await broken("src/image/a.ts", 'import type { B } from "./b.ts";\nexport type A = B[];', [beside]),
    [],
  );
});

test("the law refuses a package that package.json doesn't name, and one that nothing imports", async () => {
  const source = { path: "src/trust/x.ts", text: 'import { z } from "zod";\nexport const x = z;' };
  assert.deepEqual(
    (await breachesOf([source], ["yaml"])).map((breach) => breach.rule),
    ["undeclared-package", "unused-package"],
  );
});
