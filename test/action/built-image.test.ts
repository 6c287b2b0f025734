import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { PROVENANCE_TYPE, readBuiltImage } from "../../action/src/built-image.ts";
import { type Digest, digestOf, hexOf } from "../../src/image/digest.ts";
import { layoutBlobPath } from "../../src/image/layout.ts";
import { OCI_EMPTY, OCI_IMAGE_CONFIG, OCI_IMAGE_INDEX, OCI_IMAGE_MANIFEST } from "../../src/image/media-type.ts";

interface Written {
  readonly digest: Digest;
  readonly size: number;
}

/** A layout of one platform as BuildKit writes it, with what a test changes. */
function layout(t: TestContext) {
  const directory = mkdtempSync(join(tmpdir(), "layout-"));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const write = (value: unknown): Written => {
    const bytes = Buffer.from(JSON.stringify(value));
    const digest = digestOf(bytes);
    const path = join(directory, layoutBlobPath(digest));
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, bytes);
    return { digest, size: bytes.length };
  };
  const manifest = write({
    schemaVersion: 2,
    mediaType: OCI_IMAGE_MANIFEST,
    config: { mediaType: OCI_IMAGE_CONFIG, ...write({ os: "linux" }) },
    layers: [],
  });
  const statement = (subject: Digest = manifest.digest, predicateType: string = PROVENANCE_TYPE) => ({
    _type: "https://in-toto.io/Statement/v0.1",
    subject: [{ name: "app", digest: { sha256: hexOf(subject) } }],
    predicateType,
    predicate: {},
  });
  const layer = (value: object, predicateType: string = PROVENANCE_TYPE) => ({
    mediaType: "application/vnd.in-toto+json",
    annotations: { "in-toto.io/predicate-type": predicateType },
    ...write(value),
  });
  const beside = (layers: readonly object[], of: Digest = manifest.digest) => ({
    mediaType: OCI_IMAGE_MANIFEST,
    ...write({
      schemaVersion: 2,
      mediaType: OCI_IMAGE_MANIFEST,
      config: { mediaType: OCI_EMPTY, ...write({}) },
      layers,
    }),
    platform: { os: "unknown", architecture: "unknown" },
    annotations: { "vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": of },
  });
  const image = {
    mediaType: OCI_IMAGE_MANIFEST,
    ...manifest,
    platform: { os: "linux", architecture: "amd64" },
  };
  const index = (...manifests: readonly object[]) =>
    write({ schemaVersion: 2, mediaType: OCI_IMAGE_INDEX, manifests }).digest;
  return { directory, manifest, statement, layer, beside, image, index, write };
}

test("reads each platform's provenance byte for byte, and leaves other attestations alone", async (t) => {
  const { directory, manifest, statement, layer, beside, image, index } = layout(t);
  const sbom = layer({ any: "thing" }, "https://spdx.dev/Document");
  const digest = index(image, beside([sbom, layer(statement())]));
  const built = await readBuiltImage(directory, digest);
  assert.deepEqual([built.index, built.mediaType, digestOf(built.indexBytes)], [digest, OCI_IMAGE_INDEX, digest]);
  assert.deepEqual(
    built.platforms.map(({ platform, manifest: of, provenance }) => [platform, of, Buffer.from(provenance).toString()]),
    [["linux/amd64", manifest.digest, JSON.stringify(statement())]],
  );
});

const REFUSED: readonly (readonly [what: string, make: (made: ReturnType<typeof layout>) => Digest])[] = [
  [
    "provenance about something else",
    ({ index, image, beside, layer, statement, write }) =>
      index(image, beside([layer(statement(write("other").digest))])),
  ],
  [
    "provenance without a subject, as BuildKit writes it for an image without a name",
    ({ index, image, beside, layer, statement }) => index(image, beside([layer({ ...statement(), subject: [] })])),
  ],
  [
    "a statement of another kind under the name of provenance",
    ({ index, image, beside, layer, statement }) =>
      index(image, beside([layer(statement(undefined, "https://example.com/other"))])),
  ],
  [
    "two provenances of one platform",
    ({ index, image, beside, layer, statement }) =>
      index(image, beside([layer(statement()), layer({ ...statement(), predicate: { other: true } })])),
  ],
  ["a platform without provenance", ({ index, image }) => index(image)],
  [
    "provenance that is listed for another platform",
    ({ index, image, beside, layer, statement, write }) =>
      index(image, beside([layer(statement())], write("other").digest)),
  ],
  ["an index without images", ({ index, beside, layer, statement }) => index(beside([layer(statement())]))],
  ["a manifest without index", ({ manifest }) => manifest.digest],
  [
    "bytes that are not those of the digest",
    ({ directory, index, image, beside, layer, statement }) => {
      const provenance = layer(statement());
      writeFileSync(
        join(directory, layoutBlobPath(provenance.digest)),
        JSON.stringify(statement()).replace("app", "apq"),
      );
      return index(image, beside([provenance]));
    },
  ],
  ["an index that isn't there", () => digestOf(Buffer.from("nothing"))],
];

for (const [what, make] of REFUSED) {
  test(`signs nothing of a layout with ${what}`, async (t) => {
    const made = layout(t);
    await assert.rejects(readBuiltImage(made.directory, make(made)), { code: "unexpected-layout" });
  });
}
