import type { Insertable, Selectable } from "kysely";
import { z } from "zod";
import type { Build, BuildRequest, Outcome, Phase, PolicyState } from "../build/build.ts";
import { parseDigest } from "../image/digest.ts";
import { toJson, toText } from "./json.ts";
import type { BuildRow, RepositoryRow } from "./schema.ts";

const Phases = z.enum(["requested", "dispatched", "verifying", "settled", "done"]);

// Loose: what a newer part of the program adds to these is kept.
const Request = z.looseObject({
  image: z.string(),
  tags: z.tuple([z.string()], z.string()),
  dockerfile: z.string(),
  context: z.string().exactOptional(),
  target: z.string().exactOptional(),
  platforms: z.array(z.string()).exactOptional(),
  buildArgs: z.record(z.string(), z.string()),
  contexts: z.record(z.string(), z.string()),
  secrets: z.array(z.string()),
  workflow: z.string(),
});

const Fault = z.looseObject({ line: z.number(), column: z.number(), path: z.string(), message: z.string() });

const Outcomes = z.discriminatedUnion("kind", [
  z.looseObject({
    kind: z.literal("verdict"),
    verdict: z.enum(["trusted", "untrusted"]),
    notices: z
      .array(z.looseObject({ code: z.enum(["builder-changed", "rival-claims"]), message: z.string() }))
      .exactOptional(),
    enforced: z
      .array(
        z.looseObject({
          policy: z.enum(["repository", "organisation"]),
          mode: z.enum(["report", "ratchet", "strict"]),
          conclusion: z.enum(["success", "failure", "action_required"]),
          reason: z.string(),
        }),
      )
      .exactOptional(),
  }),
  z.looseObject({ kind: z.literal("undetermined"), reason: z.string() }),
  z
    .looseObject({ kind: z.literal("build-failed"), conclusion: z.string(), log: z.string().optional() })
    // JSON has no undefined, and the port has no absence.
    .transform((outcome) => ({ ...outcome, log: outcome.log })),
  z.looseObject({ kind: z.literal("cancelled") }),
  z.looseObject({ kind: z.literal("policy-wrong"), policy: z.string(), faults: z.array(Fault) }),
  z.looseObject({ kind: z.literal("no-workflow"), reason: z.string() }),
  z.looseObject({ kind: z.literal("tag-unusable"), reason: z.string() }),
]);

/** A build's row beside its repository's. */
export type BuildWithRepository = Selectable<BuildRow> &
  Pick<Selectable<RepositoryRow>, "owner" | "name" | "is_private"> & {
    readonly current_owner_id: number;
    readonly current_installation: number;
  };

/** The build as its row has it. */
export function buildOf(row: BuildWithRepository): Build {
  const phase: Phase = Phases.parse(row.phase);
  const request: BuildRequest | undefined = row.request === null ? undefined : Request.parse(row.request);
  const outcome: Outcome | undefined = row.outcome === null ? undefined : Outcomes.parse(row.outcome);
  const { run_id, run_attempt, run_url, run_status, run_since, waiting_reason, waiting_until } = row;
  return {
    id: row.id,
    repository: {
      id: row.repository_id,
      ownerId: row.current_owner_id,
      owner: row.owner,
      name: row.name,
      installation: row.current_installation,
      isPrivate: row.is_private,
    },
    key: {
      repositoryId: row.repository_id,
      ref: row.ref,
      commit: row.commit,
      image: row.image,
      policyDigest: parseDigest(row.policy_digest),
      generation: row.generation,
    },
    request,
    phase,
    checkRun: row.check_run ?? undefined,
    run:
      run_id === null || run_attempt === null || run_url === null
        ? undefined
        : { id: run_id, attempt: run_attempt, url: run_url },
    runStatus: run_status === null || run_since === null ? undefined : { status: run_status, since: run_since },
    digest: row.digest === null ? undefined : parseDigest(row.digest),
    outcome,
    answersTo: {
      repository: policyStateOf(row.answers_repository),
      organisation: policyStateOf(row.answers_organisation),
    },
    validUntil: row.valid_until ?? undefined,
    failures: row.failures,
    waiting:
      waiting_reason === null || waiting_until === null ? undefined : { reason: waiting_reason, until: waiting_until },
    attempted: {
      ...(row.check_run_attempted_at !== null && { checkRun: row.check_run_attempted_at }),
      ...(row.dispatch_attempted_at !== null && { dispatch: row.dispatch_attempted_at }),
      ...(row.is_dispatched !== null && { isDispatched: row.is_dispatched }),
      ...(row.report_attempted !== null && { report: row.report_attempted }),
    },
    round: row.round,
    reported: row.reported ?? undefined,
    createdAt: row.created_at,
    settledAt: row.settled_at ?? undefined,
  };
}

/** What a policy was; undefined where it isn't known. */
export function policyStateOf(text: string | null | undefined): PolicyState | undefined {
  if (text === null || text === undefined) return undefined;
  return text === "absent" || text === "unusable" ? text : parseDigest(text);
}

/** What of a build changes in the course of its life. */
export function stateOf(build: Build) {
  const { run, runStatus, waiting, attempted } = build;
  return {
    request: build.request === undefined ? null : toJson(build.request),
    phase: build.phase,
    check_run: build.checkRun ?? null,
    run_id: run?.id ?? null,
    run_attempt: run?.attempt ?? null,
    run_url: run === undefined ? null : toText(run.url),
    run_status: runStatus?.status ?? null,
    run_since: runStatus?.since ?? null,
    digest: build.digest ?? null,
    outcome: build.outcome === undefined ? null : toJson(build.outcome),
    answers_repository: build.answersTo.repository ?? null,
    answers_organisation: build.answersTo.organisation ?? null,
    valid_until: build.validUntil ?? null,
    failures: build.failures,
    waiting_reason: waiting === undefined ? null : toText(waiting.reason),
    waiting_until: waiting?.until ?? null,
    check_run_attempted_at: attempted.checkRun ?? null,
    dispatch_attempted_at: attempted.dispatch ?? null,
    is_dispatched: attempted.isDispatched ?? null,
    report_attempted: attempted.report ?? null,
    round: build.round,
    reported: build.reported ?? null,
    settled_at: build.settledAt ?? null,
  } satisfies Partial<Insertable<BuildRow>>;
}

/** A new build's row. */
export function newRowOf(build: Build): Insertable<BuildRow> {
  const { repository, key } = build;
  return {
    ...stateOf(build),
    id: build.id,
    repository_id: key.repositoryId,
    owner_id: repository.ownerId,
    installation: repository.installation,
    ref: key.ref,
    commit: key.commit,
    image: key.image,
    policy_digest: key.policyDigest,
    generation: key.generation,
    created_at: build.createdAt,
  };
}
