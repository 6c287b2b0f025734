import { sql } from "kysely";
import { MAX_AGE_MS } from "../answer/answer.ts";
import { type AskedAnswers, MAX_PAGE } from "../answer/ports.ts";
import { HEAD_COLUMNS, headOf } from "./answer-row.ts";
import { isText } from "./json.ts";
import type { StoreTools } from "./transact.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** An answer that is so old is made anew, also where nobody asks: soon it would be told no more. */
const AGED_MS = MAX_AGE_MS - DAY_MS;
/** One that is so old is, where it was asked for lately. */
const OLD_MS = DAY_MS;
const LATELY_MS = 7 * DAY_MS;
/** An image of which nothing was found isn't asked about again for so long. */
const NOTHING_MS = DAY_MS;
/** After an answer that is stale already when it is made, the next is made after so long. */
const AGAIN_MS = HOUR_MS;
/** What nobody asks for is kept so many days. */
const ANSWER_DAYS = 90;
const INQUIRY_DAYS = 7;

export function createAskedAnswers({ db, attempt }: StoreTools): AskedAnswers {
  return {
    noteAsked: (id, now) =>
      attempt("note that an answer was asked for", async () => {
        if (!isText(id)) return;
        await db
          .updateTable("answers")
          .set({ asked_at: now })
          .where("id", "=", id)
          .where("asked_at", "<", before(now, HOUR_MS))
          .execute();
      }),
    listStaleAnswers: (published, now, limit) =>
      attempt("look for stale answers", async () => {
        const rows = await db
          .selectFrom("answers")
          .select(HEAD_COLUMNS)
          .where("is_newest", "=", true)
          .where(({ or, and, eb }) =>
            or([
              eb("valid_until", "<=", now),
              eb("policy_digest", "!=", published),
              eb("as_of", "<", before(now, AGED_MS)),
              and([eb("as_of", "<", before(now, OLD_MS)), eb("asked_at", ">", before(now, LATELY_MS))]),
            ]),
          )
          // Of each question the last answer, by whichever policy: a newer one says what an older one can't any more.
          .where(
            sql<boolean>`not exists (select 1 from answers newer
              where newer.name = answers.name and newer.tag = answers.tag and newer.id != answers.id
                and (answers.tag != '' or newer.digest = answers.digest) and newer.is_newest
                and (newer.policy_digest = ${published} and answers.policy_digest != ${published}
                  or newer.policy_digest != ${published} and answers.policy_digest != ${published}
                    and (newer.as_of, newer.id) > (answers.as_of, answers.id)))`,
          )
          .where(
            sql<boolean>`not exists (select 1 from inquiries
              where inquiries.name = answers.name and inquiries.tag = answers.tag
                and inquiries.digest in ('', answers.digest)
                and (inquiries.ended_at is null or inquiries.ended_at >
                  case when inquiries.answer is null then ${before(now, NOTHING_MS)}::timestamptz
                    else ${before(now, AGAIN_MS)}::timestamptz end))`,
          )
          .orderBy("as_of")
          .orderBy("id")
          .limit(Math.min(limit, MAX_PAGE))
          .execute();
        return rows.map(headOf);
      }),
  };
}

/** Answers that nobody asks for, histories and tags of which nothing else is left, and inquiries that ended long ago. */
export async function forgetAnswers({ db, attempt }: StoreTools, now: Date): Promise<void> {
  const gone = before(now, ANSWER_DAYS * DAY_MS);
  await attempt("forget answers that nobody asks for", async () => {
    await db.deleteFrom("answers").where("asked_at", "<", gone).where("as_of", "<", gone).execute();
    await sql`delete from answer_history where as_of < ${gone} and not exists (select 1 from answers
      where answers.name = answer_history.name and answers.tag = answer_history.tag)`.execute(db);
    await sql`delete from summary_places where scope like 'answer %' and not is_superseded and not exists
      (select 1 from answers where 'answer ' || answers.name || ' ' || answers.tag = scope)`.execute(db);
    await sql`delete from answer_tags where seen_at < ${gone} and not exists (select 1 from answers
      where answers.name = answer_tags.name and answers.tag = answer_tags.tag)`.execute(db);
  });
  await attempt("forget old inquiries", () =>
    db
      .deleteFrom("inquiries")
      .where("ended_at", "<", before(now, INQUIRY_DAYS * DAY_MS))
      .execute(),
  );
}

function before(now: Date, milliseconds: number): Date {
  return new Date(now.getTime() - milliseconds);
}
