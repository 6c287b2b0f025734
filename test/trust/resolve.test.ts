import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import {
  DOCKER_MANIFEST,
  OCI_EMPTY,
  OCI_IMAGE_CONFIG,
  OCI_IMAGE_INDEX,
  OCI_IMAGE_MANIFEST,
} from "../../src/image/media-type.ts";
import { type Platform, parsePlatform } from "../../src/image/platform.ts";
import type { PinnedImage } from "../../src/image/reference.ts";
import { CouldNotLook } from "../../src/trust/ports.ts";
import { resolveImage } from "../../src/trust/resolve.ts";
import { shared } from "../image/shared.ts";
import {
  type Built,
  bytesOf,
  codesOf,
  type Entry,
  entryOf,
  IN_TOTO,
  type Json,
  LAYER,
  layerOf,
  policyOf,
  put,
  SIGN,
  signerOf,
  statementOf,
  told,
  World,
  written,
} from "./world.ts";

const AMD64: Platform = { os: "linux", architecture: "amd64" };
const ARM64: Platform = { os: "linux", architecture: "arm64" };
const UNKNOWN: Json = { os: "unknown", architecture: "unknown" };

/** What resolving gives, in short: platforms of nodes, codes of findings. */
async function resolved(
  world: World,
  image: PinnedImage,
  wanted: string | "every" = "every",
  isParent = false,
): Promise<readonly string[]> {
  const platform = wanted === "every" ? wanted : parsePlatform(wanted);
  const found = await resolveImage(world.ports().images, image, platform, isParent);
  return found
    .map((each) =>
      each.kind === "node"
        ? `node ${each.node.platform.os}/${each.node.platform.architecture}${each.node.platform.variant ? `/${each.node.platform.variant}` : ""}`
        : `${each.finding.kind}${"code" in each.finding ? ` ${each.finding.code}` : ""}`,
    )
    .sort();
}

/** A world with an index of an ordinary image, and one more entry. */
function withEntry(make: (world: World) => Entry): { readonly world: World; readonly index: PinnedImage } {
  const world = new World();
  const { manifest, attestationManifest } = world.build("app");
  assert.ok(attestationManifest);
  const index = world.index("app", [
    { image: manifest, platform: written(AMD64) },
    entryOf(attestationManifest, manifest),
    make(world),
  ]);
  return { world, index };
}

/** A manifest of one runnable layer under any config. */
function runnable(world: World, changes: Record<string, Json> = {}, platform = AMD64): PinnedImage {
  const image = world.platformImage("app", [layerOf("evil")], platform);
  return world.manifest("app", { ...(world.document(image) as object), ...changes } as Json);
}

test("R24 an attestation manifest of either form is no node", async () => {
  for (const form of ["config", "artifact"] as const) {
    const world = new World();
    assert.deepEqual(await resolved(world, world.build("app", { form }).image), ["node linux/amd64"]);
  }
});

test("R24 an entry behind unknown/unknown with a layer that runs is judged", async () => {
  const { world, index } = withEntry((w) => ({ image: runnable(w), platform: UNKNOWN }));
  assert.deepEqual(await resolved(world, index), ["mismatch platform-mismatch", "node linux/amd64"]);
});

test("R24 an entry behind unknown/unknown that says so in its config too is judged if a layer of it runs", async () => {
  for (const mediaType of [
    LAYER,
    "application/vnd.oci.image.layer.v1.tar+newer",
    "application/vnd.docker.image.rootfs.diff.tar.gzip",
  ]) {
    const { world, index } = withEntry((w) => {
      const config = {
        architecture: "unknown",
        os: "unknown",
        rootfs: { type: "layers", diff_ids: [layerOf("a").diffId, layerOf("b").diffId] },
      };
      const layers = [
        { mediaType: IN_TOTO, digest: layerOf("a").digest, size: 1 },
        { mediaType, digest: layerOf("b").digest, size: 1 },
      ];
      const image = w.manifest("app", {
        schemaVersion: 2,
        mediaType: OCI_IMAGE_MANIFEST,
        config: { mediaType: OCI_IMAGE_CONFIG, digest: w.blob(config), size: bytesOf(config).length },
        layers,
      });
      return { image, platform: UNKNOWN };
    });
    assert.deepEqual(await resolved(world, index), ["node linux/amd64", "node unknown/unknown"], mediaType);
  }
});

