import type { NoticeStore } from "../build/ports.ts";
import type { StoreTools } from "./transact.ts";

export function createNotices({ db, attempt }: StoreTools): NoticeStore {
  return {
    keepFirstDigest: ({ installation }, builder, digest) =>
      attempt(`keep the first digest of ${builder}`, async () => {
        await db
          .insertInto("builders")
          .values({ installation, builder, digest })
          .onConflict((conflict) => conflict.columns(["installation", "builder"]).doNothing())
          .execute();
        const first = await db
          .selectFrom("builders")
          .select("digest")
          .where("installation", "=", installation)
          .where("builder", "=", builder)
          .executeTakeFirstOrThrow();
        return first.digest;
      }),
    // The one question whose answer goes beyond an installation: that there are others who build it, and of the public ones who.
    listRivals: ({ id }, image, limit) =>
      attempt(`find who else builds ${image}`, async () => {
        const rows = await db
          .selectFrom("builds")
          .innerJoin("repositories", "repositories.id", "builds.repository_id")
          .select(["repositories.id", "owner", "name", "is_private"])
          .distinct()
          .where("image", "=", image)
          .where("is_installed", "=", true)
          .where("repositories.id", "!=", id)
          .orderBy("repositories.id")
          .execute();
        const named = rows.filter((row) => !row.is_private).slice(0, limit);
        return { named: named.map(({ owner, name }) => `${owner}/${name}`), hidden: rows.length - named.length };
      }),
  };
}
