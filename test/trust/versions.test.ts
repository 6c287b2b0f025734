import assert from "node:assert/strict";
import { test } from "node:test";
import type { PinnedImage } from "../../src/image/reference.ts";
import { verdictDocument, verdictSchema } from "../../src/report/json.ts";
import type { Policy } from "../../src/trust/policy.ts";
import {
  type BuildOptions,
  commitOf,
  policyOf,
  SIGN,
  SLSA1,
  signerOf,
  statementOf,
  told,
  World,
  written,
} from "./world.ts";

const [T1, T2, T3] = ["2026-01-01", "2026-02-01", "2026-03-01"].map((day) => new Date(`${day}T00:00:00Z`));

/** What is told of an image that is asked for by a tag. */
async function versions(
  world: World,
  image: PinnedImage,
  tag: string | undefined = "latest",
  policy: Policy = policyOf(),
) {
  const verdict = await world.judge(image, { policy, reference: { ...image, ...(tag !== "" && { tag }) } });
  const document = verdictDocument(verdict);
  assert.deepEqual(verdictSchema.parse(document), document);
  return verdict.versions.map(({ ref, commit, firstSigned, lastSigned, nodes }) =>
    [ref, commit, firstSigned?.toISOString().slice(0, 10), lastSigned?.toISOString().slice(0, 10), nodes.length].join(
      " ",
    ),
  );
}

const by = (ref: string, commit = commitOf("app")) =>
  signerOf("app", { sourceRepositoryRef: `refs/tags/${ref}`, sourceRepositoryDigest: commit });

/** An app whose provenance is signed at these times. */
function app(world: World, options: BuildOptions = {}, times: readonly (Date | undefined)[] = [T1]) {
  const built = world.build("app", { ...options, signed: "nothing" });
  for (const time of times)
    world.sign(
      built.manifest,
      statementOf([built.manifest], SLSA1, built.provenance),
      options.by ?? by("v1.0.0"),
      time ? [time] : [],
    );
  return built;
}

test("R26 asked by tag, with or without builds in policy, the verdict says version, commit and time of signing", async () => {
  const world = new World();
  const { image } = app(world, {}, [T2, T1]);
  const expected = [`refs/tags/v1.0.0 ${commitOf("app")} 2026-01-01 2026-02-01 1`];
  assert.deepEqual(await versions(world, image), expected);
  const building = policyOf({ trust: '\nbuilds: [{ image: ghcr.io/acme/app, image-tags: ["{tag}", latest] }]' });
  assert.deepEqual(await versions(world, image, "latest", building), expected);
  assert.deepEqual(await versions(world, image, ""), [], "a digest stands under no tag");
});

test("R26 a time that nothing proves isn't told", async () => {
  const world = new World();
  const { image } = app(world, {}, [undefined]);
  assert.deepEqual(await versions(world, image), [`refs/tags/v1.0.0 ${commitOf("app")}   1`]);
});

test("R26 what only vouches tells of no version, and what isn't accepted changes none", async () => {
  const world = new World();
  const built = app(world);
  const expected = await versions(world, built.image);
  world.sign(built.manifest, statementOf([built.manifest], SIGN), by("v9"), T3 ? [T3] : []);
  // As actions/attest-build-provenance writes it: of any file, whoever made it.
  const recordsNothing = {
    buildDefinition: {
      buildType: "https://actions.github.io/buildtypes/workflow/v1",
      externalParameters: {},
      resolvedDependencies: [],
    },
    runDetails: { builder: { id: "https://github.com/actions/runner/github-hosted" } },
  };
  world.sign(built.manifest, statementOf([built.manifest], SLSA1, recordsNothing), by("v7"), T3 ? [T3] : []);
  const stranger = signerOf("other", { sourceRepositoryRef: "refs/tags/v8" });
  world.sign(built.manifest, statementOf([built.manifest], SLSA1, built.provenance), stranger, T3 ? [T3] : []);
  assert.deepEqual(await versions(world, built.image), expected);
});

test("R26 each platform's version is told, of the platforms that count", async () => {
  const world = new World();
  const builds = [app(world), app(world, { by: by("v2.0.0"), platform: "linux/arm64", layers: ["arm64"] }, [T2])];
  const index = world.index(
    "app",
    builds.map(({ manifest, platform }) => ({ image: manifest, platform: written(platform) })),
  );
  const both = builds.map((_, i) => `refs/tags/v${i + 1}.0.0 ${commitOf("app")} 2026-0${i + 1}-01 2026-0${i + 1}-01 1`);
  assert.deepEqual(await versions(world, index), both);
  const one = policyOf({ trust: "  platforms: [linux/arm64]" });
  assert.deepEqual(await versions(world, index, "latest", one), both.slice(1));
});

test("R26 an untrusted image's version is told too", async () => {
  const world = new World();
  const built = app(world, { base: world.build("base", { signed: "nothing" }) });
  assert.equal(told(await world.judge(built.image)), "untrusted unattested");
  assert.deepEqual(await versions(world, built.image), [`refs/tags/v1.0.0 ${commitOf("app")} 2026-01-01 2026-01-01 1`]);
});
