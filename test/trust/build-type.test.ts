import assert from "node:assert/strict";
import { test } from "node:test";
import { hexOf } from "../../src/image/digest.ts";
import { imageName } from "../../src/image/reference.ts";
import type { Verdict } from "../../src/trust/verdict.ts";
import { type Built, graphOf, type Json, SLSA1, SLSA02, signerOf, statementOf, told, World } from "./world.ts";

/** An entry of a list as Tekton Chains writes it. */
const material = ({ image }: Built): Json => ({
  uri: `oci://${imageName(image)}`,
  digest: { sha256: hexOf(image.digest) },
});

/** A pipeline's predicate v0.2, complete by its own word. */
function pipelineRun(materials: readonly Json[], changes: Record<string, Json> = {}): Json {
  return {
    builder: { id: "https://tekton.dev/chains/v2" },
    buildType: "tekton.dev/v1/PipelineRun",
    materials: [...materials],
    metadata: { completeness: { parameters: true, environment: true, materials: true } },
    ...changes,
  };
}

const sign = (world: World, built: Built, predicate: Json, type = SLSA02) =>
  world.sign(built.manifest, statementOf([built.manifest], type, predicate), signerOf(built.repo));

/** An image over a base, both in one world; without a statement of its own unless asked for. */
function chain(signed: "provenance" | "nothing" = "nothing") {
  const world = new World();
  const base = world.build("base");
  const app = world.build("app", { base, layers: ["app-layer"], signed });
  return { world, base, app };
}

const levelOf = (verdict: Verdict, { manifest }: Built) =>
  verdict.nodes.find(({ digest }) => digest === manifest.digest)?.level;

test("R16 an accepted signer's Tekton provenance isn't walked, complete or not by its own word, whatever it lists", async () => {
  for (const completeness of [true, false]) {
    for (const lists of [true, false]) {
      const { world, base, app } = chain();
      const metadata = { completeness: { parameters: true, materials: completeness } };
      sign(world, app, pipelineRun(lists ? [material(base)] : [], { metadata }));
      const verdict = await world.judge(app.image);
      assert.equal(told(verdict), "untrusted incomplete");
      assert.equal(levelOf(verdict, app), 0);
      const [fault] = verdict.faults;
      assert.match(fault?.reason ?? "", /^Tekton Chains lists .*; it names [01] images and none as the base$/);
    }
  }
});

test("R16, R18 BuildKit's fields in another build type's provenance prove neither base nor scratch", async () => {
  const world = new World();
  const scratch = world.build("scratch", { signed: "nothing" });
  const asOther = (buildType: string) => {
    const predicate = structuredClone(scratch.provenance) as { buildDefinition: Record<string, Json> };
    predicate.buildDefinition.buildType = buildType;
    return predicate as unknown as Json;
  };
  const codes = [];
  for (const buildType of [
    "https://tekton.dev/chains/v2/slsa",
    "https://apko.dev/slsa-build-type@v1",
    "https://example.test/mine",
  ]) {
    world.forget(scratch.manifest);
    sign(world, scratch, asOther(buildType), SLSA1);
    codes.push(told(await world.judge(scratch.image)));
  }
  assert.deepEqual(codes, ["untrusted incomplete", "untrusted parents-unrecorded", "untrusted parents-unrecorded"]);
});

test("R17 Tekton provenance beside BuildKit's: its images are parents too, each judged, and the level is no higher", async () => {
  const { world, base, app } = chain("provenance");
  const alone = await world.judge(app.image);
  assert.equal(told(alone), "trusted");
  const step = world.build("step", { layers: ["step-layer"] });
  sign(world, app, pipelineRun([material(step), material(base)]));
  const both = await world.judge(app.image);
  assert.equal(told(both), "trusted");
  const parents = graphOf(both).find((line) => line.startsWith(app.manifest.digest));
  assert.ok(
    parents?.includes(`input ${step.manifest.digest}`) && parents.includes(`base ${base.manifest.digest}`),
    parents,
  );
  assert.equal(levelOf(both, app), levelOf(alone, app));

  world.forget(step.manifest);
  assert.equal(told(await world.judge(app.image)), "untrusted unattested");
});

test("R17 what an accepted Tekton provenance contradicts or can't say is a fault, though BuildKit's is good", async () => {
  const tagged = ({ image }: Built): Json => ({
    uri: `pkg:docker/${imageName(image)}@1`,
    digest: { sha256: hexOf(image.digest) },
  });
  for (const [materials, outcome] of [
    [
      (base: Built, other: Built) => [
        tagged(base),
        { ...(tagged(other) as object), uri: `pkg:docker/${imageName(base.image)}@1` },
      ],
      "untrusted dependencies-disagree manifest-not-found",
    ],
    [
      (base: Built, other: Built) => [
        { uri: `oci://${imageName(base.image)}@${other.image.digest}`, digest: { sha256: hexOf(base.image.digest) } },
      ],
      "untrusted dependency-not-understood",
    ],
    [
      () => [{ uri: "/apis/tekton.dev/v1/namespaces/ns/task/build", digest: { sha256: "a".repeat(64) } }],
      "untrusted dependency-not-understood",
    ],
  ] as const) {
    const { world, base, app } = chain("provenance");
    const other = world.build("other", { layers: ["other-layer"] });
    sign(world, app, pipelineRun(materials(base, other) as Json[]));
    assert.equal(told(await world.judge(app.image)), outcome);
  }
});

test("R17 provenance of types that record no images adds nothing to BuildKit's, nor takes from it", async () => {
  const { world, app } = chain("provenance");
  const alone = await world.judge(app.image);
  const workflow = {
    buildDefinition: {
      buildType: "https://actions.github.io/buildtypes/workflow/v1",
      resolvedDependencies: [{ uri: "oci://ghcr.io/acme/evil", digest: { sha256: "e".repeat(64) } }],
    },
  };
  sign(world, app, workflow, SLSA1);
  sign(
    world,
    app,
    pipelineRun([], { buildType: "https://github.com/slsa-framework/slsa-github-generator/container@v1" }),
  );
  const both = await world.judge(app.image);
  assert.deepEqual([told(both), graphOf(both)], ["trusted", graphOf(alone)]);
  assert.equal(levelOf(both, app), levelOf(alone, app));
});

test("R17 Tekton provenance that can't be read is refused and reported, and changes nothing of BuildKit's", async () => {
  const { world, app } = chain("provenance");
  sign(
    world,
    app,
    pipelineRun([], { buildConfig: { tasks: [{ results: [{ name: "BASE_IMAGES_DIGESTS", value: 7 }] }] } }),
  );
  const verdict = await world.judge(app.image);
  assert.equal(told(verdict), "trusted");
  assert.ok(verdict.nodes.some(({ refusals }) => refusals.some(({ code }) => code === "malformed-provenance")));
  const alone = chain();
  sign(alone.world, alone.app, pipelineRun([], { buildConfig: { tasks: 1 } }));
  assert.equal(told(await alone.world.judge(alone.app.image)), "untrusted malformed-provenance");
});
