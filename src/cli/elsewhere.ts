import { join } from "node:path";
import { createGitHubAttestations } from "../github/attestations.ts";
import { createGitHubClient, GITHUB_API } from "../github/client.ts";
import { createDefaultBranches } from "../github/default-branch.ts";
import { formatReference, type ImageReference, type PinnedImage } from "../image/reference.ts";
import { AllowedHostError } from "../registry/address-guard.ts";
import { createRegistryClient } from "../registry/client.ts";
import type { ContentStore } from "../registry/content-cache.ts";
import { dockerCredentials } from "../registry/credentials.ts";
import { createFeedSource } from "../registry/feed-source.ts";
import { combineSources } from "../trust/attestation-sources.ts";
import {
  type AttestationSource,
  CouldNotLook,
  type DefaultBranches,
  type FeedSource,
  type ImageReader,
  type LayerReader,
} from "../trust/ports.ts";
import { usage } from "./exit-code.ts";

/** What isn't on this machine's disk: registries, and GitHub. */
export interface Elsewhere extends ImageReader, AttestationSource, FeedSource {
  /** @returns undefined if it is provably absent. @throws {CouldNotLook} */
  resolve(reference: ImageReference): Promise<{ readonly pinned: PinnedImage } | undefined>;
  readonly defaultBranches: DefaultBranches;
  readonly layers: LayerReader;
  close(): Promise<void>;
}

/** How the network is reached. */
export interface ElsewhereOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly homeDirectory: string;
  /** Hosts that the person named. */
  readonly allowHosts: readonly string[];
  readonly signal: AbortSignal;
  readonly onRequest: () => void;
  /** What this user read before. */
  readonly content?: ContentStore | undefined;
}

/** @throws {UsageError} if a host can't be read. */
export function openElsewhere({
  env,
  homeDirectory,
  allowHosts,
  signal,
  onRequest,
  content,
}: ElsewhereOptions): Elsewhere {
  const token = env.GH_TOKEN || env.GITHUB_TOKEN;
  const client = usage(AllowedHostError, () =>
    createRegistryClient({
      allowHosts: [
        ...allowHosts,
        ...(env.TRUSTED_BUILDS_ALLOW_HOSTS ?? "").split(/[\s,]+/).filter((entry) => entry !== ""),
      ],
      credentials: dockerCredentials({ configDirectory: env.DOCKER_CONFIG || join(homeDirectory, ".docker") }),
      signal,
      onRequest,
      ...(content && { cache: { store: content, scope: "own" } }),
    }),
  );
  const github = createGitHubAttestations({
    octokit: async () => createGitHubClient(GITHUB_API, token),
    fetchBundle: client.download,
    ownsContainerRegistry: true,
    signal,
  });
  return {
    resolve: client.resolve,
    readManifest: client.readManifest,
    readBlob: client.readBlob,
    ...combineSources([client, github]),
    defaultBranches: createDefaultBranches({ signal, ...(token && { token }) }),
    layers: client,
    ...createFeedSource(client.download),
    close: client.close,
  };
}

/** With `--offline`: whatever isn't on disk can't be looked at, which is no answer about it. */
export const nothingElsewhere: Elsewhere = {
  resolve: async (reference) => refuse(formatReference(reference)),
  readManifest: async (image) => refuse(formatReference(image)),
  readBlob: async (image, digest) => refuse(`${digest} of ${formatReference(image)}`),
  listAttestations: async (image) => refuse(`attestations of ${formatReference(image)}`),
  layers: { unpackLayer: async (image, { digest }) => refuse(`layer ${digest} of ${formatReference(image)}`) },
  defaultBranches: {
    readDefaultBranch: async ({ sourceRepositoryUri }) => refuse(`the default branch of ${sourceRepositoryUri}`),
  },
  fetchFeed: async () => refuse("a roots feed"),
  close: async () => {},
};

function refuse(what: string): never {
  throw new CouldNotLook("offline", `look for ${what}: not on disk, and --offline forbids every connection`);
}
