import assert from "node:assert/strict";
import { test } from "node:test";
import type { ListedPackage, PackageChange } from "../../src/attestation/package-change.ts";
import { digestOf } from "../../src/image/digest.ts";
import { verdictChangeMarkdown, verdictChangeText } from "../../src/report/verdict-change.ts";
import { verdictChangeDocument, verdictChangeSchema } from "../../src/report/verdict-change-json.ts";
import type { ListedPackages, PackagesChange } from "../../src/trust/packages-change.ts";
import { verdictChange } from "../../src/trust/verdict-change.ts";
import { bytesOf, World } from "../trust/world.ts";

const world = new World();
const verdict = await world.judge(world.build("app").image);

const listed = (unread: readonly string[] = [], label = ""): ListedPackages & { readonly kind: "listed" } => ({
  kind: "listed",
  bundles: [digestOf(bytesOf(label))],
  count: 2,
  unread,
});
const named = (name: string, versions: readonly string[] = ["1"], licences: readonly string[] = []): ListedPackage => ({
  purl: undefined,
  name,
  versions,
  licences,
});
const change = (changes: Partial<PackageChange> = {}): PackageChange => ({
  gained: [],
  lost: [],
  versions: [],
  licences: [],
  same: 2,
  ...changes,
});
const row = (changes: Partial<PackagesChange> = {}): PackagesChange => ({
  platform: "linux/amd64",
  format: "spdx",
  before: listed(),
  after: listed(),
  change: change(),
  ...changes,
});

/** The document in its form, and what is shown of its packages. */
function shown(...rows: readonly PackagesChange[]) {
  const document = verdictChangeDocument(verdict, verdict, verdictChange(verdict, verdict), rows);
  const { packages } = verdictChangeSchema.parse(JSON.parse(JSON.stringify(document)));
  const text = verdictChangeText(document, { colour: false });
  return { packages, text: text.slice(text.indexOf("\n\n") + 2), markdown: verdictChangeMarkdown(document) };
}

test("tells licences, versions, what came and what went, several versions as sets, and how much is the same", () => {
  const openssl = { purl: "pkg:deb/debian/openssl", name: "openssl", licences: [] };
  const { text } = shown(
    row({
      change: change({
        licences: [{ from: named("redis", [], ["BSD-3-Clause"]), to: named("redis", [], []) }],
        versions: [{ from: { ...openssl, versions: ["1", "2"] }, to: { ...openssl, versions: ["2"] } }],
        gained: [named("xz", [])],
        lost: [named("zlib")],
      }),
    }),
  );
  assert.equal(
    text,
    `Packages (linux/amd64; SPDX)
~ licence of redis: BSD-3-Clause → none told
~ deb/debian/openssl 1, 2 → 2
+ xz
- zlib 1
= 2 packages the same in both
`,
  );
});

test("platforms that differ alike are told together, whatever bundles they stand in", () => {
  const [one, other] = [row(), row({ platform: "linux/arm64", before: listed([], "x") })];
  assert.match(shown(one, other).text, /^Packages \(linux\/amd64, linux\/arm64; SPDX\)\n= .*\n$/);
  const apart = shown(one, { ...other, change: change({ same: 3 }) }).text;
  assert.equal(apart.match(/^Packages/gm)?.length, 2);
  assert.match(shown(row({ platform: undefined })).text, /^Packages \(all platforms together; SPDX\)/);
});

test("where nothing is compared neither text nor document can be read as no difference", () => {
  const others: readonly ListedPackages[] = [
    { kind: "none", refused: ["its signer isn't accepted"] },
    { kind: "unread", reasons: ["the connection broke"] },
    { kind: "cut" },
    { kind: "other-format" },
    { kind: "other-scope" },
    { kind: "revoked" },
    { kind: "no-image" },
  ];
  for (const other of others) {
    for (const sides of [{ after: other }, { before: other }, { before: other, after: other }]) {
      const { packages, text, markdown } = shown(row({ ...sides, change: undefined }));
      assert.equal(packages[0]?.change, null);
      for (const form of [text, markdown]) assert.ok(!form.includes("the same"), form);
      const which = "before" in sides && "after" in sides ? "both" : "after" in sides ? "second" : "first";
      assert.match(
        text,
        new RegExp(`\\n\\? nothing is compared.*\\n\\? of the ${which}: .+\\n$`.replace("the both", "both")),
      );
    }
  }
  assert.match(shown(row({ after: others[0] as ListedPackages, change: undefined })).text, /its signer isn't accepted/);
  assert.match(shown(row({ after: others[1] as ListedPackages, change: undefined })).text, /the connection broke/);
});

test("what may be missing from lists that are compared is told beside what differs", () => {
  const { text, packages } = shown(row({ after: listed(["slow"]) }));
  assert.match(text, /^= 2 packages the same in both, as far as lists could be read$/m);
  assert.match(text, /^\? the second may list more: slow$/m);
  assert.deepEqual(packages[0]?.after.unread, ["slow"]);
});

test("hostile and huge lists stay short in text, whole in the document, and command no terminal or page", () => {
  const evil = `\u001b[31m\u202e\n+ planted [x](https://evil.example) <b> @everyone ${"x".repeat(200)}\ud83d`;
  const many = (count: number, of: (i: number) => ListedPackage) => Array.from({ length: count }, (_, i) => of(i));
  const huge = many(1000, (i) =>
    named(
      `${i} ${evil}`,
      many(9, (n) => named(`${n}${evil}`)).map(({ name }) => name),
      [evil],
    ),
  );
  const changed = huge.map((each) => ({ from: each, to: each }));
  const { text, markdown, packages } = shown(
    row({
      platform: `linux/${evil}`,
      before: listed(Array.from({ length: 500 }, (_, i) => `${i}${evil}`)),
      change: change({ gained: huge, lost: huge, versions: changed, licences: changed }),
    }),
  );
  assert.ok(text.split("\n").length < 60, text);
  for (const line of [...text.split("\n"), ...markdown.split("\n")]) assert.ok(line.length < 2000);
  assert.ok(!/[^\n\P{Cc}]|\p{Cf}/u.test(text + markdown));
  assert.ok(!/^\+ planted/m.test(text));
  assert.ok(text.includes("…, 5 more") && !text.includes(", 4\\u{1b}"));
  assert.ok(!/(?<!`)\[x\]\(/.test(markdown));
  assert.equal(text.match(/and 990 more packages; --output json has all/g)?.length, 2);
  assert.equal(packages[0]?.change?.gained.length, 1000);
  assert.equal(packages[0]?.before.unread.length, 20);
});
