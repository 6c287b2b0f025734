import type { AcceptedProvenance } from "./accepted.ts";
import type { Ancestry, AncestryNode, Link } from "./ancestry.ts";
import type { Finding } from "./finding.ts";
import { flattenedBy } from "./flattening.ts";
import type { ImageNode } from "./resolve.ts";
import { longestPrefix, type Seam, seamBetween } from "./seam.ts";
import { unexplainedAbove, unexplainedLayers } from "./standing.ts";
import { undeclaredBase } from "./undeclared-base.ts";

/** A claimed seam rests on two configs' word (RULES R21). */
const LEVEL_SEAM_CLAIMED = 1;
/** A parent that is pinned and no more could be anything (RULES R19). */
const LEVEL_PINNED = 1;

/** A seam that the image can be trusted with. */
type StandingSeam = Seam & { readonly kind: "proven" | "claimed" };

/** A node after it has been held to its parents. */
export interface SeamedNode {
  readonly finding: Finding;
  readonly links: readonly Link[];
  /** How the base under it is shown; undefined without a base that could be compared. */
  readonly seam: "proven" | "claimed" | undefined;
  /** SLSA build level, 0 for what isn't attested. */
  readonly level: number;
  /** What caps the level, and what can't be made sure of, for people. */
  readonly warnings: readonly string[];
}

const UNSEAMED = { seam: undefined, level: 0, warnings: [] } as const;

/** Holds an attested node to the layers of the base that it claims; any other node stays what it is. */
export function judgeNode(ancestry: Ancestry, node: AncestryNode): SeamedNode {
  const { examination, finding, links, node: image } = node;
  if (finding.kind !== "attested" || examination === undefined || image === undefined)
    return { ...UNSEAMED, finding, links, level: finding.kind === "summarised" ? finding.level : UNSEAMED.level };
  const parents = links.flatMap((link) => {
    const parent = ancestry.nodes.get(link.to);
    return parent === undefined ? [] : [{ link, parent }];
  });
  const withNode = parents.flatMap(({ link, parent }) =>
    parent.node === undefined ? [] : [{ link, node: parent.node }],
  );
  const isPinned = parents.some(({ parent }) => parent.finding.kind === "pinned");
  const instead = (other: Finding): SeamedNode => ({ ...UNSEAMED, finding: other, links });
  const seamed = (seam: StandingSeam | undefined): SeamedNode => {
    const undeclared = undeclaredBase(ancestry, node);
    if (undeclared?.kind === "fault") return instead({ kind: "undeclared-base", reason: undeclared.reason });
    const claim =
      seam?.kind === "claimed"
        ? [`that its base lies under it rests on what configs say (level ${LEVEL_SEAM_CLAIMED}): ${seam.reason}`]
        : [];
    return {
      finding,
      links,
      seam: seam?.kind,
      level: Math.min(
        examination.level,
        seam?.kind === "claimed" ? LEVEL_SEAM_CLAIMED : examination.level,
        isPinned ? LEVEL_PINNED : examination.level,
      ),
      warnings: [...claim, ...(undeclared === undefined ? [] : [undeclared.reason])],
    };
  };

  switch (examination.base.kind) {
    case "none":
    case "scratch":
      return seamed(undefined);
    case "image": {
      if (!links.some(({ role }) => role === "base"))
        return instead({ kind: "opaque", code: "base-unknown", reason: "its base isn't among its parents" });
      const bases = withNode.filter(({ link }) => link.role === "base");
      const seams = bases.map(({ node: base }) => ({
        base,
        seam: seamBetween(image, base, ancestry.layers) ?? seamWithoutLayers(node, image),
      }));
      const broken = seams.find(({ seam }) => seam.kind === "contradicted");
      if (broken !== undefined) return instead(contradiction(examination.provenances, image, broken.base));
      const found = seams.map(({ seam }) => seam);
      const refuted = refutedBy(found);
      if (refuted !== undefined) return instead(refuted);
      const unexplained = bases.map(({ node: base }) => unexplainedAbove(examination.provenances, image, base));
      const reason = unexplained.find((each) => each !== undefined);
      if (reason !== undefined) return instead({ kind: "opaque", code: "unexplained-layers", reason });
      const unseen = unseenIn(found);
      return unseen === undefined ? seamed(standingSeam(found)) : instead(unseen);
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
      const isBase = new Set(bases.map(({ link }) => link));
      const roles = links.map((link): Link => (isBase.has(link) ? { ...link, role: "base" } : link));
      const seams = bases.flatMap(({ node: base }) => seamBetween(image, base, ancestry.layers) ?? []);
      // Whichever of several alike was meant: one that is shown to lie there does.
      const proven = seams.find((seam) => seam.kind === "proven");
      const wrong = proven === undefined ? (refutedBy(seams) ?? unseenIn(seams)) : undefined;
      return { ...(wrong === undefined ? seamed(proven ?? standingSeam(seams)) : instead(wrong)), links: roles };
    }
  }
}

