import type { Statement } from "./statement.ts";

/** So many characters of text take about as much memory as one part of a document. */
const CHARACTERS_A_PART = 64;

/**
 * About how much memory a statement that was read takes, in parts of some 130 bytes: objects, arrays, and what stands in them. It isn't its
 * size on the wire, of which three bytes make a part.
 */
export function weightOf({ subject, predicate }: Statement): number {
  let weight = 0;
  // A stack of our own: reading bounds the depth, and this needn't know by how much.
  const left: unknown[] = [subject, predicate];
  while (left.length > 0) {
    const value = left.pop();
    weight++;
    if (typeof value === "string") weight += Math.floor(value.length / CHARACTERS_A_PART);
    else if (Array.isArray(value)) for (const item of value) left.push(item);
    else if (typeof value === "object" && value !== null)
      for (const [key, item] of Object.entries(value)) {
        weight += Math.floor(key.length / CHARACTERS_A_PART);
        left.push(item);
      }
  }
  return weight;
}
