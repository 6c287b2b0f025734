import assert from "node:assert/strict";
import { test } from "node:test";
import { parseStatement } from "../../src/attestation/statement.ts";
import { parseVsa, VSA_PREDICATE } from "../../src/attestation/vsa.ts";
import { digestsOf, hexOf } from "../../src/image/digest.ts";
import { afterTagMoved } from "../../src/trust/image-tags.ts";
import { type Summary, summariesOf } from "../../src/trust/summary.ts";
import type { Verdict } from "../../src/trust/verdict.ts";
import { policyWith, summarised } from "./summaries.ts";
import { AS_OF, type Built, policyOf, World, written } from "./world.ts";

const AUTHOR = {
  verifier: "https://builds.example/verifiers/repositories/99",
  version: { "trusted-builds": "0.1.0" },
  policyUri: "git+https://github.com/acme/app@abc#.github/trusted-builds.yml",
};

const read = (summary: Summary) => parseVsa(parseStatement(summary.statement));
const results = (verdict: Verdict) => summariesOf(verdict, AUTHOR).map(({ result }) => result);

/** An index of images for several platforms. */
function indexOf(world: World, images: readonly Built[]) {
  const entries = images.map(({ manifest, platform }) => ({ image: manifest, platform: written(platform) }));
  return world.index("app", entries);
}

test("R28 a verdict is a summary of SLSA's fields alone, about the platform's manifest by every digest", async () => {
  const world = new World();
  const base = world.build("base");
  const app = world.build("app", { base });
  const verdict = await world.judge(app.image, { reference: { ...app.image, tag: "1.0.0" } });
  const [summary, ...more] = summariesOf(verdict, AUTHOR);
  assert.ok(summary);
  assert.equal(more.length, 0);
  const [sha256, sha384, sha512] = digestsOf(world.bytes(app.manifest)).map(hexOf);
  const bundles = verdict.nodes.flatMap(({ accepted }) => accepted.map(({ found }) => found.verified.bundle));
  assert.equal(bundles.length, 2);
  const [first, second] = verdict.nodes.map(({ reference }) => `oci://${reference}`);
  assert.deepEqual(JSON.parse(Buffer.from(summary.statement).toString()), {
    _type: "https://in-toto.io/Statement/v1",
    subject: [{ name: "pkg:docker/ghcr.io/acme/app@1.0.0?platform=linux%2Famd64", digest: { sha256, sha384, sha512 } }],
    predicateType: VSA_PREDICATE,
    predicate: {
      verifier: { id: AUTHOR.verifier, version: AUTHOR.version },
      timeVerified: AS_OF.toISOString(),
      resourceUri: `pkg:docker/ghcr.io/acme/app@1.0.0?digest=${app.image.digest}&platform=linux%2Famd64`,
      policy: { uri: AUTHOR.policyUri, digest: { sha256: hexOf(verdict.policy.digest) } },
      inputAttestations: [
        { uri: first, digest: { sha256: bundles[0] && hexOf(bundles[0]) } },
        { uri: second, digest: { sha256: bundles[1] && hexOf(bundles[1]) } },
      ],
      verificationResult: "PASSED",
      verifiedLevels: ["SLSA_BUILD_LEVEL_3"],
      dependencyLevels: { SLSA_BUILD_LEVEL_3: 1 },
      slsaVersion: "1.2",
    },
  });
  assert.deepEqual([summary.image.digest, summary.result], [app.manifest.digest, "PASSED"]);
});

test("R28 a verdict that isn't trusted is FAILED, and one that is undetermined is none", async () => {
  const world = new World();
  const base = world.build("base", { signed: "nothing" });
  const app = world.build("app", { base });
  const untrusted = await world.judge(app.image);
  const [failed] = summariesOf(untrusted, AUTHOR);
  assert.ok(failed);
  const { verificationResult, verifiedLevels, dependencyLevels } = read(failed);
  assert.deepEqual(
    [verificationResult, verifiedLevels, dependencyLevels],
    ["FAILED", ["FAILED"], { SLSA_BUILD_LEVEL_0: 1 }],
  );
  world.hide(base.image);
  const undetermined = await world.judge(app.image);
  assert.deepEqual([undetermined.outcome, results(undetermined)], ["undetermined", []]);
});

