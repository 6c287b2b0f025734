import assert from "node:assert/strict";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import { sql } from "kysely";
import { type Database, openDatabase } from "../../src/store/database.ts";
import { repositoryIdOf } from "../world/chain.ts";
import type { Delivery } from "../world/github/deliveries.ts";
import { completed, eventually } from "./eventually.ts";
import { CALLER, policyText, type Scene, startScene } from "./scene.ts";

/** More than a delivery of that age may still be on its way, in milliseconds. */
const OLD_MS = 120_000;
const SOURCES = { Dockerfile: "FROM scratch\nCOPY Dockerfile /\n" };

let scene: Scene;

before(async () => {
  scene = await startScene({ hasRunner: false });
  scene.github.onDispatch(async () => "success");
});
after(() => scene?.close());

/** What was sent of the push of a repository's tag, oldest first. */
const pushesOf = (name: string): readonly Delivery[] =>
  scene.github.deliveries.filter(
    ({ event, repositoryId }) => /^(?:push|create)$/.test(event) && repositoryId === repositoryIdOf(name),
  );

/** As if it had been a while ago. */
function age(deliveries: readonly Delivery[]): void {
  for (const each of deliveries) Object.assign(each, { deliveredAt: new Date(Date.now() - OLD_MS) });
}

/** Until the reconciler has looked again so many times. */
async function rounds(count: number): Promise<void> {
  const asked = () => scene.github.requests.filter(({ path }) => path.startsWith("/app/hook/deliveries?")).length;
  const until = asked() + count;
  await eventually(`${count} rounds of the reconciler`, () => asked() >= until, scene.server.output);
}

/** Does something with the database of a server that doesn't run. */
async function offline(run: (db: Database["db"]) => Promise<unknown>): Promise<void> {
  const { db, close } = await openDatabase({ kind: "directory", path: scene.env.DATA_DIR ?? "", process }, () => {});
  try {
    await run(db);
  } finally {
    await close();
  }
}

test("deliveries that failed are asked for again, and nothing that is stored is", async (t) => {
  const { github } = scene;
  for (const name of ["unheard", "full", "down"]) await scene.repository(name, SOURCES);

  // Stored, and the answer gets lost on its way.
  const proxy = createServer((incoming, answer) => {
    const { method, headers } = incoming;
    const passedOn = request(scene.server.webhooks, { method, headers, agent: false });
    incoming.pipe(passedOn).on("response", (response) => response.resume().on("end", () => answer.destroy()));
  });
  t.after(() => proxy.close());
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  github.deliverTo(`http://127.0.0.1:${(proxy.address() as AddressInfo).port}/api/github/webhooks`);
  await github.tag("acme/unheard", "v1.0.0");
  github.deliverTo(scene.server.webhooks);
  assert.ok(pushesOf("unheard").every(({ statusCode }) => statusCode === 0));
  await completed(scene, "acme/unheard", 1);
  age(pushesOf("unheard"));

  // A database that takes nothing: the delivery isn't acknowledged.
  await scene.server.stop();
  await offline(async (db) => {
    await sql`create function refuse() returns trigger language plpgsql as
      $$ begin raise exception 'no space left on device' using errcode = '53100'; end $$`.execute(db);
    await sql`create trigger refuse before insert on deliveries execute function refuse()`.execute(db);
  });
  await scene.restart();
  await github.tag("acme/full", "v1.0.0");
  assert.deepEqual(
    pushesOf("full").map(({ statusCode }) => statusCode),
    [500, 500],
  );
  age(pushesOf("full"));
  assert.equal((await fetch(`${scene.server.url}/healthz`)).status, 200);

  await scene.server.stop();
  await github.tag("acme/down", "v1.0.0");
  age(pushesOf("down"));
  await offline((db) => sql`drop trigger refuse on deliveries`.execute(db));

  await scene.restart({ RECONCILE_SECONDS: "1" });
  for (const name of ["full", "down"]) {
    const [checkRun, ...more] = await completed(scene, `acme/${name}`, 1);
    assert.equal(checkRun?.name, `trusted-builds / tag (${scene.image(name)})`);
    assert.deepEqual(more, []);
  }
  await rounds(2);
  for (const name of ["full", "down"]) {
    const again = pushesOf(name).filter(({ redelivery }) => redelivery);
    assert.deepEqual(again.map(({ event, status }) => `${event} ${status}`).sort(), ["create OK", "push OK"], name);
  }
  assert.ok(pushesOf("unheard").every(({ redelivery }) => !redelivery));
  assert.equal(github.checkRuns("acme/unheard").length, 1);
});

test("five tags that are pushed at once are found and built, and those of before the installation aren't", async () => {
  const { github } = scene;
  await scene.restart({ RECONCILE_SECONDS: "1" });
  await github.owner("late", { id: 90, installation: false });
  await github.repository("late/app", {
    files: {
      ...SOURCES,
      ".github/trusted-builds.yml": policyText(scene, "late"),
      ".github/workflows/trusted-builds.yml": CALLER,
    },
  });
  for (const tag of ["v0.1.0", "v0.2.0"]) await github.tag("late/app", tag);
  await github.owner("late", { id: 90 });
  await rounds(3);
  assert.deepEqual(github.checkRuns("late/app"), []);

  const tags = ["v1.0.0", "v1.0.1", "v1.0.2", "v1.0.3", "v1.0.4"];
  const { length: sent } = github.deliveries;
  await github.pushTags("late/app", tags);
  assert.equal(github.deliveries.length, sent);
  await completed(scene, "late/app", tags.length);
  await rounds(2);
  assert.deepEqual(
    github
      .runs("late/app")
      .map(({ ref }) => ref)
      .sort(),
    tags.map((tag) => `refs/tags/${tag}`),
  );
  assert.equal(github.checkRuns("late/app").length, tags.length);
  assert.deepEqual(github.violations, []);
  assert.doesNotMatch(scene.server.output(), /"level":[56]0/);
});
