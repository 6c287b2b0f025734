import assert from "node:assert/strict";
import { test } from "node:test";
import { createFeedShelf } from "../../src/app/feed-shelf.ts";
import { digestOf } from "../../src/image/digest.ts";

const keyOf = (name: string) => digestOf(Buffer.from(name));

test("the server keeps feeds up to its limit, and forgets those first that nobody has asked for the longest", async () => {
  const shelf = createFeedShelf(30);
  const feed = Buffer.alloc(10);
  for (const name of ["a", "b", "c"]) await shelf.keepFeed(keyOf(name), feed);
  assert.equal(await shelf.readFeed(keyOf("a")), feed);
  await shelf.keepFeed(keyOf("d"), feed);
  const kept = async () => {
    const names = [];
    for (const name of ["a", "b", "c", "d", "e"]) if (await shelf.readFeed(keyOf(name))) names.push(name);
    return names;
  };
  assert.deepEqual(await kept(), ["a", "c", "d"]);
  await shelf.keepFeed(keyOf("d"), Buffer.alloc(5));
  await shelf.keepFeed(keyOf("e"), Buffer.alloc(5));
  assert.deepEqual(await kept(), ["a", "c", "d", "e"]);
  await shelf.keepFeed(keyOf("a"), Buffer.alloc(31));
  assert.deepEqual(await kept(), ["c", "d", "e"]);
});
