import { hash, verify } from "node:crypto";
import type { TrustMaterial } from "@sigstore/verify";
import { encodeElement, readOnlyElement, TAG } from "./der.ts";
import type { PlainCertificate } from "./plain-certificate.ts";

/** The list of promises inside a certificate (RFC 6962 3.3). */
const PROMISES = "1.3.6.1.4.1.11129.2.4.2";

/** TLS' numbers of the hashes that are taken (RFC 5246 7.4.1.4.1). */
const HASHES: Readonly<Record<number, string>> = { 4: "sha256", 5: "sha384", 6: "sha512" };

/**
 * Proves every promise of certificate transparency in a certificate.
 *
 * @param issuerKey - SubjectPublicKeyInfo of whoever issued it.
 * @returns The ids of the logs that promised, in hexadecimal, each once.
 * @throws where one isn't proven, or a log promised twice.
 * @see RFC 6962 3.2
 */
export function provePromises(
  certificate: PlainCertificate,
  issuerKey: Uint8Array,
  logs: TrustMaterial["ctlogs"],
): readonly string[] {
  const extension = certificate.extensions.find(({ oid }) => oid === PROMISES);
  if (extension === undefined) return [];
  const entry = precertificate(certificate, extension.encoding, issuerKey);
  const list = Buffer.from(readOnlyElement(extension.value, TAG.octetString));
  const promises = readVectors(list);
  const ids = promises.map((promise) => provePromise(promise, entry, logs));
  if (new Set(ids).size !== ids.length) throw new Error("two promises of one log");
  return ids;
}

/** The hash of the issuer's key, and what the authority signed before the promises were in it, with its length. */
function precertificate({ fields }: PlainCertificate, promises: Uint8Array, issuerKey: Uint8Array): Buffer {
  const all = fields.slice(0, 7);
  const extensions = fields[7] ?? new Uint8Array();
  const list = readOnlyElement(readOnlyElement(extensions, 0xa3), TAG.sequence);
  const at = promises.byteOffset - list.byteOffset;
  const rest = encodeElement(TAG.sequence, list.subarray(0, at), list.subarray(at + promises.length));
  const tbs = encodeElement(TAG.sequence, ...all, encodeElement(0xa3, rest));
  const length = Buffer.alloc(3);
  length.writeUIntBE(tbs.length, 0, 3);
  return Buffer.concat([hash("sha256", issuerKey, "buffer"), length, tbs]);
}

/** The list: its length in two bytes, then each promise with its own. */
function readVectors(list: Buffer): readonly Buffer[] {
  if (list.readUInt16BE(0) !== list.length - 2) throw new Error("a list of another length");
  const vectors: Buffer[] = [];
  for (let at = 2; at < list.length; ) {
    const end = at + 2 + list.readUInt16BE(at);
    if (end > list.length) throw new Error("a promise longer than its list");
    vectors.push(list.subarray(at + 2, end));
    at = end;
  }
  return vectors;
}

function provePromise(promise: Buffer, entry: Buffer, logs: TrustMaterial["ctlogs"]): string {
  const version = promise.readUInt8(0);
  const logId = promise.subarray(1, 33);
  const timestamp = promise.subarray(33, 41);
  const extensionsEnd = 43 + promise.readUInt16BE(41);
  const extensions = promise.subarray(41, extensionsEnd);
  const algorithm = HASHES[promise.readUInt8(extensionsEnd)];
  const signature = promise.subarray(extensionsEnd + 4);
  if (version !== 0 || algorithm === undefined || promise.readUInt16BE(extensionsEnd + 2) !== signature.length) {
    throw new Error("a promise of another form");
  }
  const time = new Date(Number(timestamp.readBigInt64BE()));
  // certificate_timestamp, then precert_entry.
  const signed = Buffer.concat([Buffer.of(version, 0), timestamp, Buffer.of(0, 1), entry, extensions]);
  const fits = logs.some(
    ({ logID, validFor, publicKey }) =>
      logID.equals(logId) &&
      validFor.start <= time &&
      time <= validFor.end &&
      verify(algorithm, signed, publicKey, signature),
  );
  if (!fits) throw new Error("a promise that isn't proven");
  return logId.toString("hex");
}
