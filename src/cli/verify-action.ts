// The entry of `action/verify`, bundled into action/verify/dist by `npm run build:action`.
import { randomUUID } from "node:crypto";
import { appendFile, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import manifest from "../../package.json" with { type: "json" };
import type { Answer } from "../report/answers.ts";
import { printable } from "../report/printable.ts";
import { verdictsSarif } from "../report/sarif.ts";
import { annotation } from "../report/workflow-command.ts";
import { actionInputs } from "./action-inputs.ts";
import { underRunner } from "./actions-runner.ts";
import { EXIT, type ExitCode, isUsage, UsageError } from "./exit-code.ts";
import { verifyImages } from "./verify.ts";

const { env } = process;
const here = {
  homeDirectory: homedir(),
  stdin: process.stdin,
  ...underRunner({ ...env, GITHUB_ACTIONS: "true" }, process),
  now: () => new Date(),
};

process.on("uncaughtException", (error) => {
  fail(error);
  process.exit();
});

try {
  const { verify, sarifFile, githubToken } = actionInputs(env);
  const { exit, answers } = await verifyImages(verify, {
    ...here,
    env: { ...env, ...(githubToken !== undefined && { GH_TOKEN: githubToken }) },
  });
  process.exitCode = exit;
  if (sarifFile !== undefined) await writeSarif(sarifFile, answers);
  await setOutputs(exit, answers);
} catch (error) {
  if (isUsage(error)) {
    process.exitCode = EXIT.usage;
    here.actions?.tell([annotation("error", "no verdict", error.message.split("\n").map(printable).join("\n"))]);
  } else fail(error);
}

async function writeSarif(path: string, answers: readonly Answer[]): Promise<void> {
  try {
    await writeFile(path, verdictsSarif(answers, manifest.version));
  } catch (error) {
    throw new UsageError(`write ${path}: ${(error as Error).message}`, { cause: error });
  }
}

/** Last of all: whatever goes wrong before leaves them empty, and what is empty isn't `trusted`. */
async function setOutputs(exit: ExitCode, answers: readonly Answer[]): Promise<void> {
  if (env.GITHUB_OUTPUT === undefined) return;
  const trusted = answers.flatMap((answer) => {
    if (answer.kind !== "verdict" || answer.document.verdict !== "trusted") return [];
    const { name, digest } = answer.document.image;
    return digest === null ? [] : [`${name}@${digest}`];
  });
  const verdict = { [EXIT.trusted]: "trusted", [EXIT.untrusted]: "untrusted", [EXIT.usage]: "" }[exit as 0 | 1 | 2];
  const outputs = { verdict: verdict ?? "undetermined", trusted: trusted.join("\n") };
  const end = randomUUID();
  const text = Object.entries(outputs).map(([name, value]) => `${name}<<${end}\n${value}\n${end}\n`);
  await appendFile(env.GITHUB_OUTPUT, text.join(""));
}

/** A fault of ours must not look like a verdict. */
function fail(error: unknown): void {
  const trace = error instanceof Error ? (error.stack ?? error.message) : String(error);
  here.stderr.write(
    `trusted-builds: this is a fault of the program, not of the image; please report it.\n${trace.split("\n").map(printable).join("\n")}\n`,
  );
  process.exitCode = EXIT.undetermined;
}
