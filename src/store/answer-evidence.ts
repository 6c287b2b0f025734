import { sql } from "kysely";
import type { AnswerEvidence } from "../answer/ports.ts";
import { type Digest, digestOf, parseDigest } from "../image/digest.ts";
import { exportedEvidenceSchema } from "../trust/exported-evidence.ts";
import { StoreError } from "./error.ts";
import { isText } from "./json.ts";
import type { StoreTools, Transact } from "./transact.ts";

/** Most that is kept of one answer, in bytes; with more it has no evidence. An ordinary ancestry has some megabytes. */
export const MAX_EVIDENCE_BYTES = 64 * 1024 * 1024;
/** Most that is kept of all answers together, in bytes, and how much of it is left when the least asked for goes: anyone may ask. */
export const EVIDENCE_BYTES = 4 * 1024 * 1024 * 1024;
const SHARE_LEFT = 0.75;
/** So much goes into one statement. */
const BATCH_BYTES = 4 * 1024 * 1024;
const BATCH_ROWS = 500;
/** What nobody names is kept so long, in milliseconds: whoever is about to name it has written it before. */
const UNNAMED_MS = 3_600_000;

const entrySchema = exportedEvidenceSchema.shape.images.element;

/** What an answer rests on takes the place of what was kept of it. */
export async function keepEvidence(tx: Transact, id: string, evidence: AnswerEvidence | undefined): Promise<void> {
  await tx.deleteFrom("answer_evidence").where("answer_id", "=", id).execute();
  if (evidence === undefined) return;
  const entry = JSON.stringify(evidence.image);
  let size = Buffer.byteLength(entry);
  for (const bytes of evidence.bytes.values()) size += bytes.length;
  if (size > MAX_EVIDENCE_BYTES) return;
  await tx.insertInto("answer_evidence").values({ answer_id: id, entry, size }).execute();
  for (const batch of batchesOf(evidence)) {
    await tx
      .insertInto("evidence_blobs")
      .values(batch)
      // Written again, so that a sweep at the same time leaves it; what was changed in the database is mended.
      .onConflict((conflict) =>
        conflict.column("digest").doUpdateSet({ kept_at: sql`now()`, bytes: sql`excluded.bytes` }),
      )
      .execute();
    await tx
      .insertInto("answer_blobs")
      .values(batch.map(({ digest }) => ({ answer_id: id, digest })))
      .execute();
  }
}

/** In the order of the digests: two that write the same at once would wait for each other. */
function* batchesOf({ bytes }: AnswerEvidence) {
  let batch: { digest: Digest; bytes: Buffer }[] = [];
  let size = 0;
  for (const [digest, blob] of [...bytes].sort(([one], [other]) => (one < other ? -1 : 1))) {
    if (digestOf(blob) !== digest) throw damaged(digest);
    batch.push({ digest, bytes: Buffer.from(blob) });
    size += blob.length;
    if (size < BATCH_BYTES && batch.length < BATCH_ROWS) continue;
    yield batch;
    batch = [];
    size = 0;
  }
  if (batch.length > 0) yield batch;
}

/** @throws {StoreError} `damaged` where a byte isn't what it was. */
export function readEvidence({ db, attempt }: StoreTools, id: string): Promise<AnswerEvidence | undefined> {
  return attempt("read the evidence of an answer", async () => {
    if (!isText(id)) return undefined;
    // In one statement: an answer that is replaced meanwhile has all of it or none.
    const rows = await db
      .selectFrom("answer_evidence")
      .leftJoin("answer_blobs", "answer_blobs.answer_id", "answer_evidence.answer_id")
      .leftJoin("evidence_blobs", "evidence_blobs.digest", "answer_blobs.digest")
      .select(["evidence_blobs.digest", "evidence_blobs.bytes"])
      .select(
        sql<string | null>`case when row_number() over (order by answer_blobs.digest) = 1 then entry end`.as("entry"),
      )
      .where("answer_evidence.answer_id", "=", id)
      .orderBy("answer_blobs.digest")
      .execute();
    const entry = rows[0]?.entry;
    if (entry === undefined) return undefined;
    const image = entrySchema.safeParse(JSON.parse(entry ?? "null"));
    if (!image.success) throw damaged("the document");
    const bytes = new Map<Digest, Uint8Array>();
    for (const row of rows) {
      if (row.digest === null || row.bytes === null) continue;
      const digest = parseDigest(row.digest);
      if (digestOf(row.bytes) !== digest) throw damaged(digest);
      bytes.set(digest, row.bytes);
    }
    return { image: image.data, bytes };
  });
}

/** Forgets what is asked for least where there is more than the limit, and bytes that nobody names any more. */
export async function forgetEvidence({ db, attempt }: StoreTools, now: Date, limit = EVIDENCE_BYTES): Promise<void> {
  await attempt("forget evidence", async () => {
    const { total } = await db
      .selectFrom("answer_evidence")
      .select(sql<string>`coalesce(sum(size), 0)`.as("total"))
      .executeTakeFirstOrThrow();
    if (Number(total) > limit)
      await sql`delete from answer_evidence where answer_id in (
        select answer_id from (
          select answer_id, sum(size) over (order by asked_at desc, answer_id) as up_to
          from answer_evidence join answers on answers.id = answer_evidence.answer_id) as ranked
        where up_to > ${Math.floor(limit * SHARE_LEFT)})`.execute(db);
    await db
      .deleteFrom("evidence_blobs")
      .where("kept_at", "<", new Date(now.getTime() - UNNAMED_MS))
      .where(({ not, exists, selectFrom }) =>
        not(
          exists(
            selectFrom("answer_blobs")
              .select("answer_blobs.digest")
              .whereRef("answer_blobs.digest", "=", "evidence_blobs.digest"),
          ),
        ),
      )
      .execute();
  });
}

function damaged(what: string): StoreError {
  return new StoreError("damaged", `${what} of an answer's evidence isn't what was written`);
}
