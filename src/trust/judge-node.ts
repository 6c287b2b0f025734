import type { Ancestry, AncestryNode, Link } from "./ancestry.ts";
import type { Finding } from "./finding.ts";
import type { ImageNode } from "./resolve.ts";
import { longestPrefix, type Seam, seamBetween } from "./seam.ts";
import { unexplainedAbove, unexplainedLayers } from "./standing.ts";

/** A claimed seam rests on two configs' word (RULES R21). */
const LEVEL_SEAM_CLAIMED = 1;
/** A parent that is pinned and no more could be anything (RULES R19). */
const LEVEL_PINNED = 1;

/** A node after it has been held to its parents. */
export interface SeamedNode {
  readonly finding: Finding;
  readonly links: readonly Link[];
  /** How the base under it is shown; undefined without a base that could be compared. */
  readonly seam: Exclude<Seam, "contradicted"> | undefined;
  /** SLSA build level, 0 for what isn't attested. */
  readonly level: number;
}

/** Holds an attested node to the layers of the base that it claims; any other node stays what it is. */
export function judgeNode(ancestry: Ancestry, node: AncestryNode): SeamedNode {
  const { examination, finding, links, node: image } = node;
  if (finding.kind !== "attested" || examination === undefined || image === undefined)
    return { finding, links, seam: undefined, level: 0 };
  const parents = links.flatMap((link) => {
    const parent = ancestry.nodes.get(link.to);
    return parent === undefined ? [] : [{ link, parent }];
  });
  const withNode = parents.flatMap(({ link, parent }) =>
    parent.node === undefined ? [] : [{ link, node: parent.node }],
  );
  const isPinned = parents.some(({ parent }) => parent.finding.kind === "pinned");
  const levelWith = (seam: Seam | undefined) =>
    Math.min(
      examination.level,
      seam === "claimed" ? LEVEL_SEAM_CLAIMED : examination.level,
      isPinned ? LEVEL_PINNED : examination.level,
    );

  switch (examination.base.kind) {
    case "none":
    case "scratch":
      return { finding, links, seam: undefined, level: levelWith(undefined) };
    case "image": {
      if (!links.some(({ role }) => role === "base")) {
        return {
          finding: { kind: "opaque", code: "base-unknown", reason: "its base isn't among its parents" },
          links,
          seam: undefined,
          level: 0,
        };
      }
      const bases = withNode.filter(({ link }) => link.role === "base");
      const seams = bases.map(({ node: base }) => seamBetween(image, base) ?? seamWithoutLayers(node, image));
      const broken = bases[seams.indexOf("contradicted")];
      if (broken !== undefined) {
        const { image: base, config } = broken.node;
        const reason =
          config.diffIds.length === 0
            ? `its base ${base.digest} has no layers, and its own aren't those that the build recorded`
            : `its layers don't begin with those of ${base.digest}, the base that its provenance names`;
        return { finding: { kind: "layers-mismatch", reason }, links, seam: undefined, level: 0 };
      }
      const unexplained = bases.map(({ node: base }) => unexplainedAbove(examination.provenances, image, base));
      const reason = unexplained.find((each) => each !== undefined);
      if (reason !== undefined) {
        return { finding: { kind: "opaque", code: "unexplained-layers", reason }, links, seam: undefined, level: 0 };
      }
      const seam = seams.includes("claimed") ? "claimed" : seams.length > 0 ? "proven" : undefined;
      return { finding, links, seam, level: levelWith(seam) };
    }
    case "longest-prefix": {
      const bases = longestPrefix(
        image,
        withNode.filter(({ link }) => link.role === "input"),
      );
      if (bases.length === 0)
        return withoutBase(
          node,
          parents.map(({ parent }) => parent),
        );
      const seam = bases.some(({ node: base }) => seamBetween(image, base) === "proven") ? "proven" : "claimed";
      const isBase = new Set(bases.map(({ link }) => link));
      return {
        finding,
        links: links.map((link) => (isBase.has(link) ? { ...link, role: "base" } : link)),
        seam,
        level: levelWith(seam),
      };
    }
  }
}

/** A base without layers shows nothing of what lies under the image; the build's own layer map does, where there is one (RULES R21). */
function seamWithoutLayers({ examination }: AncestryNode, image: ImageNode): Seam {
  const maps =
    examination?.provenances.flatMap(({ record }) => (record?.layerMap === undefined ? [] : [record.layerMap])) ?? [];
  if (maps.length === 0) return "claimed";
  return maps.some((map) => unexplainedLayers(map, undefined, image) === undefined) ? "proven" : "contradicted";
}

function withoutBase(node: AncestryNode, parents: readonly AncestryNode[]): SeamedNode {
  const { links, examination } = node;
  const unseen = parents.find(({ finding }) => finding.kind === "unreachable")?.finding;
  if (unseen?.kind === "unreachable") {
    return {
      finding: { ...unseen, reason: `which of its parents is the base can't be told: ${unseen.reason}` },
      links,
      seam: undefined,
      level: 0,
    };
  }
  const [failure] = examination?.failures ?? [];
  if (failure !== undefined)
    return {
      finding: { kind: "unreachable", code: failure.code, reason: failure.message },
      links,
      seam: undefined,
      level: 0,
    };
  const reason = "the provenance lists images without the build's steps, and none of them lies under this one";
  return { finding: { kind: "opaque", code: "list-only", reason }, links, seam: undefined, level: 0 };
}
