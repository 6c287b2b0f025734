import { sql } from "kysely";
import type { Build } from "../build/build.ts";
import type { BuildIndex, BuildStore, PassStore } from "../build/ports.ts";
import { type BuildWithRepository, buildOf, stateOf } from "./build-row.ts";
import { StoreError } from "./error.ts";
import {
  listJudgements,
  readPassedWith,
  replaceJudgements,
  type Serialise,
  type StoredJudgement,
} from "./judgements.ts";
import { rememberAccepted } from "./known-images.ts";
import type { Lineages } from "./lineages.ts";
import { readPolicies, writePolicies } from "./policies.ts";
import { replaceSummaries } from "./summaries.ts";
import type { StoreTools, Transact } from "./transact.ts";

/** A commit can have any number of tags; nobody asks for more than these at once. */
const MAX_OF_COMMIT = 50;

/** Builds beyond what moving them on needs. */
export interface Builds extends BuildStore, BuildIndex, PassStore {
  /**
   * The verdicts on a build, the repository's policy first; none if it isn't judged.
   *
   * @param round - Whose check run tells them; the present one if undefined.
   */
  listJudgements(buildId: string, round?: number): Promise<readonly StoredJudgement[]>;
}

/** @param serialise - The form in which verdicts are stored. */
export function createBuilds(tools: StoreTools, lineages: Lineages, serialise: Serialise): Builds {
  const { db, attempt, transact } = tools;
  const find = async (
    what: string,
    by: (query: ReturnType<typeof selectBuilds>) => ReturnType<typeof selectBuilds>,
  ) => {
    const row = await attempt(what, () => by(selectBuilds(db)).executeTakeFirst());
    return row === undefined ? undefined : known(lineages, row);
  };
  return {
    readBuild: (id) => find(`read build ${id}`, (builds) => builds.where("builds.id", "=", id)),
    findBuildByRun: (repositoryId, runId) =>
      find(`find the build of run ${runId}`, (builds) =>
        builds
          .where("builds.repository_id", "=", repositoryId)
          .where("builds.run_id", "=", runId)
          .orderBy("builds.created_at", "desc"),
      ),
    findBuildByCheckRun: (repositoryId, checkRunId) =>
      find(`find the build of check run ${checkRunId}`, (builds) =>
        builds
          .where("builds.repository_id", "=", repositoryId)
          .where("builds.check_run", "=", checkRunId)
          .orderBy("builds.created_at", "desc"),
      ),
    listBuildsOfCommit: (repositoryId, commit) =>
      attempt(`find the builds of commit ${commit}`, async () => {
        const rows = await selectBuilds(db)
          .where("builds.repository_id", "=", repositoryId)
          .where("builds.commit", "=", commit)
          .where(
            sql<boolean>`not exists (select 1 from builds newer
              where newer.repository_id = builds.repository_id and newer.ref = builds.ref and newer.image = builds.image
                and (newer.generation, newer.created_at, newer.id) > (builds.generation, builds.created_at, builds.id))`,
          )
          .orderBy("builds.created_at")
          .limit(MAX_OF_COMMIT)
          .execute();
        return rows.map((row) => known(lineages, row));
      }),
    async saveBuild(build) {
      await transact(`save build ${build.id}`, (tx) => write(tx, lineages, build));
      lineages.advance(build);
    },
    async saveJudgements(build, judgements) {
      await transact(`save the verdicts on build ${build.id}`, async (tx) => {
        await write(tx, lineages, build);
        await replaceJudgements(tx, build, judgements, serialise);
        await rememberAccepted(tx, build, judgements);
        await replaceSummaries(tx, build, judgements);
      });
      lineages.advance(build);
    },
    readPolicies: (id) => attempt(`read the policies of build ${id}`, () => readPolicies(tools, id)),
    savePolicies: (id, policies) =>
      transact(`save the policies of build ${id}`, (tx) => writePolicies(tx, [id], policies)),
    readPassedWith: (build, kind) =>
      attempt(`read with which faults ${build.key.image} passed`, () => readPassedWith(tools, build, kind)),
    listJudgements: (id, round) =>
      attempt(`read the verdicts on build ${id}`, async () => {
        const present =
          round ?? (await db.selectFrom("builds").select("round").where("id", "=", id).executeTakeFirst())?.round;
        return present === undefined ? [] : listJudgements(tools, id, present);
      }),
  };
}

/** Builds beside their repositories. */
export function selectBuilds(db: StoreTools["db"]) {
  return db
    .selectFrom("builds")
    .innerJoin("repositories", "repositories.id", "builds.repository_id")
    .selectAll("builds")
    .select([
      "repositories.owner",
      "repositories.name",
      "repositories.is_private",
      "repositories.owner_id as current_owner_id",
      "repositories.installation as current_installation",
    ]);
}

/** The build of a row, which can be saved from now on. */
export function known(lineages: Lineages, row: BuildWithRepository): Build {
  const build = buildOf(row);
  lineages.begin(build, row.version);
  return build;
}

/** The repository isn't written: what is known of it is newer than what a build in hand has. */
async function write(tx: Transact, lineages: Lineages, build: Build): Promise<void> {
  const version = lineages.versionOf(build);
  const { numUpdatedRows } = await tx
    .updateTable("builds")
    .set({ ...stateOf(build), version: version + 1 })
    .where("id", "=", build.id)
    .where("version", "=", version)
    .executeTakeFirst();
  if (numUpdatedRows === 1n) return;
  throw new StoreError(
    "lost-race",
    `build ${build.id} was changed by somebody else since it was read: nothing was saved; read it again`,
  );
}
