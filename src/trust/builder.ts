import { fingerprintOf, type SignerKey } from "../attestation/public-key.ts";
import type { DefaultBuilderEntry } from "./builder-schema.ts";
import { type BuilderEntry, GITHUB_ISSUER } from "./builder-schema.ts";
import { compileGlob, type Glob } from "./glob.ts";
import type { BuilderPreset } from "./presets.ts";

/** Whose word counts, for which images: the triple of image name, source repository and builder (RULES R4). */
export type Builder = GitHubBuilder | CertificateBuilder | KeyBuilder;

/** What every builder of a policy has. */
interface BuilderOfAnyKind {
  /** Where it stands in the policy, for reports: `trust.builders[0]`. */
  readonly path: string;
  readonly images: readonly Glob[];
  /** The SLSA build level that policy grants at most. */
  readonly level: number;
  /** Whether this signer builds, so that provenance inside an index that it signed is its word (RULES R11). */
  readonly builds: boolean;
  /** Which `builder.id` its provenance may give; undefined: the run, or the workflow that signed (RULES R29). */
  readonly builderIds: readonly Glob[] | undefined;
  /** The GitHub server that URLs in certificates and provenance are compared under, without a slash at the end (RULES R10). */
  readonly server: string;
}

/** A workflow of GitHub Actions, told by all that the certificate says of its run. */
export interface GitHubBuilder extends BuilderOfAnyKind {
  readonly kind: "github";
  readonly source: SourcePattern;
  /** The building workflow with its ref; undefined (any) only in the default policy. */
  readonly workflow: string | undefined;
  readonly workflowDigest: string | undefined;
  readonly runner: "github-hosted" | "self-hosted" | "any";
  readonly events: readonly string[];
  readonly refs: readonly Glob[];
  /** Whether the source's default branch counts beside `refs`. */
  readonly defaultBranch: boolean;
  readonly issuer: string;
}

/** Any other signer that an authority vouches for: another service that builds, or a person. */
export interface CertificateBuilder extends BuilderOfAnyKind {
  readonly kind: "certificate";
  /** Compared as a whole. */
  readonly issuer: string;
  /** The name in the certificate, as a pattern in which `{names}` of the image's name are filled in. */
  readonly name: string;
  /** Which source the certificate must name; undefined where it must name none. */
  readonly source: CertificateSource | undefined;
}

/** The source in the certificate of a service that isn't GitHub: repository (.12), ids (.15, .17), refs (.14), events (.20), runner (.11). */
export interface CertificateSource {
  /** The whole URI, in which `{names}` of the image's name are filled in. */
  readonly repository: string;
  readonly repositoryId: string | undefined;
  readonly ownerId: string | undefined;
  readonly refs: readonly Glob[];
  readonly events: readonly string[];
  /** Not compared if undefined. */
  readonly runner: string | undefined;
}

/** A key and nothing else: who holds it, and for which source it signs, is its holder's word. */
export interface KeyBuilder extends BuilderOfAnyKind {
  readonly kind: "key";
  readonly key: SignerKey;
  /** The repository that the provenance itself must name as the build's git source, with `{names}` filled in; any if undefined. */
  readonly source: string | undefined;
}

/** Which repository, by name (with `{names}` from the image's name) and by ids where given (RULES R8). */
export type SourcePattern =
  | {
      readonly kind: "repository";
      readonly repository: string;
      readonly repositoryId: string | undefined;
      readonly ownerId: string | undefined;
    }
  | { readonly kind: "owner"; readonly owner: string; readonly ownerId: string | undefined };

/** The `{names}` that an entry fills in from the image's name. */
export function capturesOf({ github, identity, key }: BuilderEntry): readonly string[] {
  const patterns = [
    github?.repository,
    github?.workflow,
    identity?.name,
    identity?.source?.repository,
    key?.source,
  ].filter((pattern) => pattern !== undefined);
  return [...new Set(patterns.flatMap((pattern) => compileGlob(pattern).captures))];
}