/** What looking into layers showed to be wrong. */
function refutedBy(seams: readonly Seam[]): Finding | undefined {
  const bad = seams.find((seam) => seam.kind === "false") ?? seams.find((seam) => seam.kind === "absent");
  if (bad === undefined) return undefined;
  return bad.kind === "false"
    ? { kind: "layers-mismatch", code: "diff-id-mismatch", reason: bad.reason }
    : { kind: "unresolved", code: "layer-not-found", reason: bad.reason };
}

/** A claim does where nobody can look (RULES R21), and not where we couldn't: whoever broke the registry may hide the lie. */
function unseenIn(seams: readonly Seam[]): Finding | undefined {
  const unseen = seams.find((seam) => seam.kind === "unreachable");
  return unseen && { kind: "unreachable", code: unseen.code, reason: unseen.reason };
}

function standingSeam(seams: readonly Seam[]): StandingSeam | undefined {
  return seams.find((seam) => seam.kind === "claimed") ?? seams.find((seam) => seam.kind === "proven");
}

function contradiction(provenances: readonly AcceptedProvenance[], image: ImageNode, base: ImageNode): Finding {
  const { digest } = base.image;
  if (base.config.diffIds.length === 0) {
    const reason = `its base ${digest} has no layers, and its own aren't those that the build recorded`;
    return { kind: "layers-mismatch", code: "layers-mismatch", reason };
  }
  const argument = flattenedBy(provenances, image, base);
  const apart = `its layers don't begin with those of ${digest}, the base that its provenance names`;
  return argument === undefined
    ? { kind: "layers-mismatch", code: "layers-mismatch", reason: apart }
    : { kind: "layers-mismatch", code: "flattened", reason: `${apart}: it was built with ${argument}` };
}

/** A base without layers shows nothing of what lies under the image; the build's own layer map does, where there is one (RULES R21). */
function seamWithoutLayers({ examination }: AncestryNode, image: ImageNode): Seam {
  const maps =
    examination?.provenances.flatMap(({ record }) => (record?.layerMap === undefined ? [] : [record.layerMap])) ?? [];
  if (maps.length === 0)
    return { kind: "claimed", reason: "the base has no layers, and the build recorded none of its own" };
  return maps.some((map) => unexplainedLayers(map, undefined, image) === undefined)
    ? { kind: "proven" }
    : { kind: "contradicted" };
}

function withoutBase({ links, examination }: AncestryNode, parents: readonly AncestryNode[]): SeamedNode {
  const instead = (finding: Finding): SeamedNode => ({ ...UNSEAMED, finding, links });
  const unseen = parents.find(({ finding }) => finding.kind === "unreachable")?.finding;
  if (unseen?.kind === "unreachable")
    return instead({ ...unseen, reason: `which of its parents is the base can't be told: ${unseen.reason}` });
  const [failure] = examination?.failures ?? [];
  if (failure !== undefined) return instead({ kind: "unreachable", code: failure.code, reason: failure.message });
  const reason = "the provenance lists images without the build's steps, and none of them lies under this one";
  return instead({ kind: "opaque", code: "list-only", reason });
}
