import { setTimeout as wait } from "node:timers/promises";
import { z } from "zod";
import type { Digest } from "../image/digest.ts";
import { readDocument } from "../image/json.ts";
import { OCI_IMAGE_INDEX } from "../image/media-type.ts";
import type { PinnedImage } from "../image/reference.ts";
import { unexpected } from "./access.ts";
import type { Content, FoundManifest } from "./content.ts";
import { RegistryError } from "./error.ts";
import { fallbackTag } from "./referrers.ts";
import type { Answer } from "./transport.ts";

/** How often a list is written until it stays as we want it. */
const MAX_WRITES = 5;

/** Pause between those, in milliseconds, times the number of the try, and randomly up to twice that: rivals must fall out of step. */
const PAUSE_MS = 50;

const listSchema = z.looseObject({
  schemaVersion: z.literal(2),
  mediaType: z.string().nullish(),
  manifests: z.array(z.looseObject({ digest: z.string() })),
});

type Entry = z.infer<typeof listSchema>["manifests"][number];

/** The lists of referrers where a registry has no API for them. @see distribution-spec, "Referrers Tag Schema" */
export interface FallbackLists {
  add(subject: PinnedImage, entry: Entry): Promise<void>;
  /** Where there is no list, or another's entries alone, nothing is written. */
  remove(subject: PinnedImage, digest: Digest): Promise<void>;
}

/**
 * Writes lists that have no lock: each is read back after each write, since another writer may have overwritten it meanwhile. Our own
 * writers wait for each other.
 *
 * @param put - Writes a manifest under a tag.
 */
export function createFallbackLists(
  content: Content,
  put: (
    subject: PinnedImage,
    tag: string,
    bytes: Uint8Array,
    headers: Readonly<Record<string, string>>,
  ) => Promise<Answer>,
): FallbackLists {
  const turns = new Map<string, Promise<void>>();

  const inTurn = async (subject: PinnedImage, write: () => Promise<void>): Promise<void> => {
    const key = `${subject.registry}/${subject.repository}@${subject.digest}`;
    const mine = (turns.get(key) ?? Promise.resolve()).catch(() => {}).then(write);
    turns.set(key, mine);
    await mine;
  };

  /** @param edit - What should stand there instead; undefined where it is as it should be. */
  const write = async (subject: PinnedImage, edit: (entries: readonly Entry[]) => readonly Entry[] | undefined) => {
    const tag = fallbackTag(subject.digest);
    for (let tries = 1; ; tries += 1) {
      const found = await content.readTag(subject, tag);
      const manifests = edit(found === undefined ? [] : readList(subject, tag, found));
      if (manifests === undefined) return;
      if (tries > MAX_WRITES) {
        throw new RegistryError(
          "server-error",
          `write tag ${tag} of ${subject.registry}/${subject.repository}: other writers undid it ${MAX_WRITES} times; try again`,
        );
      }
      const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: OCI_IMAGE_INDEX, manifests }));
      const condition = found?.etag === undefined ? undefined : { "if-match": found.etag };
      const answer = await put(subject, tag, bytes, condition ?? {});
      // 412: someone else wrote since we read; the next round reads what they wrote.
      if (answer.status !== 201 && answer.status !== 412)
        throw unexpected(subject, `write tag ${tag}`, answer, "201 or 412");
      if (tries > 1 || answer.status === 412) await wait(PAUSE_MS * tries * (1 + Math.random()));
    }
  };

  return {
    add: (subject, entry) =>
      inTurn(subject, () =>
        write(subject, (entries) =>
          entries.some(({ digest }) => digest === entry.digest) ? undefined : [...entries, entry],
        ),
      ),
    remove: (subject, digest) =>
      inTurn(subject, () =>
        write(subject, (entries) => {
          const others = entries.filter((entry) => entry.digest !== digest);
          return others.length === entries.length ? undefined : others;
        }),
      ),
  };
}

/** The entries as they stand, with fields that we don't know: they are other writers'. */
function readList(subject: PinnedImage, tag: string, found: FoundManifest): readonly Entry[] {
  try {
    return readDocument(listSchema, found.bytes).manifests;
  } catch (cause) {
    throw new RegistryError(
      "server-error",
      `read tag ${tag} of ${subject.registry}/${subject.repository}: it holds no list of referrers, and is not overwritten; delete it`,
      { cause },
    );
  }
}
