import { z } from "zod";
import { readValue } from "../image/json.ts";
import { pinnedDependency } from "./pinned-dependency.ts";
import type { Dependency } from "./provenance.ts";

const schema = z.object({
  buildDefinition: z
    .object({
      externalParameters: z.object({ runImage: z.object({ image: z.string().nullish() }).nullish() }).nullish(),
    })
    .nullish(),
});

/** The run image, on which the buildpacks' layers are put: the build's own specification names it, where it was asked for one. */
export function runImageOf(predicate: unknown): readonly Dependency[] {
  const image = readValue(schema, predicate).buildDefinition?.externalParameters?.runImage?.image;
  return image ? [pinnedDependency(image, "runImage")] : [];
}
