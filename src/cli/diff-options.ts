import { type Command, Option } from "commander";
import { DIFF_OUTPUTS, type DiffArguments, diffCommand } from "./diff.ts";
import type { ExitCode } from "./exit-code.ts";
import type { Surroundings } from "./walk.ts";
import { judgeSettings, type WalkOptions, withJudgeOptions } from "./walk-options.ts";

/** Adds `diff` to the program. */
export function addDiffCommand(program: Command, here: Surroundings, end: (code: ExitCode) => void): void {
  withJudgeOptions(
    program
      .command("diff")
      .summary("say what differs between two images")
      .description(
        `Judges two images by the same policy, and says what differs: verdict, level, source, builder, every ancestor that came, went or moved,
what is wrong that wasn't, and which packages came, went, or have another version or licence.`,
      )
      .argument("<before>", "an image as verify takes it, or evidence:FILE, evidence:FILE#IMAGE of what export wrote")
      .argument("<after>", "the same, of what is to be compared with it")
      .option("--platform <os/arch>", "judge this platform only, as linux/amd64 (default: every platform of each)")
      .option("--as <name>", "what images on disk are called"),
  )
    .addOption(
      new Option("--output <form>", "text for people, json for programs, markdown for pages")
        .choices(DIFF_OUTPUTS)
        .default("text"),
    )
    .option("--quiet", "print nothing: the exit code tells it")
    .addHelpText(
      "after",
      `
Whether it is worse is told by faults, each known again by its code and by names and roles on the way to it, never by digest. What shows
tampering (layers that aren't the base's, a mixed index, something revoked) is worse also where it was there before. A lower level, or less
that is recorded, is told and makes nothing worse. Evidence is judged as far as is known now, by your policy.

Packages are compared where both images have a list (SBOM) in one format for a platform, signed by someone whom policy lets speak for the
image; otherwise it is told why nothing is compared. It is their word, and never makes anything worse. Text names ten of each kind, json all.

Exit codes:
  0  no worse: nothing is wrong with the second that isn't with the first
  1  worse
  2  wrong usage, or something that can't be read
  3  it can't be told: what decides could not be looked at
  4  the same, and the registry refuses to show the second: log in

Examples:
  trusted-builds diff ghcr.io/acme/app:1.4.0 ghcr.io/acme/app:1.5.0
  trusted-builds diff --output markdown ghcr.io/acme/app:latest ghcr.io/acme/app@sha256:… >>"$GITHUB_STEP_SUMMARY"
  trusted-builds diff --policy trusted-builds.yml evidence:deployed.tar ghcr.io/acme/app:1.5.0`,
    )
    .action(async (before: string, after: string, options: WalkOptions & Pick<DiffArguments, "output">) => {
      end(await diffCommand({ ...judgeSettings(options), before, after }, here));
    });
}
