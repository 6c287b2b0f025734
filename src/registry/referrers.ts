import { z } from "zod";
import { annotationsSchema, digestSchema } from "../image/descriptor.ts";
import type { Digest } from "../image/digest.ts";
import { algorithmOf, hexOf } from "../image/digest.ts";
import { JsonError, readDocument, readValue } from "../image/json.ts";
import { OCI_IMAGE_INDEX } from "../image/media-type.ts";
import type { PinnedImage } from "../image/reference.ts";
import { BeyondLimit, CouldNotLook } from "../trust/ports.ts";
import type { RepositoryAccess } from "./access.ts";
import { unexpected } from "./access.ts";
import type { Content } from "./content.ts";
import { absent, MAX_MANIFEST_BYTES } from "./content.ts";
import { addressForPeople, RegistryError } from "./error.ts";
import type { Answer } from "./transport.ts";

/** Pages of one list that are read. */
const MAX_PAGES = 50;

/** Entries of one list that are looked at; with more, someone means to keep us busy. */
const MAX_ENTRIES = 10_000;

/** What a registry answers that doesn't know the referrers API: the specification says 404, some say one of the others. */
const NO_API_STATUSES: readonly number[] = [400, 404, 405, 406, 501];

/** Something that is said to refer to the image: by the registry, or by whoever wrote the fallback tag. Only its digest counts. */
export interface Referrer {
  readonly digest: Digest;
  /** A hint: often missing, and often another type than the manifest's own (sigstore/cosign#4641). */
  readonly artifactType: string | undefined;
  /** Hints as well. */
  readonly annotations: Readonly<Record<string, string>>;
}

/** One list of referrers, as far as it could be read. */
export interface ReferrerList {
  readonly referrers: readonly Referrer[];
  /** What stands in the list and can't be read, in words. */
  readonly malformed: readonly string[];
  /** At least so many more stand in the list. */
  readonly omitted: number;
  /** Why it may not be the whole list. */
  readonly failure?: CouldNotLook;
}

const EMPTY_LIST: ReferrerList = { referrers: [], malformed: [], omitted: 0 };

const listSchema = z.looseObject({ mediaType: z.string().nullish(), manifests: z.array(z.unknown()) });

/** Laxer than a descriptor of an image: media types with parameters are common for bundles. */
const entrySchema = z.looseObject({
  mediaType: z.string(),
  digest: digestSchema,
  artifactType: z.string().nullish(),
  annotations: annotationsSchema,
});

/**
 * Asks the referrers API, page by page. It doesn't filter by type: some registries can't, and the types in their lists lie.
 *
 * @returns An empty list where the API is missing or knows of none: the tag may know more.
 * @throws {RegistryError} if not even the first page could be read.
 * @see distribution-spec, "Listing Referrers"
 */
export async function listByApi(access: RepositoryAccess, image: PinnedImage): Promise<ReferrerList> {
  const what = `referrers of ${image.digest}`;
  const ask = (target: string | URL) =>
    access.send(image, {
      method: "GET",
      target,
      action: "pull",
      headers: { accept: OCI_IMAGE_INDEX },
      limit: MAX_MANIFEST_BYTES,
      what,
    });

  let answer = await ask(`referrers/${image.digest}`);
  if (NO_API_STATUSES.includes(answer.status)) return (await absent(access, image, what)) ?? EMPTY_LIST;
  let list = readPage(image, what, answer);
  const seen = new Set<string>();
  try {
    for (let next = nextPage(answer); next !== undefined; next = nextPage(answer)) {
      if (next === null || next.origin !== answer.url.origin || seen.has(next.href)) {
        const context = { url: addressForPeople(answer.url) };
        throw new RegistryError("server-error", `${what}: the next page is elsewhere, or one that was read`, context);
      }
      seen.add(next.href);
      if (seen.size === MAX_PAGES || list.omitted > 0) return { ...list, omitted: list.omitted + 1 };
      answer = await ask(next);
      list = join(list, readPage(image, what, answer));
    }
  } catch (error) {
    // Whatever was read before stays.
    if (error instanceof BeyondLimit) return { ...list, omitted: list.omitted + 1 };
    if (!(error instanceof CouldNotLook)) throw error;
    return { ...list, failure: error };
  }
  return list;
}

/** The tag that holds the list where a registry has no referrers API. @see distribution-spec, "Referrers Tag Schema" */
export function fallbackTag(digest: Digest): string {
  return `${algorithmOf(digest).slice(0, 32)}-${hexOf(digest).slice(0, 64)}`;
}

/**
 * Reads the fallback tag, which anyone may have written who may push. It is read even where the API answered: lists from before
 * the API came are only there.
 *
 * @throws {RegistryError}
 */
export async function listByTag(content: Content, image: PinnedImage): Promise<ReferrerList> {
  const found = await content.readTag(image, fallbackTag(image.digest));
  if (found === undefined) return EMPTY_LIST;
  try {
    return readList(found.bytes);
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    return { ...EMPTY_LIST, malformed: [error.message] };
  }
}

function readPage(image: PinnedImage, what: string, answer: Answer): ReferrerList {
  if (answer.status !== 200) throw unexpected(image, what, answer, "200 or 404");
  try {
    return readList(answer.body);
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    throw unexpected(image, what, answer, `an image index (${error.code})`);
  }
}

/** @throws {JsonError} if it is no list. An entry that can't be read hides no other. */
function readList(bytes: Uint8Array): ReferrerList {
  const { manifests } = readDocument(listSchema, bytes);
  const referrers: Referrer[] = [];
  const malformed: string[] = [];
  for (const [index, entry] of manifests.slice(0, MAX_ENTRIES).entries()) {
    try {
      const { digest, artifactType, annotations } = readValue(entrySchema, entry);
      referrers.push({ digest, artifactType: artifactType ?? undefined, annotations });
    } catch (error) {
      if (!(error instanceof JsonError)) throw error;
      malformed.push(`entry ${index}: ${error.message}`);
    }
  }
  return { referrers, malformed, omitted: Math.max(0, manifests.length - MAX_ENTRIES) };
}

function join(one: ReferrerList, other: ReferrerList): ReferrerList {
  const referrers = [...one.referrers, ...other.referrers];
  return {
    referrers: referrers.slice(0, MAX_ENTRIES),
    malformed: [...one.malformed, ...other.malformed].slice(0, MAX_ENTRIES),
    omitted: one.omitted + other.omitted + Math.max(0, referrers.length - MAX_ENTRIES),
  };
}

/** @returns null if there is one without a proper address. @see RFC 8288; distribution-spec: `Link: <…>; rel="next"` */
function nextPage(answer: Answer): URL | null | undefined {
  const header = answer.header("link") ?? "";
  for (const [, address, parameters] of header.matchAll(/<([^<>]*)>((?:\s*;[^,<]*)*)/g)) {
    if (!/;\s*rel\s*=\s*"?next"?\s*(?:;|$)/i.test(parameters ?? "")) continue;
    return URL.parse(address ?? "", answer.url.href);
  }
  return undefined;
}
