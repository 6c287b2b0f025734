import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { checkCounts, isAttestationConfig, parseConfig } from "../../src/image/config.ts";
import { descriptorSchema } from "../../src/image/descriptor.ts";
import { digestOf } from "../../src/image/digest.ts";
import { JsonError, readDocument } from "../../src/image/json.ts";
import { checkLayout, layoutBlobPath, parseLayoutIndex } from "../../src/image/layout.ts";
import { ImageFormatError, parseManifest } from "../../src/image/manifest.ts";
import { isImageConfigType } from "../../src/image/media-type.ts";
import { isUnknown, samePlatform } from "../../src/image/platform.ts";
import { bytesOf, shared } from "./shared.ts";

interface SpecCase {
  readonly test: string;
  readonly doc: string;
  readonly expect_fail: boolean;
}

const parsers: Readonly<Record<string, (bytes: Uint8Array) => unknown>> = {
  TestBackwardsCompatibilityImageIndex: (bytes) => parseManifest(bytes, {}),
  TestBackwardsCompatibilityManifest: (bytes) => parseManifest(bytes, {}),
  TestBackwardsCompatibilityConfig: parseConfig,
  TestConfig: parseConfig,
  TestDescriptor: (bytes) => readDocument(descriptorSchema, bytes),
  TestImageIndex: (bytes) => parseManifest(bytes, {}),
  TestImageLayout: checkLayout,
  TestManifest: (bytes) => parseManifest(bytes, {}),
};

/** Where we knowingly answer otherwise than image-spec's schemas. Each must apply to this many cases, so that none goes stale. */
const divergences = [
  {
    fails: true,
    count: 6,
    has: /"digest": "(sha256[+.]|multihash)/,
    why: "R13: another algorithm leaves nothing to compare",
  },
  {
    fails: false,
    count: 1,
    has: /"layers": \[\]/,
    why: "BuildKit writes images without layers, and artifacts have none",
  },
  { fails: false, count: 1, has: /"User": 1234/, why: "how an image runs is not read" },
  {
    fails: false,
    count: 1,
    has: /"Env": \[\s*"foo"\s*\]/,
    why: "the same",
  },
];

const spec = shared("corpora/oci-specs/image-spec/cases.json");

test("accepts and refuses image-spec's documents as its schemas do", { skip: spec.skip }, () => {
  const cases: SpecCase[] = JSON.parse(readFileSync(spec.path, "utf8"));
  assert.ok(cases.length > 0, "no cases");
  const applied = divergences.map(() => 0);
  for (const { test: kind, doc, expect_fail } of cases) {
    const at = divergences.findIndex(({ has, fails }) => has.test(doc) && fails !== expect_fail);
    if (at >= 0) applied[at] = (applied[at] ?? 0) + 1;
    const fails = divergences[at]?.fails ?? expect_fail;
    const parse = parsers[kind];
    assert.ok(parse, `no parser for ${kind}`);
    if (fails) {
      assert.throws(
        () => parse(bytesOf(doc)),
        (error) => error instanceof ImageFormatError || error instanceof JsonError,
        doc,
      );
    } else {
      assert.doesNotThrow(() => parse(bytesOf(doc)), doc);
    }
  }
  assert.deepEqual(
    applied,
    divergences.map(({ count }) => count),
  );
});

const buildkit = shared("corpora/buildkit/client/testdata/compatibility");

test("parses every golden manifest and config of BuildKit, whose counts agree", { skip: buildkit.skip }, () => {
  const manifests = globSync("**/manifest.json", { cwd: buildkit.path });
  let pairs = 0;
  for (const path of manifests) {
    const manifest = parseManifest(readFileSync(join(buildkit.path, path)), {});
    assert.equal(manifest.kind, "manifest");
    const [config] = globSync(join(buildkit.path, path, "..", "config.json"));
    if (manifest.kind !== "manifest" || config === undefined) continue;
    const bytes = readFileSync(config);
    checkCounts(manifest, parseConfig(bytes));
    pairs++;
  }
  const configs = globSync("**/config.json", { cwd: buildkit.path });
  for (const path of configs) assert.ok(parseConfig(readFileSync(join(buildkit.path, path))).diffIds.length > 0, path);
  assert.ok(manifests.length > 0 && configs.length > 0, `${manifests.length} manifests, ${configs.length} configs`);
  assert.ok(pairs > 0, "no pairs");
});

