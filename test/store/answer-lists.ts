import assert from "node:assert/strict";
import { test } from "node:test";
import type { AnswerSearch } from "../../src/answer/ports.ts";
import { pin } from "../../src/image/reference.ts";
import { answerOf, digest, judged, later, newImage, PUBLISHED } from "./answer-fixture.ts";
import type { SharedStore } from "./places.ts";

const HIDDEN = { kind: "readers", repositoryIds: ["5"] } as const;

export function testAnswerLists(shared: SharedStore): void {
  test("images are found by a part of the name, by source and by owner, in any case", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const image = newImage("v1");
    const name = `acme/${image.repository.split("-")[1]}`;
    const answer = answerOf(
      { ...image, registry: "Found.example" },
      { source: sourceOf(`https://GitHub.com/Own_${name}`) },
    );
    await store.saveAnswer(judged(answer));
    const found = async (by: AnswerSearch) =>
      (await store.search(PUBLISHED, { text: "fOUND.example", ...by }, 100)).entries.some(({ id }) => id === answer.id);
    for (const by of [
      {},
      { text: image.repository.toUpperCase() },
      { source: `own_${name}` },
      { source: `HTTPS://github.com/own_${name}/` },
      { owner: "OWN_acme" },
      { outcome: "trusted" },
    ] as const)
      assert.equal(await found(by), true, JSON.stringify(by));
    for (const by of [
      { text: "%" },
      { text: "f_und" },
      { text: "found\\" },
      { text: "\0" },
      { text: "\ud800" },
      { source: "\0" },
      { owner: "own_acm" },
      { source: `own%${name}` },
      { source: name },
      { outcome: "untrusted" },
    ] as const)
      assert.equal(await found(by), false, JSON.stringify(by));
  });

  test("R3 lists, searches and histories have nothing of what isn't for everyone", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const image = newImage("v1");
    const ancestors = [digest(`base of ${image.repository}`)];
    const [base] = ancestors;
    assert.ok(base);
    const told = async () => [
      (await store.search(PUBLISHED, { text: image.repository }, 9)).entries.length,
      (await store.listDescendants(PUBLISHED, base, 9)).entries.length,
      (await store.listPast(image, 9)).length,
    ];
    await store.saveAnswer(judged(answerOf(image, { audience: HIDDEN }), { ancestors }));
    assert.deepEqual(await told(), [0, 0, 0]);
    await store.saveAnswer(judged(answerOf(image), { ancestors }));
    assert.deepEqual(await told(), [1, 1, 1]);
    await store.saveAnswer(judged(answerOf(image, { audience: HIDDEN, result: digest("secret") }), { ancestors }));
    assert.deepEqual(await told(), [0, 0, 0], "nor that there was one before");
    await store.saveAnswer(judged(answerOf(image), { ancestors }));
    assert.deepEqual(await told(), [1, 1, 2]);
  });

  test("lists have the published policy's answers alone, and of a tag the newest", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const image = newImage("v1");
    const moved = answerOf(pin(image, digest("moved")), { asOf: later(1) });
    await store.saveAnswer(judged(moved));
    await store.saveAnswer(judged(answerOf(image)));
    await store.saveAnswer(
      judged(answerOf(image, { policy: { name: "old", digest: digest("old policy") }, asOf: later(2) })),
    );
    const byDigest = [answerOf(newImage(undefined)), answerOf(newImage(undefined))];
    for (const answer of byDigest) await store.saveAnswer(judged(answer));
    const found = async (text: string) => (await store.search(PUBLISHED, { text }, 9)).entries.map(({ id }) => id);
    assert.deepEqual(await found(image.repository), [moved.id]);
    for (const answer of byDigest) assert.deepEqual(await found(answer.image.repository), [answer.id]);
  });

  test("descendants are found by an index or a platform's manifest, an image not as its own", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const [child, other] = [answerOf(newImage("v1", "child")), answerOf(newImage("v1", "other"))];
    const base = [digest(`index ${child.id}`), digest(`amd64 ${child.id}`)] as const;
    await store.saveAnswer(judged(child, { ancestors: [...base, ...base, child.image.digest] }));
    await store.saveAnswer(judged(other, { ancestors: [base[0]] }));
    const of = async (of: (typeof base)[number]) =>
      (await store.listDescendants(PUBLISHED, of, 9)).entries.map(({ id }) => id).sort();
    assert.deepEqual(await of(base[0]), [child.id, other.id].sort());
    assert.deepEqual(await of(base[1]), [child.id]);
    assert.deepEqual(await of(child.image.digest), []);
  });

  test("a list goes on where it ended, each image once, also among those of the same moment", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const base = digest(`base ${newImage().repository}`);
    const answers = Array.from({ length: 7 }, (_, i) => answerOf(newImage("v1"), { asOf: later(i > 4 ? 1 : 0) }));
    for (const answer of answers) await store.saveAnswer(judged(answer, { ancestors: [base] }));
    const seen: string[] = [];
    let after: string | undefined;
    do {
      const { entries, next } = await store.listDescendants(PUBLISHED, base, 2, after);
      seen.push(...entries.map(({ id }) => id));
      after = next;
    } while (after !== undefined);
    assert.deepEqual(seen.toSorted(), answers.map(({ id }) => id).sort());
    assert.deepEqual(new Set(seen.slice(0, 2)), new Set(answers.slice(5).map(({ id }) => id)), "the newest first");
    assert.equal((await store.listDescendants(PUBLISHED, base, 7)).next, undefined);
    assert.equal((await store.listDescendants(PUBLISHED, base, 10_000)).entries.length, 7);
    assert.equal((await store.listDescendants(PUBLISHED, base, -1)).entries.length, 1);
  });

  test("a place in a list that no list has named is refused as that", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const packed = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
    for (const after of [
      "",
      "x",
      "'",
      "\0",
      packed(null),
      packed([1]),
      packed([1, 2]),
      packed(["1", "a"]),
      packed([1e300, "a"]),
      packed([253_402_300_800_000, "a"]),
      packed([-1, "a"]),
      packed([1, "a\0"]),
      packed([1, "\ud800"]),
      packed([1, "a", 1]),
      `${packed([1, "a"])}=`,
      packed([1, "a".repeat(1000)]),
    ])
      await assert.rejects(store.search(PUBLISHED, {}, 9, after), { code: "malformed-cursor" }, after);
    assert.deepEqual(await store.search(PUBLISHED, {}, 9, packed([0, "a"])), { entries: [], next: undefined });
    assert.ok(
      (await store.search(PUBLISHED, {}, 9, packed([253_402_300_799_999, "'; drop table answers; --"]))).entries
        .length > 0,
    );
  });
}

function sourceOf(repository: string) {
  return { repository, commit: undefined, ref: undefined };
}
