import assert from "node:assert/strict";
import { test } from "node:test";
import type { Build, Repository } from "../../src/build/build.ts";
import type { Judgement } from "../../src/build/ports.ts";
import { digestOf } from "../../src/image/digest.ts";
import type { Store } from "../../src/store/store.ts";
import type { KnownImage } from "../../src/trust/ports.ts";
import { node, verdict } from "../report/verdicts.ts";
import { newBuild, newRepository, policyText, pushOf } from "./build-fixture.ts";
import type { SharedStore } from "./places.ts";

const digest = (name: string) => digestOf(Buffer.from(name));
const POLICY = digest("policy");

function imageOf(name: string, changes: Partial<KnownImage> = {}): KnownImage {
  return {
    name: `ghcr.io/acme/${name}`,
    digest: digest(name),
    index: digest(`${name} index`),
    chainId: digest(`${name} layers`),
    layers: 3,
    origins: ["https://token.actions.githubusercontent.com 99"],
    signedAt: new Date("2026-11-20T00:00:00.123Z"),
    ...changes,
  };
}

/** Stores a judgement of an ancestry of one image, as the builds of this repository have it. */
async function judged(
  store: Store,
  repository: Repository,
  known: KnownImage,
  outcome: "trusted" | "untrusted" | "undetermined" = "trusted",
  generation = 1,
): Promise<void> {
  const made = newBuild(repository, { key: { generation } });
  await store.recordPush(pushOf([made]));
  const build = (await store.readBuild(made.id)) as Build;
  const { bytes: _, ...policy } = policyText("repository", "");
  const judgement: Judgement = {
    policy,
    verdict: verdict([node("app", { known })], { outcome, policy: { name: "policy.yml", digest: POLICY } }),
  };
  await store.saveJudgements({ ...build, phase: "settled" }, [judgement]);
}

export function testKnownImages(shared: SharedStore): void {
  test("R22 an image that was accepted is found by its layers, under the same policy alone", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const repository = newRepository();
    const image = imageOf("one");
    await judged(store, repository, image);
    // Again, as each build of the same ancestry does.
    await judged(store, repository, image, "trusted", 2);
    const known = store.knownTo(repository);
    const many = Array.from({ length: 2500 }, (_, i) => digest(`chain ${i}`));
    assert.deepEqual(await known.findByChain(POLICY, [...many, image.chainId]), [image]);
    assert.deepEqual(await known.findByChain(POLICY, many), []);
    assert.deepEqual(await known.findByChain(POLICY, []), []);
    assert.deepEqual(await known.findByChain(digest("another policy"), [image.chainId]), []);
  });

  test("R22 an image that only stood in an ancestry that wasn't trusted isn't known", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const repository = newRepository();
    const { index: _, signedAt: __, ...image } = imageOf("bare");
    await judged(store, repository, image, "untrusted", 1);
    await judged(store, repository, image, "undetermined", 2);
    assert.deepEqual(await store.knownTo(repository).findByChain(POLICY, [image.chainId]), []);
    await judged(store, repository, image, "trusted", 3);
    assert.deepEqual(await store.knownTo(repository).findByChain(POLICY, [image.chainId]), [image]);
  });

  test("R3 nobody is told of images of another installation, or of another private repository", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const secret = newRepository({ isPrivate: true });
    const { installation } = secret;
    const open = newRepository({ installation });
    const [hidden, shown] = [imageOf("hidden"), imageOf("shown")];
    await judged(store, secret, hidden);
    await judged(store, open, shown);
    const told = async (repository: Repository) =>
      (await store.knownTo(repository).findByChain(POLICY, [hidden.chainId, shown.chainId])).map(({ name }) => name);
    assert.deepEqual(await told(secret), [hidden.name, shown.name]);
    assert.deepEqual(await told(open), [shown.name]);
    assert.deepEqual(await told(newRepository({ installation, isPrivate: true })), [shown.name]);
    assert.deepEqual(await told(newRepository()), []);
    await store.rememberRepository({ ...open, isPrivate: true });
    assert.deepEqual(await told(secret), [hidden.name]);
  });

  test("R3 a repository that changes hands takes along nothing of what was accepted before", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const sold = newRepository();
    const buyer = newRepository();
    const image = imageOf("sold");
    const told = async (repository: Repository) =>
      (await store.knownTo(repository).findByChain(POLICY, [image.chainId])).map(({ name }) => name);
    await judged(store, sold, image);
    const bought = { ...sold, ownerId: buyer.ownerId, installation: buyer.installation };
    await store.rememberRepository(bought);
    assert.deepEqual([await told(bought), await told(sold)], [[], []]);
    await judged(store, bought, image, "trusted", 2);
    assert.deepEqual(await told(bought), [image.name]);
  });
}
