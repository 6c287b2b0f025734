import assert from "node:assert/strict";
import { test } from "node:test";
import type { PinnedImage } from "../../src/image/reference.ts";
import { BeyondLimit, CouldNotLook } from "../../src/trust/ports.ts";
import {
  type BuildOptions,
  type Built,
  commitOf,
  entryOf,
  type Json,
  layerOf,
  policyOf,
  put,
  runOf,
  SIGN,
  SLSA1,
  signerOf,
  statementOf,
  told,
  World,
  written,
} from "./world.ts";

const CONTAINMENT = "untrusted containment";

/** An image whose provenance is inside its index only, and a signature over the index. */
async function overIndex(options: BuildOptions, policy = policyOf()): Promise<string> {
  const world = new World();
  return told(await world.judge(world.build("app", { signed: "index", ...options }).image, { policy }));
}

/** The index again, with what a test adds to its entries. */
function reindexed(world: World, built: Built, ...more: readonly PinnedImage[]): PinnedImage {
  assert.ok(built.attestationManifest);
  const entries = [built.attestationManifest, ...more].map((each) => entryOf(each, built.manifest));
  return world.index(built.repo, [{ image: built.manifest, platform: written(built.platform) }, ...entries]);
}

function signIndex(world: World, index: PinnedImage, by = signerOf("app")): void {
  world.sign(index, statementOf([index], SIGN), by);
}

test("R11 provenance in an index is the word of a builder who signed the index", async () => {
  for (const form of ["config", "artifact"] as const) assert.equal(await overIndex({ form }), "trusted");
});

test("R11 provenance in an index isn't the word of a signer who doesn't build", async () => {
  assert.equal(await overIndex({}, policyOf({ builds: false })), CONTAINMENT);
});

test("R11 one tie is enough where the other says nothing", async () => {
  assert.equal(await overIndex({ builderId: "" }), "trusted");
  const base: BuildOptions = { signed: "index", local: true };
  const world = new World();
  const built = world.build("app", { ...base, base: world.build("base") });
  const policy = policyOf({ trust: "  allow: { local-context: true }" });
  assert.equal(told(await world.judge(built.image, { policy })), "trusted");
});

test("R11 without any tie provenance in an index isn't adopted", async () => {
  const world = new World();
  const built = world.build("app", { signed: "index", local: true, builderId: "", base: world.build("base") });
  assert.equal(told(await world.judge(built.image)), CONTAINMENT);
});

test("R11 a tie that contradicts outweighs one that agrees", async () => {
  assert.equal(await overIndex({ builderId: runOf("other") }), CONTAINMENT);
  assert.equal(await overIndex({ builderId: `${runOf("app")}/attempts/2` }), CONTAINMENT);
  assert.equal(await overIndex({ builderId: runOf("app") }), "trusted");
  const otherCommit = (predicate: Json) =>
    put(predicate, "buildDefinition.externalParameters.configSource.digest.sha1", commitOf("other"));
  assert.ok((await overIndex({ edit: otherCommit })).startsWith("untrusted"));
});

test("R11 provenance about another manifest isn't adopted", async () => {
  const world = new World();
  const built = world.build("app", { signed: "nothing" });
  const other = world.platformImage("app", [layerOf("other")], built.platform);
  const foreign = world.attestationManifest("app", built.manifest, [statementOf([other], SLSA1, built.provenance)]);
  const index = world.index("app", [
    { image: built.manifest, platform: written(built.platform) },
    entryOf(foreign, built.manifest),
  ]);
  signIndex(world, index);
  assert.equal(told(await world.judge(index)), "untrusted parents-unrecorded");
});

test("R11 of two provenances for one platform both must pass", async () => {
  for (const builderId of [`${runOf("app")}/attempts/1`, runOf("other")]) {
    const world = new World();
    const built = world.build("app", { signed: "nothing" });
    const second = structuredClone(built.provenance);
    put(second, "runDetails.builder.id", builderId);
    put(second, "runDetails.metadata.startedOn", "2026-11-19T00:00:00Z");
    const index = reindexed(
      world,
      built,
      world.attestationManifest("app", built.manifest, [statementOf([built.manifest], SLSA1, second)]),
    );
    signIndex(world, index);
    assert.equal(told(await world.judge(index)), builderId === runOf("other") ? CONTAINMENT : "trusted");
  }
});

