import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compileGlob, GlobError, substitute } from "../../src/trust/glob.ts";

const matches = (pattern: string, text: string) => compileGlob(pattern).match(text) !== undefined;

test("R7 one star stops at a slash and at an at sign", () => {
  assert.ok(matches("ghcr.io/acme/*", "ghcr.io/acme/app"));
  assert.ok(!matches("ghcr.io/acme/*", "ghcr.io/acme/app/sub"));
  assert.ok(!matches("acme/*", "acme/app@refs"));
});

test("R7 two stars cross a slash and stop at an at sign", () => {
  assert.ok(matches("ghcr.io/acme/**", "ghcr.io/acme/app/sub"));
  assert.ok(!matches("acme/**", "acme/app@refs"));
});

test("R7 the whole text must match", () => {
  assert.ok(matches("acme/app", "acme/app"));
  for (const text of ["xacme/app", "acme/appx", "acme/app\n", "\nacme/app", "acme/app/", ""]) assert.ok(!matches("acme/app", text), text);
});

test("R7 nothing else is special", () => {
  assert.ok(!matches("acme.io/app", "acmeXio/app"));
  for (const special of ["a.b", "a+b", "a(b)", "a[b]", "a|b", "a^b", "a$b", "a?b", "a\\b"]) {
    assert.ok(matches(special, special), special);
    assert.ok(!matches(special, "ab"), special);
  }
});

test("R7 a pattern without wildcards matches its own text and no other", () => {
  const literal = fc.string({ maxLength: 40 }).filter((text) => !/[*{}]/.test(text));
  fc.assert(fc.property(literal, literal, (pattern, text) => matches(pattern, text) === (pattern === text)));
});

test("R4 a capture is one name, and is put elsewhere literally", () => {
  const found = compileGlob("ghcr.io/acme/{repo}").match("ghcr.io/acme/app.x");
  assert.deepEqual(found, { repo: "app.x" });
  assert.ok(substitute("acme/{repo}", { repo: "app.x" }).match("acme/app.x"));
  assert.equal(substitute("acme/{repo}", { repo: "app.x" }).match("acme/appyx"), undefined);
  assert.equal(compileGlob("ghcr.io/acme/{repo}").match("ghcr.io/acme/a/b"), undefined);
});

test("refuses braces without a name, a name twice, and three stars", () => {
  for (const pattern of ["{}", "{A}", "{a}/{a}", "***"]) assert.throws(() => compileGlob(pattern), GlobError, pattern);
});
