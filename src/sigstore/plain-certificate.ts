import { createPublicKey, type KeyObject, verify } from "node:crypto";
import {
  contentOf,
  DerError,
  elementOf,
  hexOfBytes,
  readElements,
  readOid,
  readOnlyElement,
  readTime,
  TAG,
} from "./der.ts";
import type { RawExtension } from "./fulcio-extensions.ts";

/** X.509, version 3, as the first field of what is signed. */
const VERSION_3 = "a003020102";

/** ecdsa-with-SHA256, -SHA384 and -SHA512 (RFC 5758 3.2), as encoded, with the hash of each. */
const ECDSA_HASH: Readonly<Record<string, string>> = {
  "2a8648ce3d040302": "sha256",
  "2a8648ce3d040303": "sha384",
  "2a8648ce3d040304": "sha512",
};

/** A certificate of the plain form that Sigstore's authorities issue. */
export interface PlainCertificate {
  /** What is signed. */
  readonly tbs: Uint8Array;
  /** The fields of what is signed, each as encoded. */
  readonly fields: readonly Uint8Array[];
  readonly serialNumber: Uint8Array;
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** SubjectPublicKeyInfo. */
  readonly spki: Uint8Array;
  readonly extensions: readonly PlainExtension[];
  readonly hash: string;
  readonly signature: Uint8Array;
}

/** An extension, and all of it as encoded. */
export interface PlainExtension extends RawExtension {
  readonly encoding: Uint8Array;
}

/**
 * Reads a certificate where it is exactly of the form of RFC 5280 4.1: version 3, no unique identifiers, ECDSA, the algorithm
 * outside of what is signed that inside of it.
 *
 * @throws {DerError} on anything else, which the library may still be able to read.
 */
export function readPlainCertificate(der: Uint8Array): PlainCertificate {
  const outer = readElements(readOnlyElement(der, TAG.sequence));
  const tbs = elementOf(outer, 0, TAG.sequence);
  const algorithm = elementOf(outer, 1, TAG.sequence);
  const signature = contentOf(outer, 2, TAG.bitString);
  const fields = readElements(tbs.content);
  if (outer.length !== 3 || fields.length !== 8) throw new DerError("a certificate of more or fewer parts");
  if (hexOfBytes(fields[0]?.encoding ?? new Uint8Array()) !== VERSION_3) throw new DerError("not of version 3");
  if (!equals(elementOf(fields, 2, TAG.sequence).encoding, algorithm.encoding)) throw new DerError("two algorithms");
  if (signature[0] !== 0) throw new DerError("a signature of part of a byte");
  const validity = readElements(contentOf(fields, 4, TAG.sequence));
  const [notBefore, notAfter] = validity;
  if (notBefore === undefined || notAfter === undefined || validity.length !== 2) throw new DerError("no validity");
  return {
    tbs: tbs.encoding,
    fields: fields.map(({ encoding }) => encoding),
    serialNumber: contentOf(fields, 1, TAG.integer),
    issuer: contentOf(fields, 3, TAG.sequence),
    subject: contentOf(fields, 5, TAG.sequence),
    notBefore: readTime(notBefore),
    notAfter: readTime(notAfter),
    spki: elementOf(fields, 6, TAG.sequence).encoding,
    extensions: readElements(readOnlyElement(contentOf(fields, 7, 0xa3), TAG.sequence)).map(readExtension),
    hash: ecdsaHash(algorithm.content),
    signature: signature.subarray(1),
  };
}

function readExtension({ tag, content, encoding }: ReturnType<typeof elementOf>): PlainExtension {
  const parts = readElements(content);
  const [, flag] = parts;
  const critical = parts.length === 3;
  // X.690 11.5: what is the default isn't written.
  if (tag !== TAG.sequence || (critical && hexOfBytes(flag?.encoding ?? new Uint8Array()) !== "0101ff")) {
    throw new DerError("an extension of another form");
  }
  if (parts.length < 2 || parts.length > 3) throw new DerError("an extension of more or fewer parts");
  return {
    oid: readOid(contentOf(parts, 0, TAG.oid)),
    critical,
    value: contentOf(parts, parts.length - 1, TAG.octetString),
    encoding,
  };
}

/** The hash of an AlgorithmIdentifier of ECDSA, which has no parameters. @throws {DerError} for other algorithms. */
export function ecdsaHash(algorithm: Uint8Array): string {
  const hash = ECDSA_HASH[hexOfBytes(readOnlyElement(algorithm, TAG.oid))];
  if (hash === undefined) throw new DerError("another algorithm than ECDSA");
  return hash;
}

/** The value of an extension; undefined where it is absent. */
export function extensionOf({ extensions }: PlainCertificate, oid: string): Uint8Array | undefined {
  return extensions.find((extension) => extension.oid === oid)?.value;
}

/** The key of the certificate. @throws whatever node says of one that it can't read. */
export function keyOf({ spki }: PlainCertificate): KeyObject {
  return createPublicKey({ key: Buffer.from(spki), format: "der", type: "spki" });
}

/** Whether the key signed the certificate. Nothing else is compared. */
export function isSignedBy({ tbs, hash, signature }: PlainCertificate, key: KeyObject): boolean {
  return verify(hash, tbs, key, signature);
}

/** Whether two byte strings are the same. Nothing secret is compared here. */
export function equals(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
