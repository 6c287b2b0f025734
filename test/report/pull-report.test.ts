import assert from "node:assert/strict";
import { test } from "node:test";
import { conclusionOfPull } from "../../src/change/conclusion.ts";
import { MAX_MARKDOWN, MAX_TITLE } from "../../src/report/markdown-limits.ts";
import { MAX_ANNOTATIONS } from "../../src/report/pull-annotations.ts";
import { PIN_DIGESTS, pullReport, RE_VERIFY } from "../../src/report/pull-report.ts";
import { faultOn, forecast, parent, unattested } from "./forecasts.ts";
import {
  bad,
  CASES,
  type Case,
  ENDINGS,
  good,
  manifold,
  newParent,
  ratchetPass,
  spoiled,
  trusted,
  undetermined,
  wide,
} from "./pull-cases.ts";
import { absent, check, judged, judgedCheck, refused, weighed } from "./pulls.ts";
import { bare } from "./rendered.ts";
import { digest } from "./verdicts.ts";

const page = "https://builds.example/pulls/4f0e2d64-5a3e-4f0e-9d5b-3f1f8f1a2b3c";
const report = ({ check: given, documents }: Case) =>
  pullReport(given, documents, { server: "https://github.com", page });
const linesOf = (given: Case) =>
  report(given).annotations?.map(({ path, line, level, title }) => `${level} ${path}:${line} ${title}`) ?? [];

test("says of a trusted pull request what goes in, at which level, and that nothing changed", () => {
  const { status, conclusion, title, summary, text, detailsUrl } = report(trusted);
  assert.deepEqual([status, conclusion, detailsUrl], ["completed", "success", page]);
  assert.equal(title, "trusted: 1 image goes in, by 1 Dockerfile, level 2");
  assert.ok(summary.includes("| ✔ trusted | ✔ trusted | `success` |"), summary);
  assert.ok(summary.includes("Nothing changes"));
  assert.ok(!summary.includes("### Why this check"));
  assert.ok(text?.includes("└─ ✔ attested base  ghcr.io/acme/base:1@"), text);
});

test("names the new parent in the title, and says before and after, why it fails, the line, and what would mend it", () => {
  const { conclusion, title, summary, text } = report(newParent);
  assert.equal(conclusion, "failure");
  assert.equal(title, "untrusted: docker.io/library/node:20 is unattested, and new here");
  const told = [
    "| ✔ trusted | ✖ untrusted | `failure` |",
    "- gained, base: ✖ `docker.io/library/node:20@",
    "- lost, base: ✔ `ghcr.io/acme/base:1@",
    "### Why this check fails",
    "`enforce: ratchet`",
    "### What is wrong",
    `[\`Dockerfile:3\`](https://github.com/acme/app/blob/${"d".repeat(40)}/Dockerfile#L3), **new here**`,
    "  - what would mend it: use an image that is built with provenance",
    "### Named by a tag alone",
    `write \`node:20@${digest("node:20")}\``,
  ];
  const places = told.map((part) => summary.indexOf(part));
  assert.ok(!places.includes(-1), JSON.stringify(told[places.indexOf(-1)]));
  assert.deepEqual(
    places,
    places.toSorted((a, b) => a - b),
  );
  assert.ok(text?.includes("├─ ✖ unattested base  docker.io/library/node:20@"));
  assert.ok(text?.includes("(line 3)"));
});

test("R35 a check that passes an untrusted change says so first, calls nothing new, and only warns on its lines", () => {
  const { conclusion, title, summary } = report(ratchetPass);
  assert.equal(conclusion, "success");
  assert.equal(title, "untrusted (no worse than before): docker.io/library/node:20 is unattested");
  assert.ok(summary.startsWith("**✖ Untrusted**"));
  assert.ok(summary.includes("**What would be built is not trusted**, and the check passes all the same."));
  assert.ok(summary.includes("- this check: `success`; with `enforce: strict`: `failure`"));
  assert.ok(!summary.includes("new here") && summary.includes("as on the base branch"));
  assert.deepEqual(
    linesOf(ratchetPass).map((line) => line.split(" ")[0]),
    ["warning", "warning"],
  );
});

test("R35 of a ratchet that fails, only what got worse is a failure on its line, unless somebody tampered", () => {
  const after = (isGrave: boolean) =>
    judged(
      forecast([unattested("node:20", { line: 3 }), unattested("redis:7", { role: "input", line: 5 })], {
        faults: [faultOn(0, 3, { isGrave }), faultOn(1, 5, { key: "other", reason: "nothing signed, too" })],
      }),
    );
  const said = (isGrave: boolean) =>
    linesOf(
      judgedCheck("untrusted", [{ before: bad, after: after(isGrave), enforced: [weighed("ratchet", "failure")] }]),
    );
  assert.deepEqual(said(false), [
    "failure Dockerfile:5 unattested: docker.io/library/redis:7",
    "warning Dockerfile:3 unattested: docker.io/library/node:20",
  ]);
  assert.ok(said(true).every((line) => line.startsWith("failure")));
});

