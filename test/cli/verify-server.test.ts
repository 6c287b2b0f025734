import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, test } from "node:test";
import { formatDockerPurl } from "../../src/attestation/purl.ts";
import { buildLevelText, type VerificationSummary, writeVsa } from "../../src/attestation/vsa.ts";
import { UsageError } from "../../src/cli/exit-code.ts";
import type { VerifyArguments } from "../../src/cli/verify.ts";
import { digestOf, hexOf } from "../../src/image/digest.ts";
import { OCI_IMAGE_CONFIG, OCI_IMAGE_INDEX, OCI_IMAGE_MANIFEST } from "../../src/image/media-type.ts";
import { parseReference } from "../../src/image/reference.ts";
import { verdictSchema } from "../../src/report/json.ts";
import { type KeyBundle, signStatement } from "../../src/signer/key-bundle.ts";
import { parseSigningKey } from "../../src/signer/signing-key.ts";
import { timestamped } from "../../src/signer/timestamp.ts";
import { layoutFiles, shelf, writeFiles } from "../archive/on-disk.ts";
import { jsonBytes } from "../registry/image-fixture.ts";
import { temporaryFiles } from "../verify/temporary-files.ts";
import { startOciRegistry } from "../world/oci-registry.ts";
import { startSigstore } from "../world/sigstore.ts";
import { startAnswers } from "./answer-server.ts";
import { verifyHere } from "./in-process.ts";

const write = temporaryFiles();
const registry = await startOciRegistry();
const server = await startAnswers();
const sigstore = await startSigstore();
after(async () => {
  await registry.close();
  await server.close();
  await sigstore.close();
});
afterEach(() => registry.heal());

const ID = `${server.url}/verifiers/published`;
const POLICY = "version: 1\n";
const policy = write("policy.yml", POLICY);
/** The clock of {@link verifyHere}. */
const NOW = Date.parse("2026-11-01T00:00:00Z");
const HOUR = 3_600_000;

const newKey = () => {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  return parseSigningKey(privateKey.export({ format: "pem", type: "pkcs8" }).toString(), "test");
};
const key = newKey();
const serverKey = write("server.pem", key.publicKey.pem);

const platforms = ["amd64", "arm64"] as const;
type Architecture = (typeof platforms)[number];

/** An image of its own for each note: for both platforms, under a tag. */
function putIndex(tag: string, note = tag) {
  const manifests = platforms.map((architecture) => {
    const config = jsonBytes({ architecture, os: "linux", rootfs: { type: "layers", diff_ids: [] }, note });
    const digest = registry.putBlob("acme/app", config);
    const manifest = jsonBytes({
      schemaVersion: 2,
      mediaType: OCI_IMAGE_MANIFEST,
      config: { mediaType: OCI_IMAGE_CONFIG, digest, size: config.length },
      layers: [],
    });
    registry.putManifest("acme/app", manifest, OCI_IMAGE_MANIFEST);
    return {
      mediaType: OCI_IMAGE_MANIFEST,
      digest: digestOf(manifest),
      size: manifest.length,
      platform: { os: "linux", architecture },
    };
  });
  const bytes = jsonBytes({ schemaVersion: 2, mediaType: OCI_IMAGE_INDEX, manifests });
  registry.putManifest("acme/app", bytes, OCI_IMAGE_INDEX, tag);
  return { tag, index: digestOf(bytes), amd64: manifests[0]?.digest ?? "", arm64: manifests[1]?.digest ?? "" };
}
type Put = ReturnType<typeof putIndex>;

const app = putIndex("1.0.0");
const other = putIndex("2.0.0");
const image = `${registry.host}/acme/app:1.0.0`;

interface Said {
  readonly of?: Put;
  readonly tag?: string | undefined;
  readonly name?: string;
  readonly resource?: string;
  readonly result?: "PASSED" | "FAILED";
  readonly at?: number;
  readonly id?: string;
  readonly policy?: string;
  readonly level?: number;
  readonly below?: Readonly<Record<string, number>>;
  readonly by?: ReturnType<typeof newKey>;
}

