import { type Command, Option } from "commander";
import { type DockerfileArguments, dockerfileCommand } from "./dockerfile.ts";
import type { DockerfileSurroundings } from "./dockerfile-request.ts";
import type { ExitCode } from "./exit-code.ts";
import { collect, judgeSettings, withJudgeOptions } from "./walk-options.ts";

type Options = Partial<DockerfileArguments> & Pick<DockerfileArguments, "output">;

/** What isn't given. */
const NOTHING = {
  ...{ platform: [], buildArg: [], buildContext: [], bake: [], bakeTarget: [] },
  ...{ allStages: false, onbuild: false, judge: false, pin: false },
} as const;

/** Adds `dockerfile` to the program. @param end - Takes the exit code. */
export function addDockerfileCommand(
  program: Command,
  surroundings: DockerfileSurroundings,
  end: (code: ExitCode) => void,
): void {
  const command = program
    .command("dockerfile")
    .summary("say which images a build of a Dockerfile would use")
    .description(
      `Reads a Dockerfile as BuildKit does, and says which images a build would use: for each the reference after expansion, the platform,
what it is used for (base, input, frontend), the stage and the line; what can't be made out, and why; and what else would go in. With
--judge it says what a build here and now would make by your policy, before it is built.`,
    )
    .argument("[file]", "the Dockerfile; - is standard input")
    .option("--target <stage>", "the stage that is built, by name or number (default: the last one)")
    .option(
      "--platform <os/arch>",
      "what is built for (default: linux/amd64); several with commas, or given several times",
      collect,
    )
    .option("--build-platform <os/arch>", "the builder's own, which is BUILDPLATFORM (default: linux/amd64)")
    .option(
      "--build-arg <name=value>",
      "a build argument; a name alone takes the environment's value; may be given several times",
      collect,
    )
    .option(
      "--build-context <name=value>",
      "what stands in for an image or a stage, as alpine=docker-image://alpine:3.19; may be given several times",
      collect,
    )
    .option("--all-stages", "tell of every stage, and not only of those that the target needs")
    .option(
      "--bake <file>",
      "read the builds of a bake file instead; needs docker buildx; may be given several times",
      collect,
    )
    .option(
      "--bake-target <name>",
      "a target or group of it (default: its default group); may be given several times",
      collect,
    )
    .option("--onbuild", "ask the registries of bases which instructions they add (ONBUILD); --judge does it anyway")
    .option("--judge", "say what the build would make by your policy, as verify says it of an image")
    .option("--pin", "write the digest beside each tag of FILE; with --judge only where the image is trusted")
    .addOption(
      new Option("--output <form>", "text for people, json for programs").choices(["text", "json"]).default("text"),
    );
  withJudgeOptions(command)
    .addHelpText(
      "after",
      `
What the build's own programs fetch (RUN) is told as network, and nobody knows it before they run. Variables that only a base image
sets aren't known either. Of a tag is said where it leads now; the build may find it elsewhere.

Bake files are read by docker buildx bake --print, which builds nothing; variables in them take the environment's values. A context
target:NAME brings in what goes into NAME.

--pin replaces the file whole, or leaves it. What is written with variables, or in several pieces, is left to you. --onbuild, --judge
and --pin connect to registries with the credentials of docker login; to one whose address isn't public only with --allow-host.

Exit codes:
  0  every image can be made out; with --judge: trusted
  1  one can't, it is among "unresolved" with its line; or a tag to pin isn't there; with --judge: untrusted
  2  BuildKit would refuse the file (FILE:LINE:COLUMN: … on standard error), or wrong usage, or a file that can't be read or written
  3  undetermined: something could not be looked at (--judge, --onbuild, --pin); ask again
  4  with --judge: a registry refuses to show an image that the file names: log in

Examples:
  trusted-builds dockerfile Dockerfile
  trusted-builds dockerfile --target test --build-arg VERSION=24 --platform linux/amd64,linux/arm64 Dockerfile
  trusted-builds dockerfile --output json Dockerfile | jq -r '.images[].reference'
  trusted-builds dockerfile --judge --policy .github/trusted-builds.yml Dockerfile
  trusted-builds dockerfile --judge --pin --policy .github/trusted-builds.yml Dockerfile
  trusted-builds dockerfile --bake docker-bake.hcl --bake-target app`,
    )
    .action(async (file: string | undefined, options: Options) => {
      end(await dockerfileCommand({ ...NOTHING, ...judgeSettings(options), file }, surroundings));
    });
}
