import assert from "node:assert/strict";
import { test } from "node:test";
import { pin } from "../../src/image/reference.ts";
import { answerOf, digest, judged, later, NOON, newImage, PUBLISHED, summaryOf } from "./answer-fixture.ts";
import type { SharedStore } from "./places.ts";

export function testAnswers(shared: SharedStore): void {
  test("an answer is read as it was saved, whatever characters strangers put into it", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const image = newImage("v1");
    const answer = answerOf(image, {
      validUntil: later(5),
      audience: { kind: "readers", repositoryIds: ["5000000001", "7"] },
    });
    const summary = summaryOf(answer);
    await store.saveAnswer(judged(answer, { summaries: [summary] }));
    const { document: _, facts: __, ...head } = answer;
    assert.deepEqual(await store.findHead(PUBLISHED, image), head);
    assert.deepEqual(await store.readAnswer(answer.id), answer);
    assert.deepEqual(await store.listAnswerSummaries(answer.id), [summary]);
    const hostile = answerOf(image, {
      policy: { name: "a\0b\ud800", digest: PUBLISHED },
      source: { repository: "https://github.com/a\0/\udc00", commit: "\0", ref: undefined },
      document: { text: "\0 \ud800 \\u0000" },
      facts: { sources: [], dockerfiles: [], packages: [], unread: ["\0"] },
    });
    await store.saveAnswer(judged(hostile, { faults: ["\0"] }));
    const read = await store.readAnswer(hostile.id);
    assert.deepEqual(read?.document, { text: "\ufffd \ufffd \\u0000" });
    assert.equal(read?.policy.name, "a\ufffdb\ufffd");
  });

  test("an id that no column could have is nobody's", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    for (const id of ["\0", "\ud800", "'; drop table answers; --", ""]) {
      assert.equal(await store.readAnswer(id), undefined);
      assert.equal(await store.readAnswerEvidence(id), undefined);
      assert.equal(await store.readInquiry(id), undefined);
      assert.deepEqual(await store.listAnswerSummaries(id), []);
      await store.noteAsked(id, NOON);
    }
  });

  test("R26 an answer is found under the tag it was judged under alone", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const image = newImage("v1");
    const { tag: _, ...bare } = image;
    await store.saveAnswer(judged(answerOf(image)));
    assert.equal(await store.findHead(PUBLISHED, bare), undefined);
    assert.equal(await store.findHead(PUBLISHED, { ...image, tag: "v2" }), undefined);
    assert.equal(await store.findHead(PUBLISHED, pin(image, digest("other"))), undefined);
  });

  test("R1 the published policy's answer comes first, however old; without one the newest", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const image = newImage("v1");
    const by = (policy: string, hours: number) =>
      answerOf(image, { policy: { name: policy, digest: digest(policy) }, asOf: later(hours) });
    const [first, second] = [by("first", 1), by("second", 2)];
    await store.saveAnswer(judged(second));
    await store.saveAnswer(judged(first));
    assert.equal((await store.findHead(digest("first"), image))?.id, first.id);
    assert.equal((await store.findHead(PUBLISHED, image))?.id, second.id);
    assert.deepEqual(
      (await store.listHeads(digest("first"), image.digest)).map(({ id }) => id),
      [first.id],
    );
  });

  test("an answer is replaced by a newer one, never by an older one, and its id goes with it", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const image = newImage("v1");
    const [old, now, late] = [
      answerOf(image),
      answerOf(image, { asOf: later(2), outcome: "untrusted" }),
      answerOf(image, { asOf: later(1) }),
    ];
    const id = `inquiry of ${old.id}`;
    const inquiry = {
      id,
      image: { registry: image.registry, repository: image.repository, tag: "v1" },
      repository: undefined,
      askedAt: NOON,
      failures: 0,
      waiting: undefined,
      end: undefined,
    };
    await store.openInquiry(inquiry);
    await store.saveAnswer(judged(old, { summaries: [summaryOf(old)], ancestors: [digest("before")] }));
    await store.saveInquiry({ ...inquiry, end: { kind: "answered", answer: old.id, at: NOON } });
    await store.saveAnswer(judged(now));
    await store.saveAnswer(judged(late, { summaries: [summaryOf(late)] }));
    assert.equal((await store.findHead(PUBLISHED, image))?.id, now.id);
    // Whoever was told of the first must not read the second, which may be for others.
    assert.equal(await store.readAnswer(old.id), undefined);
    assert.equal(await store.readAnswer(late.id), undefined);
    assert.deepEqual(await store.listAnswerSummaries(now.id), []);
    assert.deepEqual(await store.listAnswerSummaries(late.id), []);
    assert.deepEqual((await store.listDescendants(PUBLISHED, digest("before"), 9)).entries, []);
    assert.deepEqual((await store.readInquiry(id))?.end, { kind: "answered", answer: now.id, at: NOON });
  });

  test("R14 an answer of a time to come keeps no other out, of its digest or its tag", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const image = newImage("v1");
    const minutes = (count: number) => later(count / 60);
    await store.saveAnswer(judged(answerOf(image, { asOf: minutes(90) })));
    const honest = answerOf(image, { asOf: minutes(5), outcome: "untrusted" });
    await store.saveAnswer(judged(honest, { doneAt: minutes(86) }));
    assert.notEqual((await store.findHead(PUBLISHED, image))?.id, honest.id, "clocks may be minutes apart");
    await store.saveAnswer(judged(honest, { doneAt: minutes(7) }));
    assert.equal((await store.findHead(PUBLISHED, image))?.id, honest.id);
    const moved = pin(image, digest("moved"));
    await store.saveAnswer(judged(answerOf(moved, { asOf: minutes(99) })));
    const back = answerOf(image, { asOf: minutes(8) });
    await store.saveAnswer(judged(back, { doneAt: minutes(9) }));
    const { entries } = await store.search(PUBLISHED, { text: image.repository }, 9);
    assert.deepEqual(
      entries.map(({ id }) => id),
      [back.id],
    );
  });

  test("of answers that are saved at once the newest stays", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const stores = [scene.store, await scene.another()];
    const image = newImage("v1");
    const answers = Array.from({ length: 8 }, (_, i) => answerOf(image, { asOf: later(i), level: i % 4 }));
    const saved = answers.map((answer, i) =>
      stores[i % 2]?.saveAnswer(judged(answer, { ancestors: [digest("base")] })),
    );
    await Promise.all(saved);
    assert.equal((await scene.store.findHead(PUBLISHED, image))?.id, answers.at(-1)?.id);
    // Other digests of the same tag, at once.
    const others = Array.from({ length: 8 }, (_, i) =>
      answerOf(pin(image, digest(`race ${i}`)), { asOf: later(i + 9) }),
    );
    await Promise.all(others.map((answer, i) => stores[i % 2]?.saveAnswer(judged(answer))));
    const { entries } = await scene.store.search(PUBLISHED, { text: image.repository }, 100);
    assert.deepEqual(
      entries.map(({ id }) => id),
      [others.at(-1)?.id],
    );
  });

  test("of a tag the later sight stays", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const name = newImage().repository;
    assert.equal(await store.readTag(name, "v1"), undefined);
    await store.saveTag(name, "v1", digest("new"), later(1));
    await store.saveTag(name, "v1", digest("old"), NOON);
    assert.deepEqual(await store.readTag(name, "v1"), { digest: digest("new"), seenAt: later(1) });
    await store.saveTag(name, "v1", digest("newer"), later(2));
    assert.deepEqual((await store.readTag(name, "v1"))?.digest, digest("newer"));
  });

  test("answers for readers crowd out none for everyone from what is told of a digest", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const image = newImage("v0", "crowded");
    await store.saveAnswer(judged(answerOf(image)));
    for (let i = 1; i <= 100; i++)
      await store.saveAnswer(
        judged(
          answerOf({ ...image, tag: `v${i}` }, { asOf: later(1), audience: { kind: "readers", repositoryIds: ["1"] } }),
        ),
      );
    const heads = await store.listHeads(PUBLISHED, image.digest);
    assert.equal(heads.length, 100);
    assert.equal(heads[0]?.image.tag, "v0");
  });
}
