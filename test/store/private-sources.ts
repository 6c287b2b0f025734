import assert from "node:assert/strict";
import { test } from "node:test";
import { answerOf, judged, newImage, PUBLISHED } from "./answer-fixture.ts";
import { newRepository } from "./build-fixture.ts";
import type { SharedStore } from "./places.ts";

export function testPrivateSources(shared: SharedStore): void {
  test("an answer's repositories are hidden that are private by now, also after the app was taken from them", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const repository = newRepository();
    await store.rememberRepository({ ...repository, isPrivate: false });
    const source = {
      repository: "https://github.com/acme/app",
      repositoryId: String(repository.id),
      ownerId: null,
      commit: null,
      ref: null,
      run: null,
      builder: null,
    };
    const answer = answerOf(newImage("v1"), { facts: { sources: [source], dockerfiles: [], packages: [] } });
    await store.saveAnswer(judged(answer));
    const server = "https://github.com";
    const found = async (at = server) => [
      ...(await store.privateSources(at).listPrivateSources(["nothing", "\0", answer.id])),
    ];
    const listed = async () => store.search(PUBLISHED, { text: answer.image.repository }, 1);
    assert.deepEqual(await found(), []);
    assert.equal((await listed()).entries.length, 1);
    await store.rememberRepository({ ...repository, isPrivate: true });
    assert.deepEqual(await found(), [[answer.id, [String(repository.id)]]]);
    assert.deepEqual(await listed(), { entries: [], next: undefined }, "no gap in a list tells of it");
    assert.deepEqual(await found("https://github.example"), [], "there the number is another's");
    await store.forgetRepository(repository.id);
    assert.deepEqual(await found(), [[answer.id, [String(repository.id)]]]);
    assert.equal((await store.privateSources(server).listPrivateSources([])).size, 0);
  });
}
