import { readFile, writeFile } from "node:fs/promises";
import { basename } from "node:path";
import manifest from "../../package.json" with { type: "json" };
import type { KeyBundle } from "../signer/key-bundle.ts";
import { parseSigningKey, SigningKeyError } from "../signer/signing-key.ts";
import { createSummarySigner } from "../signer/summary-signer.ts";
import { timestamped } from "../signer/timestamp.ts";
import type { Verdict } from "../trust/verdict.ts";
import { UsageError } from "./exit-code.ts";

/** What is asked of `verify --vsa`. */
export interface VsaArguments {
  /** Where the bundles go, one a line. */
  readonly vsa?: string;
  /** A file with the private key. */
  readonly vsaKey?: string;
  /** `verifier.id` */
  readonly vsaId?: string;
  /** The address of an RFC 3161 authority. */
  readonly vsaTsa?: string;
}

/** Writes the summaries of a verdict, and says in words what became of it. */
export type WriteVsa = (verdict: Verdict) => Promise<string>;

/**
 * Reads the key before anything is asked of the network, so that no walk is for nothing.
 *
 * @param policyFile - The policy's name on the command line; undefined for the default one.
 * @returns undefined if no summary is asked for.
 * @throws {UsageError}
 */
export async function prepareVsa(args: VsaArguments, policyFile: string | undefined): Promise<WriteVsa | undefined> {
  const { vsa, vsaKey, vsaId, vsaTsa } = args;
  if (vsa === undefined && vsaKey === undefined && vsaId === undefined && vsaTsa === undefined) return undefined;
  if (vsa === undefined || vsaKey === undefined || vsaId === undefined)
    throw new UsageError(
      "--vsa FILE needs --vsa-key KEY.pem and --vsa-id URI; none of them means anything without the others",
    );
  if (!URL.canParse(vsaId))
    throw new UsageError(`--vsa-id ${vsaId}: an address that says who verifies, as https://verifier.example/team`);
  if (vsaTsa !== undefined && !/^https?:$/.test(URL.parse(vsaTsa)?.protocol ?? ""))
    throw new UsageError(
      `--vsa-tsa ${vsaTsa}: the address of a timestamp authority, as https://tsa.example/api/v1/timestamp`,
    );
  const key = await readKey(vsaKey);
  const signer = createSummarySigner(key, () => {});
  const author = {
    verifier: vsaId,
    version: { "trusted-builds": manifest.version },
    policyUri:
      policyFile === undefined
        ? "urn:trusted-builds:default-policy"
        : `file:${encodeURIComponent(basename(policyFile))}`,
  };
  return async (verdict) => {
    const signed = signer.signVerdict(verdict, author);
    if (signed.length === 0) return `no summary: the verdict is ${verdict.outcome}, and nothing can be said of that`;
    try {
      const bundles = await Promise.all(signed.map(({ bundle }) => stamp(bundle, vsaTsa)));
      await writeFile(vsa, bundles.map((bundle) => `${JSON.stringify(bundle)}\n`).join(""));
    } catch (error) {
      throw new UsageError(`write the summary ${vsa}: ${(error as Error).message}`, { cause: error });
    }
    return `${signed.length === 1 ? "1 summary" : `${signed.length} summaries`} in ${vsa}, signed with the key ${key.publicKey.fingerprint}`;
  };
}

function stamp(bundle: KeyBundle, authority: string | undefined): Promise<KeyBundle> | KeyBundle {
  return authority === undefined ? bundle : timestamped(bundle, authority);
}

async function readKey(path: string) {
  try {
    return parseSigningKey(await readFile(path, "utf8"), path);
  } catch (error) {
    if (error instanceof SigningKeyError) throw new UsageError(error.message, { cause: error });
    throw new UsageError(`read the signing key ${path}: ${(error as Error).message}; give a file that can be read`, {
      cause: error,
    });
  }
}
