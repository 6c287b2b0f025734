import assert from "node:assert/strict";
import { test } from "node:test";
import { anchorOf, deadLinks, examplesOf, isOutput, readMarkdown } from "../../scripts/markdown.ts";

const block = (info: string, text: string) => ({ info, text, line: 1 });

test("each line of a sh block is a command, comments apart", () => {
  assert.deepEqual(examplesOf(block("sh", "# first\nnpm ci\n\nnpx a \\\n  --b\nnpx c")), [
    { command: "npm ci", output: undefined, line: 3 },
    { command: "npx a    --b", output: undefined, line: 5 },
    { command: "npx c", output: undefined, line: 6 },
  ]);
});

test("a console block shows what each command prints", () => {
  assert.deepEqual(examplesOf(block("console", "$ a\nx\ny\n$ b\n> c\nz")), [
    { command: "a", output: "x\ny", line: 2 },
    { command: "b\nc", output: "z", line: 5 },
  ]);
});

test("blocks of other languages, and those that aren't run, show no commands", () => {
  for (const info of ["yaml", "text", "", "sh not-run: needs the network"])
    assert.deepEqual(examplesOf(block(info, "a")), []);
});

test("a block ends at a fence as long as its own", () => {
  const { blocks, prose } = readMarkdown("a\n````sh\n```\nx\n````\nb\n");
  assert.deepEqual(blocks, [{ info: "sh", text: "```\nx", line: 2 }]);
  assert.deepEqual(prose, ["a", "b", ""]);
});

test("a fence that is never closed is refused", () => {
  assert.throws(() => readMarkdown("```sh\nrm"));
});

test("output is compared exactly, but for what … stands for", () => {
  assert.ok(isOutput("a\nb", "a\nb\n"));
  assert.ok(!isOutput("a\nb", "a\nc\n"));
  assert.ok(!isOutput("a", "a\nb\n"));
  assert.ok(!isOutput("a.c", "abc"));
  assert.ok(isOutput("took … s", "took 12 s"));
  assert.ok(!isOutput("took … s", "took 12\n13 s"));
  assert.ok(isOutput("a\n…\nz", "a\nb\nc\nz"));
  assert.ok(isOutput("a\n…", "a\nb\nc"));
  assert.ok(!isOutput("a\n…\nz", "a\nb\nc"));
});

test("a link that leads nowhere is found, whatever its form", () => {
  const files: Record<string, string> = { "docs/a.md": "# One thing\n## `b` & c\n", docs: "", "README.md": "# R\n" };
  const dead = (text: string) => deadLinks("README.md", text, (path) => files[path]);
  assert.deepEqual(
    dead("[a](docs/a.md) [b](docs/) [c](docs/a.md#one-thing) [d](docs/a.md#b--c) [e](#r) [f](https://x.example/y)"),
    [],
  );
  assert.deepEqual(dead("[a](docs/b.md)"), ["docs/b.md"]);
  assert.deepEqual(dead("![a](<x.png>)"), ["x.png"]);
  assert.deepEqual(dead("[a](docs/a.md#two)"), ["docs/a.md#two"]);
  assert.deepEqual(dead("[a]: nowhere.md"), ["nowhere.md"]);
  assert.deepEqual(dead("[a](../outside.md)"), ["../outside.md"]);
  assert.deepEqual(dead("`[a](nowhere.md)`\n```\n[b](nowhere.md)\n```\n"), []);
});

test("anchors are those that GitHub makes", () => {
  assert.equal(anchorOf("What a verdict means, and doesn't"), "what-a-verdict-means-and-doesnt");
});
