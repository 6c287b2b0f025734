import { MAX_PARTS } from "../../src/image/json.ts";
import type { Built, Name } from "./ancestry.ts";
import { CONFIG, INDEX, LAYER, layerOf, MANIFEST, makeImage, sizeOf } from "./ancestry.ts";
import { at, bytesOf, type Document, put, withKeyBefore } from "./document.ts";
import type { Fault } from "./mutation.ts";
import type { Trial } from "./trial.ts";

const SHOWS_ANOTHER = "One tool judges one image, and another tool runs another one under the same digest.";
const UNJUDGED = "An image that nobody judged runs under the name of one that was.";
const HIDES_LAYERS = "Layers that no judged image has get into the result.";

/** An image that nobody signed, in the repository of a good one. */
function putUnsigned(trial: Trial, name: Name, tag?: string): { readonly entry: Document; readonly digest: string } {
  const { registry, images } = trial;
  const { path } = images[name];
  const layer = layerOf("of nobody");
  registry.putBlob(path, layer.blob);
  const config = bytesOf({
    architecture: "arm64",
    os: "linux",
    rootfs: { type: "layers", diff_ids: [layer.diffId] },
  });
  registry.putBlob(path, config);
  const manifest = bytesOf({
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: sizeOf(config, CONFIG),
    layers: [sizeOf(layer.blob, LAYER)],
  });
  const digest = registry.putManifest(path, manifest, MANIFEST, tag);
  return { entry: { ...sizeOf(manifest, MANIFEST), platform: { architecture: "arm64", os: "linux" } }, digest };
}

/** Makes the app again with an index that others put together; the signature over the platform's manifest stays. */
function retag(trial: Trial, change: (index: Document, app: Built) => Document): void {
  const { registry, images } = trial;
  const { app } = images;
  const index = bytesOf(change(JSON.parse(app.index.bytes.toString()) as Document, app));
  registry.putManifest(app.path, index, INDEX, "1.0.0");
}

const entries = (index: Document) => at(index, ["manifests"]) as readonly Document[];
const withEntry = (index: Document, entry: Document) => put(index, ["manifests"], [...entries(index), entry]);

