import assert from "node:assert/strict";
import { test } from "node:test";
import type { Build, Repository } from "../../src/build/build.ts";
import { newBuild, newRepository, pushOf } from "./build-fixture.ts";
import type { SharedStore } from "./places.ts";

export function testNotices(shared: SharedStore): void {
  test("R3 R7 the first digest of a builder is kept for each installation by itself", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const [ours, theirs] = [newRepository(), newRepository()];
    assert.equal(await store.keepFirstDigest(ours, "builder@v1", "one"), "one");
    assert.equal(await store.keepFirstDigest(ours, "builder@v1", "two"), "one");
    assert.equal(await store.keepFirstDigest(theirs, "builder@v1", "two"), "two");
  });

  test("R3 who else builds an image is told, private repositories and those without the app by no name", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const image = `ghcr.io/acme/${newRepository().id}`;
    const repositories: readonly Repository[] = [
      newRepository({ name: "ours" }),
      newRepository({ name: "open", owner: "other" }),
      newRepository({ name: "secret", isPrivate: true }),
      newRepository({ name: "gone" }),
    ];
    for (const repository of repositories) {
      const build: Build = newBuild(repository, { key: { image } });
      await store.recordPush(pushOf([build]));
    }
    const [ours, open, secret, gone] = repositories;
    await store.forgetRepository(gone?.id ?? 0);
    assert.ok(ours && open && secret);
    assert.deepEqual(await store.listRivals(ours, image, 5), { named: ["other/open"], hidden: 1 });
    assert.deepEqual(await store.listRivals(open, image, 0), { named: [], hidden: 2 });
    assert.deepEqual(await store.listRivals(ours, "ghcr.io/acme/alone", 5), { named: [], hidden: 0 });
  });
}
