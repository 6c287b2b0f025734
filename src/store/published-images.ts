import type { PublishedImages } from "../answer/ports.ts";
import type { Digest } from "../image/digest.ts";
import type { KnownImage } from "../trust/ports.ts";
import { toJson, toText } from "./json.ts";
import { findInChunks, knownImageOf } from "./known-images.ts";
import type { StoreTools, Transact } from "./transact.ts";

/** So many rows go into one statement. */
const BATCH = 1000;

/** Keeps the images of an ancestry that was trusted as a whole, and of which everyone may know (RULES R22). */
export async function rememberPublished(tx: Transact, policy: Digest, known: readonly KnownImage[]): Promise<void> {
  for (let i = 0; i < known.length; i += BATCH) {
    await tx
      .insertInto("published_images")
      .values(
        known.slice(i, i + BATCH).map((image) => ({
          policy_digest: policy,
          name: toText(image.name),
          digest: image.digest,
          index_digest: image.index ?? null,
          chain_id: image.chainId,
          layers: image.layers,
          origins: toJson(image.origins),
          signed_at: image.signedAt ?? null,
        })),
      )
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }
}

export function createPublishedImages({ db, attempt }: StoreTools): PublishedImages {
  return {
    knownPublished: () => ({
      description: "the images that this server's published answers accepted before under the same policy",
      findByChain: (policy, chainIds) =>
        findInChunks(chainIds, async (chunk) => {
          const rows = await attempt("find published images by their layers", () =>
            db
              .selectFrom("published_images")
              .selectAll()
              .where("policy_digest", "=", policy)
              .where("chain_id", "in", chunk)
              .orderBy("name")
              .orderBy("digest")
              .execute(),
          );
          return rows.map(knownImageOf);
        }),
    }),
  };
}
