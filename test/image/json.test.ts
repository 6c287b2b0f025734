import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { z } from "zod";
import { JsonError, MAX_PARTS, parseJson, readDocument, refuseFoldedKeys } from "../../src/image/json.ts";
import { bytesOf } from "./shared.ts";

const refuses = (text: string, code: string, path?: string) =>
  assert.throws(() => parseJson(bytesOf(text)), { name: "JsonError", code, ...(path !== undefined && { path }) });

test("reads what JSON.parse reads", () => {
  fc.assert(
    fc.property(fc.json({ depthSize: "medium", stringUnit: "binary" }), (text) => {
      assert.deepEqual(parseJson(bytesOf(text.toWellFormed())), JSON.parse(text.toWellFormed()));
    }),
  );
});

test("throws its own error on any bytes that it can't read", () => {
  const nearlyJson = fc.stringMatching(/^[[\]{}",:a\\u0 ]{0,40}$/).map(bytesOf);
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 40 }), nearlyJson), (bytes) => {
      try {
        parseJson(bytes);
      } catch (error) {
        assert.ok(error instanceof JsonError);
      }
    }),
    { numRuns: 2000 },
  );
});

for (const [what, bytes] of [
  ["a stray continuation byte", [0x22, 0x80, 0x22]],
  ["an overlong form", [0x22, 0xc0, 0xaf, 0x22]],
  ["an encoded surrogate", [0x22, 0xed, 0xa0, 0x80, 0x22]],
  ["Latin-1", [0x22, 0xe9, 0x22]],
] as const) {
  test(`R23 refuses bytes with ${what}`, () => {
    assert.throws(() => parseJson(new Uint8Array(bytes)), { code: "not-utf8" });
    assert.equal(parseJson(new Uint8Array([0x22, 0xc3, 0xa9, 0x22])), "é");
  });
}

test("R23 refuses a byte order mark, as Go does", () => {
  assert.throws(() => parseJson(new Uint8Array([0xef, 0xbb, 0xbf, 0x7b, 0x7d])), { code: "not-json" });
  assert.deepEqual(parseJson(bytesOf("{}")), {});
});

for (const text of [
  "",
  " ",
  "nul",
  "{",
  '{"a"',
  '{"a":1}}',
  '{"a":1,}',
  "[1,]",
  "{'a':1}",
  '"\n"',
  "01",
  "NaN",
  '{"a":1}{"a":1}',
  '{"\\x":1}',
  '"\\',
]) {
  test(`refuses ${JSON.stringify(text)}, which is no JSON`, () => refuses(text, "not-json"));
}

for (const [what, text, path] of [
  ["a duplicate key", '{"config":1,"config":2}', "config"],
  ["a duplicate key with the same value", '{"a":1,"a":1}', "a"],
  ["a key that is a duplicate once unescaped", '{"config":1,"\\u0063onfig":2}', "config"],
  ["two keys escaped in two ways", '{"\\u0063":1,"\\u0063":2}', "c"],
  ["a duplicate of the empty key", '{"":1,"":2}', '[""]'],
  ["a duplicate key in a nested object", '{"a":[{"b":1},{"b":{"c":1,"c":2}}]}', "a[1].b.c"],
  ["a duplicate key after nested values", '{"a":{"x":[{}]},"b":[],"a":1}', "a"],
  ["a duplicate key behind strings that look like structure", '{"a":"}],{\\"","a":1}', "a"],
  ["a duplicate key with space before the colon", '{"a" :1,"a"\t\r\n:2}', "a"],
  ["a duplicate __proto__", '{"__proto__":1,"__proto__":2}', "__proto__"],
  ["keys that broken surrogates make one to Go", '{"\\ud800":1,"\\udfff":2}', '["\ufffd"]'],
  ["a broken surrogate beside the replacement character", '{"\\ud800":1,"\ufffd":2}', '["\ufffd"]'],
] as const) {
  test(`R23 refuses ${what}`, () => refuses(text, "duplicate-key", path));
}

for (const text of [
  '{"config":1,"c\\u006fnfig2":2}',
  '[{"a":1},{"a":1}]',
  '{"a":{"a":{"a":1}}}',
  '{"a":"a","b":"a"}',
  '{"a":["a","a"],"b":["a"]}',
  '{"a\\"b":1,"a":2}',
  '{"a\\\\":1,"a":2}',
  '{"\\ud83d\\ude00":1,"\\ud83d\\ude01":2}',
  '{"é":1,"e\u0301":2}',
  '{"a":1,"A":2}',
]) {
  test(`accepts ${text}, whose keys are all different`, () => {
    assert.deepEqual(parseJson(bytesOf(text)), JSON.parse(text));
  });
}

test("refuses what is nested deeper than 256", () => {
  refuses(`${"[".repeat(257)}${"]".repeat(257)}`, "too-deep");
  refuses(`${'{"a":'.repeat(257)}1${"}".repeat(257)}`, "too-deep");
  refuses("[".repeat(4_000_000), "too-deep");
  parseJson(bytesOf(`${"[".repeat(256)}${"]".repeat(256)}`));
});

test("refuses what has more parts than any honest document, before they are made", () => {
  for (const each of ["[]", "{}", "0", '""', '{"":0}']) refuses(`[${`${each},`.repeat(MAX_PARTS)}0]`, "too-many-parts");
  refuses(`{${Array.from({ length: MAX_PARTS }, (_, i) => `"${i}":0,`).join("")}"":0}`, "too-many-parts");
  assert.throws(() => parseJson(bytesOf("[0,[0,0]]"), 3), { code: "too-many-parts" });
  assert.throws(() => readDocument(z.unknown(), bytesOf("[0,[0,0]]"), 3), { code: "too-many-parts" });
  assert.deepEqual(parseJson(bytesOf('[",,[{",[0,0]]'), 4), [",,[{", [0, 0]]);
});

