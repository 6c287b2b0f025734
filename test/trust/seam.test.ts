import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseConfig } from "../../src/image/config.ts";
import { parseManifest } from "../../src/image/manifest.ts";
import { parsePlatform } from "../../src/image/platform.ts";
import type { ImageNode } from "../../src/trust/resolve.ts";
import { longestPrefix, seamBetween as seamKnowing } from "../../src/trust/seam.ts";
import { type Layer, layerOf, World } from "./world.ts";

const platform = parsePlatform("linux/amd64");

/** How the two stand to each other as long as nobody has looked into a layer. */
function seamBetween(image: ImageNode, base: ImageNode): string | undefined {
  return seamKnowing(image, base, new Map())?.kind;
}

function nodeOf(layers: readonly Layer[]): ImageNode {
  const world = new World();
  const image = world.platformImage("app", layers, platform);
  const manifestBytes = world.bytes(image);
  const manifest = parseManifest(manifestBytes, {});
  assert.equal(manifest.kind, "manifest");
  if (manifest.kind !== "manifest") throw new Error("unreachable");
  const config = world.blobs.get(manifest.config.digest);
  assert.ok(config && !(config instanceof Error));
  return { image, platform, manifest, manifestBytes, config: parseConfig(config.bytes), indexes: [] };
}

const of = (...names: readonly string[]) => nodeOf(names.map((name) => layerOf(name)));

test("R21 a base lies under an image whose layers begin with its own", () => {
  assert.equal(seamBetween(of("a", "b"), of("a")), "proven");
  assert.equal(seamBetween(of("a", "b"), of("a", "b")), "proven");
});

test("R21 any other layer, order or number contradicts", () => {
  assert.equal(seamBetween(of("a", "b"), of("b")), "contradicted");
  assert.equal(seamBetween(of("a", "b"), of("a", "c")), "contradicted");
  assert.equal(seamBetween(of("a", "b"), of("b", "a")), "contradicted");
  assert.equal(seamBetween(of("a"), of("a", "b")), "contradicted");
  assert.equal(seamBetween(of(), of("a")), "contradicted");
});

test("R21 recompressed layers of the same content are a claim", () => {
  const child = nodeOf([layerOf("a", "zstd"), layerOf("b")]);
  assert.equal(seamBetween(child, of("a")), "claimed");
  assert.equal(seamBetween(child, nodeOf([layerOf("a", "zstd")])), "proven");
});

test("R21 the same stored bytes under other contents contradict", () => {
  const lying = nodeOf([{ digest: layerOf("a").digest, diffId: layerOf("other").diffId }, layerOf("b")]);
  assert.equal(seamBetween(lying, of("a")), "contradicted");
});

test("R21 a base without layers is no evidence", () => {
  assert.equal(seamBetween(of("a"), of()), undefined);
  assert.equal(seamBetween(of(), of()), undefined);
});

test("R21 of several prefixes the longest is the base, and all that are as long", () => {
  const image = of("a", "b", "c");
  const candidates = [of("a"), of("a", "b"), of("b"), of(), nodeOf([layerOf("a"), layerOf("b", "zstd")])].map(
    (node) => ({ node }),
  );
  assert.deepEqual(longestPrefix(image, candidates), [candidates[1], candidates[4]]);
  assert.deepEqual(longestPrefix(image, [candidates[2], candidates[3]] as typeof candidates), []);
});

test("R21 a seam is proven exactly where one list of layers begins with the other", () => {
  const names = fc.array(fc.constantFrom("a", "b", "c"), { maxLength: 5 });
  fc.assert(
    fc.property(names, names, (child, base) => {
      const begins = base.length > 0 && base.every((name, i) => name === child[i]);
      const expected = base.length === 0 ? undefined : begins ? "proven" : "contradicted";
      assert.equal(seamBetween(of(...child), of(...base)), expected);
    }),
  );
});
