import assert from "node:assert/strict";
import { test } from "node:test";
import { parsePlatform } from "../../src/image/platform.ts";
import { pin } from "../../src/image/reference.ts";
import { forecastDocument } from "../../src/report/forecast-json.ts";
import { pinsOf } from "../../src/report/forecast-pins.ts";
import { pullReport } from "../../src/report/pull-report.ts";
import { forecast, parent, use } from "./forecasts.ts";
import { judged, judgedCheck, refused, weighed } from "./pulls.ts";
import { digest } from "./verdicts.ts";

const pins = (...parents: readonly ReturnType<typeof parent>[]) =>
  pinsOf([forecastDocument(forecast(parents))]).map(({ pinned }) => pinned);
const base = parent("node:20");
const arm = { ...base, platform: parsePlatform("linux/arm64") };

test("pins a reference once, however many platforms and policies use it", () => {
  assert.deepEqual(pins(base, arm), [`node:20@${digest("node:20")}`]);
});

test("leaves to people what has variables, and what leads to different images on different platforms", () => {
  assert.deepEqual(pins({ ...base, uses: [use("node:20", { written: "node:$TAG" })] }), []);
  assert.deepEqual(pins(base, { ...arm, image: pin(base.reference, digest("another")) }), []);
  assert.deepEqual(pins({ ...base, image: undefined }, { ...base, isPinned: true }), []);
});

test("no text of a Dockerfile reaches a pin's remark or the title of a file that can't be read unescaped", () => {
  const reportOf = (...given: Parameters<typeof judgedCheck>[1]) => {
    const { check, documents } = judgedCheck("untrusted", given);
    return pullReport(check, documents, { server: "https://github.com" });
  };
  const after = judged(forecast([{ ...base, uses: [use("node:20", { written: "node:20\u202e\u001b[31m" })] }]));
  const [remark] = reportOf({ after, enforced: [weighed("strict", "failure")] }).annotations ?? [];
  assert.doesNotMatch(`${remark?.title} ${remark?.message}`, /[^\n\P{Cc}]|\p{Cf}/u);
  assert.match(remark?.message ?? "", /\\u\{202e\}/);
  const { title } = reportOf({ path: "Docker\u202efile", after: refused, enforced: [weighed("strict", "failure")] });
  assert.equal(title, "untrusted: Docker\\u{202e}file can't be read, line 7, column 3");
});
