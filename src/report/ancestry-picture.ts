import { html } from "hono/html";
import {
  type AncestryGraph,
  ancestryGraph,
  type GraphEdge,
  type GraphNode,
  type GraphWhole,
} from "./ancestry-graph.ts";
import { BOX, type Layout, layOut, type PlacedEdge } from "./ancestry-layout.ts";
import { several } from "./ancestry-words.ts";
import type { VerdictDocument } from "./json.ts";
import { SHAPES } from "./marks.ts";
import type { Markup } from "./page-layout.ts";
import { printable } from "./printable.ts";
import { shortReference } from "./short-reference.ts";
import { wholeWords } from "./whole-problems.ts";

/** Room around the picture, in points. */
const MARGIN = 12;
/** Longest name and longest small text in a box, in characters of a usual width. */
const MAX_NAME = 28;
const MAX_SMALL = 36;
/** Of a box, in points. */
const PADDING = 12;
const LINE = 18;
/** How many images are led to above the picture. */
const MAX_JUMPS = 8;

/** Where each image's own page is. */
export type PageOf = (reference: string) => string | undefined;

/** Draws a verdict's ancestry, with each image's own page behind it. */
export async function drawAncestry(verdict: VerdictDocument, pageOf: PageOf): Promise<Markup> {
  const graph = ancestryGraph(verdict);
  const lines = graph.edges.map(({ from, to, leadsTo }) => ({ from, to, matters: leadsTo !== undefined }));
  const layout = await layOut(graph.nodes.length, lines);
  if (layout === undefined) return html`<p class="soft">It can't be drawn; the table below has every image.</p>`;
  return ancestryPicture(graph, layout, pageOf);
}

/**
 * An ancestry as an SVG within a page: each image a link, what is wrong told by shape, word and colour, and the ways that lead there
 * drawn stronger. Without script it is read like any text, and scrolled.
 */
function ancestryPicture({ nodes, edges, left, leftLines }: AncestryGraph, layout: Layout, pageOf: PageOf): Markup {
  const [width, height] = [Math.ceil(layout.width + 2 * MARGIN), Math.ceil(layout.height + 2 * MARGIN)];
  const ofWhole = nodes.flatMap((node) => (node.kind === "whole" ? node.problems.map(wholeWords) : []));
  const images = nodes.filter(({ kind }) => kind === "image").length;
  const roles = new Map(edges.map((edge) => [`${edge.from} ${edge.to}`, edge]));
  const lines = layout.edges.flatMap((placed) => {
    const edge = roles.get(`${placed.from} ${placed.to}`);
    return edge === undefined ? [] : [line(placed, edge)];
  });
  const boxes = nodes.map((node, i) => {
    const { x = 0, y = 0 } = layout.nodes[i] ?? {};
    const place = { left: MARGIN + x - BOX.width / 2, top: MARGIN + y - BOX.height / 2 };
    if (node.kind === "scratch") return scratchBox(place);
    return node.kind === "whole" ? wholeBox(node, `drawn-${i}`, place) : imageBox(node, `drawn-${i}`, place, pageOf);
  });
  const undrawn = [
    ...(left === 0 ? [] : [several(left, "image")]),
    ...(leftLines === 0 ? [] : [several(leftLines, "line")]),
  ];
  const more =
    undrawn.length === 0
      ? ""
      : html`<p class="soft small">Not drawn: ${undrawn.join(" and ")}. The table has every image.</p>`;
  return html`${jumps(nodes)}<div class="box picture" role="region" tabindex="0" aria-label="Ancestry as a picture" data-picture><svg class="ancestry" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="group" aria-label="${images} images, each above what went into it${ofWhole.map((words) => `; ${words}`).join("")}"><g class="lines">${lines}</g>${boxes}</svg></div>${more}`;
}

/** Ways to what one looks for, in a picture that is larger than what one sees of it. */
function jumps(nodes: AncestryGraph["nodes"]): Markup {
  const whole = nodes.flatMap((node, i) =>
    node.kind === "whole"
      ? node.problems.map((each) => html`<a href="#drawn-${i}">${SHAPES[each.mark]} ${wholeWords(each)}</a>`)
      : [],
  );
  const images = nodes.flatMap((node, i) => {
    if (node.kind !== "image") return [];
    const { reference, finding } = node.node;
    if (i === 0) return [html`<a href="#drawn-0">the image</a>`];
    if (node.mark !== "bad" && node.mark !== "unknown") return [];
    return [html`<a href="#drawn-${i}">${SHAPES[node.mark]} ${finding.kind}: ${cut(shortReference(reference))[0]}</a>`];
  });
  return html`<p class="small jumps">In the picture: ${[...whole, ...images].slice(0, MAX_JUMPS).map((each, i) => html`${i === 0 ? "" : ", "}${each}`)}</p>`;
}

