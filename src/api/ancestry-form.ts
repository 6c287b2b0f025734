import { z } from "zod";
import type { VerdictDocument } from "../report/json.ts";
import { headSchema } from "./answer-form.ts";

const role = z.string().nullable();

/** The ancestry of an image as a graph. */
export const ancestrySchema = z
  .strictObject({
    image: headSchema,
    platforms: z.array(
      z.strictObject({ platform: z.string().nullable(), node: z.string(), verdict: z.string(), counts: z.boolean() }),
    ),
    nodes: z
      .array(
        z.strictObject({
          id: z.string(),
          reference: z.string(),
          digest: z.string().nullable(),
          index: z.string().nullable(),
          platform: z.string().nullable(),
          finding: z.string().meta({ description: "what was learnt of it alone: see docs/verdict.md" }),
          code: z.string().nullable(),
          reason: z.string().nullable(),
          level: z.int().min(0).max(3),
          isOnFaultPath: z.boolean().meta({ description: "whether it is on the way from the image to a fault" }),
        }),
      )
      .meta({ description: "nearest generation first" }),
    edges: z.array(
      z.strictObject({
        from: z.string().meta({ description: "what was built" }),
        to: z.string().meta({ description: "what it was built from" }),
        role: z.string(),
        isOnFaultPath: z.boolean(),
      }),
    ),
    faults: z.array(
      z.strictObject({
        code: z.string(),
        reason: z.string(),
        mend: z.string(),
        node: z.string(),
        path: z.array(z.strictObject({ node: z.string(), role })),
      }),
    ),
    unreachable: z.array(
      z.strictObject({
        code: z.string(),
        reason: z.string(),
        mend: z.string(),
        node: z.string(),
        path: z.array(z.strictObject({ node: z.string(), role })),
      }),
    ),
  })
  .meta({ description: "What an image was built from, and that in turn." });

/** In the form of {@link ancestrySchema}. */
export type AncestryDocument = z.output<typeof ancestrySchema>;

/** The graph of a verdict. */
export function ancestryDocument(image: AncestryDocument["image"], verdict: VerdictDocument): AncestryDocument {
  const paths = [...verdict.faults, ...verdict.unreachable].map(({ path }) => path.map(({ node }) => node));
  const nodesOnPath = new Set(paths.flat());
  const edgesOnPath = new Set(paths.flatMap((path) => path.slice(1).map((to, i) => JSON.stringify([path[i], to]))));
  return {
    image,
    platforms: verdict.platforms,
    nodes: verdict.nodes.map(({ id, reference, digest, index, platform, finding, level }) => ({
      id,
      reference,
      digest,
      index,
      platform,
      finding: finding.kind,
      code: finding.code,
      reason: finding.reason,
      level,
      isOnFaultPath: nodesOnPath.has(id),
    })),
    edges: verdict.nodes.flatMap(({ id, parents }) =>
      parents.map(({ node: to, role: as }) => ({
        from: id,
        to,
        role: as,
        isOnFaultPath: edgesOnPath.has(JSON.stringify([id, to])),
      })),
    ),
    faults: verdict.faults,
    unreachable: verdict.unreachable,
  };
}
