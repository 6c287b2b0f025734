import type { FulcioExtensions } from "../attestation/identity.ts";
import { readOnlyElement, readUtf8, TAG } from "./der.ts";
import { Rejection, rejectAs } from "./rejection.ts";

/** An extension as it stands in a certificate. */
export interface RawExtension {
  /** Dotted decimal. */
  readonly oid: string;
  readonly critical: boolean;
  /** What is inside the extnValue OCTET STRING. */
  readonly value: Uint8Array;
}

/** What the authority says of the signer beyond the name. */
export interface FulcioClaims {
  /** .8, or .1 where .8 is absent; undefined if the certificate has neither. */
  readonly issuer: string | undefined;
  readonly extensions: FulcioExtensions;
}

/** The arc below which Fulcio numbers its extensions. */
export const FULCIO_ARC = "1.3.6.1.4.1.57264.1";

/** GitHub's issuer on github.com; an enterprise there may have its slug behind it. Servers of their own have other hosts. */
const GITHUB_ISSUER = "https://token.actions.githubusercontent.com";

/** Last arcs of the values that are DER, with the field each becomes. */
const FIELDS = {
  buildSignerUri: 9,
  buildSignerDigest: 10,
  runnerEnvironment: 11,
  sourceRepositoryUri: 12,
  sourceRepositoryDigest: 13,
  sourceRepositoryRef: 14,
  sourceRepositoryIdentifier: 15,
  sourceRepositoryOwnerUri: 16,
  sourceRepositoryOwnerIdentifier: 17,
  buildConfigUri: 18,
  buildConfigDigest: 19,
  buildTrigger: 20,
  runInvocationUri: 21,
  sourceRepositoryVisibility: 22,
} as const satisfies Readonly<Record<keyof FulcioExtensions, number>>;

/** The fields that there are. */
export const FULCIO_FIELDS = Object.keys(FIELDS) as readonly (keyof FulcioExtensions)[];

/** The older arc that may stand in for a field. */
const OLDER: Readonly<Partial<Record<keyof FulcioExtensions, number>>> = {
  buildTrigger: 2,
  sourceRepositoryDigest: 3,
  sourceRepositoryUri: 5,
  sourceRepositoryRef: 6,
};

/**
 * Decodes what Fulcio wrote (RULES R6): .8–.22 as DER, and .1–.6, which are bare text, only where the new one is absent.
 *
 * @throws {Rejection} `malformed-extension` on a duplicate, on DER that is not exact, and on an empty value: Fulcio leaves a claim
 * out rather than write it empty, and an empty text must not pass for a claim.
 * @see sigstore/fulcio docs/oid-info.md
 */
export function readFulcioClaims(raw: readonly RawExtension[]): FulcioClaims {
  const values = new Map<string, Uint8Array>();
  for (const { oid, value } of raw) {
    // RFC 5280 4.2: not more than one of each. Readers differ in whether the first or the last one wins.
    if (values.has(oid)) throw malformed(oid, "it is there twice");
    values.set(oid, value);
  }
  const der = (arc: number) => decode(values, arc, (bytes) => readUtf8(readOnlyElement(bytes, TAG.utf8String)));
  const bare = (arc: number) => decode(values, arc, readUtf8);

  const issuer = der(8) ?? bare(1);
  const extensions: { -readonly [field in keyof FulcioExtensions]: FulcioExtensions[field] } = {};
  for (const field of FULCIO_FIELDS) {
    const value = der(FIELDS[field]) ?? older(field, issuer, bare);
    if (value !== undefined) extensions[field] = value;
  }
  return { issuer, extensions };
}

function older(
  field: keyof FulcioExtensions,
  issuer: string | undefined,
  bare: (arc: number) => string | undefined,
): string | undefined {
  const arc = OLDER[field];
  if (arc === undefined) return undefined;
  const value = bare(arc);
  if (arc !== OLDER.sourceRepositoryUri || value === undefined) return value;
  if (!/^[\w.-]+\/[\w.-]+$/.test(value)) throw malformed(`${FULCIO_ARC}.${arc}`, "no owner/repository");
  // The old field has no host. Only github.com's issuer makes it a repository of github.com.
  const onGitHub = issuer === GITHUB_ISSUER || issuer?.startsWith(`${GITHUB_ISSUER}/`) === true;
  return onGitHub ? `https://github.com/${value}` : undefined;
}

function decode(
  values: ReadonlyMap<string, Uint8Array>,
  arc: number,
  read: (bytes: Uint8Array) => string,
): string | undefined {
  const oid = `${FULCIO_ARC}.${arc}`;
  const bytes = values.get(oid);
  if (bytes === undefined) return undefined;
  const text = rejectAs("malformed-extension", `reading certificate extension ${oid}`, () => read(bytes));
  if (text === "") throw malformed(oid, "it is empty");
  return text;
}

function malformed(oid: string, what: string): Rejection {
  return new Rejection("malformed-extension", `reading certificate extension ${oid}: ${what}`);
}
