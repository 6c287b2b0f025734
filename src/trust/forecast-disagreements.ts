import type { Digest } from "../image/digest.ts";
import type { ImageUse } from "../image/dockerfile/reading.ts";
import type { Finding } from "./finding.ts";
import type { ForecastFault } from "./forecast.ts";
import { foundFault } from "./forecast-faults.ts";
import type { PlatformReading } from "./forecast-parents.ts";
import { nameAndTag, type Places } from "./forecast-tags.ts";
import type { Policy } from "./policy.ts";

/**
 * Tags that would stand for two images in one build: its provenance would contradict itself (RULES R16). Each platform's image has a
 * provenance of its own.
 */
export function disagreements(
  policy: Policy,
  readings: readonly PlatformReading[],
  placeOf: Places,
): readonly ForecastFault[] {
  const found = new Map<string, { readonly digests: Set<Digest>; readonly uses: ImageUse[] }>();
  for (const { reading } of readings) {
    for (const [name, uses] of Map.groupBy(reading.images.filter(isTagged), ({ reference }) => nameAndTag(reference))) {
      const digests = new Set(uses.flatMap(({ reference }) => digestAt(placeOf, reference)));
      if (digests.size < 2) continue;
      const all = found.get(name) ?? { digests: new Set(), uses: [] };
      found.set(name, { digests: all.digests.union(digests), uses: [...all.uses, ...uses] });
    }
  }
  return [...found].map(([name, { digests, uses }]) => {
    const reason = `${name} would stand in the provenance with ${[...digests].sort().join(" and ")}`;
    const finding: Finding & { readonly reason: string } = { kind: "mismatch", code: "dependencies-disagree", reason };
    const [nameAlone = name] = name.split(/:[^:/]*$/);
    return foundFault(policy, { finding, steps: [{ role: "", name: nameAlone }], lines: uses, called: name });
  });
}

function isTagged({ reference, isReached }: ImageUse): boolean {
  return isReached && reference.tag !== undefined;
}

function digestAt(placeOf: Places, reference: ImageUse["reference"]): readonly Digest[] {
  const place = placeOf(reference);
  return place !== undefined && !("kind" in place) ? [place.digest] : [];
}