test("R24 the media type of an empty config hides no config that runs", async () => {
  const hidden = (isEmpty: boolean) =>
    withEntry((w) => {
      const config: Json = isEmpty
        ? {}
        : { architecture: "amd64", os: "linux", rootfs: { type: "layers", diff_ids: [layerOf("evil").diffId] } };
      const image = w.manifest("app", {
        schemaVersion: 2,
        mediaType: OCI_IMAGE_MANIFEST,
        config: { mediaType: OCI_EMPTY, digest: w.blob(config), size: bytesOf(config).length },
        layers: [{ mediaType: IN_TOTO, digest: layerOf("evil").digest, size: 1 }],
      });
      return { image, platform: UNKNOWN };
    });
  const good = hidden(true);
  assert.deepEqual(await resolved(good.world, good.index), ["node linux/amd64"]);
  const bad = hidden(false);
  assert.deepEqual(await resolved(bad.world, bad.index), ["mismatch platform-mismatch", "node linux/amd64"]);
});

/** An index with an entry behind unknown/unknown that holds no file system: of these layers and this config. */
function withArtifact(mediaType: string, platform: Platform) {
  return withEntry((w) => {
    const config = {
      architecture: platform.architecture,
      os: platform.os,
      rootfs: { type: "layers", diff_ids: [layerOf("x").diffId] },
    };
    const image = w.manifest("app", {
      schemaVersion: 2,
      mediaType: OCI_IMAGE_MANIFEST,
      config: { mediaType: OCI_IMAGE_CONFIG, digest: w.blob(config), size: bytesOf(config).length },
      layers: [{ mediaType, digest: layerOf("x").digest, size: 1 }],
    });
    return { image, platform: UNKNOWN };
  });
}

test("R24 an attestation manifest holds a statement, and says in its config too that it doesn't run", async () => {
  const unknown: Platform = { os: "unknown", architecture: "unknown" };
  for (const [mediaType, platform, expected] of [
    [IN_TOTO, unknown, ["node linux/amd64"]],
    ["application/vnd.example", unknown, ["node linux/amd64", "node unknown/unknown"]],
    [IN_TOTO, AMD64, ["mismatch platform-mismatch", "node linux/amd64"]],
  ] as const) {
    const { world, index } = withArtifact(mediaType, platform);
    assert.deepEqual(await resolved(world, index), expected);
  }
});

test("R24 an annotation makes no attestation manifest", async () => {
  for (const platform of [written(ARM64), undefined]) {
    const { world, index } = withEntry((w) => {
      const image = runnable(w, {}, ARM64);
      return { ...entryOf(image, image), image, ...(platform ? { platform } : {}) } as Entry;
    });
    if (platform) assert.deepEqual(await resolved(world, index), ["node linux/amd64", "node linux/arm64"]);
    else assert.deepEqual(await resolved(world, index), ["mismatch platform-mismatch", "node linux/amd64"]);
  }
});

test("R24 an attestation manifest that says a real platform is judged", async () => {
  const { world, index } = withEntry((w) => ({
    image: w.build("app", { layers: ["other"] }).attestationManifest as PinnedImage,
    platform: written(ARM64),
  }));
  assert.deepEqual(await resolved(world, index), ["mismatch platform-mismatch", "node linux/amd64"]);
});

test("R24 an entry without platform has that of its config", async () => {
  const { world, index } = withEntry((w) => ({ image: runnable(w, {}, ARM64) }));
  assert.deepEqual(await resolved(world, index), ["node linux/amd64", "node linux/arm64"]);
  assert.deepEqual(await resolved(world, index, "linux/arm64"), ["node linux/arm64"]);
});

