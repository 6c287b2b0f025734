import assert from "node:assert/strict";
import { createHmac, randomUUID } from "node:crypto";
import { after, before, test } from "node:test";
import { openDatabase } from "../../src/store/database.ts";
import { repositoryIdOf } from "../world/chain.ts";
import type { Delivery } from "../world/github/deliveries.ts";
import type { Job } from "../world/github/jobs.ts";
import { completed, eventually } from "./eventually.ts";
import { deliverByHand, type HandDelivery, signature } from "./hand-delivery.ts";
import { CALLER, policyText, type Scene, startScene } from "./scene.ts";

/** The largest delivery of GitHub's, in bytes. */
const MAX_BYTES = 25 * 1024 * 1024;
const SOURCES = { Dockerfile: "FROM scratch\nCOPY Dockerfile /\n" };

let scene: Scene;
/** How many builds each repository has at the end, by `owner/name`. */
const expected = new Map<string, number>();
/** What the server refused, by guid. */
const refused: string[] = [];

/** Every run succeeds at once and pushes nothing; what is built isn't what is tested. */
const succeed = async (job: Job) => {
  if (/^(stays|removed)$/.test(job.repository.name))
    await new Promise((end) => job.signal.addEventListener("abort", end));
  return "success" as const;
};

before(async () => {
  scene = await startScene({ hasRunner: false });
  scene.github.onDispatch(succeed);
});
after(() => scene?.close());

/** Waits for the builds of a repository of acme, and asserts that there is one check run and one run for each. */
async function assertBuilt(name: string, count: number): Promise<void> {
  const checkRuns = await completed(scene, `acme/${name}`, count);
  assert.equal(checkRuns.length, count);
  assert.equal(new Set(checkRuns.map(({ externalId }) => externalId)).size, count);
  assert.equal(scene.github.runs(`acme/${name}`).length, count);
  expected.set(`acme/${name}`, count);
}

/** Until the server has answered everything that was delivered before: it takes deliveries in their order. */
async function quiet(): Promise<void> {
  const tag = `v1.0.${(expected.get("acme/later") ?? -1) + 1}`;
  if (!expected.has("acme/later")) await scene.repository("later", SOURCES);
  await scene.github.tag("acme/later", tag);
  await assertBuilt("later", (expected.get("acme/later") ?? 0) + 1);
}

const deliveriesOf = (event: string, ref: string): readonly Delivery[] =>
  scene.github.deliveries.filter((each) => each.event === event && each.payload.ref === ref);

/** The payload of a tag's push, which GitHub never delivered. */
async function lostPush(name: string): Promise<string> {
  const { github } = scene;
  github.interfere({ how: "drop" });
  const tag = `v1.0.0-${name}`;
  await github.tag(`acme/${name}`, tag);
  github.heal();
  const [lost] = deliveriesOf("push", `refs/tags/${tag}`);
  return JSON.stringify(lost?.payload);
}

function post(body: string, guid: string, headers: HandDelivery["headers"] = {}): Promise<number | undefined> {
  const { webhookSecret: secret } = scene.github.app;
  return deliverByHand({ webhooks: scene.server.webhooks, secret, guid, body, headers });
}

test("a delivery is stored before it is answered: the server may be killed right after it", async () => {
  const { github } = scene;
  await scene.repository("killed", SOURCES);
  github.fail({ path: /./, hang: true });
  await github.tag("acme/killed", "v1.0.0");
  await scene.server.kill();
  github.heal();
  // While GitHub answered nothing: after nine seconds Probot would have said 202, whatever had become of it.
  for (const [event, ref] of [
    ["push", "refs/tags/v1.0.0"],
    ["create", "v1.0.0"],
  ] as const)
    assert.deepEqual(
      deliveriesOf(event, ref).map(({ statusCode }) => statusCode),
      [200],
      event,
    );
  assert.equal(github.checkRuns("acme/killed").length, 0);
  await scene.restart();
  await assertBuilt("killed", 1);
});

