import assert from "node:assert/strict";
import { test } from "node:test";
import { type Build, checkName, conclusionOf } from "../../src/build/build.ts";
import { nextState } from "../../src/build/start.ts";
import { digestOf } from "../../src/image/digest.ts";
import { BeyondLimit } from "../../src/trust/ports.ts";
import { bytesOf, commitOf } from "../trust/world.ts";
import { couldNotLook, policyText, REPOSITORY, Scene, ZEROS } from "./world.ts";

const [A, B] = [commitOf("A"), commitOf("B")];

/** The builds there are: letter of the commit, and generation. */
function generations(scene: Scene): readonly string[] {
  const letters = new Map([A, B, commitOf("C")].map((commit, i) => [commit, "ABC"[i]]));
  return scene.store.builds.map(({ key }) => `${letters.get(key.commit)}${key.generation}`);
}

/** Moves the tag, and tells of it. */
async function move(scene: Scene, before: string, to: string, name = "v1.0.0"): Promise<void> {
  scene.github.tag(name, to);
  await scene.push(name, before);
}

/** Tells of a push as it was, whatever the tag names by now. */
async function late(scene: Scene, before: string | undefined, after: string | undefined): Promise<void> {
  scene.tell({ kind: "tag-pushed", push: { repository: REPOSITORY, ref: "refs/tags/v1.0.0", before, after } });
  await scene.live();
}

test("R31: a tag that names A, B and A again is built three times", async () => {
  const scene = new Scene();
  await move(scene, ZEROS, "A");
  await move(scene, A, "B");
  await move(scene, B, "A");
  assert.deepEqual(generations(scene), ["A1", "B2", "A3"]);
  assert.equal(scene.github.dispatched.length, 3);
});

test("R31: the same push told three times is built once", async () => {
  const scene = new Scene();
  for (let i = 0; i < 3; i++) await late(scene, ZEROS, A);
  assert.deepEqual(generations(scene), ["A1"]);
  assert.equal(scene.github.checks.length, 1);
});

test("R31: a push that was overtaken builds nothing, and the one that overtook it builds", async () => {
  const scene = new Scene();
  scene.github.tag("v1.0.0", "B");
  await late(scene, ZEROS, A);
  assert.deepEqual(generations(scene), []);
  await late(scene, A, B);
  assert.deepEqual(generations(scene), ["B1"]);
});

test("R31: reordered pushes build what the tag names, once", async () => {
  const scene = new Scene();
  scene.github.tag("v1.0.0", "B");
  await late(scene, A, B);
  await late(scene, ZEROS, A);
  await late(scene, A, B);
  assert.deepEqual(generations(scene), ["B1"]);
});

test("R31: a tag that was found by looking and is told of later is built once", async () => {
  const scene = new Scene();
  await late(scene, undefined, A);
  await late(scene, ZEROS, A);
  assert.deepEqual(generations(scene), ["A1"]);
  assert.equal(scene.store.tagStates.get("99 refs/tags/v1.0.0")?.before, ZEROS);
});

test("R31: a tag that was told of and is found by looking later is built once", async () => {
  const scene = new Scene();
  await late(scene, ZEROS, A);
  await late(scene, undefined, A);
  assert.deepEqual(generations(scene), ["A1"]);
});

test("R31: a tag that is deleted and made again at the same commit is built again", async () => {
  const scene = new Scene();
  await late(scene, ZEROS, A);
  scene.github.tags.clear();
  await late(scene, A, undefined);
  await move(scene, ZEROS, "A");
  assert.deepEqual(generations(scene), ["A1", "A2"]);
});

test("R31: a deletion that is told when the tag is there again builds nothing and forgets nothing", async () => {
  const scene = new Scene();
  await late(scene, ZEROS, A);
  await late(scene, A, undefined);
  assert.deepEqual(generations(scene), ["A1"]);
  assert.equal(scene.store.tagStates.get("99 refs/tags/v1.0.0")?.object, A);
});

test("R31: a push whose tag is gone builds nothing", async () => {
  const scene = new Scene();
  scene.github.tags.clear();
  await late(scene, ZEROS, A);
  assert.deepEqual(generations(scene), []);
});

test("R31: an annotated tag is built at its commit, whichever of the two the push names", async () => {
  for (const after of ["tag object", A]) {
    const scene = new Scene();
    scene.github.tag("v1.0.0", "A", "tag object");
    await late(scene, ZEROS, after);
    await late(scene, ZEROS, after);
    assert.deepEqual(generations(scene), ["A1"]);
  }
});

test("R31: annotated anew at the same commit, a tag is built again", async () => {
  const scene = new Scene();
  scene.github.tag("v1.0.0", "A", "one object");
  await scene.push();
  scene.github.tag("v1.0.0", "A", "other object");
  await scene.push("v1.0.0", "one object");
  assert.deepEqual(generations(scene), ["A1", "A2"]);
  assert.deepEqual(
    scene.github.checks.map(({ writes }) => writes.at(-1)?.conclusion),
    ["success", "success"],
  );
});

