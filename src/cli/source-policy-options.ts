import type { Command } from "commander";
import type { DockerfileSurroundings } from "./dockerfile-request.ts";
import type { ExitCode } from "./exit-code.ts";
import { type SourcePolicyArguments, sourcePolicyCommand } from "./source-policy.ts";
import { collect, judgeSettings, withJudgeOptions } from "./walk-options.ts";

/** What isn't given. */
const NOTHING = { platform: [], buildArg: [], buildContext: [], denyOtherSources: false } as const;

/** Adds `source-policy` to the program. @param end - Takes the exit code. */
export function addSourcePolicyCommand(
  program: Command,
  surroundings: DockerfileSurroundings,
  end: (code: ExitCode) => void,
): void {
  const command = program
    .command("source-policy")
    .summary("print the policy with which BuildKit takes only what is trusted")
    .description(
      `Judges images as verify does, and prints a source policy of BuildKit's: with it a build gets those that are trusted, by the digest
that was judged, whatever their tags name by then, and is refused every other image.`,
    )
    .argument("[images...]", "NAME[:TAG][@DIGEST] in a registry, as Dockerfiles name it")
    .option("--images-from <file>", "more images, one a line; - is standard input")
    .option("--dockerfile <file>", "the images that a build of it uses; - is standard input")
    .option("--target <stage>", "of the Dockerfile: the stage that is built (default: the last one)")
    .option(
      "--platform <os/arch>",
      "what is built for: an image that is used for one platform is judged for that alone; several with commas, or given several times (default: every platform of each image)",
      collect,
    )
    .option("--build-platform <os/arch>", "of the Dockerfile: the builder's own (default: linux/amd64)")
    .option(
      "--build-arg <name=value>",
      "of the Dockerfile: a build argument; a name alone takes the environment's value; may be given several times",
      collect,
    )
    .option(
      "--build-context <name=value>",
      "of the Dockerfile: what stands in for an image or a stage; may be given several times",
      collect,
    )
    .option("--deny-other-sources", "refuse git and http addresses too: all but what the client sends")
    .option("-o, --out <file>", "write it there, instead of to standard output")
    .option("--quiet", "tell nothing on standard error but errors");
  withJudgeOptions(command)
    .addHelpText(
      "after",
      `
Name everything that a build fetches as an image: bases, what COPY --from and RUN --mount=from= name, and also the frontend of a
"# syntax=" line and the scanner of --sbom: to BuildKit these are images like others, and what isn't named is refused. A source policy
knows no roles: each image is judged as itself, so what your policy lets pass only as a frontend or tool is refused until it is trusted.

Names are taken as BuildKit completes them, one tag or digest at a time: NAME:1 admits NAME:1 and NAME:1@DIGEST, not NAME@DIGEST.
What the policy can't see: files that the client sends (the build context, named folders), caches that are imported (--cache-from), and
what RUN fetches; without --deny-other-sources git and http addresses too. It binds the build that it is given to, by whoever starts it,
if BuildKit builds (not DOCKER_BUILDKIT=0). Of a Dockerfile nobody said the platform of, it is read as for linux/amd64.

Exit codes, of several images the worst, in the order 2, 1, 4, 3, 0; but for wrong usage the policy is written whatever they are:
  0  all images are trusted, and in it
  1  one is untrusted, and refused; or the Dockerfile needs something else that is refused
  2  wrong usage, a file that can't be read or written, a Dockerfile that BuildKit would refuse; or an image that is trusted on some of its platforms alone
  3  one could not be looked at, and is refused
  4  a registry refuses to show one: log in

Examples:
  trusted-builds source-policy --policy trusted-builds.yml -o source-policy.json alpine:3.22 ghcr.io/acme/base:2
  trusted-builds source-policy --dockerfile Dockerfile --policy trusted-builds.yml -o source-policy.json &&
    EXPERIMENTAL_BUILDKIT_SOURCE_POLICY=source-policy.json docker buildx build .`,
    )
    .action(async (images: readonly string[], options: Partial<SourcePolicyArguments>) => {
      end(await sourcePolicyCommand({ ...NOTHING, ...judgeSettings(options), images }, surroundings));
    });
}
