import { z } from "zod";
import type { DockerfileReading, ImageUse, OtherUse, Stage, UnresolvedUse } from "../image/dockerfile/reading.ts";
import { formatPlatform } from "../image/platform.ts";
import { formatReference } from "../image/reference.ts";
import type { PlatformReading } from "../trust/forecast-parents.ts";
import { forecastSchema } from "./forecast-json.ts";
import { groupBy } from "./grouping.ts";

const stageName = z.string().nullable().meta({ description: "name or number; null of a frontend" });
const lines = {
  line: z.int().meta({ description: "from 1" }),
  endLine: z.int().meta({ description: "of the last line of the instruction" }),
};
const reached = z.boolean().meta({ description: "whether what is built needs it" });
const role = z.enum(["base", "input", "frontend"]);
const by = z.enum(["FROM", "COPY", "RUN", "syntax", "context", "ONBUILD"]);
const written = z.string().meta({ description: "as it stands in the file, variables and all" });

const image = z.strictObject({
  reference: z
    .string()
    .meta({ description: "normalised as Docker does, with latest where there is neither tag nor digest" }),
  platform: z.string(),
  role,
  stage: stageName,
  ...lines,
  by,
  written,
  pinned: z.boolean().meta({ description: "whether it is named by digest" }),
  reached,
});

const pins = z
  .strictObject({
    written: z
      .array(z.strictObject({ line: z.int(), from: z.string(), to: z.string() }))
      .meta({ description: "references that have their digest in the file now" }),
    left: z.array(z.strictObject({ line: z.int(), written: z.string(), why: z.string() })),
  })
  .meta({ description: "what --pin did" });

/** The form of what is read in a Dockerfile. */
export const dockerfileSchema = z
  .strictObject({
    version: z.literal(1),
    file: z.string().meta({ description: "as the asker named it" }),
    target: z.string().meta({ description: "the stage that is built" }),
    platforms: z.array(z.string()),
    images: z.array(image).meta({ description: "in the order of the file" }),
    unresolved: z
      .array(z.strictObject({ written, role, stage: stageName, ...lines, by, why: z.string(), reached }))
      .meta({ description: "images that can't be made out" }),
    others: z
      .array(
        z.strictObject({
          kind: z.enum(["http", "git", "local-context", "oci-layout", "network", "cache", "privileged"]),
          text: z.string(),
          pinned: z.boolean().meta({ description: "whether a checksum, or a whole commit, says which bytes it is" }),
          stage: stageName,
          ...lines,
          reached,
        }),
      )
      .meta({ description: "what goes in beside images" }),
    bakeTarget: z.string().optional().meta({ description: "what the bake file calls this build" }),
    forecast: forecastSchema.optional().meta({ description: "what the image would be by the asker's policy" }),
    pins: pins.optional(),
    stages: z.array(
      z.strictObject({
        index: z.int(),
        name: z.string().nullable(),
        ...lines,
        from: z.int().nullable().meta({ description: "index of the stage that it stands on" }),
        scratch: z.boolean(),
        reached,
      }),
    ),
  })
  .meta({ title: "Dockerfile", description: "What a build of a Dockerfile would use." });

/** What is read in a Dockerfile, for programs. */
export type DockerfileDocument = z.output<typeof dockerfileSchema>;

/** The form of what is read in the Dockerfiles of bake files: one document for each target. */
export const bakeSchema = z
  .strictObject({ version: z.literal(1), targets: z.array(dockerfileSchema) })
  .meta({ title: "Dockerfiles of bake files", description: "What builds of the targets of bake files would use." });

/**
 * Says what is read in a file for each platform: what is the same for several of them once.
 *
 * @param everyStage - Of every stage, and not only of those that the target needs.
 */
export function dockerfileDocument(
  file: string,
  readings: readonly PlatformReading[],
  everyStage: boolean,
): DockerfileDocument {
  const listed = <T extends { readonly isReached: boolean; readonly line: number }, D extends { reached: boolean }>(
    pick: (reading: DockerfileReading) => readonly T[],
    write: (use: T) => D,
  ): D[] => {
    const all = readings.flatMap(({ reading }) => pick(reading).map(write));
    // A stage may be needed for one platform and not for another.
    const same = groupBy(all, (each) => JSON.stringify({ ...each, reached: undefined }));
    return [...same.values()].flatMap(([first, ...more]) => {
      if (first === undefined) return [];
      const isReached = first.reached || more.some((each) => each.reached);
      return isReached || everyStage ? [{ ...first, reached: isReached }] : [];
    });
  };
  const byLine = <T extends { line: number }>(uses: T[]) => uses.toSorted((a, b) => a.line - b.line);
  return {
    version: 1,
    file,
    target: readings[0]?.reading.target ?? "",
    platforms: readings.map(({ platform }) => formatPlatform(platform)),
    images: byLine(listed(({ images }) => images, imageDocument)),
    unresolved: byLine(listed(({ unresolved }) => unresolved, unresolvedDocument)),
    others: byLine(listed(({ others }) => others, otherDocument)),
    stages: [
      ...groupBy(
        readings.flatMap(({ reading }) => reading.stages),
        ({ index }) => `${index}`,
      ).values(),
    ].flatMap(stageDocument),
  };
}

function imageDocument(use: ImageUse) {
  const { reference, platform, role, line, endLine, by, written, isReached } = use;
  return {
    ...{ reference: formatReference(reference), platform: formatPlatform(platform), role, stage: use.stage ?? null },
    ...{ line, endLine, by, written, pinned: reference.digest !== undefined, reached: isReached },
  };
}

function unresolvedDocument({ written, role, stage, line, endLine, by, why, isReached }: UnresolvedUse) {
  return { written, role, stage: stage ?? null, line, endLine, by, why, reached: isReached };
}

function otherDocument({ kind, text, isPinned, stage, line, endLine, isReached }: OtherUse) {
  return { kind, text, pinned: isPinned, stage: stage ?? null, line, endLine, reached: isReached };
}

/** @param same - One stage as it is for each platform. */
function stageDocument(same: readonly Stage[]): DockerfileDocument["stages"] {
  return same.slice(0, 1).map(({ index, name = null, line, endLine, from = null }) => ({
    ...{ index, name, line, endLine, from },
    scratch: same.every(({ isScratch }) => isScratch),
    reached: same.some(({ isReached }) => isReached),
  }));
}
