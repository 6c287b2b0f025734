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

/** Where each kind of entry keeps its signer: PEM in base64 in Rekor v1, a message in Rekor v2. */
const body = z.union([
  z
    .object({
      kind: z.literal("dsse"),
      apiVersion: z.literal("0.0.1"),
      spec: z.object({ signatures: z.tuple([z.object({ verifier: z.base64() })]) }),
    })
    .transform(({ spec }) => spec.signatures[0].verifier),
  z
    .object({
      kind: z.literal("intoto"),
      apiVersion: z.literal("0.0.2"),
      spec: z.object({
        content: z.object({ envelope: z.object({ signatures: z.tuple([z.object({ publicKey: z.base64() })]) }) }),
      }),
    })
    .transform(({ spec }) => spec.content.envelope.signatures[0].publicKey),
  z
    .object({
      kind: z.literal("hashedrekord"),
      apiVersion: z.literal("0.0.1"),
      spec: z.object({ signature: z.object({ publicKey: z.object({ content: z.base64() }) }) }),
    })
    .transform(({ spec }) => spec.signature.publicKey.content),
  z
    .object({
      kind: z.literal("dsse"),
      apiVersion: z.literal("0.0.2"),
      spec: z.object({ dsseV002: z.object({ signatures: z.tuple([z.object({ verifier: rekor2Verifier })]) }) }),
    })
    .transform(({ spec }) => spec.dsseV002.signatures[0].verifier),
  z
    .object({
      kind: z.literal("hashedrekord"),
      apiVersion: z.literal("0.0.2"),
      spec: z.object({ hashedRekordV002: z.object({ signature: z.object({ verifier: rekor2Verifier }) }) }),
    })
    .transform(({ spec }) => spec.hashedRekordV002.signature.verifier),
]);

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
  for (const entry of entries) {
    const named = rejectAs("log-entry", "reading the signer in the log entry", () =>
      body.parse(JSON.parse(entry.canonicalizedBody.toString("utf8"))),
    );
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
}

function isSameSigner(named: z.infer<typeof body>, signer: EntrySigner): boolean {
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