test("R24 two different images for one platform are a fault, and the same one twice is none", async () => {
  const two = withEntry((w) => ({ image: runnable(w), platform: written(AMD64) }));
  assert.deepEqual(await resolved(two.world, two.index), [
    "mismatch duplicate-platform",
    "node linux/amd64",
    "node linux/amd64",
  ]);
  assert.deepEqual(await resolved(two.world, two.index, "linux/amd64", true), [
    "mismatch duplicate-platform",
    "node linux/amd64",
    "node linux/amd64",
  ]);
  const world = new World();
  const { manifest } = world.build("app");
  const entry = { image: manifest, platform: written(AMD64) };
  assert.ok(!(await resolved(world, world.index("app", [entry, entry]))).includes("mismatch duplicate-platform"));
});

test("R24 the images of a nested index are judged with the others", async () => {
  const { world, index } = withEntry((w) => ({
    image: w.index("app", [{ image: runnable(w), platform: written(AMD64) }]),
  }));
  assert.deepEqual(await resolved(world, index), [
    "mismatch duplicate-platform",
    "node linux/amd64",
    "node linux/amd64",
  ]);
  const other = withEntry((w) => ({
    image: w.index("app", [{ image: runnable(w, {}, ARM64), platform: written(ARM64) }]),
  }));
  assert.deepEqual(await resolved(other.world, other.index), ["node linux/amd64", "node linux/arm64"]);
});

test("R24 the descriptor's platform must be the config's", async () => {
  const say = async (platform: Platform, config: Platform) => {
    const world = new World();
    const image = world.platformImage("app", [layerOf("a")], config);
    return (await resolved(world, world.index("app", [{ image, platform: written(platform) }])))[0];
  };
  assert.equal(await say(ARM64, AMD64), "mismatch platform-mismatch");
  assert.equal(await say({ os: "windows", architecture: "amd64" }, AMD64), "mismatch platform-mismatch");
  assert.equal(
    await say({ os: "linux", architecture: "arm", variant: "v6" }, { os: "linux", architecture: "arm", variant: "v7" }),
    "mismatch platform-mismatch",
  );
  const windows = (osVersion: string): Platform => ({ os: "windows", architecture: "amd64", osVersion });
  assert.equal(await say(windows("10.0.17763.1"), windows("10.0.20348.1")), "mismatch platform-mismatch");
  assert.equal(
    await say({ ...windows("10.0.17763.1"), variant: "v2" }, windows("10.0.20348.1")),
    "mismatch platform-mismatch",
  );
});

test("R24 a config without variant has the descriptor's, and one of the same meaning is the same", async () => {
  const say = async (variant: string | undefined, config: string | undefined, architecture: string) => {
    const world = new World();
    const of = (value: string | undefined): Platform => ({
      os: "linux",
      architecture,
      ...(value && { variant: value }),
    });
    const image = world.platformImage("app", [layerOf("a")], of(config));
    return (await resolved(world, world.index("app", [{ image, platform: written(of(variant)) }])))[0];
  };
  assert.equal(await say("v6", undefined, "arm"), "node linux/arm/v6");
  assert.equal(await say("v8", undefined, "arm64"), "node linux/arm64/v8");
  assert.equal(await say(undefined, "v8", "arm64"), "node linux/arm64/v8");
  assert.equal(await say(undefined, "v7", "arm"), "node linux/arm/v7");
});

test("R24 Windows images are told apart by the version that only their configs say", async () => {
  const world = new World();
  const of = (osVersion: string) => {
    const image = world.platformImage("app", [layerOf(osVersion)], { os: "windows", architecture: "amd64", osVersion });
    return { image, platform: { os: "windows", architecture: "amd64" } };
  };
  const index = world.index("app", [of("10.0.17763.1"), of("10.0.20348.1")]);
  assert.deepEqual(await resolved(world, index), ["node windows/amd64", "node windows/amd64"]);
  assert.deepEqual(await resolved(world, index, "windows(10.0.17763.1)/amd64", true), ["node windows/amd64"]);
});

