import assert from "node:assert/strict";
import { test } from "node:test";
import type { Viewer } from "../../src/answer/answer.ts";
import { parseReference, pin } from "../../src/image/reference.ts";
import { CouldNotLook } from "../../src/trust/ports.ts";
import { ANYONE, digest, headOf, LookUpWorld, MEMBER, NOW, ONE, STRANGER, TWO } from "./look-up-world.ts";

const APP = "registry.example/acme/app:1";
const HIDDEN = headOf({ audience: { kind: "readers", repositoryIds: ["7"] } });

test("a current answer is told with when its tag was seen, and that it was asked for is noted", async () => {
  const world = new LookUpWorld();
  world.keep(headOf(), 2);
  const told = await world.ask(APP);
  assert.equal(told.kind, "answer");
  assert.deepEqual(told.kind === "answer" && told.resolvedAt, new Date(NOW.getTime() - 120_000));
  assert.deepEqual(world.noted, ["answer-1"]);
  assert.ok(!world.asked.includes("registry"));
});

test("R26 a digest under a tag is another question than under another tag, or alone", async () => {
  const world = new LookUpWorld();
  world.keep(headOf());
  assert.equal((await world.ask(`${APP}@${ONE}`)).kind, "answer");
  assert.equal((await world.ask(`registry.example/acme/app:2@${ONE}`)).kind, "nothing");
  assert.equal((await world.ask(`registry.example/acme/app@${ONE}`)).kind, "nothing");
});

test("a name alone means its tag latest", async () => {
  const world = new LookUpWorld();
  world.keep(headOf({ image: pin(parseReference("registry.example/acme/app:latest"), ONE) }));
  assert.equal((await world.ask("registry.example/acme/app")).kind, "answer");
});

const ways: readonly (readonly [string, Viewer, boolean])[] = [
  ["without a token", ANYONE, false],
  ["with a token that may not read", STRANGER, false],
  ["with a token while the registry would say something else", STRANGER, true],
];
test("hidden and missing cost the same questions and are told with the same object", async () => {
  for (const [how, viewer, moved] of ways) {
    const missing = new LookUpWorld();
    const hidden = new LookUpWorld();
    hidden.keep(HIDDEN, 60);
    if (moved) hidden.registry = TWO;
    assert.equal(await hidden.ask(APP, viewer), await missing.ask(APP, viewer), how);
    assert.deepEqual(hidden.asked, missing.asked, how);
    assert.deepEqual([hidden.anew, hidden.noted], [[], []], how);
    const byDigest = [await hidden.lookUp.byDigest(ONE, viewer), await missing.lookUp.byDigest(ONE, viewer)];
    assert.deepEqual(byDigest, [[], []], how);
    assert.deepEqual(hidden.asked, missing.asked, how);
  }
});

test("hidden and missing fail alike where GitHub can't be asked", async () => {
  for (const kept of [[], [HIDDEN]]) {
    const world = new LookUpWorld();
    for (const head of kept) world.keep(head);
    world.gitHub = "down";
    await assert.rejects(world.ask(APP, MEMBER), CouldNotLook);
    await assert.rejects(world.lookUp.byDigest(ONE, MEMBER), CouldNotLook);
  }
});

test("without a token GitHub is never asked; with one it is asked once, whatever is there", async () => {
  for (const kept of [[], [headOf()], [HIDDEN], [headOf(), { ...HIDDEN, id: "answer-2" }]]) {
    const world = new LookUpWorld();
    for (const head of kept) world.keep(head);
    await world.ask(APP);
    await world.lookUp.byDigest(ONE, ANYONE);
    assert.equal(world.questions.length, 0);
    await world.ask(APP, MEMBER);
    assert.equal(world.questions.length, 1);
    await world.lookUp.byDigest(ONE, MEMBER);
    assert.equal(world.questions.length, 2);
    assert.ok(
      world.questions.every(({ ids }) => ids.length > 0),
      "of no repository GitHub is asked nothing",
    );
  }
});

test("whoever may read the repositories is told, and whoever may read but one of them isn't", async () => {
  const world = new LookUpWorld();
  world.keep(headOf({ audience: { kind: "readers", repositoryIds: ["7", "8"] } }));
  world.readable.add("7");
  assert.equal((await world.ask(APP, MEMBER)).kind, "nothing");
  world.readable.add("8");
  assert.equal((await world.ask(APP, MEMBER)).kind, "answer");
  assert.equal((await world.lookUp.byDigest(ONE, MEMBER)).length, 1);
});

test("an answer for readers of no repository is told to nobody", async () => {
  const world = new LookUpWorld();
  world.keep(headOf({ audience: { kind: "readers", repositoryIds: [] } }));
  world.readable.add("0");
  assert.equal((await world.ask(APP, MEMBER)).kind, "nothing");
  assert.equal((await world.ask(APP)).kind, "nothing");
  // Nor beside one that he may read.
  const other = pin(parseReference("registry.example/acme/other:1"), ONE);
  world.keep(headOf({ id: "answer-2", image: other, audience: { kind: "readers", repositoryIds: ["7"] } }));
  world.readable.add("7");
  assert.deepEqual(await world.lookUp.byDigest(ONE, MEMBER), []);
});

