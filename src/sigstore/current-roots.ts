import { type PrivateDirectory, PrivateDirectoryError } from "./private-file.ts";
import { messageOf } from "./rejection.ts";
import { hasKept, RootRefreshError, type RootSource, readKeptRoot, refreshTrustedRoot } from "./root-refresh.ts";
import { SHIPPED_ROOTS_TAKEN, shippedTrustedRoots, type TrustedRootProfile } from "./trusted-root.ts";

/** How old the roots that come with the program may be before it is said, in milliseconds: 180 days. */
const MAX_SHIPPED_AGE_MS = 180 * 24 * 60 * 60 * 1000;
const DAY_MS = 24 * 60 * 60 * 1000;

/** The roots that hold now, and what is to be said of them. */
export interface CurrentRoots {
  /** The public good instance first. */
  readonly roots: readonly TrustedRootProfile[];
  /** Sentences for people: a root that is old, a refresh that failed. */
  readonly warnings: readonly string[];
}

/**
 * For each instance the trusted root that the last refresh kept, or else the one that came with the program.
 *
 * A kept root takes the other's place whole, and never adds to it: a key that the instance withdrew must not live on. Keys whose
 * time is over stand in the newest root too, with the end of their time, so that old signatures verify.
 *
 * @param directory - Where refreshes keep what they fetch; without it only the shipped roots are there.
 */
export async function readCurrentRoots(directory: PrivateDirectory | undefined, now: Date): Promise<CurrentRoots> {
  const warnings: string[] = [];
  const roots: TrustedRootProfile[] = [];
  for (const shipped of shippedTrustedRoots()) {
    const kept = directory === undefined ? undefined : await readKeptRoot(shipped.name, directory);
    roots.push(kept?.profile ?? shipped);
    if (kept === undefined && directory !== undefined && hasKept(shipped.name, directory)) {
      warnings.push(
        `the refreshed trusted root ${shipped.name} in ${directory.path} is not used: others may have written it, or this program didn't; refresh it with: trusted-builds trust update`,
      );
    }
    const since = kept?.refreshedAt ?? SHIPPED_ROOTS_TAKEN;
    const until = kept?.validUntil ?? new Date(SHIPPED_ROOTS_TAKEN.getTime() + MAX_SHIPPED_AGE_MS);
    if (now <= until) continue;
    const days = Math.floor((now.getTime() - since.getTime()) / DAY_MS);
    const origin = kept === undefined ? "came with the program" : "was refreshed last";
    warnings.push(
      `the trusted root ${shipped.name} is ${days} days old (it ${origin} on ${since.toISOString().slice(0, 10)}); refresh it with: trusted-builds trust update`,
    );
  }
  return { roots, warnings };
}

/**
 * Refreshes every instance that can be reached, and answers the roots that then hold. One that fails keeps what it had, and is
 * among the warnings.
 */
export async function refreshCurrentRoots(
  sources: readonly RootSource[],
  directory: PrivateDirectory,
  now: Date,
): Promise<CurrentRoots> {
  const failures: string[] = [];
  await Promise.all(
    sources.map(async (source) => {
      try {
        await refreshTrustedRoot(source, directory, now);
      } catch (error) {
        if (!(error instanceof RootRefreshError) && !(error instanceof PrivateDirectoryError)) throw error;
        failures.push(messageOf(error));
      }
    }),
  );
  const { roots, warnings } = await readCurrentRoots(directory, now);
  return { roots, warnings: [...failures.sort(), ...warnings] };
}
