import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf, hexOf } from "../../src/image/digest.ts";
import {
  type BuildOptions,
  type Built,
  bytesOf,
  commitOf,
  graphOf,
  type Json,
  layerOf,
  policyOf,
  put,
  runOf,
  SLSA1,
  signerOf,
  statementOf,
  told,
  World,
} from "./world.ts";

const DEPENDENCIES = "buildDefinition.resolvedDependencies";
const LLB = "buildDefinition.internalParameters.buildConfig.llbDefinition";
const LAYERS = "runDetails.metadata.buildkit_metadata.layers";
const COMPLETE = "runDetails.metadata.buildkit_completeness.resolvedDependencies";

const LETS_LOCAL_IN = policyOf({ trust: "  allow: { local-context: true }" });

/** What is told of an image alone, by default from scratch. */
async function alone(options: BuildOptions): Promise<string> {
  const world = new World();
  return told(await world.judge(world.build("app", options).image));
}

/** A second provenance about the same image. */
function alsoSigned(world: World, app: Built, change: (predicate: Json) => void, by = signerOf("app")): void {
  const predicate = structuredClone(app.provenance);
  change(predicate);
  world.sign(app.manifest, statementOf([app.manifest], SLSA1, predicate), by);
}

test("R18 scratch is proven by steps that rest on nothing, everything recorded, every layer explained", async () => {
  assert.equal(await alone({ layers: ["a", "b"] }), "trusted");
});

test("R18 the list alone proves no scratch", async () => {
  assert.equal(await alone({ mode: "min" }), "untrusted list-only");
  assert.equal(await alone({ mode: "min", version: "v0.2" }), "untrusted list-only");
});

test("R18 scratch from a local directory isn't proven", async () => {
  assert.equal(await alone({ local: true }), "untrusted incomplete");
  assert.equal(await alone({ edit: (predicate) => put(predicate, COMPLETE, undefined) }), "untrusted incomplete");
});

test("R18 a layer that the build doesn't know is unexplained", async () => {
  assert.equal(await alone({ hidden: ["backdoor"] }), "untrusted unexplained-layers");
  const withoutMap = (predicate: Json) => put(predicate, LAYERS, undefined);
  assert.equal(await alone({ hidden: ["backdoor"], edit: withoutMap }), "untrusted unexplained-layers");
  assert.equal(await alone({ edit: withoutMap }), "trusted");
});

test("R18 layers in another order or of other bytes are unexplained", async () => {
  const other = (predicate: Json) => {
    const chains = (predicate as never)["runDetails" as never]["metadata" as never]["buildkit_metadata" as never][
      "layers" as never
    ] as Record<string, Json[][]>;
    for (const chain of Object.values(chains)) chain[0]?.reverse();
  };
  assert.equal(await alone({ layers: ["a", "b"], edit: other }), "untrusted unexplained-layers");
});

test("R18 an image without layers from scratch is trusted", async () => {
  const edit = (predicate: Json) => {
    put(predicate, LLB, [
      {
        id: "step0",
        op: { Op: { file: { actions: [{ Action: { mkdir: {} }, input: -1, secondaryInput: -1, output: 0 }] } } },
      },
      { id: "step1", inputs: ["step0:0"], op: { Op: {} } },
    ]);
    put(predicate, LAYERS, undefined);
  };
  assert.equal(await alone({ layers: [], edit }), "trusted");
});

test("R18 a build type that doesn't record images leaves its image opaque", async () => {
  const edit = (predicate: Json) =>
    put(predicate, "buildDefinition.buildType", "https://actions.github.io/buildtypes/workflow/v1");
  assert.equal(await alone({ edit }), "untrusted parents-unrecorded");
  const lookAlike = (predicate: Json) =>
    put(
      predicate,
      "buildDefinition.buildType",
      "https://github.com/moby/buildkit/blob/master/docs/attestations/slsa-definitions.md/",
    );
  assert.equal(await alone({ edit: lookAlike }), "untrusted parents-unrecorded");
});

test("steps that end in something unknown leave the base unknown", async () => {
  const edit = (predicate: Json) => put(predicate, `${LLB}.1.op.Op`, { diff: {} });
  assert.equal(await alone({ edit }), "untrusted base-unknown");
});

test("R16 the list alone is enough up to level 2 if it is complete and a base lies under the image", async () => {
  const world = new World();
  const base = world.build("base");
  const app = world.build("app", { base, mode: "min" });
  const verdict = await world.judge(app.image);
  assert.equal(told(verdict), "trusted");
  assert.equal(verdict.level, 2);
  assert.deepEqual(
    verdict.nodes[0]?.parents.map(({ role }) => role),
    ["base"],
  );
  assert.equal((await world.judge(world.build("app", { base }).image)).level, 3);
});

