import assert from "node:assert/strict";
import { test } from "node:test";
import { MAX_EVIDENCE_BYTES, parseEvidence, writeEvidence } from "../../src/archive/evidence-file.ts";
import { writeTar } from "../../src/archive/tar-writing.ts";
import { type Digest, digestOf, hexOf } from "../../src/image/digest.ts";
import { BeyondLimit } from "../../src/trust/ports.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);
const blobsOf = (...texts: readonly string[]): Map<Digest, Uint8Array> =>
  new Map(texts.map((text) => [digestOf(bytesOf(text)), bytesOf(text)]));
const document = bytesOf('{"version":1}');
const malformed = { name: "ArchiveError", code: "malformed-archive" };

/** A file that lists its own checksums, whatever is in it. */
function fileOf(files: readonly (readonly [path: string, content: string])[]): Uint8Array {
  const sums = files.map(([path, content]) => `${hexOf(digestOf(bytesOf(content)))}  ${path}\n`).join("");
  const all = [["SHA256SUMS", sums] as const, ...files];
  return writeTar(all.map(([path, content]) => ({ path, content: bytesOf(content) })));
}

test("reads what was written, under the same digest", async () => {
  const { digest, bytes } = writeEvidence(document, blobsOf("one", "another"));
  const read = await parseEvidence(bytes, "file");
  assert.equal(read.digest, digest);
  assert.deepEqual(Buffer.from(read.document), Buffer.from(document));
  assert.deepEqual([...read.blobs.keys()].sort(), [...blobsOf("one", "another").keys()].sort());
});

test("writes the same bytes for the same content, in whatever order it came", () => {
  const one = writeEvidence(document, blobsOf("one", "another"));
  const other = writeEvidence(document, blobsOf("another", "one"));
  assert.deepEqual(other, one);
});

test("R34 notices a changed byte, wherever in the file it is", async () => {
  const { bytes } = writeEvidence(document, blobsOf("one", "another"));
  for (let at = 0; at < bytes.length; at++) {
    for (const flip of [0x01, 0x20, 0x80]) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ flip;
      await assert.rejects(parseEvidence(changed, "file"), `byte ${at} ^ ${flip}`);
    }
  }
});

test("R34 notices what was cut off or put behind", async () => {
  const { bytes } = writeEvidence(document, blobsOf("one"));
  for (const end of [0, 511, 512, 1024, bytes.length - 1024, bytes.length - 512, bytes.length - 1])
    await assert.rejects(parseEvidence(bytes.subarray(0, end), "file"), malformed, `${end}`);
  for (const more of ["\0", "\0".repeat(512), "x".repeat(512)])
    await assert.rejects(parseEvidence(Buffer.concat([bytes, Buffer.from(more)]), "file"), malformed);
});

test("R34 a file that was made anew with its checksums is another file", async () => {
  const { digest } = writeEvidence(document, blobsOf("one"));
  for (const other of [
    writeEvidence(bytesOf('{"version":2}'), blobsOf("one")),
    writeEvidence(document, blobsOf("two")),
  ]) {
    assert.notEqual(other.digest, digest);
    assert.equal((await parseEvidence(other.bytes, "file")).digest, other.digest);
  }
});

test("R23 refuses a blob that isn't what its name says, though the checksums fit", async () => {
  const named = `blobs/sha256/${hexOf(digestOf(bytesOf("one")))}`;
  const honest = fileOf([
    ["evidence.json", "{}"],
    [named, "one"],
  ]);
  assert.equal((await parseEvidence(honest, "file")).blobs.size, 1);
  await assert.rejects(
    parseEvidence(
      fileOf([
        ["evidence.json", "{}"],
        [named, "two"],
      ]),
      "file",
    ),
    malformed,
  );
});

test("R23 refuses what no file of evidence has", async () => {
  const name = `blobs/sha256/${hexOf(digestOf(bytesOf("one")))}`;
  const cases: Readonly<Record<string, Uint8Array>> = {
    "another name": fileOf([
      ["evidence.json", "{}"],
      ["other.json", "one"],
    ]),
    "a blob that isn't named by a digest": fileOf([
      ["evidence.json", "{}"],
      ["blobs/sha256/one", "one"],
    ]),
    "no document": fileOf([[name, "one"]]),
    "no checksums": writeTar([{ path: "evidence.json", content: document }]),
    "two documents": fileOf([
      ["evidence.json", "{}"],
      ["evidence.json", "{}"],
    ]),
    "an order of its own": fileOf([
      [name, "one"],
      ["evidence.json", "{}"],
    ]),
    "no archive": bytesOf("evidence"),
  };
  for (const [what, bytes] of Object.entries(cases))
    await assert.rejects(parseEvidence(bytes, "file"), malformed, what);
});

test("R34 writes nothing that is too large to be read", () => {
  const large = new Uint8Array(MAX_EVIDENCE_BYTES);
  assert.throws(() => writeEvidence(document, new Map([[digestOf(large), large]])), BeyondLimit);
});
