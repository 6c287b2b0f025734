import type { BuildRecord } from "../attestation/build-record.ts";
import { claimsOf, type SignerIdentity } from "../attestation/identity.ts";
import type { Provenance } from "../attestation/provenance.ts";
import type { Builder } from "./builder.ts";
import { substitute } from "./glob.ts";
import { gitRepositoryPath, isGitUrlOf, parseRunUri, repositoryPath } from "./repository-uri.ts";

/** The entry of the policy that accepted a signer, with what it captured from the image's name. */
interface Signatory {
  readonly builder: Builder;
  readonly captures: Readonly<Record<string, string>>;
}

/** How something that provenance says stands to what the certificate says. */
export type Tie =
  /** Both say the same. */
  | "agrees"
  /** They contradict each other. */
  | "differs"
  /** The provenance says nothing of it. */
  | "absent";

/**
 * The git source of the build against source repository (.12) and commit (.13) (RULES R10). A certificate of another service may name
 * neither; where a key signs, the one thing to compare with is the repository that policy gives it.
 */
export function sourceTie({ source }: BuildRecord, identity: SignerIdentity, { builder, captures }: Signatory): Tie {
  if (source === undefined) return "absent";
  const { sourceRepositoryUri: repository, sourceRepositoryDigest: commit } = claimsOf(identity);
  switch (builder.kind) {
    case "github": {
      if (repository === undefined || commit === undefined) return "differs";
      const path = gitRepositoryPath(source.uri, builder.server);
      const isSame = path !== undefined && path === repositoryPath(repository, builder.server);
      return isSame && source.commit === commit ? "agrees" : "differs";
    }
    case "certificate":
      // One of the two is enough to contradict, and not to agree.
      if (repository !== undefined && !isGitUrlOf(source.uri, repository)) return "differs";
      if (commit !== undefined && source.commit !== commit) return "differs";
      return repository === undefined || commit === undefined ? "absent" : "agrees";
    case "key":
      if (builder.source === undefined || source.commit === undefined) return "absent";
      return isGitUrlOf(source.uri, substitute(builder.source, captures).pattern) ? "agrees" : "differs";
  }
}

/** `builder.id` against the run (.21); BuildKit's clients write the run's URL there, older ones without the attempt (RULES R11). */
export function runTie({ builderId }: Provenance, identity: SignerIdentity, { builder }: Signatory): Tie {
  const { runInvocationUri } = claimsOf(identity);
  // Of others it isn't known how their runs are written: the same text is the same run, and anything else may be.
  if (builderId === "") return "absent";
  if (builder.kind !== "github") return builderId === runInvocationUri ? "agrees" : "absent";
  const claimed = parseRunUri(builderId, builder.server);
  const signed = runInvocationUri === undefined ? undefined : parseRunUri(runInvocationUri, builder.server);
  if (claimed === undefined || signed === undefined) return "differs";
  const sameRun = claimed.repository === signed.repository && claimed.run === signed.run;
  return sameRun && (claimed.attempt === undefined || claimed.attempt === signed.attempt) ? "agrees" : "differs";
}

/**
 * Whether the builder that provenance names is one that its signer may speak as (RULES R29): what policy lists, else the run of the
 * certificate, or the workflow that signed.
 */
export function isOwnBuilderId(provenance: Provenance, identity: SignerIdentity, signatory: Signatory): boolean {
  const { builderId } = provenance;
  const { builderIds } = signatory.builder;
  if (builderIds !== undefined) return builderIds.some((glob) => glob.match(builderId) !== undefined);
  if (builderId !== "" && builderId === claimsOf(identity).buildSignerUri) return true;
  return runTie(provenance, identity, signatory) === "agrees";
}

/**
 * Whether unsigned provenance inside an index is the word of whoever signed the index: at least one tie is there, and every one that
 * is there agrees (RULES R11). Otherwise anyone who can have an index signed could put provenance of his own making inside.
 */
export function isTied(ties: readonly Tie[]): boolean {
  return ties.includes("agrees") && !ties.includes("differs");
}