test("R16 the list alone isn't enough if it isn't complete", async () => {
  const world = new World();
  const base = world.build("base");
  assert.equal(
    told(await world.judge(world.build("app", { base, mode: "min", local: true }).image)),
    "untrusted incomplete",
  );
});

test("R16 the list alone isn't enough if nothing in it lies under the image", async () => {
  const world = new World();
  const base = world.build("base");
  const other = world.build("other");
  const app = world.build("app", {
    base,
    mode: "min",
    edit: (predicate) => put(predicate, `${DEPENDENCIES}.0`, dependencyOf(other)),
  });
  assert.equal(told(await world.judge(app.image)), "untrusted list-only");
});

test("R16 an image that only the list or only the steps name is a parent", async () => {
  for (const where of ["list", "llb"] as const) {
    const world = new World();
    const base = world.build("base");
    const bad = world.build("bad", { signed: "nothing" });
    const app = world.build("app", {
      base,
      inputs: [bad],
      edit: (predicate) => {
        if (where === "llb") put(predicate, DEPENDENCIES, [dependencyOf(base)]);
        else {
          put(predicate, `${LLB}.1.op.Op.source.identifier`, "local://x");
        }
      },
    });
    assert.equal(told(await world.judge(app.image, { policy: LETS_LOCAL_IN })), "untrusted unattested", where);
  }
});

test("R16 one reference with two digests is a fault", async () => {
  const world = new World();
  const base = world.build("base");
  const again = world.build("base", { layers: ["again"] });
  const edit = (predicate: Json) => put(predicate, `${DEPENDENCIES}.0.digest.sha256`, hexOf(again.image.digest));
  assert.equal(told(await world.judge(world.build("app", { base, edit }).image)), "untrusted dependencies-disagree");
});

test("R16 a dependency that can't be understood is a fault, never skipped", async () => {
  for (const uri of ["pkg:docker/acme?x=1", "pkg:npm/left-pad@1.0.0", "ftp://somewhere", ""]) {
    const world = new World();
    const base = world.build("base");
    const edit = (predicate: Json) => put(predicate, `${DEPENDENCIES}.2`, { uri, digest: { sha256: "0".repeat(64) } });
    assert.equal(
      told(await world.judge(world.build("app", { base, edit }).image)),
      "untrusted dependency-not-understood",
      uri,
    );
  }
});

test("R17 accepted provenances count together: a parent in one of them is a parent", async () => {
  const world = new World();
  const base = world.build("base");
  const bad = world.build("bad", { signed: "nothing" });
  const app = world.build("app", { base });
  assert.equal(told(await world.judge(app.image)), "trusted");
  alsoSigned(world, app, (predicate) => put(predicate, `${DEPENDENCIES}.2`, dependencyOf(bad)));
  assert.equal(told(await world.judge(app.image)), "untrusted unattested");
});

test("R17 a parent that only refused provenance names is none", async () => {
  const world = new World();
  const base = world.build("base");
  const bad = world.build("bad", { signed: "nothing" });
  const app = world.build("app", { base });
  const before = await world.judge(app.image);
  alsoSigned(
    world,
    app,
    (predicate) => put(predicate, `${DEPENDENCIES}.2`, dependencyOf(bad)),
    signerOf("app", { buildTrigger: "pull_request" }),
  );
  const after = await world.judge(app.image);
  assert.deepEqual([told(after), graphOf(after)], [told(before), graphOf(before)]);
  assert.equal(after.nodes[0]?.refusals.length, 1);
});

test("R17 the same provenance in two versions adds nothing", async () => {
  const world = new World();
  const base = world.build("base");
  const input = world.build("input");
  const app = world.build("app", { base, inputs: [input] });
  const before = graphOf(await world.judge(app.image));
  const list = world.build("app", { base, inputs: [input], mode: "min", version: "v0.2" });
  assert.equal(list.manifest.digest, app.manifest.digest);
  assert.deepEqual(graphOf(await world.judge(app.image)), before);
});

test("R17 scratch in one accepted provenance and a base in another is a fault, even if one of them alone isn't enough", async () => {
  for (const complete of [true, false]) {
    const world = new World();
    const base = world.build("base");
    const app = world.build("app", { base });
    const scratch = world.build("app", { layers: ["base-layer", "app-layer"], signed: "nothing" });
    world.sign(
      app.manifest,
      statementOf(
        [app.manifest],
        SLSA1,
        changed(scratch.provenance, (predicate) => put(predicate, COMPLETE, complete)),
      ),
      signerOf("app"),
    );
    assert.equal(told(await world.judge(app.image)), "untrusted provenance-disagrees");
  }
});

