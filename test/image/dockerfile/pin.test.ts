import assert from "node:assert/strict";
import { test } from "node:test";
import { parseDigest } from "../../../src/image/digest.ts";
import { pinImages } from "../../../src/image/dockerfile/pin.ts";
import { DIGEST, read } from "./reading.ts";

const other = parseDigest(`sha256:${"01".repeat(32)}`);

const pinAll = (text: string) =>
  pinImages(
    text,
    read(text).images.flatMap(({ place }) => (place === undefined ? [] : [{ place, digest: DIGEST }])),
  );

test("puts digests behind references and changes no other byte", () => {
  const text = `\uFEFF# syntax=docker/dockerfile:1\r\n# c\r\nARG B='alpine:3'\r\nFROM  "debian" as x # no\r\n`.replace(
    " # no",
    "",
  );
  assert.equal(
    pinAll(`${text}FROM $B\tAS y\r\nCOPY --from=a:1@${other}\ta /b\r\n`),
    `\uFEFF# syntax=docker/dockerfile:1@${DIGEST}\r\n# c\r\nARG B='alpine:3@${DIGEST}'\r\nFROM  "debian@${DIGEST}" as x\r\n` +
      `FROM $B\tAS y\r\nCOPY --from=a:1@${DIGEST}\ta /b\r\n`,
  );
});

test("takes one pin of two uses in one place, and refuses two that differ or lie elsewhere", () => {
  const text = "ARG B=alpine\nFROM $B\nFROM $B";
  assert.equal(pinAll(text), `ARG B=alpine@${DIGEST}\nFROM $B\nFROM $B`);
  const place = { start: 6, end: 12 };
  const pins = [{ place, digest: DIGEST }];
  assert.throws(() => pinImages(text, [...pins, { place, digest: other }]), RangeError);
  assert.throws(() => pinImages(text, [...pins, { place: { start: 8, end: 14 }, digest: DIGEST }]), RangeError);
  assert.throws(() => pinImages("FROM a", [{ place: { start: 5, end: 9 }, digest: DIGEST }]), RangeError);
});
