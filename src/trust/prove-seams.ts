import type { Ancestry } from "./ancestry.ts";
import { judgeNode } from "./judge-node.ts";
import { type LayersWanted, lookIntoLayers } from "./layer-facts.ts";
import type { LayerReader } from "./ports.ts";
import { differingLayers } from "./seam.ts";

/**
 * Looks into the layers on which the verdict rests (RULES R21): those of images whose base lies under them by two configs' word, in
 * an ancestry that is otherwise trusted. Layers are large, and nothing that is in them makes good what is wrong elsewhere.
 *
 * @param isTrusted - As long as layers aren't looked into.
 */
export async function proveSeams(
  reader: LayerReader,
  ancestry: Ancestry,
  isTrusted: (ancestry: Ancestry) => boolean,
): Promise<Ancestry> {
  const wanted = [...ancestry.nodes.values()].flatMap((node): readonly LayersWanted[] => {
    const { node: image } = node;
    const { seam, links } = judgeNode(ancestry, node);
    if (image === undefined || seam !== "claimed") return [];
    return links.flatMap(({ role, to }) => {
      const base = role === "base" ? ancestry.nodes.get(to)?.node : undefined;
      const positions = base === undefined ? [] : differingLayers(image, base);
      return base === undefined || positions.length === 0
        ? []
        : [
            { node: image, positions },
            { node: base, positions },
          ];
    });
  });
  if (wanted.length === 0 || !isTrusted(ancestry)) return ancestry;
  return { ...ancestry, layers: await lookIntoLayers(reader, wanted) };
}
