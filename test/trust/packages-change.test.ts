import assert from "node:assert/strict";
import { test } from "node:test";
import { MAX_PACKAGES } from "../../src/attestation/packages.ts";
import type { PinnedImage } from "../../src/image/reference.ts";
import { walkAncestry } from "../../src/trust/ancestry.ts";
import { imagePackages } from "../../src/trust/image-packages.ts";
import { type PackagesChange, packagesChange } from "../../src/trust/packages-change.ts";
import { BeyondLimit, CouldNotLook } from "../../src/trust/ports.ts";
import { judge } from "../../src/trust/verdict.ts";
import { subjectsOf } from "../../src/trust/verdict-change.ts";
import {
  AS_OF,
  type Built,
  commitOf,
  entryOf,
  type Json,
  policyOf,
  put,
  SIGN,
  SLSA1,
  signerOf,
  statementOf,
  World,
  written,
} from "./world.ts";

const SPDX = "https://spdx.dev/Document";
const CYCLONEDX = "https://cyclonedx.org/bom";

const spdx = (...names: readonly string[]): Json => ({
  spdxVersion: "SPDX-2.3",
  packages: names.map((name) => ({ name })),
});
const about = (on: PinnedImage, ...names: readonly string[]) => statementOf([on], SPDX, spdx(...names));
const inCycloneDx = (on: PinnedImage, name: string) =>
  statementOf([on], CYCLONEDX, { bomFormat: "CycloneDX", specVersion: "1.6", components: [{ type: "library", name }] });

/** An image of this label, whose packages an accepted signer lists. */
function listed(world: World, label: string, ...names: readonly string[]): Built {
  const built = world.build("app", { label });
  world.sign(built.manifest, about(built.manifest, ...names), signerOf("app"));
  return built;
}

async function packagesOf(world: World, image: PinnedImage, policy = policyOf()) {
  const ports = world.ports();
  const ancestry = await walkAncestry(ports, policy, image, "every", AS_OF);
  return imagePackages(ports, policy, ancestry, subjectsOf(judge(ancestry, policy, image, AS_OF)));
}

async function changeOf(world: World, before: Built | PinnedImage, after: Built | PinnedImage, policy = policyOf()) {
  const image = (each: Built | PinnedImage) => ("image" in each ? each.image : each);
  return packagesChange(await packagesOf(world, image(before), policy), await packagesOf(world, image(after), policy));
}

/** `linux/amd64 spdx listed/none`, and what came and went. */
const told = ({ platform, format, before, after, change }: PackagesChange) => [
  `${platform} ${format} ${before.kind}/${after.kind}`,
  ...(change === undefined ? [] : [change.gained.map(({ name }) => name), change.lost.map(({ name }) => name)]),
];

test("what accepted signers list of two images is compared, each list in its own word", async () => {
  const world = new World();
  const rows = await changeOf(world, listed(world, "1", "musl", "zlib"), listed(world, "2", "musl", "xz"));
  assert.deepEqual(rows.map(told), [["linux/amd64 spdx listed/listed", ["xz"], ["zlib"]]]);
  const [{ before, after }] = rows as [PackagesChange];
  assert.ok(before.kind === "listed" && after.kind === "listed");
  assert.deepEqual([before.count, before.bundles.length, before.unread], [2, 1, []]);
  assert.notDeepEqual(before.bundles, after.bundles);
});

test("R11 several lists that a build left in the index are one set", async () => {
  const world = new World();
  const held = (label: string, ...lists: readonly string[]): PinnedImage => {
    const { manifest, provenance, platform } = world.build("app", { signed: "nothing", label });
    const statements = [statementOf([manifest], SLSA1, provenance), ...lists.map((name) => about(manifest, name))];
    const holder = world.attestationManifest("app", manifest, statements);
    const image = world.index("app", [{ image: manifest, platform: written(platform) }, entryOf(holder, manifest)]);
    world.sign(image, statementOf([image], SIGN), signerOf("app"));
    return image;
  };
  const rows = await changeOf(world, held("1", "musl", "gcc"), held("2", "gcc", "musl", "xz"));
  assert.deepEqual(rows.map(told), [["linux/amd64 spdx listed/listed", ["xz"], []]]);
});

