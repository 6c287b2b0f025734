import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import type { Build, Outcome } from "../../src/build/build.ts";
import { buildPage, CONTENT_SECURITY_POLICY, errorPage } from "../../src/report/build-page.ts";
import type { JudgedBy } from "../../src/report/judged-by.ts";
import { agreementPage, registeredPage, setupPage } from "../../src/report/setup-page.ts";
import { build, judgedBy, organisation, run, settled, trusted, untrusted } from "./builds.ts";
import { hostile } from "./hostile.ts";
import { found } from "./pages.ts";
import { chainOf, digest, fault, findings, node, verdict } from "./verdicts.ts";

const isTrusted: Outcome = { kind: "verdict", verdict: "trusted" };
const isUntrusted: Outcome = { kind: "verdict", verdict: "untrusted" };
const waiting = { reason: "asked ghcr.io for a manifest: 500", until: new Date("2027-02-01T12:01:00Z") };
const wordOf = (page: string) => /<h1>(.*?)<\/h1>/s.exec(page)?.[1];
const refreshes = (page: string) => page.includes('<meta http-equiv="refresh" content="3">');
/** The steps by the words that stand there for those who don't see the signs. */
const stepsOf = (page: string) =>
  [...page.matchAll(/<span class="name">(.*?)<\/span><span[^>]*>: (.*?)<\/span>/g)].map(([, , word]) => word);

const ENDINGS: readonly Outcome[] = [
  { kind: "undetermined", reason: "no answer" },
  { kind: "build-failed", conclusion: "failure", log: "a\n<b>\n" },
  { kind: "cancelled" },
  {
    kind: "policy-wrong",
    policy: "acme/app/.github/trusted-builds.yml",
    faults: [{ line: 4, column: 7, path: "a.b", message: "unknown key" }],
  },
  { kind: "no-workflow", reason: "not at the tag" },
  { kind: "tag-unusable", reason: "no tag" },
];

const agreement = {
  action: "https://github.com/settings/apps/new?state=s",
  manifest: '{"name":"tb"}',
  deliveries: "https://builds.example.org/api/github/webhooks",
  permissions: { contents: "read" },
  events: ["push"],
  isLoopback: true,
};

const everyPage: readonly string[] = [
  buildPage(build(), []),
  buildPage(build({ phase: "verifying", run, waiting, failures: 2 }), []),
  ...ENDINGS.map((outcome) => buildPage(settled(outcome), [])),
  buildPage(settled(isTrusted), [judgedBy(trusted)]),
  buildPage(settled(isUntrusted), [judgedBy(trusted), judgedBy(untrusted, organisation)]),
  errorPage(404, "Not found", "nothing here"),
  setupPage({ publicUrl: undefined, file: ".env" }),
  agreementPage(agreement),
  registeredPage({ slug: "tb", url: "https://github.com/apps/tb" }, ".env"),
];

test("every page is one document that needs nothing else, and its policy lets nothing else in", () => {
  for (const page of everyPage) {
    assert.match(page, /^<!doctype html>\n<html lang="en">/);
    assert.ok(page.includes('<meta name="viewport" content="width=device-width, initial-scale=1">'));
    const [, style = ""] = /<style>(.*?)<\/style>/s.exec(page) ?? [];
    const hash = createHash("sha256").update(style).digest("base64");
    assert.ok(CONTENT_SECURITY_POLICY.startsWith(`default-src 'none'; style-src 'sha256-${hash}'; `));
    assert.deepEqual(found(page).strange, []);
    assert.equal(page.split("<h1>").length, 2, "one heading of the first level");
  }
});

test("says what an image is trusted for, and when that was", () => {
  const page = buildPage(settled(isTrusted), [judgedBy(trusted)]);
  const { text, links } = found(page);
  assert.equal(wordOf(page), "Trusted");
  assert.ok(text.includes("3 images down to scratch, level 2"));
  assert.ok(text.includes("as of 2027-02-01 12:00:00 UTC"));
  assert.ok(text.includes(digest("app index")));
  assert.deepEqual(stepsOf(page), ["done", "done", "done", "done", "trusted"]);
  for (const link of [
    "https://github.com/acme/app/tree/v1.0.0",
    `https://github.com/acme/app/commit/${"a".repeat(40)}`,
    run.url,
    `https://github.com/acme/app/blob/${"b".repeat(40)}/.github/trusted-builds.yml`,
  ])
    assert.ok(links.includes(link), link);
  assert.ok(!text.includes("What is wrong"));
  assert.equal(refreshes(page), false);
});

