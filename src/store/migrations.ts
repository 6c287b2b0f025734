import { type Kysely, sql, type Transaction } from "kysely";
import { StoreError } from "./error.ts";
import type { Tables } from "./schema.ts";

/** Any number that nobody else is likely to lock in the same database. */
const LOCK = 7_236_441_809_001;

/** One step of the tables' history. What was released is never changed: a change is a new step, forward only. */
export interface Migration {
  readonly name: string;
  readonly statements: readonly string[];
}

/** In order; the first is number 1. */
export const MIGRATIONS: readonly Migration[] = [
  {
    name: "builds, tags, deliveries",
    statements: [
      `create table repositories (
         id bigint primary key,
         owner_id bigint not null,
         owner text not null,
         name text not null,
         installation bigint not null,
         is_private boolean not null,
         is_installed boolean not null default true,
         is_baselined boolean not null default false)`,
      `create index repositories_installation on repositories (installation)`,
      `create table builds (
         id text primary key,
         version integer not null default 1,
         repository_id bigint not null references repositories,
         owner_id bigint not null,
         installation bigint not null,
         ref text not null,
         "commit" text not null,
         image text not null,
         policy_digest text not null,
         generation integer not null,
         request jsonb,
         phase text not null check (phase in ('requested', 'dispatched', 'verifying', 'settled', 'done')),
         check_run bigint,
         run_id bigint,
         run_attempt integer,
         run_url text,
         run_status text check (run_status in ('queued', 'in_progress')),
         run_since timestamptz,
         digest text,
         outcome jsonb,
         failures integer not null,
         waiting_reason text,
         waiting_until timestamptz,
         check_run_attempted_at timestamptz,
         dispatch_attempted_at timestamptz,
         is_dispatched boolean,
         report_attempted text,
         round integer not null,
         reported text,
         created_at timestamptz not null,
         settled_at timestamptz,
         organisation_policy text not null default 'unknown' check (organisation_policy in ('present', 'absent', 'unknown')),
         constraint builds_key unique (repository_id, ref, "commit", image, policy_digest, generation))`,
      `create index builds_run on builds (repository_id, run_id) where run_id is not null`,
      `create index builds_check_run on builds (repository_id, check_run) where check_run is not null`,
      `create table policy_texts (digest text primary key, bytes bytea not null)`,
      `create table build_policies (
         build_id text not null references builds,
         kind text not null check (kind in ('repository', 'organisation')),
         digest text not null references policy_texts,
         name text not null,
         uri text not null,
         "commit" text not null,
         is_protected boolean not null,
         primary key (build_id, kind))`,
      `create table judgements (
         build_id text not null references builds,
         round integer not null,
         policy_kind text not null check (policy_kind in ('repository', 'organisation')),
         policy_digest text not null,
         attempt integer not null,
         installation bigint not null,
         policy_name text not null,
         policy_uri text not null,
         policy_commit text not null,
         policy_is_protected boolean not null,
         outcome text not null check (outcome in ('trusted', 'untrusted', 'undetermined')),
         image_digest text,
         as_of timestamptz not null,
         document jsonb not null,
         primary key (build_id, round, policy_kind, policy_digest))`,
      `create index judgements_image on judgements (image_digest)`,
      `create table tags (
         repository_id bigint not null references repositories,
         ref text not null,
         generation integer not null,
         object text,
         before text,
         primary key (repository_id, ref))`,
      `create table deliveries (
         guid text primary key,
         event text not null,
         payload text,
         received_at timestamptz not null,
         finished_at timestamptz,
         postponed integer not null default 0,
         reason text)`,
      `create index deliveries_finished on deliveries (finished_at) where finished_at is not null`,
      `create table work (
         kind text not null check (kind in ('build', 'delivery')),
         id text not null,
         wakes integer not null default 1,
         handled integer not null default 0,
         due_at timestamptz,
         holder text,
         held_until timestamptz,
         crashes integer not null default 0,
         touched_at timestamptz not null default now(),
         primary key (kind, id))`,
      `create table cursors (name text primary key, value text not null)`,
    ],
  },
  {
    name: "accepted images",
    statements: [
      `create table accepted_images (
         repository_id bigint not null references repositories,
         policy_digest text not null,
         name text not null,
         digest text not null,
         index_digest text,
         chain_id text not null,
         layers integer not null,
         origins jsonb not null,
         signed_at timestamptz,
         primary key (repository_id, policy_digest, name, digest))`,
      `create index accepted_images_chain on accepted_images (policy_digest, chain_id)`,
    ],
  },
  {
    name: "proofs of signatures",
    statements: [
      `create table proofs (key text primary key, proof text not null, kept_at timestamptz not null default now())`,
      `create index proofs_kept_at on proofs (kept_at)`,
    ],
  },
  {
    name: "summaries",
    statements: [
      `create table summaries (
         signature text primary key,
         build_id text not null references builds,
         round integer not null,
         policy_kind text not null check (policy_kind in ('repository', 'organisation')),
         image text not null,
         platform text,
         result text not null check (result in ('PASSED', 'FAILED')),
         bundle text not null,
         is_timestamped boolean not null default false,
         attached text,
         tries integer not null default 0,
         due_at timestamptz not null)`,
      `create index summaries_build on summaries (build_id, round)`,
      `create index summaries_due on summaries (due_at) where attached is null or not is_timestamped`,
    ],
  },
  {
    name: "policies as they were last seen",
    statements: [
      `create table policy_states (
         installation bigint not null,
         kind text not null check (kind in ('repository', 'organisation')),
         of_id bigint not null,
         state text,
         tried_at timestamptz,
         primary key (installation, kind, of_id))`,
      `alter table builds add column answers_repository text, add column answers_organisation text,
         add column valid_until timestamptz`,
      `update builds set answers_repository = policy_digest where run_id is not null`,
      `update builds set answers_organisation = 'absent' where run_id is not null and organisation_policy = 'absent'`,
      `update builds set answers_organisation = build_policies.digest from build_policies
         where build_policies.build_id = builds.id and build_policies.kind = 'organisation' and run_id is not null`,
      `create index builds_name on builds (repository_id, ref, image, generation)`,
      `alter table judgements add column valid_until timestamptz`,
      `alter table accepted_images add column installation bigint`,
      `update accepted_images set installation = repositories.installation from repositories
         where repositories.id = accepted_images.repository_id`,
      `alter table accepted_images drop constraint accepted_images_pkey,
         add primary key (installation, repository_id, policy_digest, name, digest)`,
    ],
  },
  {
    name: "protection that isn't known",
    statements: [
      `alter table build_policies alter column is_protected drop not null`,
      `alter table judgements alter column policy_is_protected drop not null`,
      // A branch counted as protected by whatever protection it had.
      `update build_policies set is_protected = null where is_protected`,
      `update judgements set policy_is_protected = null where policy_is_protected`,
    ],
  },
  {
    name: "sightings of tags that move",
    statements: [
      `create table sightings (
         installation bigint not null,
         repository_id bigint not null references repositories,
         name text not null,
         tag text not null,
         image text not null,
         platform text not null,
         digest text not null,
         origin text not null,
         ref text not null,
         "commit" text not null,
         signed_at timestamptz,
         primary key (installation, repository_id, name, tag, image, platform, digest, origin, ref, "commit"))`,
    ],
  },
  {
    name: "content of registries",
    statements: [
      `create table content (
         key text primary key,
         bytes bytea not null,
         size integer not null,
         used_at timestamptz not null default now())`,
      `create index content_used_at on content (used_at)`,
    ],
  },
  {
    name: "builders as they were first seen",
    statements: [
      `create table builders (
         installation bigint not null,
         builder text not null,
         digest text not null,
         seen_at timestamptz not null default now(),
         primary key (installation, builder))`,
      `create index builds_image on builds (image)`,
    ],
  },
  {
    name: "faults with which images passed",
    statements: [`alter table judgements add column passed_with jsonb`],
  },
  {
    name: "pace of writes",
    statements: [
      `create table write_paces (
         installation bigint primary key,
         slots jsonb not null default '[]',
         paused_until timestamptz)`,
    ],
  },
  {
    name: "checks of pull requests",
    statements: [
      `create table pulls (
         repository_id bigint not null references repositories,
         number bigint not null,
         installation bigint not null,
         is_open boolean not null default true,
         closed_at timestamptz,
         primary key (repository_id, number))`,
      `create index pulls_closed_at on pulls (closed_at) where closed_at is not null`,
      `create table pull_checks (
         id text primary key,
         version integer not null,
         repository_id bigint not null,
         number bigint not null,
         generation integer not null,
         installation bigint not null,
         head_commit text not null,
         head_branch text not null,
         head_repository jsonb,
         base_commit text not null,
         base_branch text not null,
         phase text not null check (phase in ('judging', 'settled', 'done')),
         outcome jsonb,
         waiting_reason text,
         waiting_until timestamptz,
         is_limited boolean not null,
         failures integer not null,
         check_run bigint,
         attempted_check_run_at timestamptz,
         attempted_report text,
         reported text,
         judged_since timestamptz,
         answers_repository text,
         answers_organisation text,
         valid_until timestamptz,
         created_at timestamptz not null,
         settled_at timestamptz,
         foreign key (repository_id, number) references pulls on delete cascade,
         constraint pull_checks_generation unique (repository_id, number, generation))`,
      `create index pull_checks_check_run on pull_checks (repository_id, check_run) where check_run is not null`,
      `create index pull_checks_head on pull_checks (repository_id, head_commit)`,
      `create table forecasts (
         key text primary key,
         installation bigint not null,
         repository_id bigint not null references repositories,
         inputs text not null,
         answer jsonb not null,
         document jsonb,
         made_at timestamptz not null,
         fresh_until timestamptz not null)`,
      `create index forecasts_inputs on forecasts (installation, inputs, made_at)`,
      `create index forecasts_made_at on forecasts (made_at)`,
      `alter table repositories add column pulls_listed_at timestamptz`,
      `alter table policy_states add column seen_at timestamptz`,
      `alter table work drop constraint work_kind_check`,
      `alter table work add constraint work_kind_check check (kind in ('build', 'delivery', 'pull', 'proposal'))`,
    ],
  },
  {
    name: "proposals",
    statements: [
      `create table proposals (
         repository_id bigint not null references repositories,
         kind text not null check (kind in ('onboarding', 'pins')),
         version integer not null,
         state jsonb not null,
         due_at timestamptz,
         primary key (repository_id, kind))`,
      `create index proposals_due_at on proposals (kind, due_at) where due_at is not null`,
    ],
  },
  {
    name: "pins that were asked for",
    statements: [`alter table pull_checks add column pins jsonb`],
  },
  {
    name: "answers and inquiries",
    statements: [
      `create table answers (
         id text primary key,
         policy_digest text not null,
         policy_name text not null,
         name text not null,
         tag text not null,
         digest text not null,
         outcome text not null check (outcome in ('trusted', 'untrusted', 'undetermined')),
         level integer not null,
         as_of timestamptz not null,
         valid_until timestamptz,
         result text not null,
         is_public boolean not null,
         readers jsonb not null,
         source_repository text,
         source_commit text,
         source_ref text,
         search_name text not null,
         search_source text,
         search_path text,
         search_owner text,
         is_newest boolean not null,
         asked_at timestamptz not null,
         document jsonb not null,
         facts jsonb not null,
         constraint answers_key unique (name, tag, digest, policy_digest))`,
      `create index answers_digest on answers (digest)`,
      `create index answers_public on answers (policy_digest, as_of, id) where is_public and is_newest`,
      `create index answers_asked_at on answers (asked_at)`,
      `create table answer_images (
         answer_id text not null references answers on update cascade on delete cascade,
         digest text not null,
         primary key (digest, answer_id))`,
      `create index answer_images_answer on answer_images (answer_id)`,
      `create table answer_history (
         id bigint generated always as identity primary key,
         name text not null,
         tag text not null,
         digest text not null,
         policy_digest text not null,
         outcome text not null,
         level integer not null,
         as_of timestamptz not null,
         result text not null,
         faults jsonb not null,
         is_public boolean not null)`,
      `create index answer_history_name on answer_history (name, tag, as_of, id)`,
      `create table answer_tags (
         name text not null,
         tag text not null,
         digest text not null,
         seen_at timestamptz not null,
         primary key (name, tag))`,
      `create table answer_evidence (
         answer_id text primary key references answers on update cascade on delete cascade,
         entry text not null,
         size bigint not null)`,
      `create table evidence_blobs (
         digest text primary key,
         bytes bytea not null,
         kept_at timestamptz not null default now())`,
      `create table answer_blobs (
         answer_id text not null references answer_evidence on update cascade on delete cascade,
         digest text not null references evidence_blobs,
         primary key (answer_id, digest))`,
      `create index answer_blobs_digest on answer_blobs (digest)`,
      `create table answer_summaries (
         signature text primary key,
         answer_id text not null references answers on update cascade on delete cascade,
         image text not null,
         platform text,
         result text not null check (result in ('PASSED', 'FAILED')),
         bundle text not null,
         is_timestamped boolean not null default false,
         attached text,
         tries integer not null default 0,
         due_at timestamptz not null)`,
      `create index answer_summaries_answer on answer_summaries (answer_id)`,
      `create index answer_summaries_due on answer_summaries (due_at) where attached is null or not is_timestamped`,
      `create table published_images (
         policy_digest text not null,
         name text not null,
         digest text not null,
         index_digest text,
         chain_id text not null,
         layers integer not null,
         origins jsonb not null,
         signed_at timestamptz,
         primary key (policy_digest, name, digest))`,
      `create index published_images_chain on published_images (policy_digest, chain_id)`,
      `create table inquiries (
         id text primary key,
         name text not null,
         tag text not null,
         digest text not null,
         repository_id bigint references repositories,
         asked_at timestamptz not null,
         failures integer not null,
         waiting_reason text,
         waiting_until timestamptz,
         ended_at timestamptz,
         answer text)`,
      `create unique index inquiries_open on inquiries (name, tag, digest, coalesce(repository_id, 0)) where ended_at is null`,
      `create index inquiries_name on inquiries (name, tag)`,
      `create index inquiries_answer on inquiries (answer) where answer is not null`,
      `create index inquiries_ended_at on inquiries (ended_at) where ended_at is not null`,
      `alter table work drop constraint work_kind_check`,
      `alter table work add constraint work_kind_check
         check (kind in ('build', 'delivery', 'pull', 'proposal', 'inquiry'))`,
    ],
  },
  {
    name: "where summaries hang",
    statements: [
      `create table summary_places (
         image text not null,
         manifest text not null,
         scope text not null,
         is_superseded boolean not null,
         tries integer not null default 0,
         due_at timestamptz not null default '-infinity',
         primary key (image, manifest))`,
      `create index summary_places_scope on summary_places (scope)`,
      `create index summary_places_due on summary_places (due_at) where is_superseded`,
      `create index summaries_waiting on summaries (image) where attached is null and result = 'PASSED'`,
      `create index answer_summaries_waiting on answer_summaries (image) where attached is null and result = 'PASSED'`,
      `insert into summary_places (image, manifest, scope, is_superseded)
         select image, attached, 'build ' || build_id || ' ' || policy_kind, false
         from summaries where attached is not null
         on conflict do nothing`,
      `insert into summary_places (image, manifest, scope, is_superseded)
         select image, attached, 'answer ' || name || ' ' || tag, false
         from answer_summaries join answers on answers.id = answer_id where attached is not null
         on conflict do nothing`,
    ],
  },
  {
    name: "whose sources a verdict of the past names",
    statements: [
      // What no answer is left to tell it of stays without, and is told no more.
      `alter table answer_history add column sources jsonb`,
      `update answer_history set sources = known.sources
         from (
           select name, tag, digest, coalesce(jsonb_agg(distinct source ->> 'repositoryId')
             filter (where source ->> 'repositoryId' ~ '^[1-9][0-9]{0,15}$'), '[]') as sources
           from answers left join lateral jsonb_array_elements(answers.facts -> 'sources') as source on true
           group by name, tag, digest) known
         where answer_history.name = known.name and answer_history.tag = known.tag and answer_history.digest = known.digest`,
    ],
  },
];