test("R28 a platform that couldn't be looked at has no summary, whatever is wrong with another one", async () => {
  const world = new World();
  const base = world.build("base", { platform: "linux/arm64" });
  const unseen = world.build("app", { base, platform: "linux/arm64" });
  const bad = world.build("app", { signed: "nothing" });
  world.hide(base.image);
  const verdict = await world.judge(indexOf(world, [bad, unseen]));
  assert.deepEqual([verdict.outcome, results(verdict)], ["untrusted", ["FAILED"]]);
  assert.deepEqual(results(afterTagMoved(verdict, "refs/tags/v1", "a", "b")), ["FAILED", "FAILED"]);
});

test("R28 without dependencies the claim about them is there, and empty", async () => {
  const world = new World();
  const [summary] = summariesOf(await world.judge(world.build("app").image), AUTHOR);
  assert.ok(summary);
  assert.deepEqual(read(summary).dependencyLevels, {});
});

test("R28 each platform that counts has its own, and none passes for what is wrong with the whole", async () => {
  const world = new World();
  const good = world.build("app");
  const bad = world.build("app", { platform: "linux/arm64", signed: "nothing" });
  const index = indexOf(world, [good, bad]);
  const both = await world.judge(index);
  assert.deepEqual(results(both), ["PASSED", "FAILED"]);
  const one = await world.judge(index, { policy: policyOf({ trust: "  platforms: [linux/amd64]" }) });
  assert.deepEqual(results(one), ["PASSED"]);
  const alone = await world.judge(good.image);
  assert.deepEqual(results(alone), ["PASSED"]);
  assert.deepEqual(results(afterTagMoved(alone, "refs/tags/v1", "a", "b")), ["FAILED"]);
  // A fault of the whole stands at a node that is in order by itself.
  const fault = { code: "x", reason: "x", node: one.platforms[0]?.node ?? "", path: [], mend: "" };
  assert.deepEqual(results({ ...one, outcome: "untrusted", faults: [fault] }), ["FAILED"]);
});

test("R28 what is wrong with the whole, or unknown of it, counts for each platform, wherever it stands", async () => {
  const world = new World();
  const bad = world.build("app", { signed: "nothing" });
  const arm = world.build("app", { platform: "linux/arm64", layers: ["arm"] });
  const verdict = await world.judge(indexOf(world, [bad, arm]));
  assert.deepEqual(results(verdict), ["FAILED", "PASSED"]);
  // At the platform that has a fault of its own.
  const whole = { code: "x", reason: "x", node: verdict.platforms[0]?.node ?? "", path: [], mend: "" };
  assert.deepEqual(results({ ...verdict, faults: [...verdict.faults, whole] }), ["FAILED", "FAILED"]);
  assert.deepEqual(results({ ...verdict, unreachable: [whole] }), ["FAILED"]);
});

test("R28 dependencies count once, at their highest, unjudged ones as such, and the image itself never", async () => {
  const world = new World();
  const base = world.build("base");
  const one = world.build("one", { base });
  const frontend = world.build("frontend", { signed: "nothing" });
  const app = world.build("app", { base, inputs: [one], frontend });
  const policy = policyOf({ trust: "  roles: { frontends: allow }" });
  const [summary] = summariesOf(await world.judge(app.image, { policy }), AUTHOR);
  assert.ok(summary);
  assert.deepEqual(read(summary).dependencyLevels, { SLSA_BUILD_LEVEL_UNEVALUATED: 1, SLSA_BUILD_LEVEL_3: 2 });
});

test("R28 another verifier's summary is named among the attestations, and its dependencies count", async () => {
  const world = new World();
  const base = world.build("base", { signed: "nothing" });
  summarised(world, base);
  const app = world.build("app", { base });
  const verdict = await world.judge(app.image, { policy: policyWith() });
  const used = verdict.nodes.find(({ summary }) => summary !== undefined)?.summary?.found.verified.bundle;
  const [summary] = summariesOf(verdict, AUTHOR);
  assert.ok(summary && used);
  const { inputAttestations, dependencyLevels } = read(summary);
  assert.ok(inputAttestations.some(({ digest }) => digest.sha256 === hexOf(used)));
  assert.equal(inputAttestations.length, 2);
  // The base at 2, as policy grants, and what its verifier counted below it.
  assert.deepEqual(dependencyLevels, { SLSA_BUILD_LEVEL_3: 1, SLSA_BUILD_LEVEL_2: 2 });
});

test("R28 an image that couldn't be found has no summary: there is nothing it could be about", async () => {
  const world = new World();
  const app = world.build("app");
  world.manifests.clear();
  const verdict = await world.judge(app.image);
  assert.deepEqual([verdict.outcome, summariesOf(verdict, AUTHOR)], ["untrusted", []]);
});
