import assert from "node:assert/strict";
import { test } from "node:test";
import { chainIdsOf } from "../../src/image/chain-id.ts";
import { type Digest, digestOf } from "../../src/image/digest.ts";
import { imageName } from "../../src/image/reference.ts";
import { walkAncestry } from "../../src/trust/ancestry.ts";
import type { KnownImage } from "../../src/trust/ports.ts";
import {
  AS_OF,
  type BuildOptions,
  type Built,
  bytesOf,
  type Json,
  layerOf,
  policyOf,
  put,
  SLSA1,
  signerOf,
  statementOf,
  told,
  World,
} from "./world.ts";

const BEFORE = new Date("2026-11-01T00:00:00Z");
const STARTED = "2026-11-19T23:00:00Z";
const AFTER = new Date("2026-11-20T12:00:00Z");

const started = (predicate: Json) => put(predicate, "runDetails.metadata.startedOn", STARTED);

/** An image that somebody remembers, of another source unless said otherwise. */
function remembered(layers: Built["layers"], changes: Partial<KnownImage> = {}): KnownImage {
  return {
    name: "ghcr.io/acme/known",
    digest: digestOf(bytesOf("known")),
    chainId: chainIdsOf(layers.map(({ diffId }) => diffId)).at(-1) as Digest,
    layers: layers.length,
    origins: ["https://token.actions.githubusercontent.com 7"],
    signedAt: BEFORE,
    ...changes,
  };
}

const known = [layerOf("known-1"), layerOf("known-2")];

/** An image that says it rests on nothing, and begins with two layers of a known one. */
function hiding(changes: Partial<KnownImage> = {}, options: BuildOptions = {}) {
  const world = new World();
  const app = world.build("app", { layers: [...known, "own"], edit: started, ...options });
  world.known = [remembered(known, changes)];
  return { world, app };
}

async function judged(world: World, { image }: Built, policy = policyOf()) {
  const verdict = await world.judge(image, { policy });
  return { told: told(verdict), warnings: verdict.nodes[0]?.warnings.length, verdict };
}

test("R22 an image from scratch on layers of a known one that it doesn't name is a fault", async () => {
  const { world, app } = hiding();
  const { told: outcome, verdict } = await judged(world, app);
  assert.equal(outcome, "untrusted undeclared-base");
  assert.match(verdict.comparedWith, /what a test remembers/);
  world.known = [];
  assert.equal((await judged(world, app)).told, "trusted");
  world.known = undefined;
  assert.doesNotMatch((await judged(world, app)).verdict.comparedWith, /what a test remembers/);
});

test("R22 a base that policy has revoked since is found under an image that hides it", async () => {
  const { world, app } = hiding();
  const [image] = world.known ?? [];
  const policy = policyOf({ trust: `  revoked: [{ digest: "${image?.digest}", reason: "backdoor" }]` });
  assert.equal((await judged(world, app, policy)).told, "untrusted undeclared-base");
});

test("R22 a known image of exactly the same layers is one too, and one of some of them isn't", async () => {
  const whole = hiding({}, { layers: known });
  assert.equal((await judged(whole.world, whole.app)).told, "untrusted undeclared-base");
  const part = hiding({}, { layers: [known[0]!, "own"] });
  assert.deepEqual(await judged(part.world, part.app).then(({ told, warnings }) => [told, warnings]), ["trusted", 0]);
});

test("R22 what isn't sure is a hint: no time of building, no time of signing, or one in between", async () => {
  for (const [changes, options] of [
    [{}, { edit: (predicate: Json) => put(predicate, "runDetails.metadata.startedOn", undefined) }],
    [{ signedAt: new Date(STARTED) }, {}],
    [{ origins: [] }, {}],
  ] as const) {
    const { world, app } = hiding(changes, options);
    assert.deepEqual(await judged(world, app).then(({ told, warnings }) => [told, warnings]), ["trusted", 1]);
  }
  const { world, app } = hiding();
  const { signedAt: _, ...untimed } = remembered(known);
  world.known = [untimed];
  assert.deepEqual(await judged(world, app).then(({ told, warnings }) => [told, warnings]), ["trusted", 1]);
});

test("R22 a known image that was signed later than the child is no base of it", async () => {
  const { world, app } = hiding({ signedAt: AFTER });
  assert.deepEqual(await judged(world, app).then(({ told, warnings }) => [told, warnings]), ["trusted", 0]);
});

