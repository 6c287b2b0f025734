import type { Command } from "commander";
import { EXIT, type ExitCode } from "./exit-code.ts";

/** Adds `serve` to the program. */
export function addServeCommand(program: Command, end: (code: ExitCode) => void): void {
  program
    .command("serve")
    .summary("run the GitHub App")
    .description(
      `Runs the GitHub App: takes GitHub's webhooks, has images built on tag pushes, judges them, and says so in check runs.
It is configured by the environment, and by .env in the working directory. Without APP_ID, PRIVATE_KEY and WEBHOOK_SECRET it starts in
set-up mode: its page registers an app, and keeps these there.`,
    )
    .addHelpText(
      "after",
      `
The app, from its page at GitHub (all or none):
  APP_ID                      its number
  PRIVATE_KEY                 its key in PEM, on one line with \\n, or in base64; or PRIVATE_KEY_PATH
  WEBHOOK_SECRET              at least 16 random characters
Where:
  HOST, PORT                  where to listen (localhost, 3000)
  ENV_FILE                    another file than .env; what is set in the environment counts for more
  PUBLIC_URL                  where people reach it: check runs then link to the page of a build
  GHE_HOST, GHE_PROTOCOL      a GitHub Enterprise Server instead of github.com
What is kept:
  DATA_DIR                    the embedded database (data); one process at a time
  DATABASE_URL                postgres://… instead; any number of processes
  CACHE_MIB                   how much is kept of what registries show to anyone (256; 0 is nothing)
What is believed and reached:
  ROOTS_DIR                   where refreshed trusted roots are kept (default: DATA_DIR/roots)
  REFRESH_ROOTS_SECONDS       how often they are refreshed (default: 86400; 0 is never)
  TRUSTED_ROOTS               files of Sigstore trusted roots instead of the public good's and GitHub's
  TRUSTED_BUILDS_ALLOW_HOSTS  HOST:PORT of registries whose address isn't public
  REGISTRY_CREDENTIALS        a directory with Docker's config.json; used for whatever image a repository's policy names
Signed summaries of verdicts (VSAs):
  VERIFIER_ID                 the beginning of verifier.id (PUBLIC_URL/verifiers)
  VSA_SIGNING_KEY             the key that signs them, EC on P-256; or VSA_SIGNING_KEY_PATH (one made and kept in DATA_DIR)
  TSA_URL                     the RFC 3161 authority that timestamps them
  VSA_ATTACH                  on: hung on their images, with REGISTRY_CREDENTIALS (off)
Pace, in seconds:
  RETRY_SECONDS               before each further try where something could not be looked at (15 60 180 600 1800 3600 3600)
  POLL_SECONDS                between looks at a run, beside the events (60)
  LISTING_SECONDS             how late GitHub may list a run that it has started (30)
  RECONCILE_SECONDS           between looks for tags and deliveries that no event told (300)
  RENOVATE_EVERY              seconds between looks at each repository's pinned digests (86400; 0: never)
  GITHUB_THROTTLE             off where a server of your own has no limits on writes (on)
For those who ask about images (docs/answers.md):
  POLICY_FILE                 the published policy (default: that of verify)
  INQUIRIES                   how many images are judged at once for them (2; 0 is none)
  GITHUB_READ_TOKEN           a token of no permissions, with which GitHub is asked what everyone may know
  ANSWERS_CREDENTIALS         on: answers for everyone may rest on what REGISTRY_CREDENTIALS show (off)
  TRUSTED_PROXIES             addresses of proxies whose word on who asks is believed
  MODE                        answers: only that, without an app at GitHub (app)
  ADMISSION_PORT              where a cluster asks, over TLS: docs/kubernetes.md has the rest
Other:
  CONCURRENCY                 how many builds are moved on side by side (4)
  LOG_LEVEL                   trace, debug, info, warn, error, fatal (info)

Exit codes:
  0  stopped by SIGINT or SIGTERM
  1  it could not start: what is wrong is said, all of it at once`,
    )
    .action(async () => {
      // Loaded only here: the server's libraries would slow every other command down.
      const { main } = await import("../app/main.ts");
      end((await main(process.env)) === 0 ? EXIT.trusted : EXIT.untrusted);
    });
}
