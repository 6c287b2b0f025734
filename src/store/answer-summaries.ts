import type { AnswerSummary, JudgedAnswer } from "../answer/ports.ts";
import { placeOf } from "./answer-row.ts";
import { isText, toText } from "./json.ts";
import { MAX_TRIES, supersedePlaces } from "./summary-places.ts";
import type { StoreTools, Transact } from "./transact.ts";

/** The signed summaries of an answer, by platform. */
export function listAnswerSummaries({ db, attempt }: StoreTools, id: string): Promise<readonly AnswerSummary[]> {
  return attempt("read the summaries of an answer", async () => {
    if (!isText(id)) return [];
    const rows = await db
      .selectFrom("answer_summaries")
      .select(["signature", "image", "platform", "result", "bundle"])
      .where("answer_id", "=", id)
      .orderBy("image")
      .orderBy("signature")
      .execute();
    return rows.map(({ platform, ...row }) => ({ ...row, platform: platform ?? undefined }));
  });
}

/** Those of the answer that was replaced go, with what they are of. */
export async function replaceAnswerSummaries(tx: Transact, { answer, summaries }: JudgedAnswer): Promise<void> {
  await tx.deleteFrom("answer_summaries").where("answer_id", "=", answer.id).execute();
  if (summaries.length === 0) return;
  const { name, tag } = placeOf(answer.image);
  const images = summaries.map(({ image }) => image);
  await supersedePlaces(tx, { kind: "answer", name, tag }, images, answer.asOf);
  // By a former policy: a PASSED that waited for its registry isn't hung any more on an image that may fail now.
  const about = tx
    .selectFrom("answers")
    .select("id")
    .where("name", "=", name)
    .where("tag", "=", tag)
    .where("digest", "=", answer.image.digest);
  await tx
    .updateTable("answer_summaries")
    .set({ tries: MAX_TRIES })
    .where("attached", "is", null)
    .where("answer_id", "in", about)
    .execute();
  await tx
    .insertInto("answer_summaries")
    .values(
      summaries.map(({ signature, image, platform, result, bundle }) => ({
        signature,
        answer_id: answer.id,
        image: toText(image),
        platform: platform === undefined ? null : toText(platform),
        result,
        bundle,
        due_at: answer.asOf,
      })),
    )
    .execute();
}