test("what isn't signed with the secret is refused, whatever else is right about it", async () => {
  await scene.repository("unsigned", SOURCES);
  const body = await lostPush("unsigned");
  const { webhookSecret: secret } = scene.github.app;
  const sha1 = `sha1=${createHmac("sha1", secret).update(body).digest("hex")}`;
  const wrong: readonly (readonly [string, Readonly<Record<string, string | undefined>>])[] = [
    [body, { "x-hub-signature-256": undefined }],
    [body, { "x-hub-signature-256": undefined, "x-hub-signature": sha1 }],
    [body, { "x-hub-signature-256": "" }],
    [body, { "x-hub-signature-256": signature(body, "development") }],
    [body, { "x-hub-signature-256": signature(`${body} `, secret) }],
    [`${body} `, { "x-hub-signature-256": signature(body, secret) }],
  ];
  for (const [text, headers] of wrong) {
    const guid = randomUUID();
    refused.push(guid);
    assert.equal(await post(text, guid, headers), 400, JSON.stringify(headers));
  }
  assert.equal(await post(body, randomUUID()), 200);
  await assertBuilt("unsigned", 1);
});

test("a body without a length, or above 25 MiB, isn't read", async () => {
  await scene.repository("large", SOURCES);
  const body = await lostPush("large");
  const guids = [randomUUID(), randomUUID()] as const;
  refused.push(...guids);
  assert.equal(await post(body, guids[0], { "content-length": undefined, "transfer-encoding": "chunked" }), 411);
  // Only the beginning is ever sent.
  assert.equal(await post(body, guids[1], { "content-length": String(MAX_BYTES + 1) }), 413);
  const padded = body.replace(/}$/, `,"padding":"${"x".repeat(1024 * 1024)}"}`);
  assert.equal(await post(padded, randomUUID()), 200);
  await assertBuilt("large", 1);
});

test("deliveries that come twice, at once or when all is done, change nothing", async () => {
  const { github } = scene;
  await scene.repository("twice", SOURCES);
  github.interfere({ how: "duplicate" });
  await github.tag("acme/twice", "v2.0.0");
  await assertBuilt("twice", 1);
  await github.idle();
  github.heal();
  const again = [
    ...deliveriesOf("push", "refs/tags/v2.0.0"),
    ...github.deliveries.filter(({ event }) => event === "workflow_run").slice(-1),
  ];
  for (const { guid } of again) await github.redeliver(guid);
  const redelivered = github.deliveries.filter(({ redelivery }) => redelivery);
  assert.deepEqual(
    redelivered.slice(-again.length).map(({ guid, status }) => [guid, status]),
    again.map(({ guid }) => [guid, "OK"]),
  );
  // The same with another guid: the key of the build holds where GitHub's doesn't.
  assert.equal(await post(JSON.stringify(again[0]?.payload), randomUUID()), 200);
  await quiet();
  await assertBuilt("twice", 1);
});

test("deliveries that come in the reverse order build what the tag names now, once", async () => {
  const { github } = scene;
  const first = await scene.repository("reversed", SOURCES);
  github.interfere({ how: "hold" });
  await github.tag("acme/reversed", "v3.0.0");
  const second = await github.commit("acme/reversed", { more: "more\n" });
  await github.tag("acme/reversed", "v3.0.0", { force: true });
  await github.release({ reverse: true });
  // What tells of the run is held too: it is found by looking.
  await assertBuilt("reversed", 1);
  await github.release({ reverse: true });
  github.heal();
  await quiet();
  await assertBuilt("reversed", 1);
  assert.equal(github.checkRuns("acme/reversed", first).length, 0);
  assert.equal(github.checkRuns("acme/reversed", second).length, 1);
});

test("a push that comes long after the one that overtook it builds nothing", async () => {
  const { github } = scene;
  const first = await scene.repository("overtaken", SOURCES);
  github.interfere({ how: "hold", event: "push", times: 1 });
  await github.tag("acme/overtaken", "v4.0.0");
  await github.commit("acme/overtaken", { more: "more\n" });
  await github.tag("acme/overtaken", "v4.0.0", { force: true });
  await assertBuilt("overtaken", 1);
  await github.release();
  await quiet();
  await assertBuilt("overtaken", 1);
  assert.equal(github.checkRuns("acme/overtaken", first).length, 0);
});

test("R31: a tag that goes from A to B and back to A is built three times", async () => {
  const { github } = scene;
  const a = await scene.repository("moved", SOURCES);
  await github.tag("acme/moved", "v1.0.0");
  await assertBuilt("moved", 1);
  const b = await github.commit("acme/moved", { more: "more\n" });
  await github.tag("acme/moved", "v1.0.0", { force: true });
  await assertBuilt("moved", 2);
  await github.tag("acme/moved", "v1.0.0", { force: true, commit: a });
  await assertBuilt("moved", 3);
  assert.deepEqual(
    [a, b].map((commit) => github.checkRuns("acme/moved", commit).length),
    [2, 1],
  );
});

