import { marksOf } from "./ancestry-marks.ts";
import { groupBy } from "./grouping.ts";
import type { VerdictDocument } from "./json.ts";
import type { JudgedBy } from "./judged-by.ts";
import { code, fenced, link, prose } from "./markdown.ts";
import type { Section } from "./markdown-limits.ts";
import { type Mark, SHAPES } from "./marks.ts";
import { builtBy, type DocumentNode } from "./node-details.ts";
import { SHORT_DIGEST, shortReference } from "./short-reference.ts";
import { commitUrl, repositoryName } from "./source-links.ts";
import { treeLines } from "./tree.ts";
import { type WholeProblem, wholeProblems, wholeSubjects } from "./whole-problems.ts";

const KEY: Readonly<Record<Mark, string>> = {
  good: "attested, or scratch",
  undermined: "in order itself, but not all that went into it is",
  root: "a root, or not judged by policy",
  bad: "not in order",
  unknown: "could not be looked at",
};

/** Of what is undermined, where something is wrong with the image as a whole. */
const KEY_OF_WHOLE = "in order itself, but the image as a whole, or something that went into it, isn't";

/** The ancestry as a tree and as a table; once for all policies that see the same. */
export function ancestrySections(judged: readonly JudgedBy[]): readonly Section[] {
  const drawn = judged.map(({ policy, document }) => ({ policy, tree: treeOf(document), table: tableOf(document) }));
  const alike = [...groupBy(drawn, ({ tree, table }) => JSON.stringify([tree, table])).values()];
  return alike.flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const of =
      alike.length === 1
        ? ""
        : `, as the policy of the ${group.map(({ policy }) => policy.kind).join(" and ")} sees it`;
    return [
      { ...first.tree, before: [`### Ancestry${of}`, "", ...(first.tree.before ?? [])] },
      { ...first.table, before: [`### Every image${of}`, "", ...(first.table.before ?? [])] },
    ];
  });
}

/** The ancestry as it is drawn in a terminal. */
export function treeOf(document: VerdictDocument): Section {
  const lines = treeLines(document);
  return fenced(lines.at(-1) === "" ? lines.slice(0, -1) : lines);
}

/** Every image of the ancestry as a row of a table, and what the marks mean. */
export function tableOf(document: VerdictDocument): Section {
  const marks = marksOf(document);
  const subjects = new Set(document.platforms.map(({ node }) => node));
  const [whole, ofWhole] = [wholeSubjects(document), wholeProblems(document)];
  const roles = new Map<string, Set<string>>();
  for (const { parents } of document.nodes) {
    for (const { node, role } of parents) roles.set(node, (roles.get(node) ?? new Set()).add(role));
  }
  const used = new Set(document.nodes.map(({ id }) => marks.get(id) ?? "unknown"));
  const key = (Object.keys(KEY) as Mark[])
    .filter((mark) => used.has(mark))
    .map((mark) => `${SHAPES[mark]} ${mark === "undermined" && ofWhole.length > 0 ? KEY_OF_WHOLE : KEY[mark]}`);
  const rows = document.nodes.map((node) => {
    const role = [...(subjects.has(node.id) ? ["image"] : []), ...(roles.get(node.id) ?? [])].join(", ");
    return rowOf(node, SHAPES[marks.get(node.id) ?? "unknown"], role, whole.has(node.id) ? ofWhole : []);
  });
  return {
    before: ["| finding | image | platform | role | level | source | signer |", "|---|---|---|---|---|---|---|"],
    lines: rows,
    after: ["", key.join("; ")],
  };
}

function rowOf(node: DocumentNode, shape: string, role: string, ofWhole: readonly WholeProblem[]): string {
  const { finding, platform, level } = node;
  const statement = builtBy(node);
  const { sourceRepository, sourceCommit, signer } = statement ?? {};
  const source = sourceRepository
    ? link(
        `${repositoryName(sourceRepository)}@${sourceCommit?.slice(0, SHORT_DIGEST) ?? "?"}`,
        commitUrl(sourceRepository, sourceCommit),
      )
    : "";
  const kind = `${prose(finding.kind)}${finding.code === null ? "" : ` ${code(finding.code)}`}${node.fromScratch ? ", from scratch" : ""}`;
  const also = ofWhole.map(
    ({ mark, title, codes }) => `; ${SHAPES[mark]}\u00a0${[title, ...codes.map(code)].join(" ")}`,
  );
  const cells = [
    // The two stay on one line however narrow the table is.
    `${shape}\u00a0${kind}${also.join("")}`,
    code(shortReference(node.reference)),
    platform === null ? "" : code(platform),
    role,
    String(level),
    source,
    signer === undefined ? "" : code(signer),
  ];
  return `| ${cells.join(" | ")} |`;
}
