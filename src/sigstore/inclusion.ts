import { createHash, verify } from "node:crypto";
import type { TrustMaterial } from "@sigstore/verify";
import type { LogEntry } from "./log-entry.ts";

type Logs = TrustMaterial["tlogs"];

/** A line of a signed note: an em dash, a name, and a key hint with the signature in base64. */
const SIGNATURE_LINE = /\u2014 (\S+) (\S+)\n/g;

/**
 * Proves that an entry is in a log: by the log's promise, by its proof under a signed checkpoint, or by both where both are there.
 *
 * @throws where one that is there isn't proven, or none is there.
 */
export function proveInclusion(entry: LogEntry, logs: Logs): void {
  const own = logs.filter(({ logID }) => logID.equals(entry.logId.keyId));
  if (entry.inclusionPromise === undefined && entry.inclusionProof === undefined) throw new Error("no inclusion");
  if (entry.inclusionPromise !== undefined) provePromise(entry, entry.inclusionPromise.signedEntryTimestamp, own);
  if (entry.inclusionProof !== undefined) proveProof(entry, entry.inclusionProof, own);
}

/** Rekor's signed entry timestamp: over the canonical JSON of the four fields, whose keys stand in this order. */
function provePromise(entry: LogEntry, signature: Buffer, logs: Logs): void {
  const seconds = Number(entry.integratedTime);
  const payload = JSON.stringify({
    body: entry.canonicalizedBody.toString("base64"),
    integratedTime: seconds,
    logID: entry.logId.keyId.toString("hex"),
    logIndex: Number(entry.logIndex),
  });
  const time = new Date(seconds * 1000);
  const data = Buffer.from(payload);
  const fits = logs.some(
    ({ validFor, publicKey }) =>
      validFor.start <= time && time <= validFor.end && verify(undefined, data, publicKey, signature),
  );
  if (!fits) throw new Error("a promise that isn't proven");
}

function proveProof(entry: LogEntry, proof: NonNullable<LogEntry["inclusionProof"]>, logs: Logs): void {
  const envelope = proof.checkpoint?.envelope ?? "";
  const split = envelope.indexOf("\n\n");
  if (split < 0) throw new Error("a checkpoint of another form");
  const note = envelope.slice(0, split + 1);
  const lines = note.split("\n");
  const size = Number(lines[1]);
  // The library reads more spellings of a number; there is no need to.
  if (!/^[1-9]\d{0,15}$/.test(lines[1] ?? "") || !Number.isSafeInteger(size)) throw new Error("a size of another form");
  if (!isSigned(note, envelope.slice(split + 2), logs)) throw new Error("a checkpoint that nobody signed");
  const index = Number(proof.logIndex);
  if (!/^\d{1,16}$/.test(proof.logIndex) || !(index < size)) throw new Error("an index beyond the tree");
  if (rootOf(entry.canonicalizedBody, index, size, proof.hashes).toString("base64") !== lines[2]) {
    throw new Error("another root than the checkpoint's");
  }
}

function isSigned(note: string, signatures: string, logs: Logs): boolean {
  const data = Buffer.from(note);
  return [...signatures.matchAll(SIGNATURE_LINE)].some(([, name = "", text = ""]) => {
    const bytes = Buffer.from(text, "base64");
    // The first one that fits by hint and name is the one that decides, as for the library.
    const log = logs.find(
      ({ logID, baseURL }) => logID.subarray(0, 4).equals(bytes.subarray(0, 4)) && baseURL.includes(name),
    );
    return log !== undefined && verify(undefined, data, log.publicKey, bytes.subarray(4));
  });
}

/** The root that a proof leads to. @see RFC 9162 2.1.3.2 @throws on a proof of another length than the place in the tree asks for. */
function rootOf(leaf: Uint8Array, index: number, size: number, hashes: readonly Uint8Array[]): Buffer {
  let node: Buffer = createHash("sha256").update(Buffer.of(0)).update(leaf).digest();
  let at = index;
  let last = size - 1;
  for (const sibling of hashes) {
    if (last === 0 || sibling.length !== 32) throw new Error("a proof that is too long");
    if (at % 2 === 1 || at === last) {
      node = hashChildren(sibling, node);
      // Where nothing stands to the right, the node is carried up until something stands to the left.
      while (at % 2 === 0 && at !== 0) [at, last] = [Math.floor(at / 2), Math.floor(last / 2)];
    } else {
      node = hashChildren(node, sibling);
    }
    [at, last] = [Math.floor(at / 2), Math.floor(last / 2)];
  }
  if (last !== 0) throw new Error("a proof that is too short");
  return node;
}

function hashChildren(left: Uint8Array, right: Uint8Array): Buffer {
  return createHash("sha256").update(Buffer.of(1)).update(left).update(right).digest();
}
