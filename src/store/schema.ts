import type { ColumnType, Generated } from "kysely";
import type { AnswerTables } from "./answer-schema.ts";
import type { WorkKind } from "./queue.ts";

/** What jsonb takes and gives. */
type Json<T = unknown> = ColumnType<T, string | null, string | null>;

/** A repository as GitHub last told of it. */
export interface RepositoryRow {
  id: number;
  owner_id: number;
  owner: string;
  name: string;
  installation: number;
  is_private: boolean;
  /** False once the app was uninstalled there; builds of it stay. */
  is_installed: Generated<boolean>;
  is_baselined: Generated<boolean>;
  /** When somebody last went to list its open pull requests. */
  pulls_listed_at: Generated<Date | null>;
}

/** A build. What it shares with its repository now stands there; whose it was when it was pushed stands here (RULES R3, R33). */
export interface BuildRow {
  id: string;
  /** Counts the writes. */
  version: Generated<number>;
  repository_id: number;
  owner_id: number;
  installation: number;
  ref: string;
  commit: string;
  image: string;
  policy_digest: string;
  generation: number;
  request: Json;
  phase: string;
  check_run: number | null;
  run_id: number | null;
  run_attempt: number | null;
  run_url: string | null;
  run_status: "queued" | "in_progress" | null;
  run_since: Date | null;
  digest: string | null;
  outcome: Json;
  failures: number;
  waiting_reason: string | null;
  waiting_until: Date | null;
  check_run_attempted_at: Date | null;
  dispatch_attempted_at: Date | null;
  is_dispatched: boolean | null;
  report_attempted: string | null;
  round: number;
  reported: string | null;
  created_at: Date;
  settled_at: Date | null;
  /** The policies that the present round answers; null where it isn't known. */
  answers_repository: string | null;
  answers_organisation: string | null;
  valid_until: Date | null;
  /** What is known of the organisation's policy: `present` is in `build_policies`. */
  organisation_policy: Generated<"present" | "absent" | "unknown">;
}

interface BuildPolicyRow {
  build_id: string;
  kind: "repository" | "organisation";
  digest: string;
  name: string;
  uri: string;
  commit: string;
  /** Null where it isn't known. */
  is_protected: boolean | null;
}

interface JudgementRow {
  build_id: string;
  /** Of the check run that tells it. */
  round: number;
  policy_kind: "repository" | "organisation";
  policy_digest: string;
  /** Of the run. */
  attempt: number;
  installation: number;
  policy_name: string;
  policy_uri: string;
  policy_commit: string;
  policy_is_protected: boolean | null;
  outcome: string;
  /** Null where the image's tag led nowhere. */
  image_digest: string | null;
  as_of: Date;
  valid_until: Date | null;
  document: Json;
  /** Null where it didn't pass, or where that wasn't kept. */
  passed_with: Json;
}

/** A policy as it was last seen, for those who reach it through this installation. */
export interface PolicyStateRow {
  installation: number;
  kind: "repository" | "organisation";
  /** The repository's id, or its owner's. */
  of_id: number;
  /** Null until it was seen. */
  state: string | null;
  /** When somebody last went to look. */
  tried_at: Date | null;
  /** When somebody last saw it. */
  seen_at: Generated<Date | null>;
}

interface TagRow {
  repository_id: number;
  ref: string;
  generation: number;
  object: string | null;
  before: string | null;
}

interface DeliveryRow {
  guid: string;
  event: string;
  /** Null once it is finished. Text: what GitHub sent, nothing of it is searched. */
  payload: string | null;
  received_at: Date;
  finished_at: Date | null;
  /** How often it was put off, and why the last time. */
  postponed: Generated<number>;
  reason: string | null;
}

/** An image of a trusted ancestry, whose layers others may lie on (RULES R22). */
interface AcceptedImageRow {
  /** Through which it was judged: a repository that changes hands takes nothing along (RULES R3). */
  installation: number;
  /** Whose build it was judged for: its readers may be told of it. */
  repository_id: number;
  policy_digest: string;
  name: string;
  digest: string;
  index_digest: string | null;
  /** Of all its layers. */
  chain_id: string;
  layers: number;
  origins: Json<readonly string[]>;
  signed_at: Date | null;
}

