import assert from "node:assert/strict";
import { test } from "node:test";
import { parsePlatform } from "../../src/image/platform.ts";
import { formatReference } from "../../src/image/reference.ts";
import {
  forecastDocument,
  MAX_FORECAST_FAULTS,
  MAX_USES,
  MAX_VERDICTS_BYTES,
  readForecastDocument,
} from "../../src/report/forecast-json.ts";
import type { Forecast } from "../../src/trust/forecast.ts";
import { faultOn, forecast, parent, unattested, use, verdictOn } from "./forecasts.ts";
import { hostile } from "./hostile.ts";
import { digest, fault, node } from "./verdicts.ts";

const written = (given: Forecast) => JSON.parse(JSON.stringify(forecastDocument(given)));

test("a forecast is read back as it was written", () => {
  const given = forecast([unattested("node:20"), parent("ghcr.io/acme/tools:1", { role: "input", line: 4 })], {
    faults: [faultOn(0, 1)],
    validUntil: new Date("2027-03-01T00:00:00Z"),
  });
  assert.deepEqual(readForecastDocument(written(given)), forecastDocument(given));
});

test("what was written before a field was added is read with its default", () => {
  const { usesLeftOut: _uses, newer: _newer, ...first } = written(forecast([parent("alpine:3.19")])).parents[0];
  const { faultsLeftOut: _faults, unreachableLeftOut: _unreachable, ...rest } = written(forecast([]));
  const read = readForecastDocument({ ...rest, parents: [{ ...first, verdict: null }] });
  assert.deepEqual(
    [read.faultsLeftOut, read.unreachableLeftOut, read.parents[0]?.usesLeftOut, read.parents[0]?.newer],
    [0, 0, 0, null],
  );
});

test("what isn't of the form is refused, and never read as a forecast of something else", () => {
  const good = written(forecast([parent("alpine:3.19")]));
  for (const bad of [{}, { ...good, version: 2 }, { ...good, forecast: "fine" }, { ...good, extra: 1 }]) {
    assert.throws(() => readForecastDocument(bad));
  }
});

test("says of each parent what it is used for, where, by which rule, and what its name leads to", () => {
  const [first] = forecastDocument(forecast([unattested("node:20", { line: 3 })], { faults: [faultOn(0, 3)] })).parents;
  const { verdict, ...told } = first ?? {};
  assert.equal(verdict, 0);
  assert.deepEqual(told, {
    reference: "docker.io/library/node:20",
    name: "docker.io/library/node",
    tag: "20",
    role: "base",
    platform: "linux/amd64",
    rule: "attested",
    pinned: false,
    digest: digest("node:20"),
    uses: [{ line: 3, endLine: 3, written: "node:20", by: "FROM", stage: "0", place: { start: 305, end: 312 } }],
    usesLeftOut: 0,
    outcome: "untrusted",
    level: 0,
    newer: null,
  });
});

test("parents with the same verdict share it", () => {
  const same = verdictOn("alpine:3.19");
  const { parents, verdicts } = forecastDocument(
    forecast([
      parent("alpine:3.19", { verdict: same }),
      parent("alpine:3.19", { verdict: same, role: "input", line: 2 }),
      parent("alpine:3.19", { verdict: undefined, role: "frontend", rule: "allow", line: 3 }),
    ]),
  );
  assert.deepEqual([verdicts.length, parents.map(({ verdict }) => verdict)], [1, [0, 0, null]]);
});

test("verdicts that are too large are left out, those that say what is wrong last, and each outcome stays", () => {
  const large = (name: string, outcome: "trusted" | "untrusted", bytes: number) =>
    parent(name, {
      verdict: verdictOn(name, { outcome, nodes: [node("a", { reference: name, warnings: ["x".repeat(bytes)] })] }),
    });
  const parents = [
    ...Array.from({ length: 40 }, (_, i) => large(`acme/trusted-${i}:1`, "trusted", 200_000)),
    large("acme/wrong:1", "untrusted", 200_000),
    large("acme/huge:1", "untrusted", 300_000),
  ];
  const document = forecastDocument(forecast(parents));
  assert.ok(Buffer.byteLength(JSON.stringify(document)) < MAX_VERDICTS_BYTES * 1.1);
  assert.deepEqual(
    document.parents.map(({ outcome }) => outcome),
    parents.map(({ verdict }) => verdict?.outcome),
  );
  assert.equal(document.verdicts[document.parents[40]?.verdict ?? -1]?.verdict, "untrusted");
  assert.equal(document.parents[41]?.verdict, null);
  assert.equal(document.parents[39]?.verdict, null);
});

test("uses, lines, faults and texts are bounded, and what is left out is counted", () => {
  const many = Array.from({ length: MAX_USES + 7 }, (_, i) =>
    use("node:20", { line: i + 1, written: "$".repeat(9999) }),
  );
  const faults = Array.from({ length: MAX_FORECAST_FAULTS + 3 }, () =>
    faultOn(0, 1, { lines: many, reason: "r".repeat(9999) }),
  );
  const document = forecastDocument(forecast([unattested("node:20", { uses: many })], { faults, unreachable: faults }));
  const [first] = document.parents;
  assert.deepEqual([first?.uses.length, first?.usesLeftOut], [MAX_USES, 7]);
  assert.deepEqual([document.faults.length, document.faultsLeftOut], [MAX_FORECAST_FAULTS, 3]);
  assert.deepEqual([document.unreachable.length, document.unreachableLeftOut], [MAX_FORECAST_FAULTS, 3]);
  assert.equal(document.faults[0]?.lines.length, MAX_USES);
  assert.ok((document.faults[0]?.reason.length ?? 0) < 5000 && (first?.uses[0]?.written.length ?? 0) < 5000);
});

test("names the ancestors on the way to a fault, also where the verdict is left out", () => {
  const [runtime, base] = [
    node("runtime", { parents: [{ role: "base", to: "base" }], warnings: ["x".repeat(300_000)] }),
    node("base", { finding: { kind: "unattested" } }),
  ];
  const { path } = fault("unattested", [runtime], [base, "base"]);
  const given = parent("ghcr.io/acme/runtime:1.0.0", {
    verdict: verdictOn("ghcr.io/acme/runtime:1.0.0", { outcome: "untrusted", nodes: [runtime, base] }),
  });
  const document = forecastDocument(forecast([given], { faults: [faultOn(0, 1, { path })] }));
  assert.deepEqual(document.faults[0]?.path, [
    { reference: runtime.reference, role: null },
    { reference: base.reference, role: "base" },
  ]);
  assert.deepEqual(document.verdicts, []);
});

test("takes whatever a Dockerfile or a registry says, and reads it back", () => {
  const given = forecast([parent("node:20", { platform: parsePlatform("linux/arm/v7") })], { faults: [faultOn(0, 1)] });
  const document = { ...written(given), faults: hostile(written(given).faults) };
  assert.deepEqual(readForecastDocument(JSON.parse(JSON.stringify(document))).faults, document.faults);
  assert.equal(formatReference(given.parents[0]?.reference ?? use("a").reference), "docker.io/library/node:20");
});