test("a repository that turned private since hides the answer, and its readers are told with that audience", async () => {
  const world = new LookUpWorld();
  world.keep(headOf());
  world.turnedPrivate.set("answer-1", ["7"]);
  assert.equal((await world.ask(APP)).kind, "nothing");
  assert.deepEqual(await world.lookUp.byDigest(ONE, ANYONE), []);
  world.readable.add("7");
  const told = await world.ask(APP, MEMBER);
  assert.ok(told.kind === "answer");
  assert.deepEqual(told.head.audience, { kind: "readers", repositoryIds: ["7"] });
});

test("by digest a hidden answer stands apart from those that everyone may see", async () => {
  const world = new LookUpWorld();
  world.keep(headOf());
  world.keep({ ...HIDDEN, id: "answer-2", image: pin(parseReference("registry.example/acme/copy:1"), ONE) });
  const names = (await world.lookUp.byDigest(ONE, STRANGER)).map((told) => told.kind === "answer" && told.head.id);
  assert.deepEqual(names, ["answer-1"]);
});

test("R14 what lapsed is pending and judged anew, and never told as its verdict", async () => {
  const world = new LookUpWorld();
  world.keep(headOf({ validUntil: NOW }));
  assert.equal((await world.ask(APP)).kind, "pending");
  assert.deepEqual(world.anew, [APP]);
  assert.deepEqual(
    (await world.lookUp.byDigest(ONE, ANYONE)).map(({ kind }) => kind),
    ["pending"],
  );
});

test("R14 what is a month old, or of a time to come, is pending and judged anew", async () => {
  const minutes = (count: number) => new Date(NOW.getTime() + count * 60_000);
  const month = 30 * 24 * 60;
  for (const [asOf, kind] of [
    [minutes(1 - month), "answer"],
    [minutes(-month), "pending"],
    [minutes(5), "answer"],
    [minutes(6), "pending"],
  ] as const) {
    const world = new LookUpWorld();
    world.keep(headOf({ asOf }));
    assert.equal((await world.ask(APP)).kind, kind, asOf.toISOString());
    assert.deepEqual(world.anew, kind === "pending" ? [APP] : []);
  }
});

test("R2 a verdict by another policy than the published one is pending", async () => {
  const world = new LookUpWorld();
  world.keep(headOf({ policy: { name: "older", digest: digest("o") } }));
  const told = await world.ask(`${APP}@${ONE}`);
  assert.equal(told.kind, "pending");
  assert.deepEqual(world.anew, [`${APP}@${ONE}`]);
});

test("R26 a tag that moved, went, or can't be looked at is pending with what was known", async () => {
  for (const registry of [TWO, undefined, "unreachable"] as const) {
    const world = new LookUpWorld();
    world.keep(headOf(), 6);
    world.registry = registry;
    const told = await world.ask(APP);
    assert.ok(told.kind === "pending" && told.former?.id === "answer-1");
    assert.deepEqual(world.anew, [APP]);
    assert.equal(world.seen.get(APP)?.digest, ONE, "what it names now isn't judged yet");
    // Its registry isn't asked by every reader.
    await world.ask(APP);
    assert.equal(world.asked.filter((what) => what === "registry").length, 1);
  }
});

test("a tag is looked at again after five minutes, once for all who ask meanwhile", async () => {
  const world = new LookUpWorld();
  world.keep(headOf(), 5);
  const told = await Promise.all([world.ask(APP), world.ask(APP), world.ask(APP)]);
  assert.deepEqual(
    told.map((each) => each.kind === "answer" && each.resolvedAt),
    [NOW, NOW, NOW],
  );
  assert.equal(world.asked.filter((what) => what === "registry").length, 1);
  await world.ask(APP);
  assert.equal(world.asked.filter((what) => what === "registry").length, 1);
});

test("a tag that was seen in a time to come is looked at now", async () => {
  const world = new LookUpWorld();
  world.keep(headOf(), -60);
  world.registry = TWO;
  assert.equal((await world.ask(APP)).kind, "pending");
});

test("a tag that nobody asked about yet leads to no registry", async () => {
  const world = new LookUpWorld();
  assert.equal((await world.ask(APP)).kind, "nothing");
  assert.ok(!world.asked.includes("registry"));
});

test("what the registry shows to readers isn't what it shows to everyone", async () => {
  const world = new LookUpWorld();
  world.keep(headOf(), 6);
  world.registry = "unreachable";
  await world.ask(APP);
  world.turnedPrivate.set("answer-1", ["7"]);
  world.readable.add("7");
  world.registry = ONE;
  assert.equal((await world.ask(APP, MEMBER)).kind, "answer");
  assert.equal(world.asked.filter((what) => what === "registry").length, 2);
});
