import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { cosignTags, isCosignLayer, isEnvelope, toBundle } from "../../src/attestation/cosign.ts";
import { digestOf, parseDigest } from "../../src/image/digest.ts";
import { parseReference, pin } from "../../src/image/reference.ts";
import type { OciRegistry } from "../world/oci-registry.ts";
import { startClient, startRegistry } from "./image-fixture.ts";

const LAYOUTS = "../shared/corpora/slsa-verifier/cli/slsa-verifier/testdata/gha_generic_container";
const SAMPLES = "../shared/samples";

const envelope = (more: object = {}) =>
  Buffer.from(
    JSON.stringify({
      payloadType: "application/vnd.in-toto+json",
      payload: "e30=",
      signatures: [{ sig: "AAAA" }],
      ...more,
    }),
  );
const PEM = "-----BEGIN CERTIFICATE-----\nAAAA\nBBBB\n-----END CERTIFICATE-----\n";
const LOG = {
  SignedEntryTimestamp: "MEUC",
  Payload: {
    body: Buffer.from('{"apiVersion":"0.0.1","kind":"dsse"}').toString("base64"),
    integratedTime: 1713821715,
    logIndex: 87850616,
    logID: "c0".repeat(32),
  },
};
const ANNOTATIONS = {
  "dev.cosignproject.cosign/signature": "",
  "dev.sigstore.cosign/certificate": `${PEM}-----BEGIN CERTIFICATE-----\nCHAIN\n-----END CERTIFICATE-----\n`,
  "dev.sigstore.cosign/bundle": JSON.stringify(LOG),
  "dev.sigstore.cosign/rfc3161timestamp": '{"SignedRFC3161Timestamp":"MIID"}',
};

test("an attestation of cosign becomes a bundle with the same parts", () => {
  assert.deepEqual(toBundle(envelope(), ANNOTATIONS).json, {
    mediaType: "application/vnd.dev.sigstore.bundle+json;version=0.1",
    verificationMaterial: {
      x509CertificateChain: { certificates: [{ rawBytes: "AAAABBBB" }] },
      tlogEntries: [
        {
          logIndex: "87850616",
          logId: { keyId: Buffer.from("c0".repeat(32), "hex").toString("base64") },
          kindVersion: { kind: "dsse", version: "0.0.1" },
          integratedTime: "1713821715",
          inclusionPromise: { signedEntryTimestamp: "MEUC" },
          canonicalizedBody: LOG.Payload.body,
        },
      ],
      timestampVerificationData: { rfc3161Timestamps: [{ signedTimestamp: "MIID" }] },
    },
    dsseEnvelope: {
      payloadType: "application/vnd.in-toto+json",
      payload: "e30=",
      signatures: [{ sig: "AAAA", keyid: "" }],
    },
  });
});

test("an attestation signed with a key becomes a bundle that asks for a key", () => {
  const { json } = toBundle(envelope(), { "dev.cosignproject.cosign/signature": "" });
  assert.deepEqual((json as { verificationMaterial: unknown }).verificationMaterial, {
    publicKey: { hint: "" },
    tlogEntries: [],
  });
});

for (const [name, bytes, annotations] of [
  [
    "an envelope with a key twice",
    Buffer.from('{"payloadType":"a","payload":"","payload":"","signatures":[]}'),
    ANNOTATIONS,
  ],
  ["an envelope with a key in another case", envelope({ Payload: "e30=" }), ANNOTATIONS],
  ["an envelope without payload", envelope({ payload: undefined }), ANNOTATIONS],
  ["a certificate that isn't PEM", envelope(), { ...ANNOTATIONS, "dev.sigstore.cosign/certificate": "AAAA" }],
  ["a log entry that isn't JSON", envelope(), { ...ANNOTATIONS, "dev.sigstore.cosign/bundle": "x" }],
  [
    "a log entry with a key in another case",
    envelope(),
    { ...ANNOTATIONS, "dev.sigstore.cosign/bundle": JSON.stringify({ ...LOG, payload: LOG.Payload }) },
  ],
  [
    "a log entry whose body isn't JSON",
    envelope(),
    {
      ...ANNOTATIONS,
      "dev.sigstore.cosign/bundle": JSON.stringify({ ...LOG, Payload: { ...LOG.Payload, body: "AAAA" } }),
    },
  ],
  [
    "a log id that isn't hexadecimal",
    envelope(),
    {
      ...ANNOTATIONS,
      "dev.sigstore.cosign/bundle": JSON.stringify({ ...LOG, Payload: { ...LOG.Payload, logID: "zz" } }),
    },
  ],
  ["a timestamp of another form", envelope(), { ...ANNOTATIONS, "dev.sigstore.cosign/rfc3161timestamp": "{}" }],
] as const) {
  test(`R23 ${name} makes no bundle`, () => {
    assert.throws(() => toBundle(bytes, annotations));
    assert.ok(toBundle(envelope(), ANNOTATIONS));
  });
}

test("annotations that are inherited count for nothing", () => {
  assert.equal(isCosignLayer({}), false);
  assert.equal(isCosignLayer(Object.create(ANNOTATIONS)), false);
  assert.equal(isCosignLayer(ANNOTATIONS), true);
});

