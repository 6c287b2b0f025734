import { claimsOf, type SignerIdentity } from "../attestation/identity.ts";
import type { Builder } from "./builder.ts";
import type { RefusalCode } from "./finding.ts";
import { parseRunUri } from "./repository-uri.ts";

/** A build that whoever asks has started: only what this very run signed counts for its image (RULES R9). */
export interface OwnBuild {
  /** The GitHub server's URL, without a slash at its end. */
  readonly server: string;
  readonly repositoryId: string;
  readonly ownerId: string;
  /** The full ref. */
  readonly ref: string;
  readonly commit: string;
  readonly run: string;
  /** A new attempt is another build: it is judged anew. */
  readonly attempt: string;
}

/**
 * Holds a certificate to the run that was started. Without it an image of any other run of the same workflow would pass under the
 * tag: an older one with a known hole, or one of a run that somebody started with other inputs.
 *
 * The repository is compared by its numbers, since it may have been renamed while it was built (RULES R8).
 *
 * @returns what differs, or undefined.
 */
export function ownBuildFailure(
  own: OwnBuild,
  identity: SignerIdentity,
  builder: Builder,
): { readonly code: RefusalCode; readonly reason: string } | undefined {
  const refuse = (code: RefusalCode, what: string, got: string | undefined, wanted: string) => ({
    code,
    reason: `${what} is ${got === undefined ? "missing" : `"${got}"`}, and the build is ${wanted}`,
  });
  if (builder.kind !== "github")
    return { code: "signer-kind", reason: `${builder.path} is no workflow, and the build is run ${own.run} of one` };
  const extensions = claimsOf(identity);
  const { sourceRepositoryIdentifier: id, sourceRepositoryOwnerIdentifier: owner, runInvocationUri } = extensions;
  if (id !== own.repositoryId)
    return refuse("repository-id", "source repository id (.15)", id, `of ${own.repositoryId}`);
  if (owner !== own.ownerId) return refuse("owner-id", "source owner id (.17)", owner, `of ${own.ownerId}`);
  const run = runInvocationUri === undefined ? undefined : parseRunUri(runInvocationUri, own.server);
  if (run?.run !== own.run || run.attempt !== own.attempt)
    return refuse("other-run", "run (.21)", runInvocationUri, `run ${own.run}, attempt ${own.attempt}`);
  const { sourceRepositoryDigest: commit, sourceRepositoryRef: ref } = extensions;
  if (commit !== own.commit) return refuse("other-commit", "source commit (.13)", commit, `of commit ${own.commit}`);
  if (ref !== own.ref) return refuse("other-ref", "ref (.14)", ref, `of ${own.ref}`);
  return undefined;
}
