import assert from "node:assert/strict";
import { test } from "node:test";
import { advanceInquiry, PAUSES_MS } from "../../src/answer/advance-inquiry.ts";
import { MAX_DOCUMENT_BYTES, UNDETERMINED_MS } from "../../src/answer/judge-image.ts";
import { parseReference, pin } from "../../src/image/reference.ts";
import { CouldNotLook, type CouldNotLookCode } from "../../src/trust/ports.ts";
import { REPOSITORY } from "../build/world.ts";
import { InquiryWorld, OTHER } from "./inquiry-world.ts";

const PRIVATE = { ...REPOSITORY, isPrivate: true };
const advance = (world: InquiryWorld, signal = new AbortController().signal) =>
  advanceInquiry(world.ports(), world.inquiry.id, signal);

/** Works on it time after time, until it has ended. */
async function toTheEnd(world: InquiryWorld): Promise<number> {
  for (let tries = 1; ; tries++) {
    await advance(world);
    const { waiting, end } = world.inquiry;
    if (end !== undefined || tries > 10) return tries;
    world.now = waiting?.until ?? world.now;
  }
}

test("R1 R26 an image is judged by the published policy under the tag it was asked for by, which is resolved once", async () => {
  const world = new InquiryWorld();
  await advance(world);
  assert.equal(world.answer?.outcome, "trusted");
  assert.equal(world.answer?.image.tag, "v1");
  assert.equal(world.answer?.policy.digest, world.ports().published.policy.digest);
  assert.equal(world.resolutions, 1);
  assert.deepEqual(world.tags, [world.tagged]);
  assert.deepEqual(world.inquiry.end, { kind: "answered", answer: "answer-1", at: world.now });
  assert.deepEqual(world.answer?.audience, { kind: "everyone" });
  assert.deepEqual(world.opened, [undefined]);
});

test("evidence is kept with what the name stood for", async () => {
  const world = new InquiryWorld();
  await advance(world);
  const evidence = world.saved[0]?.evidence;
  assert.equal(evidence?.image.record.resolutions.length, 1);
  assert.equal(evidence?.image.result, world.answer?.result);
  assert.ok(evidence?.bytes.has(evidence.image.policy.blob));
});

test("verdict and facts rest on one listing of an image's attestations", async () => {
  const world = new InquiryWorld();
  await advance(world);
  assert.equal(world.answer?.facts.unread, undefined);
  assert.ok(world.listed.includes(world.built.image.digest));
  assert.equal(new Set(world.listed).size, world.listed.length);
});

test("a verdict that is too large to be told is none: nothing is kept in its place", async () => {
  const world = new InquiryWorld();
  const ports = world.ports();
  const large = {
    ...ports,
    serialise: (verdict: Parameters<typeof ports.serialise>[0]) => ({
      ...ports.serialise(verdict),
      document: "x".repeat(MAX_DOCUMENT_BYTES),
    }),
  };
  await advanceInquiry(large, world.inquiry.id, new AbortController().signal);
  assert.equal(world.saved.length, 0);
  assert.match(world.inquiry.waiting?.reason ?? "", /no more than/);
});

test("R26 a digest beside a tag was given, and says nothing of what the tag names", async () => {
  const world = new InquiryWorld();
  world.inquiry = { ...world.inquiry, image: { ...world.built.image, tag: "v1" } };
  await advance(world);
  assert.equal(world.answer?.image.tag, "v1");
  assert.deepEqual(world.tags, []);
});

test("another digest than the one that was asked for is a fault of the program", async () => {
  const world = new InquiryWorld(pin(parseReference("ghcr.io/acme/app"), OTHER));
  await assert.rejects(advance(world), /asked for/);
  assert.deepEqual(world.saved, []);
});

test("what isn't there and what isn't shown end with the same word, and no answer", async () => {
  const ways: ("absent" | CouldNotLookCode)[] = ["absent", "not-found-unproven", "credentials-refused"];
  for (const way of ways) {
    const world = new InquiryWorld();
    world.resolves = way === "absent" ? way : new CouldNotLook(way, "refused");
    await advance(world);
    assert.deepEqual(world.inquiry.end, { kind: "nothing", at: world.now });
    const byDigest = new InquiryWorld();
    byDigest.inquiry = { ...byDigest.inquiry, image: byDigest.built.image };
    const key = [...byDigest.world.manifests.keys()].find((each) => each.includes(byDigest.built.image.digest)) ?? "";
    if (way === "absent") byDigest.world.manifests.delete(key);
    else byDigest.world.manifests.set(key, new CouldNotLook(way, "refused"));
    await advance(byDigest);
    assert.equal(byDigest.inquiry.end?.kind, "nothing", way);
    assert.deepEqual([world.saved, byDigest.saved], [[], []]);
  }
});

