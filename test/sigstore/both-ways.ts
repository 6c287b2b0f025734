import { bundleFromJSON } from "@sigstore/bundle";
import { toSignedEntity, Verifier } from "@sigstore/verify";
import { proveCertificateSigned } from "../../src/sigstore/direct-proof.ts";
import { readSignedEntity } from "../../src/sigstore/signed-entity.ts";
import type { TrustedRootProfile } from "../../src/sigstore/trusted-root.ts";
import { createBundleVerifier } from "../../src/sigstore/verifier.ts";
import { asBundle } from "./shared.ts";

/** A JSON document that tests change. */
export type Document = ReturnType<typeof JSON.parse>;

/** What each way says of one document under one root. */
export interface BothWays {
  /** Stock `@sigstore/verify`: it verifies. */
  readonly library: boolean;
  /** The short way alone: it proves. */
  readonly direct: boolean;
  /** The whole verifier: `verified`, or the rejection's code. */
  readonly ours: string;
  readonly reason: string;
}

/** Verifies a document in every way there is. */
export function bothWays(json: Document, root: TrustedRootProfile): BothWays {
  const outcome = createBundleVerifier({ roots: [root] }).verifyBundle(asBundle(json));
  return {
    library: answers(() => {
      const { tlog, ctlog } = root.thresholds;
      const thresholds = { tlogThreshold: tlog, ctlogThreshold: ctlog, timestampThreshold: 1 };
      new Verifier(root.material, thresholds).verify(toSignedEntity(bundleFromJSON(json)));
    }),
    direct: answers(() => {
      const { bundle, certificate } = readSignedEntity(json);
      if (certificate === undefined) throw new Error("no certificate");
      proveCertificateSigned(bundle, certificate, root);
    }),
    ours: outcome.kind === "verified" ? "verified" : outcome.code,
    reason: outcome.kind === "verified" ? "" : outcome.reason,
  };
}

function answers(run: () => void): boolean {
  try {
    run();
    return true;
  } catch {
    return false;
  }
}

/** One change of a document. */
export interface Mutation {
  readonly what: string;
  readonly json: Document;
}

/**
 * Changes every field of a bundle, one at a time: gone, empty, another kind of value, another number; of base64 a bit in the first
 * and the last byte and in some between, a byte less, a byte more; inside of what is encoded (the entry's body, the checkpoint) the
 * same again.
 *
 * @param stride - of certificates and timestamps, one bit in every so many bytes.
 */
export function* mutationsOf(json: Document, stride: number): Generator<Mutation> {
  for (const path of pathsOf(json)) {
    const value = at(json, path);
    for (const [what, changed] of changesOf(value, path, stride)) {
      yield { what: `${path.join(".")} ${what}`, json: withValue(json, path, changed) };
    }
  }
}

type Path = readonly (string | number)[];

function* pathsOf(value: Document, path: Path = []): Generator<Path> {
  if (path.length > 0) yield path;
  if (typeof value !== "object" || value === null) return;
  for (const key of Object.keys(value)) {
    // A proof's hashes are alike: the outermost stand for all.
    if (path.at(-1) === "hashes" && Number(key) > 0 && Number(key) < value.length - 1) continue;
    yield* pathsOf(value[key], [...path, Array.isArray(value) ? Number(key) : key]);
  }
}

function at(value: Document, path: Path): Document {
  return path.reduce((inner, step) => inner[step], value);
}

function withValue(json: Document, path: Path, value: Document): Document {
  const copy = structuredClone(json);
  const last = path.at(-1) ?? "";
  const parent = at(copy, path.slice(0, -1));
  if (value !== undefined) parent[last] = value;
  else if (Array.isArray(parent)) parent.splice(Number(last), 1);
  else delete parent[last];
  return copy;
}

function* changesOf(value: Document, path: Path, stride: number): Generator<[string, Document]> {
  const name = path.at(-1);
  yield ["gone", undefined];
  if (Array.isArray(value)) yield ["twice", [...value, ...value]];
  if (typeof value !== "string") return;
  yield ["empty", ""];
  if (/^\d+$/.test(value)) {
    yield ["one more", String(BigInt(value) + 1n)];
    yield ["zero", "0"];
    return;
  }
  if (name === "canonicalizedBody") yield* bodyChanges(value);
  if (name === "envelope") yield* checkpointChanges(value);
  else if (/^[A-Za-z0-9+/]+=*$/.test(value)) yield* byteChanges(value, isDer(name) ? stride : 97);
  else yield ["one letter more", `${value}x`];
}

function isDer(name: string | number | undefined): boolean {
  return name === "rawBytes" || name === "signedTimestamp";
}

function* byteChanges(base64: string, stride: number): Generator<[string, string]> {
  const bytes = Buffer.from(base64, "base64");
  const places = new Set([0, 1, bytes.length - 1]);
  // Which bit is turned changes with the place, so that tags, lengths and content all meet all kinds of change.
  for (let place = 2; place < bytes.length; place += stride) places.add(place);
  for (const place of places) {
    const copy = Buffer.from(bytes);
    copy[place] = (copy[place] ?? 0) ^ (1 << (place % 8));
    yield [`bit of byte ${place}`, copy.toString("base64")];
  }
  yield ["a byte less", bytes.subarray(0, -1).toString("base64")];
  yield ["a byte more", Buffer.concat([bytes, Buffer.of(0)]).toString("base64")];
}

function* bodyChanges(base64: string): Generator<[string, string]> {
  const body = JSON.parse(Buffer.from(base64, "base64").toString("utf8"));
  for (const path of pathsOf(body)) {
    const inner = at(body, path);
    const changed = [withValue(body, path, undefined)];
    if (typeof inner === "string") changed.push(withValue(body, path, `${inner.slice(0, -1)}0`));
    for (const each of changed) {
      yield [`body ${path.join(".")}`, Buffer.from(JSON.stringify(each)).toString("base64")];
    }
  }
}

function* checkpointChanges(envelope: string): Generator<[string, string]> {
  const lines = envelope.split("\n");
  for (const [index, line] of lines.entries()) {
    yield [`without line ${index}`, lines.filter((_, other) => other !== index).join("\n")];
    yield [`line ${index} changed`, lines.with(index, `${line.slice(0, -2)}x${line.slice(-1)}`).join("\n")];
    yield [`line ${index} twice`, lines.toSpliced(index, 0, line).join("\n")];
  }
}