test("calls nothing new where it isn't known what the base branch has", () => {
  const partial = judged(forecast([], { unreachable: [faultOn(0, 1, { code: "network" })] }));
  const titleOf = (before: typeof good) =>
    report(judgedCheck("untrusted", [{ before, after: bad, enforced: [weighed("strict", "failure")] }])).title;
  assert.match(titleOf(good), /new here/);
  assert.match(titleOf(absent), /new here/);
  assert.doesNotMatch(titleOf(partial), /new here/);
  assert.doesNotMatch(titleOf(refused), /new here/);
  const lost = judgedCheck("untrusted", [{ before: good, after: bad, enforced: [weighed("strict", "failure")] }]);
  assert.doesNotMatch(report({ ...lost, documents: bad.documents }).title, /new here/);
});

test("says plainly what could not be looked at, and that it passes nowhere", () => {
  const { conclusion, title, summary, text } = report(undetermined);
  assert.equal(conclusion, "action_required");
  assert.equal(title, "undetermined: could not look at quay.io/acme/base:1, after 8 tries");
  assert.ok(summary.includes("### What could not be looked at"));
  assert.ok(summary.includes("### Why this check doesn't pass"));
  assert.ok(text?.includes("? undetermined base  quay.io/acme/base:1 linux/amd64 (line 2)"), text);
  assert.deepEqual(linesOf(undetermined), ["warning Dockerfile:2 could not look: network: quay.io/acme/base:1"]);
});

