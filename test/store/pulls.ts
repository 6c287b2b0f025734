import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import type { Repository } from "../../src/build/build.ts";
import type { PullOutcome } from "../../src/change/pull.ts";
import { newCheck, type PullJob, pullId } from "../../src/change/pull-check.ts";
import { NOT_WRITTEN, type PinsAnswer } from "../../src/change/pull-pins.ts";
import { MAX_SAME_HEAD } from "../../src/change/pull-ports.ts";
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
    assert.equal(await store.findPullByCheckRun(repository.id, 18), undefined);
    const other = newRepository();
    await store.noteRepository(other);
    await store.beginCheck(checkOf(other));
    assert.equal(await store.findPullByCheckRun(other.id, 17), undefined);
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

  test("R31 more pull requests of one head than anybody looks at are told to be too many", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const repository = newRepository();
    await store.noteRepository(repository);
    const [first, ...others] = [...Array(MAX_SAME_HEAD + 3).keys()].map((i) => checkOf(repository, i + 1));
    assert.ok(first);
    await store.beginCheck(first);
    for (const each of others.slice(0, MAX_SAME_HEAD)) await store.beginCheck(each);
    assert.equal((await store.listSameHead(first)).length, MAX_SAME_HEAD);
    for (const each of others.slice(MAX_SAME_HEAD)) await store.beginCheck(each);
    for (const each of [first, ...others.slice(-1)])
      assert.equal((await store.listSameHead(each)).length, MAX_SAME_HEAD + 1);
  });

  test("pull requests of a commit are those whose newest check is of it, in its own repository, and open", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const [repository, other] = [newRepository(), newRepository()];
    for (const each of [repository, other]) await store.noteRepository(each);
    const [one, two, three] = [checkOf(repository, 1), checkOf(repository, 2), checkOf(repository, 3)];
    for (const each of [one, two, three, checkOf(other, 4)]) await store.beginCheck(each);
    await store.beginCheck({ ...checkOf(repository, 2, two), head: { ...head, commit: "f".repeat(40) } });
    const again = checkOf(repository, 3, three);
    await store.beginCheck(again);
    const found = await store.listPullsOf(repository.id, head.commit);
    assert.deepEqual(
      found.map(({ id }) => id),
      [one.id, again.id],
    );
    await store.closePull(repository, 3, NOW);
    assert.deepEqual(await store.listPullsOf(repository.id, head.commit), [one]);
  });

  test("R2 stale are the newest checks that are done, of either policy, so many for each installation", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const repository = newRepository({ ownerId: newRepository().id });
    const beside = newRepository({ ownerId: repository.ownerId, installation: repository.installation });
    const away = newRepository();
    for (const each of [repository, beside, away]) await store.noteRepository(each);
    const done = async (of: Repository, number: number, minutes: number) => {
      const createdAt = later(minutes * 60_000);
      await store.beginCheck({ ...checkOf(of, number), createdAt });
      const check = await store.readNewestCheck(of.id, number);
      assert.ok(check);
      return store.saveCheck({ ...check, phase: "done", answersTo: { repository: "absent", organisation: "absent" } });
    };
    const stale = async (limit = 1000, now = NOW) => {
      const ours = [repository, beside, away].map(({ id }) => `${id}/`);
      return (await store.listStalePulls(now, limit)).filter((id) => ours.some((each) => id.startsWith(each)));
    };
    const first = await done(repository, 1, 1);
    await done(repository, 2, 2);
    await done(beside, 3, 3);
    await done(away, 4, 4);
    assert.deepEqual(await stale(), [], "nobody has seen a policy");
    for (const each of [repository, away]) await store.savePolicyState(each, "organisation", "absent", undefined);
    assert.deepEqual(await stale(), [], "they answer what was seen");
    const text = policyText("organisation", `version: 1\n# ${randomUUID()}\n`);
    for (const each of [repository, away])
      await store.savePolicyState(each, "organisation", digestOf(text.bytes), text);
    const [fourth, third, second] = [pullId(away.id, 4), pullId(beside.id, 3), pullId(repository.id, 2)];
    assert.deepEqual(await stale(), [fourth, third, second, pullId(repository.id, 1)]);
    assert.deepEqual(await stale(2), [fourth, third, second]);
    assert.deepEqual(await stale(1), [fourth, third]);
    await store.beginCheck(checkOf(repository, 1, first));
    await store.forgetRepository(away.id);
    assert.deepEqual(await stale(), [third, second], "what is judged, and where the app isn't, is nothing to wake");
    await store.closePull(beside, 3, NOW);
    assert.deepEqual(await stale(), [second]);
    await store.reopenPull(beside.id, 3);
    assert.deepEqual(await stale(), [third, second]);
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
    const another = await scene.another();
    const most = 1000;
    const both = await Promise.all(
      [store, another].map((each) => each.claimListings(later(3 * HOUR), later(2 * HOUR), most)),
    );
    assert.equal(both.flat().filter(({ id }) => id === repository.id).length, 1);
    await store.forgetRepository(repository.id);
    assert.equal(await claimed(later(9 * HOUR), later(8 * HOUR)), false);
    const two = [newRepository(), newRepository()];
    for (const each of two) await store.noteRepository(each);
    const one = await store.claimListings(later(9 * HOUR), later(8 * HOUR), 1);
    const rest = await store.claimListings(later(9 * HOUR), later(8 * HOUR), most);
    assert.equal(one.length, 1);
    const ours = [...one, ...rest].filter(({ id }) => two.some((each) => each.id === id));
    assert.deepEqual(new Set(ours), new Set(two));
    assert.equal(ours.length, 2);
  });
}
