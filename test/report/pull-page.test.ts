import assert from "node:assert/strict";
import { test } from "node:test";
import { pullPage } from "../../src/report/pull-page.ts";
import { found } from "./pages.ts";
import {
  CASES,
  type Case,
  ENDINGS,
  good,
  manifold,
  newParent,
  ratchetPass,
  spoiled,
  trusted,
  wide,
} from "./pull-cases.ts";
import { check, judgedCheck, weighed } from "./pulls.ts";
import { digest } from "./verdicts.ts";

const page = ({ check: given, documents }: Case) => pullPage(given, documents, { server: "https://github.com" });
const wordOf = (given: Case) => /<h1>(.*?)<\/h1>/s.exec(page(given))?.[1];

test("every page is one document, of our elements alone, with one heading of the first level", () => {
  for (const given of CASES) {
    const text = page(given);
    assert.match(text, /^<!doctype html>\n<html lang="en">/);
    assert.deepEqual(found(text).strange, []);
    assert.equal(text.split("<h1>").length, 2);
    assert.equal(text.includes('http-equiv="refresh"'), given.check.outcome === undefined);
  }
});

test("says in a word how it stands, in every phase and outcome", () => {
  assert.deepEqual(CASES.map(wordOf), [
    "Judging",
    "Could not look yet",
    "No Dockerfile",
    "No Dockerfile",
    "Too much to look at",
    "Policy can&#39;t be used",
    "Undetermined",
    "Superseded",
    "Closed",
    "Trusted",
    "Untrusted",
    "Untrusted (no worse than before)",
    "Undetermined",
    "Untrusted",
  ]);
});

test("says what changed, what is wrong with its line and mend, and shows the ancestry", () => {
  const { text, links } = found(page(newParent));
  const told = [
    "docker.io/library/node:20 is unattested, and new here",
    "What changes for trust",
    "gained, base of Dockerfile",
    "What is wrong",
    "new here",
    "use an image that is built with provenance",
    "Pin what is named by a tag alone",
    "Pull request and policy",
    "enforce: ratchet",
    "Ancestry of Dockerfile",
    "✖ unattested base  docker.io/library/node:20@",
  ];
  const places = told.map((part) => text.indexOf(part));
  assert.ok(!places.includes(-1), JSON.stringify(told[places.indexOf(-1)]));
  assert.ok(links.includes(`https://github.com/acme/app/blob/${"d".repeat(40)}/Dockerfile#L3`));
  assert.ok(found(page(ratchetPass)).text.includes("as on the base branch"));
});

test("R33 gives the lines to write by hand, and leads to GitHub's editor on the branch that the pull request comes from", () => {
  const { text, links } = found(page(newParent));
  assert.ok(text.includes(`node:20@${digest("node:20")}`));
  assert.ok(links.includes("https://github.com/octocat/app/edit/newer-node/Dockerfile"));
  const { check: given, documents } = newParent;
  const gone = found(page({ check: { ...given, head: { ...given.head, repository: undefined } }, documents }));
  assert.ok(gone.text.includes(`node:20@${digest("node:20")}`));
  assert.ok(!gone.links.some((link) => link.includes("/edit/")));
});

test("shows the whole, where GitHub's limits cut", () => {
  const { text } = found(page(wide(450)));
  assert.ok(text.includes("reason 449") && text.includes("docker.io/acme/image-449:1"));
});

test("R35 says that a forecast isn't kept any more, and never shows as trusted what a document doesn't", () => {
  const lost = page({ ...trusted, documents: new Map() });
  assert.ok(found(lost).text.includes("Not all that was foreseen of it is kept any more"));
  const [key = ""] = good.documents.keys();
  const [worse] = judgedCheck("untrusted", [{ after: good }]).documents.values();
  assert.ok(worse !== undefined);
  const given = judgedCheck("trusted", [{ after: good, enforced: [weighed("strict", "success")] }]);
  assert.equal(wordOf(given), "Trusted");
  assert.equal(wordOf({ ...given, documents: new Map([[key, { ...worse, forecast: "untrusted" }]]) }), "Untrusted");
  assert.equal(wordOf(judgedCheck("trusted", [])), "Untrusted");
});

test("nothing that strangers wrote becomes an element, an attribute, or a link elsewhere", () => {
  for (const given of CASES) {
    const text = page(spoiled(given));
    const { strange, links, text: shown } = found(text);
    assert.deepEqual(strange, []);
    assert.ok(shown.includes("<img src=x onerror=evil()>"), "it is there, as text");
    for (const link of links) assert.match(link, /^https:\/\/github\.com\//);
    assert.doesNotMatch(text, /[^\n\P{Cc}]|\p{Cf}/u);
  }
});

test("links to no address but those of the web, and says the same of the same to the byte", () => {
  const { check: given, documents } = manifold;
  const text = pullPage(given, documents, { server: "javascript:alert(1)//" });
  assert.deepEqual(found(text).links, []);
  assert.equal(page(manifold), page(manifold));
  assert.equal(ENDINGS.length + 7, CASES.length);
  assert.ok(page({ check: check(), documents: new Map() }).includes("Check <code>"));
});
