// `npm test` runs the checks and every test on real components; `npm test -- test/image` runs those tests alone.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, globSync, readFileSync, statSync } from "node:fs";
import { availableParallelism, tmpdir, userInfo } from "node:os";
import { join, relative, resolve } from "node:path";
import { reachableFrom } from "./imports.ts";

/** After this many milliseconds a test counts as hanging. It is no measurement: the slowest takes a tenth of it. */
const HANGING_TEST_MS = 600_000;
/** What a test imports, directly or not, to stand on real components. */
const WORLD = "test/world/toolchain.ts";
/** Tests of what has neither clock nor network. A process for each file is two fifths of their time: they share one. */
const PURE = /^test\/(admission|answer|api|attestation|build|change|docs|faults|image|report|scripts|trust)\//;

const options = process.argv.slice(2).filter((argument) => argument.startsWith("-"));
const filters = process.argv.slice(2).filter((argument) => !argument.startsWith("-"));

const running = new Set<ChildProcess>();
let stoppedBy: NodeJS.Signals | undefined;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    stoppedBy ??= signal;
    for (const { pid } of running) {
      // Each child leads a group of its own, so that the processes it started hear of it too.
      try {
        if (pid !== undefined) process.kill(-pid, signal);
      } catch {
        // It ended by itself in the meantime.
      }
    }
  });
}

process.exitCode = await main();
if (stoppedBy !== undefined) process.exitCode = 130;

async function main(): Promise<number> {
  const files = filters.length === 0 ? testsIn("test") : filters.flatMap(selected);
  if (files.length === 0) return refuse("no test files in test/");
  const checked = filters.length === 0 ? await run("scripts/check.ts") : 0;
  if (stoppedBy !== undefined) return 1;

  const worldly = existsSync("scripts/world.ts") && files.some((file) => reachableFrom(file, read).has(WORLD));
  // Whoever had it up before, whole or in part, keeps it.
  const wasUp = worldly && / up$/m.test(spawnSync(process.execPath, ["scripts/world.ts", "status"]).stdout.toString());
  let incomplete = false;
  try {
    if (worldly) incomplete = (await run("scripts/world.ts", "up")) !== 0;
    if (stoppedBy !== undefined) return 1;
    if (incomplete) console.error("test: the real components named above are missing; the tests that need them say so");
    const tested = await runTests([...new Set(files)]);
    if (checked !== 0) console.error("test: `npm run check` failed: see the top of this output");
    if (incomplete && process.env.CI) console.error("test: on CI a missing component is a failure");
    return tested !== 0 || checked !== 0 || (incomplete && process.env.CI) ? 1 : 0;
  } finally {
    // Not through `run`: a second signal must not leave daemons behind.
    if (worldly && !wasUp) await ended(start("scripts/world.ts", "down"));
  }
}

/** The exit code: 0 if all of them pass. */
async function runTests(files: readonly string[]): Promise<number> {
  const runner = [
    "--test",
    "--test-reporter=spec",
    // One more than there are processors: many wait for a build, a registry, or a lease.
    `--test-concurrency=${availableParallelism() + 1}`,
    `--test-timeout=${HANGING_TEST_MS}`,
    ...options,
  ];
  const pure = files.filter((file) => PURE.test(file));
  const apart = files.filter((file) => !PURE.test(file));
  const codes = await Promise.all([
    ...(pure.length > 0 ? [run(...runner, "--test-isolation=none", ...pure)] : []),
    ...(apart.length > 0 ? [run(...runner, ...apart)] : []),
  ]);
  return Math.max(0, ...codes);
}

/** Runs Node on these arguments, passing signals on to it. */
async function run(...args: readonly string[]): Promise<number> {
  const child = start(...args);
  running.add(child);
  try {
    return await ended(child);
  } finally {
    running.delete(child);
  }
}

/** Starts Node in a process group of its own: a signal meant for us, a second Ctrl-C say, does not reach it by itself. */
function start(...args: readonly string[]): ChildProcess {
  // Hundreds of short processes read the same sources: half of their work is compiling them.
  const cache = process.env.NODE_COMPILE_CACHE ?? join(tmpdir(), `trusted-builds-compiled-${userInfo().uid}`);
  const env = { ...process.env, NODE_COMPILE_CACHE: cache };
  return spawn(process.execPath, args, { env, stdio: ["ignore", "inherit", "inherit"], detached: true });
}

/** The exit code; a process that a signal ended has failed. */
function ended(child: ChildProcess): Promise<number> {
  return new Promise((done, failed) => {
    child.on("error", failed);
    child.on("close", (code) => done(code ?? 1));
  });
}

/** The test files that one filter names: a file, a folder, or a pattern. */
function selected(filter: string): readonly string[] {
  const path = relative(".", resolve(filter));
  const found = statSync(path, { throwIfNoEntry: false });
  const files = found?.isDirectory() ? testsIn(path) : found?.isFile() ? [path] : globSync(filter).sort();
  if (files.length === 0) process.exit(refuse(`no test files in ${filter}`));
  return files;
}

function testsIn(folder: string): readonly string[] {
  return globSync(`${folder}/**/*.test.ts`).sort();
}

function read(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, "utf8") : undefined;
}

function refuse(reason: string): number {
  console.error(`test: ${reason}`);
  return 2;
}
