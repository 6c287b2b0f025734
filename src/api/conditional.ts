import { createHash } from "node:crypto";

/** A strong validator of these bytes: the same for the same bytes, and for no others. */
export function etagOf(body: string | Uint8Array): string {
  return `"${createHash("sha256").update(body).digest("base64url")}"`;
}

/**
 * Whether whoever asks has these bytes already.
 *
 * @param header - `If-None-Match`; compared weakly, as RFC 9110 §13.1.2 says.
 */
export function isKnown(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  if (header.trim() === "*") return true;
  return header.split(",").some((each) => {
    const tag = each.trim();
    return (tag.startsWith("W/") ? tag.slice(2) : tag) === etag;
  });
}
