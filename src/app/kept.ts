import type { Clients } from "../github/ask.ts";
import { verdictDocument } from "../report/json.ts";
import type { TrustedRootProfile } from "../sigstore/trusted-root.ts";
import { openStore, type Store } from "../store/store.ts";
import type { Config } from "./config.ts";
import type { Log } from "./jobs.ts";
import { openWalks, type Walks } from "./walk.ts";

/**
 * Opens what is kept, and walks that keep there what they may. The store comes after all that could be wrong with the configuration was told.
 *
 * @param roots - The trusted roots that hold now, where the operator gives none.
 * @throws {ConfigError} @throws {StoreError}
 */
export async function openKept(
  config: Config,
  log: Log,
  roots: () => readonly TrustedRootProfile[],
  octokitFor: Clients["octokitFor"],
): Promise<{ readonly store: Store; readonly walks: Walks }> {
  const walks = openWalks(config, octokitFor, roots, {
    proofs: { readProof: (key) => store.readProof(key), keepProof: (key, proof) => store.keepProof(key, proof) },
    content: {
      readContent: (key, limit) => store.readContent(key, limit),
      keepContent: (key, bytes) => store.keepContent(key, bytes),
    },
  });
  const store = await openStore(config.store.kind === "url" ? config.store : { ...config.store, process }, {
    serialise: verdictDocument,
    log: (level, message, cause) => log[level]({ err: cause }, message),
    contentBytes: config.cacheBytes,
  });
  return { store, walks };
}
