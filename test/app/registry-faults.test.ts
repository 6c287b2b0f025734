import assert from "node:assert/strict";
import { test } from "node:test";
import { rootfs } from "../world/build.ts";
import { startOciRegistry } from "../world/oci-registry.ts";
import { toolchain } from "../world/toolchain.ts";
import { startScene } from "./scene.ts";

const MANIFESTS = /^GET .*\/manifests\//;

test("a registry that answers 500 keeps the check run open and says why; once it recovers, the verdict is right", async (t) => {
  const world = await toolchain(t);
  if (world === undefined) return;
  const registry = await startOciRegistry();
  const scene = await startScene({
    toolchain: world,
    registry: registry.host,
    env: { RETRY_SECONDS: "1 2 2 2 2 2 2 2" },
  });
  t.after(async () => {
    await scene.close();
    await registry.close();
  });
  const { github } = scene;
  const files = {
    Dockerfile: "FROM scratch\nADD rootfs.tar.gz /\n",
    "rootfs.tar.gz": await rootfs(world),
    name: `${scene.namespace}\n`,
  };
  // From the moment that the run has succeeded: the app has everything still to read.
  const breaks = async ({ runAction }: { runAction(): Promise<{ code: number | null }> }) => {
    const { code } = await runAction();
    registry.fail(MANIFESTS, { status: 500 });
    return code === 0 ? ("success" as const) : ("failure" as const);
  };
  scene.runner?.next(breaks);
  await scene.repository("flaky", files);
  await github.tag("acme/flaky", "v1.0.0");
  const waiting = await scene.checkRun("flaky", ({ output }) => /could not look/i.test(output.summary ?? ""));
  assert.equal(waiting.status, "in_progress");
  assert.equal(waiting.conclusion, null);
  assert.match(waiting.output.summary ?? "", /500/);

  registry.heal();
  const done = await scene.checkRun("flaky");
  assert.equal(done.conclusion, "success", done.output.summary ?? "");
  assert.equal(github.checkRuns("acme/flaky").length, 1);

  await t.test("after the last try it is action_required, which doesn't pass, and asking again mends it", async () => {
    await scene.restart({ RETRY_SECONDS: "0.5" });
    scene.runner?.next(breaks);
    await github.commit("acme/flaky", { name: "newer\n" });
    await github.tag("acme/flaky", "v1.0.1");
    const given = await scene.checkRun("flaky", ({ id, status }) => id !== done.id && status === "completed");
    assert.equal(given.conclusion, "action_required");
    assert.match(given.output.summary ?? "", /500/);
    registry.heal();
    await github.rerequest(given.id);
    const mended = await scene.checkRun("flaky", ({ id, status }) => id !== given.id && status === "completed");
    assert.equal(mended.conclusion, "success", mended.output.summary ?? "");
    assert.equal(github.checkRuns("acme/flaky").find(({ id }) => id === given.id)?.conclusion, "action_required");
  });
  assert.deepEqual(github.violations, []);
});
