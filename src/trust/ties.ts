import type { BuildRecord } from "../attestation/buildkit.ts";
import type { CertificateIdentity } from "../attestation/identity.ts";
import type { Provenance } from "../attestation/provenance.ts";
import { gitRepositoryPath, parseRunUri, repositoryPath } from "./repository-uri.ts";

/** How something that provenance says stands to what the certificate says. */
export type Tie =
  /** Both say the same. */
  | "agrees"
  /** They contradict each other. */
  | "differs"
  /** The provenance says nothing of it. */
  | "absent";

/** The git source of the build against source repository (.12) and commit (.13) (RULES R10). */
export function sourceTie({ source }: BuildRecord, { extensions }: CertificateIdentity, server: string): Tie {
  if (source === undefined) return "absent";
  const { sourceRepositoryUri: repository, sourceRepositoryDigest: commit } = extensions;
  if (repository === undefined || commit === undefined) return "differs";
  const path = gitRepositoryPath(source.uri, server);
  const isSame = path !== undefined && path === repositoryPath(repository, server) && source.commit === commit;
  return isSame ? "agrees" : "differs";
}

/** `builder.id` against the run (.21); BuildKit's clients write the run's URL there, older ones without the attempt (RULES R11). */
export function runTie({ builderId }: Provenance, { extensions }: CertificateIdentity, server: string): Tie {
  if (builderId === "") return "absent";
  const claimed = parseRunUri(builderId, server);
  const signed =
    extensions.runInvocationUri === undefined ? undefined : parseRunUri(extensions.runInvocationUri, server);
  if (claimed === undefined || signed === undefined) return "differs";
  const sameRun = claimed.repository === signed.repository && claimed.run === signed.run;
  return sameRun && (claimed.attempt === undefined || claimed.attempt === signed.attempt) ? "agrees" : "differs";
}

/**
 * Whether unsigned provenance inside an index is the word of whoever signed the index: at least one tie is there, and every one that
 * is there agrees (RULES R11). Otherwise anyone who can have an index signed could put provenance of his own making inside.
 */
export function isTied(ties: readonly Tie[]): boolean {
  return ties.includes("agrees") && !ties.includes("differs");
}
