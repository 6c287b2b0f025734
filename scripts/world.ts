import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

// The work is a shell script's: it is nothing but other programs. This front is for those who think in npm scripts.
const script = fileURLToPath(new URL("../test/world/toolchain.sh", import.meta.url));
const result = spawnSync("bash", [script, ...process.argv.slice(2)], { stdio: "inherit" });
if (result.error) {
  console.error(`world: bash cannot be started, and nothing of the world without it: ${result.error.message}`);
  process.exitCode = 3;
} else {
  process.exitCode = result.status ?? 1;
}
