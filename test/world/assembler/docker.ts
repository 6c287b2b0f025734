import { assemble } from "./assemble.ts";
import { AssemblyFailed } from "./failure.ts";
import { parseBuildOptions } from "./options.ts";

// The program that `docker` beside this file runs: `docker buildx`, as far as the action and the tests ask for it.

const NOTICE =
  "assembled without a container engine: RUN lines are not run, their files are written as the Dockerfile says";

const say = (line: string) => process.stderr.write(`${line}\n`);

try {
  await run(process.argv.slice(2));
} catch (error) {
  // The prefix by which the action finds the reason in what buildx prints.
  say(`ERROR: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}

async function run([program, command, ...args]: readonly string[]): Promise<void> {
  switch (`${program} ${command}`) {
    case "buildx version":
      process.stdout.write("trusted-builds-assembler v0.29.1 (answers as buildx 0.29.1 does, and has no BuildKit)\n");
      return;
    case "buildx prune":
      // Nothing is kept from one build to the next.
      process.stdout.write("Total:\t0B\n");
      return;
    case "buildx build":
      say(NOTICE);
      return assemble(parseBuildOptions(args, process.env), process.env, say);
    default: {
      const asked = ["docker", program, command].filter((word) => word !== undefined).join(" ");
      throw new AssemblyFailed(
        `${asked}: this is the assembler, which knows docker buildx build, prune and version only`,
      );
    }
  }
}
