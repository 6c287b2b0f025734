import assert from "node:assert/strict";
import { test } from "node:test";
import { verdictDocument } from "../../src/report/json.ts";
import { annotation, verdictAnnotations, withoutCommands } from "../../src/report/workflow-command.ts";
import { trusted, undetermined, untrusted } from "./answered.ts";
import { hostile } from "./hostile.ts";
import { fault, node, verdict } from "./verdicts.ts";

/** What the runner makes of a line, by its two forms of commands: the command's name and its text. */
function commandIn(line: string): readonly [name: string, data: string] | undefined {
  const ignored = /[\p{Default_Ignorable_Code_Point}\p{M}]/gu;
  const seen = line.replace(ignored, "");
  const [, name, data = ""] =
    /^\s*::([\w-]+)[^:]*(?:%3A[^:]*)*::(.*)$/s.exec(seen) ?? /##\[([\w-]+)[^\]]*\](.*)/s.exec(seen) ?? [];
  return name === undefined ? undefined : [name, data];
}

const attacks = [
  "::stop-commands::x",
  "   ::error::fine",
  "\t::add-mask::TRUSTED",
  "\u00a0::error title=a::b",
  "text ##[add-mask]UNTRUSTED",
  "##[error]no",
  "a #\u034f#\ufe0f[group]b",
  ":\u034f:error::b",
  "\u034f::error::b",
  "####[error]x",
  "first\n  ::error::second\n##[endgroup]",
];

test("leaves no command in a text of strangers, in either form and however it is begun", () => {
  for (const attack of attacks) {
    const lines = attack.split("\n");
    assert.ok(
      lines.some((line) => commandIn(line) !== undefined),
      JSON.stringify(attack),
    );
    for (const line of withoutCommands(attack).split("\n")) assert.equal(commandIn(line), undefined, line);
  }
});

test("leaves what is no command as it is, and a JSON text with the same meaning", () => {
  for (const text of ["a::b::c", "# heading\n## [link](x)", "std::vector", "::", "", "`::error::`"].slice(0, 3))
    assert.equal(withoutCommands(text), text);
  const document = { "##[error]": attacks, "::error::": "::x::" };
  for (const text of [JSON.stringify(document), JSON.stringify(document, null, 2)])
    assert.deepEqual(JSON.parse(withoutCommands(text)), document);
});

test("takes no longer for a text that is made to be slow", () => {
  const start = performance.now();
  for (const part of ["#", "#\u034f", "\u034f", " ", ":", "##"]) withoutCommands(part.repeat(100_000));
  assert.ok(performance.now() - start < 5000);
});

test("escapes an annotation as the runner reads it", () => {
  assert.equal(
    annotation("error", "a: b, c%", "100%\r\nnext: a,b"),
    "::error title=a%3A b%2C c%25::100%25%0D%0Anext: a,b",
  );
  assert.equal(annotation("warning", "##[a]", "##[b]"), "::warning title=##\\u005ba]::##\\u005bb]");
});

test("annotates each fault as an error and what could not be looked at as a warning, and nothing of a trusted image", () => {
  const kinds = (given: typeof trusted) =>
    verdictAnnotations(verdictDocument(given)).map((line) => /^::(\w+) title=([^:]*)::/.exec(line)?.slice(1));
  assert.deepEqual(kinds(trusted), []);
  assert.deepEqual(kinds(untrusted), [
    ["error", "untrusted%2C unattested"],
    ["error", "untrusted%2C workflow"],
  ]);
  assert.deepEqual(kinds(undetermined), [["warning", "undetermined%2C network"]]);
  assert.deepEqual(kinds(verdict([node("app")], { outcome: "untrusted" })), [["error", "untrusted"]]);
});

test("makes no more annotations than GitHub shows, and says how many are left", () => {
  const app = node("app");
  const faults = Array.from({ length: 25 }, (_, i) => fault(`code-${i}`, [app]));
  const lines = verdictAnnotations(verdictDocument(verdict([app], { outcome: "untrusted", faults })));
  assert.equal(lines.length, 10);
  assert.match(lines.at(-1) ?? "", /: 16 other faults are in the log$/);
});

test("an annotation is one line and one command, whatever strangers write", () => {
  for (const given of [untrusted, undetermined]) {
    for (const line of verdictAnnotations(hostile(verdictDocument(given)))) {
      assert.doesNotMatch(line, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
      assert.match(line, /^::(?:error|warning) title=[^:,]*::/);
      assert.doesNotMatch(line, /##\[/);
    }
  }
});