test("R17 two bases must both lie under the image", async () => {
  const world = new World();
  const base = world.build("base");
  const twin = world.build("base", { label: "the same layers" });
  const other = world.build("other");
  const app = world.build("app", { base });
  const naming = (built: Built) => (predicate: Json) => {
    put(predicate, `${DEPENDENCIES}.0`, dependencyOf(built));
    put(
      predicate,
      `${LLB}.0.op.Op.source.identifier`,
      `docker-image://ghcr.io/acme/${built.repo}:1.0.0@${built.image.digest}`,
    );
  };
  alsoSigned(world, app, naming(twin));
  assert.equal(told(await world.judge(app.image)), "trusted");
  alsoSigned(world, app, naming(other));
  assert.equal(told(await world.judge(app.image)), "untrusted layers-mismatch");
});

test("R10 a build whose git source isn't recorded is of level 1 at most", async () => {
  const world = new World();
  const base = world.build("base");
  const { image } = world.build("app", { base, local: true });
  const verdict = await world.judge(image, { policy: LETS_LOCAL_IN });
  assert.equal(told(verdict), "trusted");
  assert.equal(verdict.level, 1);
});

test("R10 a build of which not everything was recorded is of level 1 at most", async () => {
  const world = new World();
  const base = world.build("base");
  const edit = (predicate: Json) => put(predicate, COMPLETE, false);
  const { image } = world.build("app", { base, edit });
  assert.equal(told(await world.judge(image)), "untrusted incomplete");
  const verdict = await world.judge(image, { policy: LETS_LOCAL_IN });
  assert.equal(told(verdict), "trusted");
  assert.equal(verdict.level, 1);
});

test("R29 a builder.id that isn't the signer's run or workflow, or that policy doesn't list, is of level 2 at most", async () => {
  const levelWith = async (builderId: string, ids?: string) => {
    const world = new World();
    const { image } = world.build("app", { builderId, signed: "provenance-without-index" });
    return (
      await world.judge(image, { policy: policyOf({ more: ids === undefined ? "" : `      builder-ids: ${ids}` }) })
    ).level;
  };
  const workflow = "https://github.com/acme/builder/.github/workflows/build.yml@refs/tags/v1";
  assert.equal(await levelWith(runOf("app")), 3);
  assert.equal(await levelWith(workflow), 3);
  for (const id of ["", runOf("other"), `${workflow}x`, workflow.replace("build.yml", "other.yml")])
    assert.equal(await levelWith(id), 2, id);
  const listed = '["https://builds.example/hosted@v*"]';
  assert.equal(await levelWith("https://builds.example/hosted@v1", listed), 3);
  for (const id of ["https://builds.example/hosted@v1/x", "https://builds.example/hosted", runOf("app"), ""])
    assert.equal(await levelWith(id, listed), 2, id);
});

test("R10 another repository or commit than the certificate's is a fault", async () => {
  const at = (what: "uri" | "digest.sha1", value: string) => (predicate: Json) => {
    put(predicate, `${DEPENDENCIES}.0.${what}`, value);
    put(predicate, `buildDefinition.externalParameters.configSource.${what}`, value);
  };
  assert.equal(
    await alone({ edit: at("uri", "https://github.com/acme/other.git#refs/tags/v1.0.0") }),
    "untrusted source-mismatch",
  );
  assert.equal(
    await alone({ edit: at("uri", "https://github.com.evil.example/acme/app.git#refs/tags/v1.0.0") }),
    "untrusted source-mismatch",
  );
  assert.equal(await alone({ edit: at("digest.sha1", commitOf("other")) }), "untrusted source-mismatch");
  assert.equal(await alone({ edit: at("uri", "https://github.com/Acme/App.git#refs/heads/main") }), "trusted");
});

test("an image with more layers above its base than its build had steps is opaque", async () => {
  const world = new World();
  const base = world.build("base");
  const honest = world.build("app", { base });
  assert.equal(told(await world.judge(honest.image)), "trusted");
  const hidden = world.build("app", { base, hidden: ["squashed"] });
  assert.equal(told(await world.judge(hidden.image)), "untrusted unexplained-layers");
});

function changed(document: Json, change: (predicate: Json) => void): Json {
  const copy = structuredClone(document);
  change(copy);
  return copy;
}

function dependencyOf(built: Built): Json {
  return {
    uri: `pkg:docker/ghcr.io/acme/${built.repo}@1.0.0?platform=linux%2Famd64`,
    digest: { sha256: hexOf(built.image.digest) },
  };
}

test("layers of the same name are the same, recompressed ones in content only", () => {
  assert.deepEqual(layerOf("a"), layerOf("a"));
  assert.equal(layerOf("a").diffId, layerOf("a", "zstd").diffId);
  assert.notEqual(layerOf("a").digest, digestOf(bytesOf("a")));
});
