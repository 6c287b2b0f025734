import { join } from "node:path";
import { printable } from "../report/printable.ts";
import { type CurrentRoots, readCurrentRoots, refreshCurrentRoots } from "../sigstore/current-roots.ts";
import { openPrivateDirectory, type PrivateDirectory, PrivateDirectoryError } from "../sigstore/private-file.ts";
import { type RootSource, shippedRootSources } from "../sigstore/root-refresh.ts";
import { EXIT, type ExitCode, UsageError } from "./exit-code.ts";
import type { Surroundings } from "./walk.ts";

/** A directory below the user's cache directory (XDG). Undefined where files have no owners (Windows). */
export function cacheDirectory(
  name: string,
  { env, homeDirectory }: Pick<Surroundings, "env" | "homeDirectory">,
): PrivateDirectory | undefined {
  const owner = process.getuid?.();
  if (owner === undefined) return undefined;
  const cache = env.XDG_CACHE_HOME?.startsWith("/") ? env.XDG_CACHE_HOME : join(homeDirectory, ".cache");
  return { path: join(cache, "trusted-builds", name), owner };
}

/** Where refreshed trusted roots are kept. */
export function rootsDirectory(
  surroundings: Pick<Surroundings, "env" | "homeDirectory">,
): PrivateDirectory | undefined {
  return cacheDirectory("roots", surroundings);
}

/**
 * The trusted roots that hold: refreshed ones where they were fetched, now if asked for, else those that came with the program. What
 * is to be said of them goes to standard error, never in silence.
 *
 * @throws {UsageError} where a refresh is asked for, and its result could be kept nowhere.
 */
export async function currentRoots(
  refresh: boolean,
  surroundings: Surroundings,
  sources: readonly RootSource[] = shippedRootSources(),
): Promise<CurrentRoots> {
  const directory = rootsDirectory(surroundings);
  const now = surroundings.now();
  if (!refresh) return warned(await readCurrentRoots(directory, now), surroundings);
  if (directory === undefined)
    throw new UsageError("refresh trusted roots: this system's files have no owners; give --trusted-root FILE");
  try {
    const opened = await openPrivateDirectory(directory.path, directory.owner);
    return warned(await refreshCurrentRoots(sources, opened, now), surroundings);
  } catch (error) {
    if (error instanceof PrivateDirectoryError) throw new UsageError(error.message, { cause: error });
    throw error;
  }
}

function warned(current: CurrentRoots, { stderr }: Surroundings): CurrentRoots {
  for (const warning of current.warnings) stderr.write(`trusted-builds: warning: ${printable(warning)}\n`);
  return current;
}

/** Refreshes the trusted roots, and says which ones hold now: exit code 3 where one could not be looked at. @throws {UsageError} */
export async function trustUpdateCommand(
  surroundings: Surroundings,
  sources?: readonly RootSource[],
): Promise<ExitCode> {
  const { roots, warnings } = await currentRoots(true, surroundings, sources);
  for (const { name, digest } of roots) surroundings.stdout.write(`${name}  ${digest}\n`);
  return warnings.length === 0 ? EXIT.trusted : EXIT.undetermined;
}
