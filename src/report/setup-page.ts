import { html } from "hono/html";
import { document, type Markup } from "./page-layout.ts";
import { linked, named } from "./page-marks.ts";
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

/** What the set-up page shows. */
export interface SetupPage {
  /** What is wrong with what was entered. */
  readonly faults?: readonly string[];
  /** As it is configured; undefined: it is asked for. */
  readonly publicUrl: string | undefined;
  /** The file that credentials will be kept in. */
  readonly file: string;
  /** What was entered, to be mended; never the token. */
  readonly entered?: { readonly publicUrl: string; readonly organisation: string; readonly writes: boolean };
}

/** The page of a server that has no app yet: a form that registers one, and what to set where that is done by hand. */
export function setupPage({ faults = [], publicUrl, file, entered }: SetupPage): string {
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
${wrong(faults)}
<section><h2>Register an app</h2><form class="card" method="post" action="/setup">
<label>Token <span class="soft">The server has printed it where it was started. It serves once.</span><input name="token" type="text" required autocomplete="off" spellcheck="false"></label>
${
  publicUrl === undefined
    ? html`<label>Address of this server <span class="soft">Where GitHub and people reach it, as https://builds.example.org</span><input name="public-url" type="url" required value="${printable(entered?.publicUrl ?? "")}"></label>`
    : html`<p>GitHub will deliver to this server at ${named(publicUrl)}, which is its <code>PUBLIC_URL</code>.</p>`
}
<label>Organisation <span class="soft">Whose app it is to be. Without one it is yours.</span><input name="organisation" type="text" autocomplete="off" spellcheck="false" value="${printable(entered?.organisation ?? "")}"></label>
<label class="choice"><input name="writes" type="checkbox" value="yes"${entered?.writes ? html` checked` : ""}>Ask for permission to write, too <span class="soft">For pull requests that pin digests, and that propose workflow and policy. Without it the app shows what it would write.</span></label>
<button type="submit">Go on</button>
</form><p class="soft small">What GitHub then tells will be kept in ${named(file)} on this server.</p></section>
<section><h2>By hand</h2><ol class="card numbered">
<li>Register a GitHub App with the permissions and events of <a href="${MANIFEST}" rel="noreferrer"><code>app.yml</code></a>, which says why each is needed. Its webhook address is this server's, with the path <code>/api/github/webhooks</code>.</li>
<li>Set these variables, all of them, where this server is started.</li>
<li>Start it again, and install the app where images are to be built.</li>
</ol></section>
<section><h2>Variables</h2><dl class="box facts">${VARIABLES.map(({ name, meaning }) => html`<div><dt><code>${name}</code></dt><dd>${meaning}</dd></div>`)}</dl></section>`,
  });
}

/** What GitHub will be asked for. */
export interface AgreementPage {
  /** GitHub's page for new apps, where the form is sent. */
  readonly action: string;
  /** As JSON. */
  readonly manifest: string;
  readonly deliveries: string;
  readonly permissions: Readonly<Record<string, string>>;
  readonly events: readonly string[];
  readonly isLoopback: boolean;
}

/** The page between the form and GitHub: what GitHub is going to ask, before anybody is asked it. */
export function agreementPage(page: AgreementPage): string {
  const { action, manifest, deliveries, permissions, events, isLoopback } = page;
  const asked = Object.entries(permissions).map(([name, access]) => html`<li>${named(name)}: ${access}</li>`);
  return document({
    title: "Trusted Builds: set-up",
    main: html`${banner(
      {
        sign: "busy",
        word: "On to GitHub",
        lines: [html`GitHub asks for a name, registers the app, and sends you back.`],
      },
      html`Set-up mode`,
    )}
${isLoopback ? wrong([`GitHub can't reach ${deliveries}: nothing will be delivered until the app has another webhook address.`]) : ""}
<section><h2>What the app will be</h2><dl class="box facts">
<div><dt>Deliveries to</dt><dd>${named(deliveries)}</dd></div>
<div><dt>Permissions</dt><dd><ul role="list">${asked}</ul></dd></div>
<div><dt>Events</dt><dd>${events.join(", ")}</dd></div>
</dl></section>
<section><h2>Go on</h2><form class="card" method="post" action="${action}"><input type="hidden" name="manifest" value="${manifest}"><button type="submit">Register it at GitHub</button></form></section>`,
  });
}

/** The page that GitHub sends people back to when the app is there. It shows none of its secrets. */
export function registeredPage(app: { readonly slug: string; readonly url: string }, file: string): string {
  return document({
    title: "Trusted Builds: set up",
    main: html`${banner(
      {
        sign: "good",
        word: "Registered",
        lines: [html`This server is now the app ${linked(app.slug, app.url)}, and goes on as such by itself.`],
      },
      html`Set-up mode`,
    )}
<section><h2>What to do</h2><ol class="card numbered">
<li>${linked("Install the app", `${app.url}/installations/new`)} where images are to be built.</li>
<li>See that ${named(file)} outlives this server: its key is nowhere else. A server elsewhere needs the same variables.</li>
</ol></section>`,
  });
}

function wrong(faults: readonly string[]): Markup | "" {
  if (faults.length === 0) return "";
  return html`<section><h2>What is wrong so far</h2><ul class="card fault bad" role="list">${faults.map((fault) => html`<li>${printable(fault)}</li>`)}</ul></section>`;
}
