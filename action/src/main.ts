import { randomUUID } from "node:crypto";
import * as core from "@actions/core";
import { type InputName, parseInputs, readSecretValues } from "./inputs.ts";
import { type Runner, run } from "./run.ts";
import { summaryMarkdown } from "./summary.ts";
import { readWorkflowRun } from "./workflow-run.ts";

const runner: Runner = {
  env: process.env,
  async step(name, action) {
    core.startGroup(name);
    const start = performance.now();
    try {
      return await action();
    } finally {
      core.endGroup();
      core.info(`${name}: ${((performance.now() - start) / 1000).toFixed(1)} s`);
    }
  },
  info: (message) => core.info(asText(message)),
  warn: (message) => core.warning(message),
  async muted(action) {
    // https://docs.github.com/actions/reference/workflow-commands-for-github-actions#stopping-and-starting-workflow-commands
    const end = randomUUID();
    core.info(`::stop-commands::${end}`);
    try {
      return await action();
    } finally {
      core.info(`\n::${end}::`);
    }
  },
  now: () => new Date(),
};

await main();

async function main(): Promise<void> {
  try {
    const read = (name: InputName) => core.getInput(name, { trimWhitespace: name !== "secret-values" });
    // Before anything else can be printed.
    for (const secret of [...readSecretValues(read("secret-values")).values(), read("github-token")]) mask(secret);
    const summary = await run(parseInputs(read), readWorkflowRun(process.env), runner);
    core.setOutput("digest", summary.index);
    core.setOutput("image", `${summary.image}@${summary.index}`);
    core.setOutput("tags", summary.tags.join("\n"));
    if (process.env.GITHUB_STEP_SUMMARY) await core.summary.addRaw(summaryMarkdown(summary)).write();
  } catch (error) {
    core.setFailed(error instanceof Error ? error.message : String(error));
    core.debug(error instanceof Error && error.stack !== undefined ? error.stack : "");
  }
}

/** An empty one would mask everything. */
function mask(secret: string): void {
  if (secret.trim() !== "") core.setSecret(secret);
}

/** Nothing of a message may begin a line: there it could be a command to the runner. */
function asText(message: string): string {
  return message.replace(/[\r\n]+/g, " ").replace(/^\s*(?=::|##\[)/, "· ");
}
