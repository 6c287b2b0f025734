import { type Digest, digestOf } from "./digest.ts";

/**
 * The names of all file systems that an image's layers make one upon the other, the lowest first. Two images with the same chain id
 * have the same layers so far; nothing is stored under it.
 *
 * @see OCI image-spec, config.md, "Layer ChainID"
 */
export function chainIdsOf(diffIds: readonly Digest[]): readonly Digest[] {
  const chain: Digest[] = [];
  for (const diffId of diffIds) {
    const below = chain.at(-1);
    chain.push(below === undefined ? diffId : digestOf(new TextEncoder().encode(`${below} ${diffId}`)));
  }
  return chain;
}
