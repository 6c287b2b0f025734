import assert from "node:assert/strict";
import { test } from "node:test";
import type { HookDelivery, Installation } from "../../src/build/ports.ts";
import { type ReconcilePorts, reconcileTags, redeliverFailures } from "../../src/build/reconcile.ts";
import { BeyondLimit } from "../../src/trust/ports.ts";
import { commitOf } from "../trust/world.ts";
import { MINUTE } from "./github.ts";
import { Crash, couldNotLook, REPOSITORY, Scene } from "./world.ts";

const OWNER: Installation = { id: 5, ownerId: 1234, owner: "acme", isSuspended: false };

/** What looking around needs, of a scene. */
function portsOf(scene: Scene, changes: Partial<ReconcilePorts> = {}): ReconcilePorts & { readonly told: string[] } {
  const told: string[] = [];
  return {
    ...scene.ports(),
    installations: { listInstallations: async () => [OWNER], listRepositories: async () => [REPOSITORY] },
    deliveries: { listDeliveries: async () => ({ deliveries: [], next: undefined }), redeliver: async () => true },
    hasDelivery: async () => false,
    onFailure: (what) => told.push(what),
    told,
    ...changes,
  };
}

/** Looks around, and lets the program live. */
async function look(scene: Scene, changes?: Partial<ReconcilePorts>): Promise<readonly string[]> {
  const ports = portsOf(scene, changes);
  for (const id of await reconcileTags(ports)) scene.store.work.set(id, scene.time);
  await scene.live();
  return ports.told;
}

/** The builds there are. */
function built(scene: Scene): readonly string[] {
  return scene.store.builds.map(({ key }) => `${key.ref} ${key.generation}`);
}

test("tags from before the app are nobody's wish, and those of later are built though no event told of them", async () => {
  const scene = new Scene();
  await look(scene);
  assert.deepEqual(built(scene), []);
  for (const name of ["v2", "v3", "v4", "v5"]) scene.github.tag(name, "B");
  await look(scene);
  await look(scene);
  assert.deepEqual(built(scene), ["refs/tags/v2 1", "refs/tags/v3 1", "refs/tags/v4 1", "refs/tags/v5 1"]);
});

test("R31: a tag from before the app that moves is built, once, whoever finds it first", async () => {
  for (const isToldFirst of [true, false]) {
    const scene = new Scene();
    await look(scene);
    scene.github.tag("v1.0.0", "B");
    if (isToldFirst) await scene.push("v1.0.0", commitOf("A"));
    await look(scene);
    if (!isToldFirst) await scene.push("v1.0.0", commitOf("A"));
    assert.deepEqual(built(scene), ["refs/tags/v1.0.0 2"]);
  }
});

test("R26: a tag that moved without an event turns the verdict on what it was", async () => {
  const scene = new Scene();
  await look(scene);
  scene.github.tag("v2", "A");
  await look(scene);
  scene.github.tag("v2", "B");
  await look(scene);
  assert.deepEqual(scene.github.checks.map(({ writes }) => writes.at(-1)?.conclusion).sort(), [
    "failure",
    "success",
    "success",
  ]);
});

test("R26: a move that was found by someone who was killed at once turns the verdict all the same", async () => {
  const scene = new Scene();
  await look(scene);
  scene.github.tag("v2", "A");
  await look(scene);
  scene.github.tag("v2", "B");
  scene.failure = (_, name) => (name === "store.listBuilds" ? { when: "before", error: new Crash() } : undefined);
  await assert.rejects(look(scene), Crash);
  scene.failure = () => undefined;
  await scene.live();
  await look(scene);
  assert.deepEqual(scene.github.checks.map(({ writes }) => writes.at(-1)?.conclusion).sort(), [
    "failure",
    "success",
    "success",
  ]);
});

test("what can't be looked at, or is too much, keeps nothing else from being looked at", async () => {
  for (const error of [couldNotLook(), new BeyondLimit("more than 100 pages")]) {
    const scene = new Scene();
    await look(scene);
    scene.github.tag("v2", "A");
    const other = { ...REPOSITORY, id: 98, name: "other" };
    scene.store.repositories.set(98, { repository: other, isBaselined: true });
    scene.store.repositories = new Map([...scene.store.repositories].reverse());
    const { tags } = scene.ports();
    const listTags: typeof tags.listTags = async (repository) => {
      if (repository.id === 98) throw error;
      return tags.listTags(repository);
    };
    const told = await look(scene, { tags: { readTag: tags.readTag, listTags } });
    assert.deepEqual(told, ["the tags of acme/other"]);
    assert.deepEqual(built(scene), ["refs/tags/v2 1"]);
  }
});

test("a tag of tags without end keeps no other tag from being built", async () => {
  const scene = new Scene();
  await look(scene);
  scene.github.tag("v2", "A");
  scene.github.tag("v3", "A");
  const { tags } = scene.ports();
  const readTag: typeof tags.readTag = async (repository, ref) => {
    if (ref === "refs/tags/v2") throw new BeyondLimit("more than 5 tags of tags");
    return tags.readTag(repository, ref);
  };
  assert.deepEqual(await look(scene, { tags: { readTag, listTags: tags.listTags } }), []);
  assert.deepEqual(built(scene), ["refs/tags/v3 1"]);
});

test("suspended installations are left alone", async () => {
  const scene = new Scene();
  const listRepositories = () => assert.fail("asked a suspended installation");
  const listInstallations = async () => [{ ...OWNER, isSuspended: true }];
  assert.deepEqual(await look(scene, { installations: { listInstallations, listRepositories } }), []);
});

test("deliveries that never arrived are asked for again, and no others", async () => {
  const scene = new Scene();
  const at = (guid: string, changes: Partial<HookDelivery> = {}): HookDelivery => ({
    id: `${guid} 1`,
    guid,
    deliveredAt: new Date(scene.time - 10 * MINUTE),
    event: "push",
    action: undefined,
    repositoryId: 99,
    isReceived: false,
    ...changes,
  });
  const pages: readonly (readonly HookDelivery[])[] = [
    [
      at("lost", { id: "lost 2" }),
      at("taken", { isReceived: true }),
      at("taken at last", { id: "2", isReceived: true }),
      at("fresh", { deliveredAt: new Date(scene.time - 1000) }),
      at("stored"),
    ],
    [at("lost"), at("taken at last"), ...Array.from({ length: 6 }, () => at("hopeless"))],
  ];
  const asked: string[] = [];
  const count = await redeliverFailures(
    portsOf(scene, {
      deliveries: {
        listDeliveries: async (_, cursor) => ({
          deliveries: pages[Number(cursor ?? 0)] ?? [],
          next: cursor === undefined ? "1" : undefined,
        }),
        redeliver: async (id) => asked.push(id) > 0,
      },
      hasDelivery: async (guid) => guid === "stored",
    }),
  );
  assert.deepEqual([count, asked], [1, ["lost 2"]]);
});
