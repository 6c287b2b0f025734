import { hash, type KeyObject, verify } from "node:crypto";
import type { Bundle } from "@sigstore/bundle";
import { Entry as RekorEntry } from "@sigstore/protobuf-specs/rekor/v2";
import type { TrustMaterial } from "@sigstore/verify";
import type { CertificateIdentity } from "../attestation/identity.ts";
import { namesIssuer, type ProvenAuthority, provenIssuers, provenTimestampers } from "./authority.ts";
import { identityOf } from "./certificate-identity.ts";
import { provePromises } from "./certificate-promise.ts";
import { proveInclusion } from "./inclusion.ts";
import { checkLogEntry, type EntryBody, type EntrySigner, type LogEntry, readEntryBody } from "./log-entry.ts";
import { equals, isSignedBy, keyOf, type PlainCertificate, readPlainCertificate } from "./plain-certificate.ts";
import { Rejection, rejectAs } from "./rejection.ts";
import { proveTimestamp } from "./timestamp-token.ts";
import type { TrustedRootProfile } from "./trusted-root.ts";

/** Kinds of entries whose body is a protocol buffers' message. */
const REKOR_2: ReadonlySet<string> = new Set(["dsse/0.0.2", "hashedrekord/0.0.2"]);

type Envelope = Extract<Bundle["content"], { $case: "dsseEnvelope" }>["dsseEnvelope"];

/** What a root's own authorities were found to be, once for each root. */
interface ProvenRoot {
  readonly issuers: readonly ProvenAuthority[];
  readonly timestampers: readonly ProvenAuthority[];
}

const provenRoots = new WeakMap<TrustMaterial, ProvenRoot>();

/**
 * Proves an envelope that a certificate's key signed: the checks of `@sigstore/verify`, on the bytes as they stand, with the chains
 * of the root proven once. It knows only the plain forms, and is nowhere laxer than the library.
 *
 * @throws {Rejection} where it proves nothing: the library may still, but for entries that it doesn't know.
 */
export function proveCertificateSigned(
  bundle: Bundle,
  rawBytes: Buffer,
  root: TrustedRootProfile,
): { readonly identity: CertificateIdentity; readonly times: readonly Date[] } {
  const envelope = envelopeOf(bundle);
  const certificate = rejectAs("certificate", "reading the certificate", () => readPlainCertificate(rawBytes));
  const { issuers, timestampers } = provenRootOf(root);
  const times = proveTimes(bundle, envelope, timestampers);
  if (times.length === 0) throw new Rejection("timestamp", "no time of signing is proven");
  rejectAs("certificate", "proving the certificate", () => checkDates(certificate, times));
  const issuer = issuers.find((candidate) => isIssuer(candidate, certificate, times));
  if (issuer === undefined) throw new Rejection("certificate", `no authority of ${root.name} issued the certificate`);
  const promises = rejectAs("sct", "proving the promises in the certificate", () =>
    provePromises(certificate, issuer.certificate.spki, root.material.ctlogs),
  );
  if (promises.length < root.thresholds.ctlog) throw new Rejection("sct", "a promise is missing in the certificate");

  proveEntries(bundle, envelope, { kind: "certificate", rawBytes }, times, root);
  const key = rejectAs("certificate", "reading the certificate's key", () => keyOf(certificate));
  proveSignature(envelope, key);
  // The plain form holds what `identityOf` would have checked of the unsigned parts.
  return { identity: identityOf(certificate.extensions, () => {}), times };
}

/**
 * {@link proveCertificateSigned} for a bare key: what there is of times and entries must be proven, and as many entries be there as
 * the root asks for.
 *
 * @throws {Rejection}
 */
export function proveKeySigned(bundle: Bundle, publicKey: KeyObject, root: TrustedRootProfile): readonly Date[] {
  const envelope = envelopeOf(bundle);
  const times = proveTimes(bundle, envelope, provenRootOf(root).timestampers);
  proveEntries(bundle, envelope, { kind: "key", publicKey }, times, root);
  proveSignature(envelope, publicKey);
  return times;
}

function provenRootOf({ material }: TrustedRootProfile): ProvenRoot {
  let proven = provenRoots.get(material);
  if (proven === undefined) {
    proven = {
      issuers: provenIssuers(material.certificateAuthorities),
      timestampers: provenTimestampers(material.timestampAuthorities),
    };
    provenRoots.set(material, proven);
  }
  return proven;
}

function envelopeOf({ content }: Bundle): Envelope {
  if (content.$case === "dsseEnvelope" && content.dsseEnvelope.signatures.length === 1) return content.dsseEnvelope;
  throw new Rejection("malformed-bundle", "no envelope with one signature");
}

/** The times of the promises first, which {@link proveEntries} proves, then those of the tokens, proven here. */
function proveTimes(bundle: Bundle, envelope: Envelope, timestampers: readonly ProvenAuthority[]): readonly Date[] {
  const promised = entriesOf(bundle)
    .filter(({ inclusionPromise, integratedTime }) => inclusionPromise !== undefined && Number(integratedTime) > 0)
    .map(({ logId, integratedTime }) => ({
      from: logId.keyId.toString("hex"),
      time: new Date(Number(integratedTime) * 1000),
    }));
  const { timestampVerificationData } = bundle.verificationMaterial;
  const stamped = (timestampVerificationData?.rfc3161Timestamps ?? []).map(({ signedTimestamp }) =>
    rejectAs("timestamp", "proving a timestamp", () => {
      const { time, serialNumber } = proveTimestamp(signedTimestamp, signatureOf(envelope), timestampers);
      return { from: `serial number ${Buffer.from(serialNumber).toString("hex")}`, time };
    }),
  );
  const all = [...promised, ...stamped];
  // One word twice is still one word.
  if (new Set(all.map(({ from, time }) => `${from} ${time.getTime()}`)).size < all.length) {
    throw new Rejection("timestamp", "a duplicate timestamp");
  }
  return all.map(({ time }) => time);
}

