import assert from "node:assert/strict";
import { test } from "node:test";
import { forecastDocument } from "../../src/report/forecast-json.ts";
import { forecastText } from "../../src/report/forecast-text.ts";
import { linesWords } from "../../src/report/forecast-tree.ts";
import { COLOURS } from "../../src/report/text.ts";
import { faultOn, forecast, parent, unattested } from "./forecasts.ts";
import { hostile } from "./hostile.ts";
import { manifold, undetermined } from "./pull-cases.ts";
import { digest } from "./verdicts.ts";

const plain = { colour: false };
const short = (name: string) => digest(name).slice(7, 19);

test("draws what would go in, then says what the image would be, why not, and what to write", () => {
  const given = forecast([unattested("node:20", { line: 3 })], { faults: [faultOn(0, 3)], level: 0 });
  assert.equal(
    forecastText(forecastDocument(given), plain, "web/Dockerfile"),
    `✖ untrusted forecast  web/Dockerfile
└─ ✖ unattested base  docker.io/library/node:20@${short("node:20")} linux/amd64 (line 3)
       nothing signed refers to it

✖ WOULD BE UNTRUSTED  web/Dockerfile
  policy  acme/app/.github/trusted-builds.yml (${digest("policy")})
  level   0 at most
  as of   2027-02-01T12:00:00.000Z
  what is built is signed by whoever builds it, and judged again then

What is wrong
✖ unattested  base docker.io/library/node:20@${short("node:20")}  (line 3)
    nothing signed refers to it
    mend: use an image that is built with provenance

Named by a tag alone; to pin, write
  line 3: node:20 → node:20@${digest("node:20")}
`,
  );
});

test("draws a parent without a verdict as what it is: not judged, pinned, not found, or not looked at", () => {
  const none = { verdict: undefined } as const;
  const given = forecast(
    [
      parent("alpine:3.19", { ...none, rule: "allow", role: "input" }),
      parent(`alpine@${digest("a")}`, { ...none, rule: "pinned", role: "input" }),
      parent("ghcr.io/acme/gone:1", { ...none, image: undefined }),
      parent("ghcr.io/acme/down:1", { ...none, image: undefined }),
    ],
    {
      faults: [faultOn(2, 1, { code: "tag-not-found", reason: "not there" })],
      unreachable: [faultOn(3, 1, { code: "network", reason: "no route" })],
    },
  );
  const lines = forecastText(forecastDocument(given), plain).split("\n");
  const heads = lines.slice(1, 7).map((line) => line.replace(/ (?:linux|\().*/, ""));
  assert.deepEqual(heads, [
    `├─ ◆ not judged input  docker.io/library/alpine:3.19@${short("alpine:3.19")}`,
    `├─ ◆ pinned, not judged input  docker.io/library/alpine@${short("a")}`,
    "├─ ✖ untrusted base  ghcr.io/acme/gone:1",
    "│      tag-not-found: not there",
    "└─ ? undetermined base  ghcr.io/acme/down:1",
    "       network: no route",
  ]);
});

test("tells faults of no parent, and that nothing goes in", () => {
  const { parent: _, ...loose } = faultOn(0, 7, { code: "unresolved", reason: "BASE has no value" });
  const text = forecastText(forecastDocument(forecast([], { faults: [loose] })), plain);
  assert.ok(text.includes("└─ ✖ unresolved (line 7)\n       BASE has no value\n"));
  assert.ok(text.includes("✖ unresolved  (line 7)\n"));
  const empty = forecastText(forecastDocument(forecast([])), plain);
  assert.ok(empty.includes("✔ trusted forecast  Dockerfile\n└─ no image goes in\n"));
});

test("names few lines of many", () => {
  const of = (...numbers: readonly number[]) => numbers.map((line) => ({ line }));
  assert.equal(linesWords([]), "");
  assert.equal(linesWords(of(3, 3)), "line 3");
  assert.equal(linesWords(of(7, 3)), "lines 3 and 7");
  assert.equal(linesWords(of(1, 2, 3, 4, 5, 6, 7)), "lines 1, 2, 3, 4, 5 and 2 more");
  assert.equal(linesWords(of(1), 9), "lines 1 and 9 more");
});

test("colours only where colours are wanted, and lets nothing of strangers reach the terminal", () => {
  for (const document of [...manifold.documents.values(), ...undetermined.documents.values()]) {
    const spoiled = { ...hostile(document, ["forecast", "rule", "by", "key"]), policy: hostile(document.policy) };
    assert.doesNotMatch(forecastText(spoiled, plain, hostile("Dockerfile")), /[^\n\P{Cc}]|\p{Cf}/u);
    const colours = forecastText(spoiled, { colour: true }, "Dockerfile");
    const codes = [...Object.values(COLOURS), "0"].map((each) => `\u001b[${each}m`);
    assert.doesNotMatch(
      codes.reduce((text, each) => text.replaceAll(each, ""), colours),
      /[^\n\P{Cc}]|\p{Cf}/u,
    );
    assert.ok(colours.includes("\u001b["));
  }
});
