import { z } from "zod";

const container = z.object({ name: z.string().nullish(), image: z.string().nullish() });

const expression = z.object({
  key: z.string(),
  operator: z.string(),
  values: z.array(z.string()).nullish(),
});

/**
 * What is read of a pod's spec: all that names an image, and all that says on which machines it may run. Other fields are the cluster's,
 * and are neither checked nor looked at.
 */
export const podSchema = z.object({
  containers: z.array(container).nullish(),
  initContainers: z.array(container).nullish(),
  ephemeralContainers: z.array(container).nullish(),
  volumes: z
    .array(z.object({ name: z.string().nullish(), image: z.object({ reference: z.string().nullish() }).nullish() }))
    .nullish(),
  os: z.object({ name: z.string().nullish() }).nullish(),
  nodeSelector: z.record(z.string(), z.string()).nullish(),
  affinity: z
    .object({
      nodeAffinity: z
        .object({
          requiredDuringSchedulingIgnoredDuringExecution: z
            .object({
              nodeSelectorTerms: z.array(z.object({ matchExpressions: z.array(expression).nullish() })).nullish(),
            })
            .nullish(),
        })
        .nullish(),
    })
    .nullish(),
});

/** A pod's spec, as far as it is read. */
export type Pod = z.output<typeof podSchema>;
