import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf } from "../../src/image/digest.ts";
import { checkLayout, layoutBlobPath, parseLayoutIndex } from "../../src/image/layout.ts";
import { DOCKER_MANIFEST_LIST, OCI_IMAGE_CONFIG, OCI_IMAGE_MANIFEST } from "../../src/image/media-type.ts";
import { bytesOf } from "./shared.ts";

const digest = digestOf(bytesOf("x"));

test("accepts the one version of image layouts", () => {
  checkLayout(bytesOf({ imageLayoutVersion: "1.0.0" }));
});

for (const [document, code] of [
  [{ imageLayoutVersion: "2.0.0" }, "schema"],
  [{}, "schema"],
  [{ imageLayoutVersion: "1.0.0", ImageLayoutVersion: "1.0.0" }, "folded-key"],
  ["{", "not-json"],
] as const) {
  test(`refuses ${JSON.stringify(document)} as the mark of an image layout`, () => {
    assert.throws(() => checkLayout(bytesOf(document)), { name: "ImageFormatError", code });
  });
}

test("reads the index of a layout, with or without a media type", () => {
  const index = { schemaVersion: 2, manifests: [{ mediaType: OCI_IMAGE_MANIFEST, digest, size: 1 }] };
  assert.equal(parseLayoutIndex(bytesOf(index)).manifests[0]?.digest, digest);
  assert.throws(() => parseLayoutIndex(bytesOf({ ...index, mediaType: DOCKER_MANIFEST_LIST })), {
    code: "media-type-mismatch",
  });
});

test("refuses a manifest in place of a layout's index", () => {
  const config = { mediaType: OCI_IMAGE_CONFIG, digest, size: 1 };
  assert.throws(() => parseLayoutIndex(bytesOf({ schemaVersion: 2, config, layers: [] })), { code: "schema" });
  const mediaType = OCI_IMAGE_MANIFEST;
  assert.throws(() => parseLayoutIndex(bytesOf({ schemaVersion: 2, mediaType, config, layers: [] })), {
    code: "media-type-mismatch",
  });
});

test("finds blobs by algorithm and digest", () => {
  assert.equal(layoutBlobPath(digest), `blobs/sha256/${digest.slice(7)}`);
});
