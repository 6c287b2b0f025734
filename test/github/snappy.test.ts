import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeFramedSnappy, decodeSnappy, isFramedSnappy, SnappyError } from "../../src/github/snappy.ts";
import { BeyondLimit } from "../../src/trust/ports.ts";
import { snappy } from "../world/github/storage.ts";

const LIMIT = 1 << 20;
const hex = (text: string) => Buffer.from(text.replaceAll(" ", ""), "hex");
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString("latin1");
const FRAMED = "ff 06 00 00 73 4e 61 50 70 59";

test("decompresses literals and copies of every width", () => {
  assert.equal(text(decodeSnappy(hex("00"), LIMIT)), "");
  assert.equal(text(decodeSnappy(hex("03 08 616263"), LIMIT)), "abc");
  // The description's own example: a copy of length 10 from 2 back repeats what it writes.
  assert.equal(text(decodeSnappy(hex("0c 04 7861 26 0200"), LIMIT)), "xaxaxaxaxaxa");
  assert.equal(text(decodeSnappy(hex("07 08 616263 01 03"), LIMIT)), "abcabca");
  assert.equal(text(decodeSnappy(hex("06 08 616263 0a 0300"), LIMIT)), "abcabc");
  assert.equal(text(decodeSnappy(hex("06 08 616263 0b 03000000"), LIMIT)), "abcabc");
  // An offset of 0x100, of which the upper bits stand in the tag.
  const long = Buffer.concat([hex("8402 f0 ff"), Buffer.alloc(256, "a").fill("b", 0, 1), hex("21 00")]);
  assert.equal(text(decodeSnappy(long, LIMIT)), `b${"a".repeat(255)}baaa`);
});

test("decompresses literals whose lengths take one to four bytes", () => {
  for (const [size, head] of [
    [60, "3c ec"],
    [61, "3d f0 3c"],
    [300, "ac02 f4 2b01"],
    [70_000, "f0a204 f8 6f1101"],
    [300, "ac02 fc 2b010000"],
  ] as const) {
    const content = Buffer.alloc(size, "z");
    assert.ok(content.equals(decodeSnappy(Buffer.concat([hex(head), content]), LIMIT)), head);
  }
});

test("decompresses what the stand-in for GitHub compresses", () => {
  const bytes = Buffer.from(JSON.stringify({ text: "é".repeat(100_000) }));
  assert.ok(bytes.equals(decodeSnappy(snappy(bytes), LIMIT)));
});

test("decompresses framed chunks, compressed and plain, and skips what may be skipped", () => {
  const framed = hex(
    `${FRAMED} 00 09 00 00 00000000 03 08 616263 fe 02 00 00 0000 80 01 00 00 55 01 06 00 00 00000000 6465`,
  );
  assert.equal(isFramedSnappy(framed), true);
  assert.equal(isFramedSnappy(hex("03 08 616263")), false);
  assert.equal(text(decodeFramedSnappy(framed, LIMIT)), "abcde");
  assert.throws(() => decodeFramedSnappy(hex(`${FRAMED} 02 01 00 00 00`), LIMIT), SnappyError);
  assert.throws(() => decodeFramedSnappy(hex(`${FRAMED} 01 03 00 00 000000`), LIMIT), SnappyError);
  assert.throws(() => decodeFramedSnappy(hex(`${FRAMED} 01 09 00 00 00000000 61`), LIMIT), SnappyError);
  assert.throws(() => decodeFramedSnappy(framed, 4), BeyondLimit);
});

test("what claims to be larger than the limit is refused before anything is allocated", () => {
  assert.throws(() => decodeSnappy(hex("ffffffff0f"), LIMIT), BeyondLimit);
  assert.throws(() => decodeSnappy(hex("04 08 616263"), 3), BeyondLimit);
});

test("bytes that lie about themselves are refused", () => {
  for (const bytes of [
    "", // nothing
    "ffffffffff01", // a length of more than five bytes
    "ffffffff7f", // … or of more than 32 bits
    "04 08 616263", // shorter than told
    "02 08 616263", // longer than told
    "03 08 6162", // cut off
    "08 08 616263 01", // … in a copy
    "07 08 616263 01 04", // a copy from before the beginning
    "07 08 616263 01 00", // … from nowhere
    "06 08 616263 01 03", // … beyond the end
    "05 f4 ff", // … in a length
    "03 08 616263 00 61", // more after the end
  ])
    assert.throws(() => decodeSnappy(hex(bytes), LIMIT), SnappyError, bytes);
});
