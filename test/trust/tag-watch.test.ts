import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { digestOf } from "../../src/image/digest.ts";
import { verdictDocument, verdictSchema } from "../../src/report/json.ts";
import { summariesOf } from "../../src/trust/summary.ts";
import {
  afterTagUnseen,
  afterTagWentBack,
  besideOtherImage,
  movingTags,
  type Sighting,
  sightingsOf,
  wentBack,
} from "../../src/trust/tag-watch.ts";
import { policyOf, signerOf, told, World, written } from "./world.ts";

const POLICY = policyOf();
const digest = (name: string) => digestOf(Buffer.from(name));

/** What stood there: a version of a day of 2026, for one platform. */
function sighting(version: string, day: string | undefined, given: Partial<Sighting> = {}): Sighting {
  const { platform = "linux/amd64" } = given;
  return {
    image: digest(`index ${version} ${given.commit ?? ""}`),
    platform,
    digest: digest(`${version} ${platform} ${given.commit ?? ""}`),
    origin: "https://token.actions.githubusercontent.com 99",
    ref: `refs/tags/${version}`,
    commit: `commit of ${version}`,
    signedAt: day === undefined ? undefined : new Date(`2026-${day}T00:00:00Z`),
    ...given,
  };
}

const arm = { platform: "linux/arm64" };
const backFor = (seen: readonly Sighting[], now: readonly Sighting[], policy = POLICY) =>
  wentBack(policy, seen, now).map(({ platform, before, now: to }) => `${platform} ${before.ref} ${to.ref}`);

const OLD = sighting("v1.3.0", "01-01");
const NEW = sighting("v1.4.0", "03-01");
const BACK = ["linux/amd64 refs/tags/v1.4.0 refs/tags/v1.3.0"];

test("R26 tags that move are those that policy makes without naming the git tag", () => {
  const imageTags = ["{version}", "{tag}", "latest", "edge-{tag}", "stable", "latest"];
  assert.deepEqual(movingTags({ imageTags }), ["latest", "stable"]);
});

test("R26 a tag that is moved to an image that was signed earlier has gone back, however often the older one was there", () => {
  assert.deepEqual(backFor([NEW], [OLD]), BACK);
  assert.deepEqual(backFor([OLD, NEW], [OLD]), BACK);
  assert.deepEqual(backFor([NEW, OLD], [OLD]), BACK);
});

test("R26 a tag that is moved on, stays, or was never seen hasn't gone back", () => {
  assert.deepEqual(backFor([OLD], [NEW]), []);
  assert.deepEqual(backFor([OLD, NEW], [NEW]), []);
  assert.deepEqual(backFor([], [OLD]), []);
  assert.deepEqual(backFor([NEW], []), []);
  assert.deepEqual(backFor([NEW], [sighting("v1.3.0", "03-01")]), [], "signed at the same moment");
});

test("R26 versions are never compared: whoever mends an old line later moves the tag forward", () => {
  assert.deepEqual(backFor([NEW], [sighting("v1.3.1", "04-01")]), []);
  assert.deepEqual(backFor([sighting("v1.3.1", "04-01")], [NEW]), ["linux/amd64 refs/tags/v1.3.1 refs/tags/v1.4.0"]);
});

test("R26 an old version that is signed or built again is as old as when it was first seen", () => {
  const again = { ...OLD, signedAt: new Date("2026-05-01T00:00:00Z") };
  assert.deepEqual(backFor([OLD, NEW], [again]), BACK, "the first signature was taken away");
  const rebuilt = { ...again, digest: digest("rebuilt"), image: digest("rebuilt index") };
  assert.deepEqual(backFor([OLD, NEW], [rebuilt]), BACK);
  assert.deepEqual(backFor([{ ...OLD, ...arm }, { ...NEW, ...arm }, NEW], [rebuilt]), BACK, "seen on another platform");
  assert.deepEqual(backFor([NEW], [rebuilt]), [], "never seen, nothing says that it is older");
});

test("R26 a new git tag on an old commit, or another commit under a git tag, is another version", () => {
  assert.deepEqual(backFor([OLD, NEW], [sighting("v1.4.1", "05-01", { commit: OLD.commit })]), []);
  const moved = sighting("v1", "05-01", { commit: "b" });
  assert.deepEqual(backFor([sighting("v1", "01-01", { commit: "a" })], [moved]), []);
  assert.deepEqual(
    backFor([sighting("v1", "01-01", { commit: "a" }), moved], [sighting("v1", "06-01", { commit: "a" })]),
    ["linux/amd64 refs/tags/v1 refs/tags/v1"],
  );
});

