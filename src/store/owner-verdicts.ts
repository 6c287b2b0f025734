import { sql } from "kysely";
import { z } from "zod";
import { MAX_PAGE, type OwnerVerdict, type OwnerVerdicts } from "../answer/ports.ts";
import type { Outcome } from "../trust/verdict.ts";
import type { StoreTools } from "./transact.ts";

const Enforced = z
  .array(z.object({ policy: z.string(), conclusion: z.enum(["success", "failure", "action_required"]) }))
  .catch([]);

export function createOwnerVerdicts({ db, attempt }: StoreTools): OwnerVerdicts {
  return {
    listClaims: (name, limit) =>
      attempt("find who builds an image", async () => {
        const rows = await db
          .selectFrom("builds")
          .innerJoin("repositories", "repositories.id", "builds.repository_id")
          .select(["repositories.id", "owner", "name", "is_private"])
          .distinct()
          .where("image", "=", name)
          .where("is_installed", "=", true)
          .orderBy("repositories.id")
          .execute();
        const named = rows.filter((row) => !row.is_private).slice(0, limit);
        return { named: named.map((row) => `${row.owner}/${row.name}`), hidden: rows.length - named.length };
      }),
    listOwnerVerdicts: (name, digest) =>
      attempt("find what owners' policies say", async () => {
        const { rows } = await sql<Row>`
          select distinct on (repositories.id) repositories.id, repositories.owner_id, repositories.owner, repositories.name,
            judgements.outcome, judgements.as_of, judgements.policy_uri, judgements.policy_commit, builds.outcome->'enforced' as enforced
          from judgements
          join builds on builds.id = judgements.build_id and builds.round = judgements.round
          join repositories on repositories.id = builds.repository_id
          where judgements.image_digest = ${digest} and builds.image = ${name} and judgements.policy_kind = 'repository'
            and not repositories.is_private and repositories.is_installed
            -- What was judged for a former owner is nothing that this one says (R3).
            and builds.owner_id = repositories.owner_id and judgements.installation = repositories.installation
          order by repositories.id, builds.created_at desc, judgements.as_of desc
          limit ${MAX_PAGE}`.execute(db);
        return rows.map(verdictOf);
      }),
  };
}

interface Row {
  readonly id: number;
  readonly owner_id: number;
  readonly owner: string;
  readonly name: string;
  readonly outcome: Outcome;
  readonly as_of: Date;
  readonly policy_uri: string;
  readonly policy_commit: string;
  readonly enforced: unknown;
}

function verdictOf(row: Row): OwnerVerdict {
  return {
    repositoryId: row.id,
    ownerId: row.owner_id,
    fullName: `${row.owner}/${row.name}`,
    outcome: row.outcome,
    conclusion: Enforced.parse(row.enforced).find(({ policy }) => policy === "repository")?.conclusion,
    asOf: row.as_of,
    policyUri: row.policy_uri,
    policyCommit: row.policy_commit,
  };
}
