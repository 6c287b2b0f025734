import { type Selectable, sql } from "kysely";
import type { Repository } from "../build/build.ts";
import { POLICY_PLACES, type PolicyStateStore, type PolicyText, type StaleBuilds } from "../build/ports.ts";
import type { SeenPolicies, SeenPolicy } from "../change/pull-ports.ts";
import { digestOf } from "../image/digest.ts";
import { policyStateOf } from "./build-row.ts";
import { repositoryOf } from "./repositories.ts";
import type { RepositoryRow } from "./schema.ts";
import type { StoreTools } from "./transact.ts";

/** Of which builds it is looked after whether they still answer policy: those that came to be judged, of repositories that are here. */
const JUDGED = sql`repositories.is_installed and builds.phase = 'done' and builds.run_id is not null and builds.request is not null
  and builds.outcome ->> 'kind' in ('verdict', 'undetermined', 'policy-wrong')`;

/** Whose policies are looked at in turn: of what is judged, and of open pull requests, whose checks are to be had without a look. */
const LOOKED_AFTER = sql`select builds.repository_id from builds join repositories on repositories.id = builds.repository_id where ${JUDGED}
  union select pulls.repository_id from pulls where pulls.is_open`;

export function createPolicyStates({
  db,
  attempt,
  transact,
}: StoreTools): PolicyStateStore & StaleBuilds & SeenPolicies {
  return {
    readPolicyStates: (repository) =>
      attempt(`read what was seen of the policies of repository ${repository.id}`, async () => {
        const rows = await db
          .selectFrom("policy_states")
          .select(["kind", "state"])
          .where("installation", "=", repository.installation)
          .where(({ or, and, eb }) =>
            or(KINDS.map((kind) => and([eb("kind", "=", kind), eb("of_id", "=", homeOf(repository, kind))]))),
          )
          .execute();
        const stateOf = (kind: PolicyText["kind"]) => policyStateOf(rows.find((row) => row.kind === kind)?.state);
        return { repository: stateOf("repository"), organisation: stateOf("organisation") };
      }),
    savePolicyState: (repository, kind, state, text) =>
      transact(`save what was seen of a policy of repository ${repository.id}`, async (tx) => {
        if (text !== undefined) {
          await tx
            .insertInto("policy_texts")
            .values({ digest: digestOf(text.bytes), bytes: text.bytes })
            .onConflict((conflict) => conflict.column("digest").doNothing())
            .execute();
        }
        await tx
          .insertInto("policy_states")
          .values({
            installation: repository.installation,
            kind,
            of_id: homeOf(repository, kind),
            state,
            tried_at: sql`now()`,
            seen_at: sql`now()`,
          })
          .onConflict((conflict) =>
            conflict
              .columns(["installation", "kind", "of_id"])
              .doUpdateSet({ state, tried_at: sql`now()`, seen_at: sql`now()` }),
          )
          .execute();
      }),
    readSeenPolicies: (repository, since) =>
      attempt(`read the policies of repository ${repository.id} as they were seen`, async () => {
        const rows = await db
          .selectFrom("policy_states")
          .leftJoin("policy_texts", "policy_texts.digest", "policy_states.state")
          .select(["kind", "state", "bytes"])
          .where("installation", "=", repository.installation)
          .where("seen_at", ">=", since)
          .where(({ or, and, eb }) =>
            or(KINDS.map((kind) => and([eb("kind", "=", kind), eb("of_id", "=", homeOf(repository, kind))]))),
          )
          .execute();
        const seen = (kind: PolicyText["kind"]): SeenPolicy | "absent" | undefined => {
          const row = rows.find((each) => each.kind === kind);
          if (row?.state === "absent") return "absent";
          const { repository: home = repository.name, path } = POLICY_PLACES[kind];
          return row?.bytes == null ? undefined : { name: `${repository.owner}/${home}/${path}`, bytes: row.bytes };
        };
        return { repository: seen("repository"), organisation: seen("organisation") };
      }),
    claimPolicies: (now, notSince, limit) =>
      attempt("find policies to look at", async () => {
        const claimed = [];
        for (const kind of KINDS) {
          const { rows } = await sql<Selectable<RepositoryRow>>`
            with due as (
              select distinct on (repositories.installation, home.id)
                repositories.*, home.id as home, policy_states.tried_at
              from (${LOOKED_AFTER}) judged join repositories on repositories.id = judged.repository_id
              cross join lateral (select ${kind === "repository" ? sql`repositories.id` : sql`repositories.owner_id`} as id) home
              left join policy_states on policy_states.installation = repositories.installation
                and policy_states.kind = ${kind} and policy_states.of_id = home.id
              where repositories.is_installed and (policy_states.tried_at is null or policy_states.tried_at < ${notSince})
              order by repositories.installation, home.id, repositories.id),
            first as (select * from due order by tried_at nulls first, home limit ${limit - claimed.length}),
            tried as (
              insert into policy_states (installation, kind, of_id, tried_at)
              select installation, ${kind}, home, ${now} from first
              on conflict (installation, kind, of_id) do update set tried_at = excluded.tried_at)
            select id, owner_id, owner, name, installation, is_private from first`.execute(db);
          claimed.push(...rows.map((row) => ({ repository: repositoryOf(row), kind })));
        }
        return claimed;
      }),
    listStaleBuilds: (now, limit) =>
      attempt("find builds to judge anew", async () => {
        const { rows } = await sql<{ id: string }>`
          select id from (
            select builds.id, builds.created_at, row_number() over (
              partition by repositories.installation order by builds.created_at desc, builds.id) as place
            from builds join repositories on repositories.id = builds.repository_id
            left join policy_states own on own.installation = repositories.installation
              and own.kind = 'repository' and own.of_id = repositories.id
            left join policy_states theirs on theirs.installation = repositories.installation
              and theirs.kind = 'organisation' and theirs.of_id = repositories.owner_id
            where ${JUDGED}
              and (own.state is distinct from coalesce(builds.answers_repository, '') and own.state is not null
                or theirs.state is distinct from coalesce(builds.answers_organisation, '') and theirs.state is not null
                or builds.valid_until <= ${now})
              and not exists (
                select 1 from builds newer
                where newer.repository_id = builds.repository_id and newer.ref = builds.ref and newer.image = builds.image
                  and (newer.generation, newer.created_at, newer.id) > (builds.generation, builds.created_at, builds.id))
          ) stale where place <= ${limit} order by created_at desc, id`.execute(db);
        return rows.map(({ id }) => id);
      }),
  };
}

const KINDS: readonly PolicyText["kind"][] = ["repository", "organisation"];

/** Whose policy it is: the repository's, or that of all repositories of the owner. */
function homeOf({ id, ownerId }: Repository, kind: PolicyText["kind"]): number {
  return kind === "repository" ? id : ownerId;
}
