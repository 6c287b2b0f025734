import assert from "node:assert/strict";
import { test } from "node:test";
import type { Build, Repository } from "../../src/build/build.ts";
import { digestOf } from "../../src/image/digest.ts";
import type { Store } from "../../src/store/store.ts";
import { newBuild, newRepository, policyText, pushOf } from "./build-fixture.ts";
import type { SharedStore } from "./places.ts";

const NOW = new Date("2026-11-27T17:00:00Z");
const BEFORE = new Date("2026-11-27T16:00:00Z");
const text = policyText("repository", "version: 1\n# seen\n");
const state = digestOf(text.bytes);

/** A build that came to be judged, and answers what policies were. */
async function judged(
  store: Store,
  repository: Repository,
  given: Parameters<typeof newBuild>[1] = {},
): Promise<Build> {
  const made = newBuild(repository, given);
  await store.recordPush(pushOf([made]));
  const build = (await store.readBuild(made.id)) as Build;
  const done: Build = {
    ...build,
    phase: "done",
    run: { id: 1, attempt: 1, url: "https://github.com/acme/app/actions/runs/1" },
    outcome: { kind: "verdict", verdict: "trusted" },
    answersTo: { repository: digestOf(Buffer.from("old")), organisation: "absent" },
    ...given,
    key: build.key,
  };
  await store.saveBuild(done);
  return done;
}

export function testPolicyStates(shared: SharedStore): void {
  test("R3 what was seen of a policy is told to the same installation alone", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const repository = newRepository();
    const sibling = { ...newRepository(), ownerId: repository.ownerId, installation: repository.installation };
    const sold = { ...repository, installation: newRepository().installation };
    await store.savePolicyState(repository, "repository", state, text);
    await store.savePolicyState(repository, "organisation", "unusable", undefined);
    const unknown = { repository: undefined, organisation: undefined };
    assert.deepEqual(await store.readPolicyStates(repository), { repository: state, organisation: "unusable" });
    assert.deepEqual(await store.readPolicyStates(sibling), { ...unknown, organisation: "unusable" });
    assert.deepEqual(await store.readPolicyStates(sold), unknown);
    await store.savePolicyState(repository, "repository", "absent", undefined);
    assert.equal((await store.readPolicyStates(repository)).repository, "absent");
  });

  test("R2 R3 a policy that changed makes stale what its own repository, or owner, had judged, and nobody else's", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    // One owner's two repositories, and a stranger's whose installation says the same owner's id.
    const [own, sibling, stranger] = [
      newRepository({ ownerId: 71 }),
      newRepository({ ownerId: 71 }),
      newRepository({ ownerId: 71 }),
    ];
    const second = { ...sibling, installation: own.installation };
    const builds = [await judged(store, own), await judged(store, second), await judged(store, stranger)];
    const stale = async () => {
      const ids = await store.listStaleBuilds(NOW, 20);
      return builds.map(({ id }) => ids.includes(id));
    };
    assert.deepEqual(await stale(), [false, false, false]);
    await store.savePolicyState(own, "repository", state, text);
    assert.deepEqual(await stale(), [true, false, false]);
    await store.savePolicyState(own, "organisation", state, text);
    assert.deepEqual(await stale(), [true, true, false]);
    for (const [i, build] of builds.entries()) {
      if (i < 2) await store.saveBuild({ ...build, answersTo: { repository: state, organisation: state } });
    }
    assert.deepEqual(await stale(), [false, false, false]);
  });

  test("R14 a build is stale from the moment at which what it rests on has lapsed, and not while it moves", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const build = await judged(store, newRepository(), { validUntil: NOW });
    const isStale = async (now: Date) => (await store.listStaleBuilds(now, 20)).includes(build.id);
    assert.deepEqual([await isStale(BEFORE), await isStale(NOW)], [false, true]);
    await store.forgetRepository(build.repository.id);
    assert.equal(await isStale(NOW), false);
    await store.rememberRepository(build.repository);
    await store.saveBuild({ ...build, phase: "verifying" });
    assert.equal(await isStale(NOW), false);
  });

  test("only the newest build of a tag and image is stale, and so many of each installation", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const [repository, other] = [newRepository(), newRepository()];
    const old = await judged(store, repository, { validUntil: NOW });
    const moved = await judged(store, repository, { validUntil: NOW, key: { commit: "b".repeat(40), generation: 2 } });
    const tagged = await judged(store, repository, { validUntil: NOW, key: { ref: "refs/tags/v2.0.0" } });
    const theirs = await judged(store, other, { validUntil: NOW });
    const mine = [old, moved, tagged, theirs].map(({ id }) => id);
    const listed = async (limit: number) => {
      const ids = await store.listStaleBuilds(NOW, limit);
      return mine.map((id) => ids.includes(id));
    };
    assert.deepEqual(await listed(2), [false, true, true, true]);
    const [, ...one] = await listed(1);
    assert.deepEqual([one[0] !== one[1], one[2]], [true, true]);
  });

  test("policies of what is judged are looked at in turn, each by one process", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const repository = newRepository();
    const build = await judged(store, repository);
    const claimed = async (now: Date, notSince: Date) => {
      const all = await store.claimPolicies(now, notSince, 1000);
      return all.filter((each) => each.repository.id === repository.id).map(({ kind }) => kind);
    };
    assert.deepEqual(await claimed(NOW, BEFORE), ["repository", "organisation"]);
    assert.deepEqual(await claimed(NOW, BEFORE), []);
    // Whoever went to look saw nothing: what is known stays.
    assert.deepEqual(await store.readPolicyStates(repository), { repository: undefined, organisation: undefined });
    const later = new Date(NOW.getTime() + 1);
    assert.deepEqual(await claimed(later, later), ["repository", "organisation"]);
    await store.saveBuild({ ...build, outcome: { kind: "cancelled" } });
    const latest = new Date(NOW.getTime() + 2);
    assert.deepEqual(await claimed(latest, latest), []);
  });
}