test("does not count brackets in strings as nesting", () => {
  parseJson(bytesOf(JSON.stringify("[{".repeat(1000))));
});

test("reads a key __proto__ without harm", () => {
  const text = '{"__proto__":{"isAdmin":true},"labels":{"__proto__":"x","a":"b"}}';
  const value = parseJson(bytesOf(text)) as { isAdmin?: unknown };
  assert.equal(value.isAdmin, undefined);
  const schema = z.looseObject({ labels: z.record(z.string(), z.string()) });
  const document = readDocument(schema, bytesOf(text));
  assert.equal((document as { isAdmin?: unknown }).isAdmin, undefined);
  assert.deepEqual(document.labels, { a: "b" });
  assert.equal(Object.getPrototypeOf(document), Object.prototype);
  assert.equal(({} as { isAdmin?: unknown }).isAdmin, undefined);
});

const leaf = z.looseObject({ digest: z.string().optional(), kind: z.string().optional(), sink: z.string().optional() });
interface Tree {
  readonly child?: Tree | undefined;
}
const tree: z.ZodType<Tree> = z.lazy(() => z.looseObject({ child: tree.optional() }));
const schema = z.looseObject({
  plain: leaf.optional(),
  list: z.array(leaf).nullish(),
  pair: z.tuple([leaf], leaf).optional(),
  free: z.record(z.string(), leaf).default({}),
  labels: z.record(z.string(), z.string()).optional(),
  either: z.union([z.looseObject({ left: leaf }), z.looseObject({ right: leaf }), z.string()]).optional(),
  tagged: z
    .discriminatedUnion("type", [
      z.looseObject({ type: z.literal("a"), one: z.string() }),
      z.looseObject({ type: z.literal("b"), two: z.string() }),
    ])
    .optional(),
  both: z.intersection(leaf, z.looseObject({ extra: z.string().optional() })).optional(),
  frozen: leaf.readonly().optional(),
  piped: leaf.transform((value) => value.digest).optional(),
  prepared: z.preprocess((value) => value, leaf).optional(),
  refined: leaf.refine(() => true).optional(),
  caught: leaf.catch({}).optional(),
  tree: tree.optional(),
  others: z.object({}).catchall(leaf).optional(),
  anything: z.unknown(),
});

for (const [where, value, path] of [
  ["at the top", { Plain: {} }, "Plain"],
  ["beside the true one", { plain: {}, PLAIN: {} }, "PLAIN"],
  ["in a nested object", { plain: { Digest: "" } }, "plain.Digest"],
  ["with a long s", { plain: { "\u017fink": "" } }, 'plain["\u017fink"]'],
  ["with a Kelvin sign", { plain: { "sin\u212a": "" } }, 'plain["sin\u212a"]'],
  ["in a list", { list: [{}, { digesT: "" }] }, "list[1].digesT"],
  ["in a tuple", { pair: [{ Digest: "" }] }, "pair[0].Digest"],
  ["in the rest of a tuple", { pair: [{}, { Digest: "" }] }, "pair[1].Digest"],
  ["in a value of a free map", { free: { Any: { Digest: "" } } }, "free.Any.Digest"],
  ["in the first of two forms", { either: { Left: {} } }, "either.Left"],
  ["in the second of two forms", { either: { right: { Digest: "" } } }, "either.right.Digest"],
  ["in a form that is told apart by a field", { tagged: { type: "b", two: "", ONE: "" } }, "tagged.ONE"],
  ["in an intersection", { both: { Extra: "" } }, "both.Extra"],
  ["behind readonly", { frozen: { Digest: "" } }, "frozen.Digest"],
  ["before a transformation", { piped: { Digest: "" } }, "piped.Digest"],
  ["behind a preprocessor", { prepared: { Digest: "" } }, "prepared.Digest"],
  ["behind a refinement", { refined: { Digest: "" } }, "refined.Digest"],
  ["where a fault would be forgiven", { caught: { Digest: "" } }, "caught.Digest"],
  ["deep in a recursive form", { tree: { child: { child: { Child: {} } } } }, "tree.child.child.Child"],
  ["in a value that a catch-all takes", { others: { x: { Digest: "" } } }, "others.x.Digest"],
] as const) {
  test(`R23 refuses a key that differs from a field by case, ${where}`, () => {
    assert.throws(() => refuseFoldedKeys(value, schema), { code: "folded-key", path });
    assert.throws(() => readDocument(schema, bytesOf(value)), { code: "folded-key", path });
  });
}

test("R23 leaves keys of free maps and of unread parts as they are", () => {
  const value = {
    labels: { Digest: "x", digest: "y", DIGEST: "z" },
    free: { Digest: {}, digest: {} },
    anything: { Plain: { Digest: 1 } },
    unknown: { Digest: "" },
    plain: { digest: "", digests: "", _digest: "" },
  };
  assert.deepEqual(readDocument(schema, bytesOf(value)), { ...value });
});

test("answers unknown fields where the schema keeps them", () => {
  assert.deepEqual(readDocument(leaf, bytesOf('{"digest":"a","more":[1]}')), { digest: "a", more: [1] });
});

test("tells the path of a field of another form", () => {
  assert.throws(() => readDocument(schema, bytesOf({ list: [{}, { digest: 1 }] })), {
    code: "schema",
    path: "list[1].digest",
  });
});

test("takes an exception out of a schema's own function for a refusal", () => {
  const throwing = z.string().transform(() => {
    throw new RangeError("out of the parser");
  });
  assert.throws(() => readDocument(throwing, bytesOf('"x"')), { name: "JsonError", code: "schema" });
});
