import { html } from "hono/html";
import { marksOf, restingOnUnsound } from "./ancestry-marks.ts";
import { groupBy } from "./grouping.ts";
import type { VerdictDocument } from "./json.ts";
import type { JudgedBy } from "./judged-by.ts";
import type { Mark } from "./marks.ts";
import { builtBy, type DocumentNode, detailsOf } from "./node-details.ts";
import type { Markup } from "./page-layout.ts";
import { linked, marked, named } from "./page-marks.ts";
import { printable } from "./printable.ts";
import { SHORT_DIGEST, shortReference } from "./short-reference.ts";
import { commitUrl, repositoryName } from "./source-links.ts";
import { rolesOf, treeLines } from "./tree.ts";
import { wholeProblems, wholeSubjects, wholeWords } from "./whole-problems.ts";

/** The ancestry as a tree and as a table; once for all policies that see the same. */
export function ancestry(judged: readonly JudgedBy[]): readonly Markup[] {
  const alike = [...groupBy(judged, ({ document }) => JSON.stringify(treeLines(document))).values()];
  return alike.flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const kinds = group.map(({ policy }) => policy.kind).join(" and ");
    const of = alike.length === 1 ? "" : `, as the policy of the ${kinds} sees it`;
    return [
      html`<section><h2>Ancestry${of}</h2>${tree(first.document, of)}</section>`,
      html`<section><h2>Every image${of}</h2>${table(first.document, of)}</section>`,
    ];
  });
}

interface Tree {
  readonly nodes: ReadonlyMap<string, DocumentNode>;
  readonly marks: ReadonlyMap<string, Mark>;
  readonly undermined: ReadonlySet<string>;
  /** A parent of several is drawn once; what stands below it isn't said again. */
  readonly shown: Set<string>;
}

function tree(document: VerdictDocument, of: string): Markup {
  const drawn: Tree = {
    nodes: new Map(document.nodes.map((node) => [node.id, node])),
    marks: marksOf(document),
    undermined: restingOnUnsound(document),
    shown: new Set(),
  };
  const subjects = wholeSubjects(document);
  const roots = document.platforms.flatMap(({ node: id, counts }) => {
    const node = drawn.nodes.get(id);
    return node === undefined
      ? []
      : [
          branch(drawn, node, "image", [
            ...(subjects.has(id) ? ofTheWhole(document) : []),
            ...(counts ? [] : [html`policy doesn't judge this platform`]),
          ]),
        ];
  });
  return html`<div class="box tree" role="region" tabindex="0" aria-label="Ancestry as a tree${of}"><ul role="list" class="trunk">${roots}</ul></div>`;
}

function branch(drawn: Tree, node: DocumentNode, role: string, said: readonly Markup[] = []): Markup {
  const mark = drawn.marks.get(node.id) ?? "unknown";
  const platform = node.platform === null ? "" : html` <span class="soft small">${printable(node.platform)}</span>`;
  const head = html`${marked(mark, node.finding.kind)} <span class="soft">${role}</span> ${named(shortReference(node.reference))}${platform}`;
  if (drawn.shown.has(node.id))
    return html`<li><div class="node">${head} <span class="soft">(see above)</span></div>${said.map(detail)}</li>`;
  drawn.shown.add(node.id);
  const details = [
    ...(mark === "undermined" && drawn.undermined.has(node.id)
      ? ["in order itself, but not all that went into it is"]
      : []),
    ...detailsOf(node),
  ];
  const below = [...new Set(node.parents.map((link) => link.node))].flatMap((to) => {
    const parent = drawn.nodes.get(to);
    return parent === undefined ? [] : [branch(drawn, parent, rolesOf(node, to))];
  });
  const scratch = node.fromScratch ? [html`<li><div class="node">${marked("good", "scratch")}</div></li>`] : [];
  const all = [...below, ...scratch];
  return html`<li><div class="node">${head}</div>${said.map(detail)}${details.map((line) => detail(html`${printable(line)}`))}${all.length === 0 ? "" : html`<ul role="list">${all}</ul>`}</li>`;
}

function detail(line: Markup): Markup {
  return html`<div class="detail">${line}</div>`;
}

/** What is wrong with the image itself though all its nodes be in order, by mark and word. */
function ofTheWhole(document: VerdictDocument): readonly Markup[] {
  return wholeProblems(document).map((each) => marked(each.mark, wholeWords(each)));
}

/** Every image of an ancestry in a row of its own. */
export function table(document: VerdictDocument, of: string): Markup {
  const marks = marksOf(document);
  const subjects = new Set(document.platforms.map(({ node }) => node));
  const [whole, ofWhole] = [wholeSubjects(document), ofTheWhole(document)];
  const roles = new Map<string, Set<string>>();
  for (const { parents } of document.nodes) {
    for (const { node, role } of parents) roles.set(node, (roles.get(node) ?? new Set()).add(role));
  }
  const rows = document.nodes.map((node) => {
    const role = [...(subjects.has(node.id) ? ["image"] : []), ...(roles.get(node.id) ?? [])].join(", ");
    return rowOf(node, marks.get(node.id) ?? "unknown", role, whole.has(node.id) ? ofWhole : []);
  });
  return html`<div class="box" role="region" tabindex="0" aria-label="Every image as a table${of}"><table class="images">
<thead><tr><th scope="col">Finding</th><th scope="col" class="text">Image</th><th scope="col">Role</th><th scope="col">Level</th><th scope="col">Source</th><th scope="col" class="text">Signer</th></tr></thead>
<tbody>${rows}</tbody></table></div>`;
}

function rowOf(node: DocumentNode, mark: Mark, role: string, ofWhole: readonly Markup[]): Markup {
  const { finding, platform, level, reference } = node;
  const { sourceRepository, sourceCommit, signer } = builtBy(node) ?? {};
  const source = `${repositoryName(sourceRepository ?? "")}@${sourceCommit?.slice(0, SHORT_DIGEST) ?? "?"}`;
  return html`<tr><td>${marked(mark, finding.kind)}${finding.code === null ? "" : html` ${named(finding.code)}`}${node.fromScratch ? html` <span class="soft">from scratch</span>` : ""}${ofWhole.map((each) => html`<br>${each}`)}</td><td class="text">${breakable(shortReference(reference))}${platform === null ? "" : html`<br><span class="soft">${printable(platform)}</span>`}</td><td>${role}</td><td>${level}</td><td>${sourceRepository ? linked(source, commitUrl(sourceRepository, sourceCommit)) : ""}</td><td class="text">${signer === undefined ? "" : named(signer)}</td></tr>`;
}

/** A name that breaks before its digest where it has to, rather than within it. */
function breakable(name: string): Markup {
  const at = name.lastIndexOf("@");
  return at < 1 ? named(name) : html`<code>${printable(name.slice(0, at))}<wbr>${printable(name.slice(at))}</code>`;
}
