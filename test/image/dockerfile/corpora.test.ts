import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { ExpansionError, expand } from "../../../src/image/dockerfile/expansion.ts";
import { readInstructions } from "../../../src/image/dockerfile/instructions.ts";
import { readDockerfile } from "../../../src/image/dockerfile/read.ts";
import { DockerfileError, type DockerfileReading, type ImageUse } from "../../../src/image/dockerfile/reading.ts";
import { readSource } from "../../../src/image/dockerfile/source.ts";
import { formatPlatform, parsePlatform } from "../../../src/image/platform.ts";
import { formatReference } from "../../../src/image/reference.ts";
import { shared } from "../shared.ts";

interface Answer {
  readonly error?: string;
  readonly refs: readonly { readonly ref: string; readonly platform: string }[];
}

interface Case {
  readonly file: string;
  readonly parse_error?: string;
  readonly default_target_linux_amd64: Answer;
  readonly all_stages_linux_amd64: Answer;
  readonly default_target_linux_arm64: Answer;
}

/** What BuildKit refuses and we read: nothing of it says which images are used. Each must apply, so that none goes stale. */
const divergences: readonly { readonly has: RegExp; readonly why: string }[] = [
  { has: /device feature is only supported/, why: "another frontend's version takes it" },
  { has: /invalid SOURCE_DATE_EPOCH/, why: "which time is stamped on files is not read" },
];

const answersOf = (uses: readonly ImageUse[]) =>
  [
    ...new Set(uses.map(({ reference, platform }) => `${formatReference(reference)} ${formatPlatform(platform)}`)),
  ].sort();

for (const folder of ["dockerfiles", "dockerfiles-buildkit-tests"]) {
  const corpus = shared(`corpora/${folder}`);
  test(`names the images of every file in ${folder} that BuildKit resolves`, { skip: corpus.skip }, () => {
    const cases: Case[] = JSON.parse(readFileSync(join(corpus.path, "expected.json"), "utf8"));
    assert.ok(cases.length > 200, `${cases.length} cases`);
    for (const { file, ...expected } of cases) {
      const text = readFileSync(join(corpus.path, file));
      const read = (platform: string) =>
        readDockerfile(text, { platform: parsePlatform(platform), buildPlatform: parsePlatform("linux/amd64") });
      const compare = (answer: Answer, platform: string, pick: (reading: DockerfileReading) => readonly ImageUse[]) => {
        if (answer.error !== undefined) {
          if (divergences.some(({ has }) => has.test(answer.error ?? ""))) return;
          try {
            assert.ok(read(platform).unresolved.length > 0, `${file}: ${answer.error}`);
          } catch (error) {
            assert.ok(error instanceof DockerfileError, String(error));
            assert.ok(error.line >= 1 && error.column >= 1);
          }
          return;
        }
        const reading = read(platform);
        const wanted = answer.refs.map(({ ref, platform }) => `${ref} ${platform}`).sort();
        const uses = pick(reading).filter(({ role }) => role !== "frontend");
        assert.deepEqual(answersOf(uses), wanted, file);
      };
      const reached = ({ images }: DockerfileReading) => images.filter(({ isReached }) => isReached);
      compare(expected.default_target_linux_amd64, "linux/amd64", reached);
      compare(expected.all_stages_linux_amd64, "linux/amd64", ({ images }) => images);
      compare(expected.default_target_linux_arm64, "linux/arm64", reached);
    }
  });
}

const parser = shared("corpora/buildkit/frontend/dockerfile/parser");

test("cuts every file that BuildKit's parser takes, and none that it refuses", { skip: parser.skip }, () => {
  const cut = (path: string) =>
    readInstructions(readSource(readFileSync(join(parser.path, path), "utf8")), { steps: 1_000_000 });
  const good = globSync("testfiles/*/Dockerfile", { cwd: parser.path });
  assert.ok(good.length > 30, `${good.length} files`);
  for (const path of good) {
    const { list } = cut(path);
    // Upstream's answer has a tree for each instruction, `(name …)` on a line of its own.
    const result = readFileSync(join(parser.path, dirname(path), "result"), "utf8");
    const names = [...result.matchAll(/^\(([a-zA-Z]+)/gm)].map(([, name = ""]) => name.toUpperCase());
    assert.deepEqual(
      list.map(({ name }) => name),
      names,
      path,
    );
  }
  const bad = globSync("testfiles-negative/*/Dockerfile", { cwd: parser.path });
  assert.equal(bad.length, 4);
  for (const path of bad) {
    const text = readFileSync(join(parser.path, path), "utf8");
    assert.throws(() => readDockerfile(text, { platform: parsePlatform("linux/amd64") }), DockerfileError, path);
  }
});

const shell = shared("corpora/buildkit/frontend/dockerfile/shell");
const environment = new Map([
  ["PWD", "/home"],
  ["SHELL", "bash"],
  ["KOREAN", "한국어"],
  ["NULL", ""],
]);

test("expands every word of envVarTest as on Unix", { skip: shell.skip }, () => {
  let count = 0;
  for (const line of readFileSync(join(shell.path, "envVarTest"), "utf8").split("\n")) {
    const text = line.replace(/#.*$/, (comment) => (line.startsWith("#") ? "" : comment)).trim();
    // Lines of Windows are for builders that run there, which look up variables without regard to case.
    if (text === "" || text.startsWith("W|")) continue;
    const [, input = "", expected = ""] = text.split("|");
    const run = () => expand(input.trim(), environment, { escape: "\\" }, { steps: 10_000 }).value;
    if (expected.trim() === "error") assert.throws(run, ExpansionError, text);
    else assert.equal(run(), expected.trim(), text);
    count++;
  }
  assert.ok(count > 200, `${count} lines`);
});

test("cuts every word of wordsTest", { skip: shell.skip }, () => {
  const variables = new Map<string, string>();
  let count = 0;
  for (const line of readFileSync(join(shell.path, "wordsTest"), "utf8").split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    if (line.startsWith("ENV ")) {
      const [name = "", value = ""] = line.slice(4).trimStart().split("=");
      variables.set(name, value);
      continue;
    }
    const [input = "", expected = ""] = line.split("|");
    const run = () => expand(input.trim(), variables, { escape: "\\", splits: true }, { steps: 10_000 }).words;
    if (expected.trim() === "error") assert.throws(run, ExpansionError, line);
    else
      assert.deepEqual(
        run(),
        expected
          .trimStart()
          .split(",")
          .map((word) => word),
        line,
      );
    count++;
  }
  assert.ok(count > 15, `${count} lines`);
});
