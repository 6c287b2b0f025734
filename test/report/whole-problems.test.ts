import assert from "node:assert/strict";
import { test } from "node:test";
import { parsePlatform } from "../../src/image/platform.ts";
import { drawAncestry } from "../../src/report/ancestry-picture.ts";
import { tableOf } from "../../src/report/check-run-ancestry.ts";
import { forecastDocument } from "../../src/report/forecast-json.ts";
import { forecastTree } from "../../src/report/forecast-tree.ts";
import { verdictDocument } from "../../src/report/json.ts";
import { ancestry } from "../../src/report/page-ancestry.ts";
import { explanationText } from "../../src/report/policy-explain.ts";
import { treeLines } from "../../src/report/tree.ts";
import { wholeProblems, wholeWords } from "../../src/report/whole-problems.ts";
import type { Verdict } from "../../src/trust/verdict.ts";
import { judgedBy } from "./builds.ts";
import { faultOn, forecast, parent, verdictOn } from "./forecasts.ts";
import { fault, node, verdict } from "./verdicts.ts";

const arm64 = parsePlatform("linux/arm64");
const app = node("app", { isFromScratch: true });
const arm = node("arm", { platform: arm64, isFromScratch: true });
const platform = (of: typeof app, counts = true) => ({
  platform: of.platform,
  node: of.id,
  outcome: "trusted" as const,
  counts,
  dependencyLevels: {},
});
const platforms = [platform(app), platform(arm)];

/** Each of them an image of which every node is in order. */
const MIXED = verdict([app, arm], { outcome: "untrusted", platforms, faults: [fault("mixed-index", [app])] });
const UNSEEN = verdict([app, arm], { outcome: "undetermined", platforms, unreachable: [fault("timeout", [app])] });
const MISSING = verdict([app, arm], {
  outcome: "untrusted",
  platforms: [platform(app, false), platform(arm, false)],
  faults: [fault("platform-not-found", [app])],
});
const UNEXPLAINED = verdict([app], { outcome: "untrusted" });

