import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { Outcome } from "../../src/build/build.ts";
import type { OnboardingDraft } from "../../src/change/onboarding-state.ts";
import { buildPage, errorPage } from "../../src/report/build-page.ts";
import { onboardingPage } from "../../src/report/onboarding-page.ts";
import { agreementPage, registeredPage, setupPage } from "../../src/report/setup-page.ts";
import { build, judgedBy, organisation, run, settled, trusted, untrusted } from "../report/builds.ts";
import { hostile } from "../report/hostile.ts";
import { browser } from "../world/browser.ts";
import { look, PICTURES } from "./look.ts";

const isTrusted: Outcome = { kind: "verdict", verdict: "trusted" };
const isUntrusted: Outcome = { kind: "verdict", verdict: "untrusted" };
const wrong: Outcome = {
  kind: "policy-wrong",
  policy: "acme/app/.github/trusted-builds.yml",
  faults: [{ line: 4, column: 7, path: "trust.builders[0].level", message: "unknown key" }],
};
const waiting = { reason: "asked ghcr.io for a manifest: 500", until: new Date("2027-02-01T12:01:00Z") };

/** A page without script that waits has no other way to show that something happened. */
const EXPECTED = /: axe: meta-refresh:/;

const policy = readFileSync("examples/policy.yml", "utf8");
const draft: OnboardingDraft = {
  head: "a".repeat(40),
  defaultBranch: "main",
  isPolicyNew: true,
  files: [
    { path: ".github/trusted-builds.yml", text: policy },
    { path: ".github/workflows/trusted-builds.yml", text: `# ${"long ".repeat(100)}\n` },
  ],
  dockerfiles: [
    {
      path: "Dockerfile",
      image: "ghcr.io/acme/app",
      state: { kind: "judged", outcome: "untrusted", faults: [], moreFaults: 0, parents: [], moreParents: 0 },
    },
    {
      path: `${"deep/".repeat(20)}Dockerfile`,
      image: "ghcr.io/acme/tools",
      state: { kind: "refused", line: 3, column: 1, reason: "no such instruction" },
    },
  ],
  aside: [],
  moreAside: 0,
  madeAt: 0,
};

const PAGES: Readonly<Record<string, string>> = {
  "build-waiting": buildPage(build({ phase: "verifying", run, waiting, failures: 2 }), []),
  "build-trusted": buildPage(settled(isTrusted), [judgedBy(trusted)]),
  "build-untrusted": buildPage(settled(isUntrusted), [judgedBy(trusted), judgedBy(untrusted, organisation)]),
  "build-failed": buildPage(settled({ kind: "build-failed", conclusion: "failure", log: "y".repeat(300) }), []),
  "build-policy-wrong": buildPage(settled(wrong), []),
  "build-hostile": buildPage(hostile(settled(isUntrusted)), [judgedBy(hostile(untrusted))]),
  onboarding: onboardingPage(build().repository, draft, "https://github.com"),
  error: errorPage(404, "Not found", "There is nothing at this address, or nothing that may be seen here."),
  "set-up": setupPage({ publicUrl: undefined, file: "/srv/trusted-builds/.env" }),
  "set-up-wrong": setupPage({
    faults: ["The organisation: its name at GitHub"],
    publicUrl: "https://builds.example.org",
    file: "/srv/trusted-builds/.env",
    entered: { publicUrl: "", organisation: "acme!", writes: true },
  }),
  "set-up-agreement": agreementPage({
    action: "https://github.com/settings/apps/new?state=s",
    manifest: "{}",
    deliveries: "http://localhost:3000/api/github/webhooks",
    permissions: { contents: "write", checks: "write", metadata: "read" },
    events: ["push", "workflow_run", "check_run", "pull_request", "repository"],
    isLoopback: true,
  }),
  "set-up-registered": registeredPage(
    { slug: "trusted-builds-acme", url: "https://github.com/apps/trusted-builds-acme" },
    "/srv/trusted-builds/.env",
  ),
};

for (const [name, page] of Object.entries(PAGES))
  test(`the page ${name} is whole at every width, light and dark, and barred to nobody`, async (t) => {
    const chromium = await browser(t);
    if (chromium === undefined) return;
    t.diagnostic(`pictures are in ${PICTURES}`);
    const { complaints } = await look(chromium, page, { name, schemes: ["light", "dark"] });
    assert.deepEqual(
      complaints.filter((each) => !EXPECTED.test(each)),
      [],
    );
  });
