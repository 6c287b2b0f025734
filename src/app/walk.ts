import { readFileSync } from "node:fs";
import type { OpenWalk } from "../build/ports.ts";
import type { Clients } from "../github/ask.ts";
import { createGitHubAttestations } from "../github/attestations.ts";
import { createDefaultBranches } from "../github/default-branch.ts";
import { imageName } from "../image/reference.ts";
import { createAddressGuard } from "../registry/address-guard.ts";
import { createRegistryClient } from "../registry/client.ts";
import type { ContentStore } from "../registry/content-cache.ts";
import { dockerCredentials } from "../registry/credentials.ts";
import { createFeedSource } from "../registry/feed-source.ts";
import { keepingProofs, type ProofStore } from "../sigstore/kept-proofs.ts";
import { parseTrustedRoot, shippedTrustedRoots, type TrustedRootProfile } from "../sigstore/trusted-root.ts";
import { VerificationCache } from "../sigstore/verification-cache.ts";
import { createBundleVerifier, type VerificationOutcome } from "../sigstore/verifier.ts";
import { combineSources } from "../trust/attestation-sources.ts";
import { type Config, ConfigError } from "./config.ts";
import { createFeedShelf } from "./feed-shelf.ts";

/** How long one walk may take, in milliseconds (DESIGN §7). */
const WALK_MS = 120_000;

/** The server whose owners have the names below ghcr.io. */
const GITHUB = "https://github.com";

/**
 * What walks stand on. The trust material is read once; the connections are each walk's own.
 *
 * Images are named by the owners of repositories, who are strangers to the operator: no address is reached but public ones and those
 * that the operator allows, and a registry's credentials are used only where the operator gave some for all who use the server.
 *
 * @param refreshed - The roots that hold now, where the operator gives none. Another list makes another verifier.
 * @param proofs - Where what was proven of a signature is kept for other processes, and for after the next start.
 * @param content - Where content is kept that anyone may read: one store for all who use the server, so that nothing is in it which
 * somebody's credentials showed.
 * @throws {ConfigError} for trusted roots and hosts that can't be used.
 */
export function walks(
  config: Config,
  clients: Clients,
  refreshed: () => readonly TrustedRootProfile[] = shippedTrustedRoots,
  proofs?: ProofStore,
  content?: ContentStore,
): OpenWalk {
  const { trustedRoots, allowHosts, registryCredentials, server } = config;
  const faults: string[] = [];
  const attempt = <T>(name: string, run: () => T): readonly T[] => {
    try {
      return [run()];
    } catch (error) {
      faults.push(`${name}: ${(error as Error).message}`);
      return [];
    }
  };
  const given = trustedRoots.flatMap((path) =>
    attempt("TRUSTED_ROOTS", () => parseTrustedRoot(readFileSync(path), path)),
  );
  attempt("TRUSTED_BUILDS_ALLOW_HOSTS", () => createAddressGuard(allowHosts));
  if (faults.length > 0) throw new ConfigError(faults);
  const cache = new VerificationCache<VerificationOutcome>();
  const verifierFor = lastOf((roots: readonly TrustedRootProfile[]) =>
    keepingProofs(createBundleVerifier({ roots, cache }), proofs),
  );
  const feeds = createFeedShelf();
  return ({ installation, owner, name }, image) => {
    const signal = AbortSignal.timeout(WALK_MS);
    const client = createRegistryClient({
      allowHosts,
      signal,
      ...(content && config.cacheBytes > 0 && { cache: { store: content, scope: "public" as const } }),
      ...(registryCredentials !== undefined && {
        credentials: dockerCredentials({ configDirectory: registryCredentials }),
      }),
    });
    const octokit = () => clients.octokitFor(installation);
    return {
      images: client,
      attestations: combineSources([
        client,
        createGitHubAttestations({
          octokit,
          fetchBundle: client.download,
          ownsContainerRegistry: server === GITHUB,
          own: { image: imageName(image), owner, name },
          signal,
        }),
      ]),
      layers: client,
      feeds: { source: createFeedSource(client.download), shelf: feeds },
      verifier: verifierFor(trustedRoots.length === 0 ? refreshed() : given),
      defaultBranches: createDefaultBranches({ signal, server, octokit }),
      resolve: async (reference) => (await client.resolve(reference))?.pinned,
      close: () => client.close(),
    };
  };
}

/** The function, which does nothing again for what it was given last. */
function lastOf<Given, Made>(make: (given: Given) => Made): (given: Given) => Made {
  let last: { readonly given: Given; readonly made: Made } | undefined;
  return (given) => {
    if (last?.given !== given) last = { given, made: make(given) };
    return last.made;
  };
}
