import assert from "node:assert/strict";
import { test } from "node:test";
import { sql } from "kysely";
import { digestOf } from "../../src/image/digest.ts";
import { pin } from "../../src/image/reference.ts";
import { forgetEvidence, MAX_EVIDENCE_BYTES } from "../../src/store/answer-evidence.ts";
import { openDatabase } from "../../src/store/database.ts";
import { createAttempt } from "../../src/store/error.ts";
import { createTools, type StoreTools } from "../../src/store/transact.ts";
import { answerOf, digest, evidenceOf, judged, later, newImage } from "./answer-fixture.ts";
import { type Dialect, newPlace, type SharedStore } from "./places.ts";

export function testAnswerEvidence(shared: SharedStore, dialect: Dialect): void {
  test("evidence is read to the byte as it was kept", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const image = newImage("v1");
    const many = Array.from({ length: 700 }, (_, i) => `blob ${i}`);
    const evidence = evidenceOf(image, ...many, "", new Uint8Array([0, 255, 92, 48]));
    const answer = answerOf(image);
    await store.saveAnswer(judged(answer, { evidence }));
    const read = await store.readAnswerEvidence(answer.id);
    assert.deepEqual(read?.image, evidence.image);
    assert.deepEqual([...(read?.bytes ?? [])].map(hexed).sort(), [...evidence.bytes].map(hexed).sort());
    const bare = answerOf(newImage("v1"));
    await store.saveAnswer(judged(bare, { evidence: evidenceOf(bare.image) }));
    assert.equal((await store.readAnswerEvidence(bare.id))?.bytes.size, 0);
  });

  test("evidence is kept of the newest answer under a tag alone, and of what isn't too large", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const image = newImage("v1");
    const has = async (id: string) => (await store.readAnswerEvidence(id)) !== undefined;
    const evidence = evidenceOf(image, "shared");
    const [first, moved, late] = [
      answerOf(image),
      answerOf(pin(image, digest("moved")), { asOf: later(2) }),
      answerOf(pin(image, digest("late")), { asOf: later(1) }),
    ];
    for (const answer of [first, moved, late]) await store.saveAnswer(judged(answer, { evidence }));
    assert.deepEqual(await Promise.all([first, moved, late].map(({ id }) => has(id))), [false, true, false]);
    const again = answerOf(moved.image, { asOf: later(3) });
    await store.saveAnswer(judged(again));
    assert.equal(await has(again.id), false, "what the replaced one rested on isn't what this one rests on");
    const large = answerOf(newImage("v1"));
    await store.saveAnswer(judged(large, { evidence: evidenceOf(large.image, new Uint8Array(MAX_EVIDENCE_BYTES)) }));
    assert.equal(await has(large.id), false);
  });

  test("bytes under another digest than their own are never kept", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const answer = answerOf(newImage("v1"));
    const evidence = { ...evidenceOf(answer.image), bytes: new Map([[digest("one"), Buffer.from("another")]]) };
    await assert.rejects(store.saveAnswer(judged(answer, { evidence })), { code: "damaged" });
    assert.equal(await store.readAnswer(answer.id), undefined);
  });

  test("a byte that was changed in the database is noticed, and bytes that nobody names are forgotten", async (t) => {
    const place = await newPlace(t, dialect);
    if (!place) return;
    const answer = answerOf(newImage("v1"));
    const gone = answerOf(newImage("v1"));
    const save = async () => {
      const store = await place.open();
      for (const each of [answer, gone])
        await store.saveAnswer(judged(each, { evidence: evidenceOf(each.image, "shared", each.id) }));
      await store.close();
    };
    await save();
    const read = async () => {
      const store = await place.open();
      try {
        return (await store.readAnswerEvidence(answer.id))?.bytes.size;
      } finally {
        await store.close();
      }
    };
    await past(place.address, async ({ db }) => {
      await sql`update evidence_blobs set bytes = 'sharee' where digest = ${digest("shared")}`.execute(db);
    });
    await assert.rejects(read(), { code: "damaged" });
    await past(place.address, async ({ db }) => {
      await sql`update evidence_blobs set bytes = 'shared' where digest = ${digest("shared")}`.execute(db);
      await sql`update answer_evidence set entry = '{}' where answer_id = ${answer.id}`.execute(db);
    });
    await assert.rejects(read(), { code: "damaged" });
    await save();
    assert.equal(await read(), 2);
    await past(place.address, async (tools) => {
      const blobs = async () =>
        (await tools.db.selectFrom("evidence_blobs").select("digest").execute()).map((row) => row.digest).sort();
      const all = [answer.id, gone.id, "shared"].map(digest).sort();
      await tools.db.deleteFrom("answers").where("id", "=", gone.id).execute();
      await forgetEvidence(tools, new Date());
      assert.deepEqual(await blobs(), all, "whoever wrote it may be about to name it");
      await forgetEvidence(tools, new Date(Date.now() + 7_200_000));
      assert.deepEqual(await blobs(), [answer.id, "shared"].map(digest).sort());
      await forgetEvidence(tools, new Date(Date.now() + 7_200_000), 10);
      assert.deepEqual(await blobs(), [], "more than may be kept of all");
    });
    assert.equal(await read(), undefined);
  });
}

function hexed([name, bytes]: readonly [string, Uint8Array]): string {
  assert.equal(digestOf(bytes), name);
  return `${name} ${Buffer.from(bytes).toString("hex")}`;
}

/** Asks the database past the store. */
async function past(
  address: Parameters<typeof openDatabase>[0],
  run: (tools: StoreTools) => Promise<void>,
): Promise<void> {
  const database = await openDatabase(address, () => {});
  try {
    await run(createTools(database.db, createAttempt(database.conceal)));
  } finally {
    await database.close();
  }
}
