import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { after, test } from "node:test";
import { type VerifyBundleArguments, verifyBundleCommand } from "../../src/cli/verify-bundle.ts";
import { digestOf } from "../../src/image/digest.ts";
import { createInstance, ISSUER, SAN, statement } from "../sigstore/instance.ts";
import { shared } from "../sigstore/shared.ts";

const conformance = shared("corpora/sigstore-conformance/test/assets");
const CONFORMANCE_IDENTITY =
  "https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main";

async function run(args: VerifyBundleArguments) {
  const written = { stdout: "", stderr: "" };
  const into = (name: keyof typeof written) =>
    new Writable({
      write(chunk, _encoding, done) {
        written[name] += String(chunk);
        done();
      },
    });
  const exit = await verifyBundleCommand(args, { stdout: into("stdout"), stderr: into("stderr") });
  return { exit, ...written };
}

function conformanceArguments(name: string): VerifyBundleArguments {
  const fileOf = (file: string) => join(conformance.path, "bundle-verify", name, file);
  const has = (file: string) => existsSync(fileOf(file));
  const textOf = (file: string, otherwise: string) =>
    has(file) ? readFileSync(fileOf(file), "utf8").trim() : otherwise;
  return {
    bundle: fileOf("bundle.sigstore.json"),
    artifact: has("artifact") ? fileOf("artifact") : join(conformance.path, "a.txt"),
    ...(has("trusted_root.json") && { trustedRoot: fileOf("trusted_root.json") }),
    ...(has("key.pub")
      ? { key: fileOf("key.pub") }
      : {
          certificateIdentity: textOf("identity", CONFORMANCE_IDENTITY),
          certificateOidcIssuer: textOf("issuer", ISSUER),
        }),
  };
}

test("agrees with sigstore-conformance on every bundle", { skip: conformance.skip }, async () => {
  const names = readdirSync(join(conformance.path, "bundle-verify"));
  assert.equal(names.length, 32);
  for (const name of names) {
    const { exit, stderr } = await run(conformanceArguments(name));
    const expected = name.endsWith("_fail") ? 1 : 0;
    assert.equal(exit, expected, `${name}: ${stderr}`);
    // Every signer of the corpus has a key that signs hashes, so that the digest alone serves as well.
    const artifact = digestOf(readFileSync(conformanceArguments(name).artifact));
    assert.equal((await run({ ...conformanceArguments(name), artifact })).exit, expected, `${name} by digest`);
  }
});

test("rejects another key than the one that signed, where it accepts that one", {
  skip: conformance.skip,
}, async () => {
  const args = conformanceArguments("managed-key-and-trusted-root");
  assert.equal((await run(args)).exit, 0);
  const other = write("other.pub", instance.newKey().publicKey.export({ format: "pem", type: "spki" }));
  assert.equal((await run({ ...args, key: other })).exit, 1);
});

const folder = mkdtempSync(join(tmpdir(), "verify-bundle-"));
after(() => rmSync(folder, { recursive: true }));
const write = (name: string, content: string | Buffer) => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};

const instance = createInstance();
const bytes = Buffer.from("an artifact");
const payload = Buffer.from(
  JSON.stringify({ ...statement, subject: [{ digest: { sha256: digestOf(bytes).slice(7) } }] }),
);
const args = {
  bundle: write("bundle.json", JSON.stringify(instance.bundle({ payload }))),
  trustedRoot: write("trusted_root.json", JSON.stringify(instance.trustedRoot)),
  certificateIdentity: SAN,
  certificateOidcIssuer: ISSUER,
  artifact: write("artifact", bytes),
};

test("accepts a statement for a file, and for its digest", async () => {
  assert.equal((await run(args)).exit, 0);
  assert.equal((await run({ ...args, artifact: digestOf(bytes) })).exit, 0);
});

test("R13 rejects a statement for an artifact that isn't its subject", async () => {
  const { exit, stderr } = await run({ ...args, artifact: write("other", "another artifact") });
  assert.equal(exit, 1);
  assert.match(stderr, /: subject: /);
  assert.equal((await run({ ...args, artifact: digestOf(Buffer.from("another")) })).exit, 1);
});

