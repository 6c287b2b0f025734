import assert from "node:assert/strict";
import { test } from "node:test";
import type { ImageConfig } from "../../src/image/config.ts";
import { checkCounts, isAttestationConfig, parseConfig } from "../../src/image/config.ts";
import { digestOf } from "../../src/image/digest.ts";
import type { Manifest } from "../../src/image/manifest.ts";
import { parseManifest } from "../../src/image/manifest.ts";
import { OCI_IMAGE_CONFIG, OCI_IMAGE_MANIFEST } from "../../src/image/media-type.ts";
import { bytesOf } from "./shared.ts";

const digest = digestOf(bytesOf("x"));
const rootfs = { type: "layers", diff_ids: [digest] };
const document = { os: "linux", architecture: "amd64", rootfs };

const parse = (value: unknown) => parseConfig(bytesOf(value));

test("reads a config with all that a verdict needs", () => {
  const history = [{ created_by: "ADD" }, { empty_layer: true, comment: "x" }, { empty_layer: false }];
  assert.deepEqual(
    parse({
      ...document,
      variant: "v2",
      "os.version": "10.0",
      "os.features": ["win32k"],
      created: "2026-11-21T05:12:25.03Z",
      config: { Labels: { a: "b" }, Env: ["A=b"] },
      history,
    }),
    {
      platform: { os: "linux", architecture: "amd64", variant: "v2", osVersion: "10.0", osFeatures: ["win32k"] },
      diffIds: [digest],
      history: [{ emptyLayer: false, createdBy: "ADD" }, { emptyLayer: true }, { emptyLayer: false }],
      labels: { a: "b" },
      created: "2026-11-21T05:12:25.03Z",
    },
  );
});

test("reads what Go writes for absent fields as absent", () => {
  const nulls = { config: null, history: null, variant: "", created: null, rootfs: { type: "layers", diff_ids: null } };
  assert.deepEqual(parse({ ...document, ...nulls }), parse({ ...document, rootfs: { type: "layers", diff_ids: [] } }));
  assert.deepEqual(parse({ ...document, config: { Labels: null } }).labels, {});
});

for (const [what, value] of [
  ["no system", { architecture: "amd64", rootfs }],
  ["an empty system, which would mean the reader's own", { ...document, os: "" }],
  ["an empty processor", { ...document, architecture: "" }],
  ["a system that is a number", { ...document, os: 1 }],
  ["no file system", { os: "linux", architecture: "amd64" }],
  ["another kind of file system", { ...document, rootfs: { type: "tree", diff_ids: [] } }],
  ["a diff_id that is no digest", { ...document, rootfs: { type: "layers", diff_ids: ["sha256:x"] } }],
  ["an empty_layer that is a text", { ...document, history: [{ empty_layer: "true" }] }],
  ["labels that are numbers", { ...document, config: { Labels: { a: 1 } } }],
  ["an artifact's empty config", {}],
] as const) {
  test(`refuses a config with ${what}`, () => {
    assert.throws(() => parse(value), { name: "ImageFormatError", code: "schema" });
    parse(document);
  });
}

for (const [where, value, path] of [
  ["at the top", { ...document, RootFS: rootfs }, "RootFS"],
  ["in the file system", { ...document, rootfs: { ...rootfs, Diff_IDs: [] } }, "rootfs.Diff_IDs"],
  ["in the history", { ...document, history: [{ empty_layer: true, Empty_Layer: false }] }, "history[0].Empty_Layer"],
  ["in the variant", { ...document, Variant: "v8" }, "Variant"],
  ["beside the labels", { ...document, config: { labels: {} } }, "config.labels"],
] as const) {
  test(`R23 refuses a config with a key that differs from a field by case, ${where}`, () => {
    assert.throws(() => parse(value), { name: "ImageFormatError", code: "folded-key", path });
  });
}

test("R23 refuses a config with two lists of diff_ids", () => {
  const text = JSON.stringify(document).replace('"diff_ids":', '"diff_ids":[],"diff_ids":');
  assert.throws(() => parse(text), { name: "ImageFormatError", code: "duplicate-key", path: "rootfs.diff_ids" });
});

test("knows BuildKit's older configs of attestations by their platform", () => {
  assert.equal(isAttestationConfig(parse({ ...document, os: "unknown", architecture: "unknown" })), true);
  assert.equal(isAttestationConfig(parse(document)), false);
});

function manifestOf(layers: number): Manifest {
  const layer = { mediaType: "application/vnd.oci.image.layer.v1.tar", digest, size: 1 };
  const bytes = bytesOf({
    schemaVersion: 2,
    mediaType: OCI_IMAGE_MANIFEST,
    config: { mediaType: OCI_IMAGE_CONFIG, digest, size: 1 },
    layers: Array.from({ length: layers }, () => layer),
  });
  const manifest = parseManifest(bytes, {});
  assert.ok(manifest.kind === "manifest");
  return manifest;
}

function configOf(diffIds: number, history: readonly boolean[]): ImageConfig {
  return parse({
    ...document,
    rootfs: { type: "layers", diff_ids: Array.from({ length: diffIds }, () => digest) },
    history: history.map((leavesLayer) => ({ empty_layer: !leavesLayer })),
  });
}

for (const [layers, diffIds, history] of [
  [2, 2, [true, false, true]],
  [2, 2, []],
  [0, 0, []],
  [0, 0, [false]],
] as const) {
  test(`R21 accepts ${layers} layers, ${diffIds} diff_ids and the history ${JSON.stringify(history)}`, () => {
    assert.doesNotThrow(() => checkCounts(manifestOf(layers), configOf(diffIds, history)));
  });
}

for (const [layers, diffIds, history] of [
  [2, 1, []],
  [1, 2, []],
  [1, 0, []],
  [2, 2, [true]],
  [2, 2, [true, true, true]],
  [2, 2, [false]],
  [1, 2, [true, true]],
  [2, 1, [true, true]],
] as const) {
  test(`R21 refuses ${layers} layers, ${diffIds} diff_ids and the history ${JSON.stringify(history)}`, () => {
    assert.throws(() => checkCounts(manifestOf(layers), configOf(diffIds, history)), { code: "counts-disagree" });
  });
}
