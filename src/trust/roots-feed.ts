import { z } from "zod";
import type { Statement } from "../attestation/statement.ts";
import { algorithmOf, type Digest, hexOf, isDigest } from "../image/digest.ts";
import { JsonError, readDocument, readValue } from "../image/json.ts";
import { ImageReferenceError, imageName, parseReference } from "../image/reference.ts";

/** The kind of statement that a roots feed is (docs/roots.md). A name: nothing is fetched from there. */
export const FEED_PREDICATE = "https://trusted-builds.dev/roots-feed/v1";

/** Most images of a feed: each is a subject, and no statement with more of them is read. */
export const MAX_FEED_ROOTS = 10_000;
/** Platforms under one index, at most. */
const MAX_MANIFESTS = 512;
/** Tags of one image, for people. */
export const MAX_FEED_TAGS = 64;
/** Longest text for people, in UTF-16 units. */
const MAX_TEXT_LENGTH = 1000;

/** One image that a feed names. */
export interface FeedRoot {
  /** `docker.io/library/debian`: registry and repository, in the whole form that names are compared in. */
  readonly image: string;
  /** Of an index, which covers the platforms in it, or of one platform's manifest. */
  readonly digest: Digest;
  /** Of the platforms' manifests under the index, for provenance that names one of them alone. */
  readonly manifests: readonly Digest[];
  /** Where it was found, for people: tags move. */
  readonly tags: readonly string[];
  readonly reason: string;
  /** YYYY-MM-DD. */
  readonly added: string;
  /** The last day on which it holds, YYYY-MM-DD in UTC; undefined: as long as the feed. */
  readonly expires: string | undefined;
}

/** A feed as its operator edits it, before it is dated and signed. */
export interface FeedDraft {
  /** Who publishes it, for people; whom it is believed from, the policy says by the signer. */
  readonly issuer: string | undefined;
  readonly roots: readonly FeedRoot[];
}

/** A feed as it was signed. */
export interface RootsFeedDocument {
  readonly issuer: string;
  /** A feed that is older than one seen before is a replay. */
  readonly issued: Date;
  /** From then on it names nothing: whoever keeps the newest from us can do so no longer than that. */
  readonly expires: Date;
  readonly roots: readonly FeedRoot[];
}

/** Not a feed, or not one that could be read in one way only. */
export class RootsFeedError extends Error {
  readonly code = "malformed-feed";
}

/** Text for people. */
export const feedText = z.string().trim().min(1).max(MAX_TEXT_LENGTH);
const digest = z.string().refine(isDigest, { error: "a digest: sha256: and 64 lower-case hexadecimal digits" });
/** A day of a feed. */
export const feedDay = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2}$/, { error: "a day as YYYY-MM-DD", abort: true })
  .refine((value) => isTime(`${value}T00:00:00Z`), { error: "no such day" });
const moment = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/, { error: "a time as YYYY-MM-DDTHH:MM:SSZ", abort: true })
  .refine(isTime, { error: "no such time" });

/** Compared as it stands, so there is one spelling. */
const image = z.string().superRefine((value, context) => {
  try {
    const canonical = imageName(parseReference(value));
    if (canonical !== value)
      context.addIssue({ code: "custom", message: `the whole name without tag and digest: ${canonical}` });
  } catch (error) {
    if (!(error instanceof ImageReferenceError)) throw error;
    context.addIssue({ code: "custom", message: error.message });
  }
});

// Strict: a field that a later version knows could take a root back, and must not be skipped. Such a feed has another version.
const root = z.strictObject({
  image,
  digest,
  manifests: z.array(digest).max(MAX_MANIFESTS).default([]),
  tags: z
    .array(z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/))
    .max(MAX_FEED_TAGS)
    .default([]),
  reason: feedText,
  added: feedDay,
  expires: feedDay.optional(),
});
const roots = z
  .array(root)
  .max(MAX_FEED_ROOTS)
  // Two entries for one image would be two reasons and two expiries, and each reader would take its own.
  .superRefine((list, context) => {
    const seen = new Set<string>();
    list.forEach((each, index) => {
      const key = `${each.image}@${each.digest}`;
      if (seen.has(key)) context.addIssue({ code: "custom", message: `${key} stands twice`, path: [index] });
      seen.add(key);
    });
  });
