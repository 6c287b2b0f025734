import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { z } from "zod";
import { readMarkdown } from "../../scripts/markdown.ts";

const VSA = z.literal("https://slsa.dev/verification_summary/v1");
const pem = z.string().regex(/^-----BEGIN PUBLIC KEY-----\n…[^\n]*\n-----END PUBLIC KEY-----\n?$/);

/**
 * What the recipe uses of Kyverno's `ClusterPolicy`, spelt as its documentation and source have it (1.13 and later): a cluster drops what it
 * doesn't know, and a rule with a slip in it would be one that demands less.
 */
export const clusterPolicy = z.strictObject({
  apiVersion: z.literal("kyverno.io/v1"),
  kind: z.literal("ClusterPolicy"),
  metadata: z.strictObject({ name: z.string() }),
  spec: z.strictObject({
    background: z.boolean(),
    webhookConfiguration: z.strictObject({ failurePolicy: z.literal("Fail"), timeoutSeconds: z.int().max(30) }),
    rules: z.tuple([
      z.strictObject({
        name: z.string(),
        match: z.strictObject({
          any: z.array(z.strictObject({ resources: z.strictObject({ kinds: z.array(z.string()) }) })),
        }),
        verifyImages: z.tuple([
          z.strictObject({
            type: z.literal("Cosign"),
            imageReferences: z.array(z.string()),
            failureAction: z.literal("Enforce"),
            required: z.literal(true),
            mutateDigest: z.literal(false),
            verifyDigest: z.literal(true),
            attestations: z.tuple([
              z.strictObject({
                type: VSA,
                attestors: z.tuple([
                  z.strictObject({
                    entries: z.tuple([
                      z.strictObject({
                        keys: z.strictObject({
                          publicKeys: pem,
                          rekor: z.strictObject({ ignoreTlog: z.literal(true) }),
                          ctlog: z.strictObject({ ignoreSCT: z.literal(true) }),
                        }),
                      }),
                    ]),
                  }),
                ]),
                conditions: z.tuple([
                  z.strictObject({
                    all: z.array(
                      z.strictObject({ key: z.string(), operator: z.enum(["Equals", "LessThan"]), value: z.string() }),
                    ),
                  }),
                ]),
              }),
            ]),
          }),
        ]),
      }),
    ]),
  }),
});

/** The same of policy-controller's `ClusterImagePolicy` (`config/300-clusterimagepolicy.yaml`). */
export const clusterImagePolicy = z.strictObject({
  apiVersion: z.literal("policy.sigstore.dev/v1beta1"),
  kind: z.literal("ClusterImagePolicy"),
  metadata: z.strictObject({ name: z.string() }),
  spec: z.strictObject({
    mode: z.literal("enforce"),
    images: z.array(z.strictObject({ glob: z.string() })),
    authorities: z.tuple([
      z.strictObject({
        name: z.string(),
        key: z.strictObject({ data: pem }),
        attestations: z.tuple([
          z.strictObject({
            name: z.string(),
            predicateType: VSA,
            policy: z.strictObject({ type: z.literal("cue"), data: z.string() }),
          }),
        ]),
      }),
    ]),
  }),
});

/** The one manifest of a recipe. @throws {z.ZodError} for a field that the schema doesn't know, too. */
export function manifestOf<T>(recipe: string, schema: z.ZodType<T>): T {
  const { blocks } = readMarkdown(readFileSync(`docs/recipes/${recipe}.md`, "utf8"));
  const [only, ...more] = blocks.filter(({ info }) => info === "yaml");
  if (only === undefined || more.length > 0) throw new Error(`${recipe}: one manifest is looked for`);
  return schema.parse(parse(only.text));
}
