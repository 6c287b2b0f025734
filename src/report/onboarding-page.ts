import { html } from "hono/html";
import type { Repository } from "../build/build.ts";
import type { OnboardingDraft } from "../change/onboarding-state.ts";
import { newFileUrl } from "./onboarding-links.ts";
import { document } from "./page-layout.ts";
import { banner } from "./page-outcome.ts";
import { printable } from "./printable.ts";

/** The page of a proposal where the app may not write: both files, to copy, with links that open GitHub's editor with them in it. */
export function onboardingPage(repository: Repository, draft: OnboardingDraft, server: string): string {
  const name = `${repository.owner}/${repository.name}`;
  const by = draft.isPolicyNew ? "the proposed policy" : "the policy that is there";
  return document({
    title: `Trusted Builds: ${printable(name)}`,
    crumb: html`${printable(name)}`,
    main: html`${banner(
      {
        sign: "busy",
        word: "Files to add",
        lines: [
          html`With these on the default branch, an image is built when a tag is pushed, and judged with every image that it was built from.`,
        ],
      },
      html`Proposal`,
    )}
${draft.files.map((file) => {
  const link = newFileUrl(server, repository, draft.defaultBranch, file);
  return html`<section><h2><code>${printable(file.path)}</code></h2>
${link === undefined ? "" : html`<p><a href="${link.url}" rel="noreferrer">Open GitHub's editor${link.isFilled ? " with it filled in" : "; it is too long for a link, so copy it"}</a></p>`}
<pre class="box" tabindex="0">${file.text.trimEnd().split("\n").map(printable).join("\n")}</pre></section>`;
})}
<section><h2>Today, by ${by}</h2><p>What each image would be if it were built now: a forecast, and no verdict.</p>
<dl class="box facts">${draft.dockerfiles.map(
      ({ path, image, state }) =>
        html`<div><dt><code>${printable(path)}</code></dt><dd><code>${printable(image)}</code>: ${state.kind === "refused" ? `can't be read: line ${state.line}, column ${state.column}` : state.outcome}</dd></div>`,
    )}</dl></section>`,
  });
}
