import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { toJson, toText } from "../../src/store/json.ts";

test("JSON for PostgreSQL differs only where it has no such character", () => {
  assert.deepEqual(JSON.parse(toJson({ "k\0": ["a\0", "\ud800", "\udc00x", "👍", "\\u0000", "\\\0"] })), {
    "k\ufffd": ["a\ufffd", "\ufffd", "\ufffdx", "👍", "\\u0000", "\\\ufffd"],
  });
  fc.assert(
    fc.property(fc.jsonValue(), fc.string({ unit: "binary" }), (value, text) => {
      const mended = (given: string) => given.toWellFormed().replaceAll("\0", "\ufffd");
      assert.equal(JSON.parse(toJson([value, text]))[1], mended(text));
      assert.equal(toText(text), mended(text));
      assert.doesNotMatch(toJson(value), /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f])/);
    }),
  );
});
