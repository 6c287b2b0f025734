import assert from "node:assert/strict";
import { test } from "node:test";
import { judgedPins } from "../../src/app/pull-pins.ts";
import type { ForecastDocument } from "../../src/report/forecast-json.ts";
import { PIN_DIGESTS, pullReport } from "../../src/report/pull-report.ts";
import { newParent, type trusted } from "../report/pull-cases.ts";
import { digest } from "../report/verdicts.ts";

const offered = ({ check, documents }: typeof trusted) =>
  pullReport(check, documents, { server: "https://github.com" }).actions?.includes(PIN_DIGESTS);

test("what is pinned has the digest that the check's own forecast of its head has, wherever the tag leads by now", () => {
  const pins = judgedPins(newParent.check, newParent.documents);
  assert.equal(offered(newParent), true);
  assert.deepEqual(
    pins?.map(({ path, written, digest: pinned }) => [path, written, pinned]),
    ["node:20", "ghcr.io/acme/tools:1"].map((name) => ["Dockerfile", name, digest(name)]),
  );
  assert.deepEqual(judgedPins({ outcome: undefined }, newParent.documents), []);
});

test("a forecast of the base branch is nothing that is pinned, and one that was forgotten leaves nothing to pin", () => {
  const { check, documents } = newParent;
  const files = check.outcome?.kind === "judged" ? check.outcome.files : [];
  const keys = files.flatMap(({ after }) => (after.kind === "judged" ? after.forecasts.map(({ key }) => key) : []));
  const only = new Map<string, ForecastDocument>([...documents].filter(([key]) => keys.includes(key)));
  assert.ok(only.size < documents.size);
  assert.deepEqual(judgedPins(check, only), judgedPins(check, documents));
  assert.equal(judgedPins(check, new Map([...documents].filter(([key]) => !keys.includes(key)))), undefined);
});
