import type { Build, Repository } from "../build/build.ts";
import type { Judgement } from "../build/ports.ts";
import type { Digest } from "../image/digest.ts";
import type { KnownImage, KnownImages } from "../trust/ports.ts";
import { toJson } from "./json.ts";
import type { StoreTools, Transact } from "./transact.ts";

/** How many chain ids one query asks for: a statement has room for some ten thousand. */
const CHAINS_PER_QUERY = 1000;

/** Keeps the images of ancestries that were trusted as a whole, each for the policy that accepted it (RULES R22). */
export async function rememberAccepted(
  tx: Transact,
  { repository }: Build,
  judgements: readonly Judgement[],
): Promise<void> {
  const rows = judgements.flatMap(({ verdict }) =>
    verdict.outcome !== "trusted"
      ? []
      : verdict.nodes.flatMap(({ known }) =>
          known === undefined
            ? []
            : [
                {
                  installation: repository.installation,
                  repository_id: repository.id,
                  policy_digest: verdict.policy.digest,
                  name: known.name,
                  digest: known.digest,
                  index_digest: known.index ?? null,
                  chain_id: known.chainId,
                  layers: known.layers,
                  origins: toJson(known.origins),
                  signed_at: known.signedAt ?? null,
                },
              ],
        ),
  );
  if (rows.length === 0) return;
  await tx
    .insertInto("accepted_images")
    .values(rows)
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/**
 * Of one installation only, and of its private repositories only the one that asks: what is found is told in reports, and whoever
 * reads those may not know of the others (RULES R3).
 */
export function knownTo({ db, attempt }: StoreTools, { id, installation }: Repository): KnownImages {
  return {
    description: "the images that this server accepted before under the same policy",
    findByChain: (policy, chainIds) =>
      findInChunks(chainIds, async (chunk) => {
        const rows = await attempt("find images by their layers", () =>
          db
            .selectFrom("accepted_images")
            .innerJoin("repositories", "repositories.id", "accepted_images.repository_id")
            .selectAll("accepted_images")
            .where("policy_digest", "=", policy)
            .where("chain_id", "in", chunk)
            .where("accepted_images.installation", "=", installation)
            .where("repositories.installation", "=", installation)
            .where(({ or, eb }) => or([eb("repositories.id", "=", id), eb("repositories.is_private", "=", false)]))
            .orderBy("accepted_images.name")
            .orderBy("accepted_images.digest")
            .execute(),
        );
        return rows.map(knownImageOf);
      }),
  };
}

/** Asks for a part of the chain ids after the other. */
export async function findInChunks(
  chainIds: readonly Digest[],
  find: (chunk: readonly Digest[]) => Promise<readonly KnownImage[]>,
): Promise<readonly KnownImage[]> {
  const found: KnownImage[] = [];
  for (let from = 0; from < chainIds.length; from += CHAINS_PER_QUERY)
    found.push(...(await find(chainIds.slice(from, from + CHAINS_PER_QUERY))));
  return found;
}

/** The image as its row has it, whichever table that is in. */
export function knownImageOf(row: {
  readonly name: string;
  readonly digest: string;
  readonly index_digest: string | null;
  readonly chain_id: string;
  readonly layers: number;
  readonly origins: readonly string[];
  readonly signed_at: Date | null;
}): KnownImage {
  return {
    name: row.name,
    digest: row.digest as Digest,
    ...(row.index_digest !== null && { index: row.index_digest as Digest }),
    chainId: row.chain_id as Digest,
    layers: row.layers,
    origins: row.origins,
    ...(row.signed_at !== null && { signedAt: row.signed_at }),
  };
}