test("says where the signed summaries are, and on which images they hang by now", () => {
  const judged = [judgedBy(trusted)];
  const shown = (attached: readonly { readonly image: string; readonly manifest: string }[]) =>
    found(buildPage(settled(isTrusted), judged, { summaries: { address: "/builds/1/vsa.jsonl", attached } }));
  const { text, links } = shown([{ image: `ghcr.io/acme/<b>@${digest("app")}`, manifest: digest("summary") }]);
  assert.ok(text.includes(`attached to ghcr.io/acme/<b>@${digest("app")} as ${digest("summary")}`), text);
  assert.ok(links.includes("/builds/1/vsa.jsonl"));
  assert.ok(!shown([]).text.includes("attached to"));
  assert.ok(!found(buildPage(settled(isTrusted), judged)).text.includes("Signed summary"));
});

test("tells faults before all else: the grandparent, the way there, why, and what would mend it", () => {
  const page = buildPage(settled(isUntrusted), [judgedBy(untrusted)]);
  const { text } = found(page);
  assert.equal(wordOf(page), "Untrusted");
  const told = [
    "What is wrong",
    "✖ unattested its grandparent ghcr.io/acme/base:1.0.0@",
    "why unattested",
    "how to mend unattested",
    "Steps",
  ];
  const places = told.map((part) => text.indexOf(part));
  assert.ok(!places.includes(-1), JSON.stringify(told[places.indexOf(-1)]));
  assert.deepEqual(
    places,
    places.toSorted((a, b) => a - b),
  );
  const [, way = ""] = /<ol class="way"[^>]*>(.*?)<\/ol>/s.exec(page) ?? [];
  assert.deepEqual(
    [...way.matchAll(/ghcr\.io\/acme\/(\w+)/g)].map(([, name]) => name),
    ["app", "runtime", "base"],
  );
  assert.equal(page.split("○</span> attested").length - 1, 4, "no tick in tree and table for what rests on it");
  assert.deepEqual(stepsOf(page), ["done", "done", "done", "done", "untrusted"]);
});

test("R2 shows both policies' verdicts, and the ancestry as each sees it, the worse first", () => {
  const { text } = found(
    buildPage(settled(isUntrusted), [judgedBy(trusted, { isProtected: false }), judgedBy(untrusted, organisation)]),
  );
  const told = [
    "What is wrong, by the policy of the organisation",
    "policy-unprotected",
    "✔ trusted, level 2",
    "✖ untrusted, level 0",
    "Ancestry, as the policy of the organisation sees it",
    "Ancestry, as the policy of the repository sees it",
  ];
  const places = told.map((part) => text.indexOf(part));
  assert.ok(!places.includes(-1), JSON.stringify(told[places.indexOf(-1)]));
  const same = found(buildPage(settled(isTrusted), [judgedBy(trusted), judgedBy(trusted, organisation)])).text;
  assert.equal(same.split("Ancestry").length, 2);
});

test("never shows as trusted what a verdict doesn't, whatever the build says", () => {
  const undetermined = verdict([node("app")], { outcome: "undetermined" });
  const word = (...judged: readonly JudgedBy[]) => wordOf(buildPage(settled(isTrusted), judged));
  assert.equal(word(judgedBy(trusted)), "Trusted");
  assert.equal(word(judgedBy(trusted), judgedBy(untrusted, organisation)), "Untrusted");
  assert.equal(word(judgedBy(trusted), judgedBy(undetermined, organisation)), "Undetermined");
  assert.equal(word(), "No verdict");
});

test("shows how far a build is, and fetches itself anew until it has ended", () => {
  const since = new Date("2027-02-01T11:58:00Z");
  const pages: readonly (readonly [Build, string, readonly string[]])[] = [
    [build(), "Queued", ["done", "now", "not yet", "not yet", "not yet"]],
    [build({ phase: "dispatched", run }), "Queued", ["done", "now", "not yet", "not yet", "not yet"]],
    [
      build({ phase: "dispatched", run, runStatus: { status: "in_progress", since } }),
      "Building",
      ["done", "done", "now", "not yet", "not yet"],
    ],
    [build({ phase: "verifying", run }), "Verifying", ["done", "done", "done", "now", "not yet"]],
    [
      build({ phase: "verifying", run, waiting, failures: 2 }),
      "Could not look yet",
      ["done", "done", "done", "could not look yet", "not yet"],
    ],
  ];
  for (const [given, word, steps] of pages) {
    const page = buildPage(given, []);
    assert.equal(wordOf(page), word);
    assert.deepEqual(stepsOf(page), steps);
    assert.equal(refreshes(page), true);
  }
  const { text } = found(buildPage(build({ phase: "verifying", run, waiting, failures: 2 }), []));
  assert.ok(text.includes("asked ghcr.io for a manifest: 500"));
  assert.ok(text.includes("Next try at 2027-02-01 12:01:00 UTC, 2 failures so far. This says nothing about the image"));
});

