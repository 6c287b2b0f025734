import type { Digest } from "../image/digest.ts";

/** Who signed, as the cryptography shows it. What that is worth is policy's business. */
export type SignerIdentity = CertificateIdentity | KeyIdentity;

/** A signer that an authority of the trusted root vouched for at the time of signing. */
export interface CertificateIdentity {
  readonly kind: "certificate";
  /** Who told the authority who the signer is: extension .8, or .1 where .8 is absent. */
  readonly issuer: string;
  /** The one name in the certificate: a URI, or an e-mail address. */
  readonly subjectAlternativeName: string;
  readonly extensions: FulcioExtensions;
}

/** A signer that is a key and nothing else. */
export interface KeyIdentity {
  readonly kind: "key";
  /** SHA-256 of the key's SubjectPublicKeyInfo. */
  readonly fingerprint: Digest;
}

/** What a signer is called in reports and revocations: the certificate's name, or the key's fingerprint. */
export function signerName(identity: SignerIdentity): string {
  return identity.kind === "certificate" ? identity.subjectAlternativeName : identity.fingerprint;
}

/** What the signer's certificate says of the build. A key has none: nothing that its holder writes elsewhere takes its place. */
export function claimsOf(identity: SignerIdentity): FulcioExtensions {
  return identity.kind === "certificate" ? identity.extensions : {};
}

/**
 * What the authority wrote into the certificate of a build, decoded. Absent means absent from the certificate: a rule that needs
 * a field takes its absence for a mismatch (RULES R6).
 *
 * @see sigstore/fulcio docs/oid-info.md; numbers are the last arc below 1.3.6.1.4.1.57264.1
 */
export interface FulcioExtensions {
  /** .9: the workflow that built, with its ref; for a reusable workflow the called one. */
  readonly buildSignerUri?: string;
  /** .10: its commit. */
  readonly buildSignerDigest?: string;
  /** .11: `github-hosted` or `self-hosted`. */
  readonly runnerEnvironment?: string;
  /** .12, else .5 below https://github.com */
  readonly sourceRepositoryUri?: string;
  /** .13, else .3: the commit. */
  readonly sourceRepositoryDigest?: string;
  /** .14, else .6 */
  readonly sourceRepositoryRef?: string;
  /** .15: the numeric id, which survives renames. */
  readonly sourceRepositoryIdentifier?: string;
  /** .16 */
  readonly sourceRepositoryOwnerUri?: string;
  /** .17 */
  readonly sourceRepositoryOwnerIdentifier?: string;
  /** .18: the caller's workflow. Not the builder (RULES R7). */
  readonly buildConfigUri?: string;
  /** .19 */
  readonly buildConfigDigest?: string;
  /** .20, else .2: the event. */
  readonly buildTrigger?: string;
  /** .21: run and attempt. */
  readonly runInvocationUri?: string;
  /** .22: `public`, `private` or `internal`, at the time of signing. */
  readonly sourceRepositoryVisibility?: string;
}
