import { readFileSync } from "node:fs";
import { basename } from "node:path";
import type { PublishedPolicy } from "../answer/published-policy.ts";
import type { Digest } from "../image/digest.ts";
import type { Store } from "../store/store.ts";
import { parsePolicy } from "../trust/policy.ts";
import { DEFAULT_POLICY_TEXT, defaultPolicy } from "../trust/policy-default.ts";
import { PolicyError } from "../trust/policy-fault.ts";
import { ConfigError } from "./config.ts";

/**
 * The policy by which everyone is answered: the operator's file, read once, or the one that comes with the program (RULES R5). It is
 * called by the file's name alone, since everyone is shown it: the operator's directories are nobody's business.
 *
 * @param server - The GitHub server that is meant where the policy names none.
 * @throws {ConfigError} with line and column. Another policy in its place would answer in the operator's name.
 */
export function readPublishedPolicy(file: string | undefined, server: string): PublishedPolicy {
  if (file === undefined)
    return { policy: defaultPolicy, bytes: new TextEncoder().encode(DEFAULT_POLICY_TEXT), isDefault: true };
  const bytes = readBytes(file);
  try {
    return { policy: parsePolicy(bytes, basename(file), { server }), bytes, isDefault: false };
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    throw new ConfigError([`POLICY_FILE: ${error.message}`]);
  }
}

function readBytes(file: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new ConfigError([`POLICY_FILE: can't be read (${(error as NodeJS.ErrnoException).code ?? "error"})`]);
  }
}

/** Where published policies are kept: summaries that were signed name them for years. */
const KEPT = "published-policy/";

/** What keeps small texts by name. */
type Shelf = Pick<Store, "readCursor" | "writeCursor">;

/** Keeps the policy under its digest: tenants' policies are kept elsewhere, and are nobody's to read. */
export async function keepPublishedPolicy(shelf: Shelf, { policy, bytes }: PublishedPolicy): Promise<void> {
  await shelf.writeCursor(`${KEPT}${policy.digest}`, Buffer.from(bytes).toString("base64"));
}

/** A policy that is or was published. */
export async function readKeptPolicy(
  shelf: Shelf,
  { policy, bytes }: PublishedPolicy,
  asked: Digest,
): Promise<{ readonly bytes: Uint8Array; readonly type: string } | undefined> {
  const type = "application/yaml";
  if (asked === policy.digest) return { bytes, type };
  const kept = await shelf.readCursor(`${KEPT}${asked}`);
  return kept === undefined ? undefined : { bytes: Buffer.from(kept, "base64"), type };
}
