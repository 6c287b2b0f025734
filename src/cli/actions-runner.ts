import { appendFile } from "node:fs/promises";
import { isAbsolute } from "node:path";
import { withoutCommands } from "../report/workflow-command.ts";

/** The runner of GitHub Actions, which reads commands in whatever a step prints, on both streams. */
export interface ActionsRunner {
  /** Gives it commands, on standard error: standard output may be piped into a file or a program. */
  tell(commands: readonly string[]): void;
  /** Adds Markdown to the page of the run, where there is one. @throws what the file system says. */
  summarise(markdown: string): Promise<void>;
}

/** Streams of a process, of which only `write` is used otherwise than it stands. */
interface Streams {
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
}

/**
 * The streams to write to, and the runner if there is one. Under a runner nothing that is written to these streams is a command to it,
 * whoever wrote parts of it: commands go through {@link ActionsRunner.tell} alone.
 */
export function underRunner(
  env: Readonly<Record<string, string | undefined>>,
  { stdout, stderr }: Streams,
): Streams & { readonly actions?: ActionsRunner } {
  if (env.GITHUB_ACTIONS !== "true") return { stdout, stderr };
  const summary = env.GITHUB_STEP_SUMMARY;
  return {
    stdout: shielded(stdout),
    stderr: shielded(stderr),
    actions: {
      tell: (commands) => {
        if (commands.length > 0) stderr.write(commands.map((command) => `${command}\n`).join(""));
      },
      async summarise(markdown) {
        if (summary !== undefined && isAbsolute(summary)) await appendFile(summary, markdown);
      },
    },
  };
}

/** Whole lines are written at a time, so that none has its beginning in an earlier call. */
function shielded(stream: NodeJS.WriteStream): NodeJS.WriteStream {
  const write = (text: string | Uint8Array) => stream.write(typeof text === "string" ? withoutCommands(text) : text);
  return Object.create(stream, { write: { value: write } });
}