/**
 * Brings the tables up to date, or leaves them as they were. Several processes that start at once take their turns.
 *
 * @throws {StoreError} `newer-schema` where a newer program has been here: this one would not understand what it wrote.
 */
export async function migrate(db: Kysely<Tables>, migrations: readonly Migration[] = MIGRATIONS): Promise<void> {
  await db.transaction().execute(async (tx) => {
    await sql`select pg_advisory_xact_lock(${sql.lit(LOCK)})`.execute(tx);
    const applied = await appliedTo(tx);
    if (applied > migrations.length)
      throw new StoreError(
        "newer-schema",
        `the database has step ${applied} of its history, and this program knows ${migrations.length}: start the newer program again, or restore a backup from before it`,
      );
    for (const [i, { name, statements }] of migrations.entries()) {
      if (i < applied) continue;
      for (const statement of statements) await sql.raw(statement).execute(tx);
      await sql`insert into migrations (number, name) values (${i + 1}, ${name})`.execute(tx);
    }
  });
}

async function appliedTo(tx: Transaction<Tables>): Promise<number> {
  await sql`create table if not exists migrations (
    number integer primary key, name text not null, applied_at timestamptz not null default now())`.execute(tx);
  const { rows } = await sql<{ last: number | null }>`select max(number) as last from migrations`.execute(tx);
  return rows[0]?.last ?? 0;
}
