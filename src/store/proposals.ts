import { sql } from "kysely";
import type { ProposalKind, ProposalStore } from "../change/proposal-ports.ts";
import { StoreError } from "./error.ts";
import { toJson } from "./json.ts";
import type { StoreTools } from "./transact.ts";

/** What is kept of proposals, beside the repositories themselves. */
export type Proposals = Omit<ProposalStore, "readRepository">;

/** What there is to do for a proposal, as work is named. */
export function proposalWork(kind: ProposalKind, repositoryId: number): string {
  return `${kind}/${repositoryId}`;
}

/** @returns undefined for what no work of this kind is named. */
export function parseProposalWork(
  id: string,
): { readonly kind: ProposalKind; readonly repositoryId: number } | undefined {
  const [, kind, number] = /^(onboarding|pins)\/([1-9][0-9]{0,15})$/.exec(id) ?? [];
  if (kind !== "onboarding" && kind !== "pins") return undefined;
  return { kind, repositoryId: Number(number) };
}

export function createProposals({ db, attempt }: StoreTools): Proposals {
  return {
    readProposal: (repositoryId, kind) =>
      attempt(`read the proposal of kind ${kind} to repository ${repositoryId}`, () =>
        db
          .selectFrom("proposals")
          .select(["state", "version"])
          .where("repository_id", "=", repositoryId)
          .where("kind", "=", kind)
          .executeTakeFirst(),
      ),
    saveProposal: (repositoryId, kind, state, version, due) =>
      attempt(`save the proposal of kind ${kind} to repository ${repositoryId}`, async () => {
        const values = { state: toJson(state), version: version + 1, due_at: due ?? null };
        const { numInsertedOrUpdatedRows } = await db
          .insertInto("proposals")
          .values({ repository_id: repositoryId, kind, ...values })
          .onConflict((conflict) =>
            conflict.columns(["repository_id", "kind"]).doUpdateSet(values).where("proposals.version", "=", version),
          )
          .executeTakeFirst();
        if (numInsertedOrUpdatedRows !== 1n)
          throw new StoreError(
            "lost-race",
            `save the proposal of kind ${kind} to repository ${repositoryId}: somebody else has written it since`,
          );
        return version + 1;
      }),
    listDueProposals: (kind, now, limit) =>
      attempt(`find proposals of kind ${kind} to look at`, async () => {
        const { rows } = await sql<{ id: number }>`
          select repositories.id from repositories
          left join proposals on proposals.repository_id = repositories.id and proposals.kind = ${kind}
          where repositories.is_installed and (proposals.repository_id is null or proposals.due_at <= ${now})
          order by proposals.due_at nulls first, repositories.id limit ${limit}`.execute(db);
        return rows.map(({ id }) => id);
      }),
  };
}
