import assert from "node:assert/strict";
import { test } from "node:test";
import type { Answer } from "../../src/answer/answer.ts";
import { createAdmissionJudge } from "../../src/app/admission-judge.ts";
import { parsePlatform } from "../../src/image/platform.ts";
import { formatReference, type PinnedImage, pin } from "../../src/image/reference.ts";
import { type VerdictDocument, verdictDocument } from "../../src/report/json.ts";
import { resultDigest } from "../../src/report/result-digest.ts";
import { AS_OF, policyOf, World, written } from "../trust/world.ts";

const PLATFORMS = policyOf({ trust: "  platforms: [linux/amd64]" });
const ARM = [parsePlatform("linux/arm64")];

/** An answer that was kept about an image, as the verdict on it would be written. */
async function answerOn(world: World, image: PinnedImage, given: Partial<Answer> = {}): Promise<Answer> {
  const verdict = await world.judge(image, { policy: policyOf() });
  const document = verdictDocument(verdict);
  const { outcome, level, validUntil, policy } = verdict;
  return {
    ...{ id: "a1", image, policy, outcome, level, asOf: AS_OF, validUntil, result: resultDigest(document) },
    ...{
      audience: { kind: "everyone" },
      source: undefined,
      document,
      facts: { sources: [], dockerfiles: [], packages: [] },
    },
    ...given,
  };
}

function judgeIn(
  world: World,
  { answer, policy = policyOf() }: { readonly answer?: Answer; readonly policy?: typeof PLATFORMS } = {},
) {
  const opened: string[] = [];
  const judge = createAdmissionJudge({
    policy: () => policy,
    openWalk: (image) => {
      opened.push(formatReference(image));
      return { ...world.ports(), resolve: async () => undefined, close: async () => {} };
    },
    ...(answer && { answers: { findHead: async () => answer, readAnswer: async () => answer } }),
    now: () => AS_OF,
  });
  return { judge, opened };
}

test("an answer that stands is taken in the place of a walk, with its faults", async () => {
  const world = new World();
  const { image } = world.build("app");
  const bare = world.build("bare", { signed: "nothing" }).image;
  for (const [each, outcome, codes] of [
    [image, "trusted", []],
    [bare, "untrusted", ["unattested"]],
  ] as const) {
    const { judge, opened } = judgeIn(world, { answer: await answerOn(world, each) });
    const judged = await judge.judge(each, undefined);
    assert.equal(judged.outcome, outcome);
    assert.deepEqual(
      judged.faults.map(({ code }) => code),
      codes,
    );
    assert.equal(opened.length, 0);
  }
});

test("R1 R14 R26 an answer of another policy, name, tag or digest, one that lapsed, is old, undetermined or unreadable answers nobody", async () => {
  const world = new World();
  const { image } = world.build("app");
  const other = world.build("other").image;
  const good = await answerOn(world, image);
  const wrong: readonly Partial<Answer>[] = [
    { policy: { name: "x", digest: other.digest } },
    { image: pin(image, other.digest) },
    { image: { ...image, tag: "v1" } },
    { image: pin(other, image.digest) },
    { validUntil: AS_OF },
    { asOf: new Date(AS_OF.getTime() - 86_400_000) },
    { asOf: new Date(AS_OF.getTime() + 1) },
    { outcome: "undetermined" },
    { outcome: "untrusted" },
    { document: {} },
  ];
  for (const change of wrong) {
    const { judge, opened } = judgeIn(world, { answer: { ...good, ...change } });
    assert.equal((await judge.judge(image, undefined)).outcome, "trusted");
    assert.deepEqual(opened, [formatReference(image)], JSON.stringify(Object.keys(change)));
  }
});

test("R35 of many faults few are kept, and what is revoked is among them", async () => {
  const world = new World();
  const { image } = world.build("bare", { signed: "nothing" });
  const answer = await answerOn(world, image);
  const document = answer.document as VerdictDocument;
  const [fault] = document.faults;
  assert.ok(fault);
  const many = Array.from({ length: 100 }, (_, i) => ({ ...fault, reason: `reason ${i}` }));
  const faults = [...many, { ...fault, code: "revoked" }];
  const { judge } = judgeIn(world, { answer: { ...answer, document: { ...document, faults } } });
  const judged = await judge.judge(image, undefined);
  assert.equal(judged.faults.length, 16);
  assert.ok(judged.faults.some(({ code }) => code === "revoked"));
});

test("R15 an answer that something could not be looked at is looked at again", async () => {
  const world = new World();
  const { image } = world.build("app");
  const stored = world.bytes(image);
  world.hide(image);
  const answer = await answerOn(world, image);
  assert.equal(answer.outcome, "undetermined");
  world.manifest("app", stored);
  const { judge, opened } = judgeIn(world, { answer });
  assert.equal((await judge.judge(image, undefined)).outcome, "trusted");
  assert.equal(opened.length, 1);
});

test("R30 the platform of the only machine that a pod may run on counts, whatever platforms policy names", async () => {
  const world = new World();
  const good = world.build("app");
  const bad = world.build("app", { platform: "linux/arm64", signed: "nothing", layers: ["arm"] });
  const index = world.index(
    "app",
    [good, bad].map(({ manifest, platform }) => ({ image: manifest, platform: written(platform) })),
  );
  const { judge } = judgeIn(world, {
    policy: PLATFORMS,
    answer: await answerOn(world, good.image, { image: index, policy: PLATFORMS }),
  });
  assert.equal((await judge.judge(index, undefined)).outcome, "trusted");
  assert.equal((await judge.judge(index, [parsePlatform("linux/amd64")])).outcome, "trusted");
  const judged = await judge.judge(index, ARM);
  assert.equal(judged.outcome, "untrusted");
  assert.equal(judged.policy, PLATFORMS.digest);
});

test("R30 a pod that runs on a platform which policy doesn't name isn't refused for that", async () => {
  const world = new World();
  const { image } = world.build("app", { platform: "linux/arm64" });
  const { judge } = judgeIn(world, { policy: PLATFORMS });
  assert.equal((await judge.judge(image, undefined)).outcome, "untrusted");
  assert.equal((await judge.judge(image, ARM)).outcome, "trusted");
});

test("R30 R24 of the platforms that a pod's machines may have each counts, and none has to be there", async () => {
  const world = new World();
  const good = world.build("app");
  const judged = async (image: PinnedImage, ...platforms: readonly string[]) =>
    (await judgeIn(world, { policy: PLATFORMS }).judge.judge(image, platforms.map(parsePlatform))).outcome;
  const indexWith = (platform: string) => {
    const bad = world.build("app", { platform, signed: "nothing", layers: [platform] });
    return world.index(
      "app",
      [good, bad].map((each) => ({ image: each.manifest, platform: written(each.platform) })),
    );
  };
  const windows = indexWith("windows/amd64");
  assert.equal(await judged(windows, "linux/amd64"), "trusted");
  assert.equal(await judged(windows, "linux/amd64", "windows/amd64"), "untrusted");
  assert.equal(await judged(indexWith("linux/arm64"), "linux/amd64", "windows/amd64"), "trusted");
  assert.equal(await judged(indexWith("linux/arm64"), "linux/s390x", "windows/s390x"), "untrusted");
});
