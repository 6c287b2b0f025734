import { isCommit } from "../attestation/git-url.ts";
import type { CertificateIdentity, FulcioExtensions } from "../attestation/identity.ts";
import type { GitHubBuilder } from "./builder.ts";
import type { RefusalCode } from "./finding.ts";
import { substitute } from "./glob.ts";
import { foldCase, isSameRepository, parseRunUri, repositoryPath } from "./repository-uri.ts";

/** Why a signer isn't the one that an entry of the policy means. */
export interface SignerFailure {
  readonly code: RefusalCode;
  readonly reason: string;
  /** How many checks held before: of several entries, the one that got furthest is likeliest to have been meant. */
  readonly depth: number;
}

type Failure = Omit<SignerFailure, "depth">;

/** One check of a signer against a builder of the policy; undefined if it holds. */
type Check = (
  identity: CertificateIdentity,
  builder: GitHubBuilder,
  captures: Readonly<Record<string, string>>,
) => Failure | undefined;

/**
 * Holds a certificate to a workflow that policy names, by everything that it says of the run (RULES R4–R9).
 *
 * @param captures - The `{names}` of the image's name.
 * @param isDefaultBranch - Whether the certificate's ref is the source's default branch; undefined if that isn't known.
 */
export function workflowFailure(
  identity: CertificateIdentity,
  builder: GitHubBuilder,
  captures: Readonly<Record<string, string>>,
  isDefaultBranch: boolean | undefined,
): SignerFailure | undefined {
  for (const [depth, check] of checks.entries()) {
    const failure = check(identity, builder, captures);
    if (failure !== undefined) return { ...failure, depth };
  }
  const failure = refFailure(identity, builder, isDefaultBranch);
  // What could still be accepted, once the branch is known, is further than what can't.
  const depth = checks.length + (failure?.code === "default-branch-unknown" ? 1 : 0);
  return failure === undefined ? undefined : { ...failure, depth };
}

/** A refusal that says what is there and what policy wants there. */
export const refuse = (code: RefusalCode, what: string, got: string | undefined, wanted: string): Failure => ({
  code,
  reason: `${what} is ${got === undefined ? "missing" : `"${got}"`}, policy wants ${wanted}`,
});

/** In this order; a missing extension is a mismatch, never "not set" (RULES R6). */
const checks: readonly Check[] = [
  ({ issuer }, builder) =>
    issuer === builder.issuer ? undefined : refuse("issuer", "issuer", issuer, `"${builder.issuer}"`),
  // The signer's name and .9 are one thing said twice; where they differ the certificate isn't a workflow's.
  ({ subjectAlternativeName, extensions: { buildSignerUri } }) =>
    buildSignerUri !== undefined && subjectAlternativeName === buildSignerUri
      ? undefined
      : refuse(
          "signer-name",
          "build signer (.9)",
          buildSignerUri,
          `the certificate's name "${subjectAlternativeName}"`,
        ),
  ({ extensions }, builder, captures) => sourceFailure(extensions, builder, captures),
  ({ extensions: { buildSignerUri } }, { workflow, server }, captures) => {
    if (workflow === undefined) return undefined;
    const pattern = substitute(foldRepository(`${server}/${workflow}`), captures);
    return buildSignerUri !== undefined && pattern.match(foldRepository(buildSignerUri)) !== undefined
      ? undefined
      : refuse("workflow", "build signer (.9)", buildSignerUri, pattern.pattern);
  },
  ({ extensions: { buildSignerDigest } }, { workflowDigest }) =>
    workflowDigest === undefined || buildSignerDigest === workflowDigest
      ? undefined
      : refuse("builder-moved", "build signer digest (.10)", buildSignerDigest, workflowDigest),
  // No rule of the policy names it, and revoking a commit rests on it.
  ({ extensions: { sourceRepositoryDigest: commit } }) =>
    commit !== undefined && isCommit(commit)
      ? undefined
      : refuse("source-commit", "source commit (.13)", commit, "a whole commit"),
  ({ extensions: { sourceRepositoryIdentifier: id } }, { source }) =>
    source.kind === "owner" || source.repositoryId === undefined || id === source.repositoryId
      ? undefined
      : refuse("repository-id", "source repository id (.15)", id, source.repositoryId),
  ({ extensions: { sourceRepositoryOwnerIdentifier: id } }, { source: { ownerId } }) =>
    ownerId === undefined || id === ownerId ? undefined : refuse("owner-id", "source owner id (.17)", id, ownerId),
  ({ extensions: { runnerEnvironment: got } }, { runner }) =>
    got !== undefined && (runner === "any" || got === runner)
      ? undefined
      : refuse("runner", "runner (.11)", got, runner),
  ({ extensions: { buildTrigger: got } }, { events }) =>
    got !== undefined && events.includes(got)
      ? undefined
      : refuse("event", "event (.20)", got, `one of ${events.join(", ")}`),
  // The run must be one of the source repository: this much of R9 can be known without having started it.
  ({ extensions: { runInvocationUri, sourceRepositoryUri } }, { server }) => {
    const run = runInvocationUri === undefined ? undefined : parseRunUri(runInvocationUri, server);
    const repository = sourceRepositoryUri === undefined ? undefined : repositoryPath(sourceRepositoryUri, server);
    return run?.attempt !== undefined && run.repository === repository
      ? undefined
      : refuse("run", "run (.21)", runInvocationUri, `a run of ${sourceRepositoryUri ?? "the source repository"}`);
  },
];

