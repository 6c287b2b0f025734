import assert from "node:assert/strict";
import { test } from "node:test";
import type { Judgement, SignedSummary } from "../../src/build/ports.ts";
import { digestOf } from "../../src/image/digest.ts";
import { parsePlatform } from "../../src/image/platform.ts";
import { pin } from "../../src/image/reference.ts";
import { chainOf } from "../report/verdicts.ts";
import { newBuild, newRepository, policyText, pushOf } from "./build-fixture.ts";
import type { SharedStore } from "./places.ts";

const MANIFEST = digestOf(Buffer.from("a manifest"));
const BOTH = { timestamps: true, places: true };

export function testSummaries(shared: SharedStore): void {
  /** A judged build with a summary of each result. */
  const judged = async (t: Parameters<SharedStore>[0]) => {
    const scene = await shared(t);
    if (!scene) return undefined;
    const { store } = scene;
    const build = newBuild(newRepository());
    await store.recordPush(pushOf([build]));
    const verdict = chainOf({ finding: { kind: "attested" } });
    const { bytes: _, ...policy } = policyText("repository", "version: 1\n");
    const summary = (result: SignedSummary["result"]): SignedSummary => ({
      image: pin({ registry: "ghcr.io", repository: `acme/${result.toLowerCase()}` }, verdict.policy.digest),
      platform: parsePlatform("linux/amd64"),
      result,
      signature: `${build.id} ${result}`,
      bundle: { z: 1, a: result },
    });
    const judgements: readonly Judgement[] = [{ policy, verdict, summaries: [summary("PASSED"), summary("FAILED")] }];
    const read = await store.readBuild(build.id);
    assert.ok(read);
    await store.saveJudgements(read, judgements);
    const unfinished = async (wanted = BOTH, now = verdict.asOf) =>
      (await store.listUnfinished(wanted, now))
        .filter(({ signature }) => signature.startsWith(build.id))
        .map(({ result }) => result)
        .sort();
    return { store, build, verdict, judgements, unfinished };
  };

  test("R33 signed summaries are kept with their verdict, to the byte, and go with it", async (t) => {
    const scene = await judged(t);
    if (!scene) return;
    const { store, build, judgements } = scene;
    const stored = await store.listSummaries(build.id);
    assert.deepEqual(
      stored.map(({ result, bundle, platform, isTimestamped, attached }) => [
        result,
        bundle,
        platform,
        isTimestamped,
        attached,
      ]),
      [
        ["FAILED", '{"z":1,"a":"FAILED"}', "linux/amd64", false, undefined],
        ["PASSED", '{"z":1,"a":"PASSED"}', "linux/amd64", false, undefined],
      ],
    );
    const again = await store.readBuild(build.id);
    assert.ok(again);
    await store.saveJudgements(
      again,
      judgements.map(({ summaries: _, ...each }) => each),
    );
    assert.deepEqual(await store.listSummaries(build.id), []);
  });

  test("R28 a summary waits for what is asked for, FAILED ones for no place, and one that failed for its time", async (t) => {
    const scene = await judged(t);
    if (!scene) return;
    const { store, build, verdict, unfinished } = scene;
    const [passed, failed] = [`${build.id} PASSED`, `${build.id} FAILED`];
    assert.deepEqual(await unfinished(), ["FAILED", "PASSED"]);
    assert.deepEqual(await unfinished({ timestamps: false, places: true }), ["PASSED"]);
    assert.deepEqual(await unfinished({ timestamps: false, places: false }), []);
    assert.equal(await store.saveTimestamp(failed, "first"), "first");
    assert.equal(await store.saveTimestamp(failed, "second"), "first", "one timestamp, whoever was later");
    assert.deepEqual(await unfinished(), ["PASSED"]);
    const later = new Date(verdict.asOf.getTime() + 60_000);
    await store.postponeSummary(passed, later);
    assert.deepEqual([await unfinished(), await unfinished(BOTH, later)], [[], ["PASSED"]]);
    await store.saveTimestamp(passed, "stamped");
    const summary = (await store.listSummaries(build.id)).find(({ signature }) => signature === passed);
    assert.ok(summary);
    await store.savePlace(summary, MANIFEST);
    assert.deepEqual(await unfinished(BOTH, later), []);
    assert.equal((await store.listSummaries(build.id)).find(({ attached }) => attached)?.attached, MANIFEST);
  });

  test("R28 a PASSED of an earlier round isn't attached any more, and the one that is goes when the build is judged anew", async (t) => {
    const scene = await judged(t);
    if (!scene) return;
    const { store, build, verdict, judgements, unfinished } = scene;
    const superseded = async () =>
      (await store.listSuperseded(new Date(verdict.asOf.getTime() + 1)))
        .filter(({ manifest }) => manifest === placed || manifest === others)
        .map(({ image }) => image);
    const placed = digestOf(Buffer.from(`${build.id} placed`));
    const passed = (await store.listSummaries(build.id)).find(({ result }) => result === "PASSED");
    assert.ok(passed);
    await store.savePlace(passed, placed);
    const another = await judged(t);
    assert.ok(another);
    const others = digestOf(Buffer.from(`${another.build.id} placed`));
    await store.savePlace({ image: passed.image, signature: `${another.build.id} PASSED` }, others);
    assert.deepEqual(await superseded(), []);
    const saved = await store.readBuild(build.id);
    assert.ok(saved);
    const judge = (round: number, signed = true) =>
      store.saveJudgements(
        { ...saved, round },
        judgements.map(({ summaries = [], ...judgement }) => ({
          ...judgement,
          summaries: signed ? summaries.map((each) => ({ ...each, signature: `${each.signature} ${round}` })) : [],
        })),
      );
    await judge(2);
    assert.deepEqual(await superseded(), [], "the new one first");
    assert.deepEqual(await unfinished(), ["FAILED", "PASSED"]);
    await store.savePlace({ image: passed.image, signature: `${build.id} PASSED 2` }, MANIFEST);
    assert.deepEqual(await superseded(), [passed.image]);
    // Another round's waits, and of the one after it nothing can be told.
    await judge(3);
    assert.deepEqual([await unfinished(), await superseded()], [["FAILED", "PASSED"], []]);
    await judge(4, false);
    assert.deepEqual([await unfinished(), await superseded()], [[], [passed.image]]);
  });
}