test("R23 a size that lies is malformed, of a manifest and of a config", async () => {
  const { world, index } = withEntry((w) => ({ image: runnable(w, {}, ARM64), platform: written(ARM64), size: 7 }));
  assert.deepEqual(await resolved(world, index), ["malformed size-mismatch", "node linux/amd64"]);
  const other = new World();
  const document = other.document(other.build("app").manifest);
  put(document, "config.size", 7);
  assert.deepEqual(await resolved(other, other.manifest("app", document)), ["malformed size-mismatch"]);
});

test("R23 media types must agree between descriptor, answer and document", async () => {
  const { world, index } = withEntry((w) => ({
    image: runnable(w, {}, ARM64),
    platform: written(ARM64),
    mediaType: DOCKER_MANIFEST,
  }));
  assert.deepEqual(await resolved(world, index), ["malformed media-type-mismatch", "node linux/amd64"]);
  const other = new World();
  const { manifest } = other.build("app");
  assert.deepEqual(await resolved(other, other.manifest("app", other.bytes(manifest), OCI_IMAGE_INDEX)), [
    "malformed media-type-mismatch",
  ]);
  assert.deepEqual(await resolved(other, other.manifest("app", other.bytes(manifest), OCI_IMAGE_MANIFEST)), [
    "node linux/amd64",
  ]);
});

test("R23 a document that two readers would read in two ways is malformed", async () => {
  const world = new World();
  const { manifest } = world.build("app");
  const text = Buffer.from(world.bytes(manifest)).toString();
  for (const [code, changed] of [
    ["duplicate-key", text.replace('"schemaVersion":2', '"schemaVersion":2,"schemaVersion":2')],
    ["folded-key", text.replace('"schemaVersion":2', '"schemaVersion":2,"Layers":[]')],
    ["mixed-manifest", text.replace('"schemaVersion":2', '"schemaVersion":2,"manifests":[]')],
  ] as const) {
    assert.deepEqual(await resolved(world, world.manifest("app", bytesOf(changed), OCI_IMAGE_MANIFEST)), [
      `malformed ${code}`,
    ]);
  }
});

test("R21 counts of layers, diff_ids and history must agree", async () => {
  const world = new World();
  const more = world.build("app", { config: { history: [{ created_by: "a" }, { created_by: "b" }] } });
  assert.deepEqual(await resolved(world, more.image), ["malformed counts-disagree"]);
});

test("R15 a manifest or config that isn't there is unresolved", async () => {
  const world = new World();
  const { manifest, image } = world.build("app");
  world.manifests.delete(`ghcr.io/acme/app@${manifest.digest}`);
  assert.deepEqual(await resolved(world, image), ["unresolved manifest-not-found"]);
  const other = new World();
  const built = other.build("app");
  other.blobs.clear();
  assert.ok((await resolved(other, built.manifest)).includes("unresolved config-not-found"));
});

test("R15 what can't be read is unreachable, with the reader's code", async () => {
  const world = new World();
  const { manifest, image } = world.build("app");
  world.hide(manifest, "digest-mismatch");
  assert.deepEqual(await resolved(world, image), ["unreachable digest-mismatch"]);
});

test("an index without images and one without the platform are unresolved", async () => {
  const world = new World();
  const { manifest, attestationManifest } = world.build("app");
  assert.ok(attestationManifest);
  assert.deepEqual(await resolved(world, world.index("app", [])), ["unresolved empty-index"]);
  assert.deepEqual(await resolved(world, world.index("app", [entryOf(attestationManifest, manifest)])), [
    "unresolved empty-index",
  ]);
  assert.deepEqual(await resolved(world, world.build("app").image, "linux/s390x", true), [
    "unresolved platform-not-found",
  ]);
});

test("an index of more entries than are judged is a limit as a whole, and none is fetched", async () => {
  const world = new World();
  const entry = { image: runnable(world), platform: written(AMD64) };
  const index = world.index(
    "app",
    Array.from({ length: 513 }, () => entry),
  );
  assert.deepEqual(await resolved(world, index), ["limit"]);
  assert.equal(world.reads.length, 1);
  assert.deepEqual(
    await resolved(
      world,
      world.index(
        "app",
        Array.from({ length: 512 }, () => entry),
      ),
    ),
    Array.from({ length: 512 }, () => "node linux/amd64"),
  );
});

