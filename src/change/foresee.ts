import type { Repository } from "../build/build.ts";
import type { OpenWalk } from "../build/ports.ts";
import { DockerfileError } from "../image/dockerfile/reading.ts";
import { parsePlatform } from "../image/platform.ts";
import { parseReference } from "../image/reference.ts";
import { type Forecast, type ForecastPorts, forecast } from "../trust/forecast.ts";
import type { PlatformReading } from "../trust/forecast-parents.ts";
import { type ForecastStanding, standingOf } from "../trust/forecast-standing.ts";
import type { ExpectedBuild, Policy } from "../trust/policy.ts";
import { steady } from "../trust/steady-world.ts";
import { readWithBases, type UnknownTriggers, withUnknownTriggers } from "./inherited-triggers.ts";

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
      const ports = steady(walk);
      const read = await readFor(ports, text, how);
      if (read.kind === "refused") return policies.map(() => read);
      const foresights: Foresight[] = [];
      // One after the other: the second finds everything read and verified.
      for (const policy of policies) {
        const told = await forecast(ports, policy, read.readings, now(), { newer: true });
        const made = withUnknownTriggers(told, read.unknown);
        foresights.push({ kind: "forecast", forecast: made, standing: standingOf(made), document: documentOf(made) });
      }
      return foresights;
    } finally {
      await walk.close();
    }
  };
}

/** What builds run on where nobody says: GitHub's usual runner. It is what `FROM --platform=$BUILDPLATFORM` takes, whatever is built for. */
export const BUILDER = parsePlatform("linux/amd64");

interface Readings {
  readonly kind: "read";
  readonly readings: readonly PlatformReading[];
  readonly unknown: readonly UnknownTriggers[];
}

async function readFor(
  ports: ForecastPorts,
  text: Uint8Array,
  { target, buildArgs, contexts, platforms }: Foreseen["how"],
): Promise<Readings | (Foresight & { readonly kind: "refused" })> {
  const readings: PlatformReading[] = [];
  const unknown: UnknownTriggers[] = [];
  try {
    for (const each of platforms) {
      const platform = parsePlatform(each);
      const request = {
        ...(target !== undefined && { target }),
        platform,
        buildPlatform: BUILDER,
        buildArgs,
        contexts,
      };
      const read = await readWithBases(ports, text, request);
      readings.push({ platform, reading: read.reading });
      unknown.push(...read.unknown);
    }
  } catch (error) {
    if (error instanceof DockerfileError) {
      const { line, column, message } = error;
      return { kind: "refused", line, column, reason: message };
    }
    // Of policy's words, which a file can't mend.
    if (error instanceof RangeError) return { kind: "refused", line: 1, column: 1, reason: error.message };
    throw error;
  }
  return { kind: "read", readings, unknown };
}