test("R11 provenance that is too much to be kept beside the rest of the walk's is adopted from nobody", async () => {
  const judged = async (count: number) => {
    const world = new World();
    const built = world.build("app", { signed: "nothing" });
    const bulky = Array.from({ length: count }, (_, i) => {
      const provenance = structuredClone(built.provenance);
      put(provenance, "runDetails.metadata.bulk", Array(990_000).fill(i));
      return statementOf([built.manifest], SLSA1, provenance);
    });
    const index = reindexed(world, built, world.attestationManifest("app", built.manifest, bulky));
    signIndex(world, index);
    return told(await world.judge(index));
  };
  assert.equal(await judged(1), "trusted");
  assert.equal(await judged(9), CONTAINMENT);
});

test("R11 a second provenance that can't be read as provenance keeps the first from being adopted", async () => {
  const world = new World();
  const built = world.build("app", { signed: "nothing" });
  const index = reindexed(
    world,
    built,
    world.attestationManifest("app", built.manifest, [statementOf([built.manifest], SLSA1, { buildDefinition: 1 })]),
  );
  signIndex(world, index);
  assert.equal(told(await world.judge(index)), "untrusted malformed-provenance");
});

test("R11 what may be a second provenance and is withheld keeps the first of a parent from being adopted", async () => {
  const cases: readonly [string, (world: World, second: PinnedImage) => void, string][] = [
    ["nothing", () => {}, "trusted"],
    ["the manifest", (world, second) => world.manifests.delete(`ghcr.io/acme/base@${second.digest}`), CONTAINMENT],
    ["its statement", (world, second) => world.blobs.delete(statementDigest(world, second)), CONTAINMENT],
    [
      "its config",
      (world, second) => world.blobs.delete((world.document(second) as { config: { digest: string } }).config.digest),
      CONTAINMENT,
    ],
    ["an answer", (world, second) => world.hide(second), "undetermined network"],
    [
      "the statement's answer",
      (world, second) => world.blobs.set(statementDigest(world, second), new CouldNotLook("timeout", "slow")),
      "undetermined timeout",
    ],
    [
      "a small statement",
      (world, second) => world.blobs.set(statementDigest(world, second), new BeyondLimit("too large")),
      CONTAINMENT,
    ],
    [
      "a small manifest",
      (world, second) => world.manifests.set(`ghcr.io/acme/base@${second.digest}`, new BeyondLimit("too large")),
      CONTAINMENT,
    ],
  ];
  for (const [what, withhold, expected] of cases) {
    const world = new World();
    const built = world.build("base", { signed: "nothing" });
    const repeated = structuredClone(built.provenance);
    put(repeated, "runDetails.metadata.startedOn", "2026-11-19T00:00:00Z");
    const second = world.attestationManifest("base", built.manifest, [statementOf([built.manifest], SLSA1, repeated)]);
    const index = reindexed(world, built, second);
    signIndex(world, index, signerOf("base"));
    const app = world.build("app", { base: { ...built, image: index } });
    withhold(world, second);
    assert.equal(told(await world.judge(app.image)), expected, what);
  }
});

function statementDigest(world: World, attestationManifest: PinnedImage): string {
  const [layer] = (world.document(attestationManifest) as { layers: { digest: string }[] }).layers;
  assert.ok(layer);
  return layer.digest;
}

test("R11 what is withheld of another platform's attestations changes nothing for a parent", async () => {
  const world = new World();
  const amd64 = world.build("base", { signed: "nothing" });
  const arm64 = world.build("base", { signed: "nothing", platform: "linux/arm64", layers: ["arm"] });
  assert.ok(amd64.attestationManifest && arm64.attestationManifest);
  const index = world.index("base", [
    { image: amd64.manifest, platform: written(amd64.platform) },
    { image: arm64.manifest, platform: written(arm64.platform) },
    entryOf(amd64.attestationManifest, amd64.manifest),
    entryOf(arm64.attestationManifest, arm64.manifest),
  ]);
  signIndex(world, index, signerOf("base"));
  world.manifests.delete(`ghcr.io/acme/base@${arm64.attestationManifest.digest}`);
  world.manifests.delete(`ghcr.io/acme/base@${arm64.manifest.digest}`);
  const app = world.build("app", { base: { ...amd64, image: index } });
  assert.equal(told(await world.judge(app.image)), "trusted");
});

test("R23 sizes that lie inside an index keep what is there from being adopted", async () => {
  const world = new World();
  const built = world.build("base", { signed: "nothing" });
  assert.ok(built.attestationManifest);
  const parentOf = (index: PinnedImage) => world.judge(world.build("app", { base: { ...built, image: index } }).image);
  const entry = entryOf(built.attestationManifest, built.manifest);
  const lying = world.index("base", [
    { image: built.manifest, platform: written(built.platform) },
    { ...entry, size: 3 },
  ]);
  signIndex(world, lying, signerOf("base"));
  assert.equal(told(await parentOf(lying)), CONTAINMENT);
  const document = world.document(built.attestationManifest);
  put(document, "layers.0.size", 3);
  const shorter = world.manifest("base", document);
  const index = world.index("base", [
    { image: built.manifest, platform: written(built.platform) },
    entryOf(shorter, built.manifest),
  ]);
  signIndex(world, index, signerOf("base"));
  assert.equal(told(await parentOf(index)), CONTAINMENT);
});

