import assert from "node:assert/strict";
import { test } from "node:test";
import type { Ancestry, AncestryNode } from "../../src/trust/ancestry.ts";
import type { Finding } from "../../src/trust/finding.ts";
import { knownTogether } from "../../src/trust/known-images.ts";
import { judge } from "../../src/trust/verdict.ts";
import {
  AS_OF,
  codesOf,
  type Json,
  layerOf,
  policyOf,
  put,
  SLSA1,
  signerOf,
  statementOf,
  told,
  World,
  written,
} from "./world.ts";

const IMAGE = new World().build("app").image;

/** An ancestry of findings, each with its parents; the first is the image. */
function ancestry(nodes: Readonly<Record<string, readonly [Finding, ...string[]]>>): Ancestry {
  const all = Object.entries(nodes).map(([id, [finding, ...parents]]): AncestryNode => {
    const links = parents.map((to) => ({ role: "base" as const, to }));
    return {
      id,
      reference: id,
      image: undefined,
      platform: undefined,
      node: undefined,
      examination: undefined,
      finding,
      links,
    };
  });
  return {
    subjects: [all[0]?.id ?? ""],
    nodes: new Map(all.map((node) => [node.id, node])),
    layers: new Map(),
    known: knownTogether(new Map()),
  };
}

const outcome = (nodes: Parameters<typeof ancestry>[0]) => judge(ancestry(nodes), policyOf(), IMAGE, AS_OF).outcome;
const attested: Finding = { kind: "attested" };
const unreachable: Finding = { kind: "unreachable", code: "network", reason: "no" };
const unattested: Finding = { kind: "unattested" };

const FAULTS: readonly Finding[] = [
  unattested,
  { kind: "refused", refusals: [] },
  { kind: "opaque", code: "list-only", reason: "" },
  { kind: "unresolved", code: "manifest-not-found", reason: "" },
  { kind: "malformed", code: "schema", reason: "" },
  { kind: "mismatch", code: "source-mismatch", reason: "" },
  { kind: "layers-mismatch", code: "layers-mismatch", reason: "" },
  { kind: "undeclared-base", reason: "" },
  { kind: "revoked", reason: "" },
  { kind: "cycle", reason: "" },
  { kind: "limit", reason: "" },
];

test("any fault is untrusted, whatever else is there", () => {
  for (const fault of FAULTS) {
    assert.equal(outcome({ app: [fault] }), "untrusted", fault.kind);
    assert.equal(outcome({ app: [attested, "a", "b"], a: [unreachable], b: [fault] }), "untrusted", fault.kind);
    assert.equal(outcome({ app: [attested, "a"], a: [unreachable, "b"], b: [fault] }), "untrusted", fault.kind);
  }
});

test("what couldn't be looked at leaves it undetermined where there is no fault", () => {
  assert.equal(outcome({ app: [unreachable] }), "undetermined");
  assert.equal(outcome({ app: [attested, "a", "b"], a: [attested], b: [unreachable] }), "undetermined");
});

test("only sound findings all the way down are trusted", () => {
  const root: Finding = { kind: "root", reason: "", expires: "2027-01-01", policyPath: "trust.roots[0]" };
  for (const end of [attested, root, { kind: "scratch" }, { kind: "pinned" }, { kind: "allowed" }] as const) {
    assert.equal(outcome({ app: [attested, "a"], a: [end] }), "trusted", end.kind);
  }
});

test("R18 nothing to judge is untrusted", () => {
  const none: Ancestry = { subjects: [], nodes: new Map(), layers: new Map(), known: knownTogether(new Map()) };
  assert.equal(judge(none, policyOf(), IMAGE, AS_OF).outcome, "untrusted");
  assert.equal(judge(none, policyOf({ trust: "  platforms: [linux/amd64]" }), IMAGE, AS_OF).outcome, "untrusted");
});

test("an ancestor that is named and missing is never skipped", () => {
  assert.throws(() => outcome({ app: [attested, "gone"] }), Error);
  assert.throws(
    () =>
      judge(
        { subjects: ["gone"], nodes: new Map(), layers: new Map(), known: knownTogether(new Map()) },
        policyOf(),
        IMAGE,
        AS_OF,
      ),
    Error,
  );
});

test("a ring is a cycle at each of its members and at nobody else", () => {
  const verdict = judge(
    ancestry({ app: [attested, "a"], a: [attested, "b", "c"], b: [attested, "a"], c: [attested] }),
    policyOf(),
    IMAGE,
    AS_OF,
  );
  assert.deepEqual(
    verdict.nodes.map(({ finding }) => finding.kind),
    ["attested", "cycle", "cycle", "attested"],
  );
  assert.equal(verdict.outcome, "untrusted");
  assert.equal(outcome({ app: [attested, "app"] }), "untrusted");
});

test("the path to a fault goes by FROM alone where it can, though a file was copied from there as well", () => {
  const chain = ancestry({
    app: [attested, "runtime"],
    runtime: [attested, "base"],
    base: [unattested],
    tool: [unattested],
  });
  const app = chain.nodes.get("app");
  assert.ok(app);
  const links = [{ role: "input" as const, to: "base" }, { role: "input" as const, to: "tool" }, ...app.links];
  const nodes = new Map(chain.nodes).set("app", { ...app, links });
  const { faults } = judge({ ...chain, nodes }, policyOf(), IMAGE, AS_OF);
  assert.deepEqual(faults.map(({ path }) => path.map(({ node, role }) => `${role ?? "image"} ${node}`)).sort(), [
    ["image app", "base runtime", "base base"],
    ["image app", "input tool"],
  ]);
});

