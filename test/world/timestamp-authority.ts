import type { IncomingMessage } from "node:http";
import { initializeTSA } from "@sigstore/mock";
import * as asn1js from "asn1js";
import { z } from "zod";
import type { KeyPair } from "./merkle-rekor.ts";

const POLICY = "1.3.6.1.4.1.57264.2";
const SHA256 = "2.16.840.1.101.3.4.2.1";
const HASHES: Readonly<Record<string, string>> = {
  sha256: SHA256,
  sha384: "2.16.840.1.101.3.4.2.2",
  sha512: "2.16.840.1.101.3.4.2.3",
};

/** An RFC 3161 authority that answers both of sigstore-js (JSON requests) and cosign (DER requests). */
export interface TimestampAuthority {
  /** The certificate that signs first, as a trusted root has it. */
  readonly chain: readonly Uint8Array[];
  answer(request: IncomingMessage, body: Buffer): Promise<Uint8Array>;
}

interface Request {
  readonly artifactHash: Buffer;
  readonly hashAlgorithmOID: string;
  readonly nonce: number;
  /** cosign's is a random 64-bit number, which has to come back unchanged. */
  readonly nonceBytes?: Uint8Array | undefined;
  readonly policyOID: string;
  readonly certReq: boolean;
}

/** What the mock does inside, as far as it has to be mended. */
interface MockInside {
  getCurrentTime: () => Date;
  tstInfo(request: Request): { nonce: asn1js.Integer };
}

/** @param now - The time of its timestamps. */
export async function startTimestampAuthority(key: KeyPair, now: () => Date): Promise<TimestampAuthority> {
  const authority = await initializeTSA(key);
  const inside = authority as unknown as MockInside;
  // @sigstore/core refuses a timestamp whose fraction of a second has not exactly three digits: whole seconds have none.
  inside.getCurrentTime = () => new Date(Math.floor(now().getTime() / 1000) * 1000);
  const tstInfo = inside.tstInfo.bind(authority);
  inside.tstInfo = (request) => {
    const info = tstInfo(request);
    if (request.nonceBytes) info.nonce = new asn1js.Integer({ valueHex: Uint8Array.from(request.nonceBytes).buffer });
    return info;
  };
  return {
    chain: [bytesOf(authority.intCertificate), bytesOf(authority.rootCertificate)],
    async answer(request, body) {
      const query = /json/.test(request.headers["content-type"] ?? "") ? fromJson(body) : fromDer(body);
      return bytesOf(await authority.timestamp(query));
    },
  };
}

/** The mock answers in whatever view it has. */
export function bytesOf(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

const JsonRequest = z.object({
  artifactHash: z.base64(),
  hashAlgorithm: z.string().optional(),
  nonce: z.number().optional(),
  tsaPolicyOID: z.string().optional(),
  certificates: z.boolean().optional(),
});

function fromJson(body: Buffer): Request {
  const query = JsonRequest.parse(JSON.parse(body.toString()));
  return {
    artifactHash: Buffer.from(query.artifactHash, "base64"),
    hashAlgorithmOID: HASHES[query.hashAlgorithm ?? "sha256"] ?? SHA256,
    nonce: query.nonce ?? 1,
    policyOID: query.tsaPolicyOID ?? POLICY,
    certReq: query.certificates ?? false,
  };
}

function fromDer(body: Buffer): Request {
  const { result, offset } = asn1js.fromBER(Uint8Array.from(body).buffer);
  if (offset === -1 || !(result instanceof asn1js.Sequence)) throw new Error("not a DER timestamp query");
  const [, imprint, ...optional] = result.valueBlock.value; // version, messageImprint, [policy], [nonce], [certReq]
  if (!(imprint instanceof asn1js.Sequence)) throw new Error("a timestamp query without a message imprint");
  const [algorithm, hash] = imprint.valueBlock.value;
  const oid = algorithm instanceof asn1js.Sequence ? algorithm.valueBlock.value[0] : undefined;
  if (!(oid instanceof asn1js.ObjectIdentifier) || !(hash instanceof asn1js.OctetString)) {
    throw new Error("a timestamp query whose message imprint has another form");
  }
  return {
    artifactHash: Buffer.from(hash.valueBlock.valueHexView),
    hashAlgorithmOID: oid.valueBlock.toString(),
    nonce: 1,
    nonceBytes: optional.find((value) => value instanceof asn1js.Integer)?.valueBlock.valueHexView,
    policyOID: optional.find((value) => value instanceof asn1js.ObjectIdentifier)?.valueBlock.toString() ?? POLICY,
    certReq: optional.find((value) => value instanceof asn1js.Boolean)?.valueBlock.value ?? false,
  };
}