/** The library's bundles have each entry with its log's id and its kind: it refuses others when it reads them. */
function entriesOf({ verificationMaterial: { tlogEntries } }: Bundle): readonly LogEntry[] {
  return tlogEntries as LogEntry[];
}

function checkDates({ notBefore, notAfter }: PlainCertificate, times: readonly Date[]): void {
  if (!times.every((time) => notBefore <= time && time <= notAfter)) {
    throw new Error("not valid at the time of signing");
  }
}

function isIssuer(authority: ProvenAuthority, certificate: PlainCertificate, times: readonly Date[]): boolean {
  return (
    times.every((time) => authority.from <= time && time <= authority.until) &&
    // One that names itself as its issuer is nobody's below an authority.
    !equals(certificate.subject, certificate.issuer) &&
    rejectAs(
      "certificate",
      "proving the certificate's chain",
      () => namesIssuer(certificate, authority.certificate) && isSignedBy(certificate, authority.key),
    )
  );
}

function proveEntries(
  bundle: Bundle,
  envelope: Envelope,
  signer: EntrySigner,
  times: readonly Date[],
  { material, thresholds }: TrustedRootProfile,
): void {
  const entries = entriesOf(bundle);
  for (const entry of entries) {
    rejectAs("log-entry", "proving the log entry", () => proveInclusion(entry, material.tlogs));
    const body = readEntryBody(entry);
    rejectAs("log-entry", "comparing the log entry", () => checkBody(entry, body, envelope));
    checkLogEntry(entry, body, signer, times, material.tlogs);
  }
  const distinct = new Set(
    entries.map(({ logId, canonicalizedBody }) => `${logId.keyId.toString("hex")} ${hexHash(canonicalizedBody)}`),
  );
  if (distinct.size < entries.length) throw new Rejection("log-entry", "a duplicate log entry");
  if (distinct.size < thresholds.tlog) throw new Rejection("log-entry", "no log entry");
}

/** Whether an entry is about this envelope. @throws on the first thing of it that isn't this envelope's. */
function checkBody(entry: LogEntry, body: EntryBody, envelope: Envelope): void {
  const { kind, version } = entry.kindVersion;
  if (`${kind}/${version}` !== body.kind) throw new Error("an entry of another kind than it is called");
  // Rekor v2's bodies are messages: one that is none is refused for what it says of algorithms, too.
  if (REKOR_2.has(body.kind)) RekorEntry.fromJSON(JSON.parse(entry.canonicalizedBody.toString("utf8")));
  const { signature, payloadHash, signedHash, envelopeHash } = body;
  if (signature !== undefined && !equals(Buffer.from(signature, "base64"), signatureOf(envelope))) {
    throw new Error("another signature");
  }
  if (payloadHash !== undefined && payloadHash.toLowerCase() !== hexHash(envelope.payload)) {
    throw new Error("another payload");
  }
  if (signedHash !== undefined && signedHash.toLowerCase() !== hexHash(preAuthEncoding(envelope))) {
    throw new Error("another content");
  }
  // Where the log kept no signature, its signer and the payload are what binds: that key did sign that payload before the entry was
  // made, since the log checked it. The hash of the whole binds only where the payload's is missing, for it has no one form.
  if (signature === undefined && payloadHash === undefined && envelopeHash !== hexHash(goEnvelope(envelope))) {
    throw new Error("another envelope");
  }
}

/** The envelope as Go's encoding/json writes it, which is how cosign sent it. */
function goEnvelope({ payload, payloadType, signatures }: Envelope): Buffer {
  const [signature] = signatures;
  return Buffer.from(
    JSON.stringify({
      payloadType,
      payload: payload.toString("base64"),
      signatures: [{ keyid: signature?.keyid ?? "", sig: signature?.sig.toString("base64") }],
    }),
  );
}

function proveSignature(envelope: Envelope, key: KeyObject): void {
  const fits = rejectAs("signature", "verifying the signature", () =>
    verify(undefined, preAuthEncoding(envelope), key, signatureOf(envelope)),
  );
  if (!fits) throw new Rejection("signature", "the signature does not fit the content");
}

/** What is signed of an envelope. @see DSSE protocol.md, "Signature Definition" */
function preAuthEncoding({ payloadType, payload }: Envelope): Buffer {
  const type = Buffer.from(payloadType);
  return Buffer.concat([Buffer.from(`DSSEv1 ${type.length} `), type, Buffer.from(` ${payload.length} `), payload]);
}

function signatureOf({ signatures }: Envelope): Buffer {
  return signatures[0]?.sig ?? Buffer.alloc(0);
}

function hexHash(bytes: Uint8Array): string {
  return hash("sha256", bytes);
}
