import { sql } from "kysely";
import type { AnswerHead } from "../answer/answer.ts";
import { type AnswerSearch, MAX_PAGE, type Page } from "../answer/ports.ts";
import type { Digest } from "../image/digest.ts";
import { readCursor, writeCursor } from "./answer-cursor.ts";
import { HEAD_COLUMNS, headOf } from "./answer-row.ts";
import { isText } from "./json.ts";
import type { StoreTools } from "./transact.ts";

const NONE: Page<AnswerHead> = { entries: [], next: undefined };

/** Images for everyone, by the published policy, the newest answer first. */
export async function searchAnswers(
  tools: StoreTools,
  published: Digest,
  { text, source, owner, outcome }: AnswerSearch,
  limit: number,
  after?: string,
): Promise<Page<AnswerHead>> {
  if (![text, source, owner].every((each) => each === undefined || isText(each))) return NONE;
  const from = source?.toLowerCase().replace(/\/$/, "");
  return page(tools, published, limit, after, (query) =>
    query
      .$if(text !== undefined, (found) => found.where("search_name", "like", containing(text ?? "")))
      .$if(from !== undefined, (found) =>
        found.where(from?.includes("://") ? "search_source" : "search_path", "=", from ?? ""),
      )
      .$if(owner !== undefined, (found) => found.where("search_owner", "=", owner?.toLowerCase() ?? ""))
      .$if(outcome !== undefined, (found) => found.where("outcome", "=", outcome ?? "undetermined")),
  );
}

/** Images for everyone in whose ancestry the digest is. */
export function listDescendants(
  tools: StoreTools,
  published: Digest,
  digest: Digest,
  limit: number,
  after?: string,
): Promise<Page<AnswerHead>> {
  return page(tools, published, limit, after, (query) =>
    query.where(({ exists, selectFrom }) =>
      exists(
        selectFrom("answer_images")
          .select("answer_images.answer_id")
          .whereRef("answer_images.answer_id", "=", "answers.id")
          .where("answer_images.digest", "=", digest),
      ),
    ),
  );
}

function newest({ db }: StoreTools, published: Digest) {
  return (
    db
      .selectFrom("answers")
      .select(HEAD_COLUMNS)
      .where("policy_digest", "=", published)
      .where("is_public", "=", true)
      .where("is_newest", "=", true)
      // Before the list is cut: a gap, or a place where it goes on, would tell of what has turned private since (RULES R3). By numbers alone,
      // whatever the server: an answer too few in a list says nothing.
      .where(
        sql<boolean>`not exists (
        select 1 from jsonb_array_elements(answers.facts -> 'sources') as source
          join repositories on repositories.id::text = source ->> 'repositoryId'
        where repositories.is_private)`,
      )
  );
}

async function page(
  tools: StoreTools,
  published: Digest,
  limit: number,
  after: string | undefined,
  narrow: (query: ReturnType<typeof newest>) => ReturnType<typeof newest>,
): Promise<Page<AnswerHead>> {
  const from = after === undefined ? undefined : readCursor(after);
  const count = Math.max(1, Math.min(limit, MAX_PAGE));
  return tools.attempt("list images", async () => {
    const rows = await narrow(newest(tools, published))
      .$if(from !== undefined, (query) =>
        query.where(({ eb, refTuple, tuple }) =>
          eb(refTuple("as_of", "id"), "<", tuple(from?.asOf ?? new Date(0), from?.id ?? "")),
        ),
      )
      .orderBy("as_of", "desc")
      .orderBy("id", "desc")
      .limit(count + 1)
      .execute();
    const entries = rows.slice(0, count).map(headOf);
    const last = entries.at(-1);
    return { entries, next: rows.length > count && last !== undefined ? writeCursor(last) : undefined };
  });
}

/** What LIKE takes as text that stands anywhere. */
function containing(text: string): string {
  return `%${text.toLowerCase().replace(/[\\%_]/g, "\\$&")}%`;
}
