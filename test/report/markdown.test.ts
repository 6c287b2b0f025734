import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { code, fenced, link, prose, safeUrl } from "../../src/report/markdown.ts";
import { printable } from "../../src/report/printable.ts";
import { bare } from "./rendered.ts";

/** Characters that mean something to Markdown, HTML or GitHub more often than chance would have them. */
const text = fc.oneof(
  fc.string({ unit: "binary" }),
  fc
    .array(fc.constantFrom(..."`|\\<>[]()!@#*_~&:/.-+=$ \n\tG1a0", "GH-1", "www.", "http://", "deadbeef", "1.", "it's"))
    .map((parts) => parts.join("")),
);

test("a code span shows any text as it stands, and nothing of it outside", () => {
  fc.assert(
    fc.property(text, (given) => {
      const { lines, spans } = bare(`x ${code(given)} y`);
      assert.deepEqual(lines, given === "" ? ["x (empty) y"] : ["x C y"]);
      assert.deepEqual(spans, given === "" ? [] : [printable(given).replaceAll("|", "\\u{7c}")]);
    }),
  );
});

test("a code span has no pipe, which would end a cell of a table even there", () => {
  assert.equal(code("a|b\\|c"), "`a\\u{7c}b\\\\u{7c}c`");
  fc.assert(fc.property(text, (given) => !code(given).includes("|") && !prose(given).includes("|")));
});

test("prose leaves nothing outside code spans but plain words and the signs of a sentence", () => {
  fc.assert(
    fc.property(text, (given) => {
      const { lines } = bare(`- ${prose(given)}`);
      assert.equal(lines.length, 1);
      const [line = ""] = lines;
      assert.match(line, /^- [\p{L}\p{M}0-9 ,;:.?()"'’→–—…-]*$/u);
      assert.doesNotMatch(line, /GH-[0-9]|(?<![\p{L}])[0-9a-f]{7,}(?![\p{L}])|www\.|:\/|:\p{L}|^- [0-9]+[.)]|^- -/iu);
    }),
  );
});

test("prose keeps a sentence readable: names, addresses and numbers of versions stand as code, words as they are", () => {
  assert.equal(
    prose('ref (.14) is "refs/heads/x", and builder[0] doesn\'t take it: ask @octocat, or see #12.'),
    'ref (`.14`) is "`refs/heads/x`", and `builder[0]` doesn\'t take it: ask `@octocat`, or see `#12`.',
  );
  assert.equal(prose("a → b of 3 images, deadbeef\nand defaced"), "a → b of 3 images, `deadbeef` and `defaced`");
  assert.equal(prose("1. not a list"), "`1`. not a list");
});

const HOSTILE = [
  "![x](http://evil.example/p.png)",
  "[x](javascript:alert(1))",
  "<img src=x onerror=alert(1)>",
  "<!-- hidden",
  "@octocat",
  "acme/app#1",
  "GH-1",
  "https://evil.example",
  "www.evil.example",
  "root@evil.example",
  "**TRUSTED**",
  ":white_check_mark:",
  "$`x`$",
  "&#64;octocat",
  "`` ` ```",
  "\\`",
  "a\n\n# TRUSTED",
  "|a|b|",
  "~~~",
];

test("none of the usual attacks gets out of code or prose", () => {
  for (const attack of HOSTILE) {
    for (const given of [attack, `so it is ${attack} here`]) {
      for (const shown of [code(given), prose(given), link(given, "https://github.com/acme/app")]) {
        const { lines } = bare(`- ${shown}`);
        assert.equal(lines.length, 1, attack);
        assert.match(lines[0] ?? "", /^- (?:L|[a-zA-Z ,C"():.]*)$/, attack);
      }
    }
  }
});

test("links only to addresses of the web that can't end a link, and shows the text alone otherwise", () => {
  assert.equal(link("a`b", "https://github.com/acme/app"), "[``a`b``](https://github.com/acme/app)");
  assert.equal(safeUrl("http://127.0.0.1:3000/builds/x"), "http://127.0.0.1:3000/builds/x");
  const bad = [
    "javascript:alert(1)",
    "https://a b",
    "https://a)b",
    "https://a/)[x](http://b",
    "https://a/|",
    "https://a/\n",
    "https://user:pass@evil.example/",
    "//evil.example",
    "https://a/<",
    "https://a/`",
  ];
  for (const url of bad) assert.equal(link("x", url), "`x`", url);
  assert.equal(link("x", undefined), "`x`");
});

test("no line of strangers ends a fence", () => {
  fc.assert(
    fc.property(fc.array(text), (given) => {
      const { before, lines, after } = fenced(given);
      const { lines: outside, isClosed } = bare(["above", ...before, ...lines, ...after, "below"].join("\n"));
      assert.ok(isClosed);
      assert.deepEqual(outside, ["above", "below"]);
    }),
  );
  assert.deepEqual(fenced(["a\tb", "```", "\u001b[31m"]), {
    before: ["````text"],
    lines: ["a    b", "```", "\\u{1b}[31m"],
    after: ["````"],
  });
});

test("cuts what is too long for one place, never in the middle of a character, and says so", () => {
  const long = "🐋".repeat(5000);
  for (const shown of [code(long), prose(long), fenced([long]).lines[0] ?? ""]) {
    assert.ok(shown.includes("🐋… (cut)"));
    assert.ok(shown.length < 2100);
  }
});
