import assert from "node:assert/strict";
import { test } from "node:test";
import { FULCIO_ARC, type RawExtension, readFulcioClaims } from "../../src/sigstore/fulcio-extensions.ts";
import { der, ISSUER, utf8 } from "./instance.ts";

const raw = (arc: number, value: Uint8Array): RawExtension => ({ oid: `${FULCIO_ARC}.${arc}`, critical: false, value });
const text = (arc: number, value: string) => raw(arc, Buffer.from(value));
const encoded = (arc: number, value: string) => raw(arc, utf8(value));
const malformed = { code: "malformed-extension" };

test("R6 decodes each extension from .8 to .22 into its field", () => {
  const { issuer, extensions } = readFulcioClaims(
    Array.from({ length: 15 }, (_, index) => encoded(index + 8, `value ${index + 8}`)),
  );
  assert.equal(issuer, "value 8");
  assert.deepEqual(extensions, {
    buildSignerUri: "value 9",
    buildSignerDigest: "value 10",
    runnerEnvironment: "value 11",
    sourceRepositoryUri: "value 12",
    sourceRepositoryDigest: "value 13",
    sourceRepositoryRef: "value 14",
    sourceRepositoryIdentifier: "value 15",
    sourceRepositoryOwnerUri: "value 16",
    sourceRepositoryOwnerIdentifier: "value 17",
    buildConfigUri: "value 18",
    buildConfigDigest: "value 19",
    buildTrigger: "value 20",
    runInvocationUri: "value 21",
    sourceRepositoryVisibility: "value 22",
  });
});

test("R6 leaves a field out whose extension is absent", () => {
  assert.deepEqual(readFulcioClaims([encoded(8, ISSUER), encoded(14, "refs/tags/v1")]).extensions, {
    sourceRepositoryRef: "refs/tags/v1",
  });
});

test("R6 takes the older extensions, which are bare text, where the new ones are absent", () => {
  const older = [
    text(1, ISSUER),
    text(2, "push"),
    text(3, "c0ffee"),
    text(4, "Release"),
    text(5, "octo/app"),
    text(6, "refs/tags/v1"),
  ];
  assert.deepEqual(readFulcioClaims(older), {
    issuer: ISSUER,
    extensions: {
      buildTrigger: "push",
      sourceRepositoryDigest: "c0ffee",
      sourceRepositoryUri: "https://github.com/octo/app",
      sourceRepositoryRef: "refs/tags/v1",
    },
  });
});

test("R6 takes a new extension over the older one, field by field", () => {
  const { issuer, extensions } = readFulcioClaims([
    text(1, "https://older.example.test"),
    encoded(8, ISSUER),
    text(2, "pull_request"),
    encoded(20, "push"),
    text(6, "refs/heads/main"),
  ]);
  assert.equal(issuer, ISSUER);
  assert.deepEqual(extensions, { buildTrigger: "push", sourceRepositoryRef: "refs/heads/main" });
});

test("R6 does not fall back to the older extension where the new one is malformed", () => {
  assert.throws(() => readFulcioClaims([encoded(8, ISSUER), text(2, "push"), raw(20, Buffer.from("push"))]), malformed);
});

test("R6 makes the older repository one of github.com only for github.com's issuer", () => {
  const repositoryOf = (issuer: string) =>
    readFulcioClaims([encoded(8, issuer), text(5, "octo/app")]).extensions.sourceRepositoryUri;
  assert.equal(repositoryOf(ISSUER), "https://github.com/octo/app");
  assert.equal(repositoryOf(`${ISSUER}/an-enterprise`), "https://github.com/octo/app");
  assert.equal(repositoryOf(`${ISSUER}.evil.test`), undefined);
  assert.equal(repositoryOf("https://github.corp.test/_services/token"), undefined);
});

test("R6 refuses an older repository that is no owner and name", () => {
  for (const value of ["octo", "octo/app/x", "octo/app\n", "octo/../x", "/app", "octo/a b"]) {
    assert.throws(() => readFulcioClaims([encoded(8, ISSUER), text(5, value)]), malformed, value);
  }
});

test("R6 reads a value of 128 bytes and more, whose length takes more than one octet", () => {
  for (const length of [127, 128, 255, 256, 5000]) {
    const value = "r".repeat(length);
    assert.equal(readFulcioClaims([encoded(14, value)]).extensions.sourceRepositoryRef, value);
  }
});

test("R6 refuses values that are not exactly one DER UTF8String", () => {
  const value = Buffer.from("refs/tags/v1");
  const cases: Record<string, Uint8Array> = {
    "bare text": value,
    "long form of a short length": Buffer.concat([Buffer.of(0x0c, 0x81, value.length), value]),
    "leading zero in the length": Buffer.concat([Buffer.of(0x0c, 0x82, 0, 200), Buffer.alloc(200, "r")]),
    "indefinite length": Buffer.concat([Buffer.of(0x2c, 0x80), utf8("refs/tags/v1"), Buffer.of(0, 0)]),
    "an IA5String": der(0x16, value),
    "a PrintableString": der(0x13, value),
    "an OCTET STRING around it": der(0x04, utf8("refs/tags/v1")),
    "a byte behind it": Buffer.concat([utf8("refs/tags/v1"), Buffer.of(0)]),
    "a second one behind it": Buffer.concat([utf8("refs/tags/v1"), utf8("x")]),
    "a length beyond the end": Buffer.concat([Buffer.of(0x0c, value.length + 1), value]),
    "a length short of the end": Buffer.concat([Buffer.of(0x0c, value.length - 1), value]),
    "not UTF-8": der(0x0c, Buffer.of(0xc3, 0x28)),
    "overlong UTF-8": der(0x0c, Buffer.of(0xc0, 0xaf)),
    "an empty text": utf8(""),
    nothing: Buffer.alloc(0),
  };
  assert.equal(readFulcioClaims([raw(14, utf8("refs/tags/v1"))]).extensions.sourceRepositoryRef, "refs/tags/v1");
  for (const [name, bytes] of Object.entries(cases)) {
    assert.throws(() => readFulcioClaims([raw(14, bytes)]), malformed, name);
  }
});

test("R6 refuses an extension that is there twice, though both say the same", () => {
  assert.throws(() => readFulcioClaims([encoded(14, "refs/tags/v1"), encoded(14, "refs/tags/v1")]), malformed);
  assert.throws(() => readFulcioClaims([text(6, "a"), text(6, "a"), encoded(14, "a")]), malformed);
  const other = { oid: "2.5.29.17", critical: true, value: Buffer.alloc(0) };
  assert.throws(() => readFulcioClaims([other, other]), malformed);
});
