import assert from "node:assert/strict";
import { test } from "node:test";
import type { Repository } from "../../src/build/build.ts";
import type { Store } from "../../src/store/store.ts";
import { newBuild, newRepository, pushOf } from "./build-fixture.ts";
import { query, type SharedStore } from "./places.ts";

const ref = "refs/tags/v1.0.0";

export function testRepositories(shared: SharedStore): void {
  test("a repository is known by its number, and its builds have the name and visibility of now", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const repository = newRepository();
    const build = newBuild(repository);
    await store.recordPush(pushOf([build]));
    assert.deepEqual(await store.readRepository(repository.id), repository);
    const renamed = { ...repository, owner: "umbrella", ownerId: 8, name: "web", isPrivate: true };
    await store.rememberRepository(renamed);
    assert.deepEqual(await listed(store, repository), [{ repository: renamed, isBaselined: false }]);
    assert.deepEqual((await store.readBuild(build.id))?.repository, renamed);
    // Late, and from before: it makes nothing public again.
    await store.recordPush(pushOf([newBuild(repository, { key: { generation: 2 } })]));
    assert.deepEqual(await store.readRepository(repository.id), renamed);
    await store.saveBuild({ ...build, failures: 1 });
    assert.deepEqual(await store.readRepository(repository.id), renamed);
    if (scene.address.kind !== "url") return;
    // Whose it was when it was pushed stays (R3, R33).
    const columns = `select owner_id, installation from builds where repository_id = ${repository.id} and generation = 1`;
    const { ownerId, installation } = repository;
    assert.deepEqual(await query(scene.address.url, columns), [
      { owner_id: String(ownerId), installation: String(installation) },
    ]);
  });

  test("what the app was taken from is no longer listed, until it is back", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const repository = newRepository();
    const other = newRepository();
    const build = newBuild(repository);
    await store.recordPush(pushOf([build]));
    await store.rememberRepository(other);
    await store.recordBaseline(repository.id, []);
    assert.deepEqual(await listed(store, repository), [{ repository, isBaselined: true }]);
    await store.forgetInstallation(repository.installation);
    assert.deepEqual(await listed(store, repository), []);
    assert.deepEqual(await listed(store, other), [{ repository: other, isBaselined: false }]);
    assert.equal(await store.readRepository(repository.id), undefined);
    assert.ok(await store.readBuild(build.id));
    await store.forgetRepository(other.id);
    assert.deepEqual(await listed(store, other), []);
    const again = { ...repository, installation: 9 };
    await store.recordPush(pushOf([newBuild(again, { key: { generation: 2 } })]));
    assert.deepEqual(await listed(store, repository), [{ repository: again, isBaselined: false }]);
    assert.equal((await store.readBuild(build.id))?.repository.installation, 9);
  });

  test("tags of before the installation are known without builds, and what was heard of stays", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const repository = newRepository();
    await store.recordPush(pushOf([newBuild(repository, { key: { generation: 1 } })]));
    const old = Array.from({ length: 12_000 }, (_, i) => ({ ref: `refs/tags/old${i}`, object: "d".repeat(40) }));
    await store.recordBaseline(repository.id, [{ ref, object: "e".repeat(40) }, ...old]);
    assert.equal((await store.readTagState(repository.id, ref))?.object, "a".repeat(40));
    const known = { generation: 1, object: "d".repeat(40), before: undefined };
    assert.deepEqual(await store.readTagState(repository.id, "refs/tags/old11999"), known);
    assert.deepEqual(await listed(store, repository), [{ repository, isBaselined: true }]);
    await store.rememberRepository(repository);
    assert.equal((await listed(store, repository))[0]?.isBaselined, true);
  });

  test("a cursor is where it was left", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    assert.equal(await store.readCursor("deliveries"), undefined);
    for (const value of ["1", "2"]) await store.writeCursor("deliveries", value);
    assert.equal(await store.readCursor("deliveries"), "2");
  });
}

async function listed(store: Store, { id }: Repository) {
  return (await store.listRepositories()).filter(({ repository }) => repository.id === id);
}
