import assert from "node:assert/strict";
import { test } from "node:test";
import { type JudgedPin, namedPins, pinnedFiles, suggestionsOf } from "../../src/change/pull-pins-text.ts";
import { type Digest, digestOf } from "../../src/image/digest.ts";
import { BeyondLimit } from "../../src/trust/ports.ts";
import { couldNotLook, REPOSITORY } from "../build/world.ts";

const DIGEST = digestOf(Buffer.from("one"));
const OTHER = digestOf(Buffer.from("another"));

const pin = (text: string, written: string, digest: Digest = DIGEST, from = 0): JudgedPin => {
  const start = text.indexOf(written, from);
  return { path: "Dockerfile", place: { start, end: start + written.length }, written, digest };
};

async function pinned(content: string | Uint8Array | Error, pins: readonly JudgedPin[]) {
  const readFile = async () => {
    if (content instanceof Error) throw content;
    return typeof content === "string" ? new TextEncoder().encode(content) : content;
  };
  return pinnedFiles({ readFile }, REPOSITORY, "a".repeat(40), pins);
}

test("only the references differ: byte order mark, line ends, tabs, comments, quotes and stage names stay", async () => {
  const text =
    "\uFEFF# syntax=docker/dockerfile:1\r\n# alpine:3.19\r\nARG B='alpine:3.19'\nFROM\t$B AS alpine\nFROM  --platform=linux/arm64 alpine:3.19\t as b";
  const pins = [
    pin(text, "docker/dockerfile:1"),
    pin(text, "alpine:3.19", DIGEST, text.indexOf("'")),
    pin(text, "alpine:3.19", DIGEST, text.indexOf("arm64")),
  ];
  const [file] = await pinned(text, pins);
  assert.equal(
    file?.text,
    `\uFEFF# syntax=docker/dockerfile:1@${DIGEST}\r\n# alpine:3.19\r\nARG B='alpine:3.19@${DIGEST}'\nFROM\t$B AS alpine\nFROM  --platform=linux/arm64 alpine:3.19@${DIGEST}\t as b`,
  );
  assert.deepEqual(
    suggestionsOf(file).map(({ line, lines }) => [line, lines]),
    [
      [1, `\uFEFF# syntax=docker/dockerfile:1@${DIGEST}`],
      [3, `ARG B='alpine:3.19@${DIGEST}'`],
      [5, `FROM  --platform=linux/arm64 alpine:3.19@${DIGEST}\t as b`],
    ],
  );
});

test("several uses on one line are one suggestion, and one place that is named twice is pinned once", async () => {
  const text = "COPY --from=a:1 x y\nRUN --mount=type=bind,from=b:1,target=/b --mount=type=bind,from=c:1,target=/c x\n";
  const pins = [pin(text, "b:1"), pin(text, "c:1", OTHER), pin(text, "b:1")];
  const [file] = await pinned(text, pins);
  assert.ok(file);
  assert.equal(file.pins.length, 2);
  assert.deepEqual(
    suggestionsOf(file).map(({ line, lines }) => [line, lines]),
    [[2, `RUN --mount=type=bind,from=b:1@${DIGEST},target=/b --mount=type=bind,from=c:1@${OTHER},target=/c x`]],
  );
});

test("pins that contradict each other, lie across each other, or don't stand there, are left out; the others stay", async () => {
  const text = "FROM alpine:3.19 AS a\nFROM debian:12\n";
  const debian = pin(text, "debian:12");
  for (const pins of [
    [pin(text, "alpine:3.19"), pin(text, "alpine:3.19", OTHER)],
    [pin(text, "alpine:3.19"), pin(text, "alpine")],
    [{ ...pin(text, "alpine:3.19"), written: "alpine:3.18" }],
    [{ ...pin(text, "alpine:3.19"), place: { start: 900, end: 911 } }],
  ])
    assert.deepEqual(
      (await pinned(text, [...pins, debian])).map((file) => file.text),
      [`FROM alpine:3.19 AS a\nFROM debian:12@${DIGEST}\n`],
    );
});

test("what isn't a plain name is never pinned, nor said in our words", async () => {
  for (const written of ["a`b", "@everyone", "a b", "$A", `a@${OTHER}`, "<!--", "a\nb", "[x](y)"]) {
    const text = `FROM ${written} \n`;
    assert.deepEqual(await pinned(text, [pin(text, written)]), [], written);
  }
});

test("bytes that aren't text, and a file that can't be read as one, are left; that GitHub doesn't answer isn't", async () => {
  const text = "FROM alpine:3.19\n# \n";
  const pins = [pin(text, "alpine:3.19")];
  assert.deepEqual(await pinned(Buffer.concat([Buffer.from(text), Buffer.from([0xff])]), pins), []);
  assert.deepEqual(await pinned(new BeyondLimit("behind a link"), pins), []);
  await assert.rejects(pinned(couldNotLook(), pins), { name: "CouldNotLook" });
});

test("what a commit says is bounded, and says each image once", async () => {
  const text = Array.from({ length: 120 }, (_, i) => `FROM a:${i % 60} \n`).join("");
  const pins = [...text.matchAll(/a:\d+/g)].map(({ 0: written, index }) => pin(text, written, DIGEST, index));
  const lines = namedPins(await pinned(text, pins), "`").split("\n");
  assert.equal(lines.length, 51);
  assert.equal(lines[0], `- \`a:0\` → \`${DIGEST}\``);
  assert.equal(lines[50], "- and 10 more");
});
