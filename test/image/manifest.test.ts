import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { digestOf } from "../../src/image/digest.ts";
import type { ImageFormatErrorCode, SaidOfManifest } from "../../src/image/manifest.ts";
import { ImageFormatError, parseManifest } from "../../src/image/manifest.ts";
import {
  DOCKER_IMAGE_CONFIG,
  DOCKER_MANIFEST,
  DOCKER_MANIFEST_LIST,
  OCI_IMAGE_CONFIG,
  OCI_IMAGE_INDEX,
  OCI_IMAGE_MANIFEST,
} from "../../src/image/media-type.ts";
import { bytesOf } from "./shared.ts";

const digest = digestOf(bytesOf("x"));
const config = { mediaType: OCI_IMAGE_CONFIG, digest, size: 1 };
const layer = { mediaType: "application/vnd.oci.image.layer.v1.tar+gzip", digest, size: 2 };
const child = { mediaType: OCI_IMAGE_MANIFEST, digest, size: 3, platform: { os: "linux", architecture: "amd64" } };
const manifest = { schemaVersion: 2, mediaType: OCI_IMAGE_MANIFEST, config, layers: [layer] };
const index = { schemaVersion: 2, mediaType: OCI_IMAGE_INDEX, manifests: [child] };
const silentManifest = { schemaVersion: 2, config, layers: [layer] };
const silentIndex = { schemaVersion: 2, manifests: [child] };

const parse = (document: unknown, said: SaidOfManifest = {}) => parseManifest(bytesOf(document), said);

function refuses(document: unknown, code: ImageFormatErrorCode, said: SaidOfManifest = {}, path?: string) {
  assert.throws(() => parse(document, said), { name: "ImageFormatError", code, ...(path !== undefined && { path }) });
}

test("reads a manifest with all its fields", () => {
  const subject = { mediaType: OCI_IMAGE_MANIFEST, digest, size: 3 };
  const whole = { ...manifest, artifactType: "application/x", subject, annotations: { a: "b" }, unknown: { more: 1 } };
  assert.deepEqual(parse(whole), {
    kind: "manifest",
    mediaType: OCI_IMAGE_MANIFEST,
    artifactType: "application/x",
    config: { ...config, annotations: {} },
    layers: [{ ...layer, annotations: {} }],
    subject: { ...subject, annotations: {} },
    annotations: { a: "b" },
  });
});

test("reads an index with all its fields", () => {
  const platform = { os: "windows", architecture: "arm64", variant: "v8", "os.version": "10.0", "os.features": ["a"] };
  const entry = {
    ...child,
    platform,
    annotations: { a: "b" },
    artifactType: "application/x",
    urls: ["https://example.com/"],
  };
  assert.deepEqual(parse({ ...index, manifests: [entry], artifactType: "application/y" }), {
    kind: "index",
    mediaType: OCI_IMAGE_INDEX,
    artifactType: "application/y",
    manifests: [
      {
        ...entry,
        platform: { os: "windows", architecture: "arm64", variant: "v8", osVersion: "10.0", osFeatures: ["a"] },
      },
    ],
    annotations: {},
  });
});

test("reads Docker's two forms", () => {
  const docker = { ...manifest, mediaType: DOCKER_MANIFEST, config: { ...config, mediaType: DOCKER_IMAGE_CONFIG } };
  assert.equal(parse(docker).mediaType, DOCKER_MANIFEST);
  assert.equal(parse({ ...index, mediaType: DOCKER_MANIFEST_LIST }).kind, "index");
});

test("reads what Go writes for absent fields as absent", () => {
  const nulls = { subject: null, annotations: null, artifactType: "" };
  const absent = {
    mediaType: OCI_IMAGE_MANIFEST,
    urls: null,
    platform: null,
    data: null,
    annotations: null,
    artifactType: "",
  };
  assert.deepEqual(parse({ ...manifest, ...nulls, layers: null }), { ...parse({ ...manifest, layers: [] }) });
  assert.deepEqual(parse({ ...index, ...nulls, manifests: [{ ...child, ...absent }] }), {
    ...parse({ ...index, manifests: [{ mediaType: child.mediaType, digest, size: 3 }] }),
  });
});

test("takes a platform of two empty strings for none", () => {
  const parsed = parse({ ...index, manifests: [{ ...child, platform: { os: "", architecture: "" } }] });
  assert.ok(parsed.kind === "index");
  assert.equal(parsed.manifests[0]?.platform, undefined);
});