/** Owner and repository have no case on GitHub; the file and the ref do. */
function foldRepository(workflowUri: string): string {
  return workflowUri.replace(/^https?:\/\/[^/]+\/[^/]+\/[^/]+/, foldCase);
}

function sourceFailure(
  extensions: FulcioExtensions,
  builder: GitHubBuilder,
  captures: Readonly<Record<string, string>>,
): Failure | undefined {
  const { source, server } = builder;
  const { sourceRepositoryUri: repository, sourceRepositoryOwnerUri: owner } = extensions;
  if (source.kind === "repository") {
    if (isRenamed(extensions, builder, captures)) return undefined;
    const wanted = `${server}/${substitute(source.repository, captures).pattern}`;
    return repository !== undefined && isSameRepository(repository, wanted, server)
      ? undefined
      : refuse("source-repository", "source repository (.12)", repository, wanted);
  }
  const name = substitute(source.owner, captures).pattern;
  const wanted = `${server}/${name}`;
  const ownerOf = repository === undefined ? undefined : repositoryPath(repository, server)?.split("/")[0];
  const isOwners = owner !== undefined && foldCase(owner) === foldCase(wanted) && ownerOf === foldCase(name);
  return isOwners ? undefined : refuse("source-owner", "source owner (.16)", owner, wanted);
}

/**
 * Whether the source is the repository that policy means, under another name (RULES R8): the ids of repository and owner are both given
 * and both the certificate's. A repository that was transferred keeps its id, and has another owner's: that one policy has to name anew.
 */
export function isRenamed(
  extensions: FulcioExtensions,
  { source, server }: GitHubBuilder,
  captures: Readonly<Record<string, string>>,
): boolean {
  const { sourceRepositoryUri = "", sourceRepositoryIdentifier: id } = extensions;
  const { sourceRepositoryOwnerUri: owner, sourceRepositoryOwnerIdentifier: ownerId } = extensions;
  if (source.kind !== "repository" || source.repositoryId === undefined || source.ownerId === undefined) return false;
  // One of many names that images choose: by its numbers a repository would speak for the images of all the others (RULES R4).
  if (source.repository.includes("{")) return false;
  if (id !== source.repositoryId || ownerId !== source.ownerId || owner === undefined) return false;
  // A certificate whose repository isn't its owner's is no certificate of a rename.
  const name = repositoryPath(sourceRepositoryUri, server);
  if (name === undefined || foldCase(owner) !== foldCase(`${server}/${name.split("/")[0]}`)) return false;
  return !isSameRepository(sourceRepositoryUri, `${server}/${substitute(source.repository, captures).pattern}`, server);
}

function refFailure(
  { extensions }: CertificateIdentity,
  builder: GitHubBuilder,
  isDefaultBranch: boolean | undefined,
): Failure | undefined {
  const ref = extensions.sourceRepositoryRef;
  const wanted = [
    ...builder.refs.map((glob) => glob.pattern),
    ...(builder.defaultBranch ? ["the default branch"] : []),
  ].join(" or ");
  if (ref === undefined) return refuse("ref", "ref (.14)", ref, wanted);
  if (builder.refs.some((glob) => glob.match(ref) !== undefined)) return undefined;
  if (!builder.defaultBranch || !ref.startsWith("refs/heads/")) return refuse("ref", "ref (.14)", ref, wanted);
  if (isDefaultBranch === undefined)
    return {
      code: "default-branch-unknown",
      reason: `ref (.14) is "${ref}", and whether that is the default branch isn't known`,
    };
  return isDefaultBranch ? undefined : refuse("ref", "ref (.14)", ref, wanted);
}
