import type { Insertable, Selectable } from "kysely";
import { z } from "zod";
import type { PullJob } from "../change/pull-check.ts";
import { NOT_WRITTEN } from "../change/pull-pins.ts";
import { policyStateOf } from "./build-row.ts";
import { toJson, toText } from "./json.ts";
import { repositoryOf } from "./repositories.ts";
import type { PullCheckRow, RepositoryRow } from "./schema.ts";

const date = z.iso.datetime().transform((text) => new Date(text));
const verdict = z.enum(["trusted", "untrusted", "undetermined"]);

/** What is kept of a forecast beside its document. */
export const Standing = z
  .looseObject({
    outcome: verdict,
    faults: z.array(z.looseObject({ key: z.string(), code: z.string(), isGrave: z.boolean() })),
    isPartial: z.boolean(),
    asOf: date,
    validUntil: date.optional(),
  })
  // JSON has no undefined, and the port has no absence.
  .transform((standing) => ({ ...standing, validUntil: standing.validUntil }));

const policyOf = z.enum(["repository", "organisation", "default"]);
const fileState = z.discriminatedUnion("kind", [
  z.looseObject({ kind: z.literal("absent") }),
  z.looseObject({ kind: z.literal("refused"), line: z.number(), column: z.number(), reason: z.string() }),
  z.looseObject({
    kind: z.literal("judged"),
    forecasts: z.array(z.looseObject({ policy: policyOf, key: z.string(), standing: Standing })),
  }),
]);
const file = z
  .looseObject({
    path: z.string(),
    previousPath: z.string().optional(),
    isTouched: z.boolean(),
    build: z
      .looseObject({ image: z.string(), target: z.string().optional() })
      .transform((build) => ({ ...build, target: build.target }))
      .optional(),
    platforms: z.array(z.string()),
    before: fileState,
    after: fileState,
    enforced: z.array(
      z.looseObject({
        policy: policyOf,
        mode: z.enum(["report", "ratchet", "strict"]),
        conclusion: z.enum(["success", "failure", "action_required"]),
        reason: z.string(),
      }),
    ),
  })
  .transform((each) => ({ ...each, previousPath: each.previousPath, build: each.build }));
const Fault = z.looseObject({ line: z.number(), column: z.number(), path: z.string(), message: z.string() });

const Outcomes = z.discriminatedUnion("kind", [
  z.looseObject({ kind: z.literal("judged"), verdict, files: z.array(file), heldBackBy: z.number().exactOptional() }),
  z.looseObject({ kind: z.literal("no-dockerfile"), heldBackBy: z.number().exactOptional() }),
  z.looseObject({ kind: z.literal("limit"), reason: z.string() }),
  z.looseObject({ kind: z.literal("policy-wrong"), policy: z.string(), faults: z.array(Fault) }),
  z.looseObject({ kind: z.literal("undetermined"), reason: z.string() }),
  z.looseObject({ kind: z.literal("superseded"), isClosed: z.literal(true).exactOptional() }),
]);

const Pins = z
  .looseObject({
    by: z.string(),
    askedAt: date,
    phase: z.enum(["asked", "answered", "told"]),
    answer: z
      .discriminatedUnion("kind", [
        z.looseObject({ kind: z.literal("committed"), commit: z.string(), pins: z.number() }),
        z.looseObject({ kind: z.literal("proposed"), pull: z.number(), pins: z.number() }),
        z.looseObject({ kind: z.literal("suggested"), pins: z.number(), leftOut: z.number() }),
        z.looseObject({ kind: z.literal("not-written"), why: z.enum(NOT_WRITTEN) }),
      ])
      .optional(),
    tries: z.number(),
    until: date.optional(),
  })
  .transform((pins) => ({ ...pins, answer: pins.answer, until: pins.until }));

const HeadRepository = z.object({ id: z.number(), owner: z.string(), name: z.string() });
const Phases = z.enum(["judging", "settled", "done"]);

/** A check's row beside its repository's. */
export type CheckWithRepository = Selectable<PullCheckRow> &
  Pick<Selectable<RepositoryRow>, "owner_id" | "owner" | "name" | "is_private"> & {
    readonly current_installation: number;
  };

/** The check as its row has it. */
export function checkOf(row: CheckWithRepository): PullJob {
  const { repository_id, current_installation, attempted_check_run_at, attempted_report } = row;
  return {
    id: row.id,
    version: row.version,
    repository: repositoryOf({ ...row, id: repository_id, installation: current_installation }),
    number: row.number,
    head: {
      commit: row.head_commit,
      branch: row.head_branch,
      repository: row.head_repository === null ? undefined : HeadRepository.parse(row.head_repository),
    },
    base: { commit: row.base_commit, branch: row.base_branch },
    generation: row.generation,
    phase: Phases.parse(row.phase),
    outcome: row.outcome === null ? undefined : Outcomes.parse(row.outcome),
    waiting:
      row.waiting_reason === null || row.waiting_until === null
        ? undefined
        : { reason: row.waiting_reason, until: row.waiting_until, ...(row.is_limited && { isLimited: true as const }) },
    failures: row.failures,
    checkRun: row.check_run ?? undefined,
    attempted: {
      ...(attempted_check_run_at !== null && { checkRun: attempted_check_run_at }),
      ...(attempted_report !== null && { report: attempted_report }),
    },
    reported: row.reported ?? undefined,
    judgedSince: row.judged_since ?? undefined,
    answersTo: {
      repository: policyStateOf(row.answers_repository),
      organisation: policyStateOf(row.answers_organisation),
    },
    validUntil: row.valid_until ?? undefined,
    createdAt: row.created_at,
    settledAt: row.settled_at ?? undefined,
    ...(row.pins !== null && { pins: Pins.parse(row.pins) }),
  };
}

/** What of a check changes in the course of its life. */
export function checkStateOf(job: PullJob) {
  const { base, waiting, attempted, answersTo } = job;
  return {
    base_commit: base.commit,
    phase: job.phase,
    outcome: job.outcome === undefined ? null : toJson(job.outcome),
    waiting_reason: waiting === undefined ? null : toText(waiting.reason),
    waiting_until: waiting?.until ?? null,
    is_limited: waiting?.isLimited ?? false,
    failures: job.failures,
    check_run: job.checkRun ?? null,
    attempted_check_run_at: attempted.checkRun ?? null,
    attempted_report: attempted.report ?? null,
    reported: job.reported ?? null,
    answers_repository: answersTo.repository ?? null,
    answers_organisation: answersTo.organisation ?? null,
    valid_until: job.validUntil ?? null,
    settled_at: job.settledAt ?? null,
    pins: job.pins === undefined ? null : toJson(job.pins),
  } satisfies Partial<Insertable<PullCheckRow>>;
}

/** A new check's row. */
export function newCheckRowOf(job: PullJob): Insertable<PullCheckRow> {
  const { repository, head, base } = job;
  return {
    ...checkStateOf(job),
    id: job.id,
    version: job.version,
    repository_id: repository.id,
    number: job.number,
    generation: job.generation,
    installation: repository.installation,
    head_commit: head.commit,
    head_branch: toText(head.branch),
    head_repository: head.repository === undefined ? null : toJson(head.repository),
    base_branch: toText(base.branch),
    judged_since: job.judgedSince ?? null,
    created_at: job.createdAt,
  };
}
