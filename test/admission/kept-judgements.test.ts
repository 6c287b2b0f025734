import assert from "node:assert/strict";
import { test } from "node:test";
import { keepJudgements } from "../../src/admission/kept-judgements.ts";
import { parsePlatform } from "../../src/image/platform.ts";
import { parseReference, pin } from "../../src/image/reference.ts";
import { CouldNotLook } from "../../src/trust/ports.ts";
import { digest, faulty, Images, POLICY, trusted } from "./cluster.ts";

const APP = parseReference("ghcr.io/acme/app:1");
const IMAGE = pin(APP, digest("d"));

function scene() {
  const images = new Images();
  const state = { time: Date.parse("2026-11-28T12:00:00Z"), policy: POLICY };
  const judge = keepJudgements(
    images,
    () => state.policy,
    () => new Date(state.time),
  );
  return { images, state, judge };
}

test("a tag is resolved anew after seconds, and once however many ask at a time", async () => {
  const { images, state, judge } = scene();
  await Promise.all([judge.resolve(APP), judge.resolve(APP), judge.resolve(APP)]);
  assert.equal(images.resolved.length, 1);
  state.time += 5_000;
  images.tags.set("ghcr.io/acme/app:1", digest("moved"));
  assert.equal(await judge.resolve(APP), digest("moved"));
});

test("R14 a clock that is set back keeps no judgement longer", async () => {
  const { images, state, judge } = scene();
  await judge.judge(IMAGE, undefined);
  state.time -= 3_600_000;
  await judge.judge(IMAGE, undefined);
  assert.equal(images.judged.length, 2);
});

test("R14 a trusted judgement answers for minutes, and never beyond what it rests on", async () => {
  const { images, state, judge } = scene();
  await judge.judge(IMAGE, undefined);
  state.time += 299_999;
  await judge.judge(IMAGE, undefined);
  assert.equal(images.judged.length, 1);
  state.time += 1;
  images.verdicts.set("ghcr.io/acme/app", { ...trusted, validUntil: new Date(state.time + 1_000) });
  await judge.judge(IMAGE, undefined);
  images.verdicts.set("ghcr.io/acme/app", faulty("untrusted", "root-expired"));
  state.time += 999;
  assert.equal((await judge.judge(IMAGE, undefined)).outcome, "trusted");
  state.time += 1;
  assert.equal((await judge.judge(IMAGE, undefined)).outcome, "untrusted");
});

test("R1 another policy, digest, name, tag or platform is another question", async () => {
  const { images, state, judge } = scene();
  await judge.judge(IMAGE, undefined);
  await judge.judge(pin(APP, digest("e")), undefined);
  await judge.judge(pin(parseReference("ghcr.io/acme/app:2"), digest("d")), undefined);
  await judge.judge(pin(parseReference("ghcr.io/acme/other:1"), digest("d")), undefined);
  await judge.judge(IMAGE, [parsePlatform("linux/arm64")]);
  await judge.judge(IMAGE, [parsePlatform("linux/arm64"), parsePlatform("windows/arm64")]);
  state.policy = digest("another policy");
  await judge.judge(IMAGE, undefined);
  assert.equal(images.judged.length, 7);
});

test("R15 not having been able to look is kept for seconds at most, and an exception not at all", async () => {
  const { images, state, judge } = scene();
  images.verdicts.set("ghcr.io/acme/app", faulty("undetermined", "network"));
  await judge.judge(IMAGE, undefined);
  state.time += 5_000;
  images.verdicts.set("ghcr.io/acme/app", new CouldNotLook("network", "no route"));
  await assert.rejects(judge.judge(IMAGE, undefined), CouldNotLook);
  images.verdicts.set("ghcr.io/acme/app", trusted);
  assert.equal((await judge.judge(IMAGE, undefined)).outcome, "trusted");
});

test("more images than can wait to be judged could not be looked at", async () => {
  const { images, judge } = scene();
  images.verdicts.set("ghcr.io/acme/app", new Promise<never>(() => {}));
  const refusals: unknown[] = [];
  for (let i = 0; i < 300; i++)
    judge.judge(pin(APP, digest(String(i))), undefined).catch((error: unknown) => refusals.push(error));
  await new Promise(setImmediate);
  assert.equal(images.judged.length, 8);
  assert.ok(refusals.length >= 36 && refusals.length <= 44);
  assert.ok(refusals.every((error) => error instanceof CouldNotLook));
});
