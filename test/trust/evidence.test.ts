import assert from "node:assert/strict";
import { test } from "node:test";
import { parseStatement } from "../../src/attestation/statement.ts";
import { digestOf, hexOf } from "../../src/image/digest.ts";
import { walkAncestry } from "../../src/trust/ancestry.ts";
import { gatherEvidence, isAbout, MAX_READS, openReading, parseContainedStatement } from "../../src/trust/evidence.ts";
import { type AttestationSource, BeyondLimit, CouldNotLook } from "../../src/trust/ports.ts";
import { AS_OF, bytesOf, codesOf, policyOf, SIGN, signerOf, statementOf, told, World } from "./world.ts";

const BYTES = bytesOf("these very bytes");

function about(...digests: readonly Record<string, string>[]): boolean {
  const subject = digests.map((digest) => ({ digest }));
  return isAbout(
    parseStatement(bytesOf({ _type: "https://in-toto.io/Statement/v1", predicateType: SIGN, subject })),
    BYTES,
  );
}

const hex = (algorithm: "sha256" | "sha384" | "sha512") => hexOf(digestOf(BYTES, algorithm));

test("R13 every digest of a subject that can be computed must match", () => {
  assert.ok(about({ sha256: hex("sha256") }));
  assert.ok(about({ sha512: hex("sha512"), sha256: hex("sha256"), sha384: hex("sha384") }));
  assert.ok(!about({ sha256: hex("sha256"), sha512: "0".repeat(128) }));
  assert.ok(about({ sha256: hex("sha256"), gitCommit: "0".repeat(40) }));
  assert.ok(!about({ gitCommit: "0".repeat(40) }));
});

test("R13 a digest in upper case or of another length is no match", () => {
  assert.ok(!about({ sha256: hex("sha256").toUpperCase() }));
  assert.ok(!about({ sha256: hex("sha256").slice(0, 63) }));
  assert.ok(!about({ SHA256: hex("sha256") }));
});

test("R13 one subject of several is enough, two halves of two aren't", () => {
  assert.ok(about({ sha256: "0".repeat(64) }, { sha256: hex("sha256") }));
  assert.ok(
    !about({ sha256: hex("sha256"), sha512: "0".repeat(128) }, { sha256: "0".repeat(64), sha512: hex("sha512") }),
  );
});

test("R13 a signed statement about another digest isn't about the image", async () => {
  const world = new World();
  const app = world.build("app", { signed: "nothing" });
  const other = world.build("app", { signed: "nothing", layers: ["other"] });
  world.sign(
    app.manifest,
    statementOf([other.manifest], "https://slsa.dev/provenance/v1", app.provenance),
    signerOf("app"),
  );
  assert.equal(told(await world.judge(app.image)), "untrusted subject-mismatch");
  world.sign(
    app.manifest,
    statementOf([other.manifest, app.manifest], "https://slsa.dev/provenance/v1", app.provenance),
    signerOf("app"),
  );
  assert.equal(told(await world.judge(app.image)), "trusted");
});

test("R13 a statement counts wherever it stands, by its subject", async () => {
  const world = new World();
  const app = world.build("app", { signed: "nothing" });
  world.sign(app.image, statementOf([app.manifest], "https://slsa.dev/provenance/v1", app.provenance), signerOf("app"));
  assert.equal(told(await world.judge(app.image)), "trusted");
});

test("R15 junk by the hundred hides nothing", async () => {
  const world = new World();
  const app = world.build("app", { signed: "nothing" });
  for (let i = 0; i < 100; i++) {
    world.post(app.manifest, { kind: "malformed", reason: `junk ${i}` });
    world.post(app.manifest, { kind: "bundle", digest: digestOf(bytesOf(`junk ${i}`)), json: {} });
    world.postUnreadable(app.manifest, new BeyondLimit("too large"));
  }
  assert.ok((await world.judge(app.image)).outcome === "untrusted");
  world.sign(
    app.manifest,
    statementOf([app.manifest], "https://slsa.dev/provenance/v1", app.provenance),
    signerOf("app"),
  );
  assert.equal(told(await world.judge(app.image)), "trusted");
});

test("R15 each kind of junk is refused by its own code, and a failure is kept apart", async () => {
  const world = new World();
  const { manifest } = world.build("app", { signed: "nothing" });
  world.post(manifest, { kind: "malformed", reason: "junk" }, { kind: "bundle", digest: digestOf(BYTES), json: {} });
  world.postUnreadable(manifest, new BeyondLimit("too large"));
  world.postUnreadable(manifest, new CouldNotLook("timeout", "slow"));
  world.failures.set(`ghcr.io/acme/app@${manifest.digest}`, new CouldNotLook("rate-limited", "wait"));
  const { attestations, verifier } = world.ports();
  const evidence = await gatherEvidence(attestations, verifier, manifest, []);
  assert.deepEqual(
    evidence.refusals.map(({ code }) => code),
    ["malformed-attestation", "signature", "too-large"],
  );
  assert.deepEqual(
    evidence.failures.map(({ code }) => code),
    ["rate-limited", "timeout"],
  );
});

test("R15 a fault of ours while a candidate is read is no refusal", async () => {
  const world = new World();
  const { manifest } = world.build("app");
  world.postUnreadable(manifest, new TypeError("a fault of ours"));
  await assert.rejects(gatherEvidence(world.ports().attestations, world.ports().verifier, manifest, []), TypeError);
});

