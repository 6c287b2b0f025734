import { html } from "hono/html";
import type { ImagePageContent, OwnerSays } from "./image-page.ts";
import { markOfOutcome } from "./marks.ts";
import type { Markup } from "./page-layout.ts";
import { linked, marked, named, time } from "./page-marks.ts";
import { printable } from "./printable.ts";
import { levelWords } from "./text.ts";

/** Whose policy says what: the operator's decides; the owners' are lesser marks, and none of several claims on a name wins (RULES R1, R3). */
export function policies({
  head,
  document,
  policyUrl,
  owners,
  claims,
}: Pick<ImagePageContent, "head" | "document" | "policyUrl" | "owners" | "claims">): Markup {
  return html`<section><h2>Whose answer it is</h2><dl class="box facts">
<div><dt>Published policy</dt><dd>${marked(markOfOutcome(head.outcome), head.outcome)}, level ${levelWords(document)}</dd><dd class="small soft"><a href="${policyUrl}">${printable(head.policy.name)}</a>, ${named(head.policy.digest)}: that of whoever runs this server. Another policy may say otherwise.</dd></div>
${head.validUntil === undefined ? "" : html`<div><dt>Holds until</dt><dd>${time(head.validUntil)}: then something lapses that it rests on</dd></div>`}
${owners.length === 0 ? "" : html`<div><dt>Owner's own policy</dt>${owners.map(ownerLine)}<dd class="small soft">A lesser mark: an owner decides by it about his own builds, and nothing else.</dd></div>`}
${claimLines(claims)}
</dl></section>`;
}

function ownerLine({ repository, outcome, asOf, policyUrl }: OwnerSays): Markup {
  const says = { trusted: "passes", untrusted: "doesn't pass", undetermined: "couldn't be judged" }[outcome];
  // No mark of ours: a tick here would be read as the answer.
  return html`<dd><span class="lesser">${says}</span> ${linked(repository, policyUrl)}, as of ${time(asOf)}</dd>`;
}

function claimLines(names: readonly string[]): Markup | "" {
  if (names.length === 0) return "";
  return html`<div><dt>Also build under this name</dt>${names.map((name) => html`<dd>${named(name)}</dd>`)}<dd class="small soft">Anyone may call an image what he likes, and none of these is signed for this one. Whose it is, its provenance says.</dd></div>`;
}
