import assert from "node:assert/strict";
import { test } from "node:test";
import { parseReference } from "../../src/image/reference.ts";
import { drawAncestry } from "../../src/report/ancestry-picture.ts";
import { ANCESTRY_SCRIPT } from "../../src/report/ancestry-script.ts";
import { imagePage } from "../../src/report/image-page.ts";
import { verdictDocument } from "../../src/report/json.ts";
import { pendingImagePage } from "../../src/report/pending-image-page.ts";
import { hostile } from "./hostile.ts";
import { contentOf, FACTS, pageOf, TRUSTED, UNDETERMINED, UNTRUSTED } from "./image-pages.ts";

const OURS = ["version", "id", "policyUrl", "publicUrl", "format", "platform", "registry", "repository", "tag"];

/** What a browser would make of a page: its elements and the places that they lead to. */
const elements = (html: string) => new Set([...html.matchAll(/<([a-z]+)/gi)].map(([, name]) => name?.toLowerCase()));
const addresses = (html: string) => [...html.matchAll(/(?:href|src|action)="([^"]*)"/g)].map(([, to]) => to ?? "");

test("the page of a trusted image shows source, Dockerfile, run, packages, history and the way to check them", async () => {
  const html = await pageOf(TRUSTED);
  for (const shown of [
    "https://github.com/acme/app/commit/4f0e9d5b3f1f8f1a2b3c0b9c2d645a3e4f0e9d5b",
    "https://github.com/acme/app/tree/v1.0.0",
    "https://github.com/acme/app/actions/runs/123456/attempts/1",
    "https://github.com/acme/app/blob/4f0e9d5b3f1f8f1a2b3c0b9c2d645a3e4f0e9d5b/images/app/Dockerfile",
    "FROM ghcr.io/acme/runtime:20",
    "https://gitlab.alpinelinux.org/alpine/aports",
    "Apache-2.0",
    "npx trusted-builds verify ghcr.io/acme/app:1.0.0@sha256:",
    "what the tag <code>1.0.0</code> named at",
  ])
    assert.ok(html.includes(shown), shown);
});

test("R1 only what is trusted looks trusted, and a mark is told by word and shape", async () => {
  const pages = {
    Trusted: await pageOf(TRUSTED),
    Untrusted: await pageOf(UNTRUSTED),
    Undetermined: await pageOf(UNDETERMINED),
  };
  const { head } = await contentOf(TRUSTED);
  const pending = pendingImagePage(parseReference("ghcr.io/acme/app:1.0.0"), "it moved", head);
  for (const [word, html] of [...Object.entries(pages), ["Undetermined", pending] as const]) {
    const [, sign, headline] = /<div class="banner ([a-z]+)"><svg.*?<h1>([A-Za-z]+)<\/h1>/.exec(html) ?? [];
    assert.equal(headline, word);
    assert.equal(sign, { Trusted: "good", Untrusted: "bad", Undetermined: "unknown" }[word]);
  }
  assert.ok(!pending.includes('class="mark good"'));
});

