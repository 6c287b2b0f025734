import assert from "node:assert/strict";
import { test } from "node:test";
import { toolchain } from "../world/toolchain.ts";
import { chainSources, startScene } from "./scene.ts";

const NAMES = ["base", "runtime", "app"] as const;

test("R9, R10 and R26: three tag pushes become three trusted check runs, each naming what it rests on", async (t) => {
  const world = await toolchain(t);
  if (world === undefined) return;
  const scene = await startScene({ toolchain: world });
  t.after(() => scene.close());
  const { github } = scene;
  const sources = await chainSources({ ...scene, toolchain: world });
  for (const name of NAMES) {
    const commit = await scene.repository(name, sources[name]);
    await github.tag(`acme/${name}`, "v1.0.0");
    const checkRun = await scene.checkRun(name);
    const summary = checkRun.output?.summary ?? "";
    assert.equal(checkRun.conclusion, "success", `${name}: ${summary}`);
    assert.equal(checkRun.headSha, commit);
    assert.equal(checkRun.name, `trusted-builds / tag (${scene.image(name)})`);
    assert.match(summary, new RegExp(commit));
    assert.match(summary, /build\.yml@refs\/tags\/v1/);
    assert.match(summary, /verified at: \d{4}-/);
  }

  await t.test("the app's says its whole ancestry as a table and a tree, by role, down to scratch", () => {
    const { summary = "", text = "" } = github.checkRuns("acme/app").at(-1)?.output ?? {};
    const all = `${summary}\n${text}`;
    for (const name of NAMES) assert.ok(all.includes(scene.image(name)), name);
    assert.match(all, /└─ ✔ scratch/);
    assert.match(all, /\| .*base.* \|/);
    assert.match(all, /\| .*input.* \|/);
  });

  await t.test("one check run, one run of the workflow and no more than five writes each", () => {
    for (const name of NAMES) {
      assert.equal(github.checkRuns(`acme/${name}`).length, 1);
      assert.equal(github.runs(`acme/${name}`).length, 1);
      const writes = github.requests.filter(
        ({ method, path }) => method !== "GET" && path.startsWith(`/repos/acme/${name}/check-runs`),
      );
      assert.ok(writes.length >= 2 && writes.length <= 5, `${name}: ${writes.length}`);
    }
  });

  await t.test("the page that the check run links to shows the verdict, and other addresses nothing", async () => {
    const page = await fetch(github.checkRuns("acme/app").at(-1)?.detailsUrl ?? "");
    assert.equal(page.status, 200);
    assert.match(page.headers.get("content-security-policy") ?? "", /default-src 'none'/);
    const html = await page.text();
    assert.match(html, /Trusted/);
    assert.ok(html.includes(scene.image("base")));
    assert.doesNotMatch(html, /<script/);
    const none = await fetch(`${scene.server.url}/builds/00000000-0000-4000-8000-000000000000`);
    assert.equal(none.status, 404);
  });

  await t.test("what the action attached stands at GitHub too", () => {
    for (const name of NAMES) assert.equal(github.attestations(`acme/${name}`).length, 2, name);
  });

  await t.test("nothing was asked or answered that GitHub's own description doesn't allow", () => {
    assert.deepEqual(github.violations, []);
  });

  await t.test("R26: a git tag that moves turns the verdict of what was built from it", async () => {
    const [old] = github.checkRuns("acme/base");
    await github.commit("acme/base", { README: "more\n" });
    await github.tag("acme/base", "v1.0.0", { force: true });
    await github.idle();
    const again = () => github.checkRuns("acme/base").filter(({ headSha }) => headSha === old?.headSha);
    await scene.checkRun("base", () => again().at(-1)?.conclusion === "failure" && again().length === 2);
    assert.match(again().at(-1)?.output?.summary ?? "", /git-tag-moved/);
    assert.equal(again()[0]?.conclusion, "success", "what was said stays said");
  });
});