test("R26 an image that was built from two versions is as young as the younger, also when that word isn't found any more", () => {
  const same = { digest: OLD.digest, image: OLD.image };
  const later = sighting("v1.5.0", "05-01", same);
  assert.deepEqual(backFor([NEW], [OLD, later]), []);
  assert.deepEqual(backFor([NEW, OLD, later], [OLD]), [], "it is what stood there last");
});

test("R26 of two platforms the one that goes back is named", () => {
  const seen = [NEW, { ...NEW, ...arm, digest: digest("new arm") }];
  assert.deepEqual(backFor(seen, [NEW, { ...OLD, ...arm }]), ["linux/arm64 refs/tags/v1.4.0 refs/tags/v1.3.0"]);
  const behind = [NEW, { ...OLD, ...arm }];
  assert.deepEqual(
    backFor(behind, [sighting("v1.5.0", "05-01"), { ...OLD, ...arm }]),
    [],
    "it was behind, and stays so",
  );
});

test("R26 a platform that is new under a tag may be no older than all that stood there", () => {
  const seen = [NEW, sighting("v1.3.9", "02-01", arm)];
  const rare = { platform: "linux/riscv64" };
  assert.deepEqual(backFor(seen, [sighting("v1.3.9", "02-01", rare)]), []);
  assert.deepEqual(backFor(seen, [sighting("v1.3.0", "01-01", rare)]), [
    "linux/riscv64 refs/tags/v1.3.9 refs/tags/v1.3.0",
  ]);
});

test("R26 and R12 what nobody can prove a time of is no younger than what has one", () => {
  const undated = sighting("v1.4.1", undefined);
  assert.deepEqual(backFor([NEW], [undated]), ["linux/amd64 refs/tags/v1.4.0 refs/tags/v1.4.1"]);
  assert.deepEqual(backFor([undated], [sighting("v1.4.2", undefined)]), [], "there is nothing to compare with");
  assert.deepEqual(backFor([NEW], [{ ...NEW, signedAt: undefined }]), [], "its time was proven before");
});

test("R26 images of a key, which tells of no commit, are told apart by what they are", () => {
  const key = { origin: "SHA256:key", ref: "", commit: "" };
  const [first, second] = [sighting("a", "01-01"), sighting("b", "03-01")].map((each) => ({ ...each, ...key }));
  assert.ok(first && second);
  assert.equal(wentBack(POLICY, [first, second], [first]).length, 1);
  assert.deepEqual(wentBack(POLICY, [first], [second]), []);
});

test("R26 what policy has revoked stands in nobody's way back", () => {
  const revoking = (entry: string) => policyOf({ trust: `  revoked: [{ ${entry}, reason: stolen }]` });
  const commit = "c".repeat(40);
  const bad = { ...NEW, commit };
  assert.deepEqual(backFor([OLD, bad], [OLD], revoking(`commit: ${commit}`)), []);
  assert.deepEqual(backFor([OLD, bad], [OLD], revoking(`digest: "${bad.digest}"`)), []);
  assert.deepEqual(backFor([OLD, bad], [OLD], revoking(`digest: "${bad.image}"`)), []);
  assert.deepEqual(backFor([OLD, bad], [OLD], revoking(`commit: ${"d".repeat(40)}`)), BACK);
  const older = sighting("v1.2.0", "01-01", { signedAt: new Date("2025-01-01") });
  assert.equal(backFor([older, OLD, bad], [older], revoking(`commit: ${commit}`)).length, 1, "and no further");
});

test("R26 the order in which things were seen, and how often, changes nothing; what hasn't gone back has not once it was seen", () => {
  const day = fc.constantFrom("01-01", "02-01", "03-01", undefined);
  const one = fc
    .tuple(fc.constantFrom("v1", "v2", "v3"), day, fc.constantFrom("linux/amd64", "linux/arm64"))
    .map(([version, at, platform]) => sighting(version, at, { platform }));
  const image = fc.uniqueArray(one, { selector: ({ platform }) => platform });
  const backOn = (seen: readonly Sighting[], now: readonly Sighting[]) =>
    wentBack(POLICY, seen, now).map(({ platform }) => platform);
  fc.assert(
    fc.property(fc.array(one, { maxLength: 6 }), image, (seen, now) => {
      const answer = backOn(seen, now);
      assert.deepEqual(backOn([...seen, ...seen].reverse(), now), answer);
      if (answer.length === 0) assert.deepEqual(backOn([...seen, ...now], now), []);
    }),
  );
});

