import { formatReference, parseReference } from "../image/reference.ts";
import { printable } from "./printable.ts";

/** How many hexadecimal digits are shown of what is only to be recognised. */
export const SHORT_DIGEST = 12;

/** Name and tag, and of the digest as much as one recognises. */
export function shortReference(text: string): string {
  try {
    const { digest, ...named } = parseReference(text);
    if (digest === undefined) return printable(text);
    const hex = digest.slice(digest.indexOf(":") + 1, digest.indexOf(":") + 1 + SHORT_DIGEST);
    return `${printable(formatReference(named))}@${hex}`;
  } catch {
    return printable(text);
  }
}
