import assert from "node:assert/strict";
import { test } from "node:test";
import { type Json, put, told, World } from "./world.ts";

const ARGS = "buildDefinition.externalParameters.request.args";
const EPOCH = "build-arg:SOURCE_DATE_EPOCH";

/** An image of these layers whose provenance names a base of two others, and was asked for these arguments. */
async function judged(layers: readonly string[], args: Record<string, string>, steps?: readonly string[]) {
  const world = new World();
  const base = world.build("base", { layers: ["a", "b"] });
  const edit = (predicate: Json) => put(predicate, ARGS, args);
  const history = (steps ?? layers.map(() => "COPY . / # buildkit")).map((created_by) => ({ created_by }));
  const app = world.build("app", { base: { ...base, layers: [] }, layers, edit, config: { history } });
  return told(await world.judge(app.image));
}

test("R21 timestamps that the build was asked to rewrite explain that the base's layers are others", async () => {
  assert.equal(await judged(["a2", "b2", "own"], { [EPOCH]: "1700000000" }), "untrusted flattened");
  assert.equal(await judged(["a2", "b2", "own"], { [EPOCH]: "0" }), "untrusted flattened");
  assert.equal(await judged(["a2", "b2", "own"], {}), "untrusted layers-mismatch");
  assert.equal(await judged(["a2", "b2", "own"], { "build-arg:OTHER": "1700000000" }), "untrusted layers-mismatch");
});

test("R21 rewriting keeps the base's steps: an image with others was built on something else", async () => {
  const epoch = { [EPOCH]: "1700000000" };
  const other = ["COPY virus /", "COPY . / # buildkit", "COPY . / # buildkit"];
  assert.equal(await judged(["a2", "b2", "own"], epoch, other), "untrusted layers-mismatch");
  assert.equal(await judged(["a2"], epoch), "untrusted layers-mismatch");
});

test("R21 squashing explains fewer layers, and nothing else", async () => {
  assert.equal(await judged(["all"], { squash: "true" }), "untrusted flattened");
  assert.equal(await judged(["all"], { squash: "false" }), "untrusted layers-mismatch");
  assert.equal(await judged(["all"], {}), "untrusted layers-mismatch");
  assert.equal(await judged(["a2", "b2", "own"], { squash: "true" }), "untrusted layers-mismatch");
});
