import { randomBytes } from "node:crypto";
import { createServer, type Server } from "node:http";
import { listen, stop } from "./listen.ts";

/** Signed links are of no use after this. */
const LINK_MS = 10 * 60_000;
/** The longest literal of Snappy with a length of two bytes. */
const LITERAL_BYTES = 65536;

interface Kept {
  readonly contentType: string;
  readonly bytes: Buffer;
  readonly expires: number;
}

/** Where GitHub keeps logs and bundles: another origin, which refuses to be told who asks. */
export class Storage {
  readonly #server: Server;
  readonly #kept = new Map<string, Kept>();
  url = "";

  /** @param violations - Gets a line when credentials are sent here. */
  constructor(violations: string[]) {
    this.#server = createServer((request, response) => {
      const { pathname, searchParams } = new URL(request.url ?? "/", this.url);
      if (request.headers.authorization !== undefined) {
        violations.push(`credentials for GitHub were sent to another host: ${request.method} ${pathname}`);
        response.writeHead(401).end();
        return;
      }
      const kept = this.#kept.get(`${pathname}?${searchParams.get("sig")}`);
      if (kept === undefined || kept.expires < Date.now()) response.writeHead(404).end();
      else response.writeHead(200, { "content-type": kept.contentType }).end(kept.bytes);
    });
  }

  async start(): Promise<void> {
    this.url = await listen(this.#server);
  }

  /** Keeps bytes for as long as a signed link to them lives. */
  keep(path: string, contentType: string, bytes: Buffer): string {
    const signature = randomBytes(16).toString("hex");
    this.#kept.set(`/${path}?${signature}`, { contentType, bytes, expires: Date.now() + LINK_MS });
    return `${this.url}/${path}?sig=${signature}`;
  }

  close(): Promise<void> {
    return stop(this.#server);
  }
}

/** Snappy's block format, of literals alone. @see google/snappy format_description.txt */
export function snappy(bytes: Buffer): Buffer {
  const head: number[] = [];
  for (let left = bytes.length; ; left >>>= 7) {
    head.push((left & 0x7f) | (left > 0x7f ? 0x80 : 0));
    if (left <= 0x7f) break;
  }
  const parts: Uint8Array[] = [Buffer.from(head)];
  for (let at = 0; at < bytes.length; at += LITERAL_BYTES) {
    const literal = bytes.subarray(at, at + LITERAL_BYTES);
    const tag = Buffer.alloc(3);
    tag.writeUInt8(61 << 2); // a literal whose length, less one, is in the two bytes that follow
    tag.writeUInt16LE(literal.length - 1, 1);
    parts.push(tag, literal);
  }
  return Buffer.concat(parts);
}
