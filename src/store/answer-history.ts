import { sql } from "kysely";
import type { Answer, PastAnswer } from "../answer/answer.ts";
import type { JudgedAnswer } from "../answer/ports.ts";
import { parseDigest } from "../image/digest.ts";
import { type ImageReference, imageName } from "../image/reference.ts";
import { placeOf } from "./answer-row.ts";
import { toJson } from "./json.ts";
import type { StoreTools, Transact } from "./transact.ts";

/** How many verdicts are kept of a name and tag. */
export const MAX_PAST = 200;

/** GitHub's number of a repository. */
const NUMBER = /^[1-9][0-9]{0,15}$/;

/**
 * Adds a verdict to the history, unless it says the same as the last one there: that one then names the sources of both. Whoever calls holds
 * the lock of its name and tag.
 */
export async function notePast(tx: Transact, { answer, faults }: JudgedAnswer): Promise<void> {
  const { name, tag } = placeOf(answer.image);
  const past = tx.selectFrom("answer_history").where("name", "=", name).where("tag", "=", tag);
  const row = {
    digest: answer.image.digest,
    policy_digest: answer.policy.digest,
    outcome: answer.outcome,
    level: answer.level,
    result: answer.result,
    is_public: answer.audience.kind === "everyone",
  };
  const sources = numbersOf(answer);
  const last = await past
    .select(["id", "sources", "digest", "policy_digest", "outcome", "level", "result", "is_public"])
    // Digests that are asked for alone have each a history of its own.
    .$if(tag === "", (query) => query.where("digest", "=", answer.image.digest))
    // As they were noted: a clock that was ahead once must not stay the last word.
    .orderBy("id", "desc")
    .executeTakeFirst();
  if (
    last?.digest === row.digest &&
    last.policy_digest === row.policy_digest &&
    last.outcome === row.outcome &&
    last.level === row.level &&
    last.result === row.result &&
    last.is_public === row.is_public
  ) {
    const both = [...new Set([...(last.sources ?? []), ...sources])];
    if (last.sources?.length !== both.length)
      await tx
        .updateTable("answer_history")
        .set({ sources: toJson(both) })
        .where("id", "=", last.id)
        .execute();
    return;
  }
  await tx
    .insertInto("answer_history")
    .values({ ...row, name, tag, as_of: answer.asOf, faults: toJson([...new Set(faults)]), sources: toJson(sources) })
    .execute();
  const surplus = past.select("id").orderBy("id", "desc").offset(MAX_PAST);
  await tx.deleteFrom("answer_history").where("id", "in", surplus).execute();
}

function numbersOf({ facts }: Answer): readonly string[] {
  const numbers = facts.sources.flatMap(({ repositoryId: id }) => (id !== null && NUMBER.test(id) ? [id] : []));
  return [...new Set(numbers)];
}

/**
 * The newest first; of answers for everyone alone. Of a digest nothing is told of which the last verdict noted isn't for everyone, or of which
 * any verdict names a source that is private by now: what was said of it before would tell that it is there (RULES R3).
 */
export function listPast(
  { db, attempt }: StoreTools,
  image: ImageReference,
  limit: number,
): Promise<readonly PastAnswer[]> {
  const { digest } = image;
  const [name, tag] = [imageName(image), image.tag ?? ""];
  return attempt("read the history of an image", async () => {
    const rows = await db
      .selectFrom("answer_history")
      .selectAll()
      .where("name", "=", name)
      .where("tag", "=", tag)
      .where("is_public", "=", true)
      // Of which it isn't known whose they are, nobody could say that they may be told.
      .where("sources", "is not", null)
      // Before the list is cut, and by numbers alone, whatever the server: as in other lists.
      .where(
        sql<boolean>`digest not in (
          select named.digest from answer_history named
            cross join lateral jsonb_array_elements_text(named.sources) as source(id)
            join repositories on repositories.id = source.id::bigint
          where named.name = ${name} and named.tag = ${tag} and repositories.is_private)`,
      )
      .where(
        sql<boolean>`(
          select newest.is_public from answer_history newest
          where newest.name = ${name} and newest.tag = ${tag} and newest.digest = answer_history.digest
          order by newest.id desc limit 1)`,
      )
      .$if(digest !== undefined, (query) => query.where("digest", "=", digest ?? ""))
      .orderBy("as_of", "desc")
      .orderBy("id", "desc")
      .limit(Math.max(1, limit))
      .execute();
    return rows.map(({ policy_digest, outcome, level, as_of, result, faults, ...row }) => ({
      digest: parseDigest(row.digest),
      policy: parseDigest(policy_digest),
      outcome,
      level,
      asOf: as_of,
      result: parseDigest(result),
      faults,
    }));
  });
}
