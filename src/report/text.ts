import { formatPlatform } from "../image/platform.ts";
import { formatReference, parseReference } from "../image/reference.ts";
import type { Finding, Refusal } from "../trust/finding.ts";
import type { Fault, JudgedNode, Verdict } from "../trust/verdict.ts";
import { type Mark, markOfFinding, markOfOutcome, SHAPES } from "./marks.ts";
import { printable } from "./printable.ts";

/** How many hexadecimal digits of a digest are shown where it is only to be recognised. */
const SHORT_DIGEST = 12;
/** How many refusals of one image are listed. */
const MAX_REFUSALS = 5;

/** How text is shown. */
export interface TextStyle {
  /** Whether the terminal takes colours, and the reader wants them (NO_COLOR). */
  readonly colour: boolean;
}

const COLOURS: Readonly<Record<Mark | "faint" | "bold", string>> = {
  good: "32",
  bad: "31",
  unknown: "33",
  root: "36",
  faint: "2",
  bold: "1",
};

/** A verdict for people: the ancestry as a tree, then the verdict, policy, level, and what would mend each fault. */
export function verdictText(verdict: Verdict, style: TextStyle): string {
  const paint = (text: string, colour: keyof typeof COLOURS) =>
    style.colour ? `\u001b[${COLOURS[colour]}m${text}\u001b[0m` : text;
  const nodes = new Map(verdict.nodes.map((node) => [node.id, node]));
  const context: TextContext = { paint, nodes, shown: new Set() };
  const trees = verdict.platforms.flatMap((platform) => {
    const node = nodes.get(platform.node);
    return node === undefined ? [] : [...treeOf(context, node, "", "", "image", !platform.counts), ""];
  });
  return [...trees, ...summary(context, verdict), ...problems(context, verdict), ""].join("\n");
}

interface TextContext {
  readonly paint: (text: string, colour: keyof typeof COLOURS) => string;
  readonly nodes: ReadonlyMap<string, JudgedNode>;
  /** A parent of several is drawn once; what stands below it isn't said again. */
  readonly shown: Set<string>;
}

function treeOf(
  context: TextContext,
  node: JudgedNode,
  first: string,
  rest: string,
  role: string,
  isLeftOut = false,
): string[] {
  const { paint, nodes, shown } = context;
  const mark = markOfFinding(node.finding);
  const platform = node.platform === undefined ? "" : ` ${formatPlatform(node.platform)}`;
  const head = `${first}${paint(`${SHAPES[mark]} ${wordOf(node.finding)}`, mark)} ${paint(role, "faint")}  ${paint(shortReference(node.reference), "bold")}${platform}`;
  if (shown.has(node.id)) return [`${head} ${paint("(see above)", "faint")}`];
  shown.add(node.id);
  const children = [...new Set(node.parents.map(({ to }) => to))].flatMap((to) => {
    const parent = nodes.get(to);
    const roles = node.parents.flatMap((link) => (link.to === to ? [link.role] : []));
    return parent === undefined ? [] : [{ role: [...new Set(roles)].join(" and "), parent }];
  });
  const hasBelow = children.length > 0 || node.isFromScratch;
  const detail = `${rest}${hasBelow ? "│ " : "  "}  `;
  const lines = [head, ...detailsOf(node, isLeftOut).map((line) => `${detail}${paint(printable(line), "faint")}`)];
  children.forEach(({ role: childRole, parent }, i) => {
    const isLast = i === children.length - 1 && !node.isFromScratch;
    lines.push(
      ...treeOf(context, parent, `${rest}${isLast ? "└─ " : "├─ "}`, `${rest}${isLast ? "   " : "│  "}`, childRole),
    );
  });
  if (node.isFromScratch) lines.push(`${rest}└─ ${paint(`${SHAPES.good} scratch`, "good")}`);
  return lines;
}

function wordOf(finding: Finding): string {
  return finding.kind;
}

