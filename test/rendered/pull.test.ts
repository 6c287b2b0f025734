import assert from "node:assert/strict";
import { test } from "node:test";
import { pullPage } from "../../src/report/pull-page.ts";
import { pullReport } from "../../src/report/pull-report.ts";
import {
  type Case,
  ENDINGS,
  manifold,
  newParent,
  ratchetPass,
  spoiled,
  trusted,
  undetermined,
} from "../report/pull-cases.ts";
import { check } from "../report/pulls.ts";
import { browser } from "../world/browser.ts";
import { checkRunView } from "./check-run-view.ts";
import { look, PICTURES } from "./look.ts";

const server = "https://github.com";
const page = "https://builds.example/pulls/4f0e2d64-5a3e-4f0e-9d5b-3f1f8f1a2b3c";
const SHOWN: Readonly<Record<string, Case>> = {
  trusted,
  "new-parent": newParent,
  "ratchet-pass": ratchetPass,
  undetermined,
  manifold,
  "policy-wrong": { check: check({ outcome: ENDINGS[3] }), documents: new Map() },
  hostile: spoiled(manifold),
};
const isOurs = (link: string) => /^https:\/\/(github\.com|builds\.example)\//.test(link);

for (const [name, given] of Object.entries(SHOWN)) {
  test(`the check run of a pull request (${name}) is whole at every width, and barred to nobody`, async (t) => {
    const chromium = await browser(t);
    if (chromium === undefined) return;
    t.diagnostic(`pictures are in ${PICTURES}`);
    const report = pullReport(given.check, given.documents, { server, page });
    const { complaints, elements, links } = await look(
      chromium,
      checkRunView("trusted-builds / pull request", report),
      {
        name: `pull-check-run-${name}`,
        schemes: ["light"],
        policy: "default-src 'none'; style-src 'unsafe-inline'",
      },
    );
    assert.deepEqual(complaints, []);
    assert.deepEqual(
      elements.filter((element) => ["img", "script", "iframe", "form", "input"].includes(element)),
      [],
    );
    assert.deepEqual(
      links.filter((link) => !isOurs(link)),
      [],
    );
  });

  test(`the page of a pull request's check (${name}) is whole at every width, and barred to nobody`, async (t) => {
    const chromium = await browser(t);
    if (chromium === undefined) return;
    const html = pullPage(given.check, given.documents, { server });
    const { complaints, links } = await look(chromium, html, { name: `pull-page-${name}`, schemes: ["light", "dark"] });
    assert.deepEqual(complaints, []);
    assert.deepEqual(
      links.filter((link) => !isOurs(link)),
      [],
    );
  });
}