for (const field of ["config", "layers", "fsLayers"]) {
  for (const value of [[], null, config]) {
    test(`R23 refuses an index that has ${field} too, be it ${JSON.stringify(value).slice(0, 10)}`, () => {
      refuses({ ...index, [field]: value }, "mixed-manifest");
      parse({ ...index, [`${field}2`]: value });
    });
  }
}

test("R23 refuses a manifest that has manifests too", () => {
  refuses({ ...manifest, manifests: [] }, "mixed-manifest");
  refuses({ ...manifest, manifests: null }, "mixed-manifest");
  parse(manifest);
});

for (const key of ["Manifests", "MANIFESTS", "manife\u017ft\u017f", "fslayers"]) {
  test(`R23 refuses a manifest with ${key}, which another reader takes for an index`, () => {
    refuses({ ...manifest, [key]: [child] }, "folded-key");
  });
}

for (const key of ["Config", "layerS", "con\u0046ig"]) {
  test(`R23 refuses an index with ${key}, which another reader takes for a manifest`, () => {
    refuses({ ...index, [key]: config }, "folded-key");
  });
}

test("R23 refuses a folded key in a descriptor, and tells where", () => {
  refuses({ ...index, manifests: [child, { ...child, Digest: digest }] }, "folded-key", {}, "manifests[1].Digest");
  refuses({ ...manifest, config: { ...config, "\u017fize": 9 } }, "folded-key");
  refuses({ ...index, manifests: [{ ...child, platform: { ...child.platform, OS: "x" } }] }, "folded-key");
  parse({ ...index, annotations: { Digest: "x", digest: "y" } });
});

test("R23 refuses a duplicate key, escaped or nested, and tells where", () => {
  const text = JSON.stringify(manifest);
  refuses(text.replace('"config":', '"\\u0063onfig":{},"config":'), "duplicate-key", {}, "config");
  refuses(text.replace('"size":2', '"size":2,"size":3'), "duplicate-key", {}, "layers[0].size");
  parse(text);
});

for (const [what, document, said] of [
  ["the descriptor contradicts the document", manifest, { mediaType: OCI_IMAGE_INDEX }],
  ["the Content-Type contradicts the document", manifest, { contentType: DOCKER_MANIFEST }],
  [
    "the descriptor contradicts the Content-Type",
    silentManifest,
    { contentType: OCI_IMAGE_MANIFEST, mediaType: DOCKER_MANIFEST },
  ],
  ["all three differ", index, { contentType: DOCKER_MANIFEST_LIST, mediaType: OCI_IMAGE_MANIFEST }],
  ["the descriptor hides the document behind a generic type", manifest, { mediaType: "application/octet-stream" }],
  ["a Docker manifest doesn't say that it is one", silentManifest, { contentType: DOCKER_MANIFEST }],
  ["a Docker list doesn't say that it is one", silentIndex, { mediaType: DOCKER_MANIFEST_LIST }],
] as const) {
  test(`R23 refuses a manifest where ${what}`, () => refuses(document, "media-type-mismatch", said));
}

for (const [what, document, said, mediaType] of [
  ["the document alone says its type", manifest, {}, OCI_IMAGE_MANIFEST],
  ["all agree", index, { contentType: OCI_IMAGE_INDEX, mediaType: OCI_IMAGE_INDEX }, OCI_IMAGE_INDEX],
  [
    "the Content-Type has parameters and upper case",
    index,
    { contentType: `${OCI_IMAGE_INDEX.toUpperCase()}; charset=utf-8` },
    OCI_IMAGE_INDEX,
  ],
  ["the Content-Type is a file store's", manifest, { contentType: "application/octet-stream" }, OCI_IMAGE_MANIFEST],
  [
    "the Content-Type is generic JSON",
    manifest,
    { contentType: "application/json; charset=utf-8" },
    OCI_IMAGE_MANIFEST,
  ],
  [
    "the others say it for an OCI manifest",
    silentManifest,
    { contentType: OCI_IMAGE_MANIFEST, mediaType: OCI_IMAGE_MANIFEST },
    OCI_IMAGE_MANIFEST,
  ],
  [
    "the descriptor says it for an OCI index",
    silentIndex,
    { contentType: "", mediaType: OCI_IMAGE_INDEX },
    OCI_IMAGE_INDEX,
  ],
  ["all are silent about an index", silentIndex, { contentType: "", mediaType: "" }, OCI_IMAGE_INDEX],
  ["all are silent about a manifest", { ...silentManifest, mediaType: "" }, {}, OCI_IMAGE_MANIFEST],
] as const) {
  test(`R23 reads a manifest where ${what}`, () => assert.equal(parse(document, said).mediaType, mediaType));
}