/** What stood under a tag that moves, when it was trusted (RULES R26). What isn't known of a version is "". */
interface SightingRow {
  installation: number;
  /** Whose build moved the tag. */
  repository_id: number;
  /** registry/repository */
  name: string;
  tag: string;
  /** What the tag named. */
  image: string;
  platform: string;
  /** Of the platform's manifest. */
  digest: string;
  origin: string;
  ref: string;
  commit: string;
  signed_at: Date | null;
}

/** What there is to do. A row is there as long as its build or delivery isn't finished, or something has come since. */
export interface WorkRow {
  kind: WorkKind;
  id: string;
  /** Counts what has come. */
  wakes: Generated<number>;
  /** How many of these the last worker that finished had seen: where it is less, there is something to do. */
  handled: Generated<number>;
  /** When to look again though nothing comes. */
  due_at: Date | null;
  /** A random name of who is at it. */
  holder: string | null;
  /** Until when, by the database's clock. */
  held_until: Date | null;
  /** How often in a row the worker threw. */
  crashes: Generated<number>;
  touched_at: Generated<Date>;
}

interface SummaryRow {
  /** In base64. */
  signature: string;
  build_id: string;
  round: number;
  policy_kind: "repository" | "organisation";
  image: string;
  platform: string | null;
  result: "PASSED" | "FAILED";
  /** JSON, to the byte as it is attached. */
  bundle: string;
  is_timestamped: Generated<boolean>;
  attached: string | null;
  tries: Generated<number>;
  due_at: Date;
}

/** When an installation's writes were allowed, so that GitHub's limits aren't met. */
interface WritePaceRow {
  installation: number;
  /** In milliseconds since 1970. */
  slots: ColumnType<readonly number[], string | undefined, string>;
  paused_until: Date | null;
}

interface PullRow {
  repository_id: number;
  number: number;
  installation: number;
  is_open: Generated<boolean>;
  closed_at: Date | null;
}

/** A check of a pull request. What it shares with its repository now stands there. */
export interface PullCheckRow {
  id: string;
  /** Counts the writes. */
  version: number;
  repository_id: number;
  number: number;
  /** Counts the checks of the pull request, from 1. */
  generation: number;
  installation: number;
  head_commit: string;
  head_branch: string;
  /** Null where the fork was deleted. */
  head_repository: Json;
  base_commit: string;
  base_branch: string;
  phase: string;
  outcome: Json;
  waiting_reason: string | null;
  waiting_until: Date | null;
  is_limited: boolean;
  failures: number;
  check_run: number | null;
  attempted_check_run_at: Date | null;
  attempted_report: string | null;
  reported: string | null;
  judged_since: Date | null;
  answers_repository: string | null;
  answers_organisation: string | null;
  valid_until: Date | null;
  created_at: Date;
  settled_at: Date | null;
  /** What somebody asked to be pinned, and what became of it. */
  pins: Json;
}

interface ForecastRow {
  key: string;
  installation: number;
  repository_id: number;
  /** A hash of what it answers. */
  inputs: string;
  answer: Json;
  /** Null where BuildKit would refuse the file. */
  document: Json;
  made_at: Date;
  /** Until when it answers the same question again. */
  fresh_until: Date;
}

/** What the app proposes to a repository by itself; it outlives the installation, since a no does. */
interface ProposalRow {
  repository_id: number;
  kind: "onboarding" | "pins";
  /** Counts the writes. */
  version: number;
  state: Json;
  /** When to look again; null is never. */
  due_at: Date | null;
}

/** The tables, as the newest migration leaves them. */
export interface Tables extends AnswerTables {
  repositories: RepositoryRow;
  builds: BuildRow;
  policy_texts: { digest: string; bytes: Uint8Array };
  build_policies: BuildPolicyRow;
  judgements: JudgementRow;
  policy_states: PolicyStateRow;
  /** Whose workflow was first seen under a ref, by each installation (RULES R7). */
  builders: { installation: number; builder: string; digest: string; seen_at: Generated<Date> };
  accepted_images: AcceptedImageRow;
  sightings: SightingRow;
  tags: TagRow;
  deliveries: DeliveryRow;
  work: WorkRow;
  pulls: PullRow;
  pull_checks: PullCheckRow;
  forecasts: ForecastRow;
  proposals: ProposalRow;
  cursors: { name: string; value: string };
  content: { key: string; bytes: Uint8Array; size: number; used_at: Generated<Date> };
  proofs: { key: string; proof: string; kept_at: Generated<Date> };
  summaries: SummaryRow;
  write_paces: WritePaceRow;
}
