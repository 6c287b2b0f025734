import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { keptContent, openDiskCache } from "../../src/cli/disk-cache.ts";
import { UsageError } from "../../src/cli/exit-code.ts";
import { digestOf } from "../../src/image/digest.ts";
import type { ContentKey } from "../../src/registry/content-cache.ts";
import { putImage } from "../registry/image-fixture.ts";
import { trustedBuilds } from "../verify/command.ts";
import { temporaryFiles } from "../verify/temporary-files.ts";
import { startOciRegistry } from "../world/oci-registry.ts";

const write = temporaryFiles();
const owner = process.getuid?.() ?? 0;
let count = 0;
/** A directory that isn't there yet. */
const place = () => ({ path: join(dirname(write("beside", "")), `cache-${count++}`, "content"), owner });
const keyOf = (bytes: Uint8Array): ContentKey => ({
  repository: "r.example/app",
  kind: "blob",
  digest: digestOf(bytes),
});
const contentOf = (text: string) => Buffer.from(text.padEnd(100, "."));
const refuse = (line: string) => assert.fail(line);

const registry = await startOciRegistry();
after(() => registry.close());
const pinned = putImage(registry);
const image = `${registry.host}/acme/app:1.0.0`;
const root = `roots: [{ image: "${registry.host}/acme/app@${pinned.digest}", reason: "looked at it", expires: 2099-01-01 }]`;
const policy = write("policy.yml", `version: 1\ntrust:\n  ${root}\n`);
const judged = (cache: string, ...args: readonly string[]) =>
  trustedBuilds(["verify", "--policy", policy, ...args, image], { env: { TRUSTED_BUILDS_CACHE: cache } });
const configsAsked = () => registry.requests.filter(({ path }) => path.includes("/blobs/")).length;

test("what one process keeps another finds, in files that are this user's alone", async () => {
  const directory = place();
  const bytes = contentOf("kept");
  await openDiskCache(directory, refuse).keepContent(keyOf(bytes), bytes);
  const other = openDiskCache(directory, refuse);
  assert.deepEqual(await other.readContent(keyOf(bytes), 1000), bytes);
  assert.equal(await other.readContent(keyOf(bytes), 99), undefined);
  assert.equal(await other.readContent({ ...keyOf(bytes), repository: "r.example/other" }, 1000), undefined);
  assert.equal(await other.readContent({ ...keyOf(bytes), kind: "manifest" }, 1000), undefined);
  const [name = ""] = readdirSync(directory.path);
  assert.deepEqual(
    [directory.path, join(directory.path, name)].map((path) => statSync(path).mode & 0o777),
    [0o700, 0o600],
  );
});

test("the least recently used goes where there is too much, whoever wrote it", async () => {
  const directory = place();
  const contents = Array.from({ length: 10 }, (_, i) => contentOf(`content ${i}`));
  const first = openDiskCache(directory, refuse, 1000);
  for (const [i, bytes] of contents.entries()) {
    await first.keepContent(keyOf(bytes), bytes);
    // As if each had been written a minute after the one before, an hour ago.
    for (const name of readdirSync(directory.path)) {
      const path = join(directory.path, name);
      const minute = Math.floor(Date.now() / 1000) - 3600 + 60 * i;
      if (readFileSync(path).equals(bytes)) utimesSync(path, minute, minute);
    }
  }
  assert.equal(readdirSync(directory.path).length, 10);
  const second = openDiskCache(directory, refuse, 1000);
  assert.ok(await second.readContent(keyOf(contents[0]!), 1000));
  const late = contentOf("late");
  await second.keepContent(keyOf(late), late);
  const left = await Promise.all(
    contents.map(async (bytes) => (await second.readContent(keyOf(bytes), 1000)) !== undefined),
  );
  assert.deepEqual(left, [true, false, false, false, false, true, true, true, true, true]);
  assert.ok(await second.readContent(keyOf(late), 1000));
  assert.ok(readdirSync(directory.path).length <= 8);
});

test("what would take too much of the room isn't kept, and what a dead writer left goes", async () => {
  const directory = place();
  const cache = openDiskCache(directory, refuse, 1000);
  const large = Buffer.alloc(126, "x");
  await cache.keepContent(keyOf(large), large);
  assert.ok(!existsSync(directory.path) || readdirSync(directory.path).length === 0);
  mkdirSync(directory.path, { recursive: true, mode: 0o700 });
  const draft = join(directory.path, ".draft");
  writeFileSync(draft, "half", { mode: 0o600 });
  utimesSync(draft, 1, 1);
  const small = contentOf("small");
  await openDiskCache(directory, refuse, 1000).keepContent(keyOf(small), small);
  assert.ok(!existsSync(draft));
});

test("a directory that can't be used is told once, and changes nothing else", async () => {
  const file = write("no-directory", "a file");
  for (const path of [join(file, "content"), file]) {
    const told: string[] = [];
    const cache = openDiskCache({ path, owner }, (line) => told.push(line));
    const bytes = contentOf("kept");
    await Promise.all([cache.keepContent(keyOf(bytes), bytes), cache.readContent(keyOf(bytes), 1000)]);
    await cache.keepContent(keyOf(bytes), bytes);
    assert.equal(await cache.readContent(keyOf(bytes), 1000), undefined);
    assert.equal(told.length, 1);
  }
  const gone = place();
  const told: string[] = [];
  const cache = openDiskCache(gone, (line) => told.push(line));
  await cache.readContent(keyOf(contentOf("any")), 1000);
  rmSync(gone.path, { recursive: true });
  await Promise.all(["one", "two"].map(contentOf).map((bytes) => cache.keepContent(keyOf(bytes), bytes)));
  assert.equal(told.length, 1);
  const { exit, stderr } = await judged(join(file, "content"));
  assert.equal(exit, 0);
  assert.match(stderr, /^trusted-builds: nothing is kept for the next time: [^\n]+\n$/);
});

test("R23 verify reads from its cache what has the digest asked for, and fetches what was changed there", async () => {
  const { path } = place();
  const before = configsAsked();
  const cold = await judged(path);
  const warm = await judged(path);
  assert.equal(configsAsked(), before + 1);
  for (const name of readdirSync(path)) writeFileSync(join(path, name), `{"config":{},"rootfs":{"diff_ids":[]}}`);
  const poisoned = await judged(path);
  assert.equal(configsAsked(), before + 2);
  assert.deepEqual([cold.exit, warm.exit, poisoned.exit], [0, 0, 0]);
  assert.deepEqual([warm.stderr, poisoned.stderr], ["", ""]);
});

test("--no-cache and TRUSTED_BUILDS_CACHE=off keep nothing, and half a path is a usage error", async () => {
  const { path } = place();
  assert.equal((await judged(path, "--no-cache")).exit, 0);
  assert.ok(!existsSync(path));
  const kept = (wish: string) =>
    keptContent({ env: { TRUSTED_BUILDS_CACHE: wish }, homeDirectory: dirname(path) }, refuse);
  assert.equal(kept("off"), undefined);
  assert.notEqual(kept(""), undefined);
  assert.throws(() => kept("cache"), UsageError);
});

test("several processes share one directory", async () => {
  const { path } = place();
  const ended = await Promise.all(Array.from({ length: 2 }, () => judged(path)));
  assert.deepEqual(
    ended.map(({ exit, stderr }) => [exit, stderr]),
    Array.from({ length: 2 }, () => [0, ""]),
  );
  assert.ok(readdirSync(path).length > 0);
  assert.ok(readdirSync(path).every((name) => !name.startsWith(".")));
});