test("a tag of tags without end builds nothing, and isn't tried for ever", async () => {
  const scene = new Scene();
  scene.github.tags.set("refs/tags/v1.0.0", new BeyondLimit("more than 5 tags of tags"));
  await late(scene, ZEROS, A);
  assert.deepEqual([generations(scene), scene.deliveries], [[], []]);
});

test("R31: two tags on one commit are two builds, with check runs of one name", async () => {
  const scene = new Scene();
  await scene.push();
  await move(scene, ZEROS, "A", "v1.0");
  assert.deepEqual(
    scene.store.builds.map(({ key }) => key.ref),
    ["refs/tags/v1.0.0", "refs/tags/v1.0"],
  );
  assert.equal(new Set(scene.github.checks.map(({ name }) => name)).size, 1);
  assert.equal(new Set(scene.github.checks.map(({ externalId }) => externalId)).size, 2);
});

test("R31: the workflow is dispatched with the tag's full ref", async () => {
  const scene = new Scene();
  await scene.push();
  assert.deepEqual(scene.github.dispatched, [`${scene.store.builds[0]?.id} refs/tags/v1.0.0`]);
});

test("R31: a tag's check run has a name of its own for each image", async () => {
  const scene = new Scene();
  scene.github.policy(
    "repository",
    policyText({ builds: "  - image: ghcr.io/acme/app\n  - image: ghcr.io/acme/other" }),
  );
  await scene.push();
  assert.deepEqual(scene.github.checks.map(({ name }) => name).sort(), [
    "trusted-builds / tag (ghcr.io/acme/app)",
    "trusted-builds / tag (ghcr.io/acme/other)",
  ]);
  assert.deepEqual(scene.store.builds.map(checkName).sort(), scene.github.checks.map(({ name }) => name).sort());
});

test("R31: under a policy that has changed between, the same push told again is another build", async () => {
  const scene = new Scene();
  await late(scene, ZEROS, A);
  const first = policyText();
  const second = policyText({ trust: "  roots: []" });
  scene.github.policy("repository", second);
  await late(scene, ZEROS, A);
  assert.deepEqual(
    scene.store.builds.map(({ key }) => key.policyDigest),
    [first, second].map((text) => digestOf(bytesOf(text))),
  );
  await late(scene, ZEROS, A);
  assert.deepEqual(generations(scene), ["A1", "A1"]);
});

test("a push is recorded as a whole or not at all", async () => {
  const scene = new Scene();
  const end = scene.time + 1;
  scene.failure = (_, name) =>
    name === "policies.readRepositoryPolicy" && scene.time < end
      ? { when: "before", error: couldNotLook() }
      : undefined;
  scene.tell(scene.pushed());
  await scene.live(scene.time);
  assert.equal(scene.store.tagStates.size + scene.store.rows.size, 0);
  await scene.live();
  assert.deepEqual(generations(scene), ["A1"]);
});

test("a repository without a policy has its tags recorded and nothing built", async () => {
  const scene = new Scene();
  scene.github.repositoryPolicy = undefined;
  scene.github.policy("organisation", "version: 2");
  await scene.push();
  assert.equal(scene.store.rows.size + scene.github.checks.length, 0);
  assert.equal(scene.store.tagStates.get("99 refs/tags/v1.0.0")?.generation, 1);
});

test("only tags that policy's globs name are built, each for the images that want it", async () => {
  const builds = `  - image: ghcr.io/acme/app
    tags: ["v*"]
  - image: ghcr.io/acme/nightly
    tags: ["nightly-*", "v1.*"]`;
  const imagesOf = async (tag: string) => {
    const scene = new Scene();
    scene.github.policy("repository", policyText({ builds }));
    await move(scene, ZEROS, "A", tag);
    return scene.store.builds.map(({ key }) => key.image);
  };
  assert.deepEqual(await imagesOf("v2.0"), ["ghcr.io/acme/app"]);
  assert.deepEqual(await imagesOf("v1.0"), ["ghcr.io/acme/app", "ghcr.io/acme/nightly"]);
  assert.deepEqual(await imagesOf("nightly-7"), ["ghcr.io/acme/nightly"]);
  assert.deepEqual(await imagesOf("docs"), []);
  assert.deepEqual(await imagesOf("xv2.0"), []);
});

