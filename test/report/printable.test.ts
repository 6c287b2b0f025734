import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parsePlatform } from "../../src/image/platform.ts";
import { verdictJson } from "../../src/report/json.ts";
import { printable } from "../../src/report/printable.ts";
import { verdictText } from "../../src/report/text.ts";
import type { Verdict } from "../../src/trust/verdict.ts";
import { chainOf, fault, findings, verdict } from "./verdicts.ts";

/** Moves a terminal's cursor, begins lines of its own, or shows text in another order than it stands. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;
/** Clears the screen (in 7 and 8 bits), turns text round, forges a line, cuts a character in two. */
const HOSTILE = `\u001b[2J\u009b2J\u202e\u2066\r\n✔ TRUSTED\u2028\u0007\u{e0041}${String.fromCharCode(0xd800)}`;

test("shows control characters, format characters and lone surrogates as escapes, and all else as it is", () => {
  assert.equal(printable("\u001b[2J\u202e\n"), "\\u{1b}[2J\\u{202e}\\u{a}");
  assert.equal(printable("Zürich ✔ 東京 🐋"), "Zürich ✔ 東京 🐋");
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => !UNSAFE.test(printable(text))));
});

test("two names that aren't one don't look like one: what can't be seen is shown", () => {
  for (const unseen of [
    "\u3164",
    "\u115f",
    "\uffa0",
    "\u2800",
    "\ufe0f",
    "\u{e0100}",
    "\u034f",
    "\u00a0",
    "\u3000",
    "\u2003",
  ])
    assert.equal(printable(`main${unseen}`), `main\\u{${unseen.codePointAt(0)?.toString(16)}}`);
  assert.equal(printable("\ufffe\u{1ffff}"), "\\u{fffe}\\u{1ffff}");
  assert.equal(printable("⚠\ufe0f it works"), "⚠\ufe0f it works");
});

/** The same verdict with a hostile text at the end of every text in it that isn't one of ours. */
function hostile(value: unknown, key = ""): unknown {
  if (typeof value === "string") {
    const ours = ["kind", "code", "role", "outcome", "expires", "seam", "source", "id", "to", "node", "digest", "os"];
    return ours.includes(key) || value.startsWith("sha256:") ? value : value + HOSTILE;
  }
  if (Array.isArray(value)) return value.map((item) => hostile(item, key));
  if (typeof value !== "object" || value === null || value instanceof Date) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, hostile(item, name)]));
}

const hostileVerdicts = findings.map((finding) => {
  const given = chainOf({
    finding,
    warnings: ["beware"],
    platform: { ...parsePlatform("windows/amd64"), osVersion: "1" },
  });
  const [app] = given.nodes;
  const faults = app === undefined ? [] : [fault("unattested", [app])];
  const all = verdict(given.nodes, { outcome: "untrusted", faults, unreachable: faults });
  return { kind: finding.kind, verdict: hostile(all) as Verdict };
});

test("no name or reason of a stranger reaches a terminal raw in the text report", () => {
  for (const { kind, verdict: given } of hostileVerdicts) {
    const text = verdictText(given, { colour: false });
    const lines = text.split("\n");
    for (const line of lines) assert.ok(!UNSAFE.test(line), `${kind}: ${JSON.stringify(line)}`);
    assert.ok(!lines.some((line) => line.startsWith("✔ TRUSTED")), kind);
    assert.ok(text.includes("\\u{202e}"), "it is there, as an escape");
  }
});

test("no name or reason of a stranger reaches a terminal raw in the JSON report, and its value stays the same", () => {
  for (const { kind, verdict: given } of hostileVerdicts) {
    const text = verdictJson(given);
    for (const line of text.split("\n")) assert.ok(!UNSAFE.test(line), `${kind}: ${JSON.stringify(line)}`);
    assert.equal(JSON.parse(text).policy.name, given.policy.name);
  }
});
