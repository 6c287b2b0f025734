import pLimit from "p-limit";
import { formatReference, type ImageReference, imageName, type PinnedImage, pin } from "../image/reference.ts";
import type { Finding } from "./finding.ts";
import type { NamedParent } from "./forecast-parents.ts";
import type { Policy } from "./policy.ts";
import { BeyondLimit, CouldNotLook } from "./ports.ts";

/** How many tags are asked for side by side. */
const CONCURRENCY = 8;

/** Finds the image that stands under a name now. */
export interface TagResolver {
  /** @returns undefined if the repository can be read and doesn't hold it. @throws {CouldNotLook} @throws {BeyondLimit} */
  resolve(reference: ImageReference): Promise<PinnedImage | undefined>;
}

/** What stands under a name, or why nobody can say. */
export type Located = PinnedImage | Finding;

/** Where names lead. A digest in the name says it by itself; a name without is asked for once, whoever uses it. */
export type Places = (reference: ImageReference) => Located | undefined;

/**
 * Asks where the names of parents lead.
 *
 * @returns undefined for what needn't be known: of a parent that policy doesn't look into, only a digest that it revokes, or two digests
 * under one name, would say anything.
 */
export async function locate(
  resolver: TagResolver,
  policy: Pick<Policy, "revoked">,
  parents: readonly NamedParent[],
): Promise<Places> {
  const pinnedToo = new Set(parents.flatMap(({ reference, isPinned }) => (isPinned ? [nameAndTag(reference)] : [])));
  const isDigestAsked = policy.revoked.some(({ kind }) => kind === "digest");
  const wanted = parents.filter(
    ({ reference, rule, isPinned }) =>
      !isPinned && (rule === "attested" || isDigestAsked || pinnedToo.has(nameAndTag(reference))),
  );
  const references = new Map(wanted.map(({ reference }) => [formatReference(reference), reference]));
  const limit = pLimit(CONCURRENCY);
  const found = new Map(
    await Promise.all(
      [...references].map(([key, reference]) =>
        limit(async (): Promise<[string, Located]> => [key, await locateTag(resolver, reference)]),
      ),
    ),
  );
  return (reference) =>
    reference.digest === undefined ? found.get(formatReference(reference)) : pin(reference, reference.digest);
}

/** Asks for one name. What we couldn't look at is the finding `unreachable`, and never taken for a name that nothing stands under. */
export async function locateTag(resolver: TagResolver, reference: ImageReference): Promise<Located> {
  try {
    const found = await resolver.resolve(reference);
    if (found !== undefined) return pin(reference, found.digest);
    const reason = `the repository can be read and doesn't hold ${formatReference(reference)}`;
    return { kind: "unresolved", code: "tag-not-found", reason };
  } catch (error) {
    if (error instanceof CouldNotLook) return { kind: "unreachable", code: error.code, reason: error.message };
    if (error instanceof BeyondLimit) return { kind: "limit", reason: error.message };
    throw error;
  }
}

/** `registry/repository:tag`, whatever digest stands beside it. */
export function nameAndTag(reference: ImageReference): string {
  return `${imageName(reference)}:${reference.tag ?? ""}`;
}
