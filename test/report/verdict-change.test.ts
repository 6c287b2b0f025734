import assert from "node:assert/strict";
import { test } from "node:test";
import { verdictChangeMarkdown, verdictChangeText } from "../../src/report/verdict-change.ts";
import { verdictChangeDocument } from "../../src/report/verdict-change-json.ts";
import { verdictChange } from "../../src/trust/verdict-change.ts";
import { signerOf, World } from "../trust/world.ts";

/** An image whose base moved, for two platforms alike, and whose commit is another. */
async function documentOf(commit = "c".repeat(40), reason?: string) {
  const world = new World();
  const one = world.build("app", { base: world.build("base", { label: "1" }), label: "1" });
  const bad = world.build("base", { label: "2" });
  world.forget(bad.manifest);
  const other = world.build("app", { base: bad, label: "2", by: signerOf("app", { sourceRepositoryDigest: commit }) });
  const before = await world.judge(one.image);
  const judged = await world.judge(other.image);
  const faults = judged.faults.map((each) => ({ ...each, reason: reason ?? each.reason }));
  const after = { ...judged, faults };
  return verdictChangeDocument(before, after, verdictChange(before, after), []);
}

test("tells what moved by name and role, and where the change of the source can be read", async () => {
  const document = await documentOf();
  const text = verdictChangeText(document, { colour: false });
  assert.match(
    text,
    /^~ base ghcr\.io\/acme\/base:1\.0\.0@[0-9a-f]{12} → ghcr\.io\/acme\/base:1\.0\.0@[0-9a-f]{12} \(linux\/amd64\), untrusted$/m,
  );
  assert.match(text, /^https:\/\/github\.com\/acme\/app\/compare\/[0-9a-f]{40}\.\.\.c{40}$/m);
  assert.match(
    verdictChangeMarkdown(document),
    /^- \[what changed in the source\]\(https:\/\/github\.com\/acme\/app\/compare\//m,
  );
});

test("a link to compare is made of two whole commits of one repository on github.com alone", async () => {
  const world = new World();
  const verdict = await world.judge(world.build("app").image);
  const compare = (from: string, to: string, repository = "https://github.com/acme/app") => {
    const source = (commit: string) => [{ repository, commit, ref: undefined }];
    const sources = { before: source(from), after: source(to) };
    return verdictChangeDocument(verdict, verdict, { ...verdictChange(verdict, verdict), sources }, []).sources.compare;
  };
  const [one, other] = ["a".repeat(40), "b".repeat(40)];
  assert.equal(compare(one, other), `https://github.com/acme/app/compare/${one}...${other}`);
  assert.equal(compare(one, one), null);
  assert.equal(compare(one, "../../../evil"), null);
  assert.equal(compare(one, other, "https://evil.example/acme/app"), null);
});

test("a commit that is none makes no link, and words of strangers neither markup nor escapes", async () => {
  const document = await documentOf("../../evil", "see [here](https://evil.example) \u001b[31m@everyone");
  assert.equal(document.sources.compare, null);
  assert.ok(!verdictChangeText(document, { colour: false }).includes("\u001b"));
  const markdown = verdictChangeMarkdown(document);
  assert.ok(!/(?<!`)\[here\]\(/.test(markdown), markdown);
  assert.ok(!markdown.includes("\u001b"));
});
