import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import type { Repository } from "../../src/build/build.ts";
import type { PullOutcome } from "../../src/change/pull.ts";
import { newCheck, type PullJob, pullId } from "../../src/change/pull-check.ts";
import { NOT_WRITTEN, type PinsAnswer } from "../../src/change/pull-pins.ts";
import { digestOf } from "../../src/image/digest.ts";
import { newRepository, policyText } from "./build-fixture.ts";
import type { SharedStore } from "./places.ts";

const NOW = new Date("2026-11-27T17:00:00Z");
const HOUR = 3_600_000;
const later = (ms: number) => new Date(NOW.getTime() + ms);
const ports = { newId: () => randomUUID(), now: () => NOW };
const head = { commit: "a".repeat(40), branch: "topic", repository: { id: 7, owner: "eve", name: "fork" } };
const base = { commit: "b".repeat(40), branch: "main" };
const checkOf = (repository: Repository, number = 1, after?: PullJob) =>
  newCheck(ports, { repository, number, head, base }, after);

const standing = {
  outcome: "untrusted",
  faults: [{ key: "k", code: "unattested", isGrave: false }],
  isPartial: false,
  asOf: NOW,
  validUntil: undefined,
} as const;
const forecasts = [{ policy: "repository", key: "f", standing }] as const;
const outcome: PullOutcome = {
  kind: "judged",
  verdict: "untrusted",
  files: [
    {
      path: "Dockerfile",
      previousPath: undefined,
      isTouched: true,
      build: undefined,
      platforms: ["linux/amd64"],
      before: { kind: "absent" },
      after: { kind: "judged", forecasts },
      enforced: [{ policy: "repository", mode: "strict", conclusion: "failure", reason: "every fault fails" }],
    },
  ],
};