test("a statement isn't an envelope", () => {
  assert.equal(isEnvelope(Buffer.from('{"_type":"https://in-toto.io/Statement/v1"}')), false);
  assert.equal(isEnvelope(envelope()), true);
});

test("cosign's tags hold no digest that is too long for a tag", () => {
  assert.equal(cosignTags(digestOf(Buffer.from("x"))).length, 2);
  assert.deepEqual(cosignTags(digestOf(Buffer.from("x"), "sha512")), []);
});

/** The folder of other people's files, or undefined after having skipped the test. */
function shared(t: TestContext, path: string): string | undefined {
  if (existsSync(path)) return path;
  if (process.env.CI) throw new Error(`${path} is missing`);
  t.skip(`${path} is missing`);
  return undefined;
}

interface Entry {
  readonly mediaType: string;
  readonly digest: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Serves a layout that cosign saved, as the registry had it: the attestations under their tag. */
function serve(registry: OciRegistry, layout: string): { repository: string; digest: string } {
  const repository = "example/app";
  const blobs = `${layout}/blobs/sha256`;
  const types = new Map<string, string>();
  for (const name of readdirSync(blobs)) {
    const bytes = readFileSync(`${blobs}/${name}`);
    registry.putBlob(repository, bytes);
    try {
      const { mediaType } = JSON.parse(bytes.toString()) as { mediaType?: string };
      if (mediaType) types.set(registry.putManifest(repository, bytes, mediaType), mediaType);
    } catch {
      // a layer
    }
  }
  const { manifests } = JSON.parse(readFileSync(`${layout}/index.json`, "utf8")) as { manifests: Entry[] };
  const kind = (end: string) => manifests.find(({ annotations }) => annotations?.kind?.endsWith(end))!;
  const digest = kind("/imageIndex").digest;
  const atts = kind("/atts");
  const path = (each: string) => `${blobs}/${each.slice(7)}`;
  registry.putManifest(repository, readFileSync(path(atts.digest)), atts.mediaType, `${digest.replace(":", "-")}.att`);
  return { repository, digest };
}

test("the attestations of slsa-verifier's images are found and become bundles", async (t) => {
  const layouts = shared(t, LAYOUTS);
  if (layouts === undefined) return;
  let count = 0;
  for (const version of readdirSync(layouts)) {
    const layout = `${layouts}/${version}/container_workflow_dispatch`;
    if (!existsSync(`${layout}/index.json`)) continue;
    const registry = await startRegistry(t);
    const { repository, digest } = serve(registry, layout);
    const client = startClient(t, registry);
    const image = pin(parseReference(`${registry.host}/${repository}`), parseDigest(digest));
    const { candidates, failures } = await client.listAttestations(image);
    assert.deepEqual(failures, []);
    for (const candidate of candidates) {
      const [read] = await candidate.read();
      assert.ok(read?.kind === "bundle", read?.kind === "malformed" ? read.reason : "nothing");
      const { verificationMaterial } = read.json as {
        verificationMaterial: { x509CertificateChain: unknown; tlogEntries: unknown[] };
      };
      assert.ok(verificationMaterial.x509CertificateChain);
      assert.equal(verificationMaterial.tlogEntries.length, 1);
      count += 1;
    }
  }
  assert.ok(count >= 2, `${count} attestations`);
});

for (const [folder, tag] of [
  ["cosign/2.5-legacy-att", "att"],
  ["cosign/3.1-legacy-att", "att"],
  ["cosign/2.5-new-bundle", "fallback"],
  ["cosign/3.1-bundle", "fallback"],
  ["cosign/3.1-keyless-real-tsa", "fallback"],
  ["sigstore-oci/fallback-tag", "fallback"],
] as const) {
  test(`what real tools wrote, ${folder}, is found and read`, async (t) => {
    const path = shared(t, `${SAMPLES}/${folder}`);
    if (path === undefined) return;
    const registry = await startRegistry(t, { referrers: false });
    const repository = "acme/app";
    let subject = `sha256:${"a".repeat(64)}`;
    let expected = 0;
    for (const name of readdirSync(path)) {
      const bytes = readFileSync(`${path}/${name}`);
      registry.putBlob(repository, bytes);
      if (!/^manifest\d*\.json$/.test(name)) continue;
      const manifest = JSON.parse(bytes.toString()) as {
        mediaType: string;
        subject?: { digest: string };
        layers: unknown[];
      };
      registry.putManifest(repository, bytes, manifest.mediaType);
      subject = manifest.subject?.digest ?? subject;
      expected += manifest.layers.length;
      if (tag === "att")
        registry.putManifest(repository, bytes, manifest.mediaType, `${subject.replace(":", "-")}.att`);
    }
    if (tag === "fallback") {
      const index = readFileSync(`${path}/index.json`);
      registry.putManifest(repository, index, "application/vnd.oci.image.index.v1+json", subject.replace(":", "-"));
    }
    const image = pin(parseReference(`${registry.host}/${repository}`), parseDigest(subject));
    const { candidates, failures } = await startClient(t, registry).listAttestations(image);
    assert.deepEqual(failures, []);
    const parts = (await Promise.all(candidates.map((candidate) => candidate.read()))).flat();
    assert.ok(expected > 0);
    assert.deepEqual(
      parts.map(({ kind }) => kind),
      Array.from({ length: expected }, () => "bundle"),
    );
  });
}
