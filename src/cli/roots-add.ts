import { readFile, rename, rm, writeFile } from "node:fs/promises";
import pLimit from "p-limit";
import { ImageFormatError, parseManifest } from "../image/manifest.ts";
import { isUnknown } from "../image/platform.ts";
import {
  formatReference,
  type ImageReference,
  ImageReferenceError,
  imageName,
  parseReference,
  withDefaultTag,
} from "../image/reference.ts";
import { printable } from "../report/printable.ts";
import { addRoots, type FoundRoot } from "../trust/feed-draft.ts";
import { BeyondLimit, CouldNotLook } from "../trust/ports.ts";
import {
  type FeedDraft,
  feedDay,
  feedText,
  parseFeedDraft,
  RootsFeedError,
  writeFeedDraft,
} from "../trust/roots-feed.ts";
import { type Elsewhere, openElsewhere } from "./elsewhere.ts";
import { EXIT, type ExitCode, UsageError, usage } from "./exit-code.ts";
import { progressOn } from "./progress.ts";
import type { Surroundings } from "./walk.ts";

/** How long all images together may take, in milliseconds: a list of names can be long, and registries slow. */
const ADD_MS = 600_000;
/** Images that are looked up side by side. */
const CONCURRENCY = 8;

/** What `roots add` was asked. */
export interface RootsAddArguments {
  /** Path of the draft; it is made where there is none. */
  readonly feed: string;
  readonly images: readonly string[];
  readonly reason: string;
  /** A day. */
  readonly expires?: string;
  readonly issuer?: string;
  readonly replace: boolean;
  readonly allowHost: readonly string[];
}

/**
 * Looks images up in their registries, and puts what stands there now into a draft: all of them, or none.
 *
 * @throws {UsageError}
 */
export async function rootsAddCommand(args: RootsAddArguments, surroundings: Surroundings): Promise<ExitCode> {
  const { env, homeDirectory, stdout, stderr, now } = surroundings;
  const references = args.images.map((text) =>
    usage(ImageReferenceError, () => withDefaultTag(parseReference(text)), "write NAME[:TAG][@DIGEST], as debian:13"),
  );
  // Before anything is asked of a registry, so that no look-up is for nothing.
  for (const [option, value, form] of [
    ["reason", args.reason, feedText],
    ["issuer", args.issuer, feedText.optional()],
    ["expires", args.expires, feedDay.optional()],
  ] as const) {
    const { error } = form.safeParse(value);
    if (error !== undefined) throw new UsageError(`--${option} ${value}: ${error.issues[0]?.message ?? "wrong form"}`);
  }
  const before = await readDraft(args.feed);
  const progress = progressOn(stderr);
  const elsewhere = openElsewhere({
    env,
    homeDirectory,
    allowHosts: [...references.map(({ registry }) => registry), ...args.allowHost],
    signal: AbortSignal.timeout(ADD_MS),
    onRequest: () => {},
  });
  try {
    const limit = pLimit(CONCURRENCY);
    let done = 0;
    const found = await Promise.allSettled(
      references.map((reference) =>
        limit(async () => {
          const root = await lookUp(elsewhere, reference);
          progress.tell(`${++done} of ${references.length} images found; last ${formatReference(reference)}`);
          return root;
        }),
      ),
    );
    progress.end();
    const failures = found.flatMap((each) => (each.status === "rejected" ? [each.reason as unknown] : []));
    for (const failure of failures) {
      if (!(failure instanceof CouldNotLook || failure instanceof UsageError)) throw failure;
      stderr.write(`trusted-builds: ${printable(failure.message)}\n`);
    }
    if (failures.length > 0) {
      stderr.write(`trusted-builds: ${printable(args.feed)} is left as it was\n`);
      return failures.every((failure) => failure instanceof UsageError) ? EXIT.usage : EXIT.undetermined;
    }
    const roots = found.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
    const { reason, expires, replace } = args;
    const added = now().toISOString().slice(0, 10);
    const after = addRoots(before, roots, { reason, expires, replace, added });
    await writeDraft(args.feed, { ...after, issuer: args.issuer ?? after.issuer });
    for (const { image, tag, digest } of roots)
      stdout.write(`${image}${tag === undefined ? "" : `:${tag}`}  ${digest}\n`);
    return EXIT.trusted;
  } finally {
    progress.end();
    await elsewhere.close();
  }
}

/** The digest that a name has now, with those of the platforms under it: provenance may name either. */
async function lookUp(elsewhere: Elsewhere, reference: ImageReference): Promise<FoundRoot> {
  const text = formatReference(reference);
  try {
    const pinned = (await elsewhere.resolve(reference))?.pinned;
    const stored = pinned && (await elsewhere.readManifest(pinned));
    if (pinned === undefined || stored === undefined)
      throw new UsageError(`look up ${text}: the repository can be read and doesn't hold it; check the name`);
    const manifest = parseManifest(stored.bytes, { contentType: stored.contentType });
    // Attestation manifests have no platform: nothing is built on them.
    const manifests =
      manifest.kind === "index"
        ? manifest.manifests.flatMap(({ platform, digest }) => (platform && isUnknown(platform) ? [] : [digest]))
        : [];
    return { image: imageName(pinned), tag: reference.tag, digest: pinned.digest, manifests: [...new Set(manifests)] };
  } catch (error) {
    if (error instanceof ImageFormatError || error instanceof BeyondLimit)
      throw new UsageError(`look up ${text}: ${error.message}`, { cause: error });
    throw error;
  }
}

/** @throws {UsageError} */
async function readDraft(path: string): Promise<FeedDraft> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return { issuer: undefined, roots: [] };
    throw new UsageError(`read ${path}: ${(error as Error).message}; give a file that can be read`, { cause: error });
  }
  return usage(
    RootsFeedError,
    () => parseFeedDraft(bytes),
    `${path} has to be a draft: what is published is signed, and isn't edited`,
  );
}

/** Whoever reads it finds the old one or the new one whole. */
async function writeDraft(path: string, draft: FeedDraft): Promise<void> {
  const text = writeFeedDraft(draft);
  usage(RootsFeedError, () => parseFeedDraft(Buffer.from(text)));
  try {
    await writeFile(`${path}.new`, text);
    await rename(`${path}.new`, path);
  } catch (error) {
    await rm(`${path}.new`, { force: true });
    throw new UsageError(`write ${path}: ${(error as Error).message}`, { cause: error });
  }
}