export function testPulls(shared: SharedStore): void {
  test("a check of a pull request comes back as it was saved, and only to who has its newest version", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const repository = newRepository();
    await store.noteRepository(repository);
    const made = checkOf(repository);
    await store.beginCheck(made);
    assert.deepEqual(await store.readNewestCheck(repository.id, 1), made);
    const done: PullJob = {
      ...made,
      phase: "done",
      outcome,
      checkRun: 17,
      attempted: { checkRun: NOW, report: "r" },
      reported: "r",
      answersTo: { repository: digestOf(Buffer.from("p")), organisation: "absent" },
      validUntil: later(HOUR),
      settledAt: NOW,
    };
    const saved = await store.saveCheck(done);
    assert.deepEqual(await store.readNewestCheck(repository.id, 1), saved);
    assert.deepEqual(await store.findPullByCheckRun(repository.id, 17), saved);
    assert.deepEqual(await store.readPullCheck(made.id), saved);
    await assert.rejects(store.saveCheck(done), { code: "lost-race" });
  });

  test("what somebody asked to be pinned comes back, and what became of it", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const repository = newRepository();
    await store.noteRepository(repository);
    await store.beginCheck(checkOf(repository));
    let job = await store.readNewestCheck(repository.id, 1);
    assert.ok(job);
    const ask = { by: "ada", askedAt: NOW, tries: 1, until: later(HOUR), answer: undefined };
    const answers: readonly (PinsAnswer | undefined)[] = [
      undefined,
      { kind: "committed", commit: "c".repeat(40), pins: 2 },
      { kind: "proposed", pull: 12, pins: 2 },
      { kind: "suggested", pins: 2, leftOut: 1 },
      ...NOT_WRITTEN.map((why) => ({ kind: "not-written", why }) as const),
    ];
    for (const answer of answers) {
      const pins = { ...ask, phase: answer === undefined ? "asked" : "answered", answer } as const;
      job = await store.saveCheck({ ...job, pins, phase: "done", outcome });
      assert.deepEqual(await store.readNewestCheck(repository.id, 1), job);
    }
    job = await store.saveCheck({ ...job, pins: { ...ask, phase: "told", until: undefined } });
    assert.deepEqual(await store.readNewestCheck(repository.id, 1), job);
  });

  test("R31 one check begins after another, and whoever works on the older one saves nothing more", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const another = await scene.another();
    const repository = newRepository();
    await store.noteRepository(repository);
    const first = checkOf(repository);
    await store.beginCheck(first);
    const second = checkOf(repository, 1, first);
    const begun = await Promise.allSettled([
      store.beginCheck(second),
      another.beginCheck(checkOf(repository, 1, first)),
    ]);
    assert.deepEqual(begun.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
    await assert.rejects(store.saveCheck({ ...first, phase: "settled", outcome: { kind: "no-dockerfile" } }), {
      code: "lost-race",
    });
    const [untold, ...more] = await store.listUntold(repository.id, 1);
    assert.deepEqual([untold?.id, untold?.outcome?.kind, more.length], [first.id, "superseded", 0]);
    await store.closePull(repository, 1, NOW);
    assert.equal((await store.listUntold(repository.id, 1)).length, 2);
  });

  test("open pull requests of one head know of each other, and closed ones don't count", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const repository = newRepository();
    await store.noteRepository(repository);
    const [one, two] = [checkOf(repository, 1), checkOf(repository, 2)];
    await store.beginCheck(one);
    await store.beginCheck(two);
    const others = async () => (await store.listSameHead(one)).map(({ number }) => number);
    assert.deepEqual(await others(), [2]);
    await store.closePull(repository, 2, NOW);
    assert.deepEqual(await others(), []);
    await store.reopenPull(repository.id, 2);
    assert.deepEqual(await others(), [2]);
  });

  test("R2 R14 an open pull request is stale by another policy, or when something has lapsed", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const repository = newRepository();
    await store.noteRepository(repository);
    const text = policyText("repository", `version: 1\n# ${randomUUID()}\n`);
    const state = digestOf(text.bytes);
    const check = checkOf(repository);
    await store.beginCheck(check);
    const answersTo = { repository: state, organisation: undefined };
    const done = await store.saveCheck({ ...check, phase: "done", answersTo, validUntil: later(HOUR) });
    const isStale = async (now: Date) => (await store.listStalePulls(now, 1000)).includes(pullId(repository.id, 1));
    await store.savePolicyState(repository, "repository", state, text);
    assert.deepEqual([await isStale(NOW), await isStale(later(HOUR))], [false, true]);
    await store.savePolicyState(repository, "repository", "absent", undefined);
    assert.equal(await isStale(NOW), true);
    await store.closePull(repository, 1, NOW);
    assert.equal(await isStale(NOW), false);
    await store.sweep(later(31 * 24 * HOUR));
    assert.equal(await store.readPullCheck(done.id), undefined);
  });

  test("R3 a forecast answers its own installation alone, and as long as it may", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const repository = newRepository();
    await store.noteRepository(repository);
    const inputs = randomUUID();
    const kept = {
      inputs,
      answer: { kind: "forecast", key: randomUUID(), standing } as const,
      madeAt: NOW,
      freshUntil: later(HOUR),
      document: { text: "\0" },
    };
    await store.keepForecast(repository, kept);
    const find = async (installation: number, now: Date, since?: Date) =>
      (await store.findForecasts(installation, [inputs], now, since)).get(inputs);
    assert.deepEqual(await find(repository.installation, NOW), kept.answer);
    assert.deepEqual(await find(repository.installation, NOW, NOW), kept.answer);
    assert.equal(await find(repository.installation, NOW, later(1)), undefined);
    assert.equal(await find(repository.installation, later(HOUR)), undefined);
    assert.equal(await find(newRepository().installation, NOW), undefined);
    const documents = await store.readForecastDocuments(repository.installation, [kept.answer.key]);
    assert.deepEqual(documents.get(kept.answer.key), { text: "\ufffd" });
    assert.equal((await store.readForecastDocuments(newRepository().installation, [kept.answer.key])).size, 0);
  });

  test("R3 a policy that was seen is told for a while, to the same installation alone", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const repository = newRepository();
    const text = policyText("repository", `version: 1\n# ${randomUUID()}\n`);
    await store.savePolicyState(repository, "repository", digestOf(text.bytes), text);
    await store.savePolicyState(repository, "organisation", "absent", undefined);
    const seen = await store.readSeenPolicies(repository, new Date(0));
    assert.ok(typeof seen.repository === "object");
    assert.deepEqual([Buffer.from(seen.repository.bytes), seen.organisation], [Buffer.from(text.bytes), "absent"]);
    const none = { repository: undefined, organisation: undefined };
    assert.deepEqual(await store.readSeenPolicies(repository, new Date(Date.now() + HOUR)), none);
    const other = { ...repository, installation: newRepository().installation };
    assert.deepEqual(await store.readSeenPolicies(other, new Date(0)), none);
  });

  test("repositories' pull requests are listed in turn, each by one process", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const repository = newRepository();
    await store.noteRepository(repository);
    const claimed = async (now: Date, notSince: Date) =>
      (await store.claimListings(now, notSince, 1000)).some(({ id }) => id === repository.id);
    assert.equal(await claimed(NOW, later(-HOUR)), true);
    assert.equal(await claimed(NOW, later(-HOUR)), false);
    assert.equal(await claimed(later(HOUR), later(1)), true);
  });
}
