import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import { repositoryIdOf } from "./chain.ts";
import type { Github } from "./github/github.ts";
import { octokitOf, octokitOfApp } from "./github/octokit.ts";
import { githubOf, isStatus, receiverOf, WORKFLOW, WORKFLOW_PATH } from "./github/world.ts";

const app = { owner: "acme", repo: "app" };
const FILES = { Dockerfile: "FROM scratch\n", [WORKFLOW_PATH]: WORKFLOW };

/** What was delivered since the last look, `event action`. */
const told = ({ deliveries }: Github, from = 0) =>
  deliveries.slice(from).map(({ event, action }) => (action === null ? event : `${event} ${action}`));

test("a webhook is signed with the app's secret, over its bytes", async (t) => {
  const github = await githubOf(t);
  const { received } = await receiverOf(t, github);
  const commit = await github.repository("acme/app", { files: FILES });
  const object = await github.tag("acme/app", "v1.0.0", { annotated: true });
  const push = received.find(({ headers }) => headers["x-github-event"] === "push");
  const signature = createHmac("sha256", github.app.webhookSecret)
    .update(push?.body ?? "")
    .digest("hex");
  assert.equal(push?.headers["x-hub-signature-256"], `sha256=${signature}`);
  assert.match(String(push?.headers["x-github-delivery"]), /^[0-9a-f-]{36}$/);
  const { after, head_commit, repository, installation } = Object(push?.payload);
  assert.notEqual(object, commit);
  assert.deepEqual([after, head_commit.id], [object, commit]);
  assert.deepEqual([repository.full_name, repository.owner.id], ["acme/app", 77]);
  assert.equal(installation.id, github.installation("acme").id);
});

test("pushing, moving and deleting a tag is told as GitHub tells it", async (t) => {
  const github = await githubOf(t);
  await receiverOf(t, github);
  await github.repository("acme/app", { files: FILES });
  await github.tag("acme/app", "v1");
  await github.commit("acme/app", { more: "x" });
  await github.tag("acme/app", "v1", { force: true });
  await github.deleteTag("acme/app", "v1");
  const pushes = github.deliveries.filter(({ event }) => event === "push").map(({ payload }) => payload);
  assert.deepEqual(
    pushes.map(({ ref, created, forced, deleted }) => [ref, created, forced, deleted]),
    [
      ["refs/tags/v1", true, false, false],
      ["refs/heads/main", false, false, false],
      ["refs/tags/v1", false, true, false],
      ["refs/tags/v1", false, false, true],
    ],
  );
  assert.deepEqual(told(github).toSorted(), [
    "create",
    "delete",
    "installation created",
    "push",
    "push",
    "push",
    "push",
  ]);
  await assert.rejects(github.tag("acme/app", "v2").then(() => github.tag("acme/app", "v2", { commit: "HEAD~1" })));
});

test("of more than three tags pushed at once nobody is told", async (t) => {
  const github = await githubOf(t);
  await receiverOf(t, github);
  await github.repository("acme/app", { files: FILES });
  const from = github.deliveries.length;
  await github.pushTags("acme/app", ["a", "b", "c", "d"]);
  assert.deepEqual(told(github, from), []);
  assert.equal((await github.refs("acme/app")).filter(({ ref }) => ref.startsWith("refs/tags/")).length, 4);
  await github.pushTags("acme/app", ["e", "f", "g"]);
  assert.equal(told(github, from).length, 6);
});

test("an installation that is suspended, or doesn't have the repository, is told nothing", async (t) => {
  const github = await githubOf(t);
  await receiverOf(t, github);
  await github.owner("acme", { installation: "selected" });
  await github.repository("acme/app", { files: FILES, selected: false });
  await github.tag("acme/app", "v1");
  await github.select("acme/app", true);
  github.installation("acme").suspendedAt = new Date();
  await github.tag("acme/app", "v2");
  assert.deepEqual(told(github), ["installation created", "installation_repositories added"]);
  github.installation("acme").suspendedAt = undefined;
  await github.tag("acme/app", "v3");
  await github.uninstall("acme");
  assert.deepEqual(told(github, 2).toSorted(), ["create", "installation deleted", "push"]);
});

