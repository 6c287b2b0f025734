import { createHash } from "node:crypto";
import type { Making, Spoil } from "./ancestry.ts";
import { at, type Document, type Path, put, putAll, type Rendered } from "./document.ts";
import { bundled, ENTRY, flip, flipped, fromAnother, type LoggedEntry, MATERIAL } from "./faults-of-signatures.ts";
import type { Fault, Harmless } from "./mutation.ts";

const REKOR_2 = { rekor: 2 } as const;
const GAIN = "A stolen key signs unseen, and at a time of the thief's choice.";
const hash = (bytes: Uint8Array | string) => createHash("sha256").update(bytes).digest("hex");

function refused(what: string, cause: string, code: string, base: Spoil): Fault {
  return { rule: "R12", what, gain: GAIN, cause, spoil: { base }, node: "base", kind: "refused", code };
}

/** A mutation of an entry in a log that tells no time (Rekor v2). */
const timeless = (what: string, bundle: NonNullable<Spoil["bundle"]>, more: Partial<Fault> = {}): Fault => ({
  ...refused(what, "log-entry", "log-entry", { sign: REKOR_2, bundle }),
  ...more,
});

/** The body of an entry, with another text in it. The log has signed for the old one. */
const withBody =
  (change: (text: string) => string): NonNullable<Spoil["bundle"]> =>
  (bundle) =>
    put(bundle, [...ENTRY, "canonicalizedBody"], (text: string) =>
      Buffer.from(change(Buffer.from(text, "base64").toString())).toString("base64"),
    );

const CHECKPOINT: Path = [...ENTRY, "inclusionProof", "checkpoint", "envelope"];
const TOKEN: Path = [MATERIAL, "timestampVerificationData", "rfc3161Timestamps", 0, "signedTimestamp"];

