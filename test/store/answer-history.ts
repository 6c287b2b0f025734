import assert from "node:assert/strict";
import { test } from "node:test";
import { sql } from "kysely";
import type { Answer } from "../../src/answer/answer.ts";
import { pin } from "../../src/image/reference.ts";
import { MAX_PAST } from "../../src/store/answer-history.ts";
import { openDatabase } from "../../src/store/database.ts";
import { MIGRATIONS } from "../../src/store/migrations.ts";
import { answerOf, digest, judged, later, NOON, newImage } from "./answer-fixture.ts";
import { newRepository } from "./build-fixture.ts";
import { type Dialect, newPlace, type SharedStore } from "./places.ts";

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
    // Nor does a verdict of a time to come outlive the word that it may not be told any more.
    const other = pin(image, digest("other"));
    const hidden = { kind: "readers", repositoryIds: ["5"] } as const;
    await store.saveAnswer(judged(answerOf(other, { asOf: later(MAX_PAST * 2) })));
    await store.saveAnswer(judged(answerOf(other, { asOf: NOON, audience: hidden }), { doneAt: NOON }));
    for (let i = 0; i < MAX_PAST + 3; i++)
      await store.saveAnswer(judged(answerOf(image, { asOf: later(i), level: i % 2 })));
    const past = await store.listPast(image, 1000);
    assert.equal(past.length, MAX_PAST);
    assert.deepEqual([past[0]?.asOf, past.at(-1)?.asOf], [later(MAX_PAST + 2), later(3)]);
  });

  test("R3 a digest whose source turned private since is in no history, whatever was said of it, and without a gap", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const [turning, staying] = [newRepository(), newRepository()];
    await store.rememberRepository(turning);
    await store.rememberRepository(staying);
    const image = newImage("v1");
    const moved = pin(image, digest("moved"));
    const unsigned = { outcome: "undetermined", level: 0, result: digest("undetermined") } as const;
    for (const answer of [
      answerOf(image, { ...unsigned }),
      answerOf(image, { asOf: later(1), facts: madeFrom(turning.id) }),
      answerOf(moved, { asOf: later(2), facts: madeFrom(staying.id, "\0", "1e3", "99999999999999999999") }),
    ])
      await store.saveAnswer(judged(answer));
    const { digest: _, ...tagged } = image;
    const told = async (limit = 9) => (await store.listPast(tagged, limit)).map((each) => each.digest);
    assert.deepEqual(await told(), [moved.digest, image.digest, image.digest]);
    await store.rememberRepository({ ...turning, isPrivate: true });
    assert.deepEqual(await told(), [moved.digest]);
    assert.deepEqual(await store.listPast(image, 9), []);
    // Its answer is forgotten one day, and the app taken from it: its history still knows.
    await store.forgetRepository(turning.id);
    await store.saveAnswer(judged(answerOf(moved, { asOf: later(3), facts: madeFrom(staying.id), ...unsigned })));
    assert.deepEqual(await told(1), [moved.digest]);
    assert.deepEqual(await told(), [moved.digest, moved.digest]);
    await store.rememberRepository(turning);
    assert.equal((await told()).length, 4);
  });

  test("R3 R14 a verdict of a time to come isn't the last word on who may be told", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const image = newImage("v1");
    const hidden = { kind: "readers", repositoryIds: ["5"] } as const;
    const save = async (at: Date, given: Partial<Answer> = {}) =>
      store.saveAnswer(judged(answerOf(image, { asOf: at, ...given }), { doneAt: at }));
    const told = async () => (await store.listPast(image, 9)).length;
    await save(later(48));
    assert.equal(await told(), 1);
    await save(later(1), { audience: hidden });
    assert.equal(await told(), 0);
    await save(later(2));
    assert.equal(await told(), 2);
  });

  test("R3 a verdict that is said again by another source is of both", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const [first, second] = [newRepository(), newRepository()];
    const image = newImage("v1");
    await store.saveAnswer(judged(answerOf(image, { facts: madeFrom(first.id) })));
    await store.saveAnswer(judged(answerOf(image, { asOf: later(1), facts: madeFrom(second.id) })));
    assert.equal((await store.listPast(image, 9)).length, 1);
    for (const each of [first, second]) {
      await store.rememberRepository({ ...each, isPrivate: true });
      assert.deepEqual(await store.listPast(image, 9), []);
      await store.rememberRepository({ ...each, isPrivate: false });
      assert.equal((await store.listPast(image, 9)).length, 1);
    }
  });
}

/** Facts of an image that statements of these repositories are about. */
function madeFrom(...ids: readonly (number | string)[]): Answer["facts"] {
  const of = {
    repository: "https://github.com/acme/app",
    ownerId: null,
    commit: null,
    ref: null,
    run: null,
    builder: null,
  };
  return { sources: ids.map((id) => ({ ...of, repositoryId: String(id) })), dockerfiles: [], packages: [] };
}

/** What was noted before sources were. */
export function testOlderHistory(dialect: Dialect): void {
  test("R3 what was noted before sources were gets those of its answer, and is told no more where none is left", async (t) => {
    const place = await newPlace(t, dialect);
    if (!place) return;
    const step = MIGRATIONS.find(({ name }) => name === "whose sources a verdict of the past names");
    assert.ok(step);
    const repository = newRepository();
    const [kept, bare, gone] = [newImage("kept"), newImage("bare"), newImage("gone")];
    const answer = answerOf(gone);
    const former = await place.open();
    for (const each of [answerOf(kept, { facts: madeFrom(repository.id, "1e3") }), answerOf(bare), answer])
      await former.saveAnswer(judged(each));
    await former.close();
    const database = await openDatabase(place.address, assert.ifError);
    try {
      await database.db.deleteFrom("answers").where("id", "=", answer.id).execute();
      for (const statement of ["alter table answer_history drop column sources", ...step.statements])
        await sql.raw(statement).execute(database.db);
    } finally {
      await database.close();
    }
    const store = await place.open();
    const told = async () =>
      Promise.all([kept, bare, gone].map(async (image) => (await store.listPast(image, 9)).length));
    assert.deepEqual(await told(), [1, 1, 0]);
    await store.rememberRepository({ ...repository, isPrivate: true });
    assert.deepEqual(await told(), [0, 1, 0]);
    await store.saveAnswer(judged(answerOf(gone, { asOf: later(1) })));
    assert.deepEqual(await told(), [0, 1, 1], "said again, it is known whose it is");
  });
}
