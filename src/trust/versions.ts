import { claimsOf } from "../attestation/identity.ts";
import { originOf } from "./known-images.ts";
import type { JudgedNode } from "./verdict.ts";

/** From which version of a source an image was built, in the word of provenance that counts, and when that was signed (RULES R26). */
export interface Version {
  /** Whose word it is: the source repository by number, so that a renamed one stays itself; of a key its fingerprint. */
  readonly origin: string;
  /** The source repository's address; undefined where a key signed. */
  readonly repository: string | undefined;
  /** The full ref, `refs/tags/v1.4.0`. */
  readonly ref: string | undefined;
  readonly commit: string | undefined;
  /** The earliest proven time of signing; undefined where none is proven (RULES R12). */
  readonly firstSigned: Date | undefined;
  /** The latest. */
  readonly lastSigned: Date | undefined;
  /** The images that it is the version of. */
  readonly nodes: readonly string[];
}

/**
 * The versions that images were built from, each once, in the images' order.
 *
 * Only provenance that records the build tells of one: a later run may vouch for an image that it didn't build.
 */
export function versionsOf(nodes: readonly JudgedNode[]): readonly Version[] {
  const found = nodes.flatMap(({ id, provenances }) =>
    provenances
      .filter(({ record }) => record !== undefined)
      .map(({ by }) => ({ id, by, origin: originOf(by.identity), claims: claimsOf(by.identity) })),
  );
  const groups = Map.groupBy(found, ({ origin, claims }) =>
    JSON.stringify([origin, claims.sourceRepositoryRef ?? null, claims.sourceRepositoryDigest ?? null]),
  );
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const times = group.flatMap(({ by }) => by.found.verified.times.map((time) => time.getTime()));
    const proven = times.filter((time) => !Number.isNaN(time));
    const { sourceRepositoryUri, sourceRepositoryRef, sourceRepositoryDigest } = first.claims;
    return [
      {
        origin: first.origin,
        repository: sourceRepositoryUri,
        ref: sourceRepositoryRef,
        commit: sourceRepositoryDigest,
        firstSigned: proven.length === 0 ? undefined : new Date(Math.min(...proven)),
        lastSigned: proven.length === 0 ? undefined : new Date(Math.max(...proven)),
        nodes: [...new Set(group.map(({ id }) => id))],
      },
    ];
  });
}
