import assert from "node:assert/strict";
import { test } from "node:test";
import { freshnessOf, publicFor } from "../../src/api/freshness.ts";
import { answerOn, headOf, NOW } from "./answers.ts";

const anyone = { kind: "anyone" } as const;
const head = headOf(answerOn({ image: "ghcr.io/acme/app:1" }));
const after = (ms: number) => new Date(NOW.getTime() + ms);

test("what was told to somebody with a token is kept by nobody, were it public", () => {
  const { headers, shared } = freshnessOf({ kind: "token", token: "t" }, [head], NOW);
  assert.equal(headers["cache-control"], "private, no-store");
  assert.equal(shared, undefined);
});

test("what not everyone may see is kept by nobody, whoever it was told to", () => {
  const hidden = { ...head, audience: { kind: "readers", repositoryIds: ["7"] } } as const;
  assert.equal(freshnessOf(anyone, [head, hidden], NOW).shared, undefined);
});

test("R14 the first of several to lapse decides", () => {
  const soon = { ...head, validUntil: after(3000) };
  assert.deepEqual(freshnessOf(anyone, [head, soon], NOW).shared, { ms: 3000 });
  assert.equal(freshnessOf(anyone, [{ ...head, validUntil: after(-1) }], NOW).shared?.ms, 0);
});

test("R26 an answer by tag isn't kept beyond the time at which the tag is resolved again", () => {
  assert.deepEqual(freshnessOf(anyone, [head], NOW, after(-298_000)).shared, { ms: 2000 });
  assert.deepEqual(freshnessOf(anyone, [head], NOW, NOW), freshnessOf(anyone, [head], NOW));
});

test("here and elsewhere together it is kept no longer than it holds", () => {
  assert.deepEqual(publicFor(12_900), {
    headers: { "cache-control": "public, max-age=2, must-revalidate", vary: "Authorization" },
    shared: { ms: 10_000 },
  });
  assert.match(publicFor(3_600_000).headers["cache-control"] ?? "", /max-age=30,/);
});
