import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { feedShelf } from "../../src/cli/feed-shelf.ts";
import { digestOf } from "../../src/image/digest.ts";

function stream() {
  let written = "";
  const write = (text: string) => {
    written += text;
    return true;
  };
  return { stderr: { write } as NodeJS.WriteStream, told: () => written };
}

test("feeds are kept in the user's cache, and what others could have written there isn't read", async (t) => {
  const home = mkdtempSync(join(tmpdir(), "shelf-"));
  t.after(() => rmSync(home, { recursive: true }));
  const { stderr, told } = stream();
  const shelf = feedShelf({ env: {}, homeDirectory: home, stdout: stderr, stderr, now: () => new Date() });
  const [key, feed] = [digestOf(Buffer.from("key")), Buffer.from("a feed")];
  assert.equal(await shelf.readFeed(key), undefined);
  await shelf.keepFeed(key, feed);
  await shelf.keepFeed(key, feed);
  assert.deepEqual(await shelf.readFeed(key), feed);
  assert.equal(told(), "");

  const directory = join(home, ".cache/trusted-builds/feeds");
  assert.equal(statSync(directory).mode & 0o777, 0o700);
  chmodSync(directory, 0o777);
  assert.equal(await shelf.readFeed(key), undefined);
  await shelf.keepFeed(key, feed);
  assert.match(told(), /^trusted-builds: warning: keep the roots feed in .*\n$/);
});

test("a cache that can't be written is told of, and the feed holds all the same", async (t) => {
  const home = mkdtempSync(join(tmpdir(), "shelf-"));
  t.after(() => rmSync(home, { recursive: true }));
  writeFileSync(join(home, ".cache"), "in the way");
  const { stderr, told } = stream();
  const shelf = feedShelf({ env: {}, homeDirectory: home, stdout: stderr, stderr, now: () => new Date() });
  await shelf.keepFeed(digestOf(Buffer.from("key")), Buffer.from("a feed"));
  assert.match(told(), /an older one will not be known for what it is\n$/);
});
