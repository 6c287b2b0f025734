import { html } from "hono/html";
import type { AnswerHead, PastAnswer } from "../answer/answer.ts";
import type { AnswerFacts } from "../answer/facts.ts";
import type { Digest } from "../image/digest.ts";
import { formatReference } from "../image/reference.ts";
import type { Outcome } from "../trust/verdict.ts";
import { ANCESTRY_SCRIPT_PATH } from "./ancestry-script.ts";
import { extentOf, several } from "./ancestry-words.ts";
import { faultGroups, generationOf, wayTo } from "./faults.ts";
import { byYourself, type ServerPlaces } from "./image-page-commands.ts";
import { past } from "./image-page-history.ts";
import { packages } from "./image-page-packages.ts";
import { policies } from "./image-page-policies.ts";
import { sources } from "./image-page-sources.ts";
import type { VerdictDocument } from "./json.ts";
import { markOfOutcome } from "./marks.ts";
import { table } from "./page-ancestry.ts";
import { document, type Markup } from "./page-layout.ts";
import { named, time } from "./page-marks.ts";
import { banner, type Summary } from "./page-outcome.ts";
import { list } from "./page-problems.ts";
import { printable } from "./printable.ts";
import { shortReference } from "./short-reference.ts";

/** What an image's owner says by a policy of his own: a lesser mark (RULES R1, R3). */
export interface OwnerSays {
  /** `acme/app`, or its address. */
  readonly repository: string;
  readonly outcome: Outcome;
  readonly asOf: Date;
  readonly policyUrl: string | undefined;
}

/** All that the page of an image shows. */
export interface ImagePageContent {
  readonly head: AnswerHead;
  readonly document: VerdictDocument;
  readonly facts: AnswerFacts;
  /** When the tag was last seen to name this digest; undefined where nobody looked, and nothing is said of the tag (RULES R26). */
  readonly resolvedAt: Date | undefined;
  readonly policyUrl: string;
  readonly owners: readonly OwnerSays[];
  /** Public repositories that build under the image's name, and that nothing accepted says are its source (RULES R3). */
  readonly claims: readonly string[];
  readonly past: readonly PastAnswer[];
  /** From {@link drawAncestry}. */
  readonly picture: Markup;
  readonly places: ServerPlaces;
  /** Its page under a digest. */
  readonly pageOfDigest: (digest: Digest) => string;
}

/** The page of an image whose verdict holds now: one whole document that needs no script. */
export function imagePage(content: ImagePageContent): string {
  const { head, document: verdict, facts, resolvedAt, picture } = content;
  const { digest, ...byTag } = head.image;
  // Asked for by tag and digest it is about the digest alone: what the tag names by now wasn't looked at.
  const isOfTag = byTag.tag !== undefined && resolvedAt !== undefined;
  const name = formatReference(isOfTag ? byTag : head.image);
  const summary = summaryOf(verdict, head.asOf);
  return document({
    title: `${summary.word}: ${printable(name)}`,
    crumb: html`<a href="/">All images</a>`,
    main: html`${banner(summary, named(name))}
${list("What is wrong", verdict.faults, verdict.nodes, "bad")}${list("What could not be looked at", verdict.unreachable, verdict.nodes, "unknown")}
${policies(content)}
${sources(head, verdict, facts, resolvedAt)}
<section><h2>Ancestry</h2>${picture}</section>
<section><h2>Every image</h2>${table(verdict, "")}</section>
${warnings(verdict)}
${packages(facts)}
${byYourself(head, content.places)}
${past(content.past, content.pageOfDigest, digest)}`,
    footer: html`Digest ${named(digest)} · result ${named(head.result)}`,
    script: ANCESTRY_SCRIPT_PATH,
  });
}

function summaryOf(verdict: VerdictDocument, asOf: Date): Summary {
  const sign = markOfOutcome(verdict.verdict);
  const when = html`<span class="soft small">by this server's published policy, as of ${time(asOf)}</span>`;
  switch (verdict.verdict) {
    case "trusted":
      return { sign, word: "Trusted", lines: [html`${extentOf(verdict)}`, when] };
    case "untrusted": {
      const [fault] = verdict.faults;
      const others = faultGroups(verdict.faults).length - 1;
      const line =
        fault === undefined
          ? []
          : [
              html`${named(fault.code)}: ${generationOf(fault)} ${named(wayTo(fault, verdict.nodes).at(-1)?.name ?? fault.node)}${others === 0 ? "" : `, and ${several(others, "other fault")}`}`,
            ];
      return { sign, word: "Untrusted", lines: [...line, when] };
    }
    case "undetermined":
      return {
        sign,
        word: "Undetermined",
        lines: [
          html`Something could not be looked at. This says nothing about the image: it is neither trusted nor untrusted.`,
          when,
        ],
      };
  }
}

function warnings({ nodes }: VerdictDocument): Markup | "" {
  const told = new Map(
    nodes.flatMap(({ reference, warnings: each }) =>
      each.map((warning) => [`${reference} ${warning}`, { reference, warning }] as const),
    ),
  );
  if (told.size === 0) return "";
  return html`<section><h2>Warnings</h2><ul class="card" role="list">${[...told.values()].map(
    ({ reference, warning }) => html`<li>${named(shortReference(reference))}: ${printable(warning)}</li>`,
  )}</ul></section>`;
}
