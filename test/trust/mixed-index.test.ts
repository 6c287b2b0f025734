import assert from "node:assert/strict";
import { test } from "node:test";
import type { FulcioExtensions } from "../../src/attestation/identity.ts";
import type { PinnedImage } from "../../src/image/reference.ts";
import { CouldNotLook } from "../../src/trust/ports.ts";
import {
  type BuildOptions,
  type Built,
  entryOf,
  type Json,
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

const MIXED = "untrusted mixed-index";
const AMD: BuildOptions = { layers: ["amd"], signed: "provenance-without-index" };
const ARM: BuildOptions = { ...AMD, layers: ["arm"], platform: "linux/arm64" };

/** The signer of a build, and its provenance: a run names itself in both. */
function by(changes: Partial<FulcioExtensions>, more: BuildOptions = {}): BuildOptions {
  const commit = changes.sourceRepositoryDigest;
  return {
    ...more,
    by: signerOf("app", changes),
    ...(changes.runInvocationUri !== undefined && { builderId: changes.runInvocationUri }),
    ...(commit !== undefined && {
      edit: (predicate: Json) => {
        put(predicate, "buildDefinition.externalParameters.configSource.digest.sha1", commit);
        put(predicate, "buildDefinition.resolvedDependencies.0.digest.sha1", commit);
      },
    }),
  };
}

/** An index that anyone may have put together of images that were honestly built. */
function indexOf(world: World, images: readonly Built[]): PinnedImage {
  return world.index(
    "app",
    images.map(({ manifest, platform }) => ({ image: manifest, platform: written(platform) })),
  );
}

/** What is told of an index of two platforms, each built as said. */
async function mixed(amd: BuildOptions, arm: BuildOptions, sign?: (world: World, index: PinnedImage) => void) {
  const world = new World();
  const images = [world.build("app", { ...AMD, ...amd }), world.build("app", { ...ARM, ...arm })];
  const index = indexOf(world, images);
  sign?.(world, index);
  return told(await world.judge(index));
}

const OTHER_RUN = { runInvocationUri: "https://github.com/acme/app/actions/runs/77/attempts/1" };

test("R25 an unsigned index of images from one run is trusted", async () => {
  assert.equal(await mixed({}, {}), "trusted");
});

test("R25 an unsigned index of images from several runs, commits, refs or repositories is a fault", async () => {
  for (const changes of [
    OTHER_RUN,
    { sourceRepositoryDigest: "d".repeat(40) },
    { sourceRepositoryRef: "refs/tags/v0.9.0" },
    { sourceRepositoryIdentifier: "98" },
  ])
    assert.equal(await mixed({}, by(changes)), MIXED, JSON.stringify(changes));
});

test("R25 the same images are trusted where an accepted signer signed the index, and nobody else's signature helps", async () => {
  const signing = (changes: Partial<FulcioExtensions>) => (world: World, index: PinnedImage) =>
    world.sign(index, statementOf([index], SIGN), signerOf("app", changes));
  assert.equal(await mixed({}, by(OTHER_RUN), signing({})), "trusted");
  assert.equal(await mixed({}, by(OTHER_RUN), signing({ runnerEnvironment: "self-hosted" })), MIXED);
  assert.equal(await mixed({}, by(OTHER_RUN), signing({ sourceRepositoryOwnerIdentifier: "4321" })), MIXED);
});

test("R25 a signature over another index of the same images doesn't cover this one", async () => {
  const world = new World();
  const amd = world.build("app", AMD);
  const arm = world.build("app", { ...ARM, ...by(OTHER_RUN) });
  const signed = indexOf(world, [arm, amd]);
  world.sign(signed, statementOf([signed], SIGN), signerOf("app"));
  assert.equal(told(await world.judge(signed)), "trusted");
  assert.equal(told(await world.judge(indexOf(world, [amd, arm]))), MIXED);
});

test("R25 a signature over an index inside covers its images, and not the index around it", async () => {
  const world = new World();
  const inner = indexOf(world, [world.build("app", AMD)]);
  world.sign(inner, statementOf([inner], SIGN), signerOf("app"));
  const arm = world.build("app", { ...ARM, ...by(OTHER_RUN) });
  const outer = world.index("app", [{ image: inner }, { image: arm.manifest, platform: written(arm.platform) }]);
  assert.equal(told(await world.judge(outer)), MIXED);
  world.sign(outer, statementOf([outer], SIGN), signerOf("app"));
  assert.equal(told(await world.judge(outer)), "trusted");
});

test("R25 two signed indexes inside an index that nobody signed don't make it one", async () => {
  const world = new World();
  const inner = [world.build("app", AMD), world.build("app", { ...ARM, ...by(OTHER_RUN) })].map((image) => {
    const index = indexOf(world, [image]);
    world.sign(index, statementOf([index], SIGN), signerOf("app"));
    return { image: index };
  });
  assert.equal(told(await world.judge(world.index("app", inner))), MIXED);
});

test("R25 another attempt of the same run belongs to it", async () => {
  assert.equal(await mixed({}, by({ runInvocationUri: `${runOf("app")}/attempts/2` })), "trusted");
});

test("R25 images that one run signed, and didn't make, aren't of one run", async () => {
  const world = new World();
  const amd = world.build("app", AMD);
  const arm = world.build("app", { ...ARM, ...by(OTHER_RUN) });
  for (const { manifest } of [amd, arm]) {
    world.sign(manifest, statementOf([manifest], SIGN), signerOf("app"));
    const vouching = structuredClone(amd.provenance);
    put(vouching, "buildDefinition.buildType", "https://actions.github.io/buildtypes/workflow/v1");
    world.sign(manifest, statementOf([manifest], SLSA1, vouching), signerOf("app"));
  }
  assert.equal(told(await world.judge(indexOf(world, [amd, arm]))), MIXED);
});

test("R25 two builds of the same bytes count as either", async () => {
  const world = new World();
  const amd = world.build("app", AMD);
  const { by: other, builderId = "" } = by(OTHER_RUN);
  const arm = world.build("app", { ...ARM, ...by(OTHER_RUN) });
  const again = structuredClone(amd.provenance);
  put(again, "runDetails.builder.id", builderId);
  world.sign(amd.manifest, statementOf([amd.manifest], SLSA1, again), other ?? signerOf("app"));
  assert.equal(told(await world.judge(indexOf(world, [amd, arm]))), "trusted");
});

test("R25 without a repository's number nothing shows that images belong together", async () => {
  const world = new World();
  const { sourceRepositoryIdentifier: _, ...extensions } = signerOf("app").extensions;
  const nameless = { by: { ...signerOf("app"), extensions } };
  const index = indexOf(world, [
    world.build("app", { ...AMD, ...nameless }),
    world.build("app", { ...ARM, ...nameless }),
  ]);
  assert.equal(told(await world.judge(index)), MIXED);
});

test("R25 roots belong together where policy names their index", async () => {
  const world = new World();
  const images = [AMD, ARM].map((each) => world.build("app", { ...each, signed: "nothing" }));
  const index = indexOf(world, images);
  const roots = (...digests: readonly string[]) =>
    policyOf({
      trust: `  roots:\n${digests.map((digest) => `    - { image: "ghcr.io/acme/app@${digest}", reason: r, expires: 2099-01-01 }\n`).join("")}`,
    });
  assert.equal(told(await world.judge(index, { policy: roots(index.digest) })), "trusted");
  const [amd] = images.map(({ manifest }) => manifest.digest);
  assert.equal(told(await world.judge(index, { policy: roots(amd ?? "", index.digest) })), "trusted", "one twice");
  const each = roots(...images.map(({ manifest }) => manifest.digest));
  assert.equal(told(await world.judge(index, { policy: each })), MIXED);
  for (const { manifest } of images) assert.equal(told(await world.judge(manifest, { policy: each })), "trusted");
});

test("R25 a root on one image of a signed index takes nothing from the signature", async () => {
  const world = new World();
  const [amd, arm] = [world.build("app", { ...AMD, signed: "nothing" }), world.build("app", ARM)];
  const index = indexOf(world, [amd, arm]);
  const policy = policyOf({
    trust: `  roots: [{ image: "ghcr.io/acme/app@${amd.manifest.digest}", reason: r, expires: 2099-01-01 }]`,
  });
  assert.equal(told(await world.judge(index, { policy })), MIXED);
  world.sign(index, statementOf([index], SIGN), signerOf("app"));
  assert.equal(told(await world.judge(index, { policy })), "trusted");
});

test("R25 R30 only platforms that count have to belong together, and one that is asked about alone says so", async () => {
  const world = new World();
  const index = indexOf(world, [world.build("app", AMD), world.build("app", { ...ARM, ...by(OTHER_RUN) })]);
  const verdict = await world.judge(index);
  assert.deepEqual([told(verdict), verdict.platforms.map(({ outcome }) => outcome)], [MIXED, ["trusted", "trusted"]]);
  assert.equal(verdict.onlyPlatform, undefined);
  assert.equal(
    told(await world.judge(index, { policy: policyOf({ trust: "  platforms: [linux/amd64]" }) })),
    "trusted",
  );
  const wanted = { os: "linux", architecture: "amd64" };
  const alone = await world.judge(index, { wanted });
  assert.deepEqual([told(alone), alone.onlyPlatform, alone.nodes.length], ["trusted", wanted, 1]);
  assert.match(alone.nodes[0]?.warnings.join() ?? "", /linux\/amd64 alone .* the index isn't signed/);
  world.sign(index, statementOf([index], SIGN), signerOf("app"));
  assert.deepEqual((await world.judge(index, { wanted })).nodes[0]?.warnings, []);
});

test("R25 what couldn't be looked at is no sign of mixing, and what is seen to be mixed stays so", async () => {
  const world = new World();
  const amd = world.build("app", AMD);
  const arm = world.build("app", { ...ARM, ...by(OTHER_RUN) });
  const v7 = world.build("app", { ...AMD, layers: ["v7"], platform: "linux/arm/v7" });
  const two = indexOf(world, [amd, arm]);
  const three = indexOf(world, [amd, arm, v7]);
  world.hide(v7.manifest);
  assert.equal(told(await world.judge(three)), "untrusted mixed-index network");
  world.hide(arm.manifest);
  assert.equal(told(await world.judge(two)), "undetermined network");
  // Nor is an index whose signatures couldn't be looked at: they could cover it.
  const other = new World();
  const unseen = indexOf(other, [other.build("app", AMD), other.build("app", { ...ARM, ...by(OTHER_RUN) })]);
  other.failures.set(`ghcr.io/acme/app@${unseen.digest}`, new CouldNotLook("timeout", "slow"));
  assert.equal(told(await other.judge(unseen)), "undetermined timeout");
});

test("R25 an image of one platform has nothing to be mixed with, whatever stands beside it", async () => {
  const world = new World();
  const amd = world.build("app", AMD);
  const junk = world.attestationManifest("app", amd.manifest, [statementOf([amd.manifest], SIGN)]);
  const index = world.index("app", [
    { image: amd.manifest, platform: written(amd.platform) },
    entryOf(junk, amd.manifest),
  ]);
  assert.equal(told(await world.judge(index)), "trusted");
});
