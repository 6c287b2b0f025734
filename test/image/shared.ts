import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../../shared/", import.meta.url));

/**
 * A folder or file of the shared test material, beside the project's root.
 *
 * @returns `skip` for the test's options: a reason where the material as a whole isn't there. Never under CI, and never for a
 * part that is missing: reading it then fails.
 */
export function shared(path: string): { readonly path: string; readonly skip: string | false } {
  const skip = existsSync(root) || process.env.CI !== undefined ? false : "../shared is not there";
  return { path: `${root}${path}`, skip };
}

/** The UTF-8 bytes of a text, or of a value as JSON. */
export function bytesOf(value: unknown): Uint8Array {
  return new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));
}
