import { generateKeyPairSync } from "node:crypto";
import { githubClaims } from "../world/github-claims.ts";
import { INDEX, MANIFEST, type Making, type Spoil } from "./ancestry.ts";
import { at, bytesOf, type Document, type Path, put, putAll, type Rendered, withKeyBefore } from "./document.ts";
import type { Fault } from "./mutation.ts";
import { clock } from "./trial.ts";

const FORGED = "Whoever can push could forge provenance for what he pushed.";
export const MATERIAL = "verificationMaterial";
export const ENTRY: Path = [MATERIAL, "tlogEntries", 0];
const HOUR_MS = 3_600_000;

export type BundleHook = NonNullable<Spoil["bundle"]>;

/** A mutation of the base's bundle: nothing signed is left that counts. */
function refused(
  what: string,
  cause: string,
  code: string,
  bundle: BundleHook,
  more: Partial<Fault> & { readonly sign?: Spoil["sign"] } = {},
): Fault {
  const { sign, ...others } = more;
  return {
    rule: "R15",
    what,
    gain: FORGED,
    cause,
    spoil: { base: { bundle, ...(sign && { sign }) } },
    node: "base",
    kind: "refused",
    code,
    ...others,
  };
}

/** The same base64 with one bit of its middle byte changed. */
export function flipped(text: string): string {
  const bytes = Buffer.from(text, "base64");
  const middle = bytes.length >> 1;
  bytes[middle] = (bytes[middle] ?? 0) ^ 1;
  return bytes.toString("base64");
}

export const flip =
  (path: Path): BundleHook =>
  (bundle) =>
    put(bundle, path, flipped);

/** A part of another bundle, made by the same signer about something else. */
export const fromAnother =
  (path: Path, sign?: Spoil["sign"]): BundleHook =>
  async (bundle, make) =>
    put(bundle, path, at(await make.sign(Buffer.from(`${make.payload.toString()} `), sign), path));

/** The payload with other text in it, under the old signature. */
const withPayload =
  (change: (text: string) => string): BundleHook =>
  (bundle) =>
    put(bundle, ["dsseEnvelope", "payload"], (text: string) =>
      Buffer.from(change(Buffer.from(text, "base64").toString())).toString("base64"),
    );

/** Enters what was signed without a log some time later. @param laterMs - In milliseconds. */
export const loggedLater =
  (laterMs: number) =>
  (bundle: Document, { sigstore }: Making): Rendered => {
    const { payload, payloadType, signatures } = bundle.dsseEnvelope as {
      readonly payload: string;
      readonly payloadType: string;
      readonly signatures: readonly unknown[];
    };
    const raw = String(at(bundle, [MATERIAL, "certificate", "rawBytes"]));
    const pem = `-----BEGIN CERTIFICATE-----\n${raw}\n-----END CERTIFICATE-----\n`;
    const proposedContent = {
      envelope: JSON.stringify({ payload, payloadType, signatures }),
      verifiers: [Buffer.from(pem).toString("base64")],
    };
    clock.aheadMs = laterMs;
    try {
      const { uuid } = sigstore.rekor1.add({ kind: "dsse", spec: { proposedContent } });
      const entry = (sigstore.rekor1.get(uuid) as Record<string, LoggedEntry>)[uuid];
      if (entry === undefined) throw new Error("the log lost an entry");
      return putAll(bundle, [
        [[MATERIAL, "tlogEntries"], [bundled(entry)]],
        [[MATERIAL, "timestampVerificationData"], undefined],
      ]);
    } finally {
      clock.aheadMs = 0;
    }
  };

/** An entry as Rekor v1 answers it. */
export interface LoggedEntry {
  readonly body: string;
  readonly integratedTime: number;
  readonly logIndex: number;
  readonly logID: string;
  readonly verification: {
    readonly signedEntryTimestamp: string;
    readonly inclusionProof: {
      readonly logIndex: number;
      readonly treeSize: number;
      readonly rootHash: string;
      readonly hashes: readonly string[];
      readonly checkpoint: string;
    };
  };
}