test("R15 the same bundle in several places is one statement", async () => {
  const world = new World();
  const { manifest } = world.build("app");
  const [first] = world.candidates.get(`ghcr.io/acme/app@${manifest.digest}`) ?? [];
  assert.ok(first);
  world.candidates.set(`ghcr.io/acme/app@${manifest.digest}`, [first, first]);
  const { statements } = await gatherEvidence(world.ports().attestations, world.ports().verifier, manifest, []);
  assert.equal(statements.length, 1);
});

test("R15 statements that come to more than may be kept are omitted, the likeliest kept, whoever answers first", async () => {
  const world = new World();
  const { manifest } = world.build("app", { signed: "nothing" });
  const key = `ghcr.io/acme/app@${manifest.digest}`;
  for (const name of ["first", "second", "third"])
    world.sign(manifest, statementOf([manifest], SIGN, { name, bulk: Array(90).fill(0) }), signerOf("app"));
  const [first, second, third] = world.candidates.get(key) ?? [];
  assert.ok(first && second && third);
  const { promise: hasAnswered, resolve } = Promise.withResolvers<void>();
  const slow = { ...first, read: () => hasAnswered.then(first.read) };
  const quick = { ...second, read: () => second.read().finally(resolve) };
  world.candidates.set(key, [slow, slow, quick, third]);
  const { attestations, verifier } = world.ports();
  const names = async (digest: number, walk: number) => {
    const { statements, omitted } = await gatherEvidence(
      attestations,
      verifier,
      manifest,
      [],
      openReading({ digest, walk }),
    );
    return [...statements.map(({ verified }) => Object(verified.statement.predicate).name), omitted];
  };
  assert.deepEqual(await names(150, 1000), ["first", 2]);
  assert.deepEqual(await names(1000, 250), ["first", "second", 1]);
  assert.deepEqual(await names(1000, 1000), ["first", "second", "third", 0]);
});

test("R15 one walk keeps so much of all its images together", async () => {
  const world = new World();
  const [one, other] = [world.build("one"), world.build("other")];
  const { attestations, verifier } = world.ports();
  const reading = openReading({ digest: 1000, walk: 1000 });
  const counts = [];
  for (let i = 0; i < 40; i++)
    for (const { manifest } of [one, other])
      counts.push((await gatherEvidence(attestations, verifier, manifest, [], reading)).statements.length);
  assert.equal(counts[0], 1);
  assert.equal(counts.at(-1), 0);
});

test("R15 what couldn't be looked at matters only where nothing sufficient was found", async () => {
  for (const fail of [
    (world: World, key: string) => world.failures.set(key, new CouldNotLook("rate-limited", "wait")),
    (world: World, key: string) => {
      const [registry, digest] = key.split("@");
      assert.ok(registry && digest);
      const image = { registry: "ghcr.io", repository: "acme/app", digest: digest as never };
      world.postUnreadable(image, new CouldNotLook("rate-limited", "wait"));
    },
  ]) {
    for (const signed of ["provenance", "nothing"] as const) {
      const world = new World();
      const app = world.build("app", { signed });
      fail(world, `ghcr.io/acme/app@${app.manifest.digest}`);
      assert.equal(told(await world.judge(app.image)), signed === "nothing" ? "undetermined rate-limited" : "trusted");
    }
  }
});

test("R15 candidates beyond the limit are a fault only where nothing sufficient was found", async () => {
  for (const signed of ["provenance", "nothing"] as const) {
    const world = new World();
    const app = world.build("app", { signed });
    world.omitted.set(`ghcr.io/acme/app@${app.manifest.digest}`, 7);
    assert.equal(told(await world.judge(app.image)), signed === "nothing" ? "untrusted limit" : "trusted");
  }
});

test("R15 no attestation is unattested, only refused ones are refused", async () => {
  const world = new World();
  const app = world.build("app", { signed: "nothing" });
  assert.deepEqual(codesOf(await world.judge(app.image)), ["unattested"]);
  world.sign(
    app.manifest,
    statementOf([app.manifest], "https://slsa.dev/provenance/v1", app.provenance),
    signerOf("app", { runnerEnvironment: "self-hosted" }),
  );
  assert.deepEqual(codesOf(await world.judge(app.image)), ["runner"]);
});

test("R23 a contained statement that can be read in two ways is none", () => {
  const good = JSON.stringify(statementOf([new World().build("app").manifest], SIGN));
  assert.ok(parseContainedStatement(bytesOf(good)));
  assert.equal(parseContainedStatement(bytesOf(good.replace('"_type"', '"_type":"x","_type"'))), undefined);
  assert.equal(parseContainedStatement(bytesOf(good.replace('"_type"', '"Subject":[],"_type"'))), undefined);
  assert.equal(parseContainedStatement(bytesOf("[]")), undefined);
});

test("reads few attestations side by side, over all images of one walk", async () => {
  const world = new World();
  const base = world.build("base");
  const app = world.build("app", { base });
  let [reading, most, read] = [0, 0, 0];
  const slow = async () => {
    most = Math.max(most, ++reading);
    await new Promise((resolve) => setImmediate(resolve));
    reading -= 1;
    read += 1;
    return [];
  };
  const { attestations, ...ports } = world.ports();
  const crowded: AttestationSource = {
    async listAttestations(image) {
      const listing = await attestations.listAttestations(image);
      const junk = Array.from({ length: 40 }, (_, i) => ({ where: `junk ${i}`, read: slow }));
      return { ...listing, candidates: [...listing.candidates, ...junk] };
    },
  };
  const ancestry = await walkAncestry({ ...ports, attestations: crowded }, policyOf(), app.image, "every", AS_OF);
  assert.equal(ancestry.nodes.size, 2);
  assert.ok(read >= 80);
  assert.ok(most <= MAX_READS, `${most} at once`);
});
