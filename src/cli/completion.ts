import { Argument, type Command } from "commander";
import { placesOf } from "./completion-places.ts";
import { completionScript, SHELLS } from "./completion-scripts.ts";
import { EXIT, type ExitCode } from "./exit-code.ts";
import type { Surroundings } from "./walk.ts";

/** Adds `completion` to the program, whose commands it completes: all of them, also those that are added later. */
export function addCompletionCommand(
  program: Command,
  { stdout }: Pick<Surroundings, "stdout">,
  end: (code: ExitCode) => void,
): void {
  program
    .command("completion")
    .summary("print a script that completes commands in a shell")
    .description("Prints a script for a shell, which then completes the commands, options and choices of this program.")
    .addArgument(new Argument("<shell>", "whose script it is").choices(SHELLS))
    .addHelpText(
      "after",
      `
Exit codes:
  0  it is printed
  2  there is none for that shell

Examples:
  source <(trusted-builds completion bash)         in ~/.bashrc
  source <(trusted-builds completion zsh)          in ~/.zshrc, after compinit
  trusted-builds completion fish | source          in ~/.config/fish/config.fish`,
    )
    .action((shell: (typeof SHELLS)[number]) => {
      stdout.write(completionScript(shell, program.name(), placesOf(program)));
      end(EXIT.trusted);
    });
}
