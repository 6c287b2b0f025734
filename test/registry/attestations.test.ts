import assert from "node:assert/strict";
import { generateKeyPairSync, sign } from "node:crypto";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { SIMPLE_SIGNING_TYPE } from "../../src/attestation/simple-signing.ts";
import { OCI_EMPTY, OCI_IMAGE_INDEX, OCI_IMAGE_MANIFEST } from "../../src/image/media-type.ts";
import type { PinnedImage } from "../../src/image/reference.ts";
import { parseTrustedKey } from "../../src/sigstore/trusted-key.ts";
import { createBundleVerifier } from "../../src/sigstore/verifier.ts";
import type { AttestationListing } from "../../src/trust/ports.ts";
import { BeyondLimit } from "../../src/trust/ports.ts";
import type { OciRegistry, OciRegistryOptions } from "../world/oci-registry.ts";
import type { ReferrerSpec } from "./image-fixture.ts";
import {
  asked,
  BUNDLE_TYPE,
  bundle,
  couldNotLook,
  jsonBytes,
  NAME,
  putFallbackTag,
  putImage,
  putReferrer,
  startClient,
  startRegistry,
} from "./image-fixture.ts";

const PROVENANCE = "https://slsa.dev/provenance/v1";
const ENVELOPE_TYPE = "application/vnd.dsse.envelope.v1+json";
const PAYLOAD = jsonBytes({
  critical: { identity: {}, image: { "docker-manifest-digest": "" }, type: "cosign container image signature" },
});
const SIGNATURE = { "dev.cosignproject.cosign/signature": "AAAA" };
const ENVELOPE = jsonBytes({
  payloadType: "application/vnd.in-toto+json",
  payload: "e30=",
  signatures: [{ sig: "AAAA" }],
});

async function start(t: TestContext, options: OciRegistryOptions = {}) {
  const registry = await startRegistry(t, options);
  return { registry, image: putImage(registry), client: startClient(t, registry) };
}

const places = ({ candidates }: AttestationListing) => candidates.map(({ where }) => where);

async function kinds(listing: AttestationListing): Promise<readonly string[]> {
  const parts = await Promise.all(listing.candidates.map((candidate) => candidate.read()));
  return parts.flat().map(({ kind }) => kind);
}

/** A `.att` tag with these layers. */
function putCosignTag(
  registry: OciRegistry,
  image: PinnedImage,
  layers: readonly ReferrerSpec[],
  suffix = "att",
): void {
  const config = registry.putBlob(NAME, Buffer.from("{}"));
  const manifest = {
    schemaVersion: 2,
    mediaType: OCI_IMAGE_MANIFEST,
    config: { mediaType: OCI_EMPTY, digest: config, size: 2 },
    layers: layers.map(({ layerType = ENVELOPE_TYPE, content = ENVELOPE, layerAnnotations = {} }) => ({
      mediaType: layerType,
      digest: registry.putBlob(NAME, content),
      size: content.length,
      annotations: layerAnnotations,
    })),
  };
  const tag = `${image.digest.replace(":", "-")}.${suffix}`;
  registry.putManifest(NAME, jsonBytes(manifest), OCI_IMAGE_MANIFEST, tag);
}

test("an image that nothing refers to has no candidates, and no failures", async (t) => {
  for (const referrers of [true, false]) {
    const { client, image } = await start(t, { referrers });
    assert.deepEqual(await client.listAttestations(image), { candidates: [], omitted: 0, failures: [] });
  }
});

test("a bundle is found by the referrers API, and read", async (t) => {
  const { registry, client, image } = await start(t);
  const digest = putReferrer(registry, image);
  const listing = await client.listAttestations(image);
  assert.deepEqual(places(listing), [`referrer ${digest}`]);
  const [read] = await listing.candidates[0]!.read();
  assert.deepEqual(read?.kind === "bundle" && read.json, bundle());
});

