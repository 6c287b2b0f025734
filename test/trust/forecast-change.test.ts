import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf } from "../../src/image/digest.ts";
import { changeOf, type ParentState } from "../../src/trust/forecast-change.ts";
import { bytesOf } from "./world.ts";

/** `name:tag@digest`, each but the name left out where it isn't known. */
function parent(text: string, given: Partial<ParentState> = {}): ParentState {
  const [named = "", content] = text.split("@");
  const [name = "", tag] = named.split(":");
  const digest = content === undefined ? undefined : digestOf(bytesOf(content));
  return { name, tag, digest, role: "base", platform: "linux/amd64", outcome: "trusted", ...given };
}

/** Who is where, by tags. */
function told(before: readonly ParentState[], after: readonly ParentState[]) {
  const { gained, lost, moved, same } = changeOf(before, after);
  const name = ({ name, tag = "" }: ParentState) => `${name}:${tag}`;
  const pair = ({ from, to }: { from: ParentState; to: ParentState }) => `${name(from)} ${name(to)}`;
  return { gained: gained.map(name), lost: lost.map(name), moved: moved.map(pair), same: same.map(pair) };
}

const NOTHING = { gained: [], lost: [], moved: [], same: [] };

test("a parent of another name is gained, and the one that it replaces is lost", () => {
  assert.deepEqual(told([parent("a:1@x")], [parent("b:1@x")]), { ...NOTHING, gained: ["b:1"], lost: ["a:1"] });
});

test("a parent of the same name with another digest has moved, and under another tag with the same it is the same", () => {
  assert.deepEqual(told([parent("a:1@x")], [parent("a:1@y")]), { ...NOTHING, moved: ["a:1 a:1"] });
  assert.deepEqual(told([parent("a:1@x")], [parent("a:2@y")]), { ...NOTHING, moved: ["a:1 a:2"] });
  assert.deepEqual(told([parent("a:1@x")], [parent("a:2@x")]), { ...NOTHING, same: ["a:1 a:2"] });
});

test("another role or platform is another parent", () => {
  const change = { ...NOTHING, gained: ["a:1"], lost: ["a:1"] };
  assert.deepEqual(told([parent("a:1@x")], [parent("a:1@x", { role: "input" })]), change);
  assert.deepEqual(told([parent("a:1@x")], [parent("a:1@x", { platform: "linux/arm64" })]), change);
});

test("of several of one name the same are matched first, then those of the same tag", () => {
  const before = [parent("a:1@x"), parent("a:2@y"), parent("a:3@z")];
  const after = [parent("a:2@new"), parent("a:9@x"), parent("a:4@w"), parent("a:5@v")];
  assert.deepEqual(told(before, after), {
    gained: ["a:5"],
    lost: [],
    moved: ["a:2 a:2", "a:3 a:4"],
    same: ["a:1 a:9"],
  });
});

test("without a digest nothing shows that an image is the same", () => {
  assert.deepEqual(told([parent("a:1")], [parent("a:1@x")]), { ...NOTHING, moved: ["a:1 a:1"] });
  assert.deepEqual(told([parent("a:1")], [parent("a:2")]), { ...NOTHING, moved: ["a:1 a:2"] });
  assert.deepEqual(told([parent("a:1")], [parent("a:1")]), { ...NOTHING, same: ["a:1 a:1"] });
});