test("R31: two tags on one commit, and several images of one policy, are builds of their own under names without a tag", async () => {
  const { github } = scene;
  const policy = policyText(scene, "several").replace(
    "builds:\n",
    `builds:\n  - image: ${scene.image("other")}\n    dockerfile: other.Dockerfile\n`,
  );
  await scene.repository("several", SOURCES, policy);
  await github.tag("acme/several", "v1.0.0");
  await github.tag("acme/several", "v1.0.1", { annotated: true });
  await assertBuilt("several", 4);
  const names = ["several", "other"].map((name) => `trusted-builds / tag (${scene.image(name)})`);
  assert.deepEqual(
    github
      .checkRuns("acme/several")
      .map(({ name }) => name)
      .sort(),
    [...names, ...names].sort(),
  );
  const asked = github.runs("acme/several").map(({ ref, inputs }) => {
    const { image, tags, dockerfile } = JSON.parse(inputs.request ?? "");
    return `${ref} ${image}:${tags} ${dockerfile}`;
  });
  assert.deepEqual(
    asked.sort(),
    ["v1.0.0", "v1.0.1"].flatMap((tag) => [
      `refs/tags/${tag} ${scene.image("other")}:${tag} other.Dockerfile`,
      `refs/tags/${tag} ${scene.image("several")}:${tag} Dockerfile`,
    ]),
  );
});

test("a repository or an installation that goes away in the middle of a build leaves the others alone", async () => {
  const { github, server } = scene;
  const { length: written } = server.output();
  const files = {
    ...SOURCES,
    ".github/trusted-builds.yml": policyText(scene, "stays"),
    ".github/workflows/trusted-builds.yml": CALLER,
  };
  await github.owner("leaver", { installation: "selected" });
  for (const name of ["leaver/stays", "leaver/taken"]) await github.repository(name, { files });
  await scene.repository("removed", SOURCES);
  for (const name of ["leaver/stays", "acme/removed"]) {
    await github.tag(name, "v1.0.0");
    await eventually(`a run of ${name}`, () => github.runs(name).length === 1);
  }
  await github.select("leaver/taken", false);
  await github.uninstall("leaver");
  await github.removeRepository("acme/removed");

  await scene.repository("onward", SOURCES);
  await github.tag("acme/onward", "v1.0.0");
  await assertBuilt("onward", 1);
  assert.equal((await fetch(`${server.url}/readyz`)).status, 200);
  assert.doesNotMatch(server.output().slice(written), /"level":[56]0/);
});

test("R33: what is stored has numeric ids, of builds as many as were asked for, and nothing of what was refused", async () => {
  assert.deepEqual(scene.github.violations, []);
  assert.equal(await scene.server.stop(), 0);
  const { db, close } = await openDatabase({ kind: "directory", path: scene.env.DATA_DIR ?? "", process }, () => {});
  try {
    const builds = await db
      .selectFrom("builds")
      .innerJoin("repositories", "repositories.id", "builds.repository_id")
      .select([
        "owner",
        "name",
        "repository_id",
        "builds.owner_id",
        "repositories.owner_id as owner_now",
        "builds.installation",
      ])
      .execute();
    const { id: installation } = scene.github.installation("acme");
    for (const [name, count] of expected) {
      const found = builds.filter((each) => `${each.owner}/${each.name}` === name);
      assert.equal(found.length, count, name);
      for (const each of found) {
        assert.equal(each.repository_id, repositoryIdOf(name.replace("acme/", "")));
        assert.deepEqual([each.owner_id, each.owner_now, each.installation], [77, 77, installation]);
      }
    }
    const deliveries = await db.selectFrom("deliveries").select(["guid", "finished_at", "payload"]).execute();
    assert.deepEqual(
      deliveries.filter(({ guid }) => refused.includes(guid)),
      [],
    );
    // Payloads have names and addresses of people: they are kept no longer than they are needed.
    for (const { guid, finished_at, payload } of deliveries)
      if (finished_at !== null) assert.equal(payload, null, guid);
  } finally {
    await close();
  }
});