/** A summary as the server signs it, or as somebody else would like it to be. */
function summary(architecture: Architecture, said: Said = {}): KeyBundle {
  const { of = app, result = "PASSED", at = NOW - HOUR, id = ID, level = 2, below = {}, by = key } = said;
  const tag = "tag" in said ? said.tag : of.tag;
  const platform = { os: "linux", architecture };
  const name = { ...parseReference(said.name ?? `${registry.host}/acme/app`), ...(tag !== undefined && { tag }) };
  const resource = said.resource ?? of.index;
  const text: VerificationSummary = {
    verifier: { id },
    timeVerified: new Date(at),
    resourceUri: formatDockerPurl({ ...name, digest: resource as typeof of.index }, platform),
    policy: { uri: "urn:x", digest: { sha256: hexOf(digestOf(Buffer.from(said.policy ?? POLICY))) } },
    inputAttestations: [],
    verificationResult: result,
    verifiedLevels: [result === "PASSED" ? buildLevelText(level) : "FAILED"],
    dependencyLevels: below,
  };
  const subject = [{ name: "app", digest: { sha256: hexOf(of[architecture] as typeof of.index) } }];
  return signStatement(writeVsa(text, subject as Parameters<typeof writeVsa>[1]), by);
}
const both = (said: Said = {}) => platforms.map((architecture) => summary(architecture, said));

const verify = (args: Partial<VerifyArguments> = {}, env: Readonly<Record<string, string>> = {}) =>
  verifyHere({ images: [image], server: server.url, serverKey, ...args }, { homeDirectory: tmpdir(), env });

/** The verdict, and the codes by which it is told. */
async function told(args: Partial<VerifyArguments> = {}) {
  const { exit, stdout } = await verify({ output: "json", ...args });
  const verdict = verdictSchema.parse(JSON.parse(stdout));
  const codes = [...verdict.faults, ...verdict.unreachable].map(({ code }) => code);
  return { exit, verdict, text: [exit, verdict.verdict, ...new Set(codes)].join(" ") };
}

test("R28 takes PASSED of every platform from the server's key for a walk, and says by whom, by which policy and until when", async () => {
  server.say(both({ level: 3, below: { SLSA_BUILD_LEVEL_2: 4 } }));
  const { text, verdict } = await told();
  assert.equal(text, "0 trusted");
  assert.deepEqual([verdict.level, verdict.platforms.length, verdict.image.digest], [2, 2, app.index]);
  for (const { finding, summary: said } of verdict.nodes) {
    assert.deepEqual([finding.kind, finding.policyPath, said?.verifier], ["summarised", "--server", ID]);
    assert.equal(said?.policy, digestOf(Buffer.from(POLICY)));
  }
  assert.equal(verdict.validUntil, new Date(NOW + 23 * HOUR).toISOString());
  assert.ok(!registry.requests.some(({ path }) => path.includes("referrers")), "nothing is walked");
  assert.ok(server.asked.at(-1)?.includes(`/v1/verdicts/${app.index}`));
  assert.ok(server.asked.at(-1)?.endsWith(`?image=${encodeURIComponent(image)}`));
});

test("R28 FAILED of one platform is untrusted beside PASSED of the other, with the server's words as nobody's signed ones", async () => {
  server.say([summary("amd64"), summary("arm64", { result: "FAILED" })], {
    faults: [{ code: "unattested", reason: "the base has none\u001b[2J" }],
  });
  const { text, verdict } = await told();
  assert.equal(text, "1 untrusted vsa-result");
  const warnings = verdict.nodes.flatMap((node) => node.warnings);
  assert.deepEqual([warnings.length, warnings[0]?.includes("nobody signed it: unattested")], [1, true]);
  const { stdout } = await verify();
  assert.ok(stdout.includes("nobody signed it") && !stdout.includes("\u001b[2J"));
});

test("R28 of two answers on one platform the newest counts, and of two at one moment FAILED, whichever is served first", async () => {
  const old = { at: NOW - 2 * HOUR };
  for (const [first, second, outcome] of [
    [both(old), both({ result: "FAILED" }), "untrusted"],
    [both({ ...old, result: "FAILED" }), both(), "trusted"],
    [both(), both({ result: "FAILED" }), "untrusted"],
  ] as const) {
    for (const order of [
      [...first, ...second],
      [...second, ...first],
    ]) {
      server.say(order);
      assert.equal((await told()).verdict.verdict, outcome);
    }
  }
});

const stranger = newKey();
const changed = (bundle: KeyBundle): KeyBundle => {
  const payload = Buffer.from(bundle.dsseEnvelope.payload, "base64").toString("utf8").replace("FAILED", "PASSED");
  const envelope = { ...bundle.dsseEnvelope, payload: Buffer.from(payload).toString("base64") };
  return { ...bundle, dsseEnvelope: envelope };
};
const REFUSED: Readonly<Record<string, readonly KeyBundle[]>> = {
  "is signed by another key": both({ by: stranger }),
  "was changed after it was signed": both({ result: "FAILED" }).map(changed),
  "is by a tenant's name of the same server": both({ id: `${server.url}/verifiers/repositories/7` }),
  "is of another name": both({ name: `${registry.host}/acme/other` }),
  "is of another tag": both({ tag: "2.0.0" }),
  "is of no tag": both({ tag: undefined }),
  "is of another index around the same images": both({ resource: other.index }),
  "is of each image alone, and the index was never judged": platforms.map((each) =>
    summary(each, { resource: app[each] }),
  ),
  "is older than a day": both({ at: NOW - 25 * HOUR }),
  "is of a day to come": both({ at: NOW + HOUR }),
};
for (const [what, bundles] of Object.entries(REFUSED)) {
  test(`R28 a PASSED that ${what} is no answer: undetermined, never trusted`, async () => {
    server.say(bundles);
    assert.equal((await told()).text, "3 undetermined answer-refused");
  });
}

