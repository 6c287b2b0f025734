import { formatReference, imageName } from "../image/reference.ts";
import type { ForecastPorts } from "./forecast.ts";

/**
 * One world for all that is asked of one file. A tag leads to one image, however often it is asked for; and what wasn't there when a
 * base was asked what it adds isn't there for the walk either: a registry could hide `ONBUILD` from one and show the base to the other.
 */
export function steady(walk: ForecastPorts): ForecastPorts {
  const tags = new Map<string, ReturnType<ForecastPorts["resolve"]>>();
  const absent = new Set<string>();
  const unlessAbsent = async <T>(key: string, read: () => Promise<T | undefined>): Promise<T | undefined> => {
    if (absent.has(key)) return undefined;
    const found = await read();
    if (found === undefined) absent.add(key);
    return found;
  };
  const { images } = walk;
  return {
    ...walk,
    images: {
      readManifest: (image) => unlessAbsent(`${imageName(image)}@${image.digest}`, () => images.readManifest(image)),
      readBlob: (image, digest, limit) =>
        unlessAbsent(`${imageName(image)} blob ${digest}`, () => images.readBlob(image, digest, limit)),
    },
    resolve: (reference) => {
      const key = formatReference(reference);
      const answer = tags.get(key) ?? walk.resolve(reference);
      tags.set(key, answer);
      return answer;
    },
  };
}
