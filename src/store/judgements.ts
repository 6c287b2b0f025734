import { z } from "zod";
import type { Build } from "../build/build.ts";
import type { Judgement, PolicyText } from "../build/ports.ts";
import type { Verdict } from "../trust/verdict.ts";
import { toJson, toText } from "./json.ts";
import type { StoreTools, Transact } from "./transact.ts";

/** Makes the document that is stored of a verdict. */
export type Serialise = (verdict: Verdict) => object;

/** A stored judgement: whose policy, and what came of it. */
export interface StoredJudgement {
  readonly policy: Omit<PolicyText, "bytes">;
  /** As it was made when the image was judged. */
  readonly document: unknown;
}

/** Of one round of a build; the repository's policy first. */
export async function listJudgements(
  { db }: StoreTools,
  build: string,
  round: number,
): Promise<readonly StoredJudgement[]> {
  const rows = await db
    .selectFrom("judgements")
    .selectAll()
    .where("build_id", "=", build)
    .where("round", "=", round)
    .orderBy("policy_kind", "desc")
    .execute();
  return rows.map((row) => ({
    policy: {
      kind: row.policy_kind,
      name: row.policy_name,
      uri: row.policy_uri,
      commit: row.policy_commit,
      isProtected: row.policy_is_protected ?? "unknown",
    },
    document: row.document,
  }));
}

const PassedWith = z.array(z.string());

/** The faults with which an image passed last, as {@link PassStore} has it. */
export async function readPassedWith(
  { db }: StoreTools,
  { id, round, repository, key, createdAt }: Build,
  kind: PolicyText["kind"],
): Promise<readonly string[] | undefined> {
  const row = await db
    .selectFrom("judgements")
    .innerJoin("builds", "builds.id", "judgements.build_id")
    .select("judgements.passed_with")
    .where("builds.image", "=", key.image)
    .where("builds.repository_id", "=", repository.id)
    .where("builds.owner_id", "=", repository.ownerId)
    .where("judgements.installation", "=", repository.installation)
    .where("judgements.policy_kind", "=", kind)
    .where("judgements.passed_with", "is not", null)
    .where(({ and, eb, or }) =>
      or([
        eb("builds.created_at", "<", createdAt),
        and([eb("builds.id", "=", id), eb("judgements.round", "<", round)]),
      ]),
    )
    .orderBy("builds.created_at", "desc")
    .orderBy("judgements.round", "desc")
    .executeTakeFirst();
  return row === undefined ? undefined : PassedWith.parse(row.passed_with);
}

/** Those of the same round go: it has one check run, which tells these. */
export async function replaceJudgements(
  tx: Transact,
  build: Build,
  judgements: readonly Judgement[],
  serialise: Serialise,
): Promise<void> {
  const { id, round, run, repository } = build;
  await tx.deleteFrom("judgements").where("build_id", "=", id).where("round", "=", round).execute();
  if (judgements.length === 0) return;
  await tx
    .insertInto("judgements")
    .values(
      judgements.map(({ policy, verdict, passedWith }) => ({
        build_id: id,
        round,
        policy_kind: policy.kind,
        policy_digest: verdict.policy.digest,
        attempt: run?.attempt ?? 0,
        installation: repository.installation,
        policy_name: toText(policy.name),
        policy_uri: toText(policy.uri),
        policy_commit: policy.commit,
        policy_is_protected: policy.isProtected === "unknown" ? null : policy.isProtected,
        outcome: verdict.outcome,
        image_digest: verdict.image.digest ?? null,
        as_of: verdict.asOf,
        valid_until: verdict.validUntil ?? null,
        document: toJson(serialise(verdict)),
        passed_with: passedWith === undefined ? null : toJson(passedWith),
      })),
    )
    .execute();
}
