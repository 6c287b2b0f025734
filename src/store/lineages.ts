import type { Build, BuildKey } from "../build/build.ts";
import { StoreError } from "./error.ts";

/**
 * Which version of a row a build in memory comes from. A build is a value and is copied with every change; its key is the one part that
 * never changes and that all copies share, so that the key object stands for the reading they come from.
 */
export interface Lineages {
  /** A build was read (or made) at this version. */
  begin(build: Build, version: number): void;
  /** @throws {StoreError} for a build that no one here has read. */
  versionOf(build: Build): number;
  /** It was written; copies of it go on from there. */
  advance(build: Build): void;
}

export function createLineages(): Lineages {
  const versions = new WeakMap<BuildKey, number>();
  const versionOf = (build: Build) => {
    const version = versions.get(build.key);
    if (version === undefined)
      throw new StoreError(
        "database",
        `build ${build.id} was not read from this store: it can't be said what it would overwrite`,
      );
    return version;
  };
  return {
    begin: (build, version) => void versions.set(build.key, version),
    versionOf,
    advance: (build) => void versions.set(build.key, versionOf(build) + 1),
  };
}
