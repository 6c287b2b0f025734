import type { KeyObject } from "node:crypto";
import type { TrustMaterial } from "@sigstore/verify";
import { readElements, readOnlyElement, TAG } from "./der.ts";
import {
  equals,
  extensionOf,
  isSignedBy,
  keyOf,
  type PlainCertificate,
  readPlainCertificate,
} from "./plain-certificate.ts";

const SUBJECT_KEY_IDENTIFIER = "2.5.29.14";
const KEY_USAGE = "2.5.29.15";
const BASIC_CONSTRAINTS = "2.5.29.19";
const AUTHORITY_KEY_IDENTIFIER = "2.5.29.35";

/** An authority of a trusted root whose own chain was proven, once. */
export interface ProvenAuthority {
  /** The certificate that issues or signs. */
  readonly certificate: PlainCertificate;
  readonly key: KeyObject;
  /** When the root trusts it and every certificate of its chain is valid, both ends included. */
  readonly from: Date;
  readonly until: Date;
}

type Authority = TrustMaterial["certificateAuthorities"][number];

/** The authorities of a root that issue signers' certificates; only those whose chain is a plain line to a self-signed one. */
export function provenIssuers(authorities: readonly Authority[]): readonly ProvenAuthority[] {
  return authorities.flatMap((authority) => prove(authority, true));
}

/** The authorities of a root that sign timestamps, by the first certificate of each chain. */
export function provenTimestampers(authorities: readonly Authority[]): readonly ProvenAuthority[] {
  return authorities.flatMap((authority) => prove(authority, false));
}

function prove({ certChain, validFor }: Authority, issues: boolean): readonly ProvenAuthority[] {
  try {
    const chain = certChain.map((certificate) => readPlainCertificate(certificate.root.toDER()));
    const [certificate] = chain;
    // A timestamper that stands alone has nobody who vouches for it: for the library that is no chain.
    if (certificate === undefined || (!issues && chain.length < 2)) return [];
    for (const [index, child] of chain.entries()) checkLink(child, chain[index + 1] ?? child, index, issues);
    return [
      {
        certificate,
        key: keyOf(certificate),
        from: new Date(Math.max(...[validFor.start, ...chain.map(({ notBefore }) => notBefore)].map(Number))),
        until: new Date(Math.min(...[validFor.end, ...chain.map(({ notAfter }) => notAfter)].map(Number))),
      },
    ];
  } catch {
    // Not of the plain form: the library has the word about it, for each bundle.
    return [];
  }
}

/** RFC 5280 6.1.3 and 6.1.4 for one certificate of a root's chain and the one above it; the last stands above itself. */
function checkLink(child: PlainCertificate, parent: PlainCertificate, index: number, issues: boolean): void {
  if (!namesIssuer(child, parent)) throw new Error("a name that doesn't chain");
  if (!isSignedBy(child, keyOf(parent))) throw new Error("a signature that doesn't fit");
  if (index === 0 && !issues) return;
  const { authority, pathLength } = constraintsOf(child);
  if (!authority || !mayIssue(child)) throw new Error("no authority");
  // Certificates between this one and the signer's, which stands below the first of a chain that issues, and is the first otherwise.
  const between = issues ? index : index - 1;
  if (pathLength !== undefined && pathLength < between) throw new Error("a path that is too long");
}

/** Whether a certificate says that it was issued by this one: by name, and by key where both say which. */
export function namesIssuer(child: PlainCertificate, parent: PlainCertificate): boolean {
  if (!equals(child.issuer, parent.subject)) return false;
  const above = extensionOf(parent, SUBJECT_KEY_IDENTIFIER);
  const below = extensionOf(child, AUTHORITY_KEY_IDENTIFIER);
  if (above === undefined || below === undefined) return true;
  const [keyIdentifier] = readElements(readOnlyElement(below, TAG.sequence));
  return keyIdentifier?.tag !== 0x80 || equals(keyIdentifier.content, readOnlyElement(above, TAG.octetString));
}

function constraintsOf(certificate: PlainCertificate): { authority: boolean; pathLength: number | undefined } {
  const value = extensionOf(certificate, BASIC_CONSTRAINTS);
  if (value === undefined) return { authority: false, pathLength: undefined };
  const [authority, pathLength] = readElements(readOnlyElement(value, TAG.sequence));
  if (pathLength !== undefined && (pathLength.tag !== TAG.integer || pathLength.content.length !== 1)) {
    throw new Error("a path length of another form");
  }
  return {
    authority: authority?.tag === TAG.boolean && authority.content[0] === 0xff,
    pathLength: pathLength?.content[0],
  };
}

/** keyCertSign, where key usages are listed at all. */
function mayIssue(certificate: PlainCertificate): boolean {
  const usage = extensionOf(certificate, KEY_USAGE);
  return usage === undefined || ((readOnlyElement(usage, TAG.bitString)[1] ?? 0) & 0x04) !== 0;
}
