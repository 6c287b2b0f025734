import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import canonicalize from "canonicalize";

/** A DER element. */
export function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.of(tag, length), content]);
  const octets = length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.of(tag, ...octets), content]);
}

/** An object identifier in dotted decimal. */
export function oid(text: string): Buffer {
  const [first = 0, second = 0, ...arcs] = text.split(".").map(Number);
  const bytes = [first * 40 + second];
  for (const arc of arcs) {
    const digits = [arc & 0x7f];
    for (let rest = arc >>> 7; rest > 0; rest >>>= 7) digits.unshift((rest & 0x7f) | 0x80);
    bytes.push(...digits);
  }
  return der(0x06, Buffer.from(bytes));
}

/** A UTF8String. */
export function utf8(text: string): Buffer {
  return der(0x0c, Buffer.from(text));
}

const sequence = (...parts: readonly Uint8Array[]) => der(0x30, ...parts);
const ECDSA_SHA256 = sequence(oid("1.2.840.10045.4.3.2"));

/** An extension; its value is what goes into the OCTET STRING. */
export function extension(id: string, value: Uint8Array, critical = false): Buffer {
  return sequence(oid(id), ...(critical ? [der(0x01, Buffer.of(0xff))] : []), der(0x04, value));
}

/** The extension below Fulcio's arc. */
export function fulcio(arc: number, value: Uint8Array): Buffer {
  return extension(`1.3.6.1.4.1.57264.1.${arc}`, value);
}

export const SAN = "https://github.com/octo/app/.github/workflows/build.yml@refs/tags/v1.0.0";
export const ISSUER = "https://token.actions.githubusercontent.com";

/** The parts of a signer's certificate that tests replace. */
export const form = {
  signing: extension("2.5.29.37", sequence(oid("1.3.6.1.5.5.7.3.3"))),
  usage: extension("2.5.29.15", der(0x03, Buffer.of(7, 0x80)), true),
  san: (...names: readonly Uint8Array[]) => extension("2.5.29.17", sequence(...names), true),
  uri: (text: string) => der(0x86, Buffer.from(text)),
  email: (text: string) => der(0x81, Buffer.from(text)),
  userName: (text: string, type = "1.3.6.1.4.1.57264.1.7") => der(0xa0, oid(type), der(0xa0, utf8(text))),
  authority: extension("2.5.29.19", sequence(der(0x01, Buffer.of(0xff))), true),
  issuer: fulcio(8, utf8(ISSUER)),
};

/** The extensions of an ordinary signer. */
export const ordinary = [form.usage, form.signing, form.san(form.uri(SAN)), form.issuer];

/** The time of every signature here. */
export const SIGNED_AT = new Date("2026-03-01T12:00:00Z");

const name = (text: string) => sequence(der(0x31, sequence(oid("2.5.4.3"), utf8(text))));
const generalizedTime = (date: Date) => der(0x18, Buffer.from(`${date.toISOString().replace(/\.\d+|[-:T]/g, "")}`));
const spki = (key: KeyObject) => key.export({ format: "der", type: "spki" });

/** What a certificate is made of. */
export interface CertificateParts {
  readonly publicKey: KeyObject;
  readonly subject?: string;
  readonly issuer?: string;
  readonly issuerKey: KeyObject;
  readonly extensions: readonly Uint8Array[];
  readonly hours?: number;
}

/** An X.509 certificate, valid from ten minutes before the signatures. */
export function certificate({
  publicKey,
  subject = "",
  issuer = "ca",
  issuerKey,
  extensions,
  hours = 1,
}: CertificateParts) {
  const start = SIGNED_AT.getTime() - 10 * 60_000;
  const tbs = sequence(
    der(0xa0, der(0x02, Buffer.of(2))),
    der(0x02, Buffer.of(1)),
    ECDSA_SHA256,
    name(issuer),
    sequence(generalizedTime(new Date(start)), generalizedTime(new Date(start + hours * 3_600_000))),
    subject === "" ? sequence() : name(subject),
    spki(publicKey),
    der(0xa3, sequence(...extensions)),
  );
  return sequence(tbs, ECDSA_SHA256, der(0x03, Buffer.of(0), sign("sha256", tbs, issuerKey)));
}

const newKey = () => generateKeyPairSync("ec", { namedCurve: "prime256v1" });
const sha256 = (...parts: readonly Uint8Array[]) =>
  parts.reduce((hash, part) => hash.update(part), createHash("sha256")).digest();

/** A transparency log that holds one entry at a time. */
export function createLog(baseUrl: string, validFor: object = { start: "2026-01-01T00:00:00Z" }) {
  const { privateKey, publicKey } = newKey();
  const key = spki(publicKey);
  const logId = sha256(key);
  return {
    logId,
    instance: {
      baseUrl,
      hashAlgorithm: "SHA2_256",
      publicKey: { rawBytes: key.toString("base64"), keyDetails: "PKIX_ECDSA_P256_SHA_256", validFor },
      logId: { keyId: logId.toString("base64") },
    },
    /** The entry of Rekor v1 for a body; with its promise, or with a proof in a tree of its own, or both. */
    enter(body: object, kinds: { readonly promise?: boolean; readonly proof?: boolean }, integratedTime = SIGNED_AT) {
      const text = Buffer.from(canonicalize(body) ?? "");
      const seconds = integratedTime.getTime() / 1000;
      const payload = {
        body: text.toString("base64"),
        integratedTime: seconds,
        logIndex: 0,
        logID: logId.toString("hex"),
      };
      const set = sign("sha256", Buffer.from(canonicalize(payload) ?? ""), privateKey);
      const root = sha256(Buffer.of(0), text);
      const host = new URL(baseUrl).hostname;
      const note = `${host}\n1\n${root.toString("base64")}\n`;
      const signature = Buffer.concat([logId.subarray(0, 4), sign("sha256", Buffer.from(note), privateKey)]);
      const { kind, apiVersion } = body as { kind: string; apiVersion: string };
      return {
        logIndex: "0",
        logId: { keyId: logId.toString("base64") },
        kindVersion: { kind, version: apiVersion },
        integratedTime: String(seconds),
        ...(kinds.promise && { inclusionPromise: { signedEntryTimestamp: set.toString("base64") } }),
        ...(kinds.proof && {
          inclusionProof: {
            logIndex: "0",
            rootHash: root.toString("base64"),
            treeSize: "1",
            hashes: [],
            checkpoint: { envelope: `${note}\n\u2014 ${host} ${signature.toString("base64")}\n` },
          },
        }),
        canonicalizedBody: text.toString("base64"),
      };
    },
  };
}

