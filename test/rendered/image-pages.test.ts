import assert from "node:assert/strict";
import { test } from "node:test";
import { parseReference } from "../../src/image/reference.ts";
import { ANCESTRY_SCRIPT, ANCESTRY_SCRIPT_PATH } from "../../src/report/ancestry-script.ts";
import { BADGE_STYLES, badge } from "../../src/report/badge.ts";
import { inquiryPage } from "../../src/report/inquiry-page.ts";
import { missingImagePage } from "../../src/report/missing-image-page.ts";
import { IMAGE_PAGE_POLICY } from "../../src/report/page-layout.ts";
import { pendingImagePage } from "../../src/report/pending-image-page.ts";
import { type SearchPageContent, searchPage } from "../../src/report/search-page.ts";
import { hostile } from "../report/hostile.ts";
import { contentOf, FACTS, pageOf, TRUSTED, UNDETERMINED, UNTRUSTED } from "../report/image-pages.ts";
import { digest } from "../report/verdicts.ts";
import { browser } from "../world/browser.ts";
import { look, PICTURES } from "./look.ts";

/** A page without script that waits has no other way to show that something happened. */
const EXPECTED = /: axe: meta-refresh:/;

const image = parseReference("ghcr.io/acme/app:1.0.0");
const { head } = await contentOf(TRUSTED);
const search: SearchPageContent = {
  words: { q: "acme", source: "", owner: "", verdict: "" },
  found: [
    ["ghcr.io/acme/app:1.0.0", "trusted", false],
    ["ghcr.io/acme/db:16", "untrusted", false],
    [`ghcr.io/acme/tool@${digest("tool")}`, "undetermined", false],
    [`ghcr.io/${"long/".repeat(30)}app:${"x".repeat(120)}`, "undetermined", true],
  ].map(([name, outcome, isPending]) => ({
    name: String(name),
    outcome: outcome as "trusted",
    isPending: isPending === true,
    asOf: new Date("2027-02-01T12:00:00Z"),
    source: "https://github.com/acme/app",
    page: "/images/ghcr.io/acme/app:1.0.0",
  })),
  next: "/images?q=acme&after=2",
  policyUrl: "/v1/policies/sha256:1",
  asks: true,
};
const owners = {
  owners: [
    {
      repository: "acme/app",
      outcome: "trusted" as const,
      asOf: new Date("2027-02-01T11:00:00Z"),
      policyUrl: "https://github.com/acme/app/blob/main/policy.yml",
    },
  ],
  claims: ["mallory/app", "eve/app"],
};
const spoiled = hostile(await contentOf(UNTRUSTED, owners), [
  "version",
  "result",
  "policyUrl",
  "id",
  "image",
  "expires",
  "picture",
  "places",
  "format",
  "publicUrl",
]);

const PAGES: Readonly<Record<string, string>> = {
  "image-trusted": await pageOf(TRUSTED, owners),
  "image-untrusted": await pageOf(UNTRUSTED),
  "image-undetermined": await pageOf(UNDETERMINED, { facts: { ...FACTS, sources: [], dockerfiles: [], packages: [] } }),
  "image-pending": pendingImagePage(image, "the tag 1.0.0 names another image since, and that isn't judged yet", head),
  "image-missing": missingImagePage(true),
  "image-being-judged": inquiryPage(image, undefined),
  "image-could-not-look": inquiryPage(image, { reason: "asked ghcr.io: 503", until: new Date("2027-02-01T12:01:00Z") }),
  "image-search": searchPage(search),
};

for (const [name, html] of Object.entries(PAGES))
  test(`the page ${name} is whole at every width, by day and by night, and barred to nobody`, async (t) => {
    const chromium = await browser(t);
    if (chromium === undefined) return;
    t.diagnostic(`pictures are in ${PICTURES}`);
    const { complaints, elements } = await look(chromium, html, {
      name,
      schemes: ["light", "dark"],
      policy: IMAGE_PAGE_POLICY,
      scripts: { [ANCESTRY_SCRIPT_PATH]: ANCESTRY_SCRIPT },
    });
    const refreshes = html.includes('http-equiv="refresh"');
    assert.deepEqual(
      complaints.filter((each) => !(refreshes && EXPECTED.test(each))),
      [],
    );
    assert.deepEqual(
      elements.filter((each) => ["img", "iframe", "foreignobject", "object"].includes(each)),
      [],
    );
  });
void spoiled;
void BADGE_STYLES;
void badge;
