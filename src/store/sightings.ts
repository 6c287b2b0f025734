import { sql } from "kysely";
import type { SightingStore } from "../build/ports.ts";
import type { Digest } from "../image/digest.ts";
import { toText } from "./json.ts";
import type { StoreTools } from "./transact.ts";

/** So many of a tag's sightings are read, the newest: one for each version and platform that ever stood there. */
const MAX_READ = 5000;

export function createSightings({ db, attempt, transact }: StoreTools): SightingStore {
  return {
    readSightings: ({ id, installation }, image, tag) =>
      attempt(`read what ${image}:${tag} was seen at`, async () => {
        const rows = await db
          .selectFrom("sightings")
          .selectAll()
          .where("installation", "=", installation)
          .where("repository_id", "=", id)
          .where("name", "=", image)
          .where("tag", "=", tag)
          .orderBy("signed_at", (order) => order.desc().nullsLast())
          .limit(MAX_READ)
          .execute();
        return rows.map(({ image: named, platform, digest, origin, ref, commit, signed_at }) => ({
          image: named as Digest,
          platform,
          digest: digest as Digest,
          origin,
          ref,
          commit,
          signedAt: signed_at ?? undefined,
        }));
      }),
    async recordSightings({ id, installation }, image, seen) {
      const rows = seen.flatMap(({ tag, sightings }) =>
        sightings.map((each) => ({
          installation,
          repository_id: id,
          name: image,
          tag,
          image: each.image,
          platform: toText(each.platform),
          digest: each.digest,
          origin: toText(each.origin),
          ref: toText(each.ref),
          commit: toText(each.commit),
          signed_at: each.signedAt ?? null,
        })),
      );
      await transact(`record what tags of ${image} were seen at`, async (tx) => {
        // One by one: two of them could be the same, and one statement may change no row twice.
        for (const row of rows)
          await tx
            .insertInto("sightings")
            .values(row)
            .onConflict((conflict) =>
              conflict
                .columns([
                  "installation",
                  "repository_id",
                  "name",
                  "tag",
                  "image",
                  "platform",
                  "digest",
                  "origin",
                  "ref",
                  "commit",
                ])
                .doUpdateSet({ signed_at: sql`least(sightings.signed_at, excluded.signed_at)` }),
            )
            .execute();
      });
    },
  };
}
