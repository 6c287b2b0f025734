import type { IncomingMessage } from "node:http";
import { Problem } from "./problem.ts";

/**
 * Reads a body to its limit, whether its length was said or not.
 *
 * @throws {Problem} `body-too-large`, `malformed-request` for one that broke off.
 */
export async function readBody(request: IncomingMessage, limit: number): Promise<Uint8Array> {
  // What is left of it isn't read: whoever sends this ends the connection.
  const tooLarge = () => new Problem("body-too-large", `no more than ${limit} bytes are read here`);
  if (Number(request.headers["content-length"] ?? 0) > limit) throw tooLarge();
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    // The connection stays: the refusal is still to be sent over it.
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > limit) throw tooLarge();
      chunks.push(chunk);
    }
  } catch (cause) {
    if (cause instanceof Problem) throw cause;
    throw new Problem("malformed-request", "the body broke off", { cause });
  }
  return Buffer.concat(chunks);
}
