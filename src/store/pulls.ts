import { type Selectable, sql } from "kysely";
import type { Repository } from "../build/build.ts";
import { type PullJob, pullId } from "../change/pull-check.ts";
import { MAX_SAME_HEAD, type PullIndex, type PullStore, type StalePulls } from "../change/pull-ports.ts";
import { StoreError } from "./error.ts";
import { checkOf, checkStateOf, newCheckRowOf } from "./pull-row.ts";
import { repositoryOf, writeIfNews } from "./repositories.ts";
import type { RepositoryRow } from "./schema.ts";
import type { StoreTools } from "./transact.ts";

/** Pull requests' checks beyond what moving them on needs. */
export interface Pulls extends Omit<PullStore, "readRepository">, PullIndex, StalePulls {
  readPullCheck(id: string): Promise<PullJob | undefined>;
}

export function createPulls({ db, attempt, transact }: StoreTools): Pulls {
  const ofPull = (repositoryId: number, number: number) =>
    selectChecks(db).where("pull_checks.repository_id", "=", repositoryId).where("pull_checks.number", "=", number);
  const newest = async (repositoryId: number, number: number) => {
    const row = await ofPull(repositoryId, number).orderBy("generation", "desc").executeTakeFirst();
    return row && checkOf(row);
  };
  const newestOfHead = async (repositoryId: number, commit: string) => {
    const rows = await selectChecks(db)
      .innerJoin("pulls", (join) =>
        join
          .onRef("pulls.repository_id", "=", "pull_checks.repository_id")
          .onRef("pulls.number", "=", "pull_checks.number"),
      )
      .where("pulls.is_open", "=", true)
      .where("pull_checks.repository_id", "=", repositoryId)
      .where("pull_checks.head_commit", "=", commit)
      .where(IS_NEWEST)
      .orderBy("pull_checks.number")
      // Itself, and one too many.
      .limit(MAX_SAME_HEAD + 2)
      .execute();
    return rows.map(checkOf);
  };
  return {
    readPullCheck: (id) =>
      attempt(`read the check ${id}`, async () => {
        const row = await selectChecks(db).where("pull_checks.id", "=", id).executeTakeFirst();
        return row && checkOf(row);
      }),
    readNewestCheck: (repositoryId, number) =>
      attempt(`read the check of pull request ${pullId(repositoryId, number)}`, () => newest(repositoryId, number)),
    listUntold: (repositoryId, number) =>
      attempt(`find what isn't told of pull request ${pullId(repositoryId, number)}`, async () => {
        const rows = await ofPull(repositoryId, number)
          .where("pull_checks.phase", "!=", "done")
          .where(sql<boolean>`(pull_checks.outcome ->> 'kind' = 'superseded' or not ${IS_NEWEST})`)
          .orderBy("generation")
          .execute();
        return rows.map(checkOf);
      }),
    beginCheck: (check) =>
      transact(`begin a check of pull request ${pullId(check.repository.id, check.number)}`, async (tx) => {
        const { repository, number, generation } = check;
        const open = { installation: repository.installation, is_open: true, closed_at: null };
        // Whoever else begins one waits here.
        await tx
          .insertInto("pulls")
          .values({ repository_id: repository.id, number, ...open })
          .onConflict((conflict) => conflict.columns(["repository_id", "number"]).doUpdateSet(open))
          .execute();
        const before = await tx
          .selectFrom("pull_checks")
          .select(({ fn }) => fn.max("generation").as("generation"))
          .where("repository_id", "=", repository.id)
          .where("number", "=", number)
          .executeTakeFirst();
        if ((before?.generation ?? 0) !== generation - 1)
          throw new StoreError(
            "lost-race",
            `somebody else has begun check ${before?.generation} of pull request ${pullId(repository.id, number)}: read it again`,
          );
        await supersede(tx, repository.id, number, SUPERSEDED, check.createdAt);
        await tx.insertInto("pull_checks").values(newCheckRowOf(check)).execute();
      }),
    saveCheck: (job) =>
      attempt(`save the check ${job.id}`, async () => {
        const version = job.version + 1;
        const { numUpdatedRows } = await db
          .updateTable("pull_checks")
          .set({ ...checkStateOf(job), version })
          .where("id", "=", job.id)
          .where("version", "=", job.version)
          .executeTakeFirst();
        if (numUpdatedRows === 1n) return { ...job, version };
        throw new StoreError(
          "lost-race",
          `check ${job.id} was changed by somebody else since it was read: nothing was saved; read it again`,
        );
      }),
    closePull: ({ id }, number, at) =>
      transact(`close pull request ${pullId(id, number)}`, async (tx) => {
        await tx
          .updateTable("pulls")
          .set({ is_open: false, closed_at: sql`coalesce(closed_at, ${at})` })
          .where("repository_id", "=", id)
          .where("number", "=", number)
          .execute();
        await supersede(tx, id, number, CLOSED, at);
      }),
    reopenPull: (repositoryId, number) =>
      attempt(`open pull request ${pullId(repositoryId, number)}`, async () => {
        await db
          .updateTable("pulls")
          .set({ is_open: true, closed_at: null })
          .where("repository_id", "=", repositoryId)
          .where("number", "=", number)
          .where("is_open", "=", false)
          .execute();
      }),
    listSameHead: ({ repository, number, head }) =>
      attempt(`find pull requests of the head ${head.commit}`, async () =>
        (await newestOfHead(repository.id, head.commit))
          .filter((each) => each.number !== number)
          .slice(0, MAX_SAME_HEAD + 1),
      ),
    noteRepository: (repository) =>
      transact(`note the repository ${repository.id}`, (tx) => writeIfNews(tx, repository)),
    findPullByCheckRun: (repositoryId, checkRun) =>
      attempt(`find the pull request of check run ${checkRun}`, async () => {
        const row = await db
          .selectFrom("pull_checks")
          .select("number")
          .where("repository_id", "=", repositoryId)
          .where("check_run", "=", checkRun)
          .executeTakeFirst();
        return row && newest(repositoryId, row.number);
      }),
    listPullsOf: (repositoryId, commit) =>
      attempt(`find pull requests of the head ${commit}`, () => newestOfHead(repositoryId, commit)),
    listStalePulls: (now, limit) =>
      attempt("find pull requests to judge anew", async () => {
        const { rows } = await sql<{ repository_id: number; number: number }>`
          select repository_id, number from (
            select pull_checks.repository_id, pull_checks.number, pull_checks.created_at, row_number() over (
              partition by repositories.installation order by pull_checks.created_at desc, pull_checks.id) as place
            from pull_checks join repositories on repositories.id = pull_checks.repository_id
            join pulls on pulls.repository_id = pull_checks.repository_id and pulls.number = pull_checks.number
            left join policy_states own on own.installation = repositories.installation
              and own.kind = 'repository' and own.of_id = repositories.id
            left join policy_states theirs on theirs.installation = repositories.installation
              and theirs.kind = 'organisation' and theirs.of_id = repositories.owner_id
            where pulls.is_open and repositories.is_installed and pull_checks.phase = 'done'
              and (own.state is distinct from coalesce(pull_checks.answers_repository, '') and own.state is not null
                or theirs.state is distinct from coalesce(pull_checks.answers_organisation, '') and theirs.state is not null
                or pull_checks.valid_until <= ${now})
              and ${IS_NEWEST}
          ) stale where place <= ${limit} order by created_at desc`.execute(db);
        return rows.map(({ repository_id, number }) => pullId(repository_id, number));
      }),
    claimListings: (now, notSince, limit) =>
      attempt("find repositories whose pull requests to list", async () => {
        const { rows } = await sql<Selectable<RepositoryRow>>`
          update repositories set pulls_listed_at = ${now} where id in (
            select id from repositories
            where is_installed and (pulls_listed_at is null or pulls_listed_at < ${notSince})
            order by pulls_listed_at nulls first, id limit ${limit} for update skip locked)
          returning *`.execute(db);
        return rows.map((row): Repository => repositoryOf(row));
      }),
  };
}

