import { sql } from "kysely";
import type { Build } from "../build/build.ts";
import type { Judgement } from "../build/ports.ts";
import type { Digest } from "../image/digest.ts";
import { formatPlatform } from "../image/platform.ts";
import { formatReference } from "../image/reference.ts";
import { toText } from "./json.ts";
import { createSummaryPlaces, MAX_TRIES, notePlace, type SummaryPlaces, supersedePlaces } from "./summary-places.ts";
import type { StoreTools, Transact } from "./transact.ts";

/** How many are taken at once. */
const BATCH = 100;

/** A signed summary for which something may still be done, whosever verdict it is of. */
export interface UnfinishedSummary {
  /** The signature, in base64: no two are the same. */
  readonly signature: string;
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

/** A signed summary of a build as it is kept. */
export interface StoredSummary extends UnfinishedSummary {
  readonly policyKind: "repository" | "organisation";
}

/** Signed summaries, and what is still to be done for them and for those of published answers. */
export interface Summaries extends SummaryPlaces {
  /** Those of a build's present round. */
  listSummaries(buildId: string): Promise<readonly StoredSummary[]>;
  /** Those that wait for a timestamp or for a place at their image, as far as these are asked for. Only PASSED ones are to be attached. */
  listUnfinished(
    wanted: { readonly timestamps: boolean; readonly places: boolean },
    now: Date,
  ): Promise<readonly UnfinishedSummary[]>;
  /** @returns The bundle that is kept: another process may have been quicker. */
  saveTimestamp(signature: string, bundle: string): Promise<string>;
  /** @param attached - The manifest by which it hangs on its image. */
  savePlace(summary: Pick<UnfinishedSummary, "signature" | "image">, attached: Digest): Promise<void>;
  postponeSummary(signature: string, until: Date): Promise<void>;
}

/** Of tenants' verdicts, and of published answers. A signature is in one of them: what is signed names its policy. */
const TABLES = ["summaries", "answer_summaries"] as const;

export function createSummaries(tools: StoreTools): Summaries {
  const { db, attempt, transact } = tools;
  return {
    ...createSummaryPlaces(tools),
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
    listUnfinished: (wanted, now) =>
      attempt("look for unfinished summaries", async () => {
        const rows = [];
        for (const table of TABLES) rows.push(...(await listUnfinishedOf(db, table, wanted, now)));
        return rows
          .toSorted((one, other) => one.due_at.getTime() - other.due_at.getTime())
          .slice(0, BATCH)
          .map(unfinishedOf);
      }),
    // Who is first counts: a summary has one timestamp, whoever asked for another meanwhile.
    saveTimestamp: (signature, bundle) =>
      attempt("save a summary's timestamp", async () => {
        for (const table of TABLES) {
          await db
            .updateTable(table)
            .set({ bundle, is_timestamped: true })
            .where("signature", "=", signature)
            .where("is_timestamped", "=", false)
            .execute();
          const kept = await db
            .selectFrom(table)
            .select("bundle")
            .where("signature", "=", signature)
            .executeTakeFirst();
          if (kept !== undefined) return kept.bundle;
        }
        // Judged anew meanwhile: what was signed stays true.
        return bundle;
      }),
    savePlace: ({ signature, image }, attached) =>
      transact("save where a summary is", (tx) => notePlace(tx, signature, image, attached)),
    postponeSummary: (signature, until) =>
      attempt("put a summary off", async () => {
        for (const table of TABLES)
          await db
            .updateTable(table)
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
  for (const { policy, verdict, summaries = [] } of judgements) {
    const images = summaries.map(({ image }) => formatReference(image));
    await supersedePlaces(tx, { kind: "build", build: id, policy: policy.kind }, images, verdict.asOf);
  }
}

function listUnfinishedOf(
  db: StoreTools["db"],
  table: (typeof TABLES)[number],
  { timestamps, places }: Parameters<Summaries["listUnfinished"]>[0],
  now: Date,
) {
  return (
    db
      .selectFrom(table)
      .select(["signature", "image", "platform", "result", "bundle", "is_timestamped", "attached", "tries", "due_at"])
      .where("due_at", "<=", now)
      .where("tries", "<", MAX_TRIES)
      // What was judged anew is said anew: an older PASSED isn't hung on an image that may have failed since.
      .$if(table === "summaries", (query) =>
        query.where(
          sql<boolean>`exists (select 1 from builds where builds.id = build_id and builds.round = summaries.round)`,
        ),
      )
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
      .execute()
  );
}

interface Row {
  readonly signature: string;
  readonly image: string;
  readonly platform: string | null;
  readonly result: "PASSED" | "FAILED";
  readonly bundle: string;
  readonly is_timestamped: boolean;
  readonly attached: string | null;
  readonly tries: number;
}

function unfinishedOf({ platform, is_timestamped, attached, ...row }: Row): UnfinishedSummary {
  const { signature, image, result, bundle, tries } = row;
  return {
    signature,
    image,
    platform: platform ?? undefined,
    result,
    bundle,
    isTimestamped: is_timestamped,
    attached: attached ?? undefined,
    tries,
  };
}

function storedOf(row: Row & { readonly policy_kind: "repository" | "organisation" }): StoredSummary {
  return { ...unfinishedOf(row), policyKind: row.policy_kind };
}
