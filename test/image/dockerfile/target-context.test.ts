import assert from "node:assert/strict";
import { test } from "node:test";
import { mayLeaveTriggers, putBuiltContexts } from "../../../src/image/dockerfile/target-context.ts";
import { read } from "./reading.ts";

const contexts = { other: "target:base" };
const app = (...lines: string[]) => read(lines, { contexts });
const put = (reading: ReturnType<typeof app>, base: ReturnType<typeof app>, hasTriggers = false) =>
  putBuiltContexts(reading, new Map([["base", { reading: base, hasTriggers }]]));
const told = ({ images }: ReturnType<typeof app>) =>
  images.map(
    ({ line, role, reference, by, isReached }) =>
      `${line} ${role} ${reference.repository} ${by}${isReached ? "" : " unreached"}`,
  );

const base = read([
  "FROM tool AS tool",
  "FROM deep AS under",
  "FROM unused AS unused",
  "FROM under",
  "COPY --from=tool / /",
  "RUN x",
]);

test("what lies under another build lies under this one, and the rest of it is an input", () => {
  const { images, unresolved, others, ...made } = put(app("# a", "FROM other"), base);
  assert.deepEqual(told({ ...made, images, unresolved, others }), [
    "2 input library/tool context",
    "2 base library/deep context",
  ]);
  assert.deepEqual(unresolved, []);
  assert.deepEqual(
    others.map(({ kind, line }) => [kind, line]),
    [["network", 2]],
  );
  assert.ok(images.every(({ place, written }) => place === undefined && written === "target:base"));
});

test("of another build from which only files are taken every image is an input", () => {
  assert.deepEqual(told(put(app("FROM alpine", "COPY --from=other / /"), base)), [
    "1 base library/alpine FROM",
    "2 input library/tool context",
    "2 input library/deep context",
  ]);
});

test("another build that nothing needs is not reached, nor what goes into it", () => {
  assert.deepEqual(told(put(app("FROM other AS a", "FROM alpine"), base)), [
    "1 input library/tool context unreached",
    "1 base library/deep context unreached",
    "2 base library/alpine FROM",
  ]);
});

test("another build from scratch is a proof that nothing lies under this one", () => {
  const made = put(app("FROM other"), read(["FROM scratch", "COPY a /a"]));
  assert.deepEqual([made.images, made.unresolved, made.stages.map(({ isScratch }) => isScratch)], [[], [], [true]]);
});

test("what another build can't make out stays so, at the line that brings it in", () => {
  const { unresolved } = put(app("# a", "FROM other"), read(["FROM $NOPE"]));
  assert.deepEqual(
    unresolved.map(({ line, role, written }) => [line, role, written]),
    [[2, "base", "$NOPE"]],
  );
});

test("another build stays unresolved where it isn't known, or may add instructions", () => {
  const reading = app("FROM other");
  assert.deepEqual(putBuiltContexts(reading, new Map()), reading);
  const { images, unresolved } = put(reading, base, true);
  assert.deepEqual([images, unresolved.length], [[], 1]);
});

test("any ONBUILD may leave instructions, however it is written, and so may a file that can't be read", () => {
  const may = (...lines: string[]) => mayLeaveTriggers(Buffer.from(lines.join("\n")));
  assert.ok(may("FROM a", "onbuild RUN x"));
  assert.ok(may("FROM a", "ON\\", "# b", "BUILD RUN x"));
  assert.ok(may("FROM a", "FOO"));
  assert.ok(!may("FROM a", "RUN x ONBUILD", "COPY <<E /x", "ONBUILD", "E"));
});
