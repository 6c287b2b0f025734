import type { Command } from "commander";
import type { ExitCode } from "./exit-code.ts";
import { logCommand } from "./log.ts";
import type { Surroundings } from "./walk.ts";
import { type WalkOptions, walkArguments, withWalkOptions } from "./walk-options.ts";

/** Adds `log` to the program. */
export function addLogCommand(program: Command, here: Surroundings, end: (code: ExitCode) => void): void {
  withWalkOptions(program.command("log"))
    .summary("print the log of the run that built an image")
    .description(
      `Finds the run of GitHub Actions that built an image, by the certificates that policy accepts, says which run, commit and workflow it
was, and prints what its jobs printed.`,
    )
    .addHelpText(
      "after",
      `
What is said of the run stands on standard error, the log on standard output, without colours and control characters. GitHub shows logs only
to a token that may read the repository (GH_TOKEN or GITHUB_TOKEN, sent to github.com alone), and keeps them for 90 days as a rule.

Exit codes:
  0  the log is printed, whatever the verdict on the image's ancestors is
  1  nothing that policy accepts names the run that built it
  2  wrong usage, or something that can't be read
  3  the log could not be had: it is gone, or may not be seen; the run's address is told
  4  the registry refuses to show IMAGE: log in

Examples:
  trusted-builds log ghcr.io/acme/app:1.4.0
  trusted-builds log --policy trusted-builds.yml registry.example/app:1.4.0 | grep -i "warning"`,
    )
    .action(async (image: string, options: WalkOptions) => end(await logCommand(walkArguments(image, options), here)));
}