test("policy's words are what the workflow is asked for", async () => {
  const scene = new Scene();
  const builds = `  - image: ghcr.io/acme/app
    dockerfile: build/Dockerfile
    context: src
    target: release
    platforms: [linux/amd64, linux/arm64/v8]
    build-args: { VERSION: 3, FLAG: true }
    contexts: { data: "docker-image://ghcr.io/acme/data" }
    secrets: [npm]
    image-tags: ["{version}", "{tag}", latest]
    workflow: images.yml`;
  scene.github.policy("repository", policyText({ builds }));
  await scene.push();
  const [build] = scene.store.builds;
  assert.deepEqual(build?.request, {
    image: "ghcr.io/acme/app",
    tags: ["1.0.0", "v1.0.0", "latest"],
    dockerfile: "build/Dockerfile",
    context: "src",
    target: "release",
    platforms: ["linux/amd64", "linux/arm64"],
    buildArgs: { VERSION: "3", FLAG: "true" },
    contexts: { data: "docker-image://ghcr.io/acme/data" },
    secrets: ["npm"],
    workflow: "images.yml",
  });
  assert.deepEqual(scene.github.runs[0]?.request, build?.request);
  assert.equal(scene.github.runs[0]?.file, "images.yml");
});

test("a git tag that makes no image tag is told, and nothing is started for it", async () => {
  const scene = new Scene();
  const builds = `  - image: ghcr.io/acme/app
  - image: ghcr.io/acme/other
    image-tags: ["{version}"]`;
  scene.github.policy("repository", policyText({ builds }));
  await move(scene, ZEROS, "A", "release/1");
  assert.deepEqual(scene.store.builds.map(outcome), ["tag-unusable failure", "tag-unusable failure"]);
  assert.equal(scene.github.dispatched.length, 0);
  assert.equal(scene.github.checks.length, 2);
});

function outcome({ outcome }: Build): string {
  return outcome === undefined ? "none" : `${outcome.kind} ${conclusionOf(outcome)}`;
}

for (const kind of ["repository", "organisation"] as const) {
  test(`R2: a policy of the ${kind} that can't be read is told with line and column, and nothing is built`, async () => {
    const scene = new Scene();
    scene.github.policy(kind, "version: 1\ntrust:\n  roots: 7\n  surprise: 1\n");
    await scene.push();
    const [build, ...others] = scene.store.builds;
    assert.ok(build?.outcome?.kind === "policy-wrong");
    const home = kind === "repository" ? "acme/app/.github/trusted-builds.yml" : "acme/.github/trusted-builds.yml";
    assert.equal(build.outcome.policy, home);
    assert.deepEqual(
      build.outcome.faults.map(({ line, column, path }) => [line, column, path]),
      [
        [3, 10, "trust.roots"],
        [4, 3, "trust.surprise"],
      ],
    );
    assert.deepEqual([others, scene.github.dispatched], [[], []]);
    assert.equal(scene.github.checks[0]?.name, "trusted-builds / tag");
    assert.equal(scene.github.checks[0]?.writes.at(-1)?.conclusion, "failure");
  });

  test(`R2: a policy of the ${kind} that is too large is told, and isn't asked for for ever`, async () => {
    const scene = new Scene();
    const error = new BeyondLimit("the policy has more than 262144 bytes");
    if (kind === "repository") scene.github.repositoryPolicy = error;
    else scene.github.organisationPolicy = error;
    await scene.push();
    assert.deepEqual(scene.store.builds.map(outcome), ["policy-wrong failure"]);
    assert.deepEqual(scene.deliveries, []);
  });
}

test("R31: a tag's generation counts its moves, and no telling", () => {
  const at = (generation: number, object: string | undefined, before: string | undefined) => ({
    generation,
    object,
    before,
  });
  const cases: readonly (readonly [
    ReturnType<typeof at> | undefined,
    { before: string | undefined; object: string },
    ReturnType<typeof at>,
  ])[] = [
    [undefined, { before: ZEROS, object: "a" }, at(1, "a", ZEROS)],
    [undefined, { before: undefined, object: "a" }, at(1, "a", undefined)],
    [at(1, "a", ZEROS), { before: ZEROS, object: "a" }, at(1, "a", ZEROS)],
    [at(1, "a", ZEROS), { before: undefined, object: "a" }, at(1, "a", ZEROS)],
    [at(1, "a", undefined), { before: "b", object: "a" }, at(1, "a", "b")],
    [at(1, "a", ZEROS), { before: "a", object: "b" }, at(2, "b", "a")],
    [at(1, "a", ZEROS), { before: undefined, object: "b" }, at(2, "b", undefined)],
    [at(2, "a", ZEROS), { before: "b", object: "a" }, at(3, "a", "b")],
    [at(2, undefined, "a"), { before: ZEROS, object: "a" }, at(3, "a", ZEROS)],
    [at(2, undefined, "a"), { before: undefined, object: "a" }, at(3, "a", undefined)],
  ];
  for (const [known, push, next] of cases)
    assert.deepEqual(nextState(known, push), next, JSON.stringify([known, push]));
});
