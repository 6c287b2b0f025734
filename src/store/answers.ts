import { sql } from "kysely";
import { isAhead } from "../answer/answer.ts";
import { answerFactsSchema } from "../answer/facts.ts";
import { type AnswerReader, type AnswerWriter, type JudgedAnswer, MAX_PAGE } from "../answer/ports.ts";
import { parseDigest } from "../image/digest.ts";
import { keepEvidence, readEvidence } from "./answer-evidence.ts";
import { listPast, notePast } from "./answer-history.ts";
import { HEAD_COLUMNS, headOf, placeOf, rowOfHead } from "./answer-row.ts";
import { listDescendants, searchAnswers } from "./answer-search.ts";
import { listAnswerSummaries, replaceAnswerSummaries } from "./answer-summaries.ts";
import { isText, toJson } from "./json.ts";
import { rememberPublished } from "./published-images.ts";
import type { StoreTools, Transact } from "./transact.ts";

/** So many rows go into one statement: it may have 65535 parameters. */
const BATCH = 5000;

export function createAnswers(tools: StoreTools): AnswerReader & AnswerWriter {
  const { db, attempt, transact } = tools;
  return {
    readTag: (name, tag) =>
      attempt("read what a tag was last seen to name", async () => {
        const row = await db
          .selectFrom("answer_tags")
          .select(["digest", "seen_at"])
          .where("name", "=", name)
          .where("tag", "=", tag)
          .executeTakeFirst();
        return row && { digest: parseDigest(row.digest), seenAt: row.seen_at };
      }),
    findHead: (published, image) =>
      attempt("find an answer", async () => {
        const { name, tag } = placeOf(image);
        const row = await db
          .selectFrom("answers")
          .select(HEAD_COLUMNS)
          .where("name", "=", name)
          .where("tag", "=", tag)
          .where("digest", "=", image.digest)
          .orderBy(({ eb }) => eb("policy_digest", "=", published), "desc")
          .orderBy("as_of", "desc")
          .executeTakeFirst();
        return row && headOf(row);
      }),
    listHeads: (published, digest) =>
      attempt("find the answers about a digest", async () => {
        const rows = await db
          .selectFrom("answers")
          .select(HEAD_COLUMNS)
          .where("digest", "=", digest)
          .where("policy_digest", "=", published)
          // Hidden ones, which anyone can make, must not crowd out what everyone may see.
          .orderBy("is_public", "desc")
          .orderBy("as_of", "desc")
          .orderBy("id")
          .limit(MAX_PAGE)
          .execute();
        return rows.map(headOf);
      }),
    readAnswer: (id) =>
      attempt("read an answer", async () => {
        if (!isText(id)) return undefined;
        const row = await db
          .selectFrom("answers")
          .select([...HEAD_COLUMNS, "document", "facts"])
          .where("id", "=", id)
          .executeTakeFirst();
        return row && { ...headOf(row), document: row.document, facts: answerFactsSchema.parse(row.facts) };
      }),
    listPast: (image, limit) => listPast(tools, image, limit),
    listDescendants: (published, digest, limit, after) => listDescendants(tools, published, digest, limit, after),
    search: (published, by, limit, after) => searchAnswers(tools, published, by, limit, after),
    listAnswerSummaries: (id) => listAnswerSummaries(tools, id),
    readAnswerEvidence: (id) => readEvidence(tools, id),
    saveAnswer: (judged) => transact("save an answer", (tx) => save(tx, judged)),
    saveTag: (name, tag, digest, seenAt) =>
      attempt("save what a tag names", async () => {
        await db
          .insertInto("answer_tags")
          .values({ name, tag, digest, seen_at: seenAt })
          .onConflict((conflict) =>
            conflict
              .columns(["name", "tag"])
              .doUpdateSet({ digest, seen_at: seenAt })
              .where("answer_tags.seen_at", "<", seenAt),
          )
          .execute();
      }),
  };
}

async function save(tx: Transact, judged: JudgedAnswer): Promise<void> {
  const { answer, ancestors, known = [] } = judged;
  const { name, tag } = placeOf(answer.image);
  // One at a time for a tag: which of its answers is the newest, and what its history has last, depends on the others.
  const place = JSON.stringify(["answers", name, tag]);
  await sql`select pg_advisory_xact_lock(hashtextextended(${place}, 0))`.execute(tx);
  const previous = await tx
    .selectFrom("answers")
    .select(["id", "as_of"])
    .where("name", "=", name)
    .where("tag", "=", tag)
    .where("digest", "=", answer.image.digest)
    .where("policy_digest", "=", answer.policy.digest)
    .forUpdate()
    .executeTakeFirst();
  if (previous !== undefined && isNewer(previous.as_of, judged)) return;
  const isNewest = await becomesNewest(tx, judged);
  const row = {
    ...rowOfHead(answer),
    is_newest: isNewest,
    document: toJson(answer.document),
    facts: toJson(answer.facts),
  };
  if (previous === undefined)
    await tx
      .insertInto("answers")
      .values({ ...row, asked_at: answer.asOf })
      .execute();
  else {
    // Its id with it: whoever was told that there is one, and whose it is, must not read another under that word.
    await tx.updateTable("answers").set(row).where("id", "=", previous.id).execute();
    await tx.updateTable("inquiries").set({ answer: answer.id }).where("answer", "=", previous.id).execute();
    await tx.deleteFrom("answer_images").where("answer_id", "=", answer.id).execute();
  }
  const images = [...new Set(ancestors)].filter((digest) => digest !== answer.image.digest);
  for (let i = 0; i < images.length; i += BATCH) {
    await tx
      .insertInto("answer_images")
      .values(images.slice(i, i + BATCH).map((digest) => ({ answer_id: answer.id, digest })))
      .execute();
  }
  await notePast(tx, judged);
  await replaceAnswerSummaries(tx, judged);
  await keepEvidence(tx, answer.id, isNewest ? judged.evidence : undefined);
  if (answer.outcome === "trusted" && answer.audience.kind === "everyone")
    await rememberPublished(tx, answer.policy.digest, known);
}

function isNewer(other: Date, { answer, doneAt }: JudgedAnswer): boolean {
  return other > answer.asOf && !isAhead(other, doneAt);
}

/** Whether it is the newest of its tag by its policy; then the others have been, and what they rest on is forgotten. */
async function becomesNewest(tx: Transact, judged: JudgedAnswer): Promise<boolean> {
  const { answer } = judged;
  const { name, tag } = placeOf(answer.image);
  if (tag === "") return true;
  const others = await tx
    .selectFrom("answers")
    .select(["id", "as_of"])
    .where("name", "=", name)
    .where("tag", "=", tag)
    .where("policy_digest", "=", answer.policy.digest)
    .where("digest", "!=", answer.image.digest)
    .where("is_newest", "=", true)
    .execute();
  if (others.some(({ as_of }) => isNewer(as_of, judged))) return false;
  const ids = others.map(({ id }) => id);
  if (ids.length > 0) {
    await tx.updateTable("answers").set({ is_newest: false }).where("id", "in", ids).execute();
    await tx.deleteFrom("answer_evidence").where("answer_id", "in", ids).execute();
  }
  return true;
}
