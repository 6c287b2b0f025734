import { hash, randomBytes } from "node:crypto";
import type { KeyBundle } from "./key-bundle.ts";

/** How long an authority may take, in milliseconds. */
const TIMEOUT_MS = 15_000;
/** The largest answer that is read, in bytes: a token with a whole chain has 6000. */
const MAX_ANSWER_BYTES = 64 * 1024;

/** DER of AlgorithmIdentifier { id-sha256 } (RFC 5754 2). */
const SHA256 = Buffer.from("300b0609608648016503040201", "hex");

/** No timestamp could be had. Nothing is wrong with what was to be stamped. */
export class TimestampError extends Error {
  readonly code = "no-timestamp";
}

/**
 * Has an RFC 3161 authority say that a bundle's signature exists, and puts its answer into the bundle. Without one nothing proves when it was
 * made, and such a summary ends no walk (RULES R28).
 *
 * Whether the authority's own signature is good, whoever verifies finds out; here only that the answer is about this signature.
 *
 * @param authority - The operator's: its address isn't guarded.
 * @throws {TimestampError}
 * @see RFC 3161 2.4 and 3.4
 */
export async function timestamped(bundle: KeyBundle, authority: string): Promise<KeyBundle> {
  const [{ sig }] = bundle.dsseEnvelope.signatures;
  const imprint = hash("sha256", Buffer.from(sig, "base64"), "buffer");
  // Positive, and without a zero in front: DER has one form of it.
  const nonce = Buffer.concat([Buffer.of(0x40), randomBytes(7)]);
  const query = der(
    0x30,
    der(0x02, Buffer.of(1)),
    der(0x30, SHA256, der(0x04, imprint)),
    der(0x02, nonce),
    der(0x01, Buffer.of(0xff)),
  );
  const answer = await ask(authority, query);
  if (!answer.includes(imprint) || !answer.includes(der(0x02, nonce)))
    throw new TimestampError(`ask ${authority} for a timestamp: the answer grants none for this signature`);
  const rfc3161Timestamps = [{ signedTimestamp: answer.toString("base64") }];
  return {
    ...bundle,
    verificationMaterial: { ...bundle.verificationMaterial, timestampVerificationData: { rfc3161Timestamps } },
  };
}

async function ask(authority: string, query: Buffer): Promise<Buffer> {
  const what = `ask ${authority} for a timestamp`;
  try {
    const response = await fetch(authority, {
      method: "POST",
      headers: { "content-type": "application/timestamp-query", accept: "application/timestamp-reply" },
      body: new Uint8Array(query),
      redirect: "error",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (!response.ok) throw new TimestampError(`${what}: status ${response.status}`);
    const parts: Uint8Array[] = [];
    let size = 0;
    for await (const part of response.body ?? []) {
      size += part.length;
      if (size > MAX_ANSWER_BYTES) throw new TimestampError(`${what}: more than ${MAX_ANSWER_BYTES} bytes`);
      parts.push(part);
    }
    return Buffer.concat(parts);
  } catch (cause) {
    if (cause instanceof TimestampError) throw cause;
    throw new TimestampError(`${what}: ${cause instanceof Error ? cause.message : "no answer"}; it is tried again`, {
      cause,
    });
  }
}

function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  // Everything in a query is shorter than 128 bytes, where the length has one octet.
  if (content.length > 127) throw new Error(`a DER element of ${content.length} bytes`);
  return Buffer.concat([Buffer.of(tag, content.length), content]);
}
