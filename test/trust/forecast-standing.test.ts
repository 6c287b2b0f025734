import assert from "node:assert/strict";
import { test } from "node:test";
import type { Forecast, ForecastFault } from "../../src/trust/forecast.ts";
import { enforceForecast, type ForecastStanding, standingOf } from "../../src/trust/forecast-standing.ts";
import type { Policy } from "../../src/trust/policy.ts";
import { CouldNotLook } from "../../src/trust/ports.ts";
import { forecastOf, other, read, unresolved, use } from "./dockerfiles.ts";
import { AS_OF, type BuildOptions, commitOf, policyOf, signerOf, World } from "./world.ts";

const MODES: readonly Policy["enforce"][] = ["report", "ratchet", "strict"];
const ends = (after: ForecastStanding, before: ForecastStanding | undefined, mode: Policy["enforce"] = "ratchet") =>
  enforceForecast(after, mode, before).conclusion;

/** The standing of a file from one image that is built so. */
async function standing(repo: string, options: BuildOptions = {}, given: Parameters<typeof forecastOf>[2] = {}) {
  const world = new World();
  const { image } = world.build(repo, options);
  return standingOf(await forecastOf(world, [read([use(image)])], given));
}

const unsigned = (repo: string, label = "") => standing(repo, { signed: "nothing", label });
const TRUSTED = await standing("base");
const BAD = await unsigned("bad");
const NONE = { faults: [], unreachable: [], asOf: AS_OF, validUntil: undefined };

test("R35 trusted passes and undetermined doesn't, whatever is enforced and whatever was before", () => {
  const undetermined: ForecastStanding = { ...TRUSTED, outcome: "undetermined", isPartial: true };
  for (const mode of MODES) {
    for (const before of [undefined, TRUSTED, BAD, undetermined]) {
      assert.equal(ends(TRUSTED, before, mode), "success", mode);
      assert.equal(ends(undetermined, before, mode), "action_required", mode);
    }
  }
});

test("R35 strict fails every fault, report none that adopting is about, and ratchet those that the base branch hasn't", async () => {
  assert.deepEqual(
    MODES.map((mode) => ends(BAD, BAD, mode)),
    ["success", "success", "failure"],
  );
  assert.deepEqual(
    MODES.map((mode) => ends(BAD, TRUSTED, mode)),
    ["success", "failure", "failure"],
  );
  assert.equal(ends(await unsigned("worse"), BAD), "failure");
});

test("R35 a file that the base branch doesn't have has an empty past: every fault of it is worse", () => {
  assert.deepEqual(
    MODES.map((mode) => ends(BAD, undefined, mode)),
    ["success", "failure", "failure"],
  );
});

test("R35 ratchet knows a fault again under another tag, digest and line, in any number, and in no other role", async () => {
  const world = new World();
  const [base, old] = [world.build("base"), world.build("bad", { signed: "nothing" })];
  const next = world.build("bad", { signed: "nothing", label: "next" });
  const tags = { "ghcr.io/acme/bad:2": next.image };
  const of = async (...images: ReturnType<typeof use>[]) =>
    standingOf(await forecastOf(world, [read(images)], { tags }));
  const before = await of(use(old.image));
  assert.equal(ends(await of(use("ghcr.io/acme/bad:2", { line: 40 })), before), "success");
  assert.equal(ends(await of(use(old.image), use(next.image)), before), "success");
  assert.equal(ends(await of(use(base.image), use(old.image, { role: "input", line: 4 })), before), "failure");
  assert.equal(new Set(before.faults.map(({ key }) => key)).size, before.faults.length);
  assert.ok(before.faults.every(({ key }) => !/sha256|1\.0\.0/.test(key)));
});

test("R35 ratchet tells faults apart by the way to them: the same ancestor under another parent is worse", async () => {
  const world = new World();
  const bad = world.build("bad", { signed: "nothing" });
  const [one, two] = [world.build("one", { base: bad }), world.build("two", { base: bad })];
  const of = async (...names: (typeof one)[]) =>
    standingOf(await forecastOf(world, [read(names.map(({ image }, i) => use(image, { line: i + 1 })))]));
  assert.equal(ends(await of(one), await of(one)), "success");
  assert.equal(ends(await of(two), await of(one)), "failure");
  assert.equal(ends(await of(one, two), await of(one)), "failure");
});