test("text of strangers stays text, wherever it stands on a page", async () => {
  const long = "x".repeat(1000);
  for (const judged of [TRUSTED, UNTRUSTED, UNDETERMINED]) {
    const evil = hostile(await contentOf(judged), [...OURS, "image", "picture", "places", "result"]);
    const document = {
      ...evil.document,
      nodes: evil.document.nodes.map((each) => ({
        ...each,
        reference: `"];}evil->x;{["${long}</text></svg>${each.reference}`,
      })),
    };
    const picture = await drawAncestry(document, () => undefined);
    const owners = [
      { repository: "<b>", outcome: "trusted" as const, asOf: new Date(0), policyUrl: "javascript:evil()" },
    ];
    const html = imagePage({ ...evil, document, picture, owners, claims: ["<i>evil"] });
    const made = elements(html);
    for (const name of ["img", "b", "i", "iframe", "object", "foreignobject", "h1>"]) assert.ok(!made.has(name), name);
    assert.equal(html.split("<script").length, 2);
    for (const [, where] of html.matchAll(/(.{0,900})[\u202a-\u202e\u2066-\u2069]/gs)) assert.equal(where, "");
    assert.ok(!html.includes(String.fromCharCode(27)));
    assert.ok(!/ on[a-z]+="/i.test(html.replaceAll("&quot;", "")));
    for (const address of addresses(html)) assert.match(address, /^(?:\/|https:\/\/|#drawn-)/);
  }
});

test("an address that isn't one of the web is no link, whoever attests it", async () => {
  const [list] = FACTS.packages;
  const [one] = list?.packages ?? [];
  if (list === undefined || one === undefined) throw new Error("no package");
  const evil = ["javascript:evil()", "data:text/html,x", "//evil.example", 'https://evil.example/"onclick="evil()'];
  const packages = [{ ...list, packages: evil.map((source) => ({ ...one, source, purl: source })) }];
  const sources = FACTS.sources.map((each) => ({
    ...each,
    run: "javascript:evil()",
    repository: "javascript:evil()//",
  }));
  const dockerfiles = FACTS.dockerfiles.map((each) => ({ ...each, repository: "javascript:evil()//" }));
  const html = await pageOf(TRUSTED, { facts: { ...FACTS, packages, sources, dockerfiles } });
  for (const address of addresses(html)) assert.match(address, /^(?:\/[^/]|\/$|https:\/\/|#drawn-)/);
});

test("a Dockerfile without end doesn't make a page without end, and what isn't shown is counted", async () => {
  const texts: readonly (readonly [string, shown: number, left: string])[] = [
    ["\n".repeat(100_000), 2000, "98000 lines"],
    [`FROM scratch\n${"x".repeat(200_000)}\nRUN evil`, 1, "2 lines"],
    ["FROM scratch\n", 1, ""],
  ];
  for (const [text, shown, left] of texts) {
    const html = await pageOf(TRUSTED, {
      facts: { ...FACTS, dockerfiles: FACTS.dockerfiles.map((each) => ({ ...each, text })) },
    });
    assert.equal(/<ol class="lines">(.*?)<\/ol>/s.exec(html)?.[1]?.split("<li>").length, shown + 1);
    assert.equal(/The rest isn.*?t shown here: ([^.]*)\./.exec(html)?.[1] ?? "", left);
  }
});

test("commands keep their words together, whatever the server is called", async () => {
  const { places } = await contentOf(TRUSTED);
  const html = await pageOf(TRUSTED, { places: { ...places, publicUrl: "https://builds.example/it's $(evil)" } });
  const commands = html.split('class="command"').slice(1).join("");
  for (const [, before] of commands.matchAll(/(.)https:\/\/builds\.example/g)) assert.equal(before, ";");
  assert.ok(commands.includes("it&#39;\\&#39;&#39;s $(evil)"));
});

test("what isn't for everyone is fetched with a token of who fetches it", async () => {
  const content = await contentOf(TRUSTED);
  const audience = { kind: "readers", repositoryIds: ["7"] } as const;
  const html = imagePage({ ...content, head: { ...content.head, audience } });
  assert.ok(html.includes("Authorization: Bearer $(gh auth token)"));
  assert.ok(!(await pageOf(TRUSTED)).includes("Authorization"));
});

test("where nothing is signed, or the server has no name, no command says otherwise", async () => {
  const { places } = await contentOf(TRUSTED);
  assert.ok(!(await pageOf(TRUSTED, { places: { ...places, summary: undefined } })).includes("cosign"));
  assert.ok(!(await pageOf(TRUSTED, { places: { ...places, publicUrl: undefined } })).includes("curl"));
});

test("a page with nothing but a verdict is whole", async () => {
  const html = await pageOf(UNTRUSTED, {
    facts: { sources: [], dockerfiles: [], packages: [], unread: ["<b>the source server said 500"] },
    past: [],
    resolvedAt: undefined,
    document: verdictDocument({ ...UNTRUSTED, nodes: UNTRUSTED.nodes.slice(0, 1), faults: [] }),
  });
  assert.ok(html.includes("no accepted signature names one"));
  assert.ok(html.includes("&lt;b&gt;the source server said 500"));
});

test("the script asks nobody, and makes nothing of text", () => {
  assert.ok(!/fetch|XMLHttp|innerHTML|eval|document\.write|import|location|cookie|localStorage/.test(ANCESTRY_SCRIPT));
});
