import assert from "node:assert/strict";
import { test } from "node:test";
import { ancestryGraph, MAX_DRAWN, MAX_LINES } from "../../src/report/ancestry-graph.ts";
import { drawAncestry } from "../../src/report/ancestry-picture.ts";
import { verdictDocument } from "../../src/report/json.ts";
import type { JudgedNode } from "../../src/trust/verdict.ts";
import { DEEP, TRUSTED, UNDETERMINED, UNTRUSTED } from "./image-pages.ts";
import { fault, node, verdict } from "./verdicts.ts";

const pageOf = (reference: string) => `/images/${encodeURIComponent(reference)}`;
const draw = async (judged: typeof TRUSTED) => String(await drawAncestry(verdictDocument(judged), pageOf));
const count = (text: string, part: string) => text.split(part).length - 1;

test("each image is drawn once, as a link to its page, with what was found of it", async () => {
  const svg = await draw(TRUSTED);
  assert.equal(count(svg, '<a id="drawn-'), DEEP.length);
  for (const { reference } of DEEP) assert.equal(count(svg, `href="${pageOf(reference)}"`), 1);
  assert.equal(count(svg, "✔ scratch"), 1);
  assert.equal(count(svg, "faulty"), 0);
});

test("the way to a fault is drawn by shape, word and colour, the whole of it and nothing else", async () => {
  const svg = await draw(UNTRUSTED);
  assert.equal(count(svg, 'class="way-line faulty bad"'), 3);
  assert.equal(count(svg, "✖ base"), 3);
  assert.equal(count(svg, "✖ unattested</text>"), 1);
  // It is led to from above the picture.
  const [, place = ""] = /<a href="#(drawn-[0-9]+)">✖ unattested: debian</.exec(svg) ?? [];
  assert.ok(svg.includes(`<a id="${place}" class="node bad"`));
});

test("the way to what could not be looked at isn't drawn as one to a fault", async () => {
  const svg = await draw(UNDETERMINED);
  assert.equal(count(svg, 'class="way-line faulty unknown"'), 2);
  assert.deepEqual([count(svg, "? base<"), count(svg, "? input<")], [1, 1]);
  assert.equal(count(svg, "✖"), 0);
});

/** All hang on all that come after them. */
const tangled = (size: number): readonly JudgedNode[] =>
  Array.from({ length: size }, (_, i) =>
    node(`n${i}`, {
      parents: Array.from({ length: size - i - 1 }, (__, k) => ({ role: "input" as const, to: `n${i + k + 1}` })),
    }),
  );

test("an ancestry in which all hangs on all is bounded before Graphviz sees it, and fast", async () => {
  const document = verdictDocument(verdict(tangled(60)));
  const { edges, leftLines, nodes } = ancestryGraph(document);
  assert.equal(edges.length, MAX_LINES);
  assert.equal(leftLines, (60 * 59) / 2 - MAX_LINES);
  // One line to each image at least.
  assert.equal(new Set(edges.map(({ to }) => to)).size, nodes.length - 1);
  const started = performance.now();
  const svg = String(await drawAncestry(document, pageOf));
  assert.ok(performance.now() - started < 5000);
  assert.ok(svg.includes("<svg"));
});

test("of five hundred images the ways to faults are drawn first, and the rest is counted", async () => {
  const deep = Array.from({ length: 512 }, (_, i) =>
    node(`n${i}`, {
      ...(i === 511 && { finding: { kind: "unattested" as const } }),
      parents: i === 0 ? Array.from({ length: 511 }, (__, k) => ({ role: "input" as const, to: `n${k + 1}` })) : [],
    }),
  );
  const [first] = deep;
  const last = deep.at(-1);
  if (first === undefined || last === undefined) throw new Error("no images");
  const judged = verdict(deep, { outcome: "untrusted", faults: [fault("unattested", [first], [last, "input"])] });
  const svg = await draw(judged);
  assert.equal(count(svg, '<a id="drawn-'), MAX_DRAWN);
  assert.ok(svg.includes("✖ unattested"));
  assert.ok(svg.includes(`Not drawn: ${512 - MAX_DRAWN} images`));
});

test("an image that is named twice by one is one line, with both roles", () => {
  const nodes = [
    node("app", {
      parents: [
        { role: "base", to: "base" },
        { role: "input", to: "base" },
      ],
    }),
    node("base"),
  ];
  assert.deepEqual(
    ancestryGraph(verdictDocument(verdict(nodes))).edges.map(({ role }) => role),
    ["base and input"],
  );
});