function rekor2(): readonly Fault[] {
  return [
    timeless("the entry of a log without times is left out", (bundle) => put(bundle, [MATERIAL, "tlogEntries"], [])),
    timeless("the entry of a log without times is of another statement", fromAnother(ENTRY, REKOR_2)),
    timeless(
      "the body in a log without times is of another signature",
      fromAnother([...ENTRY, "canonicalizedBody"], REKOR_2),
    ),
    timeless(
      "the body in a log without times names another hash",
      withBody((text) => text.replace(/"digest":"./, '"digest":"_')),
    ),
    timeless("one bit of a proof in a log without times is changed", flip([...ENTRY, "inclusionProof", "hashes", 0])),
    timeless("the place in a log without times is another", (bundle) =>
      put(bundle, [...ENTRY, "inclusionProof", "logIndex"], (text: string) => String(Number(text) + 1)),
    ),
    timeless("the checkpoint of a log without times is of another tree", (bundle) =>
      put(bundle, CHECKPOINT, (text: string) => text.replace(/\n\d+\n/, "\n999999\n")),
    ),
    timeless("one bit of the signature under a checkpoint is changed", (bundle) =>
      put(bundle, CHECKPOINT, (text: string) => {
        const at = text.lastIndexOf(" ") + 1;
        return `${text.slice(0, at)}${flipped(text.slice(at).trim())}\n`;
      }),
    ),
    timeless("a log without times has a time beside its entry", (bundle) =>
      put(bundle, [...ENTRY, "inclusionPromise"], { signedEntryTimestamp: Buffer.alloc(70, 1).toString("base64") }),
    ),
    refused("the timestamp in a bundle is no timestamp", "time", "timestamp", {
      sign: REKOR_2,
      bundle: (bundle) => put(bundle, TOKEN, Buffer.from("no token").toString("base64")),
    }),
    refused("the timestamp in a bundle is cut short", "time", "timestamp", {
      sign: REKOR_2,
      bundle: (bundle) =>
        put(bundle, TOKEN, (text: string) => Buffer.from(text, "base64").subarray(0, -9).toString("base64")),
    }),
    refused("a good timestamp has one of another signature beside it", "time", "timestamp", {
      sign: REKOR_2,
      bundle: async (bundle, make) =>
        put(bundle, TOKEN.slice(0, -2), [
          at(await make.sign(Buffer.from(`${make.payload.toString()} `), REKOR_2), TOKEN.slice(0, -1)),
          at(bundle, TOKEN.slice(0, -1)),
        ]),
    }),
  ];
}

/** The same bundle, logged as cosign's first attestations were: the entry keeps nothing but hashes (intoto 0.0.1). */
const asHashes =
  (change: (spec: Document) => Document = (spec) => spec): NonNullable<Spoil["bundle"]> =>
  (bundle, { sigstore }: Making): Rendered => {
    const { payload, payloadType, signatures } = bundle.dsseEnvelope as {
      readonly payload: string;
      readonly payloadType: string;
      readonly signatures: readonly [{ readonly sig: string }];
    };
    const raw = String(at(bundle, [MATERIAL, "certificate", "rawBytes"]));
    const pem = `-----BEGIN CERTIFICATE-----\n${raw}\n-----END CERTIFICATE-----\n`;
    const sent = JSON.stringify({ payloadType, payload, signatures: [{ keyid: "", sig: signatures[0].sig }] });
    const spec = change({
      content: {
        hash: { algorithm: "sha256", value: hash(sent) },
        payloadHash: { algorithm: "sha256", value: hash(Buffer.from(payload, "base64")) },
      },
      publicKey: Buffer.from(pem).toString("base64"),
    });
    const { uuid } = sigstore.rekor1.add({ apiVersion: "0.0.1", kind: "intoto", spec });
    const entry = (sigstore.rekor1.get(uuid) as Record<string, LoggedEntry>)[uuid];
    if (entry === undefined) throw new Error("the log lost an entry");
    return putAll(bundle, [
      [[MATERIAL, "tlogEntries"], [bundled(entry, { kind: "intoto", version: "0.0.1" })]],
      [[MATERIAL, "timestampVerificationData"], undefined],
    ]);
  };

const hashed = (what: string, change: (spec: Document) => Document): Fault =>
  refused(what, "log-entry", "log-entry", { sign: { rekor: false }, bundle: asHashes(change) });

function intoto(): readonly Fault[] {
  const wrong = "1".repeat(64);
  return [
    hashed("an old entry of hashes is about another payload", (spec) =>
      put(spec, ["content", "payloadHash", "value"], wrong),
    ),
    hashed("an old entry of hashes is about another envelope and no payload", (spec) =>
      put(spec, ["content"], { hash: { algorithm: "sha256", value: wrong } }),
    ),
    hashed("an old entry of hashes is another signer's", (spec) =>
      put(spec, ["publicKey"], (text: string) =>
        Buffer.from(
          Buffer.from(text, "base64")
            .toString()
            .replace(/\n(.{200})/, (line) => `${line.slice(0, 150)}AAAA${line.slice(154)}`),
        ).toString("base64"),
      ),
    ),
    hashed("an old entry of hashes names no signer", (spec) => put(spec, ["publicKey"], undefined)),
    {
      ...refused("an old entry of hashes calls itself one of another kind", "log-entry", "log-entry", {
        sign: { rekor: false },
        bundle: async (bundle, make) =>
          put(asHashes()(bundle, make) as Document, [...ENTRY, "kindVersion", "kind"], "hashedrekord"),
      }),
    },
  ];
}

/** Mutations of entries in logs of every kind, and of timestamps. */
export const FAULTS_OF_ENTRIES: readonly Fault[] = [...rekor2(), ...intoto()];

/** Evidence of other forms that is as good. */
export const OTHER_FORMS: readonly Harmless[] = [
  {
    rule: "R12",
    what: "an old entry that keeps only hashes proves the time",
    why: "Its hashes are those of this envelope, and it names this signer.",
    spoil: { base: { sign: { rekor: false }, bundle: asHashes() } },
  },
  {
    rule: "R12",
    what: "the bundle says another size of the log's tree than the checkpoint",
    why: "The size that counts is the one that the log signed; what stands beside it isn't read.",
    spoil: {
      base: { sign: REKOR_2, bundle: (bundle) => put(bundle, [...ENTRY, "inclusionProof", "treeSize"], "999999") },
    },
  },
];
