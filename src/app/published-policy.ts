import { readFileSync } from "node:fs";
import { basename } from "node:path";
import type { PublishedPolicy } from "../answer/published-policy.ts";
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
