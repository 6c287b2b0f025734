import type {
  DockerfileReading,
  ImageUse,
  OtherUse,
  Stage,
  UnresolvedUse,
} from "../../src/image/dockerfile/reading.ts";
import { formatPlatform, parsePlatform } from "../../src/image/platform.ts";
import { formatReference, type PinnedImage, parseReference, withDefaultTag } from "../../src/image/reference.ts";
import type { Forecast, ForecastFault, ForecastOptions, ForecastPorts } from "../../src/trust/forecast.ts";
import { forecast } from "../../src/trust/forecast.ts";
import type { PlatformReading } from "../../src/trust/forecast-parents.ts";
import type { Policy } from "../../src/trust/policy.ts";
import { AS_OF, policyOf, type World } from "./world.ts";

const AMD64 = "linux/amd64";

/** A use of an image, by default as the base in line 1. */
export function use(name: string | PinnedImage, given: Partial<ImageUse> & { readonly for?: string } = {}): ImageUse {
  const { for: where = AMD64, ...more } = given;
  const written = typeof name === "string" ? name : formatReference(name);
  const reference = withDefaultTag(parseReference(written));
  const platform = parsePlatform(where);
  return {
    reference,
    key: `${formatReference(reference)} ${formatPlatform(platform)}`,
    written,
    platform,
    role: "base",
    by: "FROM",
    stage: "0",
    isReached: true,
    place: undefined,
    line: 1,
    endLine: given.line ?? 1,
    ...more,
  };
}

/** A stage that begins in a line. */
export function stage(index: number, line: number, given: Partial<Stage> = {}): Stage {
  return { index, name: undefined, isReached: true, isScratch: false, line, endLine: line, ...given };
}

/** Something that goes in beside images, in line 7. */
export function other(kind: OtherUse["kind"], text: string, given: Partial<OtherUse> = {}): OtherUse {
  return { kind, text, isPinned: false, stage: "0", isReached: true, line: 7, endLine: 7, ...given };
}

/** An image that can't be made out, the base in line 1. */
export function unresolved(written: string, given: Partial<UnresolvedUse> = {}): UnresolvedUse {
  const place = { role: "base", by: "FROM", stage: "0", isReached: true, line: 1, endLine: 1 } as const;
  return { written, why: "the variable has no value", ...place, ...given };
}

/** A Dockerfile of one stage, which begins in line 1, as it is read for one platform. */
export function read(
  images: readonly ImageUse[],
  given: Partial<DockerfileReading> & { readonly for?: string } = {},
): PlatformReading {
  const { for: where = AMD64, ...more } = given;
  const reading = { images, unresolved: [], others: [], stages: [stage(0, 1)], target: "0", bases: [], ...more };
  return { platform: parsePlatform(where), reading };
}

/** A world whose tags lead somewhere: to an image, or to an error that is thrown; a tag that isn't there isn't there. */
export function portsOf(
  world: World,
  tags: Readonly<Record<string, PinnedImage | Error>> = {},
  asked: string[] = [],
): ForecastPorts {
  return {
    ...world.ports(),
    resolve: async (reference) => {
      const name = formatReference(reference);
      asked.push(name);
      const found = tags[name];
      if (found instanceof Error) throw found;
      return found;
    },
  };
}

/** Forecasts readings. */
export function forecastOf(
  world: World,
  readings: readonly PlatformReading[],
  given: {
    readonly tags?: Readonly<Record<string, PinnedImage | Error>>;
    readonly policy?: Policy;
    readonly asOf?: Date;
    readonly asked?: string[];
    readonly options?: ForecastOptions;
  } = {},
): Promise<Forecast> {
  const { tags, policy = policyOf(), asOf = AS_OF, asked, options } = given;
  return forecast(portsOf(world, tags, asked), policy, readings, asOf, options);
}

/** Outcome and codes in one text, as `told` has those of a verdict. */
export function toldOf({ outcome, faults, unreachable }: Forecast): string {
  return [outcome, ...[...new Set([...faults, ...unreachable].map(({ code }) => code))].sort()].join(" ");
}

/** Where a fault is told: its code and the lines it stands in. */
export function placeOf({ code, lines }: ForecastFault): string {
  return `${code} ${lines.map(({ line }) => line).join(",")}`;
}
