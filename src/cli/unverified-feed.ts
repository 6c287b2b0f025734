import { z } from "zod";
import { parseBundle } from "../attestation/bundle.ts";
import { envelopeSchema } from "../attestation/envelope.ts";
import { parseStatement, StatementError } from "../attestation/statement.ts";
import { JsonError, readValue } from "../image/json.ts";
import { parseRootsFeed, type RootsFeedDocument, RootsFeedError } from "../trust/roots-feed.ts";

const withEnvelope = z.object({ dsseEnvelope: envelopeSchema });

/**
 * What a published feed says, whoever signed it: to be shown to people as such, and never to be judged by.
 *
 * @throws {RootsFeedError} @throws {BundleError}
 */
export function unverifiedFeed(bytes: Uint8Array): RootsFeedDocument {
  const { json } = parseBundle(bytes);
  try {
    const { payload } = readValue(withEnvelope, json).dsseEnvelope;
    return parseRootsFeed(parseStatement(Buffer.from(payload, "base64")));
  } catch (cause) {
    if (cause instanceof RootsFeedError) throw cause;
    if (!(cause instanceof StatementError) && !(cause instanceof JsonError)) throw cause;
    throw new RootsFeedError(cause.message, { cause });
  }
}