/** An app for two platforms, and what is told of it under a tag. */
async function judged(policy = POLICY) {
  const world = new World();
  const builds = ["linux/amd64", "linux/arm64"].map((platform) =>
    world.build("app", { platform, layers: [platform], by: signerOf("app") }),
  );
  const index = world.index(
    "app",
    builds.map(({ manifest, platform }) => ({ image: manifest, platform: written(platform) })),
  );
  return { index, builds, verdict: await world.judge(index, { policy, reference: { ...index, tag: "1.0.0" } }) };
}

test("R26 a verdict tells what it saw, of the platforms that count, and nothing of a root that policy names itself", async () => {
  const { index, builds, verdict } = await judged();
  const seen = sightingsOf(verdict);
  assert.deepEqual(
    seen.map(({ image, platform, digest: of, ref }) => [image, platform, of, ref]),
    builds.map(({ manifest }, i) => [
      index.digest,
      ["linux/amd64", "linux/arm64"][i],
      manifest.digest,
      "refs/tags/v1.0.0",
    ]),
  );
  assert.deepEqual(seen[0]?.signedAt, new Date("2026-11-20T00:00:00Z"));
  const one = await judged(policyOf({ trust: "  platforms: [linux/arm64]" }));
  assert.deepEqual(
    sightingsOf(one.verdict).map(({ platform }) => platform),
    ["linux/arm64"],
  );
  const root = `  roots: [{ image: "ghcr.io/acme/app@${index.digest}", reason: looked at, expires: 2027-01-01 }]`;
  // With a revocation that only the evidence shows, that is read of a root too.
  const revoked = `  revoked: [{ commit: ${"f".repeat(40)}, reason: stolen }]`;
  const rooted = (await judged(policyOf({ trust: `${root}\n${revoked}` }))).verdict;
  assert.deepEqual([rooted.versions.length, sightingsOf(rooted)], [1, []]);
});

test("R26 a tag that went back turns the verdict, says what stood there and what does, and how to go back on purpose", async () => {
  const { verdict } = await judged();
  const after = afterTagWentBack(verdict, "latest", wentBack(POLICY, [NEW], [OLD]));
  assert.equal(told(after), "untrusted tag-went-back");
  const [fault] = after.faults;
  for (const part of ["latest", "v1.4.0", "v1.3.0", NEW.image, OLD.commit, "2026-03-01"])
    assert.ok(fault?.reason.includes(part), part);
  for (const part of ["new git tag", "trust.revoked"]) assert.ok(fault?.mend.includes(part), part);
  assert.deepEqual(verdictSchema.parse(verdictDocument(after)).verdict, "untrusted");
  assert.equal(afterTagWentBack(verdict, "latest", []), verdict);
});

const AUTHOR = { verifier: "https://builds.example/1", version: {}, policyUri: "https://builds.example/policy" };

test("R26 and R28 another tag's fault says nothing against the image under this one", async () => {
  const { verdict } = await judged();
  const results = (tag: string) =>
    summariesOf(afterTagWentBack(verdict, tag, wentBack(POLICY, [NEW], [OLD])), AUTHOR).map(({ result }) => result);
  assert.deepEqual(results("latest"), ["PASSED", "PASSED"]);
  assert.deepEqual(results("1.0.0"), ["FAILED", "FAILED"]);
});

test("R26 a tag that couldn't be looked at leaves a verdict undetermined, and an untrusted one untrusted", async () => {
  const { verdict } = await judged();
  const unseen = { code: "network", reason: "no route", mend: "ask again" };
  const after = afterTagUnseen(verdict, "latest", unseen);
  assert.equal(told(after), "undetermined network");
  assert.deepEqual(summariesOf(after, AUTHOR), []);
  const wrong = afterTagWentBack(verdict, "stable", wentBack(POLICY, [NEW], [OLD]));
  assert.equal(told(afterTagUnseen(wrong, "latest", unseen)), "untrusted network tag-went-back");
  assert.equal(
    told(afterTagWentBack(after, "stable", wentBack(POLICY, [NEW], [OLD]))),
    "untrusted network tag-went-back",
  );
});

test("R26 another image that isn't trusted is told beside the image, and turns nothing", async () => {
  const { verdict } = await judged();
  const after = besideOtherImage(verdict, "the tag latest is somebody's");
  assert.equal(told(after), "trusted");
  assert.deepEqual(
    after.nodes.map(({ warnings }) => warnings.includes("the tag latest is somebody's")),
    [true, ...after.nodes.slice(1).map(() => false)],
  );
});
