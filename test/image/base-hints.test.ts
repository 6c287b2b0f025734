import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { baseHintsOf } from "../../src/image/base-hints.ts";
import { parseConfig } from "../../src/image/config.ts";
import { parseManifest } from "../../src/image/manifest.ts";
import { bytesOf, shared } from "./shared.ts";

const A = `sha256:${"a".repeat(64)}`;
const B = `sha256:${"b".repeat(64)}`;
const NAME = "org.opencontainers.image.base.name";
const DIGEST = "org.opencontainers.image.base.digest";
const LIFECYCLE = "io.buildpacks.lifecycle.metadata";

function hintsOf(annotations: Record<string, string>, labels: Record<string, string> = {}) {
  const descriptor = { mediaType: "application/vnd.oci.image.config.v1+json", digest: A, size: 1 };
  const manifest = parseManifest(bytesOf({ schemaVersion: 2, config: descriptor, layers: [], annotations }), {});
  assert.ok(manifest.kind === "manifest");
  const config = { os: "linux", architecture: "amd64", config: { Labels: labels } };
  return baseHintsOf(manifest, parseConfig(bytesOf({ ...config, rootfs: { type: "layers", diff_ids: [] } })));
}

const samples = shared("samples/buildah");

test("reads the base that buildah annotates, and none where it doesn't", samples, () => {
  const hints = ["1.28-oci", "1.28-docker"].map((folder) => {
    const manifest = parseManifest(readFileSync(`${samples.path}/${folder}/manifest.json`), {});
    assert.ok(manifest.kind === "manifest");
    return baseHintsOf(manifest, parseConfig(readFileSync(`${samples.path}/${folder}/config.json`)));
  });
  const digest = "sha256:11513b32fc14f7aa3790089b78c2e12d72bee25a9aa9658e807f7dae33080288";
  assert.deepEqual(hints, [[{ from: "manifest annotations", name: "127.0.0.1:5000/base:1.0.0", digest }], []]);
});

test("tells annotations and labels apart, in canonical names", () => {
  assert.deepEqual(hintsOf({ [NAME]: "alpine", [DIGEST]: A }, { [NAME]: "ghcr.io/acme/base:2" }), [
    { from: "manifest annotations", name: "docker.io/library/alpine", digest: A },
    { from: "config labels", name: "ghcr.io/acme/base:2" },
  ]);
  assert.deepEqual(hintsOf({ [NAME]: `alpine:3@${A}` }), [
    { from: "manifest annotations", name: "docker.io/library/alpine:3", digest: A },
  ]);
});

test("reads a buildpacks run image: by digest from a registry, by name alone from a daemon or an older lifecycle", () => {
  const label = (value: unknown) => hintsOf({}, { [LIFECYCLE]: JSON.stringify(value) });
  const [from, name] = ["buildpacks label", "docker.io/paketobuildpacks/run"];
  const reference = `index.docker.io/paketobuildpacks/run@${A}`;
  assert.deepEqual(label({ runImage: { topLayer: B, reference } }), [{ from, name, digest: A }]);
  assert.deepEqual(label({ runImage: { image: "paketobuildpacks/run:base", reference: "f00d" } }), [
    { from, name: `${name}:base` },
  ]);
  assert.deepEqual(label({ stack: { runImage: { image: "paketobuildpacks/run" } } }), [{ from, name }]);
});

test("what is no name and no digest is no hint, and never an error", () => {
  const hostile = ["\u001b[31m", "UPPER case", "a".repeat(5000), "https://example.com/x", "", `x@${A}x`];
  for (const text of hostile) {
    assert.deepEqual(hintsOf({ [NAME]: text, [DIGEST]: text }), [], JSON.stringify(text.slice(0, 40)));
    assert.deepEqual(hintsOf({}, { [LIFECYCLE]: text }), []);
    assert.deepEqual(hintsOf({}, { [LIFECYCLE]: JSON.stringify({ runImage: { reference: text, image: text } }) }), []);
  }
  for (const label of [
    "[".repeat(100_000),
    "null",
    '{"runImage":1}',
    '{"runImage":{},"runImage":{}}',
    " ".repeat(2 ** 21),
  ])
    assert.deepEqual(hintsOf({}, { [LIFECYCLE]: label }), []);
});

test("a name with one digest beside another digest shows neither", () => {
  assert.deepEqual(hintsOf({ [NAME]: `alpine@${A}`, [DIGEST]: B }), [
    { from: "manifest annotations", name: "docker.io/library/alpine" },
  ]);
});