test("nothing is compared with an image that nobody accepted lists, and why signed lists don't count is told", async () => {
  const world = new World();
  const one = listed(world, "1", "musl");
  const other = world.build("app", { label: "2" });
  assert.deepEqual((await changeOf(world, one, other)).map(told), [["linux/amd64 spdx listed/none"]]);
  assert.deepEqual((await changeOf(world, other, other)).map(told), [["linux/amd64 undefined none/none"]]);
  for (const by of [
    signerOf("app", { sourceRepositoryOwnerIdentifier: "666" }),
    signerOf("app", { sourceRepositoryIdentifier: "100" }),
  ]) {
    const world = new World();
    const [one, other] = [listed(world, "1", "musl"), world.build("app", { label: "2" })];
    world.sign(other.manifest, about(other.manifest, "planted"), by);
    // Neither is a list of it.
    world.sign(other.manifest, about(one.manifest, "musl"), by);
    world.sign(other.manifest, statementOf([other.manifest], SIGN), signerOf("app"));
    const [row] = await changeOf(world, one, other);
    assert.ok(row?.after.kind === "none");
    assert.equal(row.after.refused.length, 1);
  }
});

test("R15 what couldn't be looked at is no image without packages, and beside what is listed it is told", async () => {
  const world = new World();
  const [one, other] = [listed(world, "1", "musl"), listed(world, "2", "musl")];
  world.failures.set(`ghcr.io/acme/app@${other.manifest.digest}`, new CouldNotLook("timeout", "slow"));
  const [row] = await changeOf(world, one, other);
  assert.ok(row?.after.kind === "listed");
  assert.deepEqual([row.change?.same, row.after.unread], [1, ["slow"]]);
  world.forget(other.manifest);
  assert.deepEqual((await changeOf(world, one, other)).map(told), [["linux/amd64 spdx listed/unread"]]);
  world.failures.clear();
  world.omitted.set(`ghcr.io/acme/app@${other.manifest.digest}`, 7);
  assert.deepEqual((await changeOf(world, one, other)).map(told), [["linux/amd64 spdx listed/unread"]]);
  world.hide(other.image);
  assert.deepEqual((await changeOf(world, one, other)).map(told), [["linux/amd64 spdx listed/unread"]]);
  assert.deepEqual((await changeOf(world, other, one)).map(told), [["linux/amd64 spdx unread/listed"]]);
  assert.deepEqual((await changeOf(world, other, other)).map(told), [["undefined undefined unread/unread"]]);
});

test("a list that can't be read, or was too large, leaves open what the image has", async () => {
  const world = new World();
  const [one, other] = [listed(world, "1", "musl"), world.build("app", { label: "2" })];
  world.sign(other.manifest, statementOf([other.manifest], SPDX, { spdxVersion: "SPDX-3" }), signerOf("app"));
  assert.deepEqual((await changeOf(world, one, other)).map(told), [["linux/amd64 spdx listed/unread"]]);
  world.manifests.set(`ghcr.io/acme/app@${other.image.digest}`, new BeyondLimit("too large"));
  assert.deepEqual((await changeOf(world, one, other)).map(told), [["linux/amd64 spdx listed/no-image"]]);
});

