import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { octokitOf } from "./github/octokit.ts";
import { githubOf, isStatus, receiverOf } from "./github/world.ts";

const app = { owner: "acme", repo: "app" };
const remark = {
  path: "Dockerfile",
  start_line: 1,
  end_line: 2,
  annotation_level: "warning" as const,
  message: "no digest",
};
const button = { label: "Pin digests", description: "Writes digests into the file", identifier: "pin" };

async function checkRunOf(t: TestContext) {
  const github = await githubOf(t);
  const head_sha = await github.repository("acme/app", { files: { Dockerfile: "FROM scratch\n" } });
  const octokit = await octokitOf(github, "acme");
  const output = { title: "t", summary: "s", annotations: [remark] };
  const { data } = await octokit.rest.checks.create({ ...app, name: "x", head_sha, output, actions: [button] });
  return { github, octokit, head_sha, about: { ...app, check_run_id: data.id }, count: data.output.annotations_count };
}

test("annotations are added to those that are there, and never changed", async (t) => {
  const { octokit, about, count } = await checkRunOf(t);
  assert.equal(count, 1);
  const annotations = Array.from({ length: 50 }, (_, index) => ({ ...remark, message: `no ${index}` }));
  const output = { title: "t", summary: "s", annotations };
  assert.equal((await octokit.rest.checks.update({ ...about, output })).data.output.annotations_count, 51);
  const list = await octokit.rest.checks.listAnnotations({ ...about, per_page: 50, page: 2 });
  assert.deepEqual(
    list.data.map(({ message, title }) => [message, title]),
    [["no 49", null]],
  );
  for (const wrong of [{ message: "ä".repeat(40_000) }, { title: "x".repeat(256) }, { start_line: 3 }, { message: "" }])
    await assert.rejects(
      octokit.rest.checks.update({ ...about, output: { ...output, annotations: [{ ...remark, ...wrong }] } }),
      isStatus(422),
    );
});

test("a click on a button tells which and by whom; so do those who ask for a check again", async (t) => {
  const { github, about, head_sha } = await checkRunOf(t);
  const { received } = await receiverOf(t, github);
  await github.click(about.check_run_id, "pin", "eve");
  await assert.rejects(github.click(about.check_run_id, "other"));
  await github.rerequest(about.check_run_id);
  await github.rerequestSuite("acme/app", head_sha, "eve");
  assert.deepEqual(
    received.map(({ headers, payload }) => [
      headers["x-github-event"],
      payload.action,
      Object(payload.sender).login,
      Object(payload.requested_action).identifier,
      Object(payload.check_suite ?? payload.check_run).head_sha,
    ]),
    [
      ["check_run", "requested_action", "eve", "pin", head_sha],
      ["check_run", "rerequested", "ada", undefined, head_sha],
      ["check_suite", "rerequested", "eve", undefined, head_sha],
    ],
  );
});
