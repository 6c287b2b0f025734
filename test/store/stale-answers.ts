import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import type { Answer } from "../../src/answer/answer.ts";
import type { InquiryEnd } from "../../src/answer/inquiry.ts";
import type { ImageReference } from "../../src/image/reference.ts";
import { pin } from "../../src/image/reference.ts";
import type { Store } from "../../src/store/store.ts";
import { answerOf, digest, evidenceOf, judged, later, NOON, newImage, PUBLISHED } from "./answer-fixture.ts";
import { type Dialect, newPlace } from "./places.ts";

export function testStaleAnswers(dialect: Dialect): void {
  test("answers that have lapsed, that are by another policy, or that are old and asked for are to be made anew", async (t) => {
    const place = await newPlace(t, dialect);
    if (!place) return;
    const store = await place.open();
    const save = async (image: Parameters<typeof answerOf>[0], given: Partial<Answer> = {}) => {
      const answer = answerOf(image, given);
      await store.saveAnswer(judged(answer));
      return answer.id;
    };
    const now = later(30);
    const old = { name: "old", digest: digest("old policy") };
    const older = { name: "older", digest: digest("older policy") };
    const aged = await save(newImage("old"), { asOf: later(1) });
    const expected = [
      aged,
      await save(newImage("lapsed"), { asOf: later(29), validUntil: now }),
      await save(newImage("old-policy"), { asOf: later(28), policy: old }),
    ];
    await save(newImage("fresh"), { asOf: later(29), validUntil: later(31) });
    const both = newImage("both");
    await save(both, { asOf: later(1), policy: old });
    await save(both, { asOf: later(29) });
    const moved = newImage("moved");
    await save(moved, { asOf: later(1), validUntil: later(2) });
    await save(pin(moved, digest("now")), { asOf: later(29) });
    const twice = newImage("twice");
    await save(twice, { asOf: later(1), policy: older });
    expected.push(await save(twice, { asOf: later(27), policy: old }));
    const names = async (at = now) => (await store.listStaleAnswers(PUBLISHED, at, 100)).map(({ id }) => id).sort();
    assert.deepEqual(await names(), expected.sort());
    assert.equal((await store.listStaleAnswers(PUBLISHED, now, 2)).length, 2);
    const nextWeek = await names(later(24 * 9));
    assert.deepEqual(
      expected.filter((id) => !nextWeek.includes(id)),
      [aged],
      "nobody has asked for it for long by then",
    );
  });

  test("what nobody asks for isn't made anew each day for its age, but before a month has passed, and forgotten in the end with all that belongs to it", async (t) => {
    const place = await newPlace(t, dialect);
    if (!place) return;
    const store = await place.open();
    const answer = answerOf(newImage("v1"));
    await store.saveAnswer(judged(answer, { evidence: evidenceOf(answer.image, "x"), ancestors: [digest("base")] }));
    await store.saveTag("ghcr.io/acme/forgotten", "v1", digest("x"), NOON);
    const day = (days: number) => later(24 * days);
    const isStale = async (at: Date) => (await store.listStaleAnswers(PUBLISHED, at, 9)).length > 0;
    assert.deepEqual([await isStale(day(2)), await isStale(day(8))], [true, false]);
    await store.noteAsked(answer.id, later(0.5));
    await store.noteAsked(answer.id, day(7));
    assert.equal(await isStale(day(8)), true);
    await store.noteAsked(answer.id, later(0.5, day(7)));
    assert.equal(await isStale(later(0.25, day(14))), false, "kept to the hour");
    assert.deepEqual([await isStale(day(29)), await isStale(later(1, day(29)))], [false, true]);
    const isThere = async () => [
      (await store.findHead(PUBLISHED, answer.image)) !== undefined,
      (await store.listPast(answer.image, 9)).length,
    ];
    await store.sweep(day(96));
    assert.deepEqual(await isThere(), [true, 1]);
    await store.sweep(day(98));
    assert.deepEqual(await isThere(), [false, 0]);
    assert.equal(await store.readTag("ghcr.io/acme/forgotten", "v1"), undefined);
  });

  test("what is being asked about isn't asked again, what wasn't there not before a day has passed", async (t) => {
    const place = await newPlace(t, dialect);
    if (!place) return;
    const store = await place.open();
    const image = newImage("v1");
    await store.saveAnswer(judged(answerOf(image, { validUntil: later(1) })));
    const { digest: _, ...tagged } = image;
    const stale = async (at: Date) => (await store.listStaleAnswers(PUBLISHED, at, 9)).length;
    assert.equal(await stale(later(2)), 1);
    const other = await open(store, { ...tagged, tag: "v2" });
    assert.equal(await stale(later(2)), 1);
    await other({ kind: "nothing", at: later(2) });
    const first = await open(store, tagged);
    assert.equal(await stale(later(2)), 0);
    await first({ kind: "answered", answer: "x", at: later(2) });
    assert.deepEqual([await stale(later(2.5)), await stale(later(3.5))], [0, 1]);
    const second = await open(store, image);
    await second({ kind: "nothing", at: later(4) });
    assert.deepEqual([await stale(later(27)), await stale(later(29))], [0, 1]);
    const third = await open(store, tagged);
    await third({ kind: "not-looked", reason: "no route", at: later(29) });
    assert.deepEqual([await stale(later(52)), await stale(later(54))], [0, 1]);
    await store.sweep(later(24 * 8));
    assert.equal(await store.readInquiry(second.id), undefined);
  });
}

async function open(store: Store, image: ImageReference) {
  const state = { image, repository: undefined, askedAt: NOON, failures: 0, waiting: undefined };
  const opened = await store.openInquiry({ ...state, id: randomUUID(), end: undefined });
  const end = (end: InquiryEnd) => store.saveInquiry({ ...opened, end });
  return Object.assign(end, { id: opened.id });
}