test("says how a build ended of which nothing was judged", () => {
  const words = ["Undetermined", "Build failed", "Cancelled", "Policy can&#39;t be used", "Not built", "Not built"];
  const last = ["undetermined", "none", "none", "none", "none", "none"];
  ENDINGS.forEach((outcome, i) => {
    const page = buildPage(settled(outcome), []);
    assert.equal(wordOf(page), words[i]);
    assert.equal(stepsOf(page).at(-1), last[i]);
    assert.equal(refreshes(page), false);
  });
  assert.ok(found(buildPage(settled(ENDINGS[1] ?? isTrusted), [])).text.includes("The end of the loga\n<b>\n"));
  assert.ok(found(buildPage(settled(ENDINGS[3] ?? isTrusted), [])).text.includes("47a.bunknown key"));
});

test("nothing that strangers wrote becomes an element, an attribute, or a link elsewhere", () => {
  const judged = findings.map((finding) => {
    const given = chainOf({ finding, warnings: ["beware"] });
    const faults = given.nodes.slice(0, 1).map((each) => fault("unattested", [each]));
    return judgedBy({ ...given, faults, unreachable: faults }, { isProtected: false });
  });
  const pages = [
    buildPage(hostile(build({ phase: "verifying", run, waiting })), []),
    ...ENDINGS.map((outcome) => buildPage(hostile(settled(outcome)), [])),
    ...judged.map((each) => buildPage(hostile(settled(isUntrusted)), [hostile(each), hostile(judgedBy(trusted))])),
    errorPage(404, hostile("title"), hostile("text")),
    setupPage({ faults: [hostile("fault")], publicUrl: hostile("x"), file: hostile("x") }),
    setupPage({
      publicUrl: undefined,
      file: ".env",
      faults: ["<img src=x onerror=evil()>"],
      entered: hostile({ publicUrl: "x", organisation: "x", writes: false }),
    }),
    agreementPage({ ...agreement, deliveries: hostile("x"), manifest: '{"name":""><script>evil()</script>\'"}' }),
    registeredPage(hostile({ slug: "x", url: "https://github.com/apps/x" }), hostile("x")),
  ];
  for (const page of pages) {
    const { strange, links, text } = found(page);
    assert.deepEqual(strange, []);
    assert.ok(text.includes("<img src=x onerror=evil()>"), "it is there, as text");
    for (const link of links) assert.match(link, /^https:\/\/github\.com\//);
    assert.doesNotMatch(page, /[^\n\P{Cc}]|\p{Cf}/u);
  }
});

test("links to no address but those of the web", () => {
  const url = "javascript:alert(1)//";
  const judged = judgedBy(trusted);
  const nodes = judged.document.nodes.map((each) => ({
    ...each,
    statements: each.statements.map((statement) => ({ ...statement, sourceRepository: url })),
  }));
  const page = buildPage(settled(isTrusted, { run: { ...run, url } }), [
    { ...judged, document: { ...judged.document, nodes } },
  ]);
  assert.deepEqual(
    found(page).links.filter((link) => !link.startsWith("https://github.com/")),
    [],
  );
  assert.ok(found(page).text.includes(url));
});

test("holds an ancestry of 512 images, and says the same of the same to the byte", () => {
  const names = Array.from({ length: 512 }, (_, i) => `image-${i}`);
  const nodes = names.map((name, i) =>
    node(name, { parents: names.slice(i + 1, i + 2).map((to) => ({ role: "base", to })) }),
  );
  const page = () => buildPage(settled(isTrusted), [judgedBy(verdict(nodes))]);
  assert.equal(page().split('<div class="node">').length, 513);
  assert.equal(page(), page());
});

test("the set-up page says which variables to set, all of them, and where the app's manifest is", () => {
  const { text, links } = found(setupPage({ publicUrl: undefined, file: "/srv/.env" }));
  for (const name of ["APP_ID", "PRIVATE_KEY", "WEBHOOK_SECRET", "/srv/.env"]) assert.ok(text.includes(name), name);
  assert.ok(links.some((link) => link.endsWith("/app.yml")));
  assert.ok(!text.includes("What is wrong"));
  const wrong = found(setupPage({ publicUrl: undefined, file: ".env", faults: ["another token"] }));
  assert.ok(wrong.text.includes("What is wrong") && wrong.text.includes("another token"));
});