test("a registry that doesn't answer is tried again with growing pauses, and leads to no answer", async () => {
  const world = new InquiryWorld();
  world.resolves = new CouldNotLook("network", "the registry doesn't answer");
  await advance(world);
  assert.equal(world.inquiry.waiting?.until.getTime(), world.now.getTime() + (PAUSES_MS[0] ?? 0));
  assert.equal(world.inquiry.waiting?.reason, "the registry doesn't answer");
  const opened = world.opened.length;
  await advance(world);
  assert.equal(world.opened.length, opened, "woken too early");
  world.now = world.inquiry.waiting?.until ?? world.now;
  assert.equal(await toTheEnd(world), 3);
  assert.deepEqual(world.inquiry.end, {
    kind: "not-looked",
    reason: "the registry doesn't answer",
    at: world.now,
  });
  assert.deepEqual(world.saved, []);
});

test("what can't be looked at below an image is an undetermined answer after three more tries, for an hour", async () => {
  const world = new InquiryWorld();
  for (const key of [...world.world.candidates.keys(), ...world.world.manifests.keys()]) {
    world.world.candidates.delete(key);
    world.world.failures.set(key, new CouldNotLook("network", "the registry doesn't list"));
  }
  assert.equal(await toTheEnd(world), PAUSES_MS.length + 1);
  assert.equal(world.answer?.outcome, "undetermined");
  assert.equal(world.answer?.validUntil?.getTime(), world.now.getTime() + UNDETERMINED_MS);
});

test("an image that everyone may pull, from a repository that isn't public, is its readers' to know", async () => {
  const world = new InquiryWorld();
  world.visible = "private";
  await advance(world);
  assert.equal(world.answer?.audience.kind, "readers");
  assert.equal(world.saved[0]?.known, undefined);
});

test("nobody is told while it can't be said whether a repository is public", async () => {
  const world = new InquiryWorld();
  world.visible = "unknown";
  await advance(world);
  assert.deepEqual(world.saved, []);
  assert.equal(world.inquiry.failures, 1);
  world.now = world.inquiry.waiting?.until ?? world.now;
  world.visible = "public";
  await advance(world);
  assert.deepEqual(world.answer?.audience, { kind: "everyone" });
});

test("what was read with a private repository's credentials is never everyone's", async () => {
  const world = new InquiryWorld(undefined, PRIVATE);
  world.isHidden = true;
  await advance(world);
  assert.deepEqual(world.opened, [undefined, PRIVATE]);
  assert.deepEqual(world.answer?.audience, { kind: "readers", repositoryIds: [String(PRIVATE.id)] });
  const open = new InquiryWorld(undefined, REPOSITORY);
  await advance(open);
  assert.deepEqual(open.opened, [undefined], "a public repository's image is read as everyone may");
});

test("R3 a private repository that builds under another's name takes neither the public's answer away nor another's readers'", async () => {
  const stranger = { ...PRIVATE, id: 5555 };
  const open = new InquiryWorld(undefined, stranger);
  await advance(open);
  assert.deepEqual(open.opened, [undefined], "what everyone may read needs no credentials");
  assert.deepEqual(open.answer?.audience, { kind: "everyone" });
  const hidden = new InquiryWorld(undefined, stranger);
  hidden.isHidden = true;
  await advance(hidden);
  assert.deepEqual(hidden.opened, [undefined, stranger]);
  assert.deepEqual([hidden.saved, hidden.inquiry.end?.kind], [[], "nothing"]);
});

test("R3 an image of a private repository that everyone may pull is read with its rights, for its readers", async () => {
  const world = new InquiryWorld(undefined, PRIVATE);
  world.visible = "private";
  await advance(world);
  assert.deepEqual(world.opened, [undefined, PRIVATE]);
  assert.deepEqual(world.answer?.audience, { kind: "readers", repositoryIds: [String(PRIVATE.id)] });
});

test("an inquiry that has ended, that nobody knows, or that is broken off stays as it is", async () => {
  const world = new InquiryWorld();
  await advanceInquiry(world.ports(), "another", new AbortController().signal);
  await advance(world, AbortSignal.abort());
  assert.deepEqual([world.saved, world.inquiry.end], [[], undefined]);
  await advance(world);
  await advance(world);
  assert.equal(world.saved.length, 1);
});
