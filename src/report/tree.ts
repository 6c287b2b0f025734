import { marksOf, restingOnUnsound } from "./ancestry-marks.ts";
import type { VerdictDocument } from "./json.ts";
import { type Mark, SHAPES } from "./marks.ts";
import { type DocumentNode, detailsOf } from "./node-details.ts";
import { printable } from "./printable.ts";
import { shortReference } from "./short-reference.ts";
import { wholeProblems, wholeSubjects, wholeWords } from "./whole-problems.ts";

/** What a part of a line is, for whoever gives it a colour. */
export type Emphasis = Mark | "faint" | "bold";
/** Gives a part of a line its colour, or leaves it as it is. */
export type Paint = (text: string, emphasis: Emphasis) => string;

/** Leaves everything as it is. */
export const plain: Paint = (text) => text;

/** The ancestry of every platform as lines of a tree, an empty one after each. Texts of strangers in them are printable. */
export function treeLines(verdict: VerdictDocument, paint: Paint = plain): readonly string[] {
  return platformTrees(verdict, paint).flatMap((lines) => [...lines, ""]);
}

/** The same, a tree for each platform. @param role - What the image is to whoever draws it. */
export function platformTrees(
  verdict: VerdictDocument,
  paint: Paint = plain,
  role = "image",
): readonly (readonly string[])[] {
  const tree: Tree = {
    paint,
    nodes: new Map(verdict.nodes.map((node) => [node.id, node])),
    marks: marksOf(verdict),
    undermined: restingOnUnsound(verdict),
    shown: new Set(),
  };
  const subjects = wholeSubjects(verdict);
  const ofTheWhole = wholeProblems(verdict).map((each) => paint(`${SHAPES[each.mark]} ${wholeWords(each)}`, each.mark));
  return verdict.platforms.flatMap((platform) => {
    const node = tree.nodes.get(platform.node);
    const said = [
      ...(subjects.has(platform.node) ? ofTheWhole : []),
      ...(platform.counts ? [] : [paint("policy doesn't judge this platform", "faint")]),
    ];
    return node === undefined ? [] : [linesOf(tree, node, "", "", role, said)];
  });
}

interface Tree {
  readonly paint: Paint;
  readonly nodes: ReadonlyMap<string, DocumentNode>;
  readonly marks: ReadonlyMap<string, Mark>;
  readonly undermined: ReadonlySet<string>;
  /** A parent of several is drawn once; what stands below it isn't said again. */
  readonly shown: Set<string>;
}

/** @param said - What is said of it here alone, painted. */
function linesOf(
  tree: Tree,
  node: DocumentNode,
  first: string,
  rest: string,
  role: string,
  said: readonly string[] = [],
): readonly string[] {
  const { paint, nodes, shown } = tree;
  const mark = tree.marks.get(node.id) ?? "unknown";
  const platform = node.platform === null ? "" : ` ${printable(node.platform)}`;
  const head = `${first}${paint(`${SHAPES[mark]} ${node.finding.kind}`, mark)} ${paint(role, "faint")}  ${paint(shortReference(node.reference), "bold")}${platform}`;
  if (shown.has(node.id))
    return [`${head} ${paint("(see above)", "faint")}`, ...said.map((line) => `${rest}    ${line}`)];
  shown.add(node.id);
  const children = [...new Set(node.parents.map((link) => link.node))].flatMap((to) => {
    const parent = nodes.get(to);
    return parent === undefined ? [] : [{ role: rolesOf(node, to), parent }];
  });
  const hasBelow = children.length > 0 || node.fromScratch;
  const detail = `${rest}${hasBelow ? "│ " : "  "}  `;
  const details = [
    ...(mark === "undermined" && tree.undermined.has(node.id)
      ? ["in order itself, but not all that went into it is"]
      : []),
    ...detailsOf(node),
  ];
  const lines = [
    head,
    ...[...said, ...details.map((line) => paint(printable(line), "faint"))].map((line) => `${detail}${line}`),
  ];
  children.forEach(({ role: childRole, parent }, i) => {
    const isLast = i === children.length - 1 && !node.fromScratch;
    lines.push(
      ...linesOf(tree, parent, `${rest}${isLast ? "└─ " : "├─ "}`, `${rest}${isLast ? "   " : "│  "}`, childRole),
    );
  });
  if (node.fromScratch) lines.push(`${rest}└─ ${paint(`${SHAPES.good} scratch`, "good")}`);
  return lines;
}

/** What one image was to another: `base`, or `base and input`. */
export function rolesOf(node: DocumentNode, to: string): string {
  return [...new Set(node.parents.flatMap((link) => (link.node === to ? [link.role] : [])))].join(" and ");
}