test("compares the identity as a whole, and never as a pattern", async () => {
  const lookAlikes = [
    SAN.slice(0, -1),
    SAN.slice(1),
    `${SAN}\n`,
    `${SAN} `,
    "github.com/octo/app",
    ".*",
    `^${SAN}$`,
    SAN.replaceAll(".", "?"),
    SAN.toUpperCase(),
  ];
  assert.equal((await run({ ...args, certificateIdentity: SAN })).exit, 0);
  for (const certificateIdentity of lookAlikes) {
    assert.equal((await run({ ...args, certificateIdentity })).exit, 1, JSON.stringify(certificateIdentity));
  }
});

test("compares the issuer as a whole", async () => {
  for (const certificateOidcIssuer of [
    `${ISSUER}/`,
    ISSUER.slice(0, -1),
    ".*",
    "https://accounts.google.com",
    `${ISSUER}\n`,
  ]) {
    assert.equal((await run({ ...args, certificateOidcIssuer })).exit, 1, JSON.stringify(certificateOidcIssuer));
  }
});

test("rejects a bundle of an instance that the given root is not, and of one that none of the shipped ones is", async () => {
  const trustedRoot = write("other_root.json", JSON.stringify(createInstance().trustedRoot));
  assert.equal((await run({ ...args, trustedRoot })).exit, 1);
  const { trustedRoot: _, ...withoutRoot } = args;
  assert.equal((await run(withoutRoot)).exit, 1);
});

test("accepts a key's signature for that key alone, and asks it for a log entry", async () => {
  const { signer, bundle } = instance.keyBundle({ payload });
  const { certificateIdentity: _, certificateOidcIssuer: __, ...rest } = args;
  const withKey = {
    ...rest,
    bundle: write("key-bundle.json", JSON.stringify(bundle)),
    key: write("key.pub", signer.publicKey.export({ format: "pem", type: "spki" })),
  };
  assert.equal((await run(withKey)).exit, 0);
  assert.equal(
    (
      await run({
        ...withKey,
        key: write("no.pub", instance.newKey().publicKey.export({ format: "pem", type: "spki" })),
      })
    ).exit,
    1,
  );
  assert.equal((await run({ ...withKey, bundle: args.bundle })).exit, 1);
  const bare = { ...bundle, verificationMaterial: { publicKey: { hint: "" } } };
  assert.equal((await run({ ...withKey, bundle: write("bare.json", JSON.stringify(bare)) })).exit, 1);
  assert.equal((await run({ ...args, bundle: withKey.bundle })).exit, 1);
});

test("rejects what is no bundle", async () => {
  for (const text of ["", "{}", "[]", "no JSON", "null"]) {
    assert.equal((await run({ ...args, bundle: write("bad.json", text) })).exit, 1, text);
  }
});

test("answers 2, and nothing of the bundle, where the question cannot be answered", async () => {
  const { certificateIdentity: _, ...withoutIdentity } = args;
  const { certificateOidcIssuer: __, ...withoutIssuer } = args;
  const bad = write("bad", "bad");
  for (const wrong of [
    withoutIdentity,
    withoutIssuer,
    { ...args, certificateIdentity: "" },
    { ...args, key: bad },
    { ...withoutIdentity, certificateOidcIssuer: ISSUER, key: bad },
    { ...args, bundle: join(folder, "absent") },
    { ...args, artifact: join(folder, "absent") },
    { ...args, artifact: `sha256:${"A".repeat(64)}` },
    { ...args, trustedRoot: join(folder, "absent") },
    { ...args, trustedRoot: bad },
  ]) {
    const { exit, stdout, stderr } = await run(wrong);
    assert.equal(exit, 2, JSON.stringify(wrong));
    assert.equal(stdout, "");
    assert.match(stderr, /^error: .+\n$/);
  }
});

test("writes the reason on one line, whatever the bundle's author put into it", async () => {
  const { exit, stderr } = await run({ ...args, certificateIdentity: "someone\n\u001b[2J\u202e" });
  assert.equal(exit, 1);
  assert.match(stderr, /^[^\p{Cc}\p{Cf}]+\n$/u);
});
