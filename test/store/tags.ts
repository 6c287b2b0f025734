import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import type { Repository } from "../../src/build/build.ts";
import type { Store } from "../../src/store/store.ts";
import { newBuild, newRepository, pushOf } from "./build-fixture.ts";
import { query, type SharedStore } from "./places.ts";

const A = "a".repeat(40);
const B = "b".repeat(40);
const ref = "refs/tags/v1.0.0";

export function testTags(shared: SharedStore): void {
  test("the same push that is recorded from several connections at once makes its builds once (R31)", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store: first } = scene;
    const repository = newRepository();
    const stores = [first, await scene.another(), await scene.another()];
    const recorded = await Promise.all(
      [...stores, ...stores].map((store) =>
        store.recordPush(
          pushOf([newBuild(repository), newBuild(repository, { key: { image: "ghcr.io/acme/tools" } })]),
        ),
      ),
    );
    const made = recorded.filter((ids) => ids.length > 0);
    assert.equal(made.length, 1);
    assert.equal(made[0]?.length, 2);
    assert.deepEqual(await first.readTagState(repository.id, ref), { generation: 1, object: A, before: undefined });
    // Each with its policies, and something to do.
    for (const id of made[0] ?? []) {
      assert.ok(await first.readPolicies(id));
      assert.ok(await first.withLease("build", id, async () => {}));
    }
    if (scene.address.kind === "url")
      assert.deepEqual(
        await query(
          scene.address.url,
          `select count(*)::int as builds from builds where repository_id = ${repository.id}`,
        ),
        [{ builds: 2 }],
      );
  });

  test("A, B, A makes three builds; another policy makes another", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const repository = newRepository();
    for (const [i, commit] of [A, B, A].entries()) {
      const push = pushOf([newBuild(repository, { key: { commit, generation: i + 1 } })]);
      assert.equal((await store.recordPush(push)).length, 1);
      assert.equal(
        (await store.recordPush({ ...push, builds: [newBuild(repository, { key: push.builds[0]!.key })] })).length,
        0,
      );
    }
    const { key } = newBuild(repository, { key: { generation: 3 } });
    const other = newBuild(repository, {
      key: { ...key, policyDigest: `sha256:${"0".repeat(64)}` as typeof key.policyDigest },
    });
    assert.deepEqual(await store.recordPush(pushOf([other])), [other.id]);
  });

  test("of two who move a tag from the same state only one is taken, and the other makes no build", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const repository = newRepository();
    const other = await scene.another();
    const push = (commit: string, generation: number, before?: string, by = store) =>
      by.recordPush(
        pushOf([newBuild(repository, { key: { commit, generation } })], before === undefined ? {} : { before }),
      );
    // The first is new, the others move what is there.
    for (const generation of [1, 2, 3, 4, 5]) {
      const results = await Promise.allSettled([push(A, generation), push(B, generation, undefined, other)]);
      const lost = results.filter(({ status }) => status === "rejected");
      assert.deepEqual(
        lost.map((result) => (result as PromiseRejectedResult).reason.code),
        ["lost-race"],
      );
    }
    const state = await store.readTagState(repository.id, ref);
    assert.equal(state?.generation, 5);
    // Neither backwards nor by two; told again with the end that was unknown it is the same.
    await push(A, 6);
    await assert.rejects(push(state?.object ?? "", 5), { code: "lost-race" });
    await assert.rejects(push(B, 8), { code: "lost-race" });
    assert.deepEqual(await push(A, 6, B), []);
    assert.deepEqual(await store.readTagState(repository.id, ref), { generation: 6, object: A, before: B });
  });

  test("a tag that was deleted can be deleted again, and pushed again", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const repository = newRepository();
    await store.recordPush(pushOf([newBuild(repository)]));
    const gone = {
      repository,
      ref,
      state: { generation: 1, object: undefined, before: A },
      builds: [],
      policies: undefined,
    };
    for (let i = 0; i < 2; i++) assert.deepEqual(await store.recordPush(gone), []);
    assert.deepEqual(await store.readTagState(repository.id, ref), gone.state);
    await assert.rejects(store.recordPush(pushOf([newBuild(repository)])), { code: "lost-race" });
    assert.equal((await store.recordPush(pushOf([newBuild(repository, { key: { generation: 2 } })]))).length, 1);
    assert.equal(await store.readTagState(repository.id, "refs/tags/other"), undefined);
  });

  test("judged builds of a tag are listed if they rest on another commit than it has now", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const repository = newRepository();
    const listed = async () => (await store.listBuilds(repository.id, ref)).map(({ id }) => id);
    const first = await judged(store, repository, A, 1);
    assert.deepEqual(await listed(), []);
    const second = await judged(store, repository, B, 2);
    await store.recordPush(
      pushOf([newBuild(repository, { key: { commit: B, generation: 2, image: "ghcr.io/acme/unjudged" } })]),
    );
    assert.deepEqual(await listed(), [first]);
    await judged(store, repository, A, 3);
    assert.deepEqual(await listed(), [second]);
    await store.recordPush({
      repository,
      ref,
      state: { generation: 3, object: undefined, before: A },
      builds: [],
      policies: undefined,
    });
    assert.equal((await listed()).length, 3);
    const [one] = await store.listBuilds(repository.id, ref);
    assert.ok(one);
    await store.saveBuild({ ...one, phase: "verifying" });
  });
}

async function judged(store: Store, repository: Repository, commit: string, generation: number): Promise<string> {
  const build = newBuild(repository, {
    id: randomUUID(),
    phase: "done",
    outcome: { kind: "verdict", verdict: "trusted" },
    key: { commit, generation },
  });
  await store.recordPush(pushOf([build]));
  return build.id;
}