test("a list that was cut isn't compared: what is missing from it is no package that went", async () => {
  const world = new World();
  const names = Array.from({ length: MAX_PACKAGES + 1 }, (_, i) => `p${i}`);
  const [long, short] = [listed(world, "1", ...names), listed(world, "2", "musl")];
  assert.deepEqual((await changeOf(world, long, short)).map(told), [["linux/amd64 spdx cut/listed"]]);
  const many = world.build("app", { label: "3" });
  for (let i = 0; i < 65; i++) world.sign(many.manifest, about(many.manifest, `p${i}`), signerOf("app"));
  assert.deepEqual((await changeOf(world, short, many)).map(told), [["linux/amd64 spdx listed/cut"]]);
  const large = listed(world, "4", ...Array.from({ length: MAX_PACKAGES }, () => "x".repeat(2000)));
  assert.equal((await changeOf(world, short, large))[0]?.after.kind, "listed");
  world.sign(
    large.manifest,
    about(large.manifest, ...names.slice(1).map((name) => name + "y".repeat(1990))),
    signerOf("app"),
  );
  assert.deepEqual((await changeOf(world, short, large)).map(told), [["linux/amd64 spdx listed/cut"]]);
});

test("lists of two formats aren't compared with each other", async () => {
  const world = new World();
  const [one, other] = [listed(world, "1", "musl"), world.build("app", { label: "2" })];
  world.sign(other.manifest, inCycloneDx(other.manifest, "musl"), signerOf("app"));
  assert.deepEqual((await changeOf(world, one, other)).map(told), [
    ["linux/amd64 cyclonedx other-format/listed"],
    ["linux/amd64 spdx listed/other-format"],
  ]);
});

test("platforms are compared one by one, and the list of an index with that of another one alone", async () => {
  const world = new World();
  const indexOf = (label: string, platforms: readonly string[], ...names: readonly string[]): PinnedImage => {
    const built = platforms.map((platform) => world.build("app", { platform, label }));
    const image = world.index(
      "app",
      built.map(({ manifest, platform }) => ({ image: manifest, platform: written(platform) })),
    );
    if (names.length > 0) world.sign(image, about(image, ...names), signerOf("app"));
    else for (const { manifest } of built) world.sign(manifest, about(manifest, "musl"), signerOf("app"));
    return image;
  };
  const both = ["linux/amd64", "linux/arm64"];
  const [each, one] = [indexOf("1", both), indexOf("2", both.slice(0, 1))];
  assert.deepEqual((await changeOf(world, each, one)).map(told), [
    ["linux/amd64 spdx listed/listed", [], []],
    ["linux/arm64 spdx listed/no-image"],
  ]);
  const [whole, other] = [indexOf("3", both, "musl"), indexOf("4", both, "xz")];
  const rows = await changeOf(world, whole, other);
  assert.deepEqual(rows.map(told), [["undefined spdx listed/listed", ["xz"], ["musl"]]]);
  // It is found at each platform, and is one.
  assert.ok(rows[0]?.before.kind === "listed" && rows[0].before.count === 1);
  assert.deepEqual((await changeOf(world, whole, one)).map(told), [
    ["linux/amd64 spdx other-scope/listed"],
    ["undefined spdx listed/other-scope"],
  ]);
});

test("R27 of an image that policy revokes nothing is compared", async () => {
  const world = new World();
  const [one, other] = [listed(world, "1", "musl"), listed(world, "2", "musl")];
  const revoking = (what: string) => policyOf({ trust: `  revoked: [{ reason: stolen, ${what} }]` });
  const digest = revoking(`digest: "${other.manifest.digest}"`);
  assert.deepEqual((await changeOf(world, one, other, digest)).map(told), [["linux/amd64 spdx listed/revoked"]]);
  // The commit that the image was built from is revoked, and whoever listed its packages ran at another one.
  const commit = "d".repeat(40);
  const [good, bad] = [commit, commitOf("app")].map((built, i) => {
    const by = signerOf("app", { sourceRepositoryDigest: built });
    const edit = (predicate: Json) =>
      put(predicate, "buildDefinition.externalParameters.configSource.digest", { sha1: built });
    const image = world.build("app", { label: `${i}`, by, edit });
    const lister = signerOf("app", { sourceRepositoryDigest: commit });
    world.sign(image.manifest, about(image.manifest, "musl"), lister);
    return image;
  }) as [Built, Built];
  const source = revoking(`commit: ${commitOf("app")}`);
  assert.deepEqual((await changeOf(world, good, bad, source)).map(told), [["linux/amd64 spdx listed/revoked"]]);
});