/** The level of an entry that names none. */
const DEFAULT_LEVEL = 2;

/**
 * The builders that a policy's entry describes: one, or where it leaves the workflow to presets, one for each workflow of theirs.
 *
 * @param server - The GitHub server that is meant where the entry names none (RULES R10).
 */
export function buildersOf(
  entry: BuilderEntry,
  path: string,
  server: string,
  presets: readonly BuilderPreset[],
): readonly Builder[] {
  const { github, identity, key } = entry;
  const common = {
    path,
    images: entry.images.map(compileGlob),
    level: entry.level ?? DEFAULT_LEVEL,
    builds: entry.builds,
    builderIds: entry["builder-ids"]?.map(compileGlob),
    server,
  };
  if (github !== undefined) {
    const { repository, workflow, "repository-id": repositoryId, "owner-id": ownerId } = github;
    const workflows =
      workflow !== undefined
        ? [{ workflow }]
        : presets.flatMap(({ workflows, level, builds }) =>
            workflows.map((each) => ({ workflow: each, level: entry.level ?? level, builds })),
          );
    return workflows.map((each) => ({
      ...common,
      ...conditionsOf(github, server),
      kind: "github",
      source: { kind: "repository", repository, repositoryId, ownerId },
      ...each,
    }));
  }
  if (identity !== undefined) {
    const { issuer, name, source } = identity;
    return [{ ...common, kind: "certificate", issuer, name, source: source && sourceOf(source) }];
  }
  if (key !== undefined) {
    const { pem, log, source } = key;
    const signerKey: SignerKey = { name: `${path}.key`, pem, fingerprint: fingerprintOf(pem), log };
    return [{ ...common, kind: "key", key: signerKey, source }];
  }
  throw new TypeError(`${path} names no signer`);
}

/** The default policy's own form: any workflow of any repository of an owner (RULES R5). */
export function defaultBuilderOf(entry: DefaultBuilderEntry, path: string, server: string): Builder {
  const { owner, "owner-id": ownerId } = entry.github;
  return {
    ...conditionsOf(entry.github, server),
    kind: "github",
    path,
    images: entry.images.map(compileGlob),
    level: entry.level ?? DEFAULT_LEVEL,
    builds: entry.builds,
    builderIds: entry["builder-ids"]?.map(compileGlob),
    workflow: undefined,
    source: { kind: "owner", owner, ownerId },
  };
}

function conditionsOf(
  github: NonNullable<BuilderEntry["github"]> | DefaultBuilderEntry["github"],
  surrounding: string,
): Pick<GitHubBuilder, "workflowDigest" | "runner" | "events" | "refs" | "defaultBranch" | "server" | "issuer"> {
  const { server = surrounding, issuer, runner, events, refs, "workflow-digest": workflowDigest } = github;
  return {
    workflowDigest,
    runner,
    events,
    refs: refs.filter((ref) => ref !== "default-branch").map(compileGlob),
    defaultBranch: refs.includes("default-branch"),
    server,
    issuer: issuer ?? issuerOf(server),
  };
}

function sourceOf(source: NonNullable<NonNullable<BuilderEntry["identity"]>["source"]>): CertificateSource {
  const { repository, "repository-id": repositoryId, "owner-id": ownerId, refs, events, runner } = source;
  return { repository, repositoryId, ownerId, refs: refs.map(compileGlob), events, runner };
}

/** @see GitHub docs, OpenID Connect: github.com, enterprises with data residency, and GitHub Enterprise Server each have their own. */
function issuerOf(server: string): string {
  if (server === "https://github.com") return GITHUB_ISSUER;
  const residency = /^https:\/\/([a-z0-9-]+\.ghe\.com)$/.exec(server);
  return residency === null ? `${server}/_services/token` : `https://token.actions.${residency[1]}`;
}
