import { readFile } from "node:fs/promises";
import { BundleError, parseBundle } from "../attestation/bundle.ts";
import { fingerprintOf, PublicKeyError } from "../attestation/public-key.ts";
import { JsonError, parseJson } from "../image/json.ts";
import { printable } from "../report/printable.ts";
import { createBundleVerifier } from "../sigstore/verifier.ts";
import { MAX_FEED_BYTES } from "../trust/feed-reading.ts";
import { BeyondLimit, CouldNotLook } from "../trust/ports.ts";
import {
  type FeedRoot,
  parseFeedDraft,
  parseRootsFeed,
  type RootsFeedDocument,
  RootsFeedError,
} from "../trust/roots-feed.ts";
import { openElsewhere } from "./elsewhere.ts";
import { EXIT, type ExitCode, UsageError, usage } from "./exit-code.ts";
import { currentRoots } from "./trust.ts";
import { unverifiedFeed } from "./unverified-feed.ts";
import type { Surroundings } from "./walk.ts";

/** How long fetching a feed may take, in milliseconds. */
const LIST_MS = 60_000;
const DAY_MS = 86_400_000;

/** What `roots list` was asked. */
export interface RootsListArguments {
  /** Path or address of a draft or a published feed. */
  readonly feed: string;
  /** Path of the publisher's public key. */
  readonly key?: string;
  readonly allowHost: readonly string[];
}

/**
 * Shows what a feed names, and whether its publisher signed it and it still holds.
 *
 * @throws {UsageError}
 */
export async function rootsListCommand(args: RootsListArguments, surroundings: Surroundings): Promise<ExitCode> {
  const { stdout, stderr } = surroundings;
  const refuse = (reason: string, exit: ExitCode) => {
    stderr.write(`trusted-builds: ${printable(reason)}\n`);
    return exit;
  };
  const now = surroundings.now();
  try {
    const pem = args.key === undefined ? undefined : await readText("public key", args.key);
    const bytes = await readFeed(args, surroundings);
    if (!isBundle(bytes)) {
      if (pem !== undefined) return refuse(`${args.feed} is a draft: nobody has signed it`, EXIT.untrusted);
      const { roots } = parseFeedDraft(bytes);
      stdout.write(`draft, not signed\n${tableOf(roots, now)}`);
      return EXIT.trusted;
    }
    const document = pem === undefined ? unverifiedFeed(bytes) : await verified(bytes, pem, args, surroundings);
    stdout.write(`${headOf(document, pem !== undefined)}\n${tableOf(document.roots, now)}`);
    return document.expires <= now
      ? refuse(`${args.feed} expired ${document.expires.toISOString()}: it names no root any more`, EXIT.untrusted)
      : EXIT.trusted;
  } catch (error) {
    const isNone = [RootsFeedError, BundleError, JsonError, BeyondLimit].some((kind) => error instanceof kind);
    if (error instanceof Error && isNone) return refuse(`${args.feed}: ${error.message}`, EXIT.untrusted);
    if (error instanceof CouldNotLook) return refuse(error.message, EXIT.undetermined);
    throw error;
  }
}

/** @throws {RootsFeedError} where another key signed, or nobody. */
async function verified(
  bytes: Uint8Array,
  pem: string,
  { key = "" }: RootsListArguments,
  surroundings: Surroundings,
): Promise<RootsFeedDocument> {
  const fingerprint = usage(PublicKeyError, () => fingerprintOf(pem), `${key} has to be the publisher's public key`);
  const { roots } = await currentRoots(false, surroundings);
  const signer = { name: key, pem, fingerprint, log: "optional" } as const;
  const found = await createBundleVerifier({ roots }).verifyBundle(parseBundle(bytes), [signer]);
  if (found.kind === "rejected") throw new RootsFeedError(found.reason);
  if (found.identity.kind !== "key" || found.identity.fingerprint !== fingerprint)
    throw new RootsFeedError(`signed by another than the holder of ${key}`);
  return parseRootsFeed(found.statement);
}

async function readFeed({ feed, allowHost }: RootsListArguments, surroundings: Surroundings): Promise<Uint8Array> {
  const url = /^https?:\/\//.test(feed) ? URL.parse(feed) : null;
  if (url === null) return await readBytes("feed", feed);
  const { env, homeDirectory } = surroundings;
  const elsewhere = openElsewhere({
    env,
    homeDirectory,
    allowHosts: [url.host, ...allowHost],
    signal: AbortSignal.timeout(LIST_MS),
    onRequest: () => {},
  });
  try {
    return await elsewhere.fetchFeed(url.href, MAX_FEED_BYTES);
  } finally {
    await elsewhere.close();
  }
}

/** @throws {JsonError} */
function isBundle(bytes: Uint8Array): boolean {
  const value = parseJson(bytes);
  return typeof value === "object" && value !== null && Object.hasOwn(value, "mediaType");
}

function headOf({ issuer, issued, expires }: RootsFeedDocument, isVerified: boolean): string {
  const dates = `issued ${issued.toISOString()}, good until ${expires.toISOString()}`;
  return `${printable(issuer)}, ${dates}, ${isVerified ? "signed by the key given" : "NOT VERIFIED: give its publisher's key with --key"}`;
}

function tableOf(roots: readonly FeedRoot[], now: Date): string {
  const rows = roots.map(({ image, tags, digest, reason, added, expires }) => [
    `${image}${tags.length === 0 ? "" : `:${tags.join(",")}`}`,
    digest,
    expires === undefined ? "with the feed" : `${expires}${expires < day(now) ? " (over)" : ""}`,
    `${Math.max(0, Math.floor((now.getTime() - Date.parse(`${added}T00:00:00Z`)) / DAY_MS))} days`,
    reason,
  ]);
  const all = [["IMAGE", "DIGEST", "EXPIRES", "AGE", "REASON"], ...rows].map((row) => row.map(printable));
  const widths = [0, 1, 2, 3].map((column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all
    .map(
      (row) =>
        `${row
          .map((cell, i) => cell.padEnd(widths[i] ?? 0))
          .join("  ")
          .trimEnd()}\n`,
    )
    .join("");
}

function day(time: Date): string {
  return time.toISOString().slice(0, 10);
}

async function readText(what: string, path: string): Promise<string> {
  return Buffer.from(await readBytes(what, path)).toString("utf8");
}

async function readBytes(what: string, path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new UsageError(`read the ${what} ${path}: ${(error as Error).message}; give a file that can be read`, {
      cause: error,
    });
  }
}
