import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { openArchive } from "../../src/archive/archive-file.ts";
import { openDirectory } from "../../src/archive/directory.ts";
import { ArchiveError } from "../../src/archive/error.ts";
import { BeyondLimit, CouldNotLook } from "../../src/trust/ports.ts";
import { paxRecord, type TarPart, tarOfParts, tarPart, writeFiles } from "./on-disk.ts";

const directory = mkdtempSync(join(tmpdir(), "archive-"));
after(() => rmSync(directory, { recursive: true, force: true }));
let count = 0;
const file = (bytes: Uint8Array) => {
  const path = join(directory, `${++count}.tar`);
  writeFileSync(path, bytes);
  return path;
};
const LIMIT = 1024 * 1024;

async function contents(path: string, names: readonly string[]): Promise<(string | undefined)[]> {
  const files = await openArchive(path, "archive");
  try {
    const read = await Promise.all(names.map((name) => files.read(name, LIMIT)));
    return read.map((bytes) => bytes && Buffer.from(bytes).toString());
  } finally {
    await files.close();
  }
}

const long = `blobs/${"d".repeat(90)}/${"e".repeat(120)}/füße.json`;

for (const format of ["ustar", "pax", "gnu", "oldgnu", "v7"]) {
  test(`reads what tar writes in the format ${format}, plain and compressed`, async () => {
    const isShort = format === "ustar" || format === "v7";
    const name = isShort ? `${"a".repeat(40)}/${"b".repeat(40)}` : long;
    const root = writeFiles(
      join(directory, format),
      new Map([
        ["index.json", Buffer.from("{}")],
        [name, Buffer.from("x".repeat(700))],
        ["empty", Buffer.alloc(0)],
      ]),
    );
    const tar = execFileSync("tar", ["-C", root, `--format=${format}`, "-cf", "-", "."]);
    for (const bytes of [tar, gzipSync(tar), zstdCompressSync(tar)]) {
      assert.deepEqual(await contents(file(bytes), ["index.json", name, "empty", "absent", ".", "blobs"]), [
        "{}",
        "x".repeat(700),
        "",
        undefined,
        undefined,
        undefined,
      ]);
    }
  });
}

test("reads a file beyond what is kept of a compressed archive, by decompressing it again", async () => {
  const large = Buffer.alloc(5 * 1024 * 1024, "large");
  const parts = [
    { name: "first", content: Buffer.from("1") },
    { name: "large", content: large },
    { name: "last", content: Buffer.from("2") },
  ];
  for (const compress of [gzipSync, zstdCompressSync]) {
    const files = await openArchive(file(compress(tarOfParts(parts))), "archive");
    assert.ok(large.equals((await files.read("large", large.length)) ?? Buffer.alloc(0)));
    assert.equal(Buffer.from((await files.read("last", 1)) ?? []).toString(), "2");
    await assert.rejects(files.read("large", large.length - 1), BeyondLimit);
    await files.close();
  }
});

test("pours a file of the size that was asked for, piece by piece, and no other", async () => {
  const large = Buffer.alloc(1024 * 1024, "large ");
  const tar = tarOfParts([
    { name: "first", content: Buffer.from("1") },
    { name: "large", content: large },
  ]);
  const path = file(tar);
  const folder = writeFiles(join(directory, "poured"), new Map([["large", large]]));
  for (const files of [
    await openArchive(path, "archive"),
    await openArchive(file(gzipSync(tar)), "archive"),
    await openDirectory(folder, "folder"),
  ]) {
    const pieces: Uint8Array[] = [];
    const take = async (piece: Uint8Array) => void pieces.push(Uint8Array.from(piece));
    assert.equal(await files.pour("large", large.length, take), "poured");
    assert.ok(pieces.length > 1 && large.equals(Buffer.concat(pieces)));
    assert.equal(await files.pour("large", large.length + 1, take), "another-size");
    assert.equal(await files.pour("large", large.length - 1, take), "another-size");
    assert.equal(await files.pour("nothing", 1, take), "absent");
    await files.close();
  }
});

