import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { openRootRefresh } from "../../src/app/root-refresh.ts";
import { digestOf } from "../../src/image/digest.ts";
import { shippedTrustedRoots } from "../../src/sigstore/trusted-root.ts";
import { createInstance } from "../sigstore/instance.ts";
import { startRepository } from "../sigstore/tuf-repository.ts";

const now = () => new Date("2026-11-01T00:00:00Z");

async function setUp(context: TestContext) {
  const path = mkdtempSync(join(tmpdir(), "roots-"));
  const repository = await startRepository();
  context.after(async () => {
    await repository.close();
    rmSync(path, { recursive: true });
  });
  const trustedRoot = Buffer.from(JSON.stringify(createInstance().trustedRoot));
  repository.publish({ version: 1, trustedRoot });
  const told: string[] = [];
  const tell = (_fields: object, message: string) => void told.push(message);
  return {
    told,
    digest: digestOf(trustedRoot),
    rootsDirectory: join(path, "roots"),
    log: { info: tell, warn: tell, error: tell },
    sources: [{ name: "github", url: repository.url, initialRoot: repository.initialRoot }],
  };
}

test("the server takes up refreshed roots without a new start, and the next start has them at once", async (context) => {
  const { told, digest, rootsDirectory, log, sources } = await setUp(context);
  const config = { trustedRoots: [], rootsDirectory, refreshRootsMs: 3_600_000 };
  const first = await openRootRefresh(config, log, now, sources);
  const before = first.current();
  assert.deepEqual(before, shippedTrustedRoots());
  assert.ok(!existsSync(rootsDirectory), "nothing is written before the start");
  first.start();
  await first.stop();
  assert.equal(first.current()[1]?.digest, digest);
  assert.deepEqual(told, ["the trusted roots are new"]);

  const second = await openRootRefresh(config, log, now, sources);
  const kept = second.current();
  assert.equal(kept[1]?.digest, digest);
  second.start();
  await second.stop();
  assert.equal(second.current(), kept, "the same list where nothing changed");
});

test("the server logs a refresh that failed, and keeps what it had; with roots of the operator's it refreshes nothing", async (context) => {
  const { told, rootsDirectory, log, sources } = await setUp(context);
  const nowhere = sources.map((source) => ({ ...source, url: `${source.url}/nowhere` }));
  const refresh = await openRootRefresh(
    { trustedRoots: [], rootsDirectory, refreshRootsMs: 3_600_000 },
    log,
    now,
    nowhere,
  );
  refresh.start();
  await refresh.stop();
  assert.deepEqual(refresh.current(), shippedTrustedRoots());
  assert.match(told.join("\n"), /^refresh trusted root github from http.*kept$/);

  for (const config of [
    { trustedRoots: ["own.json"], rootsDirectory, refreshRootsMs: 1 },
    { trustedRoots: [], rootsDirectory: undefined, refreshRootsMs: 1 },
    { trustedRoots: [], rootsDirectory, refreshRootsMs: 0 },
  ]) {
    const idle = await openRootRefresh(config, log, now, sources);
    idle.start();
    await idle.stop();
    assert.deepEqual(idle.current(), shippedTrustedRoots());
  }
});
