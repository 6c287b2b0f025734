// `npm run bench [-- NAME …]` runs bench/NAME.ts, each in a process of its own; without a name all of them.
import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import { basename } from "node:path";

const names = process.argv.slice(2).filter((argument) => !argument.startsWith("-"));
const options = process.argv.slice(2).filter((argument) => argument.startsWith("-"));
const all = globSync("bench/*.ts")
  .map((path) => basename(path, ".ts"))
  .filter((name) => name !== "main")
  .sort();

for (const name of names.length === 0 ? all : names) {
  if (!all.includes(name)) {
    console.error(`bench: there is no bench/${name}.ts; there are: ${all.join(", ")}`);
    process.exitCode = 2;
    break;
  }
  const { status } = spawnSync(process.execPath, [`bench/${name}.ts`, ...options], { stdio: "inherit" });
  if (status !== 0) process.exitCode = 1;
}
