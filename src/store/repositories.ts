import type { Selectable } from "kysely";
import type { Repository } from "../build/build.ts";
import type { RepositoryStore } from "../build/ports.ts";
import type { RepositoryRow } from "./schema.ts";
import type { StoreTools, Transact } from "./transact.ts";

/** So many rows go into one statement: it may have 65535 parameters. */
const BATCH = 5000;

export function createRepositories({ db, attempt, transact }: StoreTools): RepositoryStore {
  const gone = { is_installed: false, is_baselined: false };
  return {
    rememberRepository: (repository) =>
      attempt(`remember the repository ${repository.id}`, async () => {
        const { id: _, ...row } = rowOf(repository);
        await db
          .insertInto("repositories")
          .values(rowOf(repository))
          .onConflict((conflict) => conflict.column("id").doUpdateSet({ ...row, is_installed: true }))
          .execute();
      }),
    readRepository: (id) =>
      attempt(`read the repository ${id}`, async () => {
        const row = await db.selectFrom("repositories").selectAll().where("id", "=", id).executeTakeFirst();
        return row?.is_installed === true ? repositoryOf(row) : undefined;
      }),
    listRepositories: () =>
      attempt("list the repositories", async () => {
        const rows = await db
          .selectFrom("repositories")
          .selectAll()
          .where("is_installed", "=", true)
          .orderBy("id")
          .execute();
        return rows.map((row) => ({ repository: repositoryOf(row), isBaselined: row.is_baselined }));
      }),
    recordBaseline: (repositoryId, tags) =>
      transact(`record the tags of repository ${repositoryId}`, async (tx) => {
        for (let i = 0; i < tags.length; i += BATCH) {
          await tx
            .insertInto("tags")
            .values(
              tags
                .slice(i, i + BATCH)
                .map(({ ref, object }) => ({ repository_id: repositoryId, ref, generation: 1, object, before: null })),
            )
            .onConflict((conflict) => conflict.columns(["repository_id", "ref"]).doNothing())
            .execute();
        }
        await tx.updateTable("repositories").set({ is_baselined: true }).where("id", "=", repositoryId).execute();
      }),
    forgetRepository: (id) =>
      attempt(`forget the repository ${id}`, async () => {
        await db.updateTable("repositories").set(gone).where("id", "=", id).execute();
      }),
    forgetInstallation: (installation) =>
      attempt(`forget the installation ${installation}`, async () => {
        await db.updateTable("repositories").set(gone).where("installation", "=", installation).execute();
      }),
  };
}

/**
 * For a push: writes the repository if it isn't known, or was reached in another way before. Otherwise what is stored stays: deliveries
 * come late and out of order, and an old one must not make a private repository public again.
 */
export async function writeIfNews(tx: Transact, repository: Repository): Promise<void> {
  const { id: _, ...row } = rowOf(repository);
  await tx
    .insertInto("repositories")
    .values(rowOf(repository))
    .onConflict((conflict) =>
      conflict
        .column("id")
        .doUpdateSet({ ...row, is_installed: true })
        .where(({ or, eb, ref }) =>
          or([
            eb("repositories.is_installed", "=", false),
            eb("repositories.installation", "!=", ref("excluded.installation")),
          ]),
        ),
    )
    .execute();
}

function rowOf(repository: Repository) {
  const { id, ownerId, owner, name, installation, isPrivate } = repository;
  return { id, owner_id: ownerId, owner, name, installation, is_private: isPrivate };
}

/** The repository of a row. */
export function repositoryOf(
  row: Pick<Selectable<RepositoryRow>, "id" | "owner_id" | "owner" | "name" | "installation" | "is_private">,
): Repository {
  const { id, owner_id, owner, name, installation, is_private } = row;
  return { id, ownerId: owner_id, owner, name, installation, isPrivate: is_private };
}
