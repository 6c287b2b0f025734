import assert from "node:assert/strict";
import { test } from "node:test";
import { parseTrustedRoot } from "../../src/sigstore/trusted-root.ts";
import { createBundleVerifier } from "../../src/sigstore/verifier.ts";
import { createInstance, der, extension, form, fulcio, ISSUER, oid, ordinary, SAN, utf8 } from "./instance.ts";
import { asBundle } from "./shared.ts";

const instance = createInstance();
const verifier = createBundleVerifier({
  roots: [parseTrustedRoot(Buffer.from(JSON.stringify(instance.trustedRoot)), "test")],
});

/** The identity in a certificate that the authority issued in earnest, or the code of the refusal. */
function identityOf(extensions: readonly Uint8Array[]) {
  const outcome = verifier.verifyBundle(asBundle(instance.bundle({ extensions })));
  return outcome.kind === "verified" ? outcome.identity : outcome.code;
}
const named = (...names: readonly Uint8Array[]) => [form.usage, form.signing, form.san(...names), form.issuer];
const nameOf = (...names: readonly Uint8Array[]) => {
  const identity = identityOf(named(...names));
  return typeof identity === "object" && identity.kind === "certificate" ? identity.subjectAlternativeName : identity;
};

test("R6 reads the one name, be it a URI, an e-mail address or a user's name", () => {
  assert.equal(nameOf(form.uri(SAN)), SAN);
  assert.equal(nameOf(form.email("a@example.test")), "a@example.test");
  assert.equal(nameOf(form.userName("a!example.test")), "a!example.test");
});

test("R6 refuses a certificate without a name, with two, or with one of another kind", () => {
  assert.equal(identityOf([form.usage, form.signing, form.issuer]), "certificate");
  assert.equal(nameOf(), "certificate");
  assert.equal(nameOf(form.uri(SAN), form.uri(SAN)), "certificate");
  assert.equal(nameOf(form.email("a@example.test"), form.uri(SAN)), "certificate");
  assert.equal(nameOf(der(0x82, Buffer.from("example.test"))), "certificate");
  assert.equal(nameOf(form.userName("a!example.test", "1.3.6.1.4.1.57264.1.8")), "certificate");
});

test("R6 refuses a name with control characters or beyond ASCII", () => {
  for (const name of [`${SAN}\n`, `${SAN}\0`, `${SAN} `, "", "https://github.com/\u00f6cto"]) {
    assert.equal(nameOf(form.uri(name)), "certificate", JSON.stringify(name));
  }
});

test("R6 refuses a certificate whose extensions cannot be read in one way", () => {
  assert.equal(identityOf([...ordinary, fulcio(14, utf8("refs/tags/v1"))]) instanceof Object, true);
  assert.equal(identityOf([...ordinary, fulcio(14, Buffer.from("refs/tags/v1"))]), "malformed-extension");
  assert.equal(identityOf([...ordinary, fulcio(14, utf8("a")), fulcio(14, utf8("b"))]), "malformed-extension");
  assert.equal(identityOf([...ordinary, form.issuer]), "malformed-extension");
  assert.equal(identityOf([...ordinary, form.san(form.uri(SAN))]), "malformed-extension");
});

test("R6 refuses a certificate that names no issuer", () => {
  const without = [form.usage, form.signing, form.san(form.uri(SAN))];
  assert.equal(identityOf(without), "certificate");
  assert.deepEqual(identityOf([...without, fulcio(1, Buffer.from(ISSUER))]), {
    kind: "certificate",
    issuer: ISSUER,
    subjectAlternativeName: SAN,
    extensions: {},
  });
});

test("refuses a certificate that is not for signing code", () => {
  const rest = [form.usage, form.san(form.uri(SAN)), form.issuer];
  const forPurpose = (id: string) => extension("2.5.29.37", der(0x30, oid(id)));
  assert.equal(typeof identityOf([...rest, forPurpose("1.3.6.1.5.5.7.3.3")]), "object");
  assert.equal(identityOf([...rest, forPurpose("1.3.6.1.5.5.7.3.1")]), "certificate");
  assert.equal(identityOf(rest), "certificate");
  const usage = (bits: number) => extension("2.5.29.15", der(0x03, Buffer.of(0, bits)), true);
  assert.equal(typeof identityOf([usage(0x80), ...ordinary.slice(1)]), "object");
  assert.equal(identityOf([usage(0x20), ...ordinary.slice(1)]), "certificate");
});

test("refuses the certificate of an authority as a signer's", () => {
  assert.equal(typeof identityOf([...ordinary, extension("2.5.29.19", der(0x30), true)]), "object");
  assert.equal(identityOf([...ordinary, form.authority]), "certificate");
});

test("refuses an unknown critical extension, such as a precertificate's poison", () => {
  const poison = "1.3.6.1.4.1.11129.2.4.3";
  assert.equal(typeof identityOf([...ordinary, extension(poison, der(0x05))]), "object");
  assert.equal(identityOf([...ordinary, extension(poison, der(0x05), true)]), "certificate");
});

test("refuses a certificate whose unsigned parts were changed", () => {
  const inner = oid("1.2.840.10045.4.3.2");
  const kindOf = (reshape: (leaf: Buffer) => Buffer) => {
    const outcome = verifier.verifyBundle(asBundle(instance.bundle({ reshape })));
    return outcome.kind === "rejected" ? outcome.code : outcome.kind;
  };
  const changed = (from: (leaf: Buffer) => number, byte: number) => (leaf: Buffer) => {
    const copy = Buffer.from(leaf);
    copy[from(leaf)] = byte;
    return copy;
  };
  const lastOctetOfAlgorithm = (leaf: Buffer) => leaf.lastIndexOf(inner) + inner.length - 1;
  // Behind the algorithm stand the tag and the length of the BIT STRING, and then its count of unused bits.
  const unusedBits = (leaf: Buffer) => lastOctetOfAlgorithm(leaf) + 3;
  assert.equal(kindOf(changed(lastOctetOfAlgorithm, 2)), "verified");
  assert.equal(kindOf(changed(lastOctetOfAlgorithm, 9)), "certificate");
  assert.equal(kindOf(changed(unusedBits, 0)), "verified");
  assert.equal(kindOf(changed(unusedBits, 1)), "certificate");
});