test("a bundle is found by the fallback tag, where there is no API and where the API knows of none", async (t) => {
  for (const referrers of [true, false]) {
    const { registry, client, image } = await start(t, { referrers });
    // Under the tag alone: the stand-in's API would list whatever has the subject.
    const digest = putReferrer(registry, image);
    putFallbackTag(registry, image, [digest]);
    if (referrers)
      registry.fail(/\/referrers\//, {
        status: 200,
        body: `{"schemaVersion":2,"mediaType":"${OCI_IMAGE_INDEX}","manifests":[]}`,
      });
    assert.deepEqual(await kinds(await client.listAttestations(image)), ["bundle"]);
  }
});

test("the fallback tag is read even where the API names something", async (t) => {
  const { registry, client, image } = await start(t);
  const one = putReferrer(registry, image);
  const two = putReferrer(registry, image, { content: jsonBytes(bundle("two")) });
  putFallbackTag(registry, image, [two, one]);
  const list = { schemaVersion: 2, manifests: [{ mediaType: OCI_IMAGE_MANIFEST, digest: one, size: 1 }] };
  registry.fail(/\/referrers\//, { status: 200, body: JSON.stringify(list) });
  const listing = await client.listAttestations(image);
  assert.deepEqual(places(listing).sort(), [`referrer ${one}`, `referrer ${two}`].sort());
});

for (const mediaType of [
  BUNDLE_TYPE,
  "application/vnd.dev.sigstore.bundle+json;version=0.1",
  "application/vnd.dev.sigstore.bundle+json;version=0.2",
  "application/vnd.dev.sigstore.bundle+json;version=0.3",
]) {
  test(`a layer of type ${mediaType} is a candidate, whatever the manifest's own type`, async (t) => {
    const { registry, client, image } = await start(t);
    putReferrer(registry, image, { artifactType: "application/vnd.test", layerType: mediaType });
    assert.deepEqual(await kinds(await client.listAttestations(image)), ["bundle"]);
  });
}

test("a manifest of a bundle's type is a candidate, whatever its layer's type", async (t) => {
  const { registry, client, image } = await start(t);
  putReferrer(registry, image, { layerType: "application/octet-stream" });
  assert.deepEqual(await kinds(await client.listAttestations(image)), ["bundle"]);
});

for (const [name, spec] of [
  ["an SBOM", { artifactType: "application/spdx+json", layerType: "application/spdx+json" }],
  ["a bundle about another subject", { subject: `sha256:${"0".repeat(64)}` }],
  ["a bundle without a subject", { more: { subject: undefined } }],
] as const) {
  test(`${name} is no candidate`, async (t) => {
    const { registry, client, image } = await start(t);
    const digest = putReferrer(registry, image, spec);
    putFallbackTag(registry, image, [digest]);
    assert.deepEqual(await client.listAttestations(image), { candidates: [], omitted: 0, failures: [] });
  });
}

for (const [name, spec] of [
  ["a bundle that is none", { content: jsonBytes({ mediaType: BUNDLE_TYPE }) }],
  ["a bundle with a key twice", { content: Buffer.from('{"mediaType":"x","mediaType":"y"}') }],
  ["bytes", { content: Buffer.from([0xff, 0xfe, 0]) }],
  ["nothing", { content: Buffer.alloc(0) }],
  ["a simple-signing payload without its signature", { layerType: SIMPLE_SIGNING_TYPE, content: PAYLOAD }],
] as const) {
  test(`R15 a candidate that holds ${name} is malformed, and hides no other`, async (t) => {
    const { registry, client, image } = await start(t);
    putReferrer(registry, image, spec);
    putReferrer(registry, image, { content: jsonBytes(bundle("good")) });
    const found = await kinds(await client.listAttestations(image));
    assert.deepEqual([...found].sort(), ["bundle", "malformed"]);
  });
}

test("an envelope that stands without a word of its signer is a bundle that asks for a key", async (t) => {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const { registry, client, image } = await start(t);
  const statement = { _type: "https://in-toto.io/Statement/v1", predicateType: PROVENANCE, subject: [] as unknown[] };
  statement.subject.push({ digest: { sha256: image.digest.slice("sha256:".length) } });
  const payload = jsonBytes(statement);
  const pae = `DSSEv1 28 application/vnd.in-toto+json ${payload.length} ${Buffer.from(payload)}`;
  const sig = sign("sha256", Buffer.from(pae), privateKey).toString("base64");
  const envelope = {
    payloadType: "application/vnd.in-toto+json",
    payload: Buffer.from(payload).toString("base64"),
    signatures: [{ sig }],
  };
  for (const layerType of ["application/vnd.in-toto+json", ENVELOPE_TYPE])
    putReferrer(registry, image, { artifactType: layerType, layerType, content: jsonBytes(envelope) });
  const pem = publicKey.export({ format: "pem", type: "spki" }).toString();
  const verifier = createBundleVerifier({ roots: [], keys: [parseTrustedKey(pem, "key", "optional")] });
  const stranger = createBundleVerifier({ roots: [] });
  const { candidates } = await client.listAttestations(image);
  assert.equal(candidates.length, 2);
  for (const item of (await Promise.all(candidates.map((candidate) => candidate.read()))).flat()) {
    assert.ok(item.kind === "bundle");
    assert.equal(verifier.verifyBundle(item).kind, "verified");
    assert.equal(stranger.verifyBundle(item).kind, "rejected");
  }
});

test("an unsigned statement is told with the manifest that holds it, and is no bundle", async (t) => {
  const { registry, client, image } = await start(t);
  const layerAnnotations = { "in-toto.io/predicate-type": PROVENANCE };
  const content = jsonBytes({ _type: "https://in-toto.io/Statement/v1" });
  const layerType = "application/vnd.in-toto+json";
  const held = putReferrer(registry, image, { artifactType: layerType, layerType, content, layerAnnotations });
  putCosignTag(registry, image, [{ layerType, content }]);
  const { candidates } = await client.listAttestations(image);
  const items = (await Promise.all(candidates.map((candidate) => candidate.read()))).flat();
  const manifests = items.map((item) => item.kind === "unsigned" && [item.manifest?.digest, item.layer.annotations]);
  // A tag has no subject, and nobody would look for what signs it.
  assert.deepEqual(manifests, [
    [held, layerAnnotations],
    [undefined, {}],
  ]);
});

test("BuildKit's unsigned provenance beside an image is told with its manifest, and not fetched", async (t) => {
  const { registry, client, image } = await start(t);
  const artifactType = "application/vnd.docker.attestation.manifest.v1+json";
  const held = putReferrer(registry, image, { artifactType, layerType: "application/vnd.in-toto+json" });
  const { candidates, failures } = await client.listAttestations(image);
  const [item] = (await candidates[0]?.read()) ?? [];
  assert.ok(item?.kind === "unsigned");
  assert.deepEqual([item.manifest?.digest, item.isRoutine, failures], [held, true, []]);
  assert.deepEqual(asked(registry, /\/blobs\//), []);
});

test("R15 a signature of cosign 2 is found behind 500 referrers of other kinds, wherever it stands", async (t) => {
  const { registry, client, image } = await start(t);
  for (let index = 0; index < 500; index += 1)
    putReferrer(registry, image, { artifactType: `application/x-${index}`, layerType: "text/plain" });
  const artifactType = "application/vnd.dev.cosign.artifact.sig.v1+json";
  const signature = { layerType: SIMPLE_SIGNING_TYPE, content: PAYLOAD, layerAnnotations: SIGNATURE };
  const digest = putReferrer(registry, image, { artifactType, ...signature });
  putCosignTag(registry, image, [{ layerType: "text/plain" }, signature], "sig");
  const listing = await client.listAttestations(image);
  const tag = `${image.digest.replace(":", "-")}.sig`;
  assert.deepEqual([...places(listing)].sort(), [`referrer ${digest}`, `tag ${tag}, layer 2`]);
  for (const candidate of listing.candidates) {
    const [item] = await candidate.read();
    assert.ok(item?.kind === "bundle");
    assert.ok(Buffer.from(PAYLOAD).equals(item.artifact ?? Buffer.alloc(0)), "what is signed goes with the signature");
  }
  assert.equal(listing.omitted, 301);
});

test("several layers of one referrer are several bundles", async (t) => {
  const { registry, client, image } = await start(t);
  const layers = ["one", "two"].map((note) => {
    const content = jsonBytes(bundle(note));
    return { mediaType: BUNDLE_TYPE, digest: registry.putBlob(NAME, content), size: content.length };
  });
  putReferrer(registry, image, { more: { layers } });
  assert.deepEqual(await kinds(await client.listAttestations(image)), ["bundle", "bundle"]);
});

test("a layer larger or smaller than its manifest says is malformed", async (t) => {
  const { registry, client, image } = await start(t);
  const content = jsonBytes(bundle());
  const digest = registry.putBlob(NAME, content);
  for (const size of [content.length - 1, content.length + 1]) {
    putReferrer(registry, image, { more: { layers: [{ mediaType: BUNDLE_TYPE, digest, size }] } });
  }
  assert.deepEqual(await kinds(await client.listAttestations(image)), ["malformed", "malformed"]);
});

test("a layer above 64 MiB is beyond the limit, and isn't fetched", async (t) => {
  const { registry, client, image } = await start(t);
  const layers = [{ mediaType: BUNDLE_TYPE, digest: `sha256:${"1".repeat(64)}`, size: 64 * 1024 * 1024 + 1 }];
  putReferrer(registry, image, { more: { layers } });
  const { candidates } = await client.listAttestations(image);
  await assert.rejects(candidates[0]!.read(), BeyondLimit);
  assert.equal(asked(registry, /blobs/).length, 0);
});

test("a layer that isn't there is malformed, and one that can't be read is a failure to look", async (t) => {
  const { registry, client, image } = await start(t);
  const layers = [{ mediaType: BUNDLE_TYPE, digest: `sha256:${"1".repeat(64)}`, size: 10 }];
  putReferrer(registry, image, { more: { layers } });
  const { candidates } = await client.listAttestations(image);
  assert.deepEqual(
    (await candidates[0]!.read()).map(({ kind }) => kind),
    ["malformed"],
  );
  registry.fail(/blobs/, { status: 403 });
  await assert.rejects(candidates[0]!.read(), couldNotLook("credentials-refused"));
});

test("cosign's attestations are found by their tag, layer by layer, and read as bundles", async (t) => {
  const { registry, client, image } = await start(t, { referrers: false });
  const layerAnnotations = { "dev.cosignproject.cosign/signature": "", predicateType: PROVENANCE };
  putCosignTag(registry, image, [
    { layerAnnotations: {} },
    { layerType: "application/x-unknown" },
    { layerAnnotations },
  ]);
  const listing = await client.listAttestations(image);
  const tag = `${image.digest.replace(":", "-")}.att`;
  assert.deepEqual(places(listing), [`tag ${tag}, layer 3`, `tag ${tag}, layer 1`]);
  assert.deepEqual(await kinds(listing), ["bundle", "bundle"]);
});

test("R15 candidates that say provenance come first", async (t) => {
  const { registry, client, image } = await start(t);
  const put = (predicateType: string | undefined) =>
    putReferrer(registry, image, {
      content: jsonBytes(bundle(predicateType)),
      ...(predicateType && { annotations: { "dev.sigstore.bundle.predicateType": predicateType } }),
    });
  const other = put("https://spdx.dev/Document");
  const silent = put(undefined);
  const vsa = put("https://slsa.dev/verification_summary/v1");
  const provenance = put(PROVENANCE);
  const wanted = [provenance, vsa, silent, other].map((digest) => `referrer ${digest}`);
  assert.deepEqual(places(await client.listAttestations(image)), wanted);
});

test("R15 at most 200 candidates are listed, the likeliest, and the rest is counted", async (t) => {
  const { registry, client, image } = await start(t, { pageSize: 50 });
  for (let index = 0; index < 230; index += 1) {
    putReferrer(registry, image, {
      artifactType: "application/spdx+json",
      layerType: "text/plain",
      content: Buffer.from(`${index}`),
    });
  }
  const good = putReferrer(registry, image, { annotations: { "dev.sigstore.bundle.predicateType": PROVENANCE } });
  const listing = await client.listAttestations(image);
  assert.deepEqual(places(listing), [`referrer ${good}`]);
  assert.equal(listing.omitted, 31);
  assert.equal(asked(registry, /\/referrers\//).length, 5);
  assert.equal(asked(registry, /manifests\/sha256:/).length, 200);
});

test("R15 more than 200 layers under cosign's tag are counted, not read", async (t) => {
  const { registry, client, image } = await start(t);
  putCosignTag(
    registry,
    image,
    Array.from({ length: 203 }, () => ({})),
  );
  const listing = await client.listAttestations(image);
  assert.equal(listing.candidates.length, 200);
  assert.equal(listing.omitted, 3);
});

for (const [name, pattern] of [
  ["the referrers API", /\/referrers\//],
  ["the fallback tag", /manifests\/sha256-[0-9a-f]{64}$/],
  ["cosign's tag", /manifests\/sha256-[0-9a-f]{64}\.att$/],
  ["one referrer's manifest", /manifests\/sha256:/],
] as const) {
  for (const [status, code] of [
    [403, "credentials-refused"],
    [500, "server-error"],
    [429, "rate-limited"],
  ] as const) {
    test(`R15 ${name} that answers ${status} is told among the failures, and hides nothing`, async (t) => {
      const { registry, client, image } = await start(t);
      await client.readManifest(image);
      const good = putReferrer(registry, image);
      const other = putReferrer(registry, image, { content: jsonBytes(bundle("other")) });
      putFallbackTag(registry, image, [good, other]);
      registry.fail(name.startsWith("one") ? new RegExp(`manifests/${other}`) : pattern, { status });
      const listing = await client.listAttestations(image);
      assert.deepEqual(
        listing.failures.map((failure) => failure.code),
        [code],
      );
      assert.ok(places(listing).includes(`referrer ${good}`));
    });
  }
}

test("R15 what a list names and the registry doesn't have is nothing", async (t) => {
  const { registry, client, image } = await start(t, { referrers: false });
  putFallbackTag(registry, image, [`sha256:${"2".repeat(64)}`]);
  assert.deepEqual(await client.listAttestations(image), { candidates: [], omitted: 0, failures: [] });
});

test("R15 places that hide behind 404 are failures, unless the image itself can be read", async (t) => {
  const password = { kind: "basic", username: "ann", password: "word" } as const;
  const { registry, image } = await start(t, { auth: password, referrers: false });
  const credentials = async () => password;
  const { failures, candidates } = await startClient(t, registry, { credentials }).listAttestations(image);
  assert.deepEqual([failures, candidates], [[], []]);
  registry.fail(new RegExp(`manifests/${image.digest}`), { status: 404 });
  const hidden = await startClient(t, registry, { credentials }).listAttestations(image);
  assert.deepEqual(new Set(hidden.failures.map(({ code }) => code)), new Set(["not-found-unproven"]));
  assert.equal(hidden.failures.length, 4);
});

for (const status of [400, 404, 405, 406, 501]) {
  test(`a registry that answers ${status} for referrers has no such API`, async (t) => {
    const { registry, client, image } = await start(t);
    registry.fail(/\/referrers\//, { status });
    assert.deepEqual((await client.listAttestations(image)).failures, []);
  });
}

for (const body of [
  "<html>",
  "[]",
  '{"manifests":{}}',
  '{"manifests":[],"manifests":[]}',
  '{"manifests":[],"Manifests":[]}',
]) {
  test(`R23 the list of referrers ${body} is no answer`, async (t) => {
    const { registry, client, image } = await start(t);
    registry.fail(/\/referrers\//, { status: 200, body });
    const { failures } = await client.listAttestations(image);
    assert.deepEqual(
      failures.map(({ code }) => code),
      ["server-error"],
    );
  });

  test(`R15 a fallback tag that holds ${body} is a malformed candidate or a failure, and hides nothing`, async (t) => {
    const { registry, client, image } = await start(t);
    putReferrer(registry, image);
    registry.putManifest(NAME, Buffer.from(body), OCI_IMAGE_INDEX, image.digest.replace(":", "-"));
    const listing = await client.listAttestations(image);
    const found = await kinds(listing);
    assert.ok(found.includes("bundle"));
    assert.equal(found.length + listing.failures.length, 2);
  });
}

test("an entry of a list that can't be read is told, and hides no other", async (t) => {
  const { registry, client, image } = await start(t, { referrers: false });
  const good = putReferrer(registry, image);
  const entries = [
    { mediaType: OCI_IMAGE_MANIFEST, digest: "sha256:../../x", size: 1 },
    { mediaType: OCI_IMAGE_MANIFEST, digest: good, size: 1 },
    7,
  ];
  const list = jsonBytes({ schemaVersion: 2, mediaType: OCI_IMAGE_INDEX, manifests: entries });
  registry.putManifest(NAME, list, OCI_IMAGE_INDEX, image.digest.replace(":", "-"));
  assert.deepEqual(await kinds(await client.listAttestations(image)), ["bundle", "malformed", "malformed"]);
});

test("pages are followed within the registry, and nowhere else", async (t) => {
  const { registry, client, image } = await start(t);
  const good = putReferrer(registry, image);
  const list = JSON.stringify({
    schemaVersion: 2,
    manifests: [{ mediaType: OCI_IMAGE_MANIFEST, digest: good, size: 1 }],
  });
  const link = (address: string) => ({ status: 200, headers: { link: `<${address}>; rel="next"` }, body: list });
  for (const address of [`http://${registry.storageHost}/more`, `http://${registry.host}:1/more`]) {
    registry.heal();
    registry.fail(/\/referrers\//, link(address));
    const listing = await client.listAttestations(image);
    assert.deepEqual(places(listing), [`referrer ${good}`]);
    assert.deepEqual(
      listing.failures.map(({ code }) => code),
      ["server-error"],
    );
  }
  assert.equal(asked(registry, /\/more/).length, 0);
});

test("pages that lead in a circle or never end are left", async (t) => {
  const { registry, client, image } = await start(t);
  const page = (address: string) => ({
    status: 200,
    headers: { link: `<${address}>; rel="next"` },
    body: '{"manifests":[]}',
  });
  registry.fail(/\/referrers\/sha/, page("/v2/a"));
  registry.fail(/\/v2\/a$/, page("/v2/b"));
  registry.fail(/\/v2\/b$/, page("/v2/a"));
  const circle = await client.listAttestations(image);
  assert.deepEqual(
    circle.failures.map(({ code }) => code),
    ["server-error"],
  );
  registry.heal();
  for (let index = 0; index < 60; index += 1) {
    registry.fail(index === 0 ? /\/referrers\/sha/ : new RegExp(`/v2/p${index}$`), page(`/v2/p${index + 1}`));
  }
  const endless = await client.listAttestations(image);
  assert.ok(endless.omitted > 0);
  assert.equal(asked(registry, /\/v2\/p60/).length, 0);
});

test("a page that can't be read is a failure, and what came before it stays", async (t) => {
  const { registry, client, image } = await start(t, { pageSize: 1 });
  putReferrer(registry, image);
  putReferrer(registry, image, { content: jsonBytes(bundle("two")) });
  registry.fail(/\/referrers\/.*last=/, { status: 404 });
  const listing = await client.listAttestations(image);
  assert.equal(listing.candidates.length, 1);
  assert.deepEqual(
    listing.failures.map(({ code }) => code),
    ["server-error"],
  );
});

test("no filter is asked for: the types in lists lie", async (t) => {
  const { registry, client, image } = await start(t);
  await client.listAttestations(image);
  assert.ok(asked(registry, /referrers/).every(({ path }) => !path.includes("artifactType")));
});