/** All faces that draw an ancestry, each alone. */
async function facesOf(judged: Verdict): Promise<Readonly<Record<string, string>>> {
  const document = verdictDocument(judged);
  const [tree, images] = ancestry([judgedBy(judged)]).map(String);
  const { lines, after = [] } = tableOf(document);
  return {
    "tree of a terminal and of a check run": treeLines(document).join("\n"),
    "table of a check run": [...lines, ...after].join("\n").replaceAll(/[\u00a0`]/g, (c) => (c === "`" ? "" : " ")),
    "tree of a page": textOf(tree),
    "table of a page": textOf(images),
    "picture's letters": textOf(/<svg class="ancestry".*<\/svg><\/div>/.exec(await drawn(judged))?.[0]),
  };
}

const drawn = async (judged: Verdict) => String(await drawAncestry(verdictDocument(judged), () => undefined));
/** What is read there, without what is only a title or a label. */
const textOf = (html = "") =>
  html
    .replaceAll(/<title>[^<]*<\/title>/g, "")
    .replaceAll(/<[^>]*>/g, " ")
    .replaceAll(/ +/g, " ");

const CASES = [
  [MIXED, "✖", "faults of the whole", "mixed-index"],
  [UNSEEN, "?", "not looked at of the whole", "timeout"],
  [MISSING, "✖", "faults of the whole", "platform-not-found"],
  [UNEXPLAINED, "✖", "untrusted as a whole", ""],
] as const;

test("what is wrong with the whole is seen at the image in every picture, by shape and word, and no tick stands there", async () => {
  for (const [judged, shape, title, code] of CASES)
    for (const [face, shown] of Object.entries(await facesOf(judged))) {
      const what = `${face}: ${title} ${code}\n${shown}`;
      assert.ok(shown.includes(`${shape} ${title}`), what);
      assert.ok(shown.includes(code), what);
      assert.ok(!/✔\s+attested/.test(shown), what);
      assert.match(shown, /○\s+attested/, what);
    }
});

test("who asks which lines of the policy decided is told beside the verdict what no image of the list shows", () => {
  const explanations = [app, arm].map((each) => ({ node: each, lines: [], missing: undefined }));
  const text = explanationText(explanations, MIXED, { colour: false });
  assert.match(text, /\n✖ UNTRUSTED .*\n {2}✖ faults of the whole: mixed-index\n {2}policy /);
  const sound = explanationText(explanations, verdict([app, arm]), { colour: false });
  assert.match(sound, /\n✔ TRUSTED .*\n {2}policy /);
});

test("a whole in which nothing is wrong says nothing of it, and what is wrong with a node is that node's", async () => {
  const bad = node("app", { finding: { kind: "unattested" } });
  const below = node("app", { parents: [{ role: "base", to: "bad" }] });
  const away = node("bad", { finding: { kind: "unreachable", code: "timeout", reason: "no answer" } });
  for (const judged of [
    verdict([app]),
    verdict([bad], { outcome: "untrusted", faults: [fault("unattested", [bad])] }),
    verdict([below, away], { outcome: "undetermined", unreachable: [fault("timeout", [below], [away, "base"])] }),
  ]) {
    assert.deepEqual(wholeProblems(verdictDocument(judged)), []);
    for (const [face, shown] of Object.entries(await facesOf(judged))) assert.ok(!shown.includes("whole"), face);
  }
});

test("a node's own fault hides none of the whole that stands beside it, nor that something else couldn't be looked at", () => {
  const bad = node("app", { finding: { kind: "unattested" } });
  const judged = verdict([bad, arm], {
    outcome: "untrusted",
    platforms: [platform(bad), platform(arm)],
    faults: [fault("unattested", [bad]), fault("mixed-index", [bad]), fault("mixed-index", [arm])],
    unreachable: [fault("timeout", [bad])],
  });
  assert.deepEqual(wholeProblems(verdictDocument(judged)).map(wholeWords), [
    "faults of the whole: mixed-index",
    "not looked at of the whole: timeout",
  ]);
});

test("a platform that policy leaves out stands for no whole, where another counts", () => {
  const judged = verdict([app, arm], {
    outcome: "untrusted",
    platforms: [platform(app), platform(arm, false)],
    faults: [fault("tag-went-back", [app])],
  });
  const [first = "", second = ""] = treeLines(verdictDocument(judged)).join("\n").split("\n\n");
  assert.match(first, /^○ attested image .*\n│ {3}✖ faults of the whole: tag-went-back\n/);
  assert.match(second, /^✔ attested image .*\n│ {3}policy doesn't judge this platform\n/);
});

test("an image that was drawn before as another's parent is told of the whole all the same", () => {
  const child = node("child", { parents: [{ role: "base", to: "app" }] });
  const judged = verdict([child, app], {
    outcome: "untrusted",
    platforms: [platform(child), platform(app)],
    faults: [fault("mixed-index", [child])],
  });
  const document = verdictDocument(judged);
  assert.match(treeLines(document).join("\n"), /\(see above\)\n {4}✖ faults of the whole: mixed-index/);
  const page = textOf(ancestry([judgedBy(judged)]).map(String)[0]);
  assert.match(page, /\(see above\) ✖ faults of the whole: mixed-index/);
});

test("the picture tells the whole's faults in its text alternatives, before all else, and draws lines from there", async () => {
  const svg = await drawn(MIXED);
  assert.match(
    svg,
    /role="group" aria-label="2 images, each above what went into it; faults of the whole: mixed-index"/,
  );
  assert.match(svg, /role="img" aria-label="faults of the whole: mixed-index\. ghcr\.io\/acme\/app:1\.0\.0@[0-9a-f]+"/);
  const [, place = ""] =
    /In the picture: <a href="#(drawn-[0-9]+)">✖ faults of the whole: mixed-index</.exec(svg) ?? [];
  assert.ok(svg.includes(`<g id="${place}" class="node bad whole"`));
  assert.equal(svg.split('class="way-line faulty bad"').length - 1, 2);
});

test("a code that strangers could have written stays text where the whole is told", async () => {
  const judged = verdict([app], { outcome: "untrusted", faults: [fault("<b>|`\u001b[31m", [app])] });
  const [tree, images] = ancestry([judgedBy(judged)]).map(String);
  for (const shown of [tree ?? "", images ?? "", await drawn(judged), treeLines(verdictDocument(judged)).join("\n")])
    assert.ok(!shown.includes("\u001b"));
  for (const shown of [tree ?? "", images ?? "", await drawn(judged)]) assert.doesNotMatch(shown, /<b>/);
  const { lines } = tableOf(verdictDocument(judged));
  assert.ok(!lines.join("\n").includes("\u001b"));
  assert.doesNotMatch(lines.join("\n"), /[^`]<b>/);
});

test("R35 a parent that a pull request may not use so is marked where its tree is drawn, though the image be in order", () => {
  const document = forecastDocument(
    forecast([parent("debian:12", { verdict: verdictOn("debian:12") })], {
      outcome: "untrusted",
      faults: [faultOn(0, 1, { code: "unpinned", path: [] })],
    }),
  );
  const [head = "", ...tree] = forecastTree(document, "Dockerfile");
  assert.match(head, /^✖ untrusted/);
  assert.ok(tree.some((line) => line.includes("✖ unpinned: ")));
});
