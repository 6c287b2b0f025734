// `npm run soak [-- COUNT] [--seed SEED] [--pulls]`: the server killed at COUNT seeded moments (200), with all builds in one database, or
// all pushes to one pull request. With DATABASE_URL that is an empty PostgreSQL database of its own; there whoever comes after a kill waits until the lease of the dead has
// lapsed, so that each point takes up to two minutes.
import { parseArgs } from "node:util";
import { killPoints, seedOf, wordsOf } from "../test/app/kill-points.ts";
import { type KilledBuilds, startKilledBuilds } from "../test/app/killed-builds.ts";
import { startKilledPulls } from "../test/app/killed-pulls.ts";

const COUNT = 200;
const say = (text: string) => process.stdout.write(`${text}\n`);

/** Stops at the first point that goes wrong: what comes after it would be about that too. */
async function soak(builds: KilledBuilds, count: number, seed: number): Promise<readonly string[]> {
  const times: number[] = [];
  for (const [i, point] of killPoints(seed, count, builds.requests).entries()) {
    const where = `${i + 1} of ${count}, ${wordsOf(point)}`;
    const started = performance.now();
    const faults = await builds.try(point).catch((error: Error) => [error.message]);
    if (faults.length > 0) return [where, ...faults];
    times.push((performance.now() - started) / 1000);
    say(`${where}: one verdict, ${times.at(-1)?.toFixed(1)} s`);
  }
  const sorted = times.toSorted((one, other) => one - other);
  const [median = 0, longest = 0] = [sorted[sorted.length >> 1], sorted.at(-1)];
  say(`${count} points, median ${median.toFixed(1)} s, longest ${longest.toFixed(1)} s; looking at all once more`);
  return builds.finish();
}

function readArguments(): { readonly count: number; readonly seed: number; readonly pulls: boolean } | string {
  try {
    const options = { seed: { type: "string" }, pulls: { type: "boolean", default: false } } as const;
    const { values, positionals } = parseArgs({ options, allowPositionals: true });
    const [count = String(COUNT), ...rest] = positionals;
    if (rest.length > 0 || !/^[1-9]\d{0,5}$/.test(count)) return "how many points? One whole number";
    const seed = seedOf(values.seed ?? process.env.TRUSTED_BUILDS_SEED);
    return { count: Number(count), seed, pulls: values.pulls };
  } catch (error) {
    return (error as Error).message;
  }
}

// Not by the signal itself: the server that runs just now would be left behind.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));
const given = readArguments();
if (typeof given === "string") {
  process.stderr.write(`soak: ${given}\n`);
  process.exitCode = 2;
} else {
  const { count, seed, pulls } = given;
  const { DATABASE_URL: databaseUrl } = process.env;
  say(`seed ${seed}, ${count} points, ${databaseUrl === undefined ? "embedded database" : "PostgreSQL"}`);
  const builds = await (pulls ? startKilledPulls : startKilledBuilds)(databaseUrl);
  const faults = await soak(builds, count, seed).finally(() => builds.close());
  for (const fault of faults) process.stderr.write(`soak: ${fault}\n`);
  const again = `npm run soak -- ${count} --seed ${seed}${pulls ? " --pulls" : ""}`;
  say(faults.length === 0 ? `each ${pulls ? "head" : "build"} has one verdict, told once` : `again: ${again}`);
  process.exitCode = faults.length === 0 ? 0 : 1;
}
