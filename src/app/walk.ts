import { readFileSync } from "node:fs";
import type { Repository } from "../build/build.ts";
import type { Walk } from "../build/ports.ts";
import type { Clients, GitHubClient } from "../github/ask.ts";
import { createGitHubAttestations } from "../github/attestations.ts";
import { createGitHubClient } from "../github/client.ts";
import { createDefaultBranches } from "../github/default-branch.ts";
import { type ImageReference, imageName } from "../image/reference.ts";
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

/** What is read with: whose credentials, and in whose name GitHub is asked. */
interface Rights {
  /** Where the registries' credentials are, in Docker's form; without it they are asked anonymously. */
  readonly credentials: string | undefined;
  readonly octokit: () => Promise<GitHubClient>;
  /** The repository that the image is built from, where that is known. */
  readonly own?: { readonly image: string; readonly owner: string; readonly name: string };
  /** Whether content may be kept for everyone; content that credentials showed never is. */
  readonly content: ContentStore | undefined;
}

/** A walk, and by which trusted roots its signatures are held. */
export interface RootedWalk extends Walk {
  readonly roots: readonly TrustedRootProfile[];
}

/** Opens walks; each has its own connections and limit of time. */
export interface Walks {
  /** With the rights of an installation, and with the registries' credentials that the operator gave. */
  readonly forRepository: (repository: Repository, image: ImageReference, signal?: AbortSignal) => RootedWalk;
  /** With no rights but those that everyone has. */
  readonly forEveryone: (signal?: AbortSignal) => RootedWalk;
  /** With the registries' credentials that the operator gave, and no installation's rights. */
  readonly forOperator: (signal?: AbortSignal) => RootedWalk;
}

/** What walks share with other processes and with later ones. */
export interface WalkStores {
  /** Where what was proven of a signature is kept. */
  readonly proofs?: ProofStore;
  /** Where content is kept that anyone may read: one store for all who use the server, so that nothing is in it which somebody's credentials showed. */
  readonly content?: ContentStore;
}

/**
 * What walks stand on. The trust material is read once; the connections are each walk's own.
 *
 * Images are named by the owners of repositories, and by anybody who asks, who are strangers to the operator: no address is reached but
 * public ones and those that the operator allows, and a registry's credentials are used only where the operator gave some for all who use
 * the server.
 *
 * @param refreshed - The roots that hold now, where the operator gives none. Another list makes another verifier.
 * @throws {ConfigError} for trusted roots and hosts that can't be used.
 */
export function openWalks(
  config: Config,
  octokitFor: Clients["octokitFor"],
  refreshed: () => readonly TrustedRootProfile[] = shippedTrustedRoots,
  { proofs, content }: WalkStores = {},
): Walks {
  const { trustedRoots, allowHosts, registryCredentials, server, apiUrl } = config;
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
  const anyone = async () => createGitHubClient(apiUrl, config.githubReadToken);
  const open = (rights: Rights, ended?: AbortSignal): RootedWalk => {
    const limit = AbortSignal.timeout(WALK_MS);
    const signal = ended === undefined ? limit : AbortSignal.any([limit, ended]);
    const client = createRegistryClient({
      allowHosts,
      signal,
      ...(rights.content && config.cacheBytes > 0 && { cache: { store: rights.content, scope: "public" as const } }),
      ...(rights.credentials !== undefined && {
        credentials: dockerCredentials({ configDirectory: rights.credentials }),
      }),
    });
    const roots = trustedRoots.length === 0 ? refreshed() : given;
    const { octokit, own } = rights;
    return {
      images: client,
      attestations: combineSources([
        client,
        createGitHubAttestations({
          octokit,
          fetchBundle: client.download,
          ownsContainerRegistry: server === GITHUB,
          ...(own && { own }),
          signal,
        }),
      ]),
      layers: client,
      feeds: { source: createFeedSource(client.download), shelf: feeds },
      verifier: verifierFor(roots),
      roots,
      defaultBranches: createDefaultBranches({ signal, server, octokit }),
      resolve: async (reference) => (await client.resolve(reference))?.pinned,
      close: () => client.close(),
    };
  };
  return {
    forRepository: ({ installation, owner, name }, image, signal) =>
      open(
        {
          credentials: registryCredentials,
          octokit: () => octokitFor(installation),
          own: { image: imageName(image), owner, name },
          content,
        },
        signal,
      ),
    forEveryone: (signal) => open({ credentials: undefined, octokit: anyone, content }, signal),
    forOperator: (signal) => open({ credentials: registryCredentials, octokit: anyone, content }, signal),
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
