import assert from "node:assert/strict";
import { test } from "node:test";
import {
  isDockerType,
  isImageConfigType,
  isIndexType,
  isLayerType,
  isManifestType,
  MANIFEST_MEDIA_TYPES,
  specificContentType,
} from "../../src/image/media-type.ts";

test("takes each manifest's media type for an index or a manifest, never both", () => {
  for (const type of MANIFEST_MEDIA_TYPES) assert.notEqual(isIndexType(type), isManifestType(type), type);
  assert.equal(MANIFEST_MEDIA_TYPES.filter(isDockerType).length, 2);
});

test("knows the layers of both families, foreign ones too", () => {
  for (const type of [
    "application/vnd.oci.image.layer.v1.tar",
    "application/vnd.oci.image.layer.v1.tar+gzip",
    "application/vnd.oci.image.layer.v1.tar+zstd",
    "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
    "application/vnd.docker.image.rootfs.diff.tar.gzip",
    "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
  ]) {
    assert.equal(isLayerType(type), true, type);
  }
  assert.equal(isLayerType("application/vnd.in-toto+json"), false);
});

test("knows the configs of images, and an artifact's for none", () => {
  assert.equal(isImageConfigType("application/vnd.oci.image.config.v1+json"), true);
  assert.equal(isImageConfigType("application/vnd.docker.container.image.v1+json"), true);
  assert.equal(isImageConfigType("application/vnd.oci.empty.v1+json"), false);
});

test("hears nothing in a generic Content-Type", () => {
  assert.equal(specificContentType(""), undefined);
  assert.equal(specificContentType("text/plain; charset=utf-8"), undefined);
  assert.equal(specificContentType("Application/Vnd.X+json ; a=b"), "application/vnd.x+json");
});