interface Place {
  readonly left: number;
  readonly top: number;
}

function line({ points }: PlacedEdge, { role, leadsTo }: GraphEdge): Markup {
  const [start, ...rest] = points.map(([x, y]) => `${round(MARGIN + x)} ${round(MARGIN + y)}`);
  const [middleX, middleY] = points[Math.floor(points.length / 2)] ?? [0, 0];
  return html`<g class="way-line${leadsTo === undefined ? "" : ` faulty ${leadsTo}`}"><path d="M${start}C${rest.join(" ")}"/><text x="${round(MARGIN + middleX)}" y="${round(MARGIN + middleY)}" text-anchor="middle">${leadsTo === undefined ? role : `${SHAPES[leadsTo]} ${role}`}</text></g>`;
}

function imageBox({ node, mark, role }: GraphNode, id: string, { left, top }: Place, pageOf: PageOf): Markup {
  const { finding, reference, platform } = node;
  const short = shortReference(reference);
  const [name, version] = cut(short);
  const said = [finding.kind, ...(finding.code === null ? [] : [finding.code])].join(": ");
  const words = printable(
    `${said}, level ${node.level}. ${role === "" ? "" : `${role} `}${short}${platform === null ? "" : `, ${platform}`}`,
  );
  const [mark_, level_] = [`${SHAPES[mark]} ${finding.kind}`, `level ${node.level}`];
  const small = [version, platform === null ? "" : printable(platform)].filter((part) => part !== "").join(" · ");
  // A picture within the picture: it cuts off what is wider than the box.
  const inside = html`<rect class="node-box" x="${round(left)}" y="${round(top)}" width="${BOX.width}" height="${BOX.height}" rx="8"><title>${words}</title></rect><svg x="${round(left + PADDING)}" y="${round(top)}" width="${BOX.width - 2 * PADDING}" height="${BOX.height}"><text class="node-mark" y="${LINE}">${mark_}</text><text class="node-level" x="${BOX.width - 2 * PADDING}" y="${LINE}" text-anchor="end">${level_}</text><text class="node-name" y="${2 * LINE + 2}">${shorten(name, MAX_NAME)}</text><text class="node-version" y="${3 * LINE}">${shorten(small, MAX_SMALL)}</text></svg>`;
  const address = pageOf(reference);
  return address === undefined
    ? html`<g id="${id}" class="node ${mark}" role="img" aria-label="${words}">${inside}</g>`
    : html`<a id="${id}" class="node ${mark}" href="${address}">${inside}</a>`;
}

/** What no node shows, above them all: whoever looks at the picture alone would see ticks. */
function wholeBox({ reference, problems }: GraphWhole, id: string, { left, top }: Place): Markup {
  const short = shortReference(reference);
  const [first, second] = problems;
  const words = printable(`${problems.map(wholeWords).join("; ")}. ${short}`);
  const [name, small] = [
    first.codes.join(", "),
    second === undefined ? short : `${SHAPES[second.mark]} ${wholeWords(second)}`,
  ];
  return html`<g id="${id}" class="node ${first.mark} whole" role="img" aria-label="${words}"><rect class="node-box" x="${round(left)}" y="${round(top)}" width="${BOX.width}" height="${BOX.height}" rx="0"><title>${words}</title></rect><svg x="${round(left + PADDING)}" y="${round(top)}" width="${BOX.width - 2 * PADDING}" height="${BOX.height}"><text class="node-mark" y="${LINE}">${SHAPES[first.mark]} ${first.title}</text><text class="node-name" y="${2 * LINE + 2}">${shorten(name, MAX_NAME)}</text><text class="node-version" y="${3 * LINE}">${shorten(small, MAX_SMALL)}</text></svg></g>`;
}

function scratchBox({ left, top }: Place): Markup {
  return html`<g class="node good scratch" role="img" aria-label="scratch: nothing lies beneath"><rect class="node-box" x="${round(left)}" y="${round(top)}" width="${BOX.width}" height="${BOX.height}" rx="8"/><text class="node-mark" x="${round(left + BOX.width / 2)}" y="${round(top + BOX.height / 2 + 5)}" text-anchor="middle">${SHAPES.good} scratch</text></g>`;
}

/** The last part of the name, and what follows it. */
function cut(short: string): readonly [name: string, version: string] {
  const slash = short.lastIndexOf("/");
  const last = short.slice(slash + 1);
  const at = last.search(/[:@]/);
  return at < 0 ? [last, ""] : [last.slice(0, at), last.slice(at + 1)];
}

function shorten(text: string, limit: number): string {
  const all = [...text];
  return all.length > limit ? `${all.slice(0, limit - 1).join("")}…` : text;
}

function round(value: number): string {
  return value.toFixed(1);
}
