import { readDockerfile } from "../image/dockerfile/read.ts";
import type { DockerfileReading, DockerfileRequest, ImageUse } from "../image/dockerfile/reading.ts";
import { ImageFormatError } from "../image/manifest.ts";
import { formatReference } from "../image/reference.ts";
import type { Forecast } from "../trust/forecast.ts";
import { BeyondLimit, CouldNotLook } from "../trust/ports.ts";
import { type TriggerPorts, triggersOf } from "./triggers.ts";

/**
 * How often a file is read anew with what its bases add. What they add names no base, but it can copy from a stage that nothing needed
 * before, whose base can add something again: honest files end after one or two.
 */
const MAX_READINGS = 8;

/** A base that nobody could ask what it adds: it may be anything. */
export interface UnknownTriggers {
  readonly use: ImageUse;
  readonly code: string;
  readonly reason: string;
}

/**
 * Reads a Dockerfile with the `ONBUILD` instructions that its bases have for it.
 *
 * @returns also the bases of which they aren't known. Who judges the reading goes on with {@link withUnknownTriggers}.
 * @throws {DockerfileError} @throws {RangeError} as {@link readDockerfile}, of instructions of bases too.
 */
export async function readWithBases(
  ports: TriggerPorts,
  text: Uint8Array,
  request: Omit<DockerfileRequest, "triggers">,
): Promise<{ readonly reading: DockerfileReading; readonly unknown: readonly UnknownTriggers[] }> {
  const triggers = new Map<string, readonly string[]>();
  const unknown: UnknownTriggers[] = [];
  let reading = readDockerfile(text, request);
  for (let i = 0; i < MAX_READINGS && reading.bases.length > 0; i++) {
    for (const use of reading.bases) {
      if (triggers.has(use.key)) continue;
      try {
        triggers.set(use.key, await triggersOf(ports, use));
      } catch (error) {
        if (!(error instanceof CouldNotLook || error instanceof BeyondLimit || error instanceof ImageFormatError))
          throw error;
        unknown.push({ use, code: error.code, reason: error.message });
        triggers.set(use.key, []);
      }
    }
    reading = readDockerfile(text, { ...request, triggers });
  }
  const left = reading.bases.map((use) => {
    const reason = `the file is read at most ${MAX_READINGS} times with what bases add to it`;
    return { use, code: "limit", reason };
  });
  return { reading, unknown: [...unknown, ...left] };
}

/** What a base adds may be anything where nobody could look: then nothing is foreseen as trusted. */
export function withUnknownTriggers(made: Forecast, unknown: readonly UnknownTriggers[]): Forecast {
  if (unknown.length === 0) return made;
  const unreachable = unknown.map(({ use: { reference, line, endLine }, code, reason }) => ({
    code,
    key: JSON.stringify([code, "triggers", formatReference(reference)]),
    isGrave: false,
    reason: `what ${formatReference(reference)} adds to builds on it (ONBUILD) isn't known: ${reason}`,
    mend: "judge it again once its registry answers",
    lines: [{ line, endLine }],
    path: [],
  }));
  return {
    ...made,
    outcome: made.outcome === "trusted" ? "undetermined" : made.outcome,
    unreachable: [...made.unreachable, ...unreachable] as Forecast["unreachable"],
  };
}