test("R35 no mode passes a grave fault, though the base branch has the same", async () => {
  for (const [options, given] of [
    [{ by: signerOf("bad", { sourceRepositoryOwnerIdentifier: "666" }) }, {}],
    [
      {},
      {
        policy: policyOf({
          trust: `  revoked: [{ commit: "${commitOf("bad")}", reason: x }]`,
        }),
      },
    ],
  ] as const) {
    const grave = await standing("bad", options, given);
    assert.equal(grave.outcome, "untrusted");
    for (const mode of MODES) assert.equal(ends(grave, grave, mode), "failure", JSON.stringify(grave.faults));
  }
});

test("R35 a parent that isn't there any more, or can't be made out, is no tampering beside a base that was judged", async () => {
  const world = new World();
  const { image } = world.build("base");
  const missing = standingOf(await forecastOf(world, [read([use(image), use("ghcr.io/acme/x:1", { role: "input" })])]));
  const hidden = standingOf(
    await forecastOf(world, [read([use(image)], { unresolved: [unresolved("$X", { role: "input" })] })]),
  );
  for (const each of [missing, hidden]) {
    assert.equal(ends(each, undefined, "report"), "success");
    assert.equal(ends(each, each), "success");
    assert.equal(ends(each, TRUSTED), "failure");
  }
  const blind = standingOf(await forecastOf(world, [read([], { unresolved: [unresolved("$X")] })]));
  for (const mode of MODES) assert.equal(ends(blind, blind, mode), "failure");
});

test("R35 what could not be looked at beside faults that would pass passes nowhere", async () => {
  const world = new World();
  const { image } = world.build("bad", { signed: "nothing" });
  const tags = { "ghcr.io/acme/x:1": new CouldNotLook("network", "no") };
  const images = [use(image), use("ghcr.io/acme/x:1", { role: "input", line: 3 })];
  const partial = standingOf(await forecastOf(world, [read(images)], { tags }));
  assert.deepEqual([partial.outcome, partial.isPartial], ["untrusted", true]);
  assert.deepEqual(
    MODES.map((mode) => ends(partial, partial, mode)),
    ["action_required", "action_required", "failure"],
  );
});

test("R35 a base branch of which not all could be looked at excuses nothing that it isn't known to have", async () => {
  const known = { ...BAD, isPartial: true };
  const unknown: ForecastStanding = { ...TRUSTED, outcome: "undetermined", isPartial: true };
  assert.equal(ends(BAD, known), "success");
  assert.equal(ends(await unsigned("worse"), known), "action_required");
  assert.equal(ends(BAD, unknown), "action_required");
  assert.equal(ends(BAD, { ...unknown, isPartial: false }), "action_required");
  const grave = { ...BAD, faults: BAD.faults.map((each) => ({ ...each, isGrave: true })) };
  assert.equal(ends(grave, unknown), "failure");
});

test("R35 untrusted without a fault is nothing judged, and fails", () => {
  for (const mode of MODES) assert.equal(ends({ ...TRUSTED, outcome: "untrusted" }, TRUSTED, mode), "failure");
});

test("R35 another address without checksum is another fault, and another command with the network the same", async () => {
  const world = new World();
  const { image } = world.build("base");
  const policy = policyOf({ trust: "  allow: { network: false }" });
  const of = async (...others: ReturnType<typeof other>[]) =>
    standingOf(await forecastOf(world, [read([use(image)], { others })], { policy }));
  const before = await of(other("http", "https://a.example/x"), other("network", "apk add"));
  assert.equal(ends(await of(other("network", "make"), other("network", "curl", { line: 9 })), before), "success");
  assert.equal(ends(await of(other("http", "https://b.example/x")), before), "failure");
});

test("a fault that is grave anywhere is grave under its key", () => {
  const fault = (isGrave: boolean): ForecastFault => ({
    code: "refused",
    key: "k",
    isGrave,
    reason: "",
    mend: "",
    lines: [],
    path: [],
  });
  const forecast = { ...NONE, outcome: "untrusted", parents: [], level: 0, policy: policyOf() } as unknown as Forecast;
  for (const faults of [
    [fault(true), fault(false)],
    [fault(false), fault(true)],
  ])
    assert.deepEqual(standingOf({ ...forecast, faults }).faults, [{ key: "k", code: "refused", isGrave: true }]);
});