test("R23 the size of the statement alone may not lie either", async () => {
  for (const size of [undefined, 3]) {
    const world = new World();
    const built = world.build("app", { signed: "nothing", form: "artifact" });
    assert.ok(built.attestationManifest);
    const document = world.document(built.attestationManifest);
    put(document, "annotations", { "org.example": "again" });
    if (size !== undefined) put(document, "layers.0.size", size);
    const again = world.manifest("app", document);
    const entries = [{ image: built.manifest, platform: written(built.platform) }, entryOf(again, built.manifest)];
    const index = world.index("app", entries);
    signIndex(world, index);
    assert.equal(told(await world.judge(index)), size === undefined ? "trusted" : CONTAINMENT);
  }
});

test("R11 more entries than are read may hide a contradiction, and nothing is adopted", async () => {
  for (const count of [511, 512]) {
    const world = new World();
    const built = world.build("base", { signed: "nothing" });
    assert.ok(built.attestationManifest);
    const more = Array.from({ length: count }, () => built.attestationManifest as PinnedImage);
    const index = reindexed(world, built, ...more);
    signIndex(world, index, signerOf("base"));
    const app = world.build("app", { base: { ...built, image: index } });
    assert.equal(told(await world.judge(app.image)), count === 511 ? "trusted" : CONTAINMENT);
  }
});

test("R15 what refers to the attestation manifest and couldn't be looked at leaves it undetermined", async () => {
  const world = new World();
  const built = world.build("app", { signed: "nothing" });
  assert.ok(built.attestationManifest);
  world.failures.set(`ghcr.io/acme/app@${built.attestationManifest.digest}`, new CouldNotLook("timeout", "slow"));
  assert.equal(told(await world.judge(built.image)), "undetermined timeout");
});

test("R11 a signature over the attestation manifest adopts what is in it", async () => {
  const world = new World();
  assert.equal(told(await world.judge(world.build("app", { signed: "attestation-manifest" }).image)), "trusted");
  const vouched = world.build("vouched", { signed: "attestation-manifest" });
  assert.equal(told(await world.judge(vouched.image, { policy: policyOf({ builds: false }) })), CONTAINMENT);
});

test("R11 a signature over one attestation manifest doesn't adopt it beside another for the platform", async () => {
  const world = new World();
  const built = world.build("app", { signed: "attestation-manifest" });
  const second = structuredClone(built.provenance);
  put(second, "runDetails.metadata.startedOn", "2026-11-19T00:00:00Z");
  const index = reindexed(
    world,
    built,
    world.attestationManifest("app", built.manifest, [statementOf([built.manifest], SLSA1, second)]),
  );
  assert.notEqual(told(await world.judge(index)), "trusted");
});

test("R11 the commit of whoever signed the attestation manifest can be revoked", async () => {
  const world = new World();
  const built = world.build("app", { signed: "attestation-manifest" });
  const revoking = (commit: string) => policyOf({ trust: `  revoked: [{ commit: ${commit}, reason: stolen }]` });
  assert.equal(told(await world.judge(built.image, { policy: revoking(commitOf("app")) })), "untrusted revoked");
  assert.equal(told(await world.judge(built.image, { policy: revoking(commitOf("other")) })), "trusted");
});

test("R15 junk on the attestation manifest beyond the limit is told where nothing there suffices", async () => {
  const world = new World();
  const built = world.build("app", { signed: "nothing" });
  assert.ok(built.attestationManifest);
  world.omitted.set(`ghcr.io/acme/app@${built.attestationManifest.digest}`, 40);
  assert.equal(told(await world.judge(built.image)), "untrusted limit");
});

test("R11 a signature over an outer index reaches what the indexes inside it hold", async () => {
  const world = new World();
  const built = world.build("app", { signed: "nothing" });
  const outer = world.index("app", [{ image: built.image }]);
  assert.equal(told(await world.judge(outer)), "untrusted unattested");
  signIndex(world, outer);
  assert.equal(told(await world.judge(outer)), "trusted");
});

