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
  for (const text of ["xacme/app", "acme/appx", "acme/app\n", "\nacme/app", "acme/app/", ""])
    assert.ok(!matches("acme/app", text), text);
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

test("refuses braces without a name, a name twice, wildcards side by side, and what is too long", () => {
  for (const pattern of ["{}", "{A}", "{a", "a}", "{a}/{a}", "***", "{a}{b}", "*{a}", "{a}**", "x".repeat(513)])
    assert.throws(() => compileGlob(pattern), GlobError, pattern);
});

test("R7 no wildcard crosses a control character", () => {
  for (const control of ["\n", "\r", "\0", "\t", "\x7f", "\x1f"]) {
    for (const pattern of ["v*", "v**", "v{a}"]) assert.ok(!matches(pattern, `v1${control}`), pattern);
  }
  assert.ok(matches("v*", "v1 ~é"));
});

test("R7 a name is one character or more, a star none or more", () => {
  assert.ok(matches("a*/", "a/") && matches("a**/", "a/") && !matches("a{n}/", "a/"));
  assert.ok(matches("a{n}/", "ab/"));
});

test("R4 captures the longest name with which the rest still matches", () => {
  assert.deepEqual(compileGlob("{a}-{b}").match("x-y-z"), { a: "x-y", b: "z" });
  assert.deepEqual(compileGlob("**/{a}").match("x/y/z"), { a: "z" });
  assert.deepEqual(compileGlob("{a}/**").match("x/y/z"), { a: "x" });
});

test("R4 a captured value is never read as a pattern", () => {
  assert.throws(() => substitute("acme/{repo}", { repo: "*" }), GlobError);
  assert.throws(() => substitute("acme/{repo}", { repo: "{other}" }), GlobError);
  assert.ok(substitute("acme/{repo}x", { repo: "$&$'" }).match("acme/$&$'x"));
});

test("R7 a pattern of many wildcards against a text that almost fits comes to an answer", () => {
  assert.ok(!matches(`${"*a".repeat(200)}b`, "a".repeat(4000)));
  assert.ok(!matches("**", "a".repeat(5000)), "beyond the limit nothing matches");
});

test("R7 matches what an anchored, escaped expression would", () => {
  const part = fc.constantFrom("a", "b", "/", "@", ".", "-");
  const pattern = fc
    .array(fc.oneof(part, fc.constantFrom("*", "**")), { maxLength: 8 })
    .filter((parts) => !/\*\|\*/.test(parts.join("|")))
    .map((parts) => parts.join(""));
  fc.assert(
    fc.property(pattern, fc.array(part, { maxLength: 10 }), (glob, text) => {
      const source = glob.replace(/[.]|\*\*?/g, (token) => ({ "*": "[^/@]*", "**": "[^@]*" })[token] ?? `\\${token}`);
      assert.equal(matches(glob, text.join("")), new RegExp(`^(?:${source})$`, "s").test(text.join("")));
    }),
    { numRuns: 1000 },
  );
});

test("a long name that was captured goes into a long pattern", () => {
  const long = "a".repeat(300);
  const pattern = `${"b".repeat(400)}/{repo}`;
  assert.ok(substitute(pattern, { repo: long }).match(`${"b".repeat(400)}/${long}`));
  assert.throws(() => compileGlob("b".repeat(600)), GlobError);
});
