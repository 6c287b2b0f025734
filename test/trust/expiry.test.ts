import assert from "node:assert/strict";
import { test } from "node:test";
import { verdictJson, verdictSchema } from "../../src/report/json.ts";
import { policyOf, World } from "./world.ts";

test("R14 a verdict is valid until the first of the roots that it rests on has lapsed", async () => {
  const world = new World();
  const base = world.build("base", { signed: "nothing" });
  const tool = world.build("tool", { signed: "nothing" });
  const app = world.build("app", { base, inputs: [tool] });
  const root = (digest: string, expires: string) =>
    `    - { image: "ghcr.io/acme/x@${digest}", reason: r, expires: ${expires} }\n`;
  const policy = policyOf({
    trust: `  roots:\n${root(base.image.digest, "2027-06-01")}${root(tool.image.digest, "2027-02-28")}${root(`sha256:${"0".repeat(64)}`, "2026-12-01")}`,
  });
  const { outcome, validUntil } = await world.judge(app.image, { policy });
  assert.deepEqual([outcome, validUntil], ["trusted", new Date("2027-03-01T00:00:00Z")]);
  // It says so truly: a moment before it still holds, at that moment no longer.
  const at = async (asOf: Date) => (await world.judge(app.image, { policy, asOf })).outcome;
  assert.equal(await at(new Date("2027-02-28T23:59:59.999Z")), "trusted");
  assert.equal(await at(new Date("2027-03-01T00:00:00Z")), "untrusted");
});

test("R14 a verdict that rests on nothing that lapses has no end", async () => {
  const world = new World();
  assert.equal((await world.judge(world.build("app").image)).validUntil, undefined);
});

test("R34 the same evidence, judged as of the same time, gives the same verdict, and later what is known then", async () => {
  const evidence = () => {
    const world = new World();
    const base = world.build("base", { signed: "nothing" });
    return { world, base, app: world.build("app", { base }) };
  };
  const { base } = evidence();
  const policy = policyOf({
    trust: `  roots:\n    - { image: "ghcr.io/acme/base@${base.image.digest}", reason: r, expires: 2027-02-28 }\n`,
  });
  const replayed = (asOf: string) => {
    const { world, app } = evidence();
    return world.judge(app.image, { policy, asOf: new Date(asOf) });
  };
  const [then, again] = [await replayed("2026-12-01T00:00:00Z"), await replayed("2026-12-01T00:00:00Z")];
  assert.deepEqual(JSON.parse(verdictJson(again)), JSON.parse(verdictJson(then)));
  const { asOf, policy: by, nodes } = verdictSchema.parse(JSON.parse(verdictJson(then)));
  assert.deepEqual([then.outcome, asOf, by.digest], ["trusted", "2026-12-01T00:00:00.000Z", policy.digest]);
  // Each image, and each statement that was taken, by the digest of its bytes.
  for (const node of nodes) {
    assert.match(node.digest ?? "", /^sha256:/);
    for (const { bundle } of node.provenances) assert.match(bundle, /^sha256:/);
  }
  const now = await replayed("2027-03-01T00:00:00Z");
  assert.deepEqual([now.outcome, now.faults.map(({ code }) => code)], ["untrusted", ["root-expired"]]);
});
