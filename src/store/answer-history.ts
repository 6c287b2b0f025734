import type { PastAnswer } from "../answer/answer.ts";
import type { JudgedAnswer } from "../answer/ports.ts";
import { parseDigest } from "../image/digest.ts";
import { type ImageReference, imageName } from "../image/reference.ts";
import { placeOf } from "./answer-row.ts";
import { toJson } from "./json.ts";
import type { StoreTools, Transact } from "./transact.ts";

/** How many verdicts are kept of a name and tag. */
export const MAX_PAST = 200;

/** Adds a verdict to the history, unless it says the same as the last one there. Whoever calls holds the lock of its name and tag. */
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
  const last = await past
    .select(["digest", "policy_digest", "outcome", "level", "result", "is_public"])
    // Digests that are asked for alone have each a history of its own.
    .$if(tag === "", (query) => query.where("digest", "=", answer.image.digest))
    .orderBy("as_of", "desc")
    .orderBy("id", "desc")
    .executeTakeFirst();
  if (
    last?.digest === row.digest &&
    last.policy_digest === row.policy_digest &&
    last.outcome === row.outcome &&
    last.level === row.level &&
    last.result === row.result &&
    last.is_public === row.is_public
  )
    return;
  await tx
    .insertInto("answer_history")
    .values({ ...row, name, tag, as_of: answer.asOf, faults: toJson([...new Set(faults)]) })
    .execute();
  const surplus = past.select("id").orderBy("as_of", "desc").orderBy("id", "desc").offset(MAX_PAST);
  await tx.deleteFrom("answer_history").where("id", "in", surplus).execute();
}

/** The newest first; of answers for everyone alone. */
export function listPast(
  { db, attempt }: StoreTools,
  image: ImageReference,
  limit: number,
): Promise<readonly PastAnswer[]> {
  const { digest } = image;
  return attempt("read the history of an image", async () => {
    const rows = await db
      .selectFrom("answer_history")
      .selectAll()
      .where("name", "=", imageName(image))
      .where("tag", "=", image.tag ?? "")
      .where("is_public", "=", true)
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
