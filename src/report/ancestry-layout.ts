import { Graphviz } from "@hpcc-js/wasm-graphviz";

/** One box and its middle, in points; the origin is at the top left. */
export interface PlacedNode {
  readonly x: number;
  readonly y: number;
}

/** A line as a spline: a start, and for each piece two control points and an end. */
export interface PlacedEdge {
  readonly from: number;
  readonly to: number;
  readonly points: readonly (readonly [x: number, y: number])[];
}

/** Where everything stands. */
export interface Layout {
  readonly width: number;
  readonly height: number;
  readonly nodes: readonly PlacedNode[];
  readonly edges: readonly PlacedEdge[];
}

/** The size of every box, in points. */
export const BOX = { width: 232, height: 64 } as const;

const POINTS_PER_INCH = 72;

let loaded: Promise<Graphviz> | undefined;

// The rounds in which `dot` looks for a better order and better places: without a limit some graphs take it seconds.
const EFFORT = "nslimit=1, nslimit1=1, mclimit=0.3";

/**
 * Lays a graph out from top to bottom, with Graphviz's `dot`. Nodes go by number: no name of a stranger is in the text that Graphviz reads.
 *
 * @param count - How many nodes there are, from 0.
 * @param edges - Each from a node to one below it; each pair once. Those that matter are drawn short and straight.
 * @returns undefined where Graphviz can't: nothing but a picture rests on it.
 * @see https://graphviz.org/docs/outputs/plain/
 */
export async function layOut(
  count: number,
  edges: readonly { readonly from: number; readonly to: number; readonly matters: boolean }[],
): Promise<Layout | undefined> {
  loaded ??= Graphviz.load();
  const graphviz = await loaded;
  const inches = (points: number) => (points / POINTS_PER_INCH).toFixed(4);
  const dot = [
    "digraph {",
    `graph [${EFFORT}, nodesep=${inches(20)}, ranksep=${inches(44)}];`,
    `node [shape=box, fixedsize=true, label="", width=${inches(BOX.width)}, height=${inches(BOX.height)}];`,
    "edge [dir=none];",
    ...Array.from({ length: count }, (_, i) => `n${i};`),
    ...edges.map(({ from, to, matters }) => `n${from} -> n${to}${matters ? " [weight=8]" : ""};`),
    "}",
  ].join("\n");
  try {
    return readPlain(graphviz.layout(dot, "plain", "dot"), count);
  } catch {
    // Out of memory or stack, say. It has thrown its module away; the next graph gets a new one.
    loaded = undefined;
    return undefined;
  }
}

function readPlain(plain: string, count: number): Layout {
  const points = (text: string | undefined) => Number(text) * POINTS_PER_INCH;
  const number = (name: string | undefined) => Number(name?.slice(1));
  const nodes: PlacedNode[] = Array.from({ length: count }, () => ({ x: 0, y: 0 }));
  const edges: PlacedEdge[] = [];
  let width = 0;
  let height = 0;
  for (const line of plain.split("\n")) {
    const [kind, ...words] = line.split(" ");
    if (kind === "graph") {
      width = points(words[1]);
      height = points(words[2]);
    } else if (kind === "node") {
      // Graphviz counts from the bottom.
      nodes[number(words[0])] = { x: points(words[1]), y: height - points(words[2]) };
    } else if (kind === "edge") {
      const pairs = Number(words[2]);
      const along = Array.from({ length: pairs }, (_, i): readonly [number, number] => [
        points(words[3 + 2 * i]),
        height - points(words[4 + 2 * i]),
      ]);
      edges.push({ from: number(words[0]), to: number(words[1]), points: along });
    }
  }
  return { width, height, nodes, edges };
}