test("decompresses an archive again for large files only so often", async () => {
  const content = Buffer.alloc(5 * 1024 * 1024, "large ");
  const tar = tarOfParts([{ name: "large", content }]);
  const files = await openArchive(file(gzipSync(tar)), "archive", 2 * tar.length);
  const pour = () => files.pour("large", content.length, async () => {});
  assert.deepEqual([await pour(), await pour()], ["poured", "poured"]);
  await assert.rejects(pour(), BeyondLimit);
  await files.close();
});

test("stops decompressing where an archive holds more than is read, however small it is", async () => {
  const tar = tarOfParts([{ name: "bomb", content: Buffer.alloc(20 * 1024 * 1024) }]);
  for (const compress of [gzipSync, zstdCompressSync]) {
    const path = file(compress(tar));
    await assert.rejects(openArchive(path, "archive", 10 * 1024 * 1024), BeyondLimit);
    await (await openArchive(path, "archive", tar.length)).close();
  }
});

const sparse = (type: string): TarPart => ({ name: "f", content: Buffer.from("x"), type });
const pax = (type: string, ...records: readonly [string, string][]): TarPart => ({
  name: "pax",
  type,
  content: Buffer.concat(records.map(([key, value]) => paxRecord(key, value))),
});
const plain = (name: string, content = "x"): TarPart => ({ name, content: Buffer.from(content) });

const hostile: Readonly<Record<string, readonly TarPart[]>> = {
  "an absolute path": [plain("/index.json")],
  "a path that leads out": [plain("blobs/../../index.json")],
  "a path that leads out, in an extended header": [pax("x", ["path", "../index.json"]), plain("index.json")],
  "a path that leads out, as GNU writes long ones": [
    { name: "l", type: "L", content: Buffer.from("../x\0") },
    plain("x"),
  ],
  "a backslash in a path": [plain("..\\index.json")],
  "the same file twice": [plain("index.json", "1"), plain("index.json", "2")],
  "the same file twice, spelled differently": [plain("index.json", "1"), plain("./index.json", "2")],
  "a file and a link of one name": [plain("index.json"), { name: "index.json", type: "2" }],
  "a file below a link": [{ name: "blobs", type: "2" }, plain("blobs/x")],
  "a file below what is a link only later": [plain("blobs/x"), { name: "blobs", type: "1" }],
  "a file below a file": [plain("blobs"), plain("blobs/x")],
  "a sparse file of GNU": [sparse("S")],
  "a sparse file of pax": [pax("x", ["GNU.sparse.major", "1"]), plain("f")],
  "a file over several volumes": [sparse("M")],
  "a kind of its own": [sparse("V")],
  "a link with content": [{ name: "l", type: "2", content: Buffer.from("x") }],
  "a folder with content": [{ name: "d/", type: "5", content: Buffer.from("x") }],
  "a size that isn't that of its extended header": [
    pax("x", ["size", "0"]),
    // Who goes by the extended header takes the content for the next entry.
    { name: "f", content: tarPart(plain("index.json")) },
  ],
  "a size that is no number": [{ name: "f", size: "00000000009\0" }],
  "a size below nothing": [{ name: "f", size: `\u00ff${"\u00ff".repeat(11)}` }],
  "a size that is larger than the archive": [{ name: "f", size: 100_000 }],
  "an extended header that says two names": [pax("x", ["path", "a"], ["path", "b"]), plain("f")],
  "two extended headers for one file": [pax("x", ["path", "a"]), pax("x", ["path", "b"]), plain("f")],
  "two long names for one file": [
    { name: "l", type: "L", content: Buffer.from("a") },
    pax("x", ["path", "b"]),
    plain("f"),
  ],
  "a global header that names every file": [pax("g", ["path", "index.json"]), plain("f")],
  "a global header that measures every file": [pax("g", ["size", "1"]), plain("f")],
  "an extended header of nothing": [plain("f"), pax("x", ["path", "index.json"])],
  "a record of a wrong length": [{ name: "pax", type: "x", content: Buffer.from("9 path=abc\n") }, plain("f")],
  "a name that is not UTF-8": [{ name: "l", type: "L", content: Buffer.from([0xff, 0xfe]) }, plain("f")],
};
for (const [what, parts] of Object.entries(hostile)) {
  test(`refuses an archive with ${what}: programs would unpack it differently`, async () => {
    for (const bytes of [tarOfParts(parts), gzipSync(tarOfParts(parts))]) {
      await assert.rejects(openArchive(file(bytes), "archive"), (error) => {
        assert.ok(error instanceof ArchiveError, String(error));
        return error.code === "malformed-archive";
      });
    }
  });
}

