import type { DockerfileReading, ImageUse, UnresolvedUse } from "../image/dockerfile/reading.ts";
import { formatPlatform } from "../image/platform.ts";
import { imageName } from "../image/reference.ts";
import { faultKey } from "./enforcement.ts";
import type { ForecastFault } from "./forecast.ts";
import { distinctLines } from "./forecast-faults.ts";
import { MAX_PARENTS, type NamedParent, type PlatformReading } from "./forecast-parents.ts";

/** Longest text of the file that stands in a reason, in UTF-16 units. */
const MAX_WRITTEN = 200;

/** What the file doesn't say: images that can't be made out, and readings that show nothing to judge (RULES R18). */
export function unresolvedFaults(readings: readonly PlatformReading[]): readonly ForecastFault[] {
  const groups = new Map<string, UnresolvedUse[]>();
  for (const use of readings.flatMap(({ reading }) => reading.unresolved)) {
    if (!use.isReached) continue;
    const key = JSON.stringify([use.role, use.written, use.why]);
    groups.set(key, [...(groups.get(key) ?? []), use]);
  }
  const isBlind = readings.some(({ reading }) => !restsOnSomething(reading));
  const unresolved = [...groups.values()].flatMap((uses) => {
    const [use] = uses;
    return use === undefined ? [] : [unresolvedFault(use, uses, isBlind)];
  });
  return [...unresolved, ...groundless(readings)];
}

/** Docker's own, whose language is known. */
const DOCKERS = /^docker\.io\/docker\/dockerfile(?:-upstream)?$/;

/**
 * Frontends that the file chooses, that aren't Docker's, and that policy lets in without a look: by its name anyone's may pass for one
 * that reads Dockerfiles, and take other images than the file says. The provenance of a build would tell; a file doesn't.
 */
export function strangerFaults(parents: readonly NamedParent[]): readonly ForecastFault[] {
  return parents.flatMap(({ reference, role, rule, uses }, parent): readonly ForecastFault[] => {
    const name = imageName(reference);
    // Without a place it is policy's choice, of a build argument or a context.
    const lines = distinctLines(uses.filter(({ by, place }) => by === "syntax" && place !== undefined));
    if (role !== "frontend" || rule === "attested" || lines.length === 0 || DOCKERS.test(name)) return [];
    return [
      {
        code: "unresolved",
        key: faultKey("unresolved", undefined, [{ role, name }]),
        isGrave: false,
        reason: `the frontend ${name} isn't Docker's, and policy doesn't look into it: it may take other images than the file says`,
        mend: "take docker/dockerfile, or have frontends judged (attested in trust.roles.frontends of the policy)",
        lines,
        parent,
        path: [],
      },
    ];
  });
}

/** More images than are looked at: each could be the worst of them. */
export function beyondFaults(beyond: readonly ImageUse[]): readonly ForecastFault[] {
  if (beyond.length === 0) return [];
  return [
    {
      code: "limit",
      key: faultKey("limit", undefined, []),
      isGrave: true,
      reason: `the file names more than ${MAX_PARENTS} images`,
      mend: "build it from fewer images",
      lines: distinctLines(beyond),
      path: [],
    },
  ];
}

/** @param isBlind - Whether nothing at all is known of what it would be built on, so that no mode may pass it. */
function unresolvedFault(
  { role, written, why }: UnresolvedUse,
  uses: readonly UnresolvedUse[],
  isBlind: boolean,
): ForecastFault {
  const shown = written.slice(0, MAX_WRITTEN).toWellFormed();
  return {
    code: "unresolved",
    key: faultKey("unresolved", undefined, [{ role, name: written }]),
    isGrave: isBlind,
    reason: `which image ${JSON.stringify(shown)} is can't be told: ${why}`,
    mend: "name the image in the file, or give the variable a value there (ARG NAME=…), or in build-args of the policy's build",
    lines: distinctLines(uses),
    path: [],
  };
}

/** Readings that name no base and don't begin with nothing: no such file can be built, so that the reading missed something. */
function groundless(readings: readonly PlatformReading[]): readonly ForecastFault[] {
  const where = readings
    .filter(({ reading }) => !restsOnSomething(reading) && !isBaseUnresolved(reading))
    .map(({ platform }) => formatPlatform(platform));
  if (where.length === 0 && readings.length > 0) return [];
  return [
    {
      code: "base-unknown",
      key: faultKey("base-unknown", undefined, []),
      isGrave: true,
      reason: `nothing shows what it would be built on${where.length === 0 ? "" : ` for ${where.join(", ")}`}`,
      mend: "begin the stage that is built with FROM an image, or FROM scratch",
      lines: [],
      path: [],
    },
  ];
}

/** Whether there is a base, or proof that there is none. */
function restsOnSomething({ images, stages, others }: DockerfileReading): boolean {
  return (
    images.some(({ role, isReached }) => role === "base" && isReached) ||
    stages.some(({ isScratch, isReached }) => isScratch && isReached) ||
    others.some(({ kind, isReached }) => kind === "oci-layout" && isReached)
  );
}

function isBaseUnresolved({ unresolved }: DockerfileReading): boolean {
  return unresolved.some(({ role, isReached }) => role === "base" && isReached);
}