test("R2 shows an ancestor's fault with the way to it, an unresolved line, both policies, and a file that can't be read", () => {
  const { title, summary, text = "" } = report(manifold);
  assert.match(
    title,
    /^untrusted: ghcr\.io\/acme\/base:1\.0\.0 under ghcr\.io\/acme\/runtime:1\.0\.0 of Dockerfile is unattested, and new here, and /,
  );
  assert.ok(summary.includes(" → `ghcr.io/acme/app`, `target final`"));
  assert.ok(summary.includes("(was `Dockerfile.web`)"));
  assert.ok(summary.includes("`web/Dockerfile:7:3`"));
  assert.ok(summary.includes("says the policy of the repository"));
  assert.match(summary, /: `ghcr\.io\/acme\/runtime:1\.0\.0@[0-9a-f]+` → base `ghcr\.io\/acme\/base/);
  assert.match(summary, /### Tags that moved on\n\n.*which is trusted by now/);
  assert.ok(text.includes("as the policy of the organisation sees it"));
  assert.deepEqual(
    linesOf(manifold).map((line) => line.replace(/(:\d+ \S+).*/, "$1")),
    [
      "failure Dockerfile:1 unattested:",
      "failure Dockerfile:12 unresolved",
      "failure web/Dockerfile:7 can't",
      "notice Dockerfile:5 a",
    ],
  );
});

test("offers to pin only what can be pinned, within GitHub's lengths", () => {
  const actionsOf = (given: Case) => report(given).actions?.map(({ identifier }) => identifier) ?? [];
  const pinned = judged(forecast([parent(`ghcr.io/acme/base:1@${digest("b")}`)]));
  const nowhere = parent("ghcr.io/acme/base:1");
  const variable = judged(forecast([{ ...nowhere, uses: nowhere.uses.map((use) => ({ ...use, place: undefined })) }]));
  const case_ = (after: typeof good) => judgedCheck("trusted", [{ after, enforced: [weighed("strict", "success")] }]);
  assert.deepEqual(actionsOf(case_(good)), ["pin-digests", "re-verify"]);
  assert.deepEqual(actionsOf(case_(pinned)), ["re-verify"]);
  assert.deepEqual(actionsOf(case_(variable)), ["re-verify"]);
  assert.deepEqual(actionsOf(undetermined), ["re-verify"]);
  assert.deepEqual(actionsOf({ check: check(), documents: new Map() }), []);
  assert.deepEqual(actionsOf({ check: check({ outcome: { kind: "superseded" } }), documents: new Map() }), []);
  for (const { label, description, identifier } of [PIN_DIGESTS, RE_VERIFY]) {
    assert.ok(label.length <= 20 && description.length <= 40 && identifier.length <= 20);
  }
});

test("never passes what a forecast doesn't, whatever was weighed, and nothing without its document", () => {
  const weigh = (after: typeof good, documents = after.documents) =>
    pullReport(
      judgedCheck("trusted", [{ after: { ...after, documents }, enforced: [weighed("strict", "success")] }]).check,
      documents,
      {
        server: "https://github.com",
      },
    );
  assert.equal(weigh(good).conclusion, "success");
  const key = [...good.documents.keys()][0] ?? "";
  const worse = new Map([[key, [...bad.documents.values()][0] ?? assert.fail()]]);
  const said = weigh(good, worse);
  assert.equal(said.conclusion, "failure");
  assert.match(said.title, /^untrusted: /);
  const open = weigh(good, new Map([[key, [...undetermined.documents.values()][1] ?? assert.fail()]]));
  assert.equal(open.conclusion, "action_required");
  assert.throws(() => weigh(good, new Map()), /has no document/);
  const none = report(judgedCheck("trusted", []));
  assert.deepEqual([none.conclusion, none.title], ["failure", "untrusted"]);
});

test("R35 ends as the one table says, and never neutral", () => {
  for (const given of CASES) {
    const { conclusion, status } = report(given);
    const { outcome } = given.check;
    assert.equal(status, outcome === undefined ? "in_progress" : "completed");
    assert.equal(conclusion, outcome && conclusionOfPull(outcome));
  }
});

test("says what it waits for, why it could not look, and how it ended without a verdict", () => {
  assert.deepEqual(
    CASES.slice(0, 2 + ENDINGS.length).map((given) => report(given).title),
    [
      "Judging since 11:57 UTC",
      "Could not look yet: next try at 12:01 UTC, 2 failures so far",
      "no Dockerfile",
      "no Dockerfile, and held back by another pull request",
      "too much to look at",
      "policy can't be used: 2 faults in acme/app/.github/trusted-builds.yml",
      "undetermined: could not look",
      "superseded by a newer check",
      "the pull request was closed",
    ],
  );
  const wrong = report({ check: check({ outcome: ENDINGS[3] }), documents: new Map() }).summary;
  assert.ok(wrong.includes("| 4 | 7 | `trust.builders[0]` | unknown key |"));
  const open = report(CASES[1] ?? trusted).summary;
  assert.ok(open.includes("This says nothing about the images: they are neither trusted nor untrusted"));
});

test("R31 says that another pull request with the same head holds it back", () => {
  const { check: given, documents } = trusted;
  const outcome = given.outcome?.kind === "judged" ? { ...given.outcome, heldBackBy: 7 } : undefined;
  const said = report({ check: { ...given, outcome }, documents });
  assert.equal(said.conclusion, "failure");
  assert.match(said.title, /^held back by another pull request/);
  assert.ok(said.summary.includes("held back by pull request `#7`"));
});

test("nothing that strangers wrote becomes markup, in any phase or outcome", () => {
  for (const { title, summary, text = "", annotations = [] } of CASES.map((each) => report(spoiled(each)))) {
    assert.doesNotMatch(title, /[\p{Cc}\p{Cf}]/u);
    for (const markdown of [summary, text]) {
      const { lines, links, isClosed } = bare(markdown);
      assert.ok(isClosed, markdown);
      for (const line of lines) {
        assert.doesNotMatch(line, /octocat|[@<>[\]&\\~$`]|!\[|^#(?!## [A-Z])|\.example|GH-/u, line);
      }
      for (const url of links) assert.doesNotMatch(url, /^(?!https:\/\/(?:builds\.example|github\.com)\/)/, url);
      const rows = lines.filter((line) => line.startsWith("|"));
      for (const each of rows) assert.ok([5, 8].includes(each.split("|").length - 1), each);
    }
    for (const each of annotations) {
      assert.doesNotMatch(each.title, /[\p{Cc}\p{Cf}]/u);
      assert.doesNotMatch(each.message, /[^\n\P{Cc}]|\p{Cf}/u);
    }
  }
});

test("fits into GitHub's limits, and says how much is cut and where the whole is", () => {
  const { title, summary, text = "", annotations = [] } = report(wide(450, [weighed("strict", "failure")]));
  assert.ok(Buffer.byteLength(title) <= MAX_TITLE);
  for (const markdown of [summary, text]) {
    assert.ok(Buffer.byteLength(markdown) <= MAX_MARKDOWN);
    assert.ok(bare(markdown).isClosed);
    assert.match(markdown, new RegExp(`… cut: [0-9]+ of [0-9]+ lines are left out; the whole is at <${page}>`));
  }
  assert.equal(annotations.length, MAX_ANNOTATIONS);
  assert.equal(annotations.at(-1)?.title, "251 more remarks");
  assert.ok(annotations.at(-1)?.message.includes(page));
  for (const each of annotations) {
    assert.ok(Buffer.byteLength(each.title) <= MAX_TITLE && each.message.length < 64 * 1024);
    assert.ok(each.line >= 1 && each.endLine >= each.line);
  }
});

test("says the same of the same to the byte", () => {
  for (const given of CASES) assert.equal(JSON.stringify(report(given)), JSON.stringify(report(given)));
});