/** Mutations of what an image is: its manifest, config, index and layers. All but the first few are signed as they stand. */
export const FAULTS_OF_BYTES: readonly Fault[] = [
  {
    rule: "R15",
    what: "the app's tag was moved to an image that nobody signed",
    gain: UNJUDGED,
    cause: "nothing-signed",
    after: (trial) => void putUnsigned(trial, "app", "1.0.0"),
    fresh: "app",
    node: "app",
    kind: "unattested",
    code: "unattested",
  },
  {
    rule: "R15",
    what: "nothing is attached to the base",
    gain: "A base of unknown origin lies under everything.",
    cause: "nothing-signed",
    spoil: { base: { attached: false } },
    node: "base",
    kind: "unattested",
    code: "unattested",
  },
  {
    rule: "R15",
    what: "nothing is attached to the image in the middle",
    gain: "A signed base and a signed app hide what was done between them.",
    cause: "nothing-signed",
    spoil: { runtime: { attached: false } },
    node: "runtime",
    kind: "unattested",
    code: "unattested",
  },
  {
    rule: "R24",
    what: "the app's index has a second platform, which nobody signed",
    gain: UNJUDGED,
    cause: "nothing-signed",
    fresh: "app",
    after: (trial) => retag(trial, (index) => withEntry(index, putUnsigned(trial, "app").entry)),
    node: "app",
    kind: "unattested",
    code: "unattested",
  },
  {
    rule: "R24",
    what: "a runnable image hides in the app's index as an attestation of unknown platform",
    gain: UNJUDGED,
    cause: "platform",
    fresh: "app",
    after: (trial) =>
      retag(trial, (index) =>
        withEntry(index, {
          ...putUnsigned(trial, "app").entry,
          annotations: { "vnd.docker.reference.type": "attestation-manifest" },
          platform: { architecture: "unknown", os: "unknown" },
        }),
      ),
    node: "app",
    kind: "mismatch",
    code: "platform-mismatch",
  },
  {
    rule: "R24",
    what: "a runnable image hides in the app's index without a platform",
    gain: UNJUDGED,
    cause: "nothing-signed",
    fresh: "app",
    after: (trial) =>
      retag(trial, (index) => {
        const { platform: _, ...entry } = putUnsigned(trial, "app").entry;
        return withEntry(index, entry);
      }),
    node: "app",
    kind: "unattested",
    code: "unattested",
  },
  {
    rule: "R24",
    what: "the app's index has another image inside a nested index",
    gain: UNJUDGED,
    cause: "nothing-signed",
    fresh: "app",
    after: (trial) =>
      retag(trial, (index, { path }) => {
        const nested = bytesOf({ schemaVersion: 2, mediaType: INDEX, manifests: [putUnsigned(trial, "app").entry] });
        trial.registry.putManifest(path, nested, INDEX);
        return withEntry(index, sizeOf(nested, INDEX));
      }),
    node: "app",
    kind: "unattested",
    code: "unattested",
  },
  {
    rule: "R24",
    what: "indexes nest five deep around the app",
    gain: "A verifier that gives up in silence judges nothing.",
    cause: "nesting",
    fresh: "app",
    after: (trial) =>
      retag(trial, (index, { path }) => {
        let inner = bytesOf(index);
        for (let depth = 0; depth < 4; depth++) {
          trial.registry.putManifest(path, inner, INDEX);
          inner = bytesOf({ schemaVersion: 2, mediaType: INDEX, manifests: [sizeOf(inner, INDEX)] });
        }
        return JSON.parse(inner.toString()) as Document;
      }),
    node: "app",
    kind: "limit",
    code: "limit",
  },
  {
    rule: "R24",
    what: "the app's index has two images for one platform, both signed",
    gain: "Which of them runs is the runtime's whim; only one may have been looked at.",
    cause: "platform",
    fresh: "app",
    after: async (trial) => {
      const { images } = trial;
      const other = await makeImage(trial, "app", images, {
        config: (document) => put(document, ["config", "Cmd"], ["/other"]),
      });
      const entry = entries(JSON.parse(other.index.bytes.toString()) as Document)[0] ?? {};
      retag(trial, (index) => withEntry(index, entry));
    },
    node: "app",
    kind: "mismatch",
    code: "duplicate-platform",
  },
  {
    rule: "R24",
    what: "the app's index says another platform than its config",
    gain: "An image for one machine is pulled by others, which nobody judged it for.",
    cause: "platform",
    spoil: { app: { index: (index) => put(index, ["manifests", 0, "platform", "architecture"], "arm64") } },
    node: "app",
    kind: "mismatch",
    code: "platform-mismatch",
  },
  {
    rule: "R24",
    what: "the base's config says another platform than its index",
    gain: "An image for one machine is pulled by others, which nobody judged it for.",
    cause: "platform",
    spoil: { base: { config: (config) => put(config, ["architecture"], "arm64") } },
    node: "base",
    kind: "mismatch",
    code: "platform-mismatch",
  },
  {
    rule: "R18",
    what: "the app's index holds no image",
    gain: "Nothing to judge, and so no fault, would be a pass.",
    cause: "absent",
    spoil: { app: { index: (index) => put(index, ["manifests"], []) } },
    node: "app",
    kind: "unresolved",
    code: "empty-index",
  },
  {
    rule: "R24",
    what: "the base's index has no image for the platform that was built on",
    gain: "The base that was really used isn't the one that is judged.",
    cause: "absent-platform",
    spoil: {
      base: {
        config: (config) => put(config, ["architecture"], "s390x"),
        index: (index) => put(index, ["manifests", 0, "platform", "architecture"], "s390x"),
      },
    },
    node: "base",
    kind: "unresolved",
    code: "platform-not-found",
  },
  {
    rule: "R15",
    what: "the base is gone from its registry",
    gain: "An ancestor that can't be looked at any more passes for one that was.",
    cause: "absent",
    spoil: { base: { without: ["index"] } },
    node: "base",
    kind: "unresolved",
    code: "manifest-not-found",
  },
  {
    rule: "R15",
    what: "the base's index names a manifest that isn't there",
    gain: "An ancestor that can't be looked at any more passes for one that was.",
    cause: "absent",
    spoil: { base: { without: ["manifest"] } },
    node: "base",
    kind: "unresolved",
    code: "manifest-not-found",
  },
  {
    rule: "R15",
    what: "the base's config isn't there",
    gain: "Without it nobody knows which layers the base has.",
    cause: "absent-config",
    spoil: { base: { without: ["config"] } },
    node: "base",
    kind: "unresolved",
    code: "config-not-found",
  },
  {
    rule: "R15",
    what: "the app's tag isn't there",
    gain: "Nothing to judge, and so no fault, would be a pass.",
    cause: "absent-tag",
    spoil: { app: { without: ["index"] } },
    node: "app",
    kind: "unresolved",
    code: "tag-not-found",
  },
  ...sizes(),
  ...forms(),
  ...layers(),
];

