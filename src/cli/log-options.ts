import type { Command } from "commander";
import type { ExitCode } from "./exit-code.ts";
import { logCommand } from "./log.ts";
import type { Surroundings } from "./walk.ts";
import { type WalkOptions, walkArguments, withWalkOptions } from "./walk-options.ts";

/** Adds `log` to the program. */
export function addLogCommand(program: Command, here: Surroundings, end: (code: ExitCode) => void): void {
  withWalkOptions(
    program
      .command("log")
      .summary("print the log of the run that built an image")
      .description(
        `Judges the image, and prints the log of the workflow's run that the certificate of an accepted signature names: which run it is on
standard error, the log of its jobs on standard output.`,
      ),
  )
    .addHelpText(
      "after",
      `
GitHub shows logs only to those who are logged in, of public repositories too, and keeps them for 90 days as a rule: GH_TOKEN or GITHUB_TOKEN is
sent to github.com and nowhere else. Whether the image is trusted is no matter here, as long as an accepted signature is on it: what lies
beneath it may be at fault.

Exit codes:
  0  a log was printed
  1  nobody whom the policy accepts has signed in which run the image was built
  2  wrong usage, or no token
  3  something could not be looked at, or the log is gone
  4  the registry refuses to show the image: log in

Examples:
  GH_TOKEN=$(gh auth token) trusted-builds log ghcr.io/acme/app:1.4.0
  trusted-builds log --policy trusted-builds.yml registry.example/app@sha256:… | less -R`,
    )
    .action(async (image: string, options: WalkOptions) => {
      end(await logCommand(walkArguments(image, options), here));
    });
}