test("indexes that nest too deep are a limit", async () => {
  const world = new World();
  let image = world.build("app").manifest;
  for (let depth = 1; depth <= 4; depth++) image = world.index("app", [{ image }]);
  assert.deepEqual(await resolved(world, image), ["node linux/amd64"]);
  assert.deepEqual(await resolved(world, world.index("app", [{ image }])), ["limit"]);
});

test("a parent for another processor than asked for is what BuildKit takes instead", async () => {
  const world = new World();
  const of = (platform: Platform) => ({ image: runnable(world, {}, platform), platform: written(platform) });
  const index = world.index("app", [of(AMD64), of({ os: "linux", architecture: "arm", variant: "v6" })]);
  assert.deepEqual(await resolved(world, index, "linux/arm/v7", true), ["node linux/arm/v6"]);
  assert.deepEqual(await resolved(world, index, "linux/amd64/v3", true), ["node linux/amd64"]);
});

test("a parent that is no index is taken whatever its platform, an image asked about isn't", async () => {
  const world = new World();
  const { manifest } = world.build("app");
  assert.deepEqual(await resolved(world, manifest, "linux/arm64", true), ["node linux/amd64"]);
  assert.deepEqual(await resolved(world, manifest, "linux/arm64", false), ["unresolved platform-not-found"]);
});

test("entries for platforms that nobody asked about aren't fetched", async () => {
  const { world, index } = withEntry((w) => ({ image: runnable(w, {}, ARM64), platform: written(ARM64) }));
  await resolved(world, index, "linux/amd64", true);
  assert.equal(world.reads.length, 2);
});

test("an unforeseen error of a reader is no finding", async () => {
  const images = {
    readManifest: () => Promise.reject(new TypeError("a fault of ours")),
    readBlob: async () => undefined,
  };
  await assert.rejects(resolveImage(images, new World().build("app").image, "every", false), TypeError);
  const network = { ...images, readManifest: () => Promise.reject(new CouldNotLook("network", "no")) };
  assert.equal((await resolveImage(network, new World().build("app").image, "every", false)).length, 1);
});

test("R24 a hidden entry counts even where policy lists the platforms", async () => {
  const policy = policyOf({ trust: "  platforms: [linux/amd64]" });
  for (const isHidden of [false, true]) {
    const world = new World();
    const { manifest, attestationManifest } = world.build("app");
    assert.ok(attestationManifest);
    const other = {
      image: runnable(world, {}, isHidden ? AMD64 : ARM64),
      platform: isHidden ? UNKNOWN : written(ARM64),
    };
    const index = world.index("app", [
      { image: manifest, platform: written(AMD64) },
      entryOf(attestationManifest, manifest),
      other,
    ]);
    world.sign(index, statementOf([index], SIGN), signerOf("app"));
    assert.equal(told(await world.judge(index, { policy })), isHidden ? "untrusted platform-mismatch" : "trusted");
  }
});

const samples = shared("samples/buildkit");
test("R24 every index that BuildKit wrote resolves to its images", { skip: samples.skip }, async () => {
  let cases = 0;
  for (const name of readdirSync(samples.path)) {
    const files = readdirSync(`${samples.path}/${name}`);
    if (!files.includes("index.json")) continue;
    const world = new World();
    const documents = files
      .filter((file) => /^manifest\d\.json$/.test(file))
      .map((file) => readFileSync(`${samples.path}/${name}/${file}`));
    for (const bytes of documents) world.manifest("app", bytes, OCI_IMAGE_MANIFEST);
    for (const file of files.filter((each) => /config|layer/.test(each)))
      world.blob(readFileSync(`${samples.path}/${name}/${file}`));
    const index = world.manifest("app", readFileSync(`${samples.path}/${name}/index.json`), OCI_IMAGE_INDEX);
    const found = await resolved(world, index);
    assert.equal(found.length, name.includes("two-platforms") ? 2 : 1, name);
    assert.ok(
      found.every((each) => each.startsWith("node ")),
      `${name}: ${found}`,
    );
    cases++;
  }
  assert.ok(cases > 0);
});

