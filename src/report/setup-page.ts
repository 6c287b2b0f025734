import { html } from "hono/html";
import { document } from "./page-layout.ts";
import { banner } from "./page-outcome.ts";
import { printable } from "./printable.ts";

/** Where the app's manifest is, with a reason behind each permission and event. */
const MANIFEST = "https://github.com/trusted-builds/trusted-builds/blob/main/app.yml";

const VARIABLES: readonly { readonly name: string; readonly meaning: string }[] = [
  { name: "APP_ID", meaning: "the number on the app's page at GitHub" },
  {
    name: "PRIVATE_KEY or PRIVATE_KEY_PATH",
    meaning: "the key that GitHub makes for the app, in PEM: its text, or the file it is in",
  },
  { name: "WEBHOOK_SECRET", meaning: "the secret that the app's page at GitHub has: 16 random characters or more" },
];

/** The page of a server that has no app yet: how to register one, and what to set. @param faults - What is wrong so far. */
export function setupPage(faults: readonly string[] = []): string {
  return document({
    title: "Trusted Builds: set-up",
    main: html`${banner(
      {
        sign: "busy",
        word: "Not set up yet",
        lines: [html`This server runs, and has no GitHub App. It does nothing until it knows one.`],
      },
      html`Set-up mode`,
    )}
${faults.length === 0 ? "" : html`<section><h2>What is wrong so far</h2><ul class="card fault bad" role="list">${faults.map((fault) => html`<li>${printable(fault)}</li>`)}</ul></section>`}
<section><h2>What to do</h2><ol class="card numbered">
<li>Register a GitHub App with the permissions and events of <a href="${MANIFEST}" rel="noreferrer"><code>app.yml</code></a>, which says why each is needed. Its webhook address is this server's, with the path <code>/api/github/webhooks</code>.</li>
<li>Set these variables, all of them, where this server is started.</li>
<li>Start it again, and install the app where images are to be built.</li>
</ol></section>
<section><h2>Variables</h2><dl class="box facts">${VARIABLES.map(({ name, meaning }) => html`<div><dt><code>${name}</code></dt><dd>${meaning}</dd></div>`)}</dl></section>`,
  });
}
