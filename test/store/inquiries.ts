import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Inquiry } from "../../src/answer/inquiry.ts";
import type { Repository } from "../../src/build/build.ts";
import { later, NOON, newImage } from "./answer-fixture.ts";
import { newRepository } from "./build-fixture.ts";
import { type Dialect, newPlace, type SharedStore } from "./places.ts";

function inquiryOf(given: Partial<Inquiry> = {}): Inquiry {
  return {
    id: randomUUID(),
    image: newImage("v1"),
    repository: undefined,
    askedAt: NOON,
    failures: 0,
    waiting: undefined,
    end: undefined,
    ...given,
  };
}

export function testInquiries(shared: SharedStore): void {
  test("an inquiry is read as it was saved, and worked on until it has ended", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const repository = newRepository({ isPrivate: true });
    await store.rememberRepository(repository);
    const inquiry = inquiryOf({ repository });
    const before = await store.countOpenInquiries();
    assert.deepEqual(await store.openInquiry(inquiry), inquiry);
    assert.deepEqual(await store.readInquiry(inquiry.id), inquiry);
    const waiting = {
      ...inquiry,
      failures: 2,
      waiting: { reason: "no \0 route", until: new Date(Date.now() + 600_000) },
    };
    let worked = 0;
    const work = () => store.withLease("inquiry", inquiry.id, async () => void worked++);
    assert.equal(await work(), true);
    await store.saveInquiry(waiting);
    assert.equal(await work(), false, "it waits for its time");
    const read = await store.readInquiry(inquiry.id);
    assert.deepEqual(read, { ...waiting, waiting: { ...waiting.waiting, reason: "no \ufffd route" } });
    assert.equal(await store.countOpenInquiries(), before + 1);
    await store.saveInquiry({ ...inquiry, end: { kind: "answered", answer: "an answer", at: later(1) } });
    assert.deepEqual((await store.readInquiry(inquiry.id))?.end, {
      kind: "answered",
      answer: "an answer",
      at: later(1),
    });
    assert.equal(await store.countOpenInquiries(), before);
    assert.equal(worked, 1);
  });

  test("an inquiry that waits is worked on again at its time, though nobody asks meanwhile", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const inquiry = inquiryOf();
    await store.openInquiry(inquiry);
    let worked = 0;
    const work = () => store.withLease("inquiry", inquiry.id, async () => void worked++);
    await work();
    await store.saveInquiry({
      ...inquiry,
      failures: 1,
      waiting: { reason: "no route", until: new Date(Date.now() - 1) },
    });
    assert.equal(await work(), true);
    assert.equal(worked, 2);
  });

  test("what has ended isn't opened again by whoever comes late", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const inquiry = inquiryOf();
    await assert.rejects(store.saveInquiry(inquiry), { code: "lost-race" });
    await store.openInquiry(inquiry);
    await store.saveInquiry({ ...inquiry, end: { kind: "nothing", at: NOON } });
    await assert.rejects(store.saveInquiry(inquiry), { code: "lost-race" });
    assert.deepEqual((await store.readInquiry(inquiry.id))?.end, { kind: "nothing", at: NOON });
    const unseen = inquiryOf();
    const end = { kind: "not-looked", reason: "no answer", at: NOON } as const;
    await store.openInquiry(unseen);
    await store.saveInquiry({ ...unseen, end });
    assert.deepEqual((await store.readInquiry(unseen.id))?.end, end);
    assert.equal((await store.readInquiry(unseen.id))?.waiting, undefined);
    // The next who asks asks anew.
    const next = inquiryOf({ image: inquiry.image });
    assert.equal((await store.openInquiry(next)).id, next.id);
  });

  test("however many ask the same at once, one inquiry is made", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const stores = [scene.store, await scene.another()];
    const image = newImage("v1");
    const opened = await Promise.all(
      Array.from({ length: 12 }, (_, i) => (stores[i % 2] ?? scene.store).openInquiry(inquiryOf({ image }))),
    );
    assert.equal(new Set(opened.map(({ id }) => id)).size, 1);
    const { digest: _, ...tagged } = image;
    const { tag: __, ...bare } = image;
    for (const other of [tagged, bare, { ...image, tag: "v2" }]) {
      const inquiry = inquiryOf({ image: other });
      assert.equal((await scene.store.openInquiry(inquiry)).id, inquiry.id);
    }
  });

  test("R3 who asks about an image is never handed the inquiry of a private repository's build", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const image = newImage("v1");
    const repositories: readonly Repository[] = [newRepository({ isPrivate: true }), newRepository()];
    const asked: (Repository | undefined)[] = [...repositories, undefined];
    const ids = new Set<string>();
    for (const repository of asked) {
      if (repository !== undefined) await store.rememberRepository(repository);
      ids.add((await store.openInquiry(inquiryOf({ image, repository }))).id);
    }
    assert.equal(ids.size, 3);
    // As it is now, not as it was.
    const [, open] = repositories;
    assert.ok(open);
    await store.rememberRepository({ ...open, isPrivate: true });
    const standing = await store.openInquiry(inquiryOf({ image, repository: open }));
    assert.equal(standing.repository?.isPrivate, true);
  });
}

export function testInquiryWork(dialect: Dialect): void {
  test("inquiries are worked on by themselves, few at once, and keep no build waiting", async (t) => {
    const place = await newPlace(t, dialect);
    if (!place) return;
    const store = await place.open();
    const stuck = Promise.withResolvers<void>();
    const started: string[] = [];
    const built = Promise.withResolvers<void>();
    for (let i = 0; i < 6; i++) await store.openInquiry(inquiryOf());
    await store.recordDelivery({ guid: "g", event: "push", payload: {}, receivedAt: NOON });
    await store.work(
      {
        async build() {},
        async proposal() {},
        async delivery(guid) {
          while (started.length < 2) await sleep(5);
          await store.finishDelivery(guid);
          built.resolve();
        },
        async inquiry(id) {
          started.push(id);
          await stuck.promise;
        },
      },
      { concurrency: 1 },
    );
    await built.promise;
    await sleep(50);
    assert.equal(started.length, 2);
    stuck.resolve();
  });
}
