// `npm run build:action`: bundles the actions into their dist folders, which are committed: GitHub runs them as they stand in the repository.
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { build } from "esbuild";
import { licencesOf, NODE_BUNDLE } from "./bundle.ts";

/** An action, and where its bundle stands. */
interface BundledAction {
  readonly entry: string;
  readonly folder: string;
  /** Files that modules read beside themselves (`new URL("./roots/…", import.meta.url)`): from where, and where the bundle looks. */
  readonly data: readonly (readonly [from: string, to: string])[];
}

const BUILD: BundledAction = { entry: "action/src/main.ts", folder: "action/dist", data: [] };
const VERIFY: BundledAction = {
  entry: "src/cli/verify-action.ts",
  folder: "action/verify/dist",
  data: [["src/sigstore/roots", "roots"]],
};
const ACTIONS: readonly BundledAction[] = [BUILD, VERIFY];

/** What belongs into an action's folder, by path in it. The same sources and packages give the same bytes on every machine. */
async function bundleOf({ entry, folder, data }: BundledAction): Promise<Readonly<Record<string, Uint8Array>>> {
  const { outputFiles, metafile } = await build({
    entryPoints: [entry],
    outfile: join(folder, "index.js"),
    ...NODE_BUNDLE,
    minify: true,
    metafile: true,
    write: false,
    logLevel: "warning",
  });
  const [bundle] = outputFiles;
  if (bundle === undefined) throw new Error(`build-action: the bundler made nothing of ${entry}`);
  return {
    "index.js": bundle.contents,
    "licenses.txt": Buffer.from(licencesOf(Object.keys(metafile.inputs)).replaceAll("\r\n", "\n")),
    ...Object.fromEntries(
      data.flatMap(([from, to]) =>
        globSync("**/*.json", { cwd: from }).map((file) => [join(to, file), readFileSync(join(from, file))]),
      ),
    ),
  };
}

/** The files of `action/dist` (or a copy of it) that aren't what the sources make, one line for each. */
export async function staleInDist(folder = BUILD.folder): Promise<readonly string[]> {
  return staleIn(BUILD, folder);
}

/** The same of every action. */
export async function staleInActions(): Promise<readonly string[]> {
  return (await Promise.all(ACTIONS.map((action) => staleIn(action, action.folder)))).flat();
}

async function staleIn(action: BundledAction, folder: string): Promise<readonly string[]> {
  return Object.entries(await bundleOf(action)).flatMap(([name, bytes]) => {
    const path = join(folder, name);
    return isSame(path, bytes) ? [] : [`${path} isn't what ${action.entry} makes: npm run build:action`];
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
  for (const action of ACTIONS) {
    const { folder } = action;
    const files = await bundleOf(action);
    rmSync(folder, { recursive: true, force: true });
    for (const [name, bytes] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), bytes);
    }
    console.log(`${folder}: ${Math.round((files["index.js"]?.length ?? 0) / 1024)} KiB of code`);
  }
}