const draftSchema = z.strictObject({ version: z.literal(1), issuer: feedText.optional(), roots });
const predicateSchema = z
  .strictObject({ version: z.literal(1), issuer: feedText, issued: moment, expires: moment, roots })
  .refine(({ issued, expires }) => issued < expires, { error: "it expires before it is issued", path: ["expires"] });

/**
 * Reads a feed out of a statement whose signature has been verified. Whose it is, and when it was signed, is for others to say.
 *
 * The subjects have to be the images of the list, all of them and no others: a tool that verifies the statement about one digest, and
 * knows nothing of feeds, then says the same as this.
 *
 * @throws {RootsFeedError}
 */
export function parseRootsFeed(statement: Statement): RootsFeedDocument {
  if (statement.predicateType !== FEED_PREDICATE)
    throw new RootsFeedError(`read a roots feed: the statement is ${statement.predicateType.slice(0, 200)}`);
  const { issuer, issued, expires, roots: list } = reading(() => readValue(predicateSchema, statement.predicate));
  const named = new Set<string>(list.map((each) => each.digest));
  const subjects = statement.subject.map(({ digest: digests }) => {
    const [[algorithm, hex] = ["", ""], ...more] = Object.entries(digests);
    return more.length === 0 ? `${algorithm}:${hex}` : "";
  });
  const surplus = subjects.find((each) => !named.has(each));
  const covered = new Set(subjects);
  const missing = [...named].find((each) => !covered.has(each));
  if (surplus !== undefined || missing !== undefined)
    throw new RootsFeedError(
      `read a roots feed: its subjects aren't its images: ${missing ?? surplus ?? ""} is in one list alone`,
    );
  return { issuer, issued: new Date(issued), expires: new Date(expires), roots: list.map(rootOf) };
}

/**
 * Reads a feed that isn't signed yet.
 *
 * @throws {RootsFeedError}
 */
export function parseFeedDraft(bytes: Uint8Array): FeedDraft {
  const { issuer, roots: list } = reading(() => readDocument(draftSchema, bytes));
  return { issuer, roots: list.map(rootOf) };
}

/** The text of a draft, for a file that people edit and compare. */
export function writeFeedDraft({ issuer, roots: list }: FeedDraft): string {
  const document = { version: 1, ...(issuer !== undefined && { issuer }), roots: list.map(written) };
  return `${JSON.stringify(document, null, 2)}\n`;
}

/**
 * The in-toto statement of a feed, to be signed.
 *
 * @throws {RootsFeedError} where nobody could read it back: no images, no issuer, an expiry before the issue.
 */
export function writeRootsFeed({ issuer, issued, expires, roots: list }: RootsFeedDocument): Uint8Array {
  const subject = list.map((each) => ({
    name: `${each.image}@${each.digest}`,
    digest: { [algorithmOf(each.digest)]: hexOf(each.digest) },
  }));
  if (subject.length === 0) throw new RootsFeedError("write a roots feed: it names no image");
  const predicate = {
    version: 1,
    issuer,
    issued: seconds(issued),
    expires: seconds(expires),
    roots: list.map(written),
  };
  reading(() => readValue(predicateSchema, predicate));
  const statement = { _type: "https://in-toto.io/Statement/v1", subject, predicateType: FEED_PREDICATE, predicate };
  return new TextEncoder().encode(JSON.stringify(statement));
}

function rootOf({ expires, ...rest }: z.output<typeof root>): FeedRoot {
  return {
    ...rest,
    digest: rest.digest as Digest,
    manifests: rest.manifests as readonly string[] as readonly Digest[],
    expires,
  };
}

function written({ image: name, digest: of, tags, reason, added, expires, manifests }: FeedRoot) {
  return {
    image: name,
    ...(tags.length > 0 && { tags }),
    digest: of,
    reason,
    added,
    ...(expires !== undefined && { expires }),
    ...(manifests.length > 0 && { manifests }),
  };
}

function reading<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof JsonError)) throw cause;
    throw new RootsFeedError(`read a roots feed: ${cause.message}`, { cause });
  }
}

function isTime(value: string): boolean {
  const time = Date.parse(value);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(value.slice(0, 19));
}

function seconds(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`;
}
