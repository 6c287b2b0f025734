import { createPublicKey, type KeyObject } from "node:crypto";
import type { SignedEntity, TrustMaterial } from "@sigstore/verify";
import { z } from "zod";
import { Rejection, rejectAs } from "./rejection.ts";

/** An entry as it stands in a bundle. */
export type LogEntry = SignedEntity["tlogEntries"][number];

/** Who the bundle says signed: what a log entry must name too. */
export type EntrySigner =
  | { readonly kind: "certificate"; readonly rawBytes: Uint8Array }
  | { readonly kind: "key"; readonly publicKey: KeyObject };

const rekor2Verifier = z.union([
  z.looseObject({ x509Certificate: z.looseObject({ rawBytes: z.base64() }) }),
  z.looseObject({ publicKey: z.looseObject({ rawBytes: z.base64() }) }),
]);
const hashValue = z.object({ value: z.string() });

/** What the body of an entry says. Hashes are lower-case hexadecimal, as far as they can be compared at all. */
export interface EntryBody {
  /** `kind/apiVersion` */
  readonly kind: string;
  /** PEM in base64 in Rekor v1, a message in Rekor v2. */
  readonly signer: string | z.infer<typeof rekor2Verifier>;
  /** In base64; undefined where the kind keeps none. */
  readonly signature?: string;
  /** SHA-256 of the envelope's payload. */
  readonly payloadHash?: string;
  /** SHA-256 of what is signed: for an envelope its pre-authentication encoding. */
  readonly signedHash?: string;
  /** SHA-256 of the envelope as it was sent to the log. */
  readonly envelopeHash?: string;
}

/** Where each kind of entry keeps its signer, and what it is about. */
const body = z.union([
  z
    .object({
      kind: z.literal("dsse"),
      apiVersion: z.literal("0.0.1"),
      spec: z.object({
        payloadHash: hashValue,
        signatures: z.tuple([z.object({ signature: z.string(), verifier: z.base64() })]),
      }),
    })
    .transform(({ spec: { payloadHash, signatures } }): EntryBody => {
      const [{ signature, verifier: signer }] = signatures;
      return { kind: "dsse/0.0.1", signer, signature, payloadHash: payloadHash.value };
    }),
  // Of the envelope it keeps only hashes, and the first of them alone until Rekor 0.5.
  z
    .object({
      kind: z.literal("intoto"),
      apiVersion: z.literal("0.0.1"),
      spec: z.object({
        content: z.object({
          hash: z.object({ algorithm: z.literal("sha256"), value: z.string() }),
          payloadHash: z.object({ algorithm: z.literal("sha256"), value: z.string() }).optional(),
        }),
        publicKey: z.base64(),
      }),
    })
    .transform(
      ({ spec: { content, publicKey: signer } }): EntryBody => ({
        kind: INTOTO_001,
        signer,
        envelopeHash: content.hash.value,
        ...(content.payloadHash !== undefined && { payloadHash: content.payloadHash.value }),
      }),
    ),
  z
    .object({
      kind: z.literal("intoto"),
      apiVersion: z.literal("0.0.2"),
      spec: z.object({
        content: z.object({
          payloadHash: hashValue,
          envelope: z.object({ signatures: z.tuple([z.object({ sig: z.string(), publicKey: z.base64() })]) }),
        }),
      }),
    })
    .transform(({ spec: { content } }): EntryBody => {
      const [{ sig, publicKey: signer }] = content.envelope.signatures;
      // The log encodes once more what is base64 already.
      const signature = fromBase64(sig).toString("utf8");
      return { kind: "intoto/0.0.2", signer, signature, payloadHash: content.payloadHash.value };
    }),
  z
    .object({
      kind: z.literal("hashedrekord"),
      apiVersion: z.literal("0.0.1"),
      spec: z.object({
        data: z.object({ hash: hashValue }),
        signature: z.object({ content: z.string(), publicKey: z.object({ content: z.base64() }) }),
      }),
    })
    .transform(({ spec: { data, signature } }): EntryBody => {
      const { content, publicKey } = signature;
      return { kind: "hashedrekord/0.0.1", signer: publicKey.content, signature: content, signedHash: data.hash.value };
    }),
  z
    .object({
      kind: z.literal("dsse"),
      apiVersion: z.literal("0.0.2"),
      spec: z.object({
        dsseV002: z.object({
          payloadHash: z.object({ digest: z.string() }),
          signatures: z.tuple([z.object({ content: z.string(), verifier: rekor2Verifier })]),
        }),
      }),
    })
    .transform(({ spec: { dsseV002 } }): EntryBody => {
      const [{ content: signature, verifier: signer }] = dsseV002.signatures;
      return { kind: "dsse/0.0.2", signer, signature, payloadHash: hexOf(dsseV002.payloadHash.digest) };
    }),
  z
    .object({
      kind: z.literal("hashedrekord"),
      apiVersion: z.literal("0.0.2"),
      spec: z.object({
        hashedRekordV002: z.object({
          data: z.object({ digest: z.string() }),
          signature: z.object({ content: z.string(), verifier: rekor2Verifier }),
        }),
      }),
    })
    .transform(({ spec: { hashedRekordV002 } }): EntryBody => {
      const { content: signature, verifier: signer } = hashedRekordV002.signature;
      return { kind: "hashedrekord/0.0.2", signer, signature, signedHash: hexOf(hashedRekordV002.data.digest) };
    }),
]);