test("R28 a FAILED that isn't its signer's, or is old, makes nothing untrusted", async () => {
  for (const said of [{ by: stranger }, { at: NOW - 25 * HOUR }, { tag: "2.0.0" }]) {
    server.say(both({ ...said, result: "FAILED" }));
    assert.equal((await told()).text, "3 undetermined answer-refused");
  }
});

test("R28 a platform of which the server says nothing isn't trusted for the other's sake", async () => {
  server.say([summary("amd64")]);
  assert.equal((await told()).text, "3 undetermined no-answer");
  assert.equal((await told({ platform: "linux/amd64" })).text, "0 trusted");
  server.say([summary("amd64"), summary("arm64", { of: other })]);
  assert.equal((await told()).text, "3 undetermined no-answer");
});

test("R28 the digest is the registry's: an answer about what the tag named before is none about what it names now", async () => {
  const before = putIndex("3.0.0", "before");
  server.say(both({ of: before }));
  const moved = `${registry.host}/acme/app:3.0.0`;
  assert.equal((await told({ images: [moved] })).text, "0 trusted");
  putIndex("3.0.0", "after");
  assert.equal((await told({ images: [moved] })).text, "3 undetermined no-answer");
});

test("R26 asked by digest alone it takes the answer that was made without a tag, and no tag's", async () => {
  const byDigest = { images: [`${registry.host}/acme/app@${app.index}`] };
  server.say(both({ tag: undefined }));
  assert.equal((await told(byDigest)).text, "0 trusted");
  assert.ok(server.asked.at(-1)?.endsWith(`?image=${encodeURIComponent(`${registry.host}/acme/app`)}`));
  server.say(both());
  assert.equal((await told(byDigest)).text, "3 undetermined answer-refused");
});

test("R1 with --policy the answer has to be by that very policy, and without one it is told by which", async () => {
  server.say(both({ policy: "version: 1\n# another\n" }));
  assert.equal((await told({ policy })).text, "3 undetermined answer-refused");
  const { verdict, text } = await told();
  assert.equal(text, "0 trusted");
  assert.notEqual(verdict.nodes[0]?.summary?.policy, digestOf(readFileSync(policy)));
  server.say(both());
  assert.equal((await told({ policy })).text, "0 trusted");
});

test("R30 of the platforms that the named policy leaves out nothing is asked", async () => {
  const text = 'version: 1\ntrust:\n  platforms: ["linux/amd64"]\n';
  server.say([summary("amd64", { policy: text })]);
  assert.equal((await told({ policy: write("amd64.yml", text) })).text, "0 trusted");
});

test("R29 --minimum-level asks for the level of the image and of all below it", async () => {
  server.say(both({ level: 2, below: { SLSA_BUILD_LEVEL_1: 1 } }));
  assert.equal((await told({ minimumLevel: "1" })).text, "0 trusted");
  assert.equal((await told({ minimumLevel: "2" })).text, "1 untrusted vsa-dependencies");
  assert.equal((await told({ minimumLevel: "3" })).text, "1 untrusted vsa-level");
});

test("R15 what the server says without a signature is never a verdict: no answer, an error, nonsense, another place", async () => {
  const words = { verdict: "trusted", faults: [] };
  for (const [reply, code] of [
    [{ status: 404, body: JSON.stringify({ title: "not summarised", detail: "it is trusted" }) }, "no-answer"],
    [{ status: 200, body: "" }, "no-answer"],
    [{ status: 401, body: "" }, "no-answer"],
    [{ status: 200, body: JSON.stringify(words) }, "answer-refused"],
    [{ status: 500, body: "" }, "server-error"],
    [{ status: 429, body: "" }, "rate-limited"],
    [{ status: 302, body: "", headers: { location: `${server.url}/elsewhere` } }, "network"],
    [{ status: 200, body: `${"x".repeat(17 * 1024 * 1024)}` }, "server-error"],
  ] as const) {
    server.say(reply, words);
    assert.equal((await told()).text, `3 undetermined ${code}`);
  }
  const { port } = new URL(server.url);
  assert.equal(
    (await told({ server: `http://127.0.0.1:${Number(port) === 1 ? 2 : 1}` })).text,
    "3 undetermined network",
  );
});