/** Rekor's answer in a bundle's spelling. */
export function bundled(
  { body, integratedTime, logIndex, logID, verification }: LoggedEntry,
  kindVersion: Document = { kind: "dsse", version: "0.0.1" },
): Document {
  const base64 = (text: string) => Buffer.from(text, "hex").toString("base64");
  const { logIndex: place, treeSize, rootHash, hashes, checkpoint } = verification.inclusionProof;
  return {
    logIndex: String(logIndex),
    logId: { keyId: base64(logID) },
    kindVersion,
    integratedTime: String(integratedTime),
    inclusionPromise: { signedEntryTimestamp: verification.signedEntryTimestamp },
    inclusionProof: {
      logIndex: String(place),
      treeSize: String(treeSize),
      rootHash: base64(rootHash),
      hashes: hashes.map(base64),
      checkpoint: { envelope: checkpoint },
    },
    canonicalizedBody: body,
  };
}

/** Mutations of the envelope, the certificate, the log entry, the timestamp and the form of the bundle. */
export const FAULTS_OF_SIGNATURES: readonly Fault[] = [
  refused(
    "one bit of the signature is changed",
    "signature",
    "log-entry",
    flip(["dsseEnvelope", "signatures", 0, "sig"]),
  ),
  refused(
    "the statement was changed after it was signed",
    "signature",
    "log-entry",
    withPayload((text) => text.replace("Dockerfile", "Evilfile")),
  ),
  refused(
    "the signature is of another statement",
    "signature",
    "log-entry",
    fromAnother(["dsseEnvelope", "signatures"]),
  ),
  refused("the payload's type was changed after it was signed", "payload-type", "payload-type", (bundle) =>
    put(bundle, ["dsseEnvelope", "payloadType"], "application/json"),
  ),
  refused("what is signed says that it is no statement", "payload-type", "payload-type", (bundle) => bundle, {
    sign: { payloadType: "application/vnd.example+json" },
  }),
  refused(
    "bare bytes are signed instead of a statement",
    "payload-type",
    "payload-type",
    ({ dsseEnvelope, ...bundle }) => ({
      ...bundle,
      messageSignature: {
        messageDigest: { algorithm: "SHA2_256", digest: Buffer.alloc(32).toString("base64") },
        signature: at(dsseEnvelope, ["signatures", 0, "sig"]),
      },
    }),
  ),
  refused(
    "the certificate is another one of the same signer",
    "certificate-of-another",
    "signature",
    fromAnother([MATERIAL, "certificate"]),
  ),
  refused("certificate and log entry are those of another statement", "log-entry", "log-entry", async (bundle, make) =>
    put(bundle, [MATERIAL], at(await make.sign(Buffer.from(`${make.payload.toString()} `)), [MATERIAL])),
  ),
  refused("one bit of the certificate is changed", "certificate", "certificate", (bundle) =>
    put(bundle, [MATERIAL, "certificate", "rawBytes"], (text: string) => {
      const bytes = Buffer.from(text, "base64");
      // The last byte but some is inside the authority's signature, whatever the certificate says.
      bytes[bytes.length - 8] = (bytes[bytes.length - 8] ?? 0) ^ 1;
      return bytes.toString("base64");
    }),
  ),
  refused("the certificate is cut short", "certificate", "certificate", (bundle) =>
    put(bundle, [MATERIAL, "certificate", "rawBytes"], (text: string) => text.slice(0, 400)),
  ),
  {
    ...refused("another Sigstore instance signed", "certificate", "certificate", (bundle) => bundle),
    gain: "Anybody can run a Sigstore that certifies anything.",
    spoil: { base: { signer: ({ stranger }) => stranger } },
  },
  refused(
    "a key signed, and no certificate says whose it is",
    "key",
    "key",
    async (_, { sigstore, payload }) =>
      (await sigstore.signWithKey(
        payload,
        generateKeyPairSync("ec", { namedCurve: "prime256v1" }),
        "base",
      )) as unknown as Document,
  ),
  ...logged(),
  ...timed(),
  ...formed(),
  ...carried(),
];

