import type { SignedEntity } from "@sigstore/verify";
import type { CertificateIdentity } from "../attestation/identity.ts";
import { hexOfBytes, readElement, readElements, readOnlyElement, readUtf8, TAG } from "./der.ts";
import { type RawExtension, readFulcioClaims } from "./fulcio-extensions.ts";
import { Rejection, rejectAs } from "./rejection.ts";

/** A signer's certificate in the reading that its own signature was checked in. */
export type LeafCertificate = Extract<SignedEntity["key"], { $case: "certificate" }>["certificate"];

const KEY_USAGE = "2.5.29.15";
const SUBJECT_ALTERNATIVE_NAME = "2.5.29.17";
const BASIC_CONSTRAINTS = "2.5.29.19";
const EXTENDED_KEY_USAGE = "2.5.29.37";

/** Critical extensions that are understood here, or by the library that checks the chain. */
const UNDERSTOOD = new Set([KEY_USAGE, SUBJECT_ALTERNATIVE_NAME, BASIC_CONSTRAINTS, EXTENDED_KEY_USAGE]);

/** 1.3.6.1.5.5.7.3.3, codeSigning, as encoded. */
const CODE_SIGNING = "2b06010505070303";
/** 1.3.6.1.4.1.57264.1.7, Fulcio's user names, as encoded. */
const USER_NAME = "2b0601040183bf300107";

/** Identifier octets of the kinds of GeneralName that Fulcio issues (RFC 5280 4.2.1.6). */
const GENERAL_NAME = { otherName: 0xa0, email: 0x81, uri: 0x86 } as const;

/**
 * Who a certificate says that its holder is, and that it is one for signing.
 *
 * The library checks the chain and the dates; it looks neither at the extended key usage, nor at unknown critical extensions (with
 * a precertificate's poison among them), nor for a second name.
 *
 * @param certificate - One whose chain has been verified: nothing here proves who issued it.
 * @throws {Rejection} `certificate` or `malformed-extension`
 */
export function readCertificateIdentity(certificate: LeafCertificate): CertificateIdentity {
  return identityOf(readExtensions(certificate), () => checkUnsignedParts(certificate));
}

/**
 * {@link readCertificateIdentity} from the extensions.
 *
 * @param checkForm - Throws where what isn't signed of the certificate has another form than it should.
 * @throws {Rejection} `certificate` or `malformed-extension`
 */
export function identityOf(extensions: readonly RawExtension[], checkForm: () => void): CertificateIdentity {
  const { issuer, extensions: claims } = readFulcioClaims(extensions);
  rejectAs("certificate", "reading the certificate's own form", () => {
    checkForm();
    checkSigningCertificate(extensions);
  });
  const subjectAlternativeName = rejectAs("certificate", "reading the certificate's subject alternative name", () =>
    readName(extensions),
  );
  if (issuer === undefined)
    throw new Rejection("certificate", "the certificate names no issuer of the identity (extension .8 or .1)");
  return { kind: "certificate", issuer, subjectAlternativeName, extensions: claims };
}

/** @throws {Rejection} `malformed-extension` */
function readExtensions(certificate: LeafCertificate): readonly RawExtension[] {
  return rejectAs("malformed-extension", "reading the certificate's extensions", () =>
    certificate.extensions.map(({ subs }) => {
      const [oid, ...rest] = subs;
      const value = rest.pop();
      const [critical] = rest;
      if (oid === undefined || value === undefined || rest.length > 1) throw new Error("an entry of the wrong length");
      if (!value.tag.isUniversal() || value.tag.number !== 4) throw new Error("a value that is no OCTET STRING");
      return { oid: oid.toOID(), critical: critical?.toBoolean() ?? false, value: value.value };
    }),
  );
}

/** RFC 5280 4.1.1.2: the algorithm outside of what is signed is the one inside. So one certificate has one form, and one hash. */
function checkUnsignedParts({ root, tbsCertificate }: LeafCertificate): void {
  const [, outer, signature] = root.subs;
  const inner = tbsCertificate.subs[2];
  if (inner === undefined || outer?.toDER().equals(inner.toDER()) !== true) throw new Error("two signature algorithms");
  if (signature?.tag.number !== TAG.bitString || signature.value[0] !== 0)
    throw new Error("a signature of part of a byte");
}

function checkSigningCertificate(extensions: readonly RawExtension[]): void {
  const find = (oid: string) => extensions.find((extension) => extension.oid === oid)?.value;
  for (const { oid, critical } of extensions) {
    // RFC 5280 4.2: refuse what is critical and not recognised.
    if (critical && !UNDERSTOOD.has(oid)) throw new Error(`an unknown critical extension, ${oid}`);
  }
  const purposes = find(EXTENDED_KEY_USAGE);
  if (purposes === undefined || !readElements(readOnlyElement(purposes, TAG.sequence)).some(isCodeSigning)) {
    throw new Error("not issued for signing code");
  }
  const usage = find(KEY_USAGE);
  // The first octet counts unused bits; the first bit after it is digitalSignature.
  if (usage !== undefined && ((readOnlyElement(usage, TAG.bitString)[1] ?? 0) & 0x80) === 0) {
    throw new Error("its key may not sign");
  }
  const constraints = find(BASIC_CONSTRAINTS);
  if (constraints === undefined) return;
  const [authority] = readElements(readOnlyElement(constraints, TAG.sequence));
  if (authority?.tag === TAG.boolean && authority.content[0] !== 0)
    throw new Error("an authority's certificate, not a signer's");
}

function isCodeSigning({ tag, content }: { readonly tag: number; readonly content: Uint8Array }): boolean {
  return tag === TAG.oid && hexOfBytes(content) === CODE_SIGNING;
}

function readName(extensions: readonly RawExtension[]): string {
  const value = extensions.find(({ oid }) => oid === SUBJECT_ALTERNATIVE_NAME)?.value;
  if (value === undefined) throw new Error("there is none");
  const names = readElements(readOnlyElement(value, TAG.sequence));
  const [name] = names;
  // With two names, which one is compared would be the reader's choice.
  if (name === undefined || names.length !== 1) throw new Error(`${names.length} names where one belongs`);
  switch (name.tag) {
    case GENERAL_NAME.uri:
    case GENERAL_NAME.email:
      return readPrintable(name.content);
    case GENERAL_NAME.otherName:
      return readUserName(name.content);
    default:
      throw new Error("a name that is neither URI nor e-mail address");
  }
}

/** IA5String also has control characters; in a name they serve nothing but confusion (a line feed at the end, say). */
function readPrintable(bytes: Uint8Array): string {
  const text = Buffer.from(bytes).toString("latin1");
  if (!/^[\x21-\x7e]+$/.test(text)) throw new Error("a name with characters that don't belong in one");
  return text;
}

function readUserName(bytes: Uint8Array): string {
  const [type, value, ...rest] = readElements(bytes);
  if (type === undefined || value === undefined || rest.length > 0) throw new Error("a malformed otherName");
  if (type.tag !== TAG.oid || hexOfBytes(type.content) !== USER_NAME)
    throw new Error("an otherName of an unknown type");
  if (value.tag !== 0xa0) throw new Error("a malformed otherName");
  const inner = readElement(value.content);
  if (inner.tag !== TAG.utf8String || inner.end !== value.content.length) throw new Error("a malformed otherName");
  const name = readUtf8(inner.content);
  if (!/^[^\p{Cc}\p{Cf}\p{Z}]+$/u.test(name)) throw new Error("a name with characters that don't belong in one");
  return name;
}
