import { type Digest, digestOf } from "../image/digest.ts";
import type { VerdictDocument } from "./json.ts";

/**
 * The digest of what a verdict says, by which two of them are compared wherever they were made. Left out is what this machine calls
 * things: the place of an image on disk, the path of the policy (its digest stays), the names of trusted roots.
 */
export function resultDigest({ image, policy, nodes, ...rest }: VerdictDocument): Digest {
  const { origin, ...named } = image;
  const said = {
    ...rest,
    image: named,
    policy: { digest: policy.digest },
    nodes: nodes.map(({ statements, ...node }) => ({
      ...node,
      statements: statements.map(({ trustedRoot, ...statement }) => statement),
    })),
  };
  return digestOf(new TextEncoder().encode(JSON.stringify(sorted(said))));
}

/** With the keys of all objects in the order of their UTF-16 units. @see RFC 8785 §3.2.3 */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([key, field]) => [key, sorted(field)]),
  );
}
