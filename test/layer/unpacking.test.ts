import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { digestOf } from "../../src/image/digest.ts";
import { unpacking } from "../../src/layer/unpacking.ts";

const TAR = "application/vnd.oci.image.layer.v1.tar";
const GZIP = `${TAR}+gzip`;
const ZSTD = `${TAR}+zstd`;
const DOCKER = "application/vnd.docker.image.rootfs.diff.tar.gzip";
const LIMIT = 4096;

const ONE = Buffer.from("the first part ".repeat(100));
const TWO = Buffer.from("and the second");
const BOTH = Buffer.concat([ONE, TWO]);
/** A frame that Zstandard's readers leap over; those who store an index of the layer keep it in one. */
const SKIPPED = Buffer.concat([Buffer.from([0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0]), Buffer.from("skip")]);

/** What comes of it, in pieces of every size alike. */
async function unpack(mediaType: string, ...parts: readonly Uint8Array[]) {
  const stored = Buffer.concat(parts);
  const results = await Promise.all(
    [1, 7, 100, Math.max(1, stored.length)].map(async (size) => {
      const into = unpacking(mediaType, "sha256", LIMIT);
      for (let at = 0; at < stored.length; at += size) await into.write(stored.subarray(at, at + size));
      const result = await into.end();
      if (result === "beyond") return result;
      return result.kind === "unpacked" ? `${result.size} ${result.contentDigest}` : result.kind;
    }),
  );
  assert.equal(new Set(results).size, 1, `in pieces it is ${results.join(", ")}`);
  return results[0];
}

const holds = (content: Uint8Array) => `${content.length} ${digestOf(content)}`;

test("R21 content is hashed as it is behind gzip, Zstandard or nothing", async () => {
  assert.equal(await unpack(GZIP, gzipSync(ONE)), holds(ONE));
  assert.equal(await unpack(ZSTD, zstdCompressSync(ONE)), holds(ONE));
  assert.equal(await unpack(TAR, ONE), holds(ONE));
  assert.equal(await unpack(TAR), holds(Buffer.alloc(0)));
  assert.equal(await unpack(DOCKER, gzipSync(ONE)), holds(ONE));
});

test("R21 members and frames one after the other are one content, to the last byte", async () => {
  assert.equal(await unpack(GZIP, gzipSync(ONE), gzipSync(TWO)), holds(BOTH));
  assert.equal(await unpack(ZSTD, zstdCompressSync(ONE), zstdCompressSync(TWO)), holds(BOTH));
  assert.equal(
    await unpack(ZSTD, SKIPPED, zstdCompressSync(ONE), SKIPPED, zstdCompressSync(TWO), SKIPPED),
    holds(BOTH),
  );
});

test("R21 what is cut off, damaged, or followed by something else can't be unpacked", async () => {
  const garbage = Buffer.from("garbage");
  for (const [type, one, two] of [
    [GZIP, gzipSync(ONE), gzipSync(TWO)],
    [ZSTD, zstdCompressSync(ONE), zstdCompressSync(TWO)],
  ] as const) {
    assert.equal(await unpack(type, one.subarray(0, -3)), "broken", "cut off");
    assert.equal(await unpack(type, one, two.subarray(0, -3)), "broken", "the second cut off");
    assert.equal(await unpack(type, one, garbage), "broken", "garbage behind it");
    assert.equal(await unpack(type, one.subarray(0, -3), garbage), "broken", "cut off, and garbage behind it");
    assert.equal(await unpack(type, one, Buffer.alloc(16), two), "broken", "zeros between two");
    assert.equal(await unpack(type, one, Buffer.alloc(16)), "broken", "zeros behind it");
  }
  const damaged = Buffer.from(gzipSync(ONE));
  damaged[damaged.length - 6]! ^= 1;
  assert.equal(await unpack(GZIP, damaged), "broken");
});

test("R21 a media type that says another form than the bytes have leaves open what the layer holds", async () => {
  assert.equal(await unpack(TAR, gzipSync(ONE)), "unknown");
  assert.equal(await unpack(GZIP, zstdCompressSync(ONE)), "unknown");
  assert.equal(await unpack(ZSTD, gzipSync(ONE)), "unknown");
  assert.equal(await unpack(GZIP, ONE), "unknown");
  // Docker's own type without an ending may be any form.
  const any = "application/vnd.docker.image.rootfs.diff.tar";
  assert.equal(await unpack(any, gzipSync(ONE)), holds(ONE));
  assert.equal(await unpack(any, ONE), holds(ONE));
});

test("R21 a form that isn't unpacked here is told, not guessed", async () => {
  assert.equal(await unpack(`${GZIP}+encrypted`, ONE), "unknown");
  assert.equal(await unpack("application/octet-stream", ONE), "unknown");
  assert.equal(await unpack("application/vnd.docker.image.rootfs.diff.tar", Buffer.from("BZh91AY&SY")), "unknown");
});

test("R21 content beyond the limit is not unpacked, however few bytes it is stored in", async () => {
  const exact = Buffer.alloc(LIMIT, "layer ");
  const more = Buffer.alloc(LIMIT + 1, "layer ");
  assert.equal(await unpack(GZIP, gzipSync(exact)), holds(exact));
  assert.equal(await unpack(GZIP, gzipSync(more)), "beyond");
  assert.equal(await unpack(ZSTD, zstdCompressSync(exact)), holds(exact));
  assert.equal(await unpack(ZSTD, zstdCompressSync(more)), "beyond");
  assert.equal(await unpack(TAR, more), "beyond");
  assert.equal(await unpack(GZIP, gzipSync(exact), gzipSync(TWO)), "beyond");
});