test("R23 holds a type that others said to the shape", () => {
  refuses(silentManifest, "schema", { mediaType: OCI_IMAGE_INDEX }, "manifests");
  refuses(silentIndex, "schema", { contentType: OCI_IMAGE_MANIFEST }, "config");
  refuses({ ...silentIndex, mediaType: OCI_IMAGE_MANIFEST }, "schema");
  refuses({ schemaVersion: 2 }, "schema");
});

for (const mediaType of [
  "application/vnd.docker.distribution.manifest.v1+prettyjws",
  "application/vnd.oci.artifact.manifest.v1+json",
  "application/octet-stream",
  "text/html",
]) {
  test(`refuses a manifest that says it is ${mediaType}`, () =>
    refuses({ ...manifest, mediaType }, "unknown-media-type"));
}

test("refuses a Content-Type of no manifest, such as an error page's", () => {
  refuses(silentManifest, "unknown-media-type", { contentType: "text/html; charset=utf-8" });
});

for (const [what, document] of [
  ["schema version 1", { ...manifest, schemaVersion: 1 }],
  ["no schema version", { ...manifest, schemaVersion: undefined }],
  ["a schema version in quotes", { ...manifest, schemaVersion: "2" }],
  ["a size in quotes", { ...manifest, config: { ...config, size: "1" } }],
  ["a negative size", { ...manifest, config: { ...config, size: -1 } }],
  ["a broken size", { ...manifest, config: { ...config, size: 1.5 } }],
  ["a size beyond what both languages hold", { ...manifest, config: { ...config, size: 2 ** 53 } }],
  ["an upper-case digest", { ...manifest, config: { ...config, digest: digest.toUpperCase() } }],
  ["a digest of another algorithm", { ...manifest, config: { ...config, digest: `md5:${"a".repeat(32)}` } }],
  ["a layer without digest", { ...manifest, layers: [{ mediaType: layer.mediaType, size: 1 }] }],
  ["layers that are an object", { ...manifest, layers: { 0: layer } }],
  ["annotations that are numbers", { ...manifest, annotations: { a: 1 } }],
  [
    "a platform that would break a report",
    { ...index, manifests: [{ ...child, platform: { os: "linux\n#", architecture: "x" } }] },
  ],
  ["a list at the top", [manifest]],
  ["null", null],
  ["a text", "x"],
] as const) {
  test(`refuses ${what}`, () => {
    assert.throws(() => parse(typeof document === "string" ? `"${document}"` : document), { code: "schema" });
  });
}

test("takes embedded data only if it is the content that the digest tells", () => {
  const content = bytesOf("content");
  const embedded = {
    ...config,
    digest: digestOf(content),
    size: content.length,
    data: Buffer.from(content).toString("base64"),
  };
  const parsed = parse({ ...manifest, config: embedded });
  assert.ok(parsed.kind === "manifest" && parsed.config.data === embedded.data);
  refuses({ ...manifest, config: { ...embedded, digest } }, "schema", {}, "config.data");
  refuses({ ...manifest, config: { ...embedded, size: 6 } }, "schema", {}, "config.data");
  refuses({ ...manifest, config: { ...embedded, data: `${embedded.data}\n` } }, "schema", {}, "config.data");
});

test("tells codes and paths of unreadable bytes as its own error", () => {
  assert.throws(() => parseManifest(new Uint8Array([0xff]), {}), {
    name: "ImageFormatError",
    code: "not-utf8",
    path: "",
  });
  refuses("{", "not-json");
  refuses(`${"[".repeat(300)}${"]".repeat(300)}`, "too-deep");
});

test("throws nothing but its own error, whatever the document", () => {
  const part = fc.oneof(
    fc.constantFrom<unknown>(
      config,
      layer,
      child,
      [layer],
      [child],
      null,
      2,
      "",
      OCI_IMAGE_INDEX,
      OCI_IMAGE_MANIFEST,
      DOCKER_MANIFEST,
    ),
    fc.jsonValue(),
  );
  const key = fc.constantFrom(
    "schemaVersion",
    "mediaType",
    "config",
    "layers",
    "manifests",
    "subject",
    "annotations",
    "Layers",
    "fsLayers",
    "__proto__",
    "x",
  );
  const document = fc.oneof(
    fc.dictionary(key, part),
    fc.dictionary(key, part).map((fields) => ({ ...manifest, ...fields })),
    fc.jsonValue(),
  );
  fc.assert(
    fc.property(document, (value) => {
      try {
        const parsed = parse(JSON.stringify(value));
        assert.ok(parsed.kind === "index" || parsed.kind === "manifest");
      } catch (error) {
        assert.ok(error instanceof ImageFormatError, String(error));
      }
    }),
  );
});
