import assert from "node:assert/strict";
import { test } from "node:test";
import type { OwnerVerdict } from "../../src/answer/ports.ts";
import { answerSchema } from "../../src/api/answer-form.ts";
import { linksFrom } from "../../src/api/links.ts";
import { parseReference } from "../../src/image/reference.ts";
import { ANCESTRY_SCRIPT, ANCESTRY_SCRIPT_PATH } from "../../src/report/ancestry-script.ts";
import { trusted, untrusted } from "../report/answered.ts";
import { digest } from "../report/verdicts.ts";
import { answerOn, NOW, PUBLISHED } from "./answers.ts";
import { type Answered, serveApi } from "./scene.ts";

const { ask, world, faults } = await serveApi();
world.answers.push(
  answerOn({ image: "ghcr.io/acme/app:1.0.0", verdict: trusted }),
  answerOn({ image: "ghcr.io/acme/bad:1.0.0", verdict: untrusted }),
  answerOn({ image: "ghcr.io/acme/lapsed:1", verdict: trusted, validUntil: NOW }),
  answerOn({ image: "ghcr.io/acme/soon:1", verdict: trusted, validUntil: new Date(NOW.getTime() + 15_000) }),
  answerOn({ image: "ghcr.io/acme/old-policy:1", verdict: trusted, policy: digest("an older policy") }),
  answerOn({ image: "ghcr.io/acme/hidden:1", verdict: trusted, audience: { kind: "readers", repositoryIds: ["7"] } }),
);
world.readers.set("reader", ["7"]);

const READER = { headers: { authorization: "Bearer reader" } };

/** What the biggest word on the page says. */
const headline = ({ text }: Answered) => /<h1>([^<]*)<\/h1>/.exec(text)?.[1];
/** What says of itself in the badge. */
const word = ({ text }: Answered) => /aria-label="[^":]*: [^ ]+ ([a-z]+)"/.exec(text)?.[1];
/** Without what differs from request to request. */
const lasting = ({ status, body, headers }: Answered) => ({
  status,
  body,
  headers: Object.entries(headers).filter(([name]) => !["x-request-id", "ratelimit", "date"].includes(name)),
});

