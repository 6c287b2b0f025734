// `npm run check`: everything that can be told without running the program. Prints one line for each check, and what failed.
import { spawn } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { breachesOf } from "./architecture.ts";
import { staleInActions } from "./build-action.ts";
import { forbiddenIn } from "./forbidden.ts";
import { deadLinks } from "./markdown.ts";
import { rulesWithoutTests, testsIn } from "./rules.ts";

interface Outcome {
  readonly name: string;
  /** What is wrong, for people; empty if nothing is. */
  readonly faults: string;
}

const files = (await output("git", ["ls-files", "--cached", "--others", "--exclude-standard", "-z"])).text
  .split("\0")
  .filter((path) => path !== "" && existsSync(path));

const outcomes = await Promise.all([
  command("types", "tsc", []),
  command("lint and format", "biome", [
    "ci",
    "--error-on-warnings",
    "--diagnostic-level=warn",
    "--colors=off",
    "--reporter=concise",
  ]),
  own("law of imports", lawBreaches),
  own("links", () =>
    eachFile(/\.md$/, (path, text) => deadLinks(path, text, read).map((link) => `${path}: leads nowhere: ${link}`)),
  ),
  own("forbidden text", () =>
    eachFile(/./, (path, text) => forbiddenIn(path, text).map((fault) => `${path}:${fault}`)),
  ),
  own("rules", () =>
    rulesWithoutTests(
      files
        .filter((path) => /^test\/.*\.test\.ts$/.test(path))
        .flatMap((path) => testsIn(path, readFileSync(path, "utf8"))),
    ),
  ),
  own("exact versions", looseVersions),
  own("action/dist", () => staleInActions()),
]);

for (const { name, faults } of outcomes)
  console.log(faults === "" ? `ok      ${name}` : `FAILED  ${name}\n${faults.trimEnd()}\n`);
const failed = outcomes.filter(({ faults }) => faults !== "");
if (files.length === 0) throw new Error("git lists no files: the check runs in a checkout");
if (failed.length > 0) console.log(`check failed: ${failed.map(({ name }) => name).join(", ")}`);
process.exitCode = failed.length > 0 ? 1 : 0;

/** Runs a tool of node_modules; what it printed is the fault if it fails. */
async function command(name: string, tool: string, args: readonly string[]): Promise<Outcome> {
  const { code, text } = await output(`node_modules/.bin/${tool}`, args);
  return { name, faults: code === 0 ? "" : text || `${tool} ended with ${code}` };
}

async function own(name: string, check: () => readonly string[] | Promise<readonly string[]>): Promise<Outcome> {
  return { name, faults: (await check()).join("\n") };
}

function output(
  program: string,
  args: readonly string[],
): Promise<{ readonly code: number | null; readonly text: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
    const chunks: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, text: Buffer.concat(chunks).toString() }));
  });
}

function read(path: string): string | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return undefined;
  return found.isFile() ? readFileSync(path, "utf8") : "";
}

function eachFile(pattern: RegExp, check: (path: string, text: string) => readonly string[]): readonly string[] {
  return files.filter((path) => pattern.test(path)).flatMap((path) => check(path, read(path) ?? ""));
}

async function lawBreaches(): Promise<readonly string[]> {
  const sources = files
    .filter((path) => /^(?:action\/)?src\/.*\.ts$/.test(path))
    .map((path) => ({ path, text: readFileSync(path, "utf8") }));
  const { dependencies, devDependencies } = JSON.parse(readFileSync("package.json", "utf8")) as Record<
    "dependencies" | "devDependencies",
    Record<string, string>
  >;
  const breaches = await breachesOf(sources, Object.keys(dependencies), Object.keys(devDependencies));
  return breaches.map(({ rule, path, detail }) => `${path}: ${rule}: ${detail}`);
}

/** npm picks versions by the Node it runs under: a range would install another package elsewhere. */
function looseVersions(): readonly string[] {
  const manifest = JSON.parse(readFileSync("package.json", "utf8")) as Record<
    string,
    Record<string, string> | undefined
  >;
  return ["dependencies", "devDependencies"].flatMap((field) =>
    Object.entries(manifest[field] ?? {}).flatMap(([name, version]) =>
      /^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version) ? [] : [`package.json: ${name} has no exact version: ${version}`],
    ),
  );
}