function sizes(): readonly Fault[] {
  const gain = "A reader that stops at the size sees other bytes than one that reads on.";
  return [
    {
      rule: "R23",
      what: "the app's index says another size than the manifest has",
      gain,
      cause: "size-lie",
      spoil: { app: { index: (index) => put(index, ["manifests", 0, "size"], (size: number) => size - 1) } },
      node: "app",
      kind: "malformed",
      code: "size-mismatch",
    },
    {
      rule: "R23",
      what: "the base's manifest says another size than its config has",
      gain,
      cause: "size-lie",
      spoil: { base: { manifest: (manifest) => put(manifest, ["config", "size"], (size: number) => size + 1) } },
      node: "base",
      kind: "malformed",
      code: "size-mismatch",
    },
    {
      rule: "R15",
      what: "the app's manifest is larger than 4 MiB",
      gain: "A verifier that reads without a limit runs out of memory; one that cuts short judges other bytes.",
      cause: "size",
      spoil: {
        app: { manifest: (manifest) => put(manifest, ["annotations"], { long: "x".repeat(4 * 1024 * 1024) }) },
      },
      node: "app",
      kind: "limit",
      code: "limit",
    },
    {
      rule: "R15",
      what: "the base's config is larger than 4 MiB",
      gain: "A verifier that reads without a limit runs out of memory; one that cuts short judges other bytes.",
      cause: "size",
      spoil: { base: { config: (config) => put(config, ["comment"], "x".repeat(4 * 1024 * 1024)) } },
      node: "base",
      kind: "limit",
      code: "limit",
    },
  ];
}

function forms(): readonly Fault[] {
  const form = (what: string, cause: string, node: Name, code: string, spoil: NonNullable<Fault["spoil"]>): Fault => ({
    rule: "R23",
    what,
    gain: SHOWS_ANOTHER,
    cause,
    spoil,
    node,
    kind: "malformed",
    code,
  });
  const docker = "application/vnd.docker.distribution.manifest.v2+json";
  return [
    form("the app's manifest has layers twice", "duplicate-key", "app", "duplicate-key", {
      app: { manifest: (manifest) => withKeyBefore(manifest, "layers", []) },
    }),
    form("the app's index has manifests twice", "duplicate-key", "app", "duplicate-key", {
      app: { index: (index) => withKeyBefore(index, "manifests", []) },
    }),
    form("the base's config has rootfs twice", "duplicate-key", "base", "duplicate-key", {
      base: { config: (config) => withKeyBefore(config, "rootfs", { type: "layers", diff_ids: [] }) },
    }),
    form("the app's manifest has Layers beside layers", "folded-key", "app", "folded-key", {
      app: { manifest: (manifest) => ({ ...manifest, Layers: [] }) },
    }),
    form("the app's manifest has layerſ, which folds to layers", "folded-key", "app", "folded-key", {
      app: { manifest: (manifest) => ({ ...manifest, layerſ: [] }) },
    }),
    form("the app's index has Manifests beside manifests", "folded-key", "app", "folded-key", {
      app: { index: (index) => ({ ...index, Manifests: [] }) },
    }),
    form("the base's config has RootFS beside rootfs", "folded-key", "base", "folded-key", {
      base: { config: (config) => ({ ...config, RootFS: { type: "layers", diff_ids: [] } }) },
    }),
    form("the app's manifest has manifests beside its layers", "two-kinds", "app", "mixed-manifest", {
      app: { manifest: (manifest) => ({ ...manifest, manifests: [] }) },
    }),
    form("the app's index has layers beside its manifests", "two-kinds", "app", "mixed-manifest", {
      app: { index: (index) => ({ ...index, layers: [] }) },
    }),
    form(
      "the app's manifest calls itself Docker's, and its index doesn't",
      "media-type",
      "app",
      "media-type-mismatch",
      {
        app: { manifest: (manifest) => put(manifest, ["mediaType"], docker) },
      },
    ),
    form("the app's index calls the manifest Docker's, and it doesn't", "media-type", "app", "media-type-mismatch", {
      app: { index: (index) => put(index, ["manifests", 0, "mediaType"], docker) },
    }),
    form("the app's index calls the manifest an index", "media-type", "app", "media-type-mismatch", {
      app: { index: (index) => put(index, ["manifests", 0, "mediaType"], INDEX) },
    }),
    form("the registry serves the base's manifest as an index", "media-type", "base", "media-type-mismatch", {
      base: { contentType: INDEX },
    }),
    form("a byte of the app's config is no text", "no-text", "app", "not-utf8", {
      app: {
        config: (config) => Buffer.from(JSON.stringify(put(config, ["config", "Cmd"], ["\u00e9"])), "latin1"),
      },
    }),
    form("the app's config has lists in lists without end", "depth", "app", "too-deep", {
      app: {
        config: (config) => `${JSON.stringify(config).slice(0, -1)},"deep":${"[".repeat(300)}${"]".repeat(300)}}`,
      },
    }),
    form("the app's config has a list of more parts than any document has", "parts", "app", "too-many-parts", {
      app: {
        config: (config) => `${JSON.stringify(config).slice(0, -1)},"wide":[${"0,".repeat(MAX_PARTS)}0]}`,
      },
    }),
    form("the app's manifest is of a kind that nobody knows", "unknown-kind", "app", "unknown-media-type", {
      app: {
        manifest: (manifest) => put(manifest, ["mediaType"], "application/vnd.example.manifest+json"),
        contentType: "application/vnd.example.manifest+json",
        index: (index) => put(index, ["manifests", 0, "mediaType"], "application/vnd.example.manifest+json"),
      },
    }),
    form("the app's manifest has a byte order mark", "no-json", "app", "not-json", {
      app: { manifest: (manifest) => `\uFEFF${JSON.stringify(manifest)}` },
    }),
    form("the base's config is cut short", "no-json", "base", "not-json", {
      base: { config: (config) => JSON.stringify(config).slice(0, -1) },
    }),
    form("the app's manifest is of schema version 1", "form", "app", "schema", {
      app: { manifest: (manifest) => put(manifest, ["schemaVersion"], 1) },
    }),
    form("the app's manifest names its config by an MD5 digest", "form", "app", "schema", {
      app: { manifest: (manifest) => put(manifest, ["config", "digest"], `md5:${"0".repeat(32)}`) },
    }),
    form("the app's manifest names a layer by a digest in capitals", "form", "app", "schema", {
      app: { manifest: (manifest) => put(manifest, ["layers", 0, "digest"], (digest: string) => digest.toUpperCase()) },
    }),
    form("the app's manifest embeds other data than the config that it names", "form", "app", "schema", {
      app: { manifest: (manifest) => put(manifest, ["config", "data"], Buffer.from("{}").toString("base64")) },
    }),
  ];
}

