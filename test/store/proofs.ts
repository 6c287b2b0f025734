import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf } from "../../src/image/digest.ts";
import type { SharedStore } from "./places.ts";

const DAY_MS = 86_400_000;

export function testProofs(shared: SharedStore): void {
  test("R14 a proof is found under its key by every process, and forgotten after a month", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const [key, other] = [digestOf(Buffer.from("proof")), digestOf(Buffer.from("no proof"))];
    const text = '{"name":"\\u0000 \\ud800"}';
    await store.keepProof(key, text);
    await store.keepProof(key, "a later one");
    const elsewhere = await scene.another();
    assert.equal(await elsewhere.readProof(key), text);
    assert.equal(await store.readProof(other), undefined);
    const now = Date.now();
    await store.sweep(new Date(now + 29 * DAY_MS));
    assert.equal(await store.readProof(key), text);
    await store.sweep(new Date(now + 31 * DAY_MS));
    assert.equal(await store.readProof(key), undefined);
  });
}
