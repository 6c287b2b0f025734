import assert from "node:assert/strict";
import { test } from "node:test";
import { parseReference } from "../../src/image/reference.ts";
import { drawAncestry } from "../../src/report/ancestry-picture.ts";
import { ANCESTRY_SCRIPT, ANCESTRY_SCRIPT_PATH } from "../../src/report/ancestry-script.ts";
import { BADGE_STYLES, badge } from "../../src/report/badge.ts";
import { imagePage } from "../../src/report/image-page.ts";
import { inquiryPage } from "../../src/report/inquiry-page.ts";
import { missingImagePage } from "../../src/report/missing-image-page.ts";
import { IMAGE_PAGE_POLICY } from "../../src/report/page-layout.ts";
import { pendingImagePage } from "../../src/report/pending-image-page.ts";
import { type SearchPageContent, searchPage } from "../../src/report/search-page.ts";
import { hostile } from "../report/hostile.ts";
import { contentOf, DEEP, FACTS, pageOf, TRUSTED, UNDETERMINED, UNTRUSTED } from "../report/image-pages.ts";
import { digest, fault, node, verdict } from "../report/verdicts.ts";
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
/** Names as long as they may be, and longer; markup in all that strangers write. */
const spoiled = hostile(await contentOf(UNTRUSTED, owners), [
  ...[
    "version",
    "id",
    "policyUrl",
    "publicUrl",
    "format",
    "registry",
    "repository",
    "tag",
    "image",
    "places",
    "result",
  ],
  "picture",
]);
const evil = {
  ...spoiled.document,
  nodes: spoiled.document.nodes.map((each) => ({ ...each, reference: `${"x".repeat(1000)}"];${each.reference}` })),
};
/** Two hundred and fifty-six images, and one of them that nothing is signed about. */
const many = Array.from({ length: 256 }, (_, i) =>
  node(`image-${i}`, {
    ...(i === 250 && { finding: { kind: "unattested" as const } }),
    parents: i < 85 ? [1, 2, 3].map((k) => ({ role: k === 1 ? "base" : "input", to: `image-${3 * i + k}` })) : [],
  }),
);
const wayTo250 = [0, 2, 8, 27, 83, 250].flatMap((i) => many[i] ?? []);
const large = verdict(many, {
  outcome: "untrusted",
  level: 0,
  faults: [
    fault("unattested", ...wayTo250.map((each, i) => (i === 0 ? ([each] as const) : ([each, "base"] as const)))),
  ],
});
const badgeSheet = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Badges</title></head><body><main><h1>Badges</h1>${BADGE_STYLES.map(
  (style) =>
    `<p>${(["trusted", "untrusted", "undetermined", "unknown"] as const).map((says) => badge(says, style, "trusted build").replaceAll(/(id="|url\(#|href="#)/g, `$1${style}-${says}-`)).join(" ")}</p>`,
).join("")}</main></body></html>`;

const PAGES: Readonly<Record<string, string>> = {
  "image-trusted": await pageOf(TRUSTED, owners),
  "image-untrusted": await pageOf(UNTRUSTED),
  "image-undetermined": await pageOf(UNDETERMINED, { facts: { ...FACTS, sources: [], dockerfiles: [], packages: [] } }),
  "image-pending": pendingImagePage(image, "the tag 1.0.0 names another image since, and that isn't judged yet", head),
  "image-missing": missingImagePage(true),
  "image-being-judged": inquiryPage(image, undefined),
  "image-could-not-look": inquiryPage(image, { reason: "asked ghcr.io: 503", until: new Date("2027-02-01T12:01:00Z") }),
  "image-search": searchPage(search),
  "image-large": await pageOf(large),
  "image-mixed": await pageOf(
    verdict(DEEP, { outcome: "untrusted", faults: DEEP.slice(0, 1).map((each) => fault("mixed-index", [each])) }),
  ),
  "image-hostile": imagePage({ ...spoiled, document: evil, picture: await drawAncestry(evil, () => undefined) }),
};

for (const [name, html] of Object.entries(PAGES))
  test(`the page ${name} is whole at every width, by day and by night, and barred to nobody`, async (t) => {
    const chromium = await browser(t);
    if (chromium === undefined) return;
    t.diagnostic(`pictures are in ${PICTURES}`);
    const { complaints, elements } = await look(chromium, html, {
      name,
      // They have no colour that the others don't, and the long ones take axe a while.
      schemes: ["image-large", "image-mixed", "image-hostile"].includes(name) ? ["light"] : ["light", "dark"],
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

test("badges are whole in every style, and barred to nobody", async (t) => {
  const chromium = await browser(t);
  if (chromium === undefined) return;
  const policy = "default-src 'none'; style-src 'unsafe-inline'";
  const { complaints } = await look(chromium, badgeSheet, { name: "image-badges", schemes: ["light"], policy });
  assert.deepEqual(complaints, []);
});