test("the path to a fault is a shortest one", () => {
  const verdict = judge(
    ancestry({
      app: [attested, "a", "b"],
      a: [attested, "c"],
      b: [attested, "bad"],
      c: [attested, "bad"],
      bad: [unattested],
    }),
    policyOf(),
    IMAGE,
    AS_OF,
  );
  assert.deepEqual(
    verdict.faults.map(({ path }) => path.map(({ node }) => node)),
    [["app", "b", "bad"]],
  );
});

test("a fault beside something unreachable is told with it, and wins", async () => {
  const world = new World();
  const gone = world.build("gone");
  const bad = world.build("bad", { signed: "nothing" });
  const app = world.build("app", { base: gone, inputs: [bad] });
  world.hide(gone.image);
  const verdict = await world.judge(app.image);
  assert.equal(verdict.outcome, "untrusted");
  assert.deepEqual(
    [verdict.faults.map(({ code }) => code), verdict.unreachable.map(({ code }) => code)],
    [["unattested"], ["network"]],
  );
});

test("the verdict on an index is the worst of its platforms", async () => {
  const world = new World();
  const good = world.build("app", { layers: ["amd"] });
  const bad = world.build("app", { layers: ["arm"], platform: "linux/arm64", signed: "nothing" });
  const index = world.index(
    "app",
    [good, bad].map(({ manifest, platform }) => ({ image: manifest, platform: written(platform) })),
  );
  const verdict = await world.judge(index);
  assert.equal(told(verdict), "untrusted unattested");
  assert.deepEqual(
    verdict.platforms.map((each) => each.outcome),
    ["trusted", "untrusted"],
  );
  world.hide(bad.manifest);
  assert.equal(told(await world.judge(index)), "undetermined network");
});

test("R30 a platform that policy leaves out is told, and without effect", async () => {
  const world = new World();
  const good = world.build("app", { layers: ["amd"] });
  const bad = world.build("app", { layers: ["arm"], platform: "linux/arm64", signed: "nothing" });
  const index = world.index(
    "app",
    [good, bad].map(({ manifest, platform }) => ({ image: manifest, platform: written(platform) })),
  );
  const verdict = await world.judge(index, { policy: policyOf({ trust: "  platforms: [linux/amd64]" }) });
  assert.equal(told(verdict), "trusted");
  assert.deepEqual(
    verdict.platforms.map(({ counts, outcome: of }) => [counts, of]),
    [
      [true, "trusted"],
      [false, "untrusted"],
    ],
  );
  assert.equal(
    told(await world.judge(index, { policy: policyOf({ trust: "  platforms: [linux/arm64]" }) })),
    "untrusted unattested",
  );
});

test("R30 an image of no platform that policy judges isn't trusted", async () => {
  const world = new World();
  const app = world.build("app");
  assert.equal(
    told(await world.judge(app.image, { policy: policyOf({ trust: "  platforms: [linux/s390x]" }) })),
    "untrusted platform-not-found",
  );
});

test("the level is the lowest of the ancestry, and every level is counted", async () => {
  const world = new World();
  const base = world.build("base", { layers: ["a"] });
  const middle = world.build("middle", { base, mode: "min" });
  const verdict = await world.judge(
    world.build("app", { base: { ...middle, layers: [layerOf("a", "zstd"), ...middle.layers.slice(1)] } }).image,
  );
  assert.deepEqual([verdict.outcome, verdict.level, verdict.levels], ["trusted", 1, { 1: 1, 2: 1, 3: 1 }]);
});

test("the code told for a refused image is that of the refusal that got furthest", async () => {
  const world = new World();
  const app = world.build("app", { signed: "nothing" });
  world.post(app.manifest, { kind: "malformed", reason: "junk" });
  const edit = (predicate: Json) => put(predicate, "runDetails.metadata.finishedOn", "");
  assert.deepEqual(codesOf(await world.judge(app.image)), ["malformed-attestation"]);
  world.build("app", { edit, by: { kind: "key", fingerprint: IMAGE.digest } });
  assert.deepEqual(codesOf(await world.judge(app.image)), ["signer-kind"]);
});

test("a refusal that only says that it is about something else hides none that says more", async () => {
  const world = new World();
  const app = world.build("app", { signed: "nothing" });
  const other = world.build("app", { signed: "nothing", layers: ["other"] });
  world.sign(app.manifest, statementOf([other.manifest], SLSA1, other.provenance), signerOf("app"));
  assert.deepEqual(codesOf(await world.judge(app.image)), ["subject-mismatch"]);
  const runner = { runnerEnvironment: "self-hosted" };
  world.sign(app.manifest, statementOf([app.manifest], SLSA1, app.provenance), signerOf("app", runner));
  assert.deepEqual(codesOf(await world.judge(app.image)), ["runner"]);
});

test("a verdict names its policy, the image and the time", async () => {
  const policy = policyOf();
  const verdict = await new World().judge(IMAGE, { policy });
  assert.deepEqual([verdict.policy.digest, verdict.image, verdict.asOf], [policy.digest, IMAGE, AS_OF]);
  assert.equal(told(verdict), "untrusted manifest-not-found");
});
