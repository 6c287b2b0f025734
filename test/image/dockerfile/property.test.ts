import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseDigest } from "../../../src/image/digest.ts";
import { pinImages } from "../../../src/image/dockerfile/pin.ts";
import { readDockerfile } from "../../../src/image/dockerfile/read.ts";
import { DockerfileError, type DockerfileReading } from "../../../src/image/dockerfile/reading.ts";
import { parsePlatform } from "../../../src/image/platform.ts";
import { formatReference } from "../../../src/image/reference.ts";
import { DIGEST } from "./reading.ts";

const PLATFORM = parsePlatform("linux/amd64");

/** Pieces of which files are made that mean something, and some that mean nothing. */
const piece = fc.constantFrom(
  ..."FROM ,ARG ,COPY ,RUN ,ADD ,ENV ,ONBUILD ,# syntax=,# escape=`,AS ,--from=,--mount=,--platform=,type=cache,<<EOF,EOF,<<-'E'".split(
    ",",
  ),
  ...[
    "alpine",
    "alpine:3",
    "scratch",
    "a",
    "b",
    "A=",
    "A",
    "$A",
    "\u0024{A:-b}",
    "\u0024{A#*}",
    "\u0024{",
    "}",
    "'",
    '"',
    "\\",
    "`",
    "0",
    "1",
  ],
  ...[
    "\n",
    "\n",
    "\n",
    "\r\n",
    " ",
    "\t",
    "#",
    ",",
    "=",
    "/",
    "[",
    '["x"]',
    "à",
    "\uFEFF",
    "\u0000",
    "https://x/y.git#z",
    "\ud800",
  ],
);
const soup = fc.array(piece, { maxLength: 60 }).map((pieces) => pieces.join(""));

const name = fc.constantFrom("alpine", "debian:12", "ghcr.io/o/i:1", `busybox@${DIGEST}`, "localhost:5000/x");
const stage = fc.constantFrom(
  (image: string, n: number) => [`FROM ${image} AS s${n}`],
  (image: string, n: number) => [`FROM --platform=linux/arm64 "${image}" AS s${n} `, "RUN a \\", "  # c", "", "  b"],
  (image: string) => ["from scratch", `COPY --link --from=${image} a /b`],
  (image: string) => [
    "FROM scratch",
    `RUN --mount=type=bind,from=${image},target=/x \\`,
    " true",
    "RUN <<EOF",
    "FROM x",
    "EOF",
  ],
);
const file = fc
  .tuple(name, fc.array(fc.tuple(name, stage), { minLength: 1, maxLength: 5 }))
  .map(([first, stages]) =>
    [
      "# syntax=docker/dockerfile:1",
      `ARG BASE=${first}`,
      "FROM $BASE",
      ...stages.flatMap(([image, build], n) => build(image, n)),
    ].join("\n"),
  );

const read = (text: string) => readDockerfile(text, { platform: PLATFORM });

/** Without offsets, which carriage returns move. */
const withoutPlaces = ({ images, bases: _, ...rest }: DockerfileReading) => ({
  ...rest,
  images: images.map(({ place: _, ...use }) => use),
});

test("throws nothing but the error of a Dockerfile, and tells lines that are there", () => {
  fc.assert(
    fc.property(soup, (text) => {
      try {
        const { images, unresolved, others, stages } = read(text);
        const lines = text.split("\n").length;
        for (const { line, endLine } of [...images, ...unresolved, ...others, ...stages]) {
          assert.ok(line >= 1 && line <= endLine && endLine <= lines);
        }
        for (const { place } of images)
          assert.ok(place === undefined || /^[^\s"']+$/.test(text.slice(place.start, place.end)));
        // Whatever is built starts from something: an image, a name that can't be made out, or nothing by its own word.
        assert.ok(images.length + unresolved.length > 0 || stages.some(({ isScratch }) => isScratch));
      } catch (error) {
        assert.ok(error instanceof DockerfileError, String(error));
        assert.ok(error.line >= 1 && error.column >= 1);
      }
    }),
    { numRuns: 3000 },
  );
});

test("reads a file with carriage returns as one without", () => {
  fc.assert(
    fc.property(file, (text) => {
      assert.deepEqual(withoutPlaces(read(text.replaceAll("\n", "\r\n"))), withoutPlaces(read(text)));
    }),
    { numRuns: 300 },
  );
});

test("pins every image in place, so that it reads as the same images with the digests", () => {
  const digest = parseDigest(`sha256:${"cd".repeat(32)}`);
  fc.assert(
    fc.property(file, fc.boolean(), (lines, isWindows) => {
      const text = isWindows ? `\uFEFF${lines.replaceAll("\n", "\r\n")}` : lines;
      const before = read(text).images;
      const pins = before.map(({ place }) => ({ place: place ?? assert.fail("no place"), digest }));
      const after = read(pinImages(text, pins)).images;
      assert.deepEqual(
        after.map(({ reference, line }) => [formatReference(reference), line]),
        before.map(({ reference, line, written }) => {
          const { tag, ...bare } = reference;
          const isWritten = written.replace(/@.*/, "").lastIndexOf(":") > written.lastIndexOf("/");
          return [formatReference({ ...(isWritten ? reference : bare), digest }), line];
        }),
      );
    }),
    { numRuns: 300 },
  );
});