function layers(): readonly Fault[] {
  const stray = layerOf("stray");
  const disagree = (what: string, spoil: NonNullable<Fault["spoil"]>): Fault => ({
    rule: "R21",
    what,
    gain: "The seam between base and child is drawn in the wrong place, and foreign layers count as the base's.",
    cause: "counts",
    spoil,
    node: "app",
    kind: "malformed",
    code: "counts-disagree",
  });
  const seam = (what: string, spoil: NonNullable<Fault["spoil"]>): Fault => ({
    rule: "R21",
    what,
    gain: "The image rests on something else than the base that was judged.",
    cause: "seam",
    spoil,
    node: "app",
    kind: "layers-mismatch",
    code: "layers-mismatch",
  });
  return [
    disagree("the app's config tells fewer diff_ids than there are layers", {
      app: { config: (config) => put(config, ["rootfs", "diff_ids", 2], undefined) },
    }),
    disagree("the app's config tells more diff_ids than there are layers", {
      app: { config: (config) => put(config, ["rootfs", "diff_ids"], (list: string[]) => [...list, stray.diffId]) },
    }),
    disagree("the app's history tells fewer steps than there are layers", {
      app: { config: (config) => put(config, ["history", 0], undefined) },
    }),
    disagree("the app has no diff_ids at all", {
      app: { config: (config) => put(config, ["rootfs", "diff_ids"], []) },
    }),
    seam("the app's diff_ids don't begin with its base's", {
      app: { config: (config) => put(config, ["rootfs", "diff_ids", 1], stray.diffId) },
    }),
    seam("the app has the layers of its base in another order", {
      app: { layers: ([first, second, ...own]) => [second, first, ...own].flatMap((layer) => layer ?? []) },
    }),
    seam("the app lacks a layer of its base", {
      app: { layers: ([first, , ...own]) => [first, ...own].flatMap((layer) => layer ?? []) },
    }),
    seam("the app has none of its base's layers", { app: { layers: () => [stray] } }),
    seam("the app has fewer layers than its base", {
      app: { layers: ([first]) => [first].flatMap((layer) => layer ?? []) },
    }),
    {
      rule: "R21",
      what: "a layer under the image in the middle has the diff_id of its base's and holds something else",
      gain: "Whoever compares configs alone takes the image for one on the base that was judged.",
      cause: "layer-content",
      spoil: {
        runtime: {
          layers: ([first, ...own]) => [...(first ? [{ ...stray, diffId: first.diffId }] : []), ...own],
        },
      },
      node: "runtime",
      kind: "layers-mismatch",
      code: "diff-id-mismatch",
    },
    {
      rule: "R18",
      what: "the base from scratch has a layer that no step of its build made",
      gain: HIDES_LAYERS,
      cause: "unexplained",
      spoil: {
        base: { layers: (own) => [...own, stray] },
      },
      node: "base",
      kind: "opaque",
      code: "unexplained-layers",
    },
    {
      rule: "R18",
      what: "the base from scratch has another layer than its build made",
      gain: HIDES_LAYERS,
      cause: "unexplained",
      spoil: {
        base: { layers: () => [stray] },
      },
      node: "base",
      kind: "opaque",
      code: "unexplained-layers",
    },
  ];
}
