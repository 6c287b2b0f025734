import { readWithBases, type UnknownTriggers } from "../change/inherited-triggers.ts";
import type { TriggerPorts } from "../change/triggers.ts";
import { readDockerfile } from "../image/dockerfile/read.ts";
import { DockerfileError, type DockerfileReading } from "../image/dockerfile/reading.ts";
import {
  type BuiltContext,
  builtContextsOf,
  mayLeaveTriggers,
  putBuiltContexts,
} from "../image/dockerfile/target-context.ts";
import { formatPlatform, type Platform, samePlatform } from "../image/platform.ts";
import type { PlatformReading } from "../trust/forecast-parents.ts";
import type { AskedBuild } from "./dockerfile-request.ts";
import { UsageError } from "./exit-code.ts";

/** What is read for one platform, and the bases of which it isn't known what they add. */
export interface BuildReading extends PlatformReading {
  readonly unknown: readonly UnknownTriggers[];
}

/** BuildKit refuses one of the files. */
export class RefusedDockerfile extends Error {
  /** What it is called. */
  readonly file: string;
  readonly fault: DockerfileError;
  constructor(file: string, fault: DockerfileError) {
    super(fault.message, { cause: fault });
    this.name = "RefusedDockerfile";
    this.file = file;
    this.fault = fault;
  }
}

/**
 * Reads each build for each of its platforms; where one build stands in for an image of another, what goes into it goes into that one.
 *
 * @param ports - Asked what bases add to builds on them; undefined where nobody is to be asked.
 * @throws {RefusedDockerfile} @throws {UsageError} for a build context that none can be.
 */
export async function readBuilds(
  builds: readonly AskedBuild[],
  ports: TriggerPorts | undefined,
): Promise<readonly { readonly build: AskedBuild; readonly readings: readonly BuildReading[] }[]> {
  const byName = new Map(builds.map((build) => [build.bakeTarget, build]));
  const done = new Map<string, BuildReading>();
  const open = new Set<string>();

  const read = async (build: AskedBuild, platform: Platform): Promise<BuildReading> => {
    const key = JSON.stringify([build.bakeTarget, formatPlatform(platform)]);
    const before = done.get(key);
    if (before !== undefined) return before;
    open.add(key);
    const { reading: own, unknown } = await readAlone(build, platform, ports);
    const built = new Map<string, BuiltContext>();
    const below: UnknownTriggers[] = [];
    for (const name of new Set(builtContextsOf(build.request))) {
      const other = byName.get(name);
      const where = other && platformFor(other, platform);
      // A circle stays unresolved: buildx refuses it.
      if (other === undefined || where === undefined || open.has(JSON.stringify([name, formatPlatform(where)])))
        continue;
      const context = await read(other, where);
      built.set(name, { reading: context.reading, hasTriggers: mayLeaveTriggers(other.text) });
      below.push(...unknownAt(own, name, context.unknown));
    }
    const made = { platform, reading: putBuiltContexts(own, built), unknown: [...unknown, ...below] };
    open.delete(key);
    done.set(key, made);
    return made;
  };

  const all = [];
  for (const build of builds) {
    const readings = [];
    for (const platform of build.platforms) readings.push(await read(build, platform));
    all.push({ build, readings });
  }
  return all;
}

async function readAlone(build: AskedBuild, platform: Platform, ports: TriggerPorts | undefined) {
  const { text, file } = build;
  const request = { ...build.request, platform };
  try {
    if (ports === undefined) return { reading: readDockerfile(text, request), unknown: [] };
    return await readWithBases(ports, text, request);
  } catch (error) {
    if (error instanceof DockerfileError) throw new RefusedDockerfile(file, error);
    if (error instanceof RangeError) throw new UsageError(error.message, { cause: error });
    throw error;
  }
}

/** What another build is taken for: its image for the same platform, or the only one that it makes. */
function platformFor({ platforms }: AskedBuild, wanted: Platform): Platform | undefined {
  const [first, ...more] = platforms;
  return platforms.find((each) => samePlatform(each, wanted)) ?? (more.length === 0 ? first : undefined);
}

/** What isn't known of another build, at the lines that bring it in. */
function unknownAt(
  { unresolved }: DockerfileReading,
  name: string,
  unknown: readonly UnknownTriggers[],
): readonly UnknownTriggers[] {
  const uses = unresolved.filter(
    ({ by, written, isReached }) => isReached && by === "context" && written === `target:${name}`,
  );
  return uses.flatMap(({ line, endLine }) => unknown.map((each) => ({ ...each, use: { ...each.use, line, endLine } })));
}
