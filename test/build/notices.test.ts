import assert from "node:assert/strict";
import { test } from "node:test";
import { policyText, Scene } from "./world.ts";

const BUILDER = "https://github.com/acme/builder/.github/workflows/build.yml@refs/tags/v1";
const NOW = "b".repeat(40);
const BEFORE = "c".repeat(40);

/** What is noticed of an image that is trusted, in a place where these things were seen before. */
async function noticed(
  prepare: (scene: Scene) => void,
  policy = policyText(),
): Promise<readonly (readonly [string, string])[]> {
  const scene = new Scene();
  scene.github.policy("repository", policy);
  prepare(scene);
  await scene.push();
  const [build] = scene.store.builds;
  assert.equal(scene.github.checks[0]?.writes.at(-1)?.conclusion, "success");
  assert.ok(build?.outcome?.kind === "verdict");
  return (build.outcome.notices ?? []).map(({ code, message }) => [code, message]);
}

/** The builder whose digest the scene's certificates carry. */
async function builderOf(): Promise<string> {
  const scene = new Scene();
  await scene.push();
  assert.deepEqual([...scene.store.builders.values()], [NOW]);
  return [...scene.store.builders.keys()][0] ?? BUILDER;
}

test("R7 a builder that is another than the first that was seen under its ref is told, and decides nothing", async () => {
  const builder = await builderOf();
  const told = await noticed(({ store }) => store.builders.set(builder, BEFORE));
  assert.deepEqual(
    told.map(([code]) => code),
    ["builder-changed"],
  );
  assert.ok(told[0]?.[1].includes(BEFORE) && told[0][1].includes(NOW));
  assert.deepEqual(await noticed(({ store }) => store.builders.set(builder, NOW)), []);
});

test("R7 a builder that policy pins is what policy says, and is compared with nothing else", async () => {
  const builder = await builderOf();
  const pinned = policyText().replace("owner-id: 1234,", `owner-id: 1234, workflow-digest: ${NOW},`);
  assert.deepEqual(await noticed(({ store }) => store.builders.set(builder, BEFORE), pinned), []);
});

test("R3 other repositories that build under the image's name are told, and none wins", async () => {
  const told = await noticed(({ store }) => {
    store.rivals = ["mallory/app"];
  });
  assert.deepEqual(
    told.map(([code]) => code),
    ["rival-claims"],
  );
  assert.match(told[0]?.[1] ?? "", /mallory\/app.*carries this repository's id/);
});
