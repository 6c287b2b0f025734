import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/**
 * A folder or file of the shared test material, beside the project's root.
 *
 * @returns `skip` for the test's options: a reason where the material isn't there. Never under CI, where reading it then fails.
 */
export function shared(path: string): { readonly path: string; readonly skip: string | false } {
  const full = fileURLToPath(new URL(`../../../shared/${path}`, import.meta.url));
  const skip = existsSync(full) || process.env.CI !== undefined ? false : `../shared/${path} is not there`;
  return { path: full, skip };
}

/** The UTF-8 bytes of a text, or of a value as JSON. */
export function bytesOf(value: unknown): Uint8Array {
  return new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));
}
