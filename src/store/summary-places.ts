import { type Expression, type SqlBool, sql } from "kysely";
import type { Digest } from "../image/digest.ts";
import { parseDigest } from "../image/digest.ts";
import { toText } from "./json.ts";
import type { StoreTools, Transact } from "./transact.ts";

/** After so many tries nothing more is tried with a registry. */
export const MAX_TRIES = 20;
/** How many are taken at once. */
const BATCH = 100;

/** Whose word it was: what is judged anew supersedes what was said before about the same question, and nothing else. */
export type SummaryScope =
  | { readonly kind: "build"; readonly build: string; readonly policy: string }
  | { readonly kind: "answer"; readonly name: string; readonly tag: string };

/** A summary that hangs on an image and says what we don't any more, or said anew. */
export interface SupersededPlace {
  /** `registry/repository[:tag]@sha256:…` */
  readonly image: string;
  /** The manifest by which it hangs there. */
  readonly manifest: Digest;
  readonly tries: number;
}

/** Where our summaries hang that were said anew since. */
export interface SummaryPlaces {
  /** Those whose time has come, and of whose image no newer summary waits to be attached: between the two there would be none. */
  listSuperseded(now: Date): Promise<readonly SupersededPlace[]>;
  forgetPlace(place: SupersededPlace): Promise<void>;
  postponePlace(place: SupersededPlace, until: Date): Promise<void>;
}

export function createSummaryPlaces({ db, attempt }: StoreTools): SummaryPlaces {
  return {
    listSuperseded: (now) =>
      attempt("look for superseded summaries", async () => {
        const rows = await db
          .selectFrom("summary_places")
          .select(["image", "manifest", "tries"])
          .where("is_superseded", "=", true)
          .where("due_at", "<=", now)
          .where("tries", "<", MAX_TRIES)
          .where(({ and, not }) => and([not(awaited("summaries")), not(awaited("answer_summaries"))]))
          .orderBy("due_at")
          .orderBy("manifest")
          .limit(BATCH)
          .execute();
        return rows.map(({ image, manifest, tries }) => ({ image, manifest: parseDigest(manifest), tries }));
      }),
    forgetPlace: ({ image, manifest }) =>
      attempt("forget where a summary was", async () => {
        await db
          .deleteFrom("summary_places")
          .where("image", "=", toText(image))
          .where("manifest", "=", manifest)
          .execute();
      }),
    postponePlace: ({ image, manifest }, until) =>
      attempt("put off taking a summary away", async () => {
        await db
          .updateTable("summary_places")
          .set(({ eb }) => ({ due_at: until, tries: eb("tries", "+", 1) }))
          .where("image", "=", toText(image))
          .where("manifest", "=", manifest)
          .execute();
      }),
  };
}

/** Whether a newer one is still to be attached to the image; of builds the present round's alone is. */
function awaited(table: "summaries" | "answer_summaries"): Expression<SqlBool> {
  const present =
    table === "summaries"
      ? sql`exists (select 1 from builds where builds.id = waiting.build_id and builds.round = waiting.round)`
      : sql`true`;
  return sql<SqlBool>`exists (select 1 from ${sql.table(table)} as waiting
    where waiting.image = summary_places.image and waiting.result = 'PASSED'
      and waiting.attached is null and waiting.tries < ${MAX_TRIES} and ${present})`;
}

/**
 * Writes down where a summary hangs. One that was replaced while it was being attached is superseded at once: nobody else will ever know
 * of it.
 */
export async function notePlace(tx: Transact, signature: string, image: string, manifest: string): Promise<void> {
  const build = await tx
    .updateTable("summaries")
    .set({ attached: manifest })
    .where("signature", "=", signature)
    .returning(["build_id", "policy_kind"])
    .executeTakeFirst();
  const answer = await tx
    .updateTable("answer_summaries")
    .from("answers")
    .whereRef("answers.id", "=", "answer_summaries.answer_id")
    .set({ attached: manifest })
    .where("signature", "=", signature)
    .returning(["answers.name", "answers.tag"])
    .executeTakeFirst();
  const scope: SummaryScope | undefined =
    build !== undefined
      ? { kind: "build", build: build.build_id, policy: build.policy_kind }
      : answer && { kind: "answer", ...answer };
  await tx
    .insertInto("summary_places")
    .values({
      image: toText(image),
      manifest,
      scope: scope === undefined ? "" : textOf(scope),
      is_superseded: scope === undefined,
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** What hangs on these images and was said in this scope is to be taken away: it was said anew, or otherwise. */
export async function supersedePlaces(
  tx: Transact,
  scope: SummaryScope,
  images: readonly string[],
  now: Date,
): Promise<void> {
  if (images.length === 0) return;
  await tx
    .updateTable("summary_places")
    .set({ is_superseded: true, due_at: now })
    .where("scope", "=", textOf(scope))
    .where("image", "in", images.map(toText))
    .where("is_superseded", "=", false)
    .execute();
}

/** Neither has a space in its names. */
function textOf(scope: SummaryScope): string {
  return toText(scope.kind === "build" ? `build ${scope.build} ${scope.policy}` : `answer ${scope.name} ${scope.tag}`);
}
