import { hash, verify } from "node:crypto";
import type { ProvenAuthority } from "./authority.ts";
import { contentOf, elementOf, hexOfBytes, readElements, readOnlyElement, readTime, TAG } from "./der.ts";
import { ecdsaHash, equals } from "./plain-certificate.ts";

/** Object identifiers, as encoded: id-signedData, id-ct-TSTInfo (RFC 3161 2.4.2), id-messageDigest (RFC 5652 11.2). */
const SIGNED_DATA = "2a864886f70d010702";
const TST_INFO = "2a864886f70d0109100104";
const MESSAGE_DIGEST = "2a864886f70d010904";

/** SHA-256, -384 and -512, as encoded. */
const HASHES: Readonly<Record<string, string>> = {
  "608648016503040201": "sha256",
  "608648016503040202": "sha384",
  "608648016503040203": "sha512",
};

/** A proven time. */
export interface ProvenTimestamp {
  readonly time: Date;
  readonly serialNumber: Uint8Array;
}

/**
 * Proves an RFC 3161 response over some bytes, where it has the plain form: one signer, named by issuer and serial number, ECDSA.
 *
 * @throws on anything else, which the library may still be able to prove.
 */
export function proveTimestamp(
  response: Uint8Array,
  signed: Uint8Array,
  authorities: readonly ProvenAuthority[],
): ProvenTimestamp {
  const token = readElements(contentOf(readElements(readOnlyElement(response, TAG.sequence)), 1, TAG.sequence));
  requireOid(contentOf(token, 0, TAG.oid), SIGNED_DATA);
  const signedData = readElements(readOnlyElement(contentOf(token, 1, 0xa0), TAG.sequence));
  const content = readElements(contentOf(signedData, 2, TAG.sequence));
  requireOid(contentOf(content, 0, TAG.oid), TST_INFO);
  const info = readOnlyElement(contentOf(content, 1, 0xa0), TAG.octetString);
  const { time, imprint, imprintHash } = readInfo(info);
  if (!equals(hash(imprintHash, signed, "buffer"), imprint)) throw new Error("a timestamp of something else");

  const signers = readElements(contentOf(signedData, signedData.length - 1, TAG.set));
  if (signers.length !== 1) throw new Error("more than one signer of a timestamp");
  const signer = readElements(contentOf(signers, 0, TAG.sequence));
  const [issuer, serialNumber] = readSignerName(contentOf(signer, 1, TAG.sequence));
  const attributes = elementOf(signer, 3, 0xa0);
  const digest = hash(hashOf(contentOf(signer, 2, TAG.sequence)), info, "buffer");
  if (!equals(digest, readMessageDigest(attributes.content))) throw new Error("a digest of something else");

  // RFC 5652 5.4: what is signed is the SET, not the implicit tag that it stands under.
  const attributesSet = Buffer.from(attributes.encoding);
  attributesSet[0] = TAG.set;
  const signatureHash = ecdsaHash(contentOf(signer, 4, TAG.sequence));
  const signature = contentOf(signer, 5, TAG.octetString);
  const fits = authorities.some(
    ({ certificate, key, from, until }) =>
      from <= time &&
      time <= until &&
      equals(certificate.serialNumber, serialNumber) &&
      equals(certificate.issuer, issuer) &&
      verify(signatureHash, attributesSet, key, signature),
  );
  if (!fits) throw new Error("a timestamp of nobody's");
  return { time, serialNumber };
}

function readInfo(info: Uint8Array) {
  const fields = readElements(readOnlyElement(info, TAG.sequence));
  const imprint = readElements(contentOf(fields, 2, TAG.sequence));
  return {
    time: readTime(elementOf(fields, 4, TAG.generalizedTime)),
    imprint: contentOf(imprint, 1, TAG.octetString),
    imprintHash: hashOf(contentOf(imprint, 0, TAG.sequence)),
  };
}

function readSignerName(content: Uint8Array): readonly [issuer: Uint8Array, serialNumber: Uint8Array] {
  const name = readElements(content);
  return [contentOf(name, 0, TAG.sequence), contentOf(name, 1, TAG.integer)];
}

function readMessageDigest(attributes: Uint8Array): Uint8Array {
  const digests = readElements(attributes)
    .map(({ content }) => readElements(content))
    .filter((attribute) => hexOfBytes(contentOf(attribute, 0, TAG.oid)) === MESSAGE_DIGEST);
  const [digest] = digests;
  if (digest === undefined || digests.length !== 1) throw new Error("no digest that is signed, or two");
  return readOnlyElement(contentOf(digest, 1, TAG.set), TAG.octetString);
}

function hashOf(algorithm: Uint8Array): string {
  const name = HASHES[hexOfBytes(contentOf(readElements(algorithm), 0, TAG.oid))];
  if (name === undefined) throw new Error("another hash than SHA-2");
  return name;
}

function requireOid(content: Uint8Array, encoded: string): void {
  if (hexOfBytes(content) !== encoded) throw new Error("content of another type");
}
