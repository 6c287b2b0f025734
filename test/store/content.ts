import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf } from "../../src/image/digest.ts";
import { type Dialect, newPlace } from "./places.ts";

export function testContent(dialect: Dialect): void {
  test("content is found by every process, and the least recently used goes where there is too much", async (t) => {
    const place = await newPlace(t, dialect);
    if (!place) return;
    const store = await place.open({ contentBytes: 1000 });
    const contents = Array.from({ length: 10 }, (_, i) => Buffer.from(`content ${i}`.padEnd(100, ".")));
    const keyOf = (bytes: Uint8Array) => ({
      repository: "r.example/app",
      kind: "blob" as const,
      digest: digestOf(bytes),
    });
    for (const bytes of contents) await store.keepContent(keyOf(bytes), bytes);
    const [first] = contents;
    assert.ok(first);
    assert.deepEqual(Buffer.from((await store.readContent(keyOf(first), 100)) ?? []), first);
    assert.equal(await store.readContent(keyOf(first), 99), undefined);
    assert.equal(await store.readContent({ ...keyOf(first), repository: "r.example/other" }, 100), undefined);
    const changed = Buffer.from("again");
    await store.keepContent(keyOf(first), changed);
    assert.deepEqual(Buffer.from((await store.readContent(keyOf(first), 100)) ?? []), changed);
    await store.sweep(new Date());
    const left = async () =>
      (await Promise.all(contents.map((bytes) => store.readContent(keyOf(bytes), 100)))).filter((bytes) => bytes)
        .length;
    assert.equal(await left(), 10);
    for (const text of ["late", "later"]) {
      const bytes = Buffer.from(text.padEnd(100, "."));
      await store.keepContent(keyOf(bytes), bytes);
    }
    await store.sweep(new Date());
    assert.ok((await left()) < 8);
    const late = Buffer.from("later".padEnd(100, "."));
    assert.deepEqual(Buffer.from((await store.readContent(keyOf(late), 100)) ?? []), late);
    const large = Buffer.alloc(1001);
    await store.keepContent(keyOf(large), large);
    assert.equal(await store.readContent(keyOf(large), 2000), undefined);
  });
}
