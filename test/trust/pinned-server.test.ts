import assert from "node:assert/strict";
import { test } from "node:test";
import { formatDockerPurl } from "../../src/attestation/purl.ts";
import { parsePlatform } from "../../src/image/platform.ts";
import { gatherEvidence } from "../../src/trust/evidence.ts";
import { type PinnedServer, servedAnswer, servedLevel } from "../../src/trust/pinned-server.ts";
import { resolveImage } from "../../src/trust/resolve.ts";
import { servedVerdict } from "../../src/trust/served-verdict.ts";
import { type SummaryOptions, summarised, summaryOf, theKey, VERIFIER } from "./summaries.ts";
import { AS_OF, policyOf, put, SLSA1, signerOf, statementOf, World } from "./world.ts";

const server: PinnedServer = {
  name: "https://builds.example",
  id: VERIFIER,
  key: { name: "test", pem: "", fingerprint: theKey.kind === "key" ? theKey.fingerprint : "sha256:", log: "optional" },
  policy: undefined,
  maxAgeMs: 30 * 86_400_000,
  minimum: undefined,
} as PinnedServer;

/** An image, what a server said of it, and what that comes to. */
async function served(options: SummaryOptions = {}, more?: (world: World, image: ReturnType<World["build"]>) => void) {
  const world = new World();
  const image = world.build("app");
  world.forget(image.manifest);
  summarised(world, image, options);
  more?.(world, image);
  const { images, attestations, verifier } = world.ports();
  const { statements } = await gatherEvidence(attestations, verifier, image.manifest, []);
  const resolutions = await resolveImage(images, image.image, "every", false);
  const node = resolutions.flatMap((each) => (each.kind === "node" ? [each.node] : []))[0];
  assert.ok(node);
  const asked = { ...image.image, tag: "1.0.0" };
  return { answer: servedAnswer(server, asked, node, statements, AS_OF), asked, resolutions, statements };
}
const told = async (...args: Parameters<typeof served>) => {
  const { answer } = await served(...args);
  return answer.kind === "none" ? answer.refusals.map(({ code }) => code).join(" ") : answer.kind;
};

test("R28 whatever verifies and isn't signed with the pinned key is nobody's answer, a trusted builder's certificate included", async () => {
  assert.equal(await told(), "passed");
  assert.equal(await told({ by: signerOf("app") }), "vsa-signer");
});

test("R28 a statement of another kind, one without its own time, and one that contradicts itself are no answer", async () => {
  assert.equal(await told({ edit: (predicate) => put(predicate, "timeVerified", null) }), "vsa-time");
  assert.equal(await told({ edit: (predicate) => put(predicate, "verifiedLevels", ["FAILED"]) }), "vsa-level");
  assert.equal(await told({ edit: (predicate) => put(predicate, "verificationResult", "MAYBE") }), "vsa-malformed");
  assert.equal(await told({ edit: (predicate) => put(predicate, "policy", {}) }), "vsa-policy");
  const kinds = await told({ subjects: [new World().build("other").manifest] }, (world, image) =>
    world.sign(image.manifest, statementOf([image.manifest], SLSA1, summaryOf(image)), theKey),
  );
  assert.equal(kinds, "vsa-malformed");
});

test("R28 an answer on another platform is none on this one, though it names this manifest", async () => {
  const arm64 = parsePlatform("linux/arm64");
  const world = new World();
  const { image } = world.build("app");
  const resourceUri = formatDockerPurl({ ...image, tag: "1.0.0" }, arm64);
  assert.equal(await told({ edit: (predicate) => put(predicate, "resourceUri", resourceUri) }), "vsa-resource");
});

test("R29 the level is the lowest that the answer tells, and 0 where it tells none", () => {
  const level = (verifiedLevels: readonly string[], dependencyLevels?: Readonly<Record<string, number>>) =>
    servedLevel({ verifiedLevels, dependencyLevels } as Parameters<typeof servedLevel>[0]);
  assert.equal(level(["SLSA_BUILD_LEVEL_3"]), 3);
  assert.equal(level(["SLSA_BUILD_LEVEL_3"], { SLSA_BUILD_LEVEL_2: 4, SLSA_BUILD_LEVEL_1: 0 }), 2);
  assert.equal(level(["SLSA_BUILD_LEVEL_3"], { SLSA_BUILD_LEVEL_0: 1 }), 0);
  assert.equal(level(["OUR_LEVEL_9"]), 0);
});

test("R18 an image of which no platform counts isn't trusted, whatever the server says", async () => {
  const { asked, resolutions, statements } = await served();
  const given = { statements, refusals: [], failure: undefined, words: [] };
  const told = { image: asked, resolutions, onlyPlatform: undefined, asOf: AS_OF };
  assert.equal(servedVerdict(server, told, given).outcome, "trusted");
  const elsewhere = policyOf({ trust: '  platforms: ["linux/s390x"]' });
  const verdict = servedVerdict({ ...server, policy: elsewhere }, told, given);
  assert.deepEqual([verdict.outcome, verdict.level], ["untrusted", 0]);
});
