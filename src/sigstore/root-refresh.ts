import { existsSync, readdirSync, readFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { readDocument } from "../image/json.ts";
import { openPrivateDirectory, type PrivateDirectory, readPrivateFile, writePrivateFile } from "./private-file.ts";
import { messageOf } from "./rejection.ts";
import { parseTrustedRoot, type TrustedRootProfile } from "./trusted-root.ts";

/** One request to a repository of roots, in milliseconds. */
const FETCH_MS = 15_000;
/** Rotations of the repository's own root that are followed in one refresh; Sigstore's had 16 in five years. */
const MAX_ROTATIONS = 64;
/** What is kept of a refresh, in bytes: a trusted root, of at most 1 MiB, in base64. */
const MAX_KEPT_BYTES = 2 * 1024 * 1024;
/** The name of the trusted root in Sigstore's repositories. */
const TARGET = "trusted_root.json";

/** Where one Sigstore instance publishes its trusted root, by The Update Framework. */
export interface RootSource {
  /** The instance: the name of the trusted root that comes with the program, which a refreshed one takes the place of. */
  readonly name: string;
  /** The repository's address, without a slash at its end. */
  readonly url: string;
  /** The repository's `root.json` that trust in it starts from, as it came with the program. */
  readonly initialRoot: Uint8Array;
}

/** A trusted root as the last refresh left it. */
export interface KeptRoot {
  readonly profile: TrustedRootProfile;
  readonly refreshedAt: Date;
  /** Until when the repository vouched that it is the newest one: the expiry of its timestamp. */
  readonly validUntil: Date;
}

/** A refresh that did not end well. What was kept before it is still there. */
export class RootRefreshError extends Error {
  readonly code = "refresh-failed";
}

const ADDRESSES: Readonly<Record<string, string>> = {
  "sigstore-public-good": "https://tuf-repo-cdn.sigstore.dev",
  github: "https://tuf-repo.github.com",
};

/** The repositories of the instances whose roots come with the program. */
export function shippedRootSources(): readonly RootSource[] {
  const folder = new URL("./roots/tuf/", import.meta.url);
  return readdirSync(folder).flatMap((file) => {
    const name = file.replace(".json", "");
    const url = ADDRESSES[name];
    return url === undefined ? [] : [{ name, url, initialRoot: readFileSync(new URL(file, folder)) }];
  });
}

const kept = z.object({
  refreshedAt: z.iso.datetime(),
  validUntil: z.iso.datetime(),
  trustedRoot: z.base64(),
});

const timestamp = z.looseObject({ signed: z.looseObject({ expires: z.iso.datetime({ offset: true }) }) });

/**
 * Fetches the newest trusted root of an instance, and keeps it in the directory.
 *
 * Each refresh starts from the root that came with the program, never from one on disk: a file can't introduce a key. What is on
 * disk of the other metadata holds the repository to never going back to an older version (TUF 5.4.3, 5.5.5).
 *
 * @throws {RootRefreshError} @throws {PrivateDirectoryError}
 */
export async function refreshTrustedRoot(
  source: RootSource,
  directory: PrivateDirectory,
  now: Date,
): Promise<KeptRoot> {
  const metadata = await openPrivateDirectory(join(directory.path, source.name), directory.owner);
  try {
    await writeFile(join(metadata.path, "root.json"), source.initialRoot, { mode: 0o600 });
    // Only who refreshes waits for the library to load. Its exports by name are there in Node alone, and not in what is bundled.
    const { default: tuf } = await import("tuf-js");
    const updater = new tuf.Updater({
      metadataDir: metadata.path,
      metadataBaseUrl: source.url,
      targetDir: metadata.path,
      targetBaseUrl: `${source.url}/targets`,
      config: { fetchTimeout: FETCH_MS, fetchRetries: 1, maxRootRotations: MAX_ROTATIONS },
    });
    await updater.refresh();
    const target = await updater.getTargetInfo(TARGET);
    if (target === undefined) throw new Error(`the repository has no ${TARGET}`);
    const trustedRoot = await readFile(await updater.downloadTarget(target));
    const profile = parseTrustedRoot(trustedRoot, source.name);
    const { signed } = readDocument(timestamp, await readFile(join(metadata.path, "timestamp.json")));
    const validUntil = new Date(signed.expires);
    const document = {
      refreshedAt: now.toISOString(),
      validUntil: validUntil.toISOString(),
      trustedRoot: trustedRoot.toString("base64"),
    };
    await writePrivateFile(directory, fileOf(source.name), Buffer.from(JSON.stringify(document)));
    return { profile, refreshedAt: now, validUntil };
  } catch (cause) {
    throw new RootRefreshError(
      `refresh trusted root ${source.name} from ${source.url}: ${messageOf(cause)}; the one there was before is kept`,
      { cause },
    );
  }
}

/** What the last refresh kept; undefined if there was none, or if others could have changed it or its form is not ours. */
export async function readKeptRoot(name: string, directory: PrivateDirectory): Promise<KeptRoot | undefined> {
  const bytes = await readPrivateFile(directory, fileOf(name), MAX_KEPT_BYTES);
  if (bytes === undefined) return undefined;
  try {
    const { refreshedAt, validUntil, trustedRoot } = readDocument(kept, bytes);
    return {
      profile: parseTrustedRoot(Buffer.from(trustedRoot, "base64"), name),
      refreshedAt: new Date(refreshedAt),
      validUntil: new Date(validUntil),
    };
  } catch {
    // A file that we didn't write so, or that a newer program did: as good as none.
    return undefined;
  }
}

/** Whether there is something where a refresh keeps this root, whoever wrote it. */
export function hasKept(name: string, { path }: PrivateDirectory): boolean {
  return existsSync(join(path, fileOf(name)));
}

function fileOf(name: string): string {
  return `${name}.json`;
}