function logged(): readonly Fault[] {
  const gain = "A stolen key signs unseen, and at a time of the thief's choice.";
  const entry = (what: string, code: string, bundle: BundleHook, cause = "log-entry"): Fault => ({
    ...refused(what, cause, code, bundle),
    rule: "R12",
    gain,
  });
  return [
    entry("the log entry is left out", "timestamp", (bundle) => put(bundle, [MATERIAL, "tlogEntries"], []), "no-time"),
    entry("the log entry is that of another statement", "log-entry", fromAnother(ENTRY)),
    entry("the body of the log entry is that of another", "log-entry", fromAnother([...ENTRY, "canonicalizedBody"])),
    entry(
      "one bit of the log's promise is changed",
      "log-entry",
      flip([...ENTRY, "inclusionPromise", "signedEntryTimestamp"]),
    ),
    entry("the time in the log entry is changed", "log-entry", (bundle) =>
      put(bundle, [...ENTRY, "integratedTime"], (time: string) => String(Number(time) + 60)),
    ),
    entry("the log entry names another log", "log-entry", flip([...ENTRY, "logId", "keyId"])),
    entry("one bit of the proof's first hash is changed", "log-entry", flip([...ENTRY, "inclusionProof", "hashes", 0])),
    entry("the checkpoint is of another tree", "log-entry", (bundle) =>
      put(bundle, [...ENTRY, "inclusionProof", "checkpoint", "envelope"], (text: string) =>
        text.replace(/\n\d+\n/, "\n999999\n"),
      ),
    ),
    entry("the log entry is a stranger's log's", "log-entry", async (bundle, { stranger, payload }) =>
      put(bundle, ENTRY, at(await stranger.sign(payload, githubClaims()), ENTRY)),
    ),
    {
      ...refused("it was logged after the certificate had expired", "expired", "certificate", loggedLater(HOUR_MS), {
        sign: { rekor: false },
      }),
      rule: "R12",
      gain: "A stolen key signs for ever.",
    },
  ];
}

function timed(): readonly Fault[] {
  const sign = { rekor: 2 } as const;
  const tokens: Path = [MATERIAL, "timestampVerificationData", "rfc3161Timestamps"];
  const entry = (what: string, bundle: BundleHook, cause: string): Fault => ({
    ...refused(what, cause, "timestamp", bundle, { sign }),
    rule: "R12",
    gain: "An expired or stolen certificate signs at a time of the thief's choice.",
  });
  return [
    entry("the timestamp is left out, where the log gives no time", (bundle) => put(bundle, tokens, []), "no-time"),
    entry("the timestamp is of another signature", fromAnother(tokens, sign), "time"),
    entry("one bit of the timestamp is changed", flip([...tokens, 0, "signedTimestamp"]), "time"),
    entry(
      "the timestamp is a stranger's authority's",
      async (bundle, { stranger, payload }) =>
        put(bundle, tokens, at(await stranger.sign(payload, githubClaims(), sign), tokens)),
      "time",
    ),
  ];
}

