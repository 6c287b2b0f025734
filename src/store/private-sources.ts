import { sql } from "kysely";
import type { PrivateSources } from "../answer/ports.ts";
import { isText } from "./json.ts";
import type { StoreTools } from "./transact.ts";

/** @param server - The GitHub server that the app is installed at: elsewhere the same numbers are others'. */
export function createPrivateSources({ db, attempt }: StoreTools, server: string): PrivateSources {
  return {
    listPrivateSources: (answers) =>
      attempt("look whether the sources of answers are private by now", async () => {
        const ids = answers.filter(isText);
        if (ids.length === 0) return new Map();
        const { rows } = await sql<{ readonly answer: string; readonly repository: string }>`
          select distinct answers.id as answer, repositories.id::text as repository
          from answers
            cross join lateral jsonb_array_elements(answers.facts -> 'sources') as source
            join repositories on repositories.id::text = source ->> 'repositoryId'
          where answers.id in (${sql.join(ids)}) and repositories.is_private
            and starts_with(source ->> 'repository', ${`${server}/`})
          order by 2`.execute(db);
        const found = new Map<string, string[]>();
        for (const { answer, repository } of rows) found.set(answer, [...(found.get(answer) ?? []), repository]);
        return found;
      }),
  };
}
