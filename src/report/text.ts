import { formatPlatform } from "../image/platform.ts";
import { formatReference, parseReference } from "../image/reference.ts";
import type { Refusal } from "../trust/finding.ts";
import type { Fault, JudgedNode, Verdict } from "../trust/verdict.ts";
import { type Mark, markOfFinding, markOfOutcome, SHAPES } from "./marks.ts";
import { printable } from "./printable.ts";

/** How many hexadecimal digits of a digest are shown where it is only to be recognised. */
const SHORT_DIGEST = 12;
/** How many reasons for refusing what is signed about one image are listed. */
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
  undermined: "33",
  root: "36",
  faint: "2",
  bold: "1",
};

/** A verdict for people: the ancestry as a tree, then the verdict, policy, level, and what would mend each fault. */
export function verdictText(verdict: Verdict, style: TextStyle): string {
  const paint = (text: string, colour: keyof typeof COLOURS) =>
    style.colour ? `\u001b[${COLOURS[colour]}m${text}\u001b[0m` : text;
  const nodes = new Map(verdict.nodes.map((node) => [node.id, node]));
  const context: TextContext = {
    paint,
    nodes,
    undermined: underminedIn(verdict),
    shown: new Set(),
  };
  const trees = verdict.platforms.flatMap((platform) => {
    const node = nodes.get(platform.node);
    return node === undefined ? [] : [...treeOf(context, node, "", "", "image", !platform.counts), ""];
  });
  return [...trees, ...summary(context, verdict), ...problems(context, verdict), ""].join("\n");
}

interface TextContext {
  readonly paint: (text: string, colour: keyof typeof COLOURS) => string;
  readonly nodes: ReadonlyMap<string, JudgedNode>;
  readonly undermined: ReadonlySet<string>;
  /** A parent of several is drawn once; what stands below it isn't said again. */
  readonly shown: Set<string>;
}

/** Images that are in order themselves and rest on one that isn't: a tick before them would be read as trust. */
function underminedIn({ nodes }: Verdict): ReadonlySet<string> {
  const children = new Map<string, string[]>();
  for (const { id, parents } of nodes) {
    for (const { to } of parents) children.set(to, [...(children.get(to) ?? []), id]);
  }
  const unsound = nodes.filter(({ finding }) => ["bad", "unknown"].includes(markOfFinding(finding)));
  const undermined = new Set<string>();
  const queue = unsound.map(({ id }) => id);
  for (const id of queue) {
    for (const child of children.get(id) ?? []) {
      if (undermined.has(child)) continue;
      undermined.add(child);
      queue.push(child);
    }
  }
  return undermined;
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
  const own = markOfFinding(node.finding);
  const mark = own === "good" && context.undermined.has(node.id) ? "undermined" : own;
  const platform = node.platform === undefined ? "" : ` ${printable(formatPlatform(node.platform))}`;
  const head = `${first}${paint(`${SHAPES[mark]} ${node.finding.kind}`, mark)} ${paint(role, "faint")}  ${paint(shortReference(node.reference), "bold")}${platform}`;
  if (shown.has(node.id)) return [`${head} ${paint("(see above)", "faint")}`];
  shown.add(node.id);
  const children = [...new Set(node.parents.map(({ to }) => to))].flatMap((to) => {
    const parent = nodes.get(to);
    const roles = node.parents.flatMap((link) => (link.to === to ? [link.role] : []));
    return parent === undefined ? [] : [{ role: [...new Set(roles)].join(" and "), parent }];
  });
  const hasBelow = children.length > 0 || node.isFromScratch;
  const detail = `${rest}${hasBelow ? "│ " : "  "}  `;
  const details = [
    ...(isLeftOut ? ["policy doesn't judge this platform"] : []),
    ...(mark === "undermined" ? ["in order itself, but not all that went into it is"] : []),
    ...detailsOf(node),
  ];
  const lines = [head, ...details.map((line) => `${detail}${paint(printable(line), "faint")}`)];
  children.forEach(({ role: childRole, parent }, i) => {
    const isLast = i === children.length - 1 && !node.isFromScratch;
    lines.push(
      ...treeOf(context, parent, `${rest}${isLast ? "└─ " : "├─ "}`, `${rest}${isLast ? "   " : "│  "}`, childRole),
    );
  });
  if (node.isFromScratch) lines.push(`${rest}└─ ${paint(`${SHAPES.good} scratch`, "good")}`);
  return lines;
}

