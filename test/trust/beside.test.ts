import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import type { KeyIdentity, SignerIdentity } from "../../src/attestation/identity.ts";
import { fingerprintOf } from "../../src/attestation/public-key.ts";
import { type PinnedImage, parseReference, pin } from "../../src/image/reference.ts";
import { type Policy, parsePolicy } from "../../src/trust/policy.ts";
import { CouldNotLook } from "../../src/trust/ports.ts";
import {
  type BuildOptions,
  type Built,
  bytesOf,
  entryOf,
  type Json,
  policyOf,
  runOf,
  SIGN,
  SLSA1,
  SLSA02,
  signerOf,
  statementOf,
  told,
  World,
  written,
} from "./world.ts";

const newPem = () =>
  generateKeyPairSync("ec", { namedCurve: "prime256v1" }).publicKey.export({ type: "spki", format: "pem" }) as string;
const pem = newPem();
const publisher: KeyIdentity = { kind: "key", fingerprint: fingerprintOf(pem) };
const stranger: KeyIdentity = { kind: "key", fingerprint: fingerprintOf(newPem()) };

/** A policy that takes a publisher's key for its images. */
const keyPolicy = (builds = true): Policy =>
  parsePolicy(
    Buffer.from(`version: 1
trust:
  builders:
    - { images: ["ghcr.io/acme/{repo}"], level: 3, builds: ${builds}, key: { pem: ${JSON.stringify(pem)}, log: optional } }
`),
    "policy.yml",
  );

/** Puts statements beside an image, in a manifest that refers to it; the index knows nothing of them. */
function beside(world: World, built: Built, statements: readonly Json[]): PinnedImage {
  const manifest = world.attestationManifest(built.repo, built.manifest, statements, "artifact");
  const items = statements.map((statement) => {
    const digest = world.blob(statement);
    const annotations = { "in-toto.io/predicate-type": (statement as { predicateType: string }).predicateType };
    return { kind: "unsigned" as const, manifest, layer: { digest, size: bytesOf(statement).length, annotations } };
  });
  world.post(built.manifest, ...items);
  return manifest;
}

/** An image of one manifest, without an index and without anything signed. */
function bare(world: World, options: BuildOptions = {}): Built {
  const built = world.build("app", { ...options, signed: "nothing" });
  return { ...built, image: built.manifest };
}

const provenanceOf = (built: Built, about = built.manifest, type = SLSA1) =>
  statementOf([about], type, built.provenance);

function sign(world: World, manifest: PinnedImage, by: SignerIdentity, about = manifest): void {
  world.sign(manifest, statementOf([about], SIGN), by);
}

test("R11 provenance beside an image is the word of a publisher whose key signed the manifest that holds it", async () => {
  for (const version of ["v1", "v0.2"] as const) {
    const world = new World();
    const built = bare(world, { version });
    const type = version === "v1" ? SLSA1 : SLSA02;
    sign(world, beside(world, built, [provenanceOf(built, built.manifest, type)]), publisher);
    assert.equal(told(await world.judge(built.image, { policy: keyPolicy() })), "trusted");
  }
});

test("R11 provenance beside an image that nobody signed is nothing", async () => {
  const world = new World();
  const built = bare(world);
  beside(world, built, [provenanceOf(built)]);
  assert.equal(told(await world.judge(built.image, { policy: keyPolicy() })), "untrusted malformed-attestation");
});

test("R4 a manifest beside an image that somebody else signed isn't taken", async () => {
  const world = new World();
  const built = bare(world);
  sign(world, beside(world, built, [provenanceOf(built)]), stranger);
  assert.equal(told(await world.judge(built.image, { policy: keyPolicy() })), "untrusted key");
});

test("R11 who signs a manifest without being one that builds hasn't made the provenance in it", async () => {
  const world = new World();
  const built = bare(world);
  sign(world, beside(world, built, [provenanceOf(built)]), publisher);
  assert.equal(told(await world.judge(built.image, { policy: keyPolicy(false) })), "untrusted containment");
});

test("R13 a signed statement beside an image that is about another image doesn't count, whatever it hangs on", async () => {
  const world = new World();
  const built = bare(world);
  const other = world.build("app", { label: "other", signed: "nothing" });
  const manifest = beside(world, built, [provenanceOf(built, other.manifest)]);
  sign(world, manifest, publisher);
  assert.equal(told(await world.judge(built.image, { policy: keyPolicy() })), "untrusted subject-mismatch");
});

test("R13 a signature over another manifest doesn't cover the one that it hangs on", async () => {
  const world = new World();
  const built = bare(world);
  const other = world.build("app", { label: "other", signed: "nothing" });
  const manifest = beside(world, built, [provenanceOf(built)]);
  sign(world, manifest, publisher, beside(world, other, [provenanceOf(other)]));
  assert.equal(told(await world.judge(built.image, { policy: keyPolicy() })), "untrusted subject-mismatch");
});

