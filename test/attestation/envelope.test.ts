import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { EnvelopeError, parseEnvelope } from "../../src/attestation/envelope.ts";
import { parseStatement } from "../../src/attestation/statement.ts";
import { bytesOf, shared } from "../image/shared.ts";

const envelope = {
  payloadType: "application/vnd.in-toto+json",
  payload: "-_8=",
  signatures: [{ sig: "AQI=", keyid: "k" }],
};

const refuses = (value: unknown, code: string) =>
  assert.throws(
    () => parseEnvelope(bytesOf(value)),
    (error) => error instanceof EnvelopeError && error.code === code,
  );

test("reads an envelope in either alphabet of base64", () => {
  for (const payload of ["-_8=", "+/8=", "+/8"]) {
    const { payload: decoded, signatures } = parseEnvelope(bytesOf({ ...envelope, payload }));
    assert.deepEqual([...decoded], [0xfb, 0xff]);
    assert.deepEqual(signatures, [{ sig: new Uint8Array([1, 2]), keyid: "k" }]);
  }
});

test("refuses base64 that decoders read differently", () => {
  for (const payload of ["-_8=x", "e30=e30=", "e3 0=", "e30\n", "e31", "é"])
    refuses({ ...envelope, payload }, "not-base64");
});

test("refuses an envelope without signatures, and one with more than anybody makes", () => {
  refuses({ ...envelope, signatures: [] }, "signatures");
  refuses({ ...envelope, signatures: Array(33).fill(envelope.signatures[0]) }, "signatures");
});

test("R23 refuses repeated keys and keys in another case", () => {
  refuses(JSON.stringify(envelope).replace("{", '{"payload":"",'), "duplicate-key");
  refuses({ ...envelope, Payload: "" }, "folded-key");
  refuses({ ...envelope, signatures: [{ sig: "AQI=", Sig: "" }] }, "folded-key");
});

const cosign = shared("samples/cosign");

test("reads the envelopes that cosign attaches under its tag, and the statements in them", cosign, () => {
  const files = globSync("*-legacy-att/layer*.json", { cwd: cosign.path });
  assert.ok(files.length > 0);
  for (const file of files) {
    const { payload, payloadType } = parseEnvelope(readFileSync(join(cosign.path, file)));
    assert.equal(payloadType, "application/vnd.in-toto+json");
    assert.ok(parseStatement(payload).subject.length > 0);
  }
});
