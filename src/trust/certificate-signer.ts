import type { CertificateIdentity, FulcioExtensions } from "../attestation/identity.ts";
import type { CertificateBuilder, CertificateSource } from "./builder.ts";
import { NEVER_EVENTS } from "./builder-schema.ts";
import { refuse, type SignerFailure } from "./github-signer.ts";
import { substitute } from "./glob.ts";

/**
 * Holds a certificate to an issuer and a name that policy gives, and to the source where the certificate names one.
 *
 * A certificate with a source that policy doesn't bind is refused (RULES R4): a shared configuration of somebody's pipeline signs
 * under the configuration's name for whoever uses it, and only the source tells them apart.
 *
 * @param captures - The `{names}` of the image's name.
 */
export function certificateFailure(
  identity: CertificateIdentity,
  { issuer, name, source }: CertificateBuilder,
  captures: Readonly<Record<string, string>>,
): SignerFailure | undefined {
  if (identity.issuer !== issuer) return { ...refuse("issuer", "issuer", identity.issuer, `"${issuer}"`), depth: 0 };
  const { subjectAlternativeName, extensions } = identity;
  const pattern = substitute(name, captures);
  if (pattern.match(subjectAlternativeName) === undefined)
    return { ...refuse("signer-name", "the signer's name", subjectAlternativeName, pattern.pattern), depth: 1 };
  const { buildTrigger, sourceRepositoryUri } = extensions;
  if (buildTrigger !== undefined && NEVER_EVENTS.test(buildTrigger))
    return { ...refuse("event", "event (.20)", buildTrigger, "one that doesn't run code of strangers"), depth: 2 };
  if (source !== undefined) return sourceFailure(extensions, source, captures);
  if (sourceRepositoryUri === undefined) return undefined;
  const wanted = "none, for the entry has no identity.source";
  return { ...refuse("source-repository", "source repository (.12)", sourceRepositoryUri, wanted), depth: 3 };
}

/** A missing extension is a mismatch, never "not set" (RULES R6). */
function sourceFailure(
  extensions: FulcioExtensions,
  source: CertificateSource,
  captures: Readonly<Record<string, string>>,
): SignerFailure | undefined {
  const repository = substitute(source.repository, captures);
  const { sourceRepositoryIdentifier: id, sourceRepositoryOwnerIdentifier: ownerId } = extensions;
  const { sourceRepositoryUri, sourceRepositoryRef: ref, buildTrigger: event, runnerEnvironment: runner } = extensions;
  const checks = [
    // Letter for letter: whether a host tells case apart is the host's affair.
    sourceRepositoryUri === repository.pattern
      ? undefined
      : refuse("source-repository", "source repository (.12)", sourceRepositoryUri, repository.pattern),
    source.repositoryId === undefined || id === source.repositoryId
      ? undefined
      : refuse("repository-id", "source repository id (.15)", id, source.repositoryId),
    source.ownerId === undefined || ownerId === source.ownerId
      ? undefined
      : refuse("owner-id", "source owner id (.17)", ownerId, source.ownerId),
    source.runner === undefined || runner === source.runner
      ? undefined
      : refuse("runner", "runner (.11)", runner, source.runner),
    event !== undefined && source.events.includes(event)
      ? undefined
      : refuse("event", "event (.20)", event, `one of ${source.events.join(", ")}`),
    ref !== undefined && source.refs.some((glob) => glob.match(ref) !== undefined)
      ? undefined
      : refuse("ref", "ref (.14)", ref, source.refs.map((glob) => glob.pattern).join(" or ")),
  ];
  const depth = checks.findIndex((failure) => failure !== undefined);
  const failure = checks[depth];
  return failure === undefined ? undefined : { ...failure, depth: 3 + depth };
}