test("refuses an archive that goes on behind half of an end mark, or ends in a header, or is none", async () => {
  const one = tarPart(plain("a"));
  const broken = Buffer.from(one);
  broken[0] = 0x62;
  for (const bytes of [
    Buffer.concat([one, Buffer.alloc(512), one]),
    Buffer.concat([one, one.subarray(0, 100)]),
    broken,
    Buffer.from("PK\u0003\u0004 a zip archive"),
    gzipSync(tarOfParts([plain("a")])).subarray(0, 40),
  ]) {
    await assert.rejects(openArchive(file(bytes), "archive"), { code: "malformed-archive" });
  }
});

test("reads nothing behind the end mark, and an archive without one", async () => {
  const hidden = Buffer.concat([tarOfParts([plain("a", "1")]), tarPart(plain("b", "2"))]);
  assert.deepEqual(await contents(file(hidden), ["a", "b"]), ["1", undefined]);
  assert.deepEqual(await contents(file(tarPart(plain("a", "1"))), ["a"]), ["1"]);
});

test("takes links and devices for no files", async () => {
  const parts = ["1", "2", "3", "4", "6"].map((type) => ({ name: `f${type}`, type }));
  assert.deepEqual(await contents(file(tarOfParts([...parts, plain("a")])), [...parts.map(({ name }) => name), "a"]), [
    ...parts.map(() => undefined),
    "x",
  ]);
});

test("reads a size in GNU's binary form, and no more than a header can hold", async () => {
  const binary = Buffer.alloc(12);
  binary[0] = 0x80;
  binary[11] = 3;
  assert.deepEqual(
    await contents(file(tarOfParts([{ ...plain("f", "abc"), size: binary.toString("latin1") }])), ["f"]),
    ["abc"],
  );
});

test("refuses more entries, longer names and larger extended headers than images have", async () => {
  const many = Buffer.concat(Array.from({ length: 65_537 }, (_, i) => tarPart({ name: `f${i}` })));
  await assert.rejects(openArchive(file(gzipSync(many, { level: 1 })), "archive"), BeyondLimit);
  const header = { name: "pax", type: "x", content: Buffer.alloc(64 * 1024 + 1) };
  await assert.rejects(openArchive(file(tarOfParts([header, plain("f")])), "archive"), BeyondLimit);
  const name = { name: "l", type: "L", content: Buffer.from("n".repeat(1025)) };
  await assert.rejects(openArchive(file(tarOfParts([name, plain("f")])), "archive"), { code: "malformed-archive" });
});

test("a file that is cut off after it was listed could not be looked at", async () => {
  const path = file(tarOfParts([plain("a"), plain("b", "y".repeat(4000))]));
  const files = await openArchive(path, "archive");
  writeFileSync(path, tarPart(plain("a")));
  await assert.rejects(
    files.read("b", LIMIT),
    (error) => error instanceof CouldNotLook && error.code === "unreadable-file",
  );
  await files.close();
});

test("what is no file is unreadable, and a named pipe doesn't keep us waiting", async () => {
  const pipe = join(directory, "pipe");
  execFileSync("mkfifo", [pipe]);
  for (const path of [directory, join(directory, "absent"), pipe]) {
    await assert.rejects(openArchive(path, "archive"), { code: "unreadable" });
  }
});
