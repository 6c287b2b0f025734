import { type Command, Option } from "commander";
import { type DockerfileArguments, dockerfileCommand } from "./dockerfile.ts";
import type { DockerfileSurroundings } from "./dockerfile-request.ts";
import type { ExitCode } from "./exit-code.ts";
import { collect } from "./walk-options.ts";

type Options = Omit<DockerfileArguments, "file">;

/** Adds `dockerfile` to the program. @param end - Takes the exit code. */
export function addDockerfileCommand(
  program: Command,
  surroundings: DockerfileSurroundings,
  end: (code: ExitCode) => void,
): void {
  program
    .command("dockerfile")
    .summary("say which images a build of a Dockerfile would use")
    .description(
      `Reads a Dockerfile as BuildKit does, and says which images a build would use: for each the reference after expansion, the platform,
what it is used for (base, input, frontend), the stage and the line; what can't be made out, and why; and what else would go in.`,
    )
    .argument("[file]", "the Dockerfile; - is standard input")
    .option("--target <stage>", "the stage that is built, by name or number (default: the last one)")
    .option(
      "--platform <os/arch>",
      "what is built for (default: linux/amd64); several with commas, or given several times",
      collect,
      [],
    )
    .option("--build-platform <os/arch>", "the builder's own, which is BUILDPLATFORM (default: linux/amd64)")
    .option(
      "--build-arg <name=value>",
      "a build argument; a name alone takes the environment's value; may be given several times",
      collect,
      [],
    )
    .option(
      "--build-context <name=value>",
      "what stands in for an image or a stage, as alpine=docker-image://alpine:3.19; may be given several times",
      collect,
      [],
    )
    .option("--all-stages", "tell of every stage, and not only of those that the target needs", false)
    .addOption(
      new Option("--output <form>", "text for people, json for programs").choices(["text", "json"]).default("text"),
    )
    .addHelpText(
      "after",
      `
Exit codes:
  0  every image can be made out
  1  one can't: it is among "unresolved", with its line
  2  BuildKit would refuse the file (FILE:LINE:COLUMN: … on standard error), or wrong usage

Examples:
  trusted-builds dockerfile Dockerfile
  trusted-builds dockerfile --target test --build-arg VERSION=24 --platform linux/amd64,linux/arm64 Dockerfile
  trusted-builds dockerfile --output json Dockerfile | jq -r '.images[].reference'`,
    )
    .action(async (file: string | undefined, options: Options) => {
      end(await dockerfileCommand({ ...options, file }, surroundings));
    });
}