test("R24 the code of every finding below an index reaches the verdict", async () => {
  const { world, index } = withEntry((w) => ({ image: runnable(w), platform: UNKNOWN }));
  assert.ok(codesOf(await world.judge(index)).includes("platform-mismatch"));
});

/** An image that nobody signed, for that platform. */
function foreign(world: World, repo: string, platform: string) {
  return world.platformImage(repo, [layerOf("foreign")], parsePlatform(platform));
}
const saying = (platform: string) => written(parsePlatform(platform));
const onlyAmd64 = policyOf({ trust: "  platforms: [linux/amd64]" });

/** Every way of asking for an image on linux/amd64: as the image itself, by policy, and as somebody's input. */
async function askedFor(world: World, index: PinnedImage, built: Built): Promise<readonly string[]> {
  const child = world.build(`child-${index.digest.slice(7, 19)}`, { inputs: [{ ...built, image: index, index }] });
  const verdicts = [
    await world.judge(index, { policy: onlyAmd64 }),
    await world.judge(index, { wanted: parsePlatform("linux/amd64") }),
    await world.judge(child.image),
  ];
  return verdicts.map(({ outcome }) => outcome);
}
const EVERYWHERE = ["untrusted", "untrusted", "untrusted"];

test("R24 an entry with half a platform is judged wherever it could run: containerd puts in its own machine's half", async () => {
  for (const platform of [
    { os: "", architecture: "amd64" },
    { os: "linux", architecture: "" },
  ]) {
    const world = new World();
    const good = world.build("app");
    const honest = { image: good.manifest, platform: saying("linux/amd64") };
    const evil = foreign(world, "app", "linux/amd64");
    const index = world.index("app", [{ image: evil, platform }, honest]);
    assert.deepEqual(await askedFor(world, index, good), EVERYWHERE, JSON.stringify(platform));
    assert.deepEqual(await askedFor(world, world.index("app", [honest]), good), ["trusted", "trusted", "trusted"]);
  }
});

test("R24 a written fallback is judged beside a match that says no platform: the runtime takes what is written", async () => {
  const world = new World();
  const good = world.build("app");
  const evil = { image: foreign(world, "app", "linux/386"), platform: saying("linux/386") };
  assert.deepEqual(await askedFor(world, world.index("app", [evil, { image: good.manifest }]), good), EVERYWHERE);
  const honest = { image: good.manifest, platform: saying("linux/amd64") };
  assert.deepEqual(await askedFor(world, world.index("app", [evil, honest]), good), ["trusted", "trusted", "trusted"]);
});

test("R24 what a nested index holds is judged by what it holds, not by what its entry says", async () => {
  const world = new World();
  const good = world.build("app");
  const inner = world.index("app", [{ image: foreign(world, "app", "linux/386"), platform: saying("linux/386") }]);
  const said = saying("linux/amd64");
  const index = world.index("app", [
    { image: inner, platform: said },
    { image: good.manifest, platform: said },
  ]);
  assert.deepEqual(await askedFor(world, index, good), EVERYWHERE);
});

test("R30 a platform counts if it is what a machine of policy's would be given", async () => {
  const both = policyOf({ trust: "  platforms: [linux/amd64, linux/arm64]" });
  for (const [built, other] of [
    ["linux/arm64", "linux/386"],
    ["linux/amd64", "linux/arm/v7"],
  ] as const) {
    const world = new World();
    const good = { image: world.build("app", { platform: built }).manifest, platform: saying(built) };
    const evil = { image: foreign(world, "app", other), platform: saying(other) };
    assert.equal((await world.judge(world.index("app", [good, evil]), { policy: both })).outcome, "untrusted", other);
    const forNobody = { image: foreign(world, "app", "linux/s390x"), platform: saying("linux/s390x") };
    assert.equal((await world.judge(world.index("app", [good, forNobody]), { policy: both })).outcome, "trusted");
  }
});
