import { marksOf } from "./ancestry-marks.ts";
import type { VerdictDocument } from "./json.ts";
import type { Mark } from "./marks.ts";
import type { DocumentNode } from "./node-details.ts";
import { rolesOf } from "./tree.ts";
import { type WholeProblem, wholeProblems, wholeSubjects } from "./whole-problems.ts";

/** How many boxes one picture has; the table beside it has every image. */
export const MAX_DRAWN = 100;

/** How many lines it has: of an ancestry in which all hangs on all, Graphviz lays out hundreds for minutes, and dies of thousands. */
export const MAX_LINES = 160;

/** One box. */
export interface GraphNode {
  readonly kind: "image";
  readonly node: DocumentNode;
  readonly mark: Mark;
  /** What the image asked about is; `image` for it itself. */
  readonly role: string;
}

/** The end of a way: `scratch`. */
interface Scratch {
  readonly kind: "scratch";
}

/** Above the image, where something is wrong with it that is none of its nodes' own. */
export interface GraphWhole {
  readonly kind: "whole";
  readonly reference: string;
  readonly problems: readonly [WholeProblem, ...WholeProblem[]];
}

/** A line from an image to what went into it. */
export interface GraphEdge {
  readonly from: number;
  readonly to: number;
  readonly role: string;
  /** Whether it is on the way to a fault, or to what could not be looked at. */
  readonly leadsTo: "bad" | "unknown" | undefined;
}

/** What a picture of an ancestry shows. */
export interface AncestryGraph {
  readonly nodes: readonly (GraphNode | GraphWhole | Scratch)[];
  readonly edges: readonly GraphEdge[];
  /** How many images aren't drawn. */
  readonly left: number;
  /** How many lines between images that are drawn aren't. */
  readonly leftLines: number;
}

/**
 * The graph of an ancestry. Where it is too large the ways to faults are drawn first, then the nearest generations: what isn't drawn is
 * counted, and in the table.
 */
export function ancestryGraph(document: VerdictDocument): AncestryGraph {
  const marks = marksOf(document);
  const byId = new Map(document.nodes.map((node) => [node.id, node]));
  const ways = new Map([...waysOf(document.unreachable, "unknown"), ...waysOf(document.faults, "bad")]);
  const subjects = document.platforms.map(({ node }) => node);
  const onWay = [...document.faults, ...document.unreachable].flatMap(({ path }) => path.map(({ node }) => node));
  const order = [...new Set([...subjects, ...onWay, ...document.nodes.map(({ id }) => id)])].filter((id) =>
    byId.has(id),
  );
  const drawn = order.slice(0, MAX_DRAWN);
  const numbers = new Map(drawn.map((id, i) => [id, i]));
  const nodes: (GraphNode | GraphWhole | Scratch)[] = drawn.flatMap((id) => {
    const node = byId.get(id);
    if (node === undefined) return [];
    return [
      { kind: "image" as const, node, mark: marks.get(id) ?? "unknown", role: subjects.includes(id) ? "image" : "" },
    ];
  });
  const edges: GraphEdge[] = [];
  const [problem, ...others] = wholeProblems(document);
  if (problem !== undefined) {
    const whole = nodes.push({
      kind: "whole",
      reference: document.image.reference,
      problems: [problem, ...others],
    });
    for (const id of wholeSubjects(document)) {
      const to = numbers.get(id);
      if (to !== undefined) edges.push({ from: whole - 1, to, role: "image", leadsTo: problem.mark });
    }
  }
  let scratch: number | undefined;
  for (const [from, id] of drawn.entries()) {
    const node = byId.get(id);
    if (node === undefined) continue;
    for (const to of new Set(node.parents.map((parent) => parent.node))) {
      const number = numbers.get(to);
      if (number !== undefined)
        edges.push({ from, to: number, role: rolesOf(node, to), leadsTo: ways.get(wayOf(id, to)) });
    }
    if (!node.fromScratch) continue;
    if (scratch === undefined) scratch = nodes.push({ kind: "scratch" }) - 1;
    edges.push({ from, to: scratch, role: "base", leadsTo: undefined });
  }
  const kept = mostTelling(edges);
  return { nodes, edges: kept, left: order.length - drawn.length, leftLines: edges.length - kept.length };
}

function waysOf(
  faults: VerdictDocument["faults"],
  leadsTo: "bad" | "unknown",
): readonly (readonly [string, "bad" | "unknown"])[] {
  return faults.flatMap(({ path }) =>
    path.slice(1).map((step, i) => [wayOf(path[i]?.node ?? "", step.node), leadsTo] as const),
  );
}

function wayOf(from: string, to: string): string {
  return JSON.stringify([from, to]);
}

/** Lines on the way to a fault come first, then one to each image, then bases. */
function mostTelling(edges: readonly GraphEdge[]): readonly GraphEdge[] {
  const reached = new Set<number>();
  const ranked = edges.map((edge) => {
    const isFirst = !reached.has(edge.to);
    reached.add(edge.to);
    return { edge, rank: edge.leadsTo !== undefined ? 0 : isFirst ? 1 : edge.role.startsWith("base") ? 2 : 3 };
  });
  return ranked
    .toSorted((a, b) => a.rank - b.rank)
    .slice(0, MAX_LINES)
    .map(({ edge }) => edge);
}
