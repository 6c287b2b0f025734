// `npm run build:action`: bundles the action into action/dist, which is committed: GitHub runs it as it stands in the repository.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { licencesOf, NODE_BUNDLE } from "./bundle.ts";

const ENTRY = "action/src/main.ts";
const FOLDER = "action/dist";

/** What belongs into `action/dist`, by file name. The same sources and packages give the same bytes on every machine. */
export async function bundleAction(): Promise<Readonly<Record<string, Uint8Array>>> {
  const { outputFiles, metafile } = await build({
    entryPoints: [ENTRY],
    outfile: join(FOLDER, "index.js"),
    ...NODE_BUNDLE,
    minify: true,
    metafile: true,
    write: false,
    logLevel: "warning",
  });
  const [bundle] = outputFiles;
  if (bundle === undefined) throw new Error(`build-action: the bundler made nothing of ${ENTRY}`);
  return {
    "index.js": bundle.contents,
    "licenses.txt": Buffer.from(licencesOf(Object.keys(metafile.inputs)).replaceAll("\r\n", "\n")),
  };
}

/** The files of `action/dist` (or a copy of it) that aren't what the sources make, one line for each. */
export async function staleInDist(folder = FOLDER): Promise<readonly string[]> {
  return Object.entries(await bundleAction()).flatMap(([name, bytes]) => {
    const path = join(folder, name);
    return isSame(path, bytes) ? [] : [`${path} isn't what action/src makes: npm run build:action`];
  });
}

function isSame(path: string, bytes: Uint8Array): boolean {
  try {
    return readFileSync(path).equals(bytes);
  } catch {
    return false;
  }
}

if (import.meta.main) {
  const files = await bundleAction();
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER, { recursive: true });
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(FOLDER, name), bytes);
  console.log(`${FOLDER}: ${Math.round((files["index.js"]?.length ?? 0) / 1024)} KiB of code`);
}