test("R22 images of one source share layers by right, and older ones of the same name aren't even told", async () => {
  const own = hiding({ origins: ["https://token.actions.githubusercontent.com 99"] });
  assert.deepEqual(await judged(own.world, own.app).then(({ told, warnings }) => [told, warnings]), ["trusted", 1]);
  const older = hiding({ name: imageName(own.app.image) });
  assert.deepEqual(await judged(older.world, older.app).then(({ told, warnings }) => [told, warnings]), ["trusted", 0]);
});

test("R22 only what lies further up than every declared parent of any role is undeclared", async () => {
  const world = new World();
  const base = world.build("base", { layers: [...known, "more"], edit: started });
  const app = world.build("app", { base, edit: started });
  const input = world.build("input", { layers: known, edit: started });
  const copying = world.build("copying", { layers: [...known, "own"], inputs: [input], edit: started });
  const subjectOf = async (image: Built) => (await world.judge(image.image)).nodes[0]?.finding.kind;
  world.known = [remembered(known)];
  assert.deepEqual([await subjectOf(app), await subjectOf(copying)], ["attested", "attested"]);
  world.known = [remembered(app.layers), remembered(copying.layers)];
  assert.deepEqual([await subjectOf(app), await subjectOf(copying)], ["undeclared-base", "undeclared-base"]);
});

test("R22 a parent that policy doesn't look at may be the very one", async () => {
  const { world, app } = hiding();
  assert.equal((await judged(world, app)).told, "untrusted undeclared-base");
  const other = new World();
  const frontend = other.build("frontend");
  const built = other.build("app", { layers: [...known, "own"], frontend, edit: started });
  other.known = [remembered(known)];
  const policy = policyOf({ trust: "  roles: { frontends: allow }" });
  assert.deepEqual(await judged(other, built, policy).then(({ told, warnings }) => [told, warnings]), ["trusted", 1]);
  assert.equal((await judged(other, built)).told, "untrusted undeclared-base");
  // It is declared after all.
  for (const same of [{ digest: frontend.image.digest }, { index: frontend.image.digest }]) {
    other.known = [remembered(known, same)];
    assert.deepEqual(await judged(other, built, policy).then(({ told, warnings }) => [told, warnings]), ["trusted", 0]);
  }
});

test("R22 of one walk only what policy accepts is known", async () => {
  const world = new World();
  const base = world.build("base", { signed: "nothing" });
  const app = world.build("app", { base });
  const namesOf = async (trust?: string) => {
    const policy = policyOf(trust === undefined ? {} : { trust });
    const { known: set } = await walkAncestry(world.ports(), policy, app.image, "every", AS_OF);
    return [...set.byChain.values()].flat().map(({ name, origins }) => `${name} ${origins.length}`);
  };
  assert.deepEqual(await namesOf(), ["ghcr.io/acme/app 1"]);
  const root = `  roots: [{ image: "ghcr.io/acme/base@${base.image.digest}", reason: "ours", expires: 2027-01-01 }]`;
  assert.deepEqual(await namesOf(root), ["ghcr.io/acme/app 1", "ghcr.io/acme/base 0"]);
});

test("R22 layers in which nothing is are everybody's", async () => {
  const empty = { digest: digestOf(bytesOf("packed")), diffId: digestOf(new Uint8Array(1024)) };
  const { world, app } = hiding({}, { layers: [empty, "own"] });
  world.known = [remembered([empty])];
  assert.deepEqual(await judged(world, app).then(({ told, warnings }) => [told, warnings]), ["trusted", 0]);
});

test("R22 images of one walk know of each other", async () => {
  const world = new World();
  const ground = world.build("ground", { layers: known, signed: "nothing" });
  const statement = statementOf([ground.manifest], SLSA1, ground.provenance);
  world.sign(ground.manifest, statement, signerOf("ground", { sourceRepositoryIdentifier: "7" }), [BEFORE]);
  const tool = world.build("tool", { base: ground, edit: started });
  const app = world.build("app", { layers: [...known, "own"], inputs: [tool], edit: started });
  const verdict = await world.judge(app.image);
  assert.deepEqual(
    verdict.faults.map(({ code, node }) => [code, node.split("@")[0]]),
    [["undeclared-base", "ghcr.io/acme/app"]],
  );
});