test("R1 the page of an image says the verdict and whose policy it is by", async () => {
  const page = await ask("/images/ghcr.io/acme/app:1.0.0");
  assert.equal(page.status, 200);
  assert.equal(headline(page), "Trusted");
  assert.match(page.text, /this server&#39;s published policy|this server's published policy/);
  assert.ok(page.text.includes(`/v1/policies/${PUBLISHED}`));
  assert.equal(headline(await ask("/images/ghcr.io/acme/bad:1.0.0")), "Untrusted");
});

test("a page is held to our own stylesheet and script, and kept out of frames", async () => {
  const { headers } = await ask("/images/ghcr.io/acme/app:1.0.0");
  const policy = headers["content-security-policy"] ?? "";
  for (const part of ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"])
    assert.ok(policy.includes(part), part);
  assert.ok(!policy.includes("unsafe"));
  assert.equal(headers["x-content-type-options"], "nosniff");
  assert.equal(headers["access-control-allow-origin"], undefined);
});

test("a page has a validator, and is kept no longer than its verdict holds", async () => {
  const { headers } = await ask("/images/ghcr.io/acme/app:1.0.0");
  assert.match(headers["cache-control"] ?? "", /^public, max-age=30\b/);
  const again = await ask("/images/ghcr.io/acme/app:1.0.0", { headers: { "if-none-match": String(headers.etag) } });
  assert.equal(again.status, 304);
  for (const form of ["", ".svg"]) {
    const soon = await ask(`/images/ghcr.io/acme/soon:1${form}`);
    assert.match(soon.headers["cache-control"] ?? "", /^public, max-age=5\b/);
  }
});

test("R2 R14 what doesn't hold any more is undetermined on its page and badge, whatever it was", async () => {
  for (const name of ["lapsed:1", "old-policy:1"]) {
    const page = await ask(`/images/ghcr.io/acme/${name}`);
    assert.equal(headline(page), "Undetermined");
    assert.equal(page.headers["cache-control"], "no-store");
    assert.ok(!page.text.includes("banner good"));
    assert.ok(page.text.includes('http-equiv="refresh"'));
    assert.equal(word(await ask(`/images/ghcr.io/acme/${name}.svg`)), "undetermined");
  }
});

test("what is hidden and what isn't there have the same page and the same badge, byte for byte, with or without a token", async () => {
  for (const asked of [{}, { headers: { authorization: "Bearer stranger" } }])
    for (const form of ["", ".svg", ".svg?style=social&label=x"]) {
      const hidden = await ask(`/images/ghcr.io/acme/hidden:1${form}`, asked);
      const absent = await ask(`/images/ghcr.io/acme/absent:1${form}`, asked);
      assert.deepEqual(lasting(hidden), lasting(absent));
      assert.equal(hidden.status, form === "" ? 404 : 200);
    }
  assert.equal(word(await ask("/images/ghcr.io/acme/hidden:1.svg")), "unknown");
});

test("whoever may read the source gets the page and the badge, and nobody keeps them", async () => {
  const page = await ask("/images/ghcr.io/acme/hidden:1", READER);
  assert.equal(headline(page), "Trusted");
  const badge = await ask("/images/ghcr.io/acme/hidden:1.svg", READER);
  assert.equal(word(badge), "trusted");
  for (const { headers } of [page, badge]) assert.equal(headers["cache-control"], "private, no-store");
  assert.equal((await ask("/images/ghcr.io/acme/hidden:1")).status, 404);
  assert.equal(word(await ask("/images/ghcr.io/acme/hidden:1.svg")), "unknown");
});

test("a badge that says nothing doesn't come from memory, by whose speed one could tell what is hidden", async () => {
  const looked = world.looked.length;
  await ask("/images/ghcr.io/acme/absent:2.svg");
  await ask("/images/ghcr.io/acme/absent:2.svg");
  assert.equal(world.looked.length, looked + 2);
});

test("a badge is a picture that is safe to embed and to open, in every style", async () => {
  for (const style of ["flat", "flat-square", "plastic", "for-the-badge", "social"]) {
    const badge = await ask(
      `/images/ghcr.io/acme/app:1.0.0.svg?style=${style}&label=${encodeURIComponent('<script>"&\u202e')}`,
    );
    assert.equal(badge.status, 200);
    assert.equal(badge.headers["content-type"], "image/svg+xml; charset=utf-8");
    assert.match(String(badge.headers["content-security-policy"]), /default-src 'none'.*sandbox/);
    assert.ok(!/<script|<a |href|xlink|foreignObject|\u202e|url\(http/i.test(badge.text.replaceAll("xmlns:xlink", "")));
  }
  assert.equal((await ask("/images/ghcr.io/acme/app:1.0.0.svg?style=none")).status, 400);
  assert.equal((await ask(`/images/ghcr.io/acme/app:1.0.0.svg?label=${"x".repeat(65)}`)).status, 400);
});

test("a verdict that says something else than its line makes no page", async () => {
  const { document } = answerOn({ image: "ghcr.io/acme/torn:1", verdict: untrusted });
  world.answers.push({ ...answerOn({ image: "ghcr.io/acme/torn:1", verdict: trusted }), document });
  const page = await ask("/images/ghcr.io/acme/torn:1");
  assert.equal(page.status, 500);
  assert.notEqual(headline(page), "Trusted");
  assert.ok(page.text.includes(String(page.headers["x-request-id"])));
  assert.equal(faults.length, 1);
});

test("R3 what owners say is a lesser mark, and claims on a name are no owners; private ones aren't even counted", async () => {
  const answer = answerOn({ image: "ghcr.io/acme/owned:1", verdict: untrusted });
  const source = {
    repository: "https://github.com/acme/app",
    repositoryId: "7",
    ownerId: "1",
    commit: null,
    ref: null,
    run: null,
    builder: null,
  };
  const said = (repositoryId: number, fullName: string): OwnerVerdict => ({
    repositoryId,
    ownerId: 1,
    fullName,
    outcome: "trusted",
    conclusion: "success",
    asOf: NOW,
    policyUri: `git+https://github.com/${fullName}@${"b".repeat(40)}#.github/trusted-builds.yml`,
    policyCommit: "b".repeat(40),
  });
  world.owners.push(said(7, "acme/app"), said(8, "mallory/app"));
  const elsewhere = { ...source, repository: "https://gitlab.example/mallory/app" };
  world.answers.push({ ...answer, facts: { ...answer.facts, sources: [source, elsewhere] } });
  world.claims = { named: ["Acme/app", "mallory/app"], hidden: 3 };
  const page = await ask("/images/ghcr.io/acme/owned:1");
  world.owners.length = 0;
  const { text } = page;
  assert.equal(headline(page), "Untrusted");
  assert.equal(text.split('<span class="lesser">passes</span>').length, 2);
  assert.ok(!/<a href="https:\/\/github.com\/mallory/.test(text));
  // Another forge's repository of that name is told as what it is.
  assert.ok(text.includes("<code>gitlab.example/mallory/app</code>"));
  const [, claims = ""] = text.split("Also build under this name");
  assert.match(claims.slice(0, 200), /mallory\/app/);
  assert.ok(!claims.slice(0, 200).includes("Acme/app"));
  world.claims = { named: ["Acme/app", "mallory/app"], hidden: 0 };
  assert.equal((await ask("/images/ghcr.io%2Facme/owned:1")).status, 200);
  world.owners.push(said(7, "acme/app"), said(8, "mallory/app"));
  assert.equal((await ask("/images/ghcr.io/acme%2Fowned:1")).text, text);
  world.owners.length = 0;
  world.claims = { named: [], hidden: 0 };
});

test("the page of a tag that ends as a badge does is a page, and isn't the other tag's badge", async () => {
  world.answers.push(answerOn({ image: "ghcr.io/evil/app:1", verdict: trusted }));
  world.answers.push(answerOn({ image: "ghcr.io/evil/app:1.svg", verdict: untrusted }));
  const { links } = (await ask("/v1/images/ghcr.io/evil/app:1.svg")).as(answerSchema);
  const digestless = "/images/ghcr.io/evil/app:1%2Esvg";
  assert.equal(headline(await ask(digestless)), "Untrusted");
  assert.equal(word(await ask(new URL(links.badge).pathname)), "untrusted");
  assert.equal(headline(await ask(new URL(links.page).pathname)), "Untrusted");
  assert.equal(linksFrom().of(parseReference("ghcr.io/evil/app:1.svg")).page, digestless);
});

test("R26 a page that was asked for by tag and digest is of the digest: the tag may name another image by now", async () => {
  const [app] = world.answers;
  const of = ({ text }: Answered) => /<p class="of"><code>([^<]*)/.exec(text)?.[1];
  const byTag = await ask("/images/ghcr.io/acme/app:1.0.0");
  assert.equal(of(byTag), "ghcr.io/acme/app:1.0.0");
  const pinned = await ask(`/images/ghcr.io/acme/app:1.0.0@${app?.image.digest}`);
  assert.equal(of(pinned), `ghcr.io/acme/app:1.0.0@${app?.image.digest}`);
  assert.ok(pinned.text.includes(`<title>Trusted: ghcr.io/acme/app:1.0.0@${app?.image.digest}</title>`));
});

test("what is wrong with a request is told on a page, and nothing of it stands there as markup", async () => {
  for (const path of ['/images/"><script>evil()</script>', "/images/x?q=%3Cscript%3E", "/images?nothing=<b>"]) {
    const problem = await ask(path);
    assert.equal(problem.status, 400);
    assert.match(problem.headers["content-type"] ?? "", /^text\/html/);
    assert.ok(!/<script|<b>/.test(problem.text));
  }
});

test("the script is served under its own hash, for ever, and is what the pages name", async () => {
  const { text } = await ask("/images/ghcr.io/acme/app:1.0.0");
  assert.ok(text.includes(`<script src="${ANCESTRY_SCRIPT_PATH}" defer></script>`));
  const script = await ask(ANCESTRY_SCRIPT_PATH);
  assert.equal(script.text, ANCESTRY_SCRIPT);
  assert.match(script.headers["content-type"] ?? "", /^text\/javascript/);
  assert.match(script.headers["cache-control"] ?? "", /immutable/);
});
