import assert from "node:assert/strict";
import { test } from "node:test";
import { pin } from "../../src/image/reference.ts";
import { MAX_PAST } from "../../src/store/answer-history.ts";
import { answerOf, digest, judged, later, newImage } from "./answer-fixture.ts";
import type { SharedStore } from "./places.ts";

export function testAnswerHistory(shared: SharedStore): void {
  test("the history of a tag has each verdict that says something else, the newest first", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const image = newImage("v1");
    const moved = pin(image, digest("moved"));
    const bad = { outcome: "untrusted", level: 0, result: digest("untrusted") } as const;
    for (const answer of [
      answerOf(image),
      answerOf(image, { asOf: later(1) }),
      answerOf(moved, { asOf: later(2), ...bad }),
      answerOf(image, { asOf: later(3) }),
    ])
      await store.saveAnswer(
        judged(answer, { faults: answer.outcome === "untrusted" ? ["no-provenance", "no-provenance"] : [] }),
      );
    const { digest: _, ...tagged } = image;
    const past = await store.listPast(tagged, 9);
    assert.deepEqual(
      past.map((each) => [each.digest, each.outcome, each.asOf, each.faults]),
      [
        [image.digest, "trusted", later(3), []],
        [moved.digest, "untrusted", later(2), ["no-provenance"]],
        [image.digest, "trusted", later(0), []],
      ],
    );
    assert.deepEqual((await store.listPast(moved, 9)).length, 1);
    assert.deepEqual((await store.listPast({ registry: image.registry, repository: image.repository }, 9)).length, 0);
  });

  test("digests that are asked for alone have each a history of its own", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const image = newImage();
    const other = pin(image, digest("other"));
    for (let i = 0; i < 3; i++)
      for (const each of [image, other]) await store.saveAnswer(judged(answerOf(each, { asOf: later(i) })));
    assert.equal((await store.listPast({ registry: image.registry, repository: image.repository }, 9)).length, 2);
  });

  test("a history ends somewhere, its oldest verdicts first", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const image = newImage("v1");
    for (let i = 0; i < MAX_PAST + 3; i++)
      await store.saveAnswer(judged(answerOf(image, { asOf: later(i), level: i % 2 })));
    const past = await store.listPast(image, 1000);
    assert.equal(past.length, MAX_PAST);
    assert.deepEqual([past[0]?.asOf, past.at(-1)?.asOf], [later(MAX_PAST + 2), later(3)]);
  });
}