test("R15 where the registry doesn't say what the tag names the server isn't asked", async () => {
  server.say(both());
  const before = server.asked.length;
  registry.fail(/\/manifests\//, { status: 500 });
  assert.equal((await told()).exit, 3);
  registry.heal();
  assert.equal((await told({ images: [`${registry.host}/acme/app:absent`] })).text, "1 untrusted tag-not-found");
  assert.equal(server.asked.length, before);
});

test("a timestamp bounds the age too, where it is of a trusted authority, and is otherwise as if it weren't there", async () => {
  const root = write("trusted_root.json", JSON.stringify(sigstore.trustedRoot));
  const stamped = await Promise.all(both().map((each) => timestamped(each, `${sigstore.url}/api/v1/timestamp`)));
  server.say(stamped);
  assert.equal((await told()).text, "0 trusted");
  // The stand-in's authority has the machine's clock, which is ahead of the test's.
  assert.equal((await told({ trustedRoot: [root] })).text, "3 undetermined answer-refused");
});

test("the key may be named by its fingerprint, and is none that the server publishes instead", async () => {
  server.say(both());
  server.publishKeys([stranger.publicKey.pem, key.publicKey.pem]);
  assert.equal((await told({ serverKey: key.publicKey.fingerprint })).text, "0 trusted");
  server.publishKeys([stranger.publicKey.pem]);
  await assert.rejects(verify({ serverKey: key.publicKey.fingerprint }), UsageError);
});

test("a token goes to the server only where one is given for it", async () => {
  server.say(both());
  await verify({}, { GITHUB_TOKEN: "ghp_general" });
  assert.equal(server.authorizations.at(-1), undefined);
  await verify({}, { TRUSTED_BUILDS_SERVER_TOKEN: "ghp_meant" });
  assert.equal(server.authorizations.at(-1), "Bearer ghp_meant");
});

test("is told in every form, of several images too", async () => {
  server.say([summary("amd64"), summary("arm64", { result: "FAILED" })]);
  const sarif = JSON.parse((await verify({ output: "sarif" })).stdout);
  assert.equal(sarif.runs[0].results[0].ruleId, "vsa-result");
  assert.match((await verify({ output: "markdown" })).stdout, /^## ✖ Untrusted: /m);
  const { exit, stdout } = await verify({ images: [image, `${registry.host}/acme/app:2.0.0`], output: "jsonl" });
  assert.deepEqual([exit, stdout.trimEnd().split("\n").length], [1, 2]);
});

test("R4 an image on disk is answered for under the name that the asker gives it, and not under its own word", async () => {
  const held = shelf(registry.host);
  for (const digest of [app.index, app.amd64, app.arm64])
    held.putManifest(
      "acme/app",
      registry.read("acme/app", digest),
      digest === app.index ? OCI_IMAGE_INDEX : OCI_IMAGE_MANIFEST,
    );
  for (const digest of [app.amd64, app.arm64])
    held.putBlob(
      "acme/app",
      registry.read("acme/app", JSON.parse(Buffer.from(registry.read("acme/app", digest)).toString()).config.digest),
    );
  const entry = held.entry(app.index, { "io.containerd.image.name": image });
  const folder = `oci:${writeFiles(mkdtempSync(join(tmpdir(), "served-")), layoutFiles(held, [entry]))}`;
  server.say(both());
  assert.equal((await told({ images: [folder], as: image })).text, "0 trusted");
  await assert.rejects(verify({ images: [folder] }), UsageError);
});

test("a command line that could take the answer of anybody is wrong usage, before anything is asked", async () => {
  const before = server.asked.length;
  for (const args of [
    { serverKey: undefined },
    { server: undefined },
    { server: "http://builds.example" },
    { server: "ftp://127.0.0.1" },
    { server: `${server.url}/?image=x` },
    { serverKey: "absent.pem" },
    { serverKey: policy },
    { serverId: "published" },
    { maxAge: "soon" },
    { minimumLevel: "4" },
    { offline: true },
    { bundles: ["app.jsonl"] },
    { vsa: "out.jsonl", vsaKey: serverKey, vsaId: ID },
  ] as unknown as readonly Partial<VerifyArguments>[])
    await assert.rejects(verify(args), UsageError, JSON.stringify(args));
  assert.equal(server.asked.length, before);
});