test("R11 a workflow that signed the manifest is held to its run", async () => {
  for (const [builderId, wanted] of [
    [`${runOf("app")}/attempts/1`, "trusted"],
    [runOf("other"), "untrusted containment"],
  ] as const) {
    const world = new World();
    const built = bare(world, { builderId });
    sign(world, beside(world, built, [provenanceOf(built)]), signerOf("app"));
    assert.equal(told(await world.judge(built.image)), wanted);
  }
  // Nothing to compare with isn't enough for a signer who has a run.
  const world = new World();
  const built = bare(world, { builderId: "", local: true });
  sign(world, beside(world, built, [provenanceOf(built)]), signerOf("app"));
  assert.equal(told(await world.judge(built.image)), "untrusted containment");
});

test("R11 all provenance in the signed manifest must pass", async () => {
  const world = new World();
  const built = bare(world);
  const second = statementOf([built.manifest], SLSA1, { buildDefinition: {} });
  sign(world, beside(world, built, [provenanceOf(built), second]), publisher);
  assert.match(told(await world.judge(built.image, { policy: keyPolicy() })), /^untrusted /);
});

test("R15 junk beside a good manifest changes nothing, and neither does what can't be looked at", async () => {
  const world = new World();
  const built = bare(world);
  sign(world, beside(world, built, [provenanceOf(built)]), publisher);
  const junk = { ...(provenanceOf(built) as Record<string, Json>), note: "junk" };
  sign(world, beside(world, built, [junk]), stranger);
  const gone = beside(world, built, [{ ...junk, note: "gone" }]);
  world.hide(gone);
  const failing = beside(world, built, [{ ...junk, note: "failing" }]);
  world.failures.set(`ghcr.io/acme/app@${failing.digest}`, new CouldNotLook("network", "no connection"));
  assert.equal(told(await world.judge(built.image, { policy: keyPolicy() })), "trusted");
});

test("R15 what signs the manifest and can't be looked at leaves the image undetermined", async () => {
  const world = new World();
  const built = bare(world);
  const manifest = beside(world, built, [provenanceOf(built)]);
  world.failures.set(`ghcr.io/acme/app@${manifest.digest}`, new CouldNotLook("network", "no connection"));
  assert.equal(told(await world.judge(built.image, { policy: keyPolicy() })), "undetermined network");
});

test("R11 an image asked for without its index keeps the provenance that its builder put beside it, once that is signed", async () => {
  for (const signed of [true, false]) {
    const world = new World();
    const built = world.build("app", { signed: "nothing", form: "artifact" });
    const { attestationManifest: manifest } = built;
    assert.ok(manifest);
    const statement = provenanceOf(built);
    const layer = { digest: world.blob(statement), size: bytesOf(statement).length, annotations: {} };
    world.post(built.manifest, { kind: "unsigned", manifest, layer, isRoutine: true });
    if (signed) sign(world, manifest, signerOf("app"));
    assert.equal(told(await world.judge(built.manifest)), signed ? "trusted" : "untrusted unattested");
  }
});

test("R11 what an index lists is judged with the index, also where it is found beside the image", async () => {
  const world = new World();
  const built = world.build("app", { signed: "nothing", form: "artifact" });
  const signed = built.attestationManifest;
  assert.ok(signed);
  const contrary = world.attestationManifest("app", built.manifest, [
    statementOf([built.manifest], SLSA1, { buildDefinition: {} }),
  ]);
  const index = world.index("app", [
    { image: built.manifest, platform: written(built.platform) },
    entryOf(signed, built.manifest),
    entryOf(contrary, built.manifest),
  ]);
  const statement = provenanceOf(built);
  const layer = { digest: world.blob(statement), size: bytesOf(statement).length, annotations: {} };
  world.post(built.manifest, { kind: "unsigned", manifest: signed, layer });
  sign(world, signed, signerOf("app"));
  assert.equal(told(await world.judge(index)), "untrusted unattested");
});

test("R4 a manifest in another registry is judged under the image's own name", async () => {
  const world = new World();
  const built = bare(world);
  const statement = provenanceOf(built);
  const here = world.attestationManifest("app", built.manifest, [statement], "artifact");
  const manifest = pin(parseReference("registry.example/attestations/app"), here.digest);
  world.manifests.set(`registry.example/attestations/app@${here.digest}`, {
    bytes: world.bytes(here),
    contentType: "application/vnd.oci.image.manifest.v1+json",
  });
  const layer = { digest: world.blob(statement), size: bytesOf(statement).length, annotations: {} };
  world.post(built.manifest, { kind: "unsigned", manifest, layer });
  sign(world, manifest, signerOf("app"));
  assert.equal(told(await world.judge(built.image, { policy: policyOf() })), "trusted");
});