test("a failed delivery is sent again only when it is asked for, with the same guid", async (t) => {
  const github = await githubOf(t);
  let status = 500;
  const { received } = await receiverOf(t, github, () => status);
  await github.repository("acme/app", { files: FILES });
  await github.tag("acme/app", "v1");
  const octokit = await octokitOfApp(github);
  const { data: failed } = await octokit.rest.apps.listWebhookDeliveries({ status: "failure" });
  assert.equal(failed.length, 3);
  assert.equal(received.length, 3);
  const push = failed.find(({ event }) => event === "push");
  assert.deepEqual([push?.status_code, push?.redelivery, push?.repository_id], [500, false, repositoryIdOf("app")]);
  status = 202;
  await octokit.rest.apps.redeliverWebhookDelivery({ delivery_id: push?.id ?? 0 });
  await github.idle();
  const { data: all } = await octokit.rest.apps.listWebhookDeliveries();
  assert.deepEqual([all[0]?.guid, all[0]?.redelivery, all[0]?.status], [push?.guid, true, "OK"]);
  assert.notEqual(all[0]?.id, push?.id);
  assert.equal(received.at(-1)?.headers["x-github-delivery"], push?.guid);
  const asInstallation = await octokitOf(github, "acme");
  await assert.rejects(asInstallation.rest.apps.listWebhookDeliveries(), isStatus(401));
});

test("where nobody answers, GitHub's filter for failures finds nothing, and the list has it as not OK", async (t) => {
  const github = await githubOf(t);
  github.deliverTo("http://127.0.0.1:1/");
  await github.repository("acme/app", { files: FILES });
  const octokit = await octokitOfApp(github);
  assert.deepEqual((await octokit.rest.apps.listWebhookDeliveries({ status: "failure" })).data, []);
  const { data } = await octokit.rest.apps.listWebhookDeliveries();
  assert.deepEqual([data[0]?.status_code, data[0]?.status], [0, "failed to connect to host"]);
});

test("the list of deliveries has pages", async (t) => {
  const github = await githubOf(t);
  await receiverOf(t, github);
  await github.repository("acme/app", { files: FILES });
  await github.pushTags("acme/app", ["a", "b", "c"]);
  const octokit = await octokitOfApp(github);
  const all = await octokit.paginate(octokit.rest.apps.listWebhookDeliveries, { per_page: 3 });
  assert.deepEqual(
    all.map(({ id }) => id),
    github.deliveries.map(({ id }) => id).toReversed(),
  );
});

test("webhooks can be lost, held back, reordered and sent twice", async (t) => {
  const github = await githubOf(t);
  const { received } = await receiverOf(t, github);
  await github.repository("acme/app", { files: FILES });
  const refs = () => received.splice(0).map(({ payload }) => String(payload.ref ?? payload.action));
  refs();
  github.interfere({ how: "drop", event: "create" });
  github.interfere({ how: "hold", event: "push", times: 2 });
  await github.tag("acme/app", "v1");
  await github.tag("acme/app", "v2");
  assert.deepEqual(refs(), []);
  await github.release({ reverse: true });
  assert.deepEqual(refs(), ["refs/tags/v2", "refs/tags/v1"]);
  github.interfere({ how: "duplicate", event: "push" });
  await github.tag("acme/app", "v3");
  const guids = new Set(received.map(({ headers }) => headers["x-github-delivery"]));
  assert.deepEqual([refs(), guids.size], [["refs/tags/v3", "refs/tags/v3"], 1]);
  github.heal();
  await github.tag("acme/app", "v4");
  assert.deepEqual(refs().toSorted(), ["refs/tags/v4", "v4"]);
});

test("check runs tell when they are made, done and asked for again", async (t) => {
  const github = await githubOf(t);
  await receiverOf(t, github);
  const head_sha = await github.repository("acme/app", { files: FILES });
  const octokit = await octokitOf(github, "acme");
  const from = github.deliveries.length;
  const { data } = await octokit.rest.checks.create({ ...app, name: "tag", head_sha });
  await octokit.rest.checks.update({ ...app, check_run_id: data.id, conclusion: "failure" });
  await github.rerequest(data.id);
  await github.idle();
  assert.deepEqual(told(github, from), ["check_run created", "check_run completed", "check_run rerequested"]);
  assert.equal(github.checkRuns("acme/app")[0]?.status, "completed");
});
