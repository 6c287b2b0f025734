// `npm run build [-- FOLDER]`: makes the package that npm publishes, in dist/ or the folder given. `npm publish dist` is all that is left to do.
//
// Node doesn't run TypeScript below node_modules, so what is installed is bundled JavaScript, with the licences of all that went in. The
// server's large libraries, which read files of their own, stay dependencies; no other command loads them.
import { chmodSync, cpSync, existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { licencesOf, NODE_BUNDLE } from "./bundle.ts";

const ENTRY = "src/cli/main.ts";
/** Data that modules read beside themselves (`new URL("./roots/…", import.meta.url)`), and where the bundle looks for it. */
const DATA = [["src/sigstore/roots", "roots"]] as const;

/** Loaded by `serve` alone. */
const SERVER_PACKAGES = [
  "@electric-sql/pglite",
  "@hpcc-js/wasm-graphviz",
  "badge-maker",
  "kysely",
  "pg",
  "pg-boss",
  "probot",
];

const folder = process.argv[2] ?? "dist";
const manifest = JSON.parse(readFileSync("package.json", "utf8")) as Record<string, unknown>;

rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
const { metafile } = await build({
  entryPoints: [ENTRY],
  outdir: folder,
  splitting: true,
  external: SERVER_PACKAGES,
  ...NODE_BUNDLE,
  metafile: true,
  logLevel: "warning",
});
chmodSync(join(folder, "main.js"), 0o755);
for (const [from, to] of DATA) if (existsSync(from)) cpSync(from, join(folder, to), { recursive: true });
for (const file of ["LICENSE", "README.md", "CHANGELOG.md"]) cpSync(file, join(folder, file));
cpSync("man/trusted-builds.1", join(folder, "trusted-builds.1"));
writeFileSync(join(folder, "THIRD-PARTY-LICENSES.txt"), licencesOf(Object.keys(metafile.inputs)));

const { name, version, description, keywords, license, engines } = manifest;
const installed = manifest.dependencies as Record<string, string>;
const published = {
  name,
  version,
  description,
  keywords,
  license,
  type: "module",
  engines,
  man: "trusted-builds.1",
  bin: { "trusted-builds": "main.js" },
  dependencies: Object.fromEntries(SERVER_PACKAGES.map((each) => [each, installed[each]])),
};
writeFileSync(join(folder, "package.json"), `${JSON.stringify(published, null, 2)}\n`);
console.log(
  `${folder}: ${globSync(`${folder}/**`).length} files, ${Math.round(readFileSync(join(folder, "main.js")).length / 1024)} KiB of code`,
);