/** The body of a `dsse` entry of Rekor v1. */
export function dsseBody(payload: Uint8Array, signature: Uint8Array, verifier: string) {
  return {
    apiVersion: "0.0.1",
    kind: "dsse",
    spec: {
      envelopeHash: { algorithm: "sha256", value: "00".repeat(32) },
      payloadHash: { algorithm: "sha256", value: sha256(payload).toString("hex") },
      signatures: [
        { signature: Buffer.from(signature).toString("base64"), verifier: Buffer.from(verifier).toString("base64") },
      ],
    },
  };
}

/** PEM of some DER. */
export function pem(label: string, bytes: Buffer): string {
  return `-----BEGIN ${label}-----\n${(bytes.toString("base64").match(/.{1,64}/g) ?? []).join("\n")}\n-----END ${label}-----\n`;
}

/** A statement about one digest. */
export const statement = {
  _type: "https://in-toto.io/Statement/v1",
  subject: [{ name: "app", digest: { sha256: "ab".repeat(32) } }],
  predicateType: "https://slsa.dev/provenance/v1",
  predicate: { buildDefinition: {} },
};

/** How a bundle of the instance is to differ from an ordinary one. */
export interface BundleParts {
  readonly extensions?: readonly Uint8Array[];
  readonly payload?: Uint8Array;
  readonly payloadType?: string;
  /** Changes the certificate after its authority signed it. */
  readonly reshape?: (leaf: Buffer) => Buffer;
  readonly signer?: { readonly privateKey: KeyObject; readonly publicKey: KeyObject };
}

/** A Sigstore instance of the test's own: one authority and one log, no certificate transparency, no timestamps. */
export function createInstance() {
  const ca = newKey();
  const root = certificate({
    publicKey: ca.publicKey,
    subject: "ca",
    issuerKey: ca.privateKey,
    extensions: [form.authority, extension("2.5.29.15", der(0x03, Buffer.of(1, 0x06)), true)],
    hours: 24 * 365,
  });
  const log = createLog("https://log.example.test");
  const authority = (bytes: Buffer) => ({
    subject: { organization: "test", commonName: "ca" },
    uri: "https://ca.example.test",
    certChain: { certificates: [{ rawBytes: bytes.toString("base64") }] },
    validFor: { start: "2026-01-01T00:00:00Z" },
  });
  const trustedRoot = {
    mediaType: "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
    tlogs: [log.instance],
    certificateAuthorities: [authority(root)],
    ctlogs: [] as object[],
    timestampAuthorities: [] as object[],
  };
  return {
    ca,
    log,
    trustedRoot,
    newKey,
    /** The envelope of some bytes, and who signed it. */
    sign({
      payload = Buffer.from(JSON.stringify(statement)),
      payloadType = "application/vnd.in-toto+json",
      ...parts
    }: BundleParts = {}) {
      const signer = parts.signer ?? newKey();
      const pae = Buffer.concat([
        Buffer.from(`DSSEv1 ${payloadType.length} ${payloadType} ${payload.length} `),
        payload,
      ]);
      const signature = sign("sha256", pae, signer.privateKey);
      const dsseEnvelope = {
        payload: Buffer.from(payload).toString("base64"),
        payloadType,
        signatures: [{ sig: signature.toString("base64"), keyid: "" }],
      };
      const issued = certificate({
        publicKey: signer.publicKey,
        issuerKey: ca.privateKey,
        extensions: parts.extensions ?? ordinary,
      });
      const leaf = parts.reshape?.(issued) ?? issued;
      return { signer, payload, signature, dsseEnvelope, leaf };
    },
    /** A bundle of version 0.3 whose time is its promise's. */
    bundle(parts: BundleParts = {}) {
      const { payload, signature, dsseEnvelope, leaf } = this.sign(parts);
      const entry = log.enter(dsseBody(payload, signature, pem("CERTIFICATE", leaf)), { promise: true, proof: true });
      return {
        mediaType: "application/vnd.dev.sigstore.bundle.v0.3+json",
        verificationMaterial: { certificate: { rawBytes: leaf.toString("base64") }, tlogEntries: [entry] },
        dsseEnvelope,
      };
    },
    /** A bundle signed with a bare key. */
    keyBundle(parts: BundleParts = {}) {
      const { payload, signature, dsseEnvelope, signer } = this.sign(parts);
      const body = dsseBody(payload, signature, pem("PUBLIC KEY", spki(signer.publicKey)));
      const entry = log.enter(body, { promise: true, proof: true });
      return {
        signer,
        bundle: {
          mediaType: "application/vnd.dev.sigstore.bundle.v0.3+json",
          verificationMaterial: { publicKey: { hint: "a hint" }, tlogEntries: [entry] },
          dsseEnvelope,
        },
      };
    },
  };
}
