import type { Repository } from "../build/build.ts";
import type { OpenWalk } from "../build/ports.ts";
import { readDockerfile } from "../image/dockerfile/read.ts";
import { DockerfileError, type DockerfileReading, type ImageUse } from "../image/dockerfile/reading.ts";
import { ImageFormatError } from "../image/manifest.ts";
import { type Platform, parsePlatform } from "../image/platform.ts";
import { formatReference, parseReference } from "../image/reference.ts";
import { type Forecast, type ForecastPorts, forecast } from "../trust/forecast.ts";
import { type ForecastStanding, standingOf } from "../trust/forecast-standing.ts";
import type { ExpectedBuild, Policy } from "../trust/policy.ts";
import { BeyondLimit, CouldNotLook } from "../trust/ports.ts";
import { triggersOf } from "./triggers.ts";

/** A Dockerfile, and how it would be built. */
export interface Foreseen {
  readonly repository: Repository;
  readonly text: Uint8Array;
  readonly how: Pick<ExpectedBuild, "image" | "target" | "buildArgs" | "contexts"> & {
    readonly platforms: readonly string[];
  };
}

/** What would come of a Dockerfile by one policy; or why BuildKit would refuse it. */
export type Foresight =
  | {
      readonly kind: "forecast";
      readonly forecast: Forecast;
      readonly standing: ForecastStanding;
      /** What is shown of it. */
      readonly document: object;
    }
  | { readonly kind: "refused"; readonly line: number; readonly column: number; readonly reason: string };

/** Says for one policy after the other what would come of a Dockerfile; in their order. @throws Nothing for what it couldn't look at. */
export type Foresee = (file: Foreseen, policies: readonly Policy[]) => Promise<readonly Foresight[]>;

/** How often a file is read anew with what its bases add: an instruction in a config names no base, so that once is enough. */
const MAX_READINGS = 3;

/** Forecasts on walks, one for each file: its connections and its time are its own. */
export function createForesee({
  openWalk,
  documentOf,
  now,
}: {
  readonly openWalk: OpenWalk;
  readonly documentOf: (forecast: Forecast) => object;
  readonly now: () => Date;
}): Foresee {
  return async ({ repository, text, how }, policies) => {
    const walk = openWalk(repository, parseReference(how.image));
    try {
      const ports = { ...walk, resolve: once((reference) => walk.resolve(reference)) };
      const unknown: Unknown[] = [];
      const readings = [];
      for (const each of how.platforms) {
        const platform = parsePlatform(each);
        readings.push({ platform, reading: await readWithBases(ports, { text, how, platform }, unknown) });
      }
      const foresights: Foresight[] = [];
      // One after the other: the second finds everything read and verified.
      for (const policy of policies) {
        const made = afterUnknown(await forecast(ports, policy, readings, now(), { newer: true }), unknown);
        foresights.push({ kind: "forecast", forecast: made, standing: standingOf(made), document: documentOf(made) });
      }
      return foresights;
    } catch (error) {
      if (error instanceof DockerfileError) {
        const { line, column, message } = error;
        return policies.map(() => ({ kind: "refused", line, column, reason: message }));
      }
      // Of policy's words, which a file can't mend.
      if (error instanceof RangeError)
        return policies.map(() => ({ kind: "refused", line: 1, column: 1, reason: error.message }));
      throw error;
    } finally {
      await walk.close();
    }
  };
}

/** A base whose config nobody could read: whether it adds anything isn't known. */
interface Unknown {
  readonly use: ImageUse;
  readonly code: string;
  readonly reason: string;
}

async function readWithBases(
  ports: ForecastPorts,
  { text, how, platform }: { readonly text: Uint8Array; readonly how: Foreseen["how"]; readonly platform: Platform },
  unknown: Unknown[],
): Promise<DockerfileReading> {
  const { target, buildArgs, contexts } = how;
  const request = { ...(target !== undefined && { target }), platform, buildArgs, contexts };
  const triggers = new Map<string, readonly string[]>();
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
  return reading;
}

/** What a base adds may be anything where nobody could look: then nothing is foreseen as trusted. */
function afterUnknown(made: Forecast, unknown: readonly Unknown[]): Forecast {
  if (unknown.length === 0) return made;
  const unreachable = unknown.map(({ use, code, reason }) => ({
    code,
    key: JSON.stringify([code, "triggers", formatReference(use.reference)]),
    isGrave: false,
    reason: `what ${formatReference(use.reference)} adds to builds on it (ONBUILD) isn't known: ${reason}`,
    mend: "judge it again once its registry answers",
    lines: [{ line: use.line, endLine: use.endLine }],
    path: [],
  }));
  return {
    ...made,
    outcome: made.outcome === "trusted" ? "undetermined" : made.outcome,
    unreachable: [...made.unreachable, ...unreachable] as Forecast["unreachable"],
  };
}

/** A tag leads to one image, however often one forecast asks. */
function once(resolve: ForecastPorts["resolve"]): ForecastPorts["resolve"] {
  const known = new Map<string, ReturnType<ForecastPorts["resolve"]>>();
  return (reference) => {
    const key = formatReference(reference);
    const answer = known.get(key) ?? resolve(reference);
    known.set(key, answer);
    return answer;
  };
}
