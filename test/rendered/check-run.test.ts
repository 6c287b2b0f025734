import assert from "node:assert/strict";
import { test } from "node:test";
import type { Outcome } from "../../src/build/build.ts";
import type { CheckRunReport } from "../../src/build/ports.ts";
import { checkRunReport } from "../../src/report/check-run.ts";
import { build, judgedBy, organisation, run, settled, trusted, untrusted } from "../report/builds.ts";
import { hostile } from "../report/hostile.ts";
import { browser } from "../world/browser.ts";
import { checkRunView } from "./check-run-view.ts";
import { look, PICTURES } from "./look.ts";

const options = {
  page: "https://builds.example/builds/0b9c2d64-5a3e-4f0e-9d5b-3f1f8f1a2b3c",
  workflowFile: "trusted-builds.yml",
};
const isTrusted: Outcome = { kind: "verdict", verdict: "trusted" };
const isUntrusted: Outcome = { kind: "verdict", verdict: "untrusted" };
const failed: Outcome = { kind: "build-failed", conclusion: "failure", log: `${"x".repeat(300)}\n<b>no</b>\n` };
const wrong: Outcome = {
  kind: "policy-wrong",
  policy: "acme/app/.github/trusted-builds.yml",
  faults: [{ line: 4, column: 7, path: "trust.builders[0].level", message: "unknown key" }],
};
const bothPolicies = [judgedBy(trusted), judgedBy(untrusted, organisation)];

const REPORTS: Readonly<Record<string, CheckRunReport>> = {
  building: checkRunReport(
    build({ phase: "dispatched", run, runStatus: { status: "in_progress", since: new Date("2027-02-01T11:58:00Z") } }),
    [],
    options,
  ),
  trusted: checkRunReport(settled(isTrusted), [judgedBy(trusted)], options),
  untrusted: checkRunReport(settled(isUntrusted), bothPolicies, options),
  undetermined: checkRunReport(settled({ kind: "undetermined", reason: "asked ghcr.io: 500" }), [], options),
  "build-failed": checkRunReport(settled(failed), [], options),
  "policy-wrong": checkRunReport(settled(wrong), [], options),
};
const HOSTILE: CheckRunReport = checkRunReport(
  hostile(settled(isUntrusted)),
  [judgedBy(hostile(trusted)), judgedBy(hostile(untrusted), organisation)],
  options,
);

/** Elements that Markdown of ours becomes, and the page around it. */
const ELEMENTS = new Set(
  "html head meta title style body main h1 h2 div h3 p ul ol li a code pre strong em br table thead tbody tr th td button".split(
    " ",
  ),
);
/** The view has GitHub's stylesheet; what GitHub's own policy lets in is no concern of these tests. */
const policy = "default-src 'none'; style-src 'unsafe-inline'";

for (const [name, report] of Object.entries({ ...REPORTS, hostile: HOSTILE }))
  test(`the check run of a build (${name}) is whole at every width, and barred to nobody`, async (t) => {
    const chromium = await browser(t);
    if (chromium === undefined) return;
    t.diagnostic(`pictures are in ${PICTURES}`);
    const html = checkRunView("trusted-builds / ghcr.io/acme/app", report);
    const { complaints, elements, links } = await look(chromium, html, {
      name: `check-run-${name}`,
      schemes: ["light"],
      policy,
    });
    assert.deepEqual(complaints, []);
    assert.deepEqual(
      elements.filter((element) => !ELEMENTS.has(element)),
      [],
    );
    assert.deepEqual(
      links.filter((link) => !/^https:\/\/(github\.com|builds\.example)\//.test(link)),
      [],
    );
  });