/** The reason of each line of the tree: why it is what it is. */
function detailsOf({ finding, warnings, ...node }: JudgedNode): string[] {
  return [...reasonsOf(), ...warnings];

  function reasonsOf(): string[] {
    switch (finding.kind) {
      case "attested":
        return attestedDetails(node);
      case "scratch":
        return [];
      case "root":
        return [`${finding.policyPath}: ${finding.reason}; until ${finding.expires}`];
      case "pinned":
        return ["policy wants it pinned, and it is; it was not judged"];
      case "allowed":
        return ["policy doesn't judge this role"];
      case "unattested":
        return ["nothing signed refers to it"];
      case "refused":
        return refusalDetails(finding.refusals);
      case "opaque":
      case "unresolved":
      case "malformed":
      case "mismatch":
      case "unreachable":
        return [`${finding.code}: ${finding.reason}`];
      case "layers-mismatch":
      case "revoked":
      case "cycle":
      case "limit":
        return [finding.reason];
    }
  }
}

function attestedDetails(node: Pick<JudgedNode, "provenances" | "level" | "seam">): string[] {
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

/** Each reason once: an image signed by the wrong hand has several statements that fail alike. */
function refusalDetails(refusals: readonly Refusal[]): string[] {
  const places = groupBy(refusals, ({ code, reason }) => `${code}: ${reason}`);
  const lines = [...places].map(([text, [first, ...others]]) => {
    const more = others.length === 0 ? "" : `, and ${others.length} more alike`;
    return `${text} [${first?.where}${more}]`;
  });
  return lines.length > MAX_REFUSALS
    ? [
        ...lines.slice(0, MAX_REFUSALS),
        `and ${lines.length - MAX_REFUSALS} other reasons; --output json lists them all`,
      ]
    : lines;
}

function summary({ paint }: TextContext, verdict: Verdict): string[] {
  const mark = markOfOutcome(verdict.outcome);
  const counts = Object.entries(verdict.levels)
    .sort(([a], [b]) => Number(b) - Number(a))
    .map(([level, count]) => `${count} at level ${level}`);
  const roots = verdict.nodes.filter(({ finding }) => finding.kind === "root").length;
  const platforms = verdict.platforms.map(
    ({ platform, outcome, counts: isJudged }) =>
      `${platform === undefined ? "?" : printable(formatPlatform(platform))} ${outcome}${isJudged ? "" : " (policy doesn't judge it)"}`,
  );
  return [
    `${paint(`${SHAPES[mark]} ${verdict.outcome.toUpperCase()}`, mark)}  ${printable(formatReference(verdict.image))}`,
    `  policy  ${printable(verdict.policy.name)} (${verdict.policy.digest})`,
    ...(platforms.length > 1 ? [`  of      ${platforms.join(", ")}`] : []),
    `  level   ${verdict.level}, the lowest of ${counts.join(", ") || "nothing"}${roots === 0 ? "" : `; ends in ${roots} named root${roots === 1 ? "" : "s"}`}`,
    `  as of   ${verdict.asOf.toISOString()}`,
  ];
}

function problems(context: TextContext, verdict: Verdict): string[] {
  const { paint, nodes } = context;
  const wayOf = ({ path }: Fault) =>
    path
      .map(
        ({ node, role }) =>
          `${role === undefined ? "" : ` → ${role} `}${shortReference(nodes.get(node)?.reference ?? node)}`,
      )
      .join("");
  const list = (title: string, faults: readonly Fault[], mark: Mark) => {
    // One thing wrong with every platform of an image is one thing to mend.
    const alike = groupBy(faults, ({ code, reason, mend }) => JSON.stringify([code, reason, mend]));
    const lines = [...alike.values()].flatMap((group) => {
      const [first] = group;
      if (first === undefined) return [];
      const heads = group.map((fault) => `${paint(`${SHAPES[mark]} ${fault.code}`, mark)}  ${wayOf(fault)}`);
      return [...heads, `    ${printable(first.reason)}`, `    ${paint("mend:", "faint")} ${printable(first.mend)}`];
    });
    return lines.length === 0 ? [] : ["", paint(title, "bold"), ...lines];
  };
  return [
    ...list("What is wrong", verdict.faults, "bad"),
    ...list("What could not be looked at", verdict.unreachable, "unknown"),
  ];
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return groups;
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
