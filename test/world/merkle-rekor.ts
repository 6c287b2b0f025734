import { createHash, createPublicKey, type KeyObject, sign, X509Certificate } from "node:crypto";
import canonicalize from "canonicalize";
import { z } from "zod";

/** A signing key of a service. */
export interface KeyPair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

const sha256 = (...parts: readonly Uint8Array[]): Buffer =>
  parts.reduce((hash, part) => hash.update(part), createHash("sha256")).digest();
const canonical = (value: unknown): Buffer => Buffer.from(canonicalize(value) ?? "");

function largestPowerBelow(n: number): number {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

/** An append-only tree whose proofs have as many hashes as a real log's of that size. @see RFC 6962, section 2.1 */
export class MerkleLog {
  readonly leaves: Buffer[] = [];
  /** Hashes of complete subtrees, which never change. */
  readonly #complete = new Map<string, Buffer>();

  get size(): number {
    return this.leaves.length;
  }

  /** @returns the index of the new leaf. */
  append(body: Uint8Array): number {
    return this.leaves.push(sha256(Buffer.of(0), body)) - 1;
  }

  /** The hash over the leaves from (inclusive) to (exclusive). */
  root(from = 0, to = this.size): Buffer {
    const n = to - from;
    if (n === 0) return sha256();
    if (n === 1) return this.leaves[from] as Buffer;
    const complete = (n & (n - 1)) === 0;
    const key = `${from}-${to}`;
    const known = complete ? this.#complete.get(key) : undefined;
    if (known) return known;
    const middle = from + largestPowerBelow(n);
    const hash = sha256(Buffer.of(1), this.root(from, middle), this.root(middle, to));
    if (complete) this.#complete.set(key, hash);
    return hash;
  }

  /** The inclusion proof of a leaf, nearest hash first. */
  proof(index: number, from = 0, to = this.size): Buffer[] {
    if (to - from === 1) return [];
    const middle = from + largestPowerBelow(to - from);
    return index < middle
      ? [...this.proof(index, from, middle), this.root(middle, to)]
      : [...this.proof(index, middle, to), this.root(from, middle)];
  }
}

abstract class Log {
  readonly tree = new MerkleLog();
  readonly spki: Buffer;
  /** For an ECDSA key its first four bytes are also the checkpoint's key id. */
  readonly logID: Buffer;
  readonly hostname: string;
  protected readonly key: KeyPair;

  constructor(hostname: string, key: KeyPair) {
    this.hostname = hostname;
    this.key = key;
    this.spki = key.publicKey.export({ format: "der", type: "spki" });
    this.logID = sha256(this.spki);
  }

  /** The signer's name is the host name without port: cosign compares it so, sigstore-js wants a part of the log's baseUrl. */
  protected checkpoint(origin: string): string {
    const text = `${origin}\n${this.tree.size}\n${this.tree.root().toString("base64")}\n`;
    const signature = sign("sha256", Buffer.from(text), this.key.privateKey);
    const keyed = Buffer.concat([this.logID.subarray(0, 4), signature]).toString("base64");
    return `${text}\n\u2014 ${this.hostname} ${keyed}\n`;
  }
}

const ProposedEntry = z.discriminatedUnion("kind", [
  z.looseObject({ kind: z.literal("hashedrekord") }),
  // Told as the log keeps it, which is what old bundles have; real proposals hold the envelope.
  z.looseObject({ kind: z.literal("intoto") }),
  z.object({
    kind: z.literal("dsse"),
    spec: z.object({ proposedContent: z.object({ envelope: z.string(), verifiers: z.array(z.string()) }) }),
  }),
]);
const Envelope = z.object({ payload: z.base64(), signatures: z.array(z.object({ sig: z.string() })) });

/** What Rekor stores is not the proposal: a dsse proposal is reduced to hashes and signatures. */
function entryV1(proposed: unknown): unknown {
  const entry = ProposedEntry.parse(proposed);
  if (entry.kind !== "dsse") return entry;
  const { envelope, verifiers } = entry.spec.proposedContent;
  const { payload, signatures } = Envelope.parse(JSON.parse(envelope));
  const hash = (data: Uint8Array) => ({ algorithm: "sha256", value: sha256(data).toString("hex") });
  return {
    apiVersion: "0.0.1",
    kind: "dsse",
    spec: {
      envelopeHash: hash(Buffer.from(envelope)),
      payloadHash: hash(Buffer.from(payload, "base64")),
      signatures: signatures.map(({ sig }, i) => ({ signature: sig, verifier: verifiers[i] })),
    },
  };
}

/** A log of Rekor's first API: each entry comes with a signed time. */
export class RekorV1 extends Log {
  static readonly treeID = "1234567890123456789";
  readonly #entries = new Map<string, { readonly index: number; readonly body: string; readonly time: number }>();
  readonly #now: () => Date;

  constructor(hostname: string, key: KeyPair, now: () => Date) {
    super(hostname, key);
    this.#now = now;
  }

  /** @returns `conflict` where the same body was there already: Rekor answers 409 then. */
  add(proposed: unknown): { readonly uuid: string; readonly conflict: boolean } {
    const body = canonical(entryV1(proposed));
    const uuid = BigInt(RekorV1.treeID).toString(16).padStart(16, "0") + sha256(Buffer.of(0), body).toString("hex");
    if (this.#entries.has(uuid)) return { uuid, conflict: true };
    const time = Math.floor(this.#now().getTime() / 1000);
    this.#entries.set(uuid, { index: this.tree.append(body), body: body.toString("base64"), time });
    return { uuid, conflict: false };
  }

  /** The entry with a proof against the present head of the tree. */
  get(uuid: string): unknown {
    const entry = this.#entries.get(uuid);
    if (entry === undefined) return undefined;
    const { index: logIndex, body, time: integratedTime } = entry;
    const promise = { body, integratedTime, logIndex, logID: this.logID.toString("hex") };
    const verification = {
      signedEntryTimestamp: sign("sha256", canonical(promise), this.key.privateKey).toString("base64"),
      inclusionProof: {
        logIndex,
        treeSize: this.tree.size,
        rootHash: this.tree.root().toString("hex"),
        hashes: this.tree.proof(logIndex).map((hash) => hash.toString("hex")),
        // " - <tree id>" is what marks a v1 checkpoint for cosign.
        checkpoint: this.checkpoint(`${this.hostname} - ${RekorV1.treeID}`),
      },
    };
    return { [uuid]: { ...promise, verification } };
  }
}

const Verifier = z.looseObject({ x509Certificate: z.object({ rawBytes: z.base64() }).optional() });
const CreateEntryRequest = z.object({
  hashedRekordRequestV002: z.object({ digest: z.base64(), signature: z.unknown() }).optional(),
  dsseRequestV002: z
    .object({ envelope: Envelope.extend({ payloadType: z.string() }), verifiers: z.array(Verifier) })
    .optional(),
});

/** @sigstore/sign calls every verifier a certificate, a bare key too; the real server would refuse it. */
function verifierV2(verifier: z.infer<typeof Verifier>): unknown {
  const der = Buffer.from(verifier.x509Certificate?.rawBytes ?? "", "base64");
  try {
    new X509Certificate(der);
    return verifier;
  } catch {
    const { x509Certificate: _, ...rest } = verifier;
    const rawBytes = createPublicKey({ key: der, format: "der", type: "spki" }).export({ format: "der", type: "spki" });
    return { ...rest, publicKey: { rawBytes: rawBytes.toString("base64") } };
  }
}

/** A log of Rekor's second API: no time in it, so that a bundle needs an RFC 3161 timestamp as well. */
export class RekorV2 extends Log {
  /**
   * How a DSSE envelope is logged. Today's form is a hashedrekord over the SHA-256 of its pre-authentication encoding; cosign 3.1.1
   * takes that one only, sigstore-js 5 both.
   */
  dsseAs: "hashedrekord" | "dsse" = "hashedrekord";

  /** JSON CreateEntryRequest in, JSON TransparencyLogEntry out. */
  add(request: unknown): unknown {
    const entry = this.#entry(request);
    const body = canonical(entry);
    const index = this.tree.append(body);
    return {
      logIndex: String(index),
      logId: { keyId: this.logID.toString("base64") },
      kindVersion: { kind: entry.kind, version: entry.apiVersion },
      integratedTime: "0",
      inclusionProof: {
        logIndex: String(index),
        treeSize: String(this.tree.size),
        rootHash: this.tree.root().toString("base64"),
        hashes: this.tree.proof(index).map((hash) => hash.toString("base64")),
        checkpoint: { envelope: this.checkpoint(this.hostname) },
      },
      canonicalizedBody: body.toString("base64"),
    };
  }

  #entry(request: unknown): { readonly apiVersion: string; readonly kind: string; readonly spec: unknown } {
    const { dsseRequestV002: dsse, hashedRekordRequestV002: hashed } = CreateEntryRequest.parse(request);
    const hashedrekord = (digest: string, signature: unknown) => ({
      apiVersion: "0.0.2",
      kind: "hashedrekord",
      spec: { hashedRekordV002: { data: { algorithm: "SHA2_256", digest }, signature } },
    });
    if (hashed) return hashedrekord(hashed.digest, hashed.signature);
    if (!dsse) throw new Error("neither dsseRequestV002 nor hashedRekordRequestV002");
    const { payloadType, signatures } = dsse.envelope;
    const payload = Buffer.from(dsse.envelope.payload, "base64");
    const signed = signatures.map(({ sig }, i) => ({
      content: sig,
      verifier: verifierV2(Verifier.parse(dsse.verifiers[i])),
    }));
    if (this.dsseAs === "dsse") {
      const payloadHash = { algorithm: "SHA2_256", digest: sha256(payload).toString("base64") };
      return { apiVersion: "0.0.2", kind: "dsse", spec: { dsseV002: { payloadHash, signatures: signed } } };
    }
    const header = `DSSEv1 ${Buffer.byteLength(payloadType)} ${payloadType} ${payload.length} `;
    return hashedrekord(sha256(Buffer.from(header), payload).toString("base64"), signed[0]);
  }
}
