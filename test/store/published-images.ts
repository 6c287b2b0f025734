import assert from "node:assert/strict";
import { test } from "node:test";
import type { Answer } from "../../src/answer/answer.ts";
import type { AnswerSummary } from "../../src/answer/ports.ts";
import { formatReference } from "../../src/image/reference.ts";
import type { KnownImage } from "../../src/trust/ports.ts";
import { answerOf, digest, judged, later, newImage, PUBLISHED, summaryOf } from "./answer-fixture.ts";
import type { SharedStore } from "./places.ts";

function knownAs(name: string): KnownImage {
  return {
    name: `ghcr.io/acme/${name}`,
    digest: digest(name),
    chainId: digest(`layers of ${name}`),
    layers: 3,
    origins: ["a word"],
  };
}

export function testPublishedImages(shared: SharedStore): void {
  test("R22 images are known again that a trusted answer for everyone accepted, by the same policy", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const { repository } = newImage();
    const save = async (name: string, given: Partial<Answer> = {}) => {
      const known = knownAs(`${repository} ${name}`);
      await store.saveAnswer(judged(answerOf(newImage("v1"), given), { known: [known] }));
      return known;
    };
    const shown = await save("shown");
    const all = [
      shown,
      await save("untrusted", { outcome: "untrusted" }),
      await save("undetermined", { outcome: "undetermined" }),
      await save("hidden", { audience: { kind: "readers", repositoryIds: ["1"] } }),
    ];
    const chains = all.map(({ chainId }) => chainId);
    const published = store.knownPublished();
    assert.deepEqual(await published.findByChain(PUBLISHED, chains), [shown]);
    assert.deepEqual(await published.findByChain(digest("another policy"), chains), []);
    assert.deepEqual(await published.findByChain(PUBLISHED, []), []);
    const whole: KnownImage = { ...shown, digest: digest("whole"), index: digest("index"), signedAt: later(1) };
    await store.saveAnswer(judged(answerOf(newImage("v1")), { known: [whole, whole] }));
    assert.deepEqual(new Set(await published.findByChain(PUBLISHED, chains)), new Set([shown, whole]));
  });

  test("R28 summaries of published answers are finished beside those of builds", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const answer = answerOf(newImage("v1"));
    const [passed, failed] = [summaryOf(answer), summaryOf(answer, "FAILED")];
    await store.saveAnswer(judged(answer, { summaries: [passed, failed] }));
    const unfinished = async (places = true, timestamps = true) =>
      (await store.listUnfinished({ places, timestamps }, answer.asOf))
        .filter(({ signature }) => signature.startsWith(answer.id))
        .map(({ result }) => result)
        .sort();
    assert.deepEqual(await unfinished(), ["FAILED", "PASSED"]);
    assert.deepEqual(await unfinished(true, false), ["PASSED"]);
    assert.equal(await store.saveTimestamp(failed.signature, "first"), "first");
    assert.equal(await store.saveTimestamp(failed.signature, "second"), "first");
    assert.deepEqual(
      (await store.listAnswerSummaries(answer.id)).map(({ bundle }) => bundle).sort(),
      ["first", passed.bundle].sort(),
    );
    await store.postponeSummary(passed.signature, later(1));
    assert.deepEqual(await unfinished(), []);
    await store.saveTimestamp(passed.signature, "stamped");
    await store.savePlace(passed, digest("manifest"));
    const rest = await store.listUnfinished({ places: true, timestamps: true }, later(2));
    assert.equal(
      rest.some(({ signature }) => signature.startsWith(answer.id)),
      false,
    );
    assert.equal(await store.saveTimestamp("a signature of nothing", "stamped"), "stamped");
  });

  test("R28 what hangs on an image is to be taken away once it was said anew, and nothing else is", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const image = newImage("v1");
    const names = new Map<string, string>();
    const place = async (of: AnswerSummary, name: string) => {
      const manifest = digest(`${of.signature} ${name}`);
      names.set(manifest, name);
      await store.savePlace(of, manifest);
    };
    const superseded = async (now = later(9)) =>
      (await store.listSuperseded(now)).flatMap(({ manifest }) => names.get(manifest) ?? []).sort();
    const answers = ["first", "second", "third", "fourth"].map((_, index) =>
      answerOf(image, { asOf: later(index), outcome: index === 3 ? "untrusted" : "trusted" }),
    );
    const [first, second, third, fourth] = answers;
    assert.ok(first && second && third && fourth);
    const other = answerOf({ ...image, tag: "v2" });
    const arm = { ...summaryOf(first), signature: `${first.id} arm`, image: formatReference(newImage("v1", "arm")) };
    await store.saveAnswer(judged(first, { summaries: [summaryOf(first), arm] }));
    await place(summaryOf(first), "first");
    await place(arm, "another platform's, of which nothing is told later");
    await store.saveAnswer(judged(other, { summaries: [summaryOf(other)] }));
    await place(summaryOf(other), "another tag's");
    assert.deepEqual(await superseded(), []);
    await store.saveAnswer(judged(second, { summaries: [summaryOf(second)] }));
    assert.deepEqual(await superseded(), [], "until the second hangs there");
    await place(summaryOf(second), "second");
    assert.deepEqual(await superseded(), ["first"]);
    // While this one was being attached it was judged anew.
    await store.saveAnswer(judged(third, { summaries: [] }));
    assert.deepEqual(await superseded(), ["first"], "what can't be told takes nothing away");
    await place(summaryOf(answerOf(image)), "nobody's");
    assert.deepEqual(await superseded(), ["first", "nobody's"]);
    await store.saveAnswer(judged(fourth, { summaries: [summaryOf(fourth, "FAILED")] }));
    assert.deepEqual(await superseded(), ["first", "nobody's", "second"]);
    // Under a former policy one waits; under the present one the image fails.
    const former = answerOf(image, { policy: { name: "former", digest: digest("former policy") }, asOf: later(4) });
    await store.saveAnswer(judged(former, { summaries: [summaryOf(former)] }));
    const waiting = async () =>
      (await store.listUnfinished({ places: true, timestamps: false }, later(9))).map(({ signature }) => signature);
    assert.ok((await waiting()).includes(summaryOf(former).signature));
    const fifth = answerOf(image, { asOf: later(5), outcome: "untrusted" });
    await store.saveAnswer(judged(fifth, { summaries: [summaryOf(fifth, "FAILED")] }));
    assert.ok(!(await waiting()).includes(summaryOf(former).signature));
    assert.equal((await store.listAnswerSummaries(former.id)).length, 1, "as it was said it stays");
    for (const each of await store.listSuperseded(later(9))) {
      if (names.get(each.manifest) === "first") await store.forgetPlace(each);
      if (names.get(each.manifest) === "second") await store.postponePlace(each, later(10));
    }
    assert.deepEqual([await superseded(), await superseded(later(10))], [["nobody's"], ["nobody's", "second"]]);
  });
}
