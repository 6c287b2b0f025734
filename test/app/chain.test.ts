import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { toolchain } from "../world/toolchain.ts";
import { chainSources, type Scene, startScene } from "./scene.ts";

let scene: Scene | undefined;

test("from three tag pushes to three trusted check runs: base, runtime, app", async (t) => {
  const world = await toolchain(t);
  if (world === undefined) return;
  scene ??= await startScene({ toolchain: world });
  t.after(() => scene?.close());
  const { github } = scene;
  const sources = await chainSources(scene);
  for (const name of ["base", "runtime", "app"] as const) {
    const commit = await scene.repository(name, sources[name]);
    await github.tag(`acme/${name}`, "v1.0.0");
    const checkRun = await scene.checkRun(name);
    console.log(JSON.stringify(checkRun, null, 1).slice(0, 3000));
    console.log(checkRun.output?.summary, checkRun.output?.text);
    assert.equal(checkRun.conclusion, "success", checkRun.output?.summary ?? "");
    assert.equal(checkRun.headSha, commit);
  }
  assert.deepEqual(github.violations, []);
  console.log(scene.server.output());
});