const IS_NEWEST = sql<boolean>`(not exists (select 1 from pull_checks newer
  where newer.repository_id = pull_checks.repository_id and newer.number = pull_checks.number
    and newer.generation > pull_checks.generation))`;

const SUPERSEDED = JSON.stringify({ kind: "superseded" });
const CLOSED = JSON.stringify({ kind: "superseded", isClosed: true });

/** Whoever works on one of these is refused from now on: what he has in hand isn't the newest version. */
async function supersede(
  tx: Pick<StoreTools["db"], "updateTable">,
  repositoryId: number,
  number: number,
  outcome: string,
  at: Date,
): Promise<void> {
  await tx
    .updateTable("pull_checks")
    .set({
      phase: "settled",
      outcome,
      version: sql`version + 1`,
      settled_at: at,
      waiting_reason: null,
      waiting_until: null,
      is_limited: false,
      failures: 0,
    })
    .where("repository_id", "=", repositoryId)
    .where("number", "=", number)
    .where("phase", "=", "judging")
    .execute();
}

/** Checks beside their repositories. */
function selectChecks(db: StoreTools["db"]) {
  return db
    .selectFrom("pull_checks")
    .innerJoin("repositories", "repositories.id", "pull_checks.repository_id")
    .selectAll("pull_checks")
    .select([
      "repositories.owner",
      "repositories.name",
      "repositories.is_private",
      "repositories.owner_id",
      "repositories.installation as current_installation",
    ]);
}
