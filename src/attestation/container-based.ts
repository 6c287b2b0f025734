import { z } from "zod";
import { readValue } from "../image/json.ts";
import type { Dependency } from "./provenance.ts";

const schema = z.object({
  buildDefinition: z
    .object({
      externalParameters: z
        .object({
          builderImage: z
            .object({ uri: z.string().nullish(), digest: z.record(z.string(), z.string()).nullish() })
            .nullish(),
        })
        .nullish(),
    })
    .nullish(),
});

/** The image that a container-based build ran in: its list of dependencies has the source and the builder's own binary only. */
export function builderImageOf(predicate: unknown): readonly Dependency[] {
  const image = readValue(schema, predicate).buildDefinition?.externalParameters?.builderImage;
  return image ? [{ uri: image.uri ?? "", digest: image.digest ?? {}, name: "builderImage" }] : [];
}
