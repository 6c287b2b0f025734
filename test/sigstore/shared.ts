import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseBundle, type UnverifiedBundle } from "../../src/attestation/bundle.ts";
import { digestOf } from "../../src/image/digest.ts";
import { parseTrustedRoot, type TrustedRootProfile } from "../../src/sigstore/trusted-root.ts";

/**
 * The absolute path of a folder of the shared test material, and why to skip where it isn't there (never under CI: there, reading
 * it fails).
 */
export function shared(path: string): { readonly path: string; readonly skip: string | false } {
  const full = fileURLToPath(new URL(`../../../shared/${path}`, import.meta.url));
  return {
    path: full,
    skip: existsSync(full) || process.env.CI !== undefined ? false : `../shared/${path} is not there`,
  };
}

/** The bundles of a folder: each file, and each line of a file that has one bundle to a line. */
export function readBundles(folder: string, suffixes: readonly string[]): readonly { name: string; bytes: Buffer }[] {
  return readdirSync(folder)
    .filter((file) => suffixes.some((suffix) => file.endsWith(suffix)))
    .sort()
    .flatMap((file) => {
      const bytes = readFileSync(`${folder}/${file}`);
      if (!file.endsWith(".jsonl")) return [{ name: file, bytes }];
      const lines = bytes.toString("utf8").trim().split("\n");
      return lines.map((line, index) => ({ name: `${file}:${index + 1}`, bytes: Buffer.from(line) }));
    });
}

/** A root of the corpora or samples. */
export function readRoot(path: string): TrustedRootProfile {
  return parseTrustedRoot(readFileSync(path), path.split("/").at(-1) ?? path);
}

/** A document as a bundle, without what `parseBundle` would say of it: the verifier has to hold its own. */
export function asBundle(json: unknown): UnverifiedBundle {
  return { kind: "bundle", digest: digestOf(Buffer.from(JSON.stringify(json))), json };
}

/** A bundle as it would come from outside. */
export function readBundle(bytes: Uint8Array): UnverifiedBundle {
  return parseBundle(bytes);
}

/** The base64 text with one bit of one byte turned; a negative index counts from the end. */
export function flipByte(base64: string, index: number): string {
  const bytes = Buffer.from(base64, "base64");
  const at = index < 0 ? bytes.length + index : index;
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  return bytes.toString("base64");
}