const samples = shared("samples");

test("parses every index, manifest and config that real tools wrote", { skip: samples.skip }, () => {
  const folders = globSync("{buildkit,buildah,cosign,sigstore-oci,referrers-api}/*", { cwd: samples.path });
  const seen = { indexes: 0, manifests: 0, configs: 0, attestations: 0 };
  for (const folder of ["referrers-api", ...folders]) {
    const files = globSync("*.json", { cwd: join(samples.path, folder) });
    const byDigest = new Map(
      files.map((file) => {
        const bytes = readFileSync(join(samples.path, folder, file));
        return [digestOf(bytes), bytes] as const;
      }),
    );
    for (const file of files.filter((file) => file === "index.json")) {
      const index = parseManifest(readFileSync(join(samples.path, folder, file)), {});
      assert.equal(index.kind, "index", folder);
      if (index.kind !== "index") continue;
      seen.indexes++;
      for (const { digest, mediaType, platform } of index.manifests) {
        const bytes = byDigest.get(digest);
        if (bytes === undefined) {
          assert.equal(folder, "referrers-api", "a manifest is missing");
          continue;
        }
        const manifest = parseManifest(bytes, { mediaType });
        assert.ok(manifest.kind === "manifest", folder);
        const config = byDigest.get(manifest.config.digest);
        if (platform === undefined || config === undefined) continue;
        assert.ok(samePlatform(parseConfig(config).platform, platform), folder);
        assert.equal(isAttestationConfig(parseConfig(config)), isUnknown(platform), folder);
        if (isUnknown(platform)) seen.attestations++;
      }
    }
    for (const file of files.filter((file) => /^manifest[0-9]*\.json$/.test(file))) {
      const manifest = parseManifest(readFileSync(join(samples.path, folder, file)), {});
      assert.ok(manifest.kind === "manifest", folder);
      seen.manifests++;
      const config = byDigest.get(manifest.config.digest);
      if (config === undefined || !isImageConfigType(manifest.config.mediaType)) continue;
      // Cosign gives its signatures an image's config without a platform.
      if (folder.startsWith("cosign") || folder.startsWith("sigstore-oci")) continue;
      checkCounts(manifest, parseConfig(config));
      seen.configs++;
    }
  }
  assert.ok(
    Object.values(seen).every((count) => count > 0),
    JSON.stringify(seen),
  );
});

const layouts = shared("corpora/slsa-verifier/cli/slsa-verifier/testdata/gha_generic_container");

test("walks the saved layouts of signed images by digest, down to configs whose counts agree", {
  skip: layouts.skip,
}, () => {
  const roots = globSync("*/container_workflow_dispatch", { cwd: layouts.path }).map((path) =>
    join(layouts.path, path),
  );
  assert.ok(roots.length > 0, "no layouts");
  for (const root of roots) {
    checkLayout(readFileSync(join(root, "oci-layout")));
    const open = [...parseLayoutIndex(readFileSync(join(root, "index.json"))).manifests];
    let images = 0;
    for (let descriptor = open.pop(); descriptor !== undefined; descriptor = open.pop()) {
      const bytes = readFileSync(join(root, layoutBlobPath(descriptor.digest)));
      assert.equal(digestOf(bytes), descriptor.digest);
      const document = parseManifest(bytes, { mediaType: descriptor.mediaType });
      if (document.kind === "index") open.push(...document.manifests);
      else if (descriptor.platform !== undefined) {
        checkCounts(document, parseConfig(readFileSync(join(root, layoutBlobPath(document.config.digest)))));
        images++;
      }
    }
    assert.ok(images > 0, root);
  }
});
