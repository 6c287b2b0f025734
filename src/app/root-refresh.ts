import { type CurrentRoots, readCurrentRoots, refreshCurrentRoots } from "../sigstore/current-roots.ts";
import { openPrivateDirectory, PrivateDirectoryError } from "../sigstore/private-file.ts";
import { type RootSource, shippedRootSources } from "../sigstore/root-refresh.ts";
import { shippedTrustedRoots, type TrustedRootProfile } from "../sigstore/trusted-root.ts";
import type { Config } from "./config.ts";
import type { Log } from "./jobs.ts";

/** Keeps the trusted roots new while the server runs. */
export interface RootRefresh {
  /** The roots that hold now: the same list until they change. */
  readonly current: () => readonly TrustedRootProfile[];
  /** Begins to refresh. Nothing is fetched or written before. */
  start(): void;
  /** Ends it; a refresh that is under way is waited for. */
  stop(): Promise<void>;
}

/**
 * Takes up the roots of the last refresh; once started, refreshes them now and then. Where the operator gives roots of his own, or nothing is
 * to be kept, there is nothing to refresh.
 *
 * The start waits for no network: until the first refresh is over, what was kept or shipped holds.
 */
export async function openRootRefresh(
  { trustedRoots, rootsDirectory, refreshRootsMs }: Pick<Config, "trustedRoots" | "rootsDirectory" | "refreshRootsMs">,
  log: Log,
  now: () => Date,
  sources: readonly RootSource[] = shippedRootSources(),
): Promise<RootRefresh> {
  const owner = process.getuid?.();
  const idle = { start: () => {}, stop: async () => {} };
  if (trustedRoots.length > 0) return { current: shippedTrustedRoots, ...idle };
  const directory = rootsDirectory === undefined || owner === undefined ? undefined : { path: rootsDirectory, owner };
  let roots = tell(await readCurrentRoots(directory, now()), log);
  if (directory === undefined || refreshRootsMs === 0) return { current: () => roots, ...idle };
  const refresh = async () => {
    try {
      const opened = await openPrivateDirectory(directory.path, directory.owner);
      const fresh = tell(await refreshCurrentRoots(sources, opened, now()), log);
      const isSame = fresh.every(({ digest }, index) => digest === roots[index]?.digest);
      if (isSame) return;
      roots = fresh;
      log.info({ roots: roots.map(({ name, digest }) => `${name} ${digest}`) }, "the trusted roots are new");
    } catch (error) {
      const message = error instanceof PrivateDirectoryError ? error.message : "refreshing the trusted roots failed";
      log.error({ err: error }, message);
    }
  };
  let running = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;
  const next = () => {
    running = running.then(refresh);
  };
  return {
    current: () => roots,
    start: () => {
      next();
      timer = setInterval(next, refreshRootsMs).unref();
    },
    stop: () => {
      clearInterval(timer);
      return running;
    },
  };
}

function tell({ roots, warnings }: CurrentRoots, log: Log): readonly TrustedRootProfile[] {
  for (const warning of warnings) log.warn({}, warning);
  return roots;
}
