import type { Digest } from "../image/digest.ts";
import { pinImages } from "../image/dockerfile/pin.ts";
import { readDockerfile } from "../image/dockerfile/read.ts";
import type { ImageUse } from "../image/dockerfile/reading.ts";
import { formatReference, type ImageReference, imageName } from "../image/reference.ts";
import type { DockerfileDocument } from "../report/dockerfile-json.ts";
import type { Forecast } from "../trust/forecast.ts";
import { locateTag, type TagResolver } from "../trust/forecast-tags.ts";
import type { BuildReading } from "./dockerfile-readings.ts";
import type { AskedBuild } from "./dockerfile-request.ts";
import { UsageError } from "./exit-code.ts";
import { replaceFile } from "./replace-file.ts";

/** The digest that a use of an image is to have, or why none. */
export type Choice = { readonly digest: Digest } | { readonly why: string; readonly isUnreachable?: boolean };

type Pins = NonNullable<DockerfileDocument["pins"]>;

/** What `--pin` did, and whether something could not be looked at, or isn't there. */
export interface Pinned {
  readonly pins: Pins;
  readonly isUnreachable: boolean;
  readonly isAbsent: boolean;
}

/** Chooses the digest that each tag leads to now. */
export function byTag(resolver: TagResolver): (use: ImageUse) => Promise<Choice> {
  return async ({ reference }) => {
    const found = await locateTag(resolver, reference);
    if (!("kind" in found)) return { digest: found.digest };
    const why = "reason" in found ? found.reason : found.kind;
    return { why, isUnreachable: found.kind === "unreachable" };
  };
}

/** Chooses the digest that was judged, where it is trusted in every role and for every platform. */
export function byForecast({ parents, faults, unreachable }: Forecast): (use: ImageUse) => Promise<Choice> {
  const spoilt = new Set([...faults, ...unreachable].flatMap(({ parent }) => parent ?? []));
  return async ({ reference }) => {
    const name = formatReference(reference);
    const same = parents.flatMap((parent, i) => (formatReference(parent.reference) === name ? [{ parent, i }] : []));
    const digests = new Set(same.map(({ parent }) => parent.image?.digest));
    const [digest] = digests;
    const isTrusted = same.every(({ parent, i }) => parent.verdict?.outcome === "trusted" && !spoilt.has(i));
    if (digest === undefined || digests.size !== 1 || !isTrusted) return { why: "it isn't trusted" };
    return { digest };
  };
}

/**
 * Writes the digests of the images that a file names by tag alone into it. The file is replaced whole or not at all; nothing else in it
 * changes.
 *
 * @throws {UsageError} where it can't be written: it is as it was.
 */
export async function pinFile(
  { path, text, request, platforms }: AskedBuild,
  readings: readonly BuildReading[],
  everyStage: boolean,
  choose: (use: ImageUse) => Promise<Choice>,
): Promise<Pinned> {
  if (path === undefined) throw new UsageError("--pin writes into a file: name it");
  const before = decoded(path, text);
  const isOurs = ({ by }: ImageUse) => by === "FROM" || by === "COPY" || by === "RUN" || by === "syntax";
  const uses = readings
    .flatMap(({ reading }) => reading.images)
    .filter((use) => isOurs(use) && use.reference.digest === undefined);
  const wanted = uses.filter(({ isReached }) => isReached || everyStage);
  const choices = new Map<string, Choice>();
  for (const use of wanted) {
    const name = formatReference(use.reference);
    choices.set(name, choices.get(name) ?? (await choose(use)));
  }
  const choiceOf = (use: ImageUse): Choice => {
    const choice = choices.get(formatReference(use.reference)) ?? { why: "nobody needs it" };
    if ("why" in choice || use.place !== undefined) return choice;
    return { why: "it isn't written out in one piece" };
  };
  const pins = new Map<string, { readonly use: ImageUse; readonly digest: Digest }>();
  const left = new Map<string, Pins["left"][number]>();
  for (const use of wanted) {
    const choice = choiceOf(use);
    if ("why" in choice)
      left.set(`${use.line} ${use.written}`, { line: use.line, written: use.written, why: choice.why });
    else if (use.place !== undefined) pins.set(`${use.place.start}-${use.place.end}`, { use, digest: choice.digest });
  }
  const placed = [...pins.values()].flatMap(({ use: { place }, digest }) =>
    place === undefined ? [] : [{ place, digest }],
  );
  const after = pinImages(before, placed);
  checkPinned(before, after, { request, platforms }, new Map(placed.map(({ place, digest }) => [place.start, digest])));
  if (after !== before) {
    try {
      await replaceFile(path, text, new TextEncoder().encode(after));
    } catch (error) {
      throw new UsageError(`write Dockerfile ${path}: ${(error as Error).message}; it is as it was`, { cause: error });
    }
  }
  const failed = [...choices.values()].flatMap((choice) => ("why" in choice ? [choice] : []));
  return {
    pins: {
      written: [...pins.values()].map(({ use: { line, written }, digest }) => ({
        line,
        from: written,
        to: `${written}@${digest}`,
      })),
      left: [...left.values()],
    },
    isUnreachable: failed.some(({ isUnreachable }) => isUnreachable === true),
    isAbsent: failed.some(({ isUnreachable }) => isUnreachable === false),
  };
}

/** Pinning must change digests and nothing else: what would come out is read again before anything is written. */
function checkPinned(
  before: string,
  after: string,
  { request, platforms }: Pick<AskedBuild, "request" | "platforms">,
  digests: ReadonlyMap<number, Digest>,
): void {
  for (const platform of platforms) {
    const [was, is] = [before, after].map((text) => readDockerfile(text, { ...request, platform }).images);
    const wanted = was?.map(({ reference, place }) => {
      return bareName(reference, (place && digests.get(place.start)) ?? reference.digest);
    });
    const found = is?.map(({ reference }) => bareName(reference, reference.digest));
    if (JSON.stringify(wanted) !== JSON.stringify(found)) throw new Error("pinning would change which images are used");
  }
}

/** A name by digest without its tag: `latest`, which isn't written, is none beside a digest. */
function bareName(reference: ImageReference, digest: Digest | undefined): string {
  return digest === undefined ? formatReference(reference) : `${imageName(reference)}@${digest}`;
}

/** What isn't UTF-8 would be another file when it is written back. */
function decoded(path: string, text: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(text);
  } catch (error) {
    throw new UsageError(`${path} isn't UTF-8 throughout, and is left as it is`, { cause: error });
  }
}