function formed(): readonly Fault[] {
  const gain = "Another tool verifies another bundle in the same bytes.";
  const bundle = (what: string, change: BundleHook, code = "malformed-attestation"): Fault => ({
    ...refused(what, "bundle-form", code, change),
    rule: "R23",
    gain,
  });
  return [
    bundle("the bundle has its envelope twice", (document) => withKeyBefore(document, "dsseEnvelope", {})),
    bundle("the bundle has DsseEnvelope beside dsseEnvelope", (document) => ({ ...document, DsseEnvelope: {} })),
    bundle("the bundle has its envelope in the spelling of protocol buffers too", (document) => ({
      ...document,
      dsse_envelope: {},
    })),
    bundle("the bundle has two contents", (document) => ({
      ...document,
      messageSignature: { messageDigest: { algorithm: "SHA2_256", digest: "AAAA" }, signature: "AAAA" },
    })),
    bundle("the bundle has a key beside its certificate", (document) =>
      put(document, [MATERIAL, "publicKey"], { hint: "mine" }),
    ),
    bundle("the bundle is of a version that nobody knows", (document) =>
      put(document, ["mediaType"], "application/vnd.dev.sigstore.bundle.v9+json"),
    ),
    bundle("the bundle is no JSON", (document) => `${JSON.stringify(document)}}`),
    {
      ...bundle(
        "the envelope has a second signature",
        (document) => put(document, ["dsseEnvelope", "signatures"], (list: unknown[]) => [...list, list[0]]),
        "malformed-bundle",
      ),
      cause: "bundle-content",
    },
    {
      ...bundle(
        "the log entry of the bundle has no proof",
        (document) => put(document, [...ENTRY, "inclusionProof"], undefined),
        "malformed-bundle",
      ),
      cause: "bundle-content",
    },
  ];
}

function carried(): readonly Fault[] {
  const carrier = (what: string, cause: string, code: string, base: Spoil): Fault => ({
    rule: "R15",
    what,
    gain: "A signature about something else, or none at all, passes for one about this image.",
    cause,
    spoil: { base },
    node: "base",
    kind: code === "unattested" ? "unattested" : "refused",
    code,
  });
  return [
    carrier("the bundle that is listed isn't there", "bundle-absent", "malformed-attestation", { without: ["bundle"] }),
    carrier("the bundle is longer than its manifest says", "bundle-size", "malformed-attestation", {
      referrer: (document) => put(document, ["layers", 0, "size"], (size: number) => size - 1),
    }),
    carrier("the bundle is shorter than its manifest says", "bundle-size", "malformed-attestation", {
      referrer: (document) => put(document, ["layers", 0, "size"], (size: number) => size + 1),
    }),
    carrier("the bundle is larger than 64 MiB by its manifest", "bundle-too-large", "too-large", {
      referrer: (document) => put(document, ["layers", 0, "size"], 64 * 1024 * 1024 + 1),
    }),
    carrier("the manifest that carries the bundle has layers twice", "carrier-form", "malformed-attestation", {
      referrer: (document) => withKeyBefore(document, "layers", []),
    }),
    carrier("the manifest that carries the bundle is about another image", "nothing-signed", "unattested", {
      referrer: (document) => put(document, ["subject", "digest"], `sha256:${"0".repeat(64)}`),
    }),
    {
      ...carrier("the fallback tag lists a carrier that is about another image", "nothing-signed", "unattested", {
        referrer: (document) => put(document, ["subject", "digest"], `sha256:${"0".repeat(64)}`),
      }),
      after: ({ registry, images: { base } }) => {
        const manifests = [{ mediaType: MANIFEST, digest: base.referrer, size: 1 }];
        const list = bytesOf({ schemaVersion: 2, mediaType: INDEX, manifests });
        registry.putManifest(base.path, list, INDEX, base.manifest.digest.replace(":", "-"));
      },
    },
    carrier("the signed statement is attached without its signature", "unsigned", "malformed-attestation", {
      bundle: (_, { payload }) => payload.toString(),
      referrer: (document) =>
        putAll(document, [
          [["artifactType"], "application/vnd.in-toto+json"],
          [["layers", 0, "mediaType"], "application/vnd.in-toto+json"],
        ]),
    }),
    carrier("the bundle is filed as something that nobody looks for", "nothing-signed", "unattested", {
      referrer: (document) =>
        putAll(document, [
          [["artifactType"], "application/vnd.example"],
          [["layers", 0, "mediaType"], "application/vnd.example"],
        ]),
    }),
  ];
}
