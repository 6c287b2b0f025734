import assert from "node:assert/strict";
import { test } from "node:test";
import type { ContentStore } from "../../src/registry/content-cache.ts";
import { startGround } from "./trial.ts";

test("a walk asks for nothing twice, and the next one only for what may have changed", async (t) => {
  const ground = await startGround();
  t.after(() => ground.close());
  const kept = new Map<string, Uint8Array>();
  const store: ContentStore = {
    readContent: async (key) => kept.get(JSON.stringify(key)),
    keepContent: async (key, bytes) => void kept.set(JSON.stringify(key), bytes),
  };
  const client = () => ({ cache: { store, scope: "public" as const } });
  let before = 0;
  /** Judges app on runtime and base, and runtime on base: the requests that it took. */
  const judged = async (): Promise<readonly string[]> => {
    const { verdict, trial } = await ground.try({ rule: "R15", what: "nothing", client });
    assert.equal(verdict.outcome, "trusted");
    const asked = trial.registry.requests.slice(before).map(({ method, path }) => `${method} ${path}`);
    before += asked.length;
    return asked;
  };
  const cold = await judged();
  assert.deepEqual(
    cold.filter((request, i) => cold.indexOf(request) < i),
    [],
  );
  assert.ok(cold.some((request) => request.includes("/blobs/")));
  const warm = await judged();
  assert.deepEqual(
    warm.filter((request) => !cold.includes(request) || request.includes("/blobs/")),
    [],
  );
  // Whatever can change is asked for again: tags, and lists of what refers to an image.
  const isMoving = (request: string) => !/\/(?:blobs|manifests)\/sha256:/.test(request);
  assert.deepEqual(warm.filter(isMoving).sort(), cold.filter(isMoving).sort());
});