/** What Rekor v1 made of cosign's attestations at first. The library doesn't know it. */
export const INTOTO_001 = "intoto/0.0.1";

/** @throws {Rejection} `log-entry` */
export function readEntryBody(entry: LogEntry): EntryBody {
  return rejectAs("log-entry", "reading the log entry", () =>
    body.parse(JSON.parse(entry.canonicalizedBody.toString("utf8"))),
  );
}

/**
 * What the library leaves open about log entries that it has verified: that the entry names this signer, and that the log was one
 * to be trusted at the time.
 *
 * Signature and payload alone don't bind the signer: for any ECDSA signature someone can make another key that it fits, get a
 * certificate for it, and point at an entry that was never theirs. And the library holds a log's validity against the times of
 * inclusion promises, not against proofs.
 *
 * @param times - The proven ones; none where a key signed without any.
 * @throws {Rejection} `log-entry`
 * @see Sigstore client specification, "Transparency log entry"
 */
export function checkLogEntries(
  entries: readonly LogEntry[],
  signer: EntrySigner,
  times: readonly Date[],
  logs: TrustMaterial["tlogs"],
): void {
  for (const entry of entries) checkLogEntry(entry, readEntryBody(entry), signer, times, logs);
}

/** {@link checkLogEntries} for one entry whose body was read. @throws {Rejection} `log-entry` */
export function checkLogEntry(
  entry: LogEntry,
  { signer: named }: EntryBody,
  signer: EntrySigner,
  times: readonly Date[],
  logs: TrustMaterial["tlogs"],
): void {
  if (!rejectAs("log-entry", "comparing the signer in the log entry", () => isSameSigner(named, signer))) {
    throw new Rejection("log-entry", "the log entry is about another signer than the bundle's");
  }
  const valid = logs.some(
    ({ logID, validFor }) =>
      logID.equals(entry.logId.keyId) && times.some((time) => validFor.start <= time && time <= validFor.end),
  );
  if (times.length > 0 && !valid) {
    throw new Rejection("log-entry", "the log was not to be trusted at the time of signing");
  }
}

function isSameSigner(named: EntryBody["signer"], signer: EntrySigner): boolean {
  switch (signer.kind) {
    case "certificate": {
      const certificate = typeof named === "string" ? firstCertificate(named) : derOf(named, "x509Certificate");
      return certificate?.equals(signer.rawBytes) === true;
    }
    case "key": {
      if (typeof named === "string") return createPublicKey(fromBase64(named)).equals(signer.publicKey);
      const key = derOf(named, "publicKey");
      return key !== undefined && createPublicKey({ key, format: "der", type: "spki" }).equals(signer.publicKey);
    }
  }
}

/** The leaf, where an entry keeps a chain. A bare key is another signer than a certificate for it: that has no such block. */
function firstCertificate(pem: string): Buffer | undefined {
  const [, block] =
    /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/.exec(
      fromBase64(pem).toString("latin1"),
    ) ?? [];
  return block === undefined ? undefined : fromBase64(block);
}

function derOf(verifier: z.infer<typeof rekor2Verifier>, kind: "x509Certificate" | "publicKey"): Buffer | undefined {
  const message = (verifier as Partial<Record<typeof kind, { readonly rawBytes: string }>>)[kind];
  return message === undefined ? undefined : fromBase64(message.rawBytes);
}

function fromBase64(text: string): Buffer {
  return Buffer.from(text, "base64");
}

function hexOf(base64: string): string {
  return fromBase64(base64).toString("hex");
}
