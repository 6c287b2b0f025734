import type { TagState, TagStore } from "../build/ports.ts";
import { newRowOf } from "./build-row.ts";
import { known, selectBuilds } from "./builds.ts";
import { StoreError } from "./error.ts";
import type { Lineages } from "./lineages.ts";
import { writePolicies } from "./policies.ts";
import type { Queue } from "./queue.ts";
import { writeIfNews } from "./repositories.ts";
import type { StoreTools, Transact } from "./transact.ts";
import { noteWake } from "./wakes.ts";

type Push = Parameters<TagStore["recordPush"]>[0];

export function createTags({ db, attempt, transact }: StoreTools, queue: Queue, lineages: Lineages): TagStore {
  return {
    readTagState: (repositoryId, ref) =>
      attempt(`read the state of ${ref}`, async () => {
        const row = await db
          .selectFrom("tags")
          .select(["generation", "object", "before"])
          .where("repository_id", "=", repositoryId)
          .where("ref", "=", ref)
          .executeTakeFirst();
        return row === undefined ? undefined : stateOf(row);
      }),
    async recordPush(push) {
      const ids = await transact(`record the push of ${push.ref}`, async (tx) => {
        await writeIfNews(tx, push.repository);
        await moveTag(tx, push);
        const made = await makeBuilds(tx, push);
        if (push.policies !== undefined) await writePolicies(tx, made, push.policies);
        await noteWake(tx, queue, "build", made);
        return made;
      });
      for (const build of push.builds) if (ids.includes(build.id)) lineages.begin(build, 1);
      return ids;
    },
    listBuilds: (repositoryId, ref) =>
      attempt(`list the builds of ${ref}`, async () => {
        const rows = await selectBuilds(db)
          .innerJoin("tags", (join) =>
            join.onRef("tags.repository_id", "=", "builds.repository_id").onRef("tags.ref", "=", "builds.ref"),
          )
          .where("builds.repository_id", "=", repositoryId)
          .where("builds.ref", "=", ref)
          .where(({ eb, ref: column }) =>
            eb(eb.fn("jsonb_extract_path_text", [column("builds.outcome"), eb.val("kind")]), "=", "verdict"),
          )
          .where(({ or, and, eb, not, exists, selectFrom }) =>
            or([
              eb("tags.object", "is", null),
              and([
                eb("builds.generation", "<", eb.ref("tags.generation")),
                // A, B, A: what rests on the first A rests on what the tag has now.
                not(
                  exists(
                    selectFrom("builds as present")
                      .select("present.id")
                      .whereRef("present.repository_id", "=", "tags.repository_id")
                      .whereRef("present.ref", "=", "tags.ref")
                      .whereRef("present.generation", "=", "tags.generation")
                      .whereRef("present.commit", "=", "builds.commit"),
                  ),
                ),
              ]),
            ]),
          )
          .orderBy("builds.created_at")
          .execute();
        return rows.map((row) => known(lineages, row));
      }),
  };
}

function stateOf(row: { generation: number; object: string | null; before: string | null }): TagState {
  return { generation: row.generation, object: row.object ?? undefined, before: row.before ?? undefined };
}

/** @throws {StoreError} `lost-race` if the tag isn't where whoever made this state saw it. */
async function moveTag(tx: Transact, { repository, ref, state }: Push): Promise<void> {
  const row = { generation: state.generation, object: state.object ?? null, before: state.before ?? null };
  const { numInsertedOrUpdatedRows } = await tx
    .insertInto("tags")
    .values({ repository_id: repository.id, ref, ...row })
    .onConflict((conflict) => conflict.columns(["repository_id", "ref"]).doNothing())
    .executeTakeFirst();
  if (numInsertedOrUpdatedRows === 1n) return;
  const tag = () => tx.selectFrom("tags").where("repository_id", "=", repository.id).where("ref", "=", ref);
  // From here on, others who push the same tag wait.
  const before = await tag().select(["generation", "object", "before"]).forUpdate().executeTakeFirstOrThrow();
  if (!follows(stateOf(before), state))
    throw new StoreError(
      "lost-race",
      `${ref} has moved since its state was read (generation ${before.generation}, not ${state.generation}): nothing was recorded; read it again`,
    );
  await tx.updateTable("tags").set(row).where("repository_id", "=", repository.id).where("ref", "=", ref).execute();
}

/** Whether it is the next state after what is stored, or the same told again. */
function follows(stored: TagState, state: TagState): boolean {
  if (state.generation === stored.generation + 1) return true;
  if (state.generation !== stored.generation) return false;
  return state.object === stored.object || (state.object === undefined && state.before === stored.object);
}

async function makeBuilds(tx: Transact, { builds }: Push): Promise<readonly string[]> {
  if (builds.length === 0) return [];
  const made = await tx
    .insertInto("builds")
    .values(builds.map(newRowOf))
    .onConflict((conflict) => conflict.constraint("builds_key").doNothing())
    .returning("id")
    .execute();
  return made.map(({ id }) => id);
}
