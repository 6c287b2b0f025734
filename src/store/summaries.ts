import type { Build } from "../build/build.ts";
import type { Judgement } from "../build/ports.ts";
import { formatPlatform } from "../image/platform.ts";
import { formatReference } from "../image/reference.ts";
import { toText } from "./json.ts";
import type { StoreTools, Transact } from "./transact.ts";

/** After so many tries nothing more is tried for a summary. */
const MAX_TRIES = 20;
/** How many are taken at once. */
const BATCH = 100;

/** A signed summary as it is kept. */
export interface StoredSummary {
  /** The signature, in base64: no two are the same. */
  readonly signature: string;
  readonly policyKind: "repository" | "organisation";
  /** The platform's manifest, `registry/repository[:tag]@sha256:…`. */
  readonly image: string;
  readonly platform: string | undefined;
  readonly result: "PASSED" | "FAILED";
  /** The bundle, as JSON. */
  readonly bundle: string;
  readonly isTimestamped: boolean;
  /** The digest of the manifest by which it hangs on the image. */
  readonly attached: string | undefined;
  readonly tries: number;
}

/** Signed summaries, and what is still to be done for them. */
export interface Summaries {
  /** Those of a build's present round. */
  listSummaries(buildId: string): Promise<readonly StoredSummary[]>;
  /** Those that wait for a timestamp or for a place at their image, as far as these are asked for. Only PASSED ones are to be attached. */
  listUnfinished(
    wanted: { readonly timestamps: boolean; readonly places: boolean },
    now: Date,
  ): Promise<readonly StoredSummary[]>;
  /** @returns The bundle that is kept: another process may have been quicker. */
  saveTimestamp(signature: string, bundle: string): Promise<string>;
  savePlace(signature: string, attached: string): Promise<void>;
  postponeSummary(signature: string, until: Date): Promise<void>;
}

export function createSummaries({ db, attempt }: StoreTools): Summaries {
  return {
    listSummaries: (id) =>
      attempt(`read the summaries of build ${id}`, async () => {
        const rows = await db
          .selectFrom("summaries")
          .innerJoin("builds", (join) =>
            join.onRef("builds.id", "=", "summaries.build_id").onRef("builds.round", "=", "summaries.round"),
          )
          .selectAll("summaries")
          .where("summaries.build_id", "=", id)
          .orderBy("summaries.policy_kind", "desc")
          .orderBy("summaries.image")
          .execute();
        return rows.map(storedOf);
      }),
    listUnfinished: ({ timestamps, places }, now) =>
      attempt("look for unfinished summaries", async () => {
        const rows = await db
          .selectFrom("summaries")
          .selectAll()
          .where("due_at", "<=", now)
          .where("tries", "<", MAX_TRIES)
          .where((expression) =>
            expression.or([
              expression.and([expression.val(timestamps), expression("is_timestamped", "=", false)]),
              expression.and([
                expression.val(places),
                expression("attached", "is", null),
                expression("result", "=", "PASSED"),
              ]),
            ]),
          )
          .orderBy("due_at")
          .limit(BATCH)
          .execute();
        return rows.map(storedOf);
      }),
    // Who is first counts: a summary has one timestamp, whoever asked for another meanwhile.
    saveTimestamp: (signature, bundle) =>
      attempt("save a summary's timestamp", async () => {
        await db
          .updateTable("summaries")
          .set({ bundle, is_timestamped: true })
          .where("signature", "=", signature)
          .where("is_timestamped", "=", false)
          .execute();
        const kept = await db
          .selectFrom("summaries")
          .select("bundle")
          .where("signature", "=", signature)
          .executeTakeFirst();
        // Judged anew meanwhile: what was signed stays true.
        return kept?.bundle ?? bundle;
      }),
    savePlace: (signature, attached) =>
      attempt("save where a summary is", async () => {
        await db.updateTable("summaries").set({ attached }).where("signature", "=", signature).execute();
      }),
    postponeSummary: (signature, until) =>
      attempt("put a summary off", async () => {
        await db
          .updateTable("summaries")
          .set(({ eb }) => ({ due_at: until, tries: eb("tries", "+", 1) }))
          .where("signature", "=", signature)
          .execute();
      }),
  };
}

/** Those of the same round go, with the verdicts that they are of. */
export async function replaceSummaries(tx: Transact, build: Build, judgements: readonly Judgement[]): Promise<void> {
  const { id, round } = build;
  await tx.deleteFrom("summaries").where("build_id", "=", id).where("round", "=", round).execute();
  const rows = judgements.flatMap(({ policy, verdict, summaries = [] }) =>
    summaries.map(({ image, platform, result, signature, bundle }) => ({
      signature,
      build_id: id,
      round,
      policy_kind: policy.kind,
      image: toText(formatReference(image)),
      platform: platform === undefined ? null : toText(formatPlatform(platform)),
      result,
      bundle: JSON.stringify(bundle),
      attached: null,
      due_at: verdict.asOf,
    })),
  );
  if (rows.length > 0) await tx.insertInto("summaries").values(rows).execute();
}

interface Row {
  readonly signature: string;
  readonly policy_kind: "repository" | "organisation";
  readonly image: string;
  readonly platform: string | null;
  readonly result: "PASSED" | "FAILED";
  readonly bundle: string;
  readonly is_timestamped: boolean;
  readonly attached: string | null;
  readonly tries: number;
}

function storedOf(row: Row): StoredSummary {
  const { signature, image, result, bundle, tries } = row;
  return {
    signature,
    policyKind: row.policy_kind,
    image,
    platform: row.platform ?? undefined,
    result,
    bundle,
    isTimestamped: row.is_timestamped,
    attached: row.attached ?? undefined,
    tries,
  };
}
