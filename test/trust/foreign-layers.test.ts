import assert from "node:assert/strict";
import { test } from "node:test";
import { isForeignLayerType } from "../../src/image/media-type.ts";
import { type Layer, layerOf, policyOf, told, World, written } from "./world.ts";

const DOCKER_FOREIGN = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
const OCI_FOREIGN = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip";
const OF_2022 = "windows(10.0.20348.2849)/amd64";
const OF_2025 = "windows(10.0.26100.2314)/amd64";

const foreign = (mediaType: string, compression = "gzip"): Layer => ({
  ...layerOf("windows", compression),
  mediaType,
  urls: ["https://downloads.example/windows.tar.gz"],
});

/** A Windows image whose lowest layer registries don't hold, a root of the policy, and an image on it. */
function windows(mediaType: string, copy?: Layer) {
  const world = new World();
  world.isDocker = mediaType === DOCKER_FOREIGN;
  const base = world.build("base", {
    layers: [foreign(mediaType), "updates"],
    platform: OF_2022,
    signed: "nothing",
  });
  const [lowest, updates] = base.layers as [Layer, Layer];
  const app = world.build("app", {
    platform: OF_2022,
    base: { ...base, layers: copy === undefined ? base.layers : [copy, updates] },
  });
  const roots = `  roots: [{ image: "ghcr.io/acme/base@${base.image.digest}", reason: "Microsoft's", expires: 2027-01-01 }]`;
  return { world, base, app, lowest, policy: policyOf({ trust: roots }) };
}

for (const mediaType of [DOCKER_FOREIGN, OCI_FOREIGN]) {
  test(`R21 a foreign layer lies under an image by its digest, and nobody asks for it: ${mediaType}`, async () => {
    const { world, app, policy } = windows(mediaType);
    world.holds([]);
    const verdict = await world.judge(app.image, { policy });
    assert.deepEqual([told(verdict), verdict.nodes[0]?.seam], ["trusted", "proven"]);
    assert.deepEqual(world.unpacked, []);
  });

  test(`R21 a foreign layer that differs and can't be had leaves a claim: ${mediaType}`, async () => {
    const { world, app, policy } = windows(mediaType, foreign(mediaType, "zstd"));
    world.holds([]);
    const verdict = await world.judge(app.image, { policy });
    const [subject] = verdict.nodes;
    assert.deepEqual([told(verdict), subject?.seam, subject?.level], ["trusted", "claimed", 1]);
    assert.match(subject?.warnings.join() ?? "", /foreign/);
  });

  test(`R21 a foreign layer that a registry does hold is looked into there: ${mediaType}`, async () => {
    const copy = foreign(mediaType, "zstd");
    const { world, app, lowest, policy } = windows(mediaType, copy);
    world.holds([copy, lowest]);
    const verdict = await world.judge(app.image, { policy });
    assert.deepEqual([told(verdict), verdict.nodes[0]?.seam], ["trusted", "proven"]);
    world.holds([{ ...copy, diffId: layerOf("other").diffId }]);
    assert.equal(told(await world.judge(app.image, { policy })), "untrusted diff-id-mismatch");
  });

  test(`R21 a foreign layer of other content is no base: ${mediaType}`, async () => {
    const { world, app, policy } = windows(mediaType, { ...foreign(mediaType), ...layerOf("other windows") });
    assert.equal(told(await world.judge(app.image, { policy })), "untrusted layers-mismatch");
  });
}

test("R21 addresses beside an ordinary layer make it no foreign one where the registry holds it", async () => {
  const world = new World();
  const base = world.build("base", { layers: ["a"] });
  const copy: Layer = { ...layerOf("a", "zstd"), urls: ["https://downloads.example/a"] };
  const app = world.build("app", { base: { ...base, layers: [copy] } });
  world.holds([...base.layers, { ...copy, diffId: layerOf("other").diffId }]);
  assert.equal(told(await world.judge(app.image)), "untrusted diff-id-mismatch");
});

test("R24 of a list for several versions of Windows the one of the child's own version is its base", async () => {
  const world = new World();
  world.isDocker = true;
  const old = world.build("base", { layers: ["old"], platform: OF_2022, signed: "provenance-without-index" });
  const recent = world.build("base", { layers: ["recent"], platform: OF_2025, signed: "provenance-without-index" });
  const list = world.index("base", [
    { image: old.manifest, platform: written(old.platform) },
    { image: recent.manifest, platform: written(recent.platform) },
  ]);
  for (const [under, other] of [
    [recent, old],
    [old, recent],
  ] as const) {
    const app = world.build("app", {
      platform: under === recent ? OF_2025 : OF_2022,
      base: { ...under, image: list },
    });
    const verdict = await world.judge(app.image);
    assert.equal(told(verdict), "trusted");
    assert.deepEqual(
      verdict.nodes.map(({ digest }) => digest),
      [app.manifest.digest, under.manifest.digest],
    );
    const wrong = world.build("wrong", {
      platform: under === recent ? OF_2025 : OF_2022,
      base: { ...other, image: list, platform: under.platform },
    });
    assert.equal(told(await world.judge(wrong.image)), "untrusted layers-mismatch");
  }
});

test("foreign layers are told by their media type, of both families", () => {
  assert.ok(isForeignLayerType(DOCKER_FOREIGN) && isForeignLayerType(OCI_FOREIGN));
  assert.ok(isForeignLayerType("application/vnd.oci.image.layer.nondistributable.v1.tar+zstd"));
  assert.ok(!isForeignLayerType("application/vnd.docker.image.rootfs.diff.tar.gzip"));
  assert.ok(!isForeignLayerType("application/vnd.oci.image.layer.v1.tar"));
});
