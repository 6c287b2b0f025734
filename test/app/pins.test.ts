import assert from "node:assert/strict";
import { test } from "node:test";
import { octokitOf } from "../world/github/octokit.ts";
import { eventually } from "./eventually.ts";
import { startPullScene } from "./pull-scene.ts";

test("R33 a click pins what was judged though the tag was moved since, acts once, and is refused in words to who may not write", async (t) => {
  const pulls = await startPullScene();
  t.after(() => pulls.close());
  const { github } = pulls.scene;
  const installation = github.installation("acme");
  installation.permissions = { ...installation.permissions, contents: "write", pull_requests: "write" };
  const base = await pulls.signed("1.1");
  const dockerfile = (reference: string) => `\uFEFF# é\r\nFROM\t${reference} AS a\r\n`;
  await github.repository("acme/pins", {
    files: { ".github/trusted-builds.yml": pulls.policy("pins"), Dockerfile: "FROM scratch\nCOPY x /x\n" },
  });
  const head = await github.commit("acme/pins", { Dockerfile: dockerfile(base.reference) }, { branch: "topic" });
  await github.openPull("acme/pins", { branch: "topic" });
  github.collaborate("acme/pins", "ada", "write");
  const judged = await pulls.check("pins", head);
  assert.equal(judged.conclusion, "success");
  const says = (words: string) => pulls.check("pins", head, ({ output }) => output.summary?.includes(words) === true);
  const tip = () => github.pulls("acme/pins")[0]?.head.commit ?? "";

  await github.click(judged.id, "pin-digests", "eve");
  await says("whoever clicked may not write");
  assert.equal(tip(), head);

  const moved = await pulls.unsigned("1.1");
  assert.notEqual(moved.digest, base.digest);
  await github.click(judged.id, "pin-digests", "ada");
  const pinned = await eventually("a commit", () => tip() !== head && tip(), pulls.scene.server.output);
  assert.equal((await pulls.check("pins", pinned)).conclusion, "success");
  const octokit = await octokitOf(github, "acme");
  const { data } = await octokit.rest.repos.getContent({
    owner: "acme",
    repo: "pins",
    path: "Dockerfile",
    ref: pinned,
  });
  const { content } = data as { readonly content: string };
  assert.equal(Buffer.from(content, "base64").toString(), dockerfile(`${base.reference}@${base.digest}`));

  const told = await says("1 digest written");
  assert.deepEqual(
    told.actions.map(({ identifier }) => identifier),
    ["re-verify"],
  );
  assert.deepEqual(github.violations, []);
});
