import assert from "node:assert/strict";
import { test } from "node:test";
import { trusted, untrusted } from "../report/answered.ts";
import { answerOn, NOW } from "./answers.ts";
import { type Answered, serveApi } from "./scene.ts";

const { ask, world } = await serveApi();
world.answers.push(
  answerOn({ image: "ghcr.io/acme/app:1.0.0", verdict: trusted }),
  answerOn({ image: "ghcr.io/acme/bad:1.0.0", verdict: untrusted }),
  answerOn({ image: "ghcr.io/acme/lapsed:1", verdict: trusted, validUntil: NOW }),
  answerOn({ image: "ghcr.io/acme/turned:1", verdict: trusted }),
  answerOn({ image: "ghcr.io/acme/hidden:1", verdict: trusted, audience: { kind: "readers", repositoryIds: ["7"] } }),
);
world.turned.set("answer on ghcr.io/acme/turned:1", ["9"]);
world.readers.set("reader", ["7", "9"]);

/** The images on a page, with what is said of each. */
const found = ({ text }: Answered) =>
  [
    ...text.matchAll(
      /<tr><td><span class="mark [a-z]+"><span aria-hidden="true">.<\/span> ([a-z]+)<\/span>.*?<code>([^<]*)/g,
    ),
  ].map(([, verdict, name]) => `${verdict} ${name}`);

test("the index finds what everyone may see, with its mark; what doesn't hold is undetermined", async () => {
  for (const asked of [{}, { headers: { authorization: "Bearer reader" } }]) {
    const page = await ask("/", asked);
    assert.equal(page.status, 200);
    assert.deepEqual(found(page), [
      "trusted ghcr.io/acme/app:1.0.0",
      "untrusted ghcr.io/acme/bad:1.0.0",
      "undetermined ghcr.io/acme/lapsed:1",
    ]);
  }
});

test("R26 an image that is shown by its tag leads to where the tag is looked at, also one whose tag looks like a badge", async () => {
  world.answers.push(answerOn({ image: "ghcr.io/evil/app:1", verdict: trusted }));
  world.answers.push(answerOn({ image: "ghcr.io/evil/app:1.svg", verdict: untrusted }));
  const { text } = await ask("/images?q=evil");
  world.answers.splice(-2);
  const pages = [...text.matchAll(/<a href="(\/images\/ghcr[^"]*)"/g)].map(([, page]) => page);
  assert.deepEqual(pages, ["/images/ghcr.io/evil/app:1", "/images/ghcr.io/evil/app:1%2Esvg"]);
});

test("a search by verdict shows none that doesn't hold any more under its old one", async () => {
  assert.deepEqual(found(await ask("/images?verdict=trusted&q=&source=&owner=")), ["trusted ghcr.io/acme/app:1.0.0"]);
});

test("a search says what was searched for, as text, and goes on where there is more", async () => {
  const many = Array.from({ length: 30 }, (_, i) => answerOn({ image: `ghcr.io/many/image-${i}:1`, verdict: trusted }));
  world.answers.push(...many);
  const page = await ask(`/images?q=${encodeURIComponent('many"><script>')}`);
  assert.ok(!page.text.includes("<script>"));
  assert.ok(page.text.includes("many&quot;&gt;&lt;script&gt;"));
  const first = await ask("/images?q=MANY");
  assert.equal(found(first).length, 25);
  const [, next = ""] = /<a href="([^"]*)" rel="next">/.exec(first.text) ?? [];
  assert.equal(found(await ask(next.replaceAll("&amp;", "&"))).length, 5);
  assert.equal((await ask("/images?after=elsewhere")).status, 400);
});
