#!/usr/bin/env node
import { homedir } from "node:os";
import { CommanderError, InvalidArgumentError } from "commander";
import { printable } from "../report/printable.ts";
import { underRunner } from "./actions-runner.ts";
import { EXIT, isUsage } from "./exit-code.ts";
import { createProgram } from "./program.ts";

const here = {
  env: process.env,
  homeDirectory: homedir(),
  stdin: process.stdin,
  ...underRunner(process.env, process),
  now: () => new Date(),
};

const program = createProgram(here, (code) => {
  process.exitCode = code;
});

/** A fault of ours must not look like a verdict: it is "could not look". Node's own exit code for it would say "untrusted". */
function fail(error: unknown): void {
  const trace = error instanceof Error ? (error.stack ?? error.message) : String(error);
  here.stderr.write(
    `trusted-builds: this is a fault of the program, not of the image; please report it.\n${lines(trace)}\n`,
  );
  process.exitCode = EXIT.undetermined;
}

function lines(text: string): string {
  return text.split("\n").map(printable).join("\n");
}

process.on("uncaughtException", (error) => {
  fail(error);
  process.exit();
});

// A reader that has seen enough (`| head`) is no fault; a full disk is, and then nobody has seen the verdict.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
});
process.stderr.on("error", () => {});

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? EXIT.trusted : EXIT.usage;
  else if (error instanceof InvalidArgumentError || isUsage(error)) {
    here.stderr.write(`trusted-builds: ${lines(error.message)}\n`);
    process.exitCode = EXIT.usage;
  } else fail(error);
}