test("R11 a signature over an inner index doesn't reach the outer one", async () => {
  const world = new World();
  const built = world.build("app", { signed: "nothing" });
  const { manifest, attestationManifest, platform } = built;
  assert.ok(attestationManifest);
  const inner = world.index("app", [{ image: manifest, platform: written(platform) }]);
  const outer = world.index("app", [{ image: inner }, entryOf(attestationManifest, manifest)]);
  signIndex(world, inner);
  assert.equal(told(await world.judge(outer)), CONTAINMENT);
  signIndex(world, outer);
  assert.equal(told(await world.judge(outer)), "trusted");
});

test("R11 an image under another index keeps the provenance of the index that was signed inside it", async () => {
  const world = new World();
  const built = world.build("app", { signed: "index" });
  const second = structuredClone(built.provenance);
  put(second, "runDetails.builder.id", runOf("other"));
  const junk = world.attestationManifest("app", built.manifest, [statementOf([built.manifest], SLSA1, second)]);
  const outer = world.index("app", [{ image: built.image }, entryOf(junk, built.manifest)]);
  assert.equal(told(await world.judge(outer)), "trusted");
  signIndex(world, outer);
  assert.equal(told(await world.judge(outer)), "trusted");
});

test("R11 a signature over an outer index doesn't adopt where an inner one holds a contradiction", async () => {
  const world = new World();
  const built = world.build("app", { signed: "nothing", builderId: runOf("other") });
  const { manifest, platform } = built;
  const good = structuredClone(built.provenance);
  put(good, "runDetails.builder.id", runOf("app"));
  const fine = world.attestationManifest("app", manifest, [statementOf([manifest], SLSA1, good)]);
  const alone = world.index("app", [{ image: manifest, platform: written(platform) }, entryOf(fine, manifest)]);
  signIndex(world, alone);
  assert.equal(told(await world.judge(alone)), "trusted");
  const outer = world.index("app", [{ image: built.image }, entryOf(fine, manifest)]);
  signIndex(world, outer);
  assert.equal(told(await world.judge(outer)), CONTAINMENT);
});

test("R11 a signature over an outer index doesn't adopt while part of what it covers can't be looked at", async () => {
  for (const isHidden of [false, true]) {
    const world = new World();
    const built = world.build("base", { signed: "nothing" });
    const again = structuredClone(built.provenance);
    put(again, "runDetails.metadata.startedOn", "2026-11-19T00:00:00Z");
    const second = world.attestationManifest("base", built.manifest, [statementOf([built.manifest], SLSA1, again)]);
    const outer = world.index("base", [{ image: built.image }, entryOf(second, built.manifest)]);
    signIndex(world, outer, signerOf("base"));
    const layer = statementDigest(world, second);
    if (isHidden) world.blobs.set(layer, new CouldNotLook("network", "no"));
    const app = world.build("app", { base: { ...built, image: outer } });
    assert.equal(told(await world.judge(app.image)), isHidden ? "undetermined network" : "trusted");
  }
});

test("R11 a second signer who isn't tied doesn't hinder the one who is", async () => {
  const world = new World();
  const built = world.build("app", { signed: "nothing" });
  signIndex(
    world,
    built.image,
    signerOf("app", { runInvocationUri: `${runOf("other").replace("other", "app")}/attempts/1` }),
  );
  assert.equal(told(await world.judge(built.image)), CONTAINMENT);
  signIndex(world, built.image);
  assert.equal(told(await world.judge(built.image)), "trusted");
});

test("R10 signed provenance from another source is a mismatch, contained provenance isn't adopted", async () => {
  const foreign = (predicate: Json) => {
    const uri = "https://github.com/acme/other.git#refs/tags/v1.0.0";
    put(predicate, "buildDefinition.externalParameters.configSource.uri", uri);
    put(predicate, "buildDefinition.resolvedDependencies.0.uri", uri);
  };
  assert.equal(await overIndex({ edit: foreign }), CONTAINMENT);
  assert.equal(await overIndex({ edit: foreign, signed: "provenance" }), "untrusted source-mismatch");
});

test("an attestation manifest for each platform is found from each platform", async () => {
  const world = new World();
  const builds = ["linux/amd64", "linux/arm64"].map((platform) =>
    world.build("app", { signed: "nothing", platform, layers: [platform] }),
  );
  const entries = builds.flatMap(({ manifest, attestationManifest, platform }) => {
    assert.ok(attestationManifest);
    return [{ image: manifest, platform: written(platform) }, entryOf(attestationManifest, manifest)];
  });
  const index = world.index("app", entries);
  signIndex(world, index);
  const verdict = await world.judge(index);
  assert.equal(told(verdict), "trusted");
  assert.equal(verdict.platforms.length, 2);
  const without = world.index("app", entries.slice(0, 3));
  signIndex(world, without);
  assert.equal(told(await world.judge(without)), "untrusted parents-unrecorded");
});
