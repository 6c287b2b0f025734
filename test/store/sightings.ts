import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf } from "../../src/image/digest.ts";
import type { Sighting } from "../../src/trust/tag-watch.ts";
import { newBuild, newRepository, pushOf } from "./build-fixture.ts";
import type { SharedStore } from "./places.ts";

const IMAGE = "ghcr.io/acme/app";
const digest = (name: string) => digestOf(Buffer.from(name));

function sighting(version: string, day: string | undefined, given: Partial<Sighting> = {}): Sighting {
  return {
    image: digest(`index ${version}`),
    platform: "linux/amd64",
    digest: digest(version),
    origin: "https://token.actions.githubusercontent.com 99",
    ref: `refs/tags/${version}`,
    commit: "a".repeat(40),
    signedAt: day === undefined ? undefined : new Date(`2026-${day}T00:00:00.123Z`),
    ...given,
  };
}

export function testSightings(shared: SharedStore): void {
  test("R26 what a tag was seen at is kept for each repository, image and tag, the newest first", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const [ours, others] = [newRepository(), newRepository()];
    for (const each of [ours, others]) await store.recordPush(pushOf([newBuild(each)]));
    const [old, now, undated] = [sighting("v1", "01-01"), sighting("v2", "02-01"), sighting("v3", undefined)];
    await store.recordSightings(ours, IMAGE, [{ tag: "latest", sightings: [old, now] }]);
    await store.recordSightings(ours, IMAGE, [{ tag: "latest", sightings: [undated] }]);
    await store.recordSightings(ours, IMAGE, [{ tag: "stable", sightings: [old] }]);
    assert.deepEqual(await store.readSightings(ours, IMAGE, "latest"), [now, old, undated]);
    assert.deepEqual(await store.readSightings(ours, IMAGE, "stable"), [old]);
    assert.deepEqual(await store.readSightings(ours, "ghcr.io/acme/tools", "latest"), []);
    assert.deepEqual(await store.readSightings(others, IMAGE, "latest"), [], "R3 another repository's are its own");
    const elsewhere = { ...ours, installation: ours.installation + 1 };
    assert.deepEqual(await store.readSightings(elsewhere, IMAGE, "latest"), [], "R3 and another installation's");
  });

  test("R26 seen again, the earlier time of signing stays, and a time that is proven later is added", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const repository = newRepository();
    await store.recordPush(pushOf([newBuild(repository)]));
    const seen = async (...sightings: readonly Sighting[]) => {
      await store.recordSightings(repository, IMAGE, [{ tag: "latest", sightings }]);
      return (await store.readSightings(repository, IMAGE, "latest")).map(({ signedAt }) => signedAt);
    };
    const [first, second, third] = ["01-01", "02-01", "03-01"].map((day) => sighting("v1", day));
    assert.ok(first && second && third);
    assert.deepEqual(await seen({ ...first, signedAt: undefined }), [undefined]);
    assert.deepEqual(await seen(second), [second.signedAt]);
    assert.deepEqual(await seen(third), [second.signedAt]);
    assert.deepEqual(await seen({ ...first, signedAt: undefined }), [second.signedAt]);
    assert.deepEqual(await seen(third, first), [first.signedAt], "twice at once");
  });

  test("what strangers wrote into a certificate's ref can be kept", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const repository = newRepository();
    await store.recordPush(pushOf([newBuild(repository)]));
    const spoiled = sighting("v1", "01-01", { ref: "refs/tags/a\0b", origin: "x\ud800" });
    await store.recordSightings(repository, IMAGE, [{ tag: "latest", sightings: [spoiled] }]);
    const [kept] = await store.readSightings(repository, IMAGE, "latest");
    assert.deepEqual([kept?.ref, kept?.origin], ["refs/tags/a\ufffdb", "x\ufffd"]);
  });
}