/** The reason of each line of the tree: why it is what it is. */
function detailsOf(node: JudgedNode, isLeftOut: boolean): string[] {
  const { finding } = node;
  const lines: string[] = [];
  if (isLeftOut) lines.push("policy doesn't judge this platform");
  if (finding.kind === "attested") lines.push(...attestedDetails(node));
  else if (finding.kind === "root") lines.push(`${finding.policyPath}: ${finding.reason}; until ${finding.expires}`);
  else if (finding.kind === "pinned") lines.push("policy wants it pinned, and it is; it was not judged");
  else if (finding.kind === "allowed") lines.push("policy doesn't judge this role");
  else if (finding.kind === "unattested") lines.push("nothing signed refers to it");
  else if (finding.kind === "refused") lines.push(...refusalDetails(finding.refusals));
  else if (finding.kind !== "scratch") lines.push(`${"code" in finding ? `${finding.code}: ` : ""}${finding.reason}`);
  lines.push(...node.warnings);
  return lines;
}

function attestedDetails(node: JudgedNode): string[] {
  const [provenance] = node.provenances;
  if (provenance === undefined) return [];
  const { extensions, subjectAlternativeName } = provenance.by.identity;
  const commit = extensions.sourceRepositoryDigest?.slice(0, SHORT_DIGEST) ?? "?";
  const proven = provenance.source === "agrees" ? "" : " (not proven: the build's own record names no git source)";
  const seam = node.seam === "claimed" ? ", seam claimed" : "";
  return [
    `level ${node.level}${seam}, from ${extensions.sourceRepositoryUri ?? "?"} at ${commit} (${extensions.sourceRepositoryRef ?? "?"})${proven}`,
    `signed by ${subjectAlternativeName}${provenance.containedIn === undefined ? "" : ", over the index that holds its provenance"}`,
  ];
}

function refusalDetails(refusals: readonly Refusal[]): string[] {
  const lines = refusals.slice(0, MAX_REFUSALS).map(({ code, reason, where }) => `${code}: ${reason} [${where}]`);
  return refusals.length > MAX_REFUSALS
    ? [...lines, `and ${refusals.length - MAX_REFUSALS} more that are refused`]
    : lines;
}

function summary({ paint }: TextContext, verdict: Verdict): string[] {
  const mark = markOfOutcome(verdict.outcome);
  const counts = Object.entries(verdict.levels)
    .sort(([a], [b]) => Number(b) - Number(a))
    .map(([level, count]) => `${count} at level ${level}`);
  const roots = verdict.nodes.filter(({ finding }) => finding.kind === "root").length;
  const digest = verdict.image.digest === undefined ? "" : `  ${verdict.image.digest}`;
  return [
    `${paint(`${SHAPES[mark]} ${verdict.outcome.toUpperCase()}`, mark)}  ${printable(nameAndTag(verdict))}${digest}`,
    `  policy  ${printable(verdict.policy.name)} (${verdict.policy.digest})`,
    `  level   ${verdict.level}, the lowest of ${counts.join(", ") || "nothing"}${roots === 0 ? "" : `; ends in ${roots} named root${roots === 1 ? "" : "s"}`}`,
    `  as of   ${verdict.asOf.toISOString()}`,
  ];
}

function problems(context: TextContext, verdict: Verdict): string[] {
  const lines: string[] = [];
  const list = (title: string, faults: readonly Fault[], mark: Mark) => {
    if (faults.length === 0) return;
    lines.push("", context.paint(title, "bold"));
    for (const { code, reason, path, mend } of faults) {
      const way = path.map(
        ({ node, role }) =>
          `${role === undefined ? "" : ` → ${role} `}${shortReference(context.nodes.get(node)?.reference ?? node)}`,
      );
      lines.push(`${context.paint(`${SHAPES[mark]} ${code}`, mark)}  ${way.join("")}`);
      lines.push(`    ${printable(reason)}`, `    ${context.paint("mend:", "faint")} ${printable(mend)}`);
    }
  };
  list("What is wrong", verdict.faults, "bad");
  list("What could not be looked at", verdict.unreachable, "unknown");
  return lines;
}

/** Name and tag, and of the digest as much as one recognises. */
function shortReference(text: string): string {
  try {
    const { digest, ...named } = parseReference(text);
    if (digest === undefined) return printable(text);
    const hex = digest.slice(digest.indexOf(":") + 1, digest.indexOf(":") + 1 + SHORT_DIGEST);
    return `${printable(formatReference(named))}@${hex}`;
  } catch {
    return printable(text);
  }
}

function nameAndTag({ image: { digest: _, ...named } }: Verdict): string {
  return formatReference(named);
}
