import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, globSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { type TestContext, test } from "node:test";
import { type Example, examplesOf, isOutput, readMarkdown } from "../scripts/markdown.ts";

/** What a person reads and pastes. Commands that only a colleague of the tests would type stand elsewhere. */
const documents = ["README.md", "CONTRIBUTING.md", ...globSync("docs/**/*.md").sort()];
const COMMAND_MS = 120_000;

/** Commands that would run the tests inside themselves, or install what they stand on: that they exist is checked instead. */
const CHECKED: readonly (readonly [pattern: RegExp, holds: (match: RegExpMatchArray) => boolean])[] = [
  [/^npm (?:ci|install)$/, () => existsSync("package-lock.json")],
  [/^npm (test)\b(.*)$/, ([, name = "", rest = ""]) => hasScript(name) && pathsExist(rest)],
  [/^npm run ([\w-]+)(.*)$/, ([, name = "", rest = ""]) => hasScript(name) && pathsExist(rest)],
  [/^(?:node|bash) ((?:scripts|\.ci)\/[\w./-]+).*$/, ([, path = ""]) => existsSync(path)],
];

function hasScript(name: string): boolean {
  const { scripts } = JSON.parse(readFileSync("package.json", "utf8")) as { scripts: Record<string, string> };
  return Object.hasOwn(scripts, name);
}

function pathsExist(rest: string): boolean {
  return (rest.match(/[\w.-]+\/[\w./-]*/g) ?? []).every((path) => existsSync(path));
}

function runs(t: TestContext, { command, output }: Example): void {
  for (const [pattern, holds] of CHECKED) {
    const match = command.match(pattern);
    if (match === null) continue;
    assert.ok(holds(match), `there is nothing behind: ${command}`);
    return;
  }
  const env = { ...process.env, PATH: `${resolve("node_modules/.bin")}:${process.env.PATH}`, NO_COLOR: "1" };
  const ran = spawnSync("bash", ["-eu", "-o", "pipefail", "-c", `exec 2>&1\n${command}`], {
    env,
    encoding: "utf8",
    timeout: COMMAND_MS,
    input: "",
  });
  t.diagnostic(command);
  assert.equal(ran.status, 0, `exit ${ran.status ?? ran.signal}\n${ran.stdout}`);
  if (output !== undefined && output !== "") assert.ok(isOutput(output, ran.stdout), `it printed\n${ran.stdout}`);
}

test("the README's first screen has commands to paste", () => {
  const screen = readFileSync("README.md", "utf8").split("\n").slice(0, 40).join("\n");
  assert.match(screen, /```sh/);
});

for (const path of documents) {
  const { blocks } = readMarkdown(readFileSync(path, "utf8"));
  for (const block of blocks) {
    if (/^(?:sh|console)\b/.test(block.info) && !/^(?:sh|console)$/.test(block.info)) {
      test(`${path}:${block.line} says why its commands are not run`, () =>
        assert.match(block.info, /^(?:sh|console) not-run: \w+/));
    }
    for (const example of examplesOf(block)) {
      test(`${path}:${example.line} shows a command that works`, (t) => runs(t, example));
    }
  }
}
