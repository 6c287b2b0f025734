import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, test } from "node:test";
import type { CheckRun } from "../world/github/check-runs.ts";
import { deliverByHand } from "./hand-delivery.ts";
import { type Base, type PullScene, startPullScene } from "./pull-scene.ts";

const POLICY = ".github/trusted-builds.yml";
const FORK_POLICY = "version: 1\nenforce: report\n";

let pulls: PullScene;
let good: Base;
let newer: Base;
let bad: Base;
let worse: Base;

before(async () => {
  pulls = await startPullScene();
  good = await pulls.signed("1.1");
  newer = await pulls.signed("1.2");
  bad = await pulls.unsigned("1.3");
  worse = await pulls.unsigned("1.4", "strangers");
});
after(() => pulls?.close());

/** Copies from each of them into an image of nothing else: line 1 is the first base's. */
const from = (...bases: readonly Base[]) =>
  [
    ...bases.map(({ reference }, i) => `FROM ${reference} AS s${i}`),
    "FROM scratch",
    ...bases.map((_, i) => `COPY --from=s${i} /x /x${i}`),
    "",
  ].join("\n");

const textOf = ({ output }: CheckRun): string => `${output.title}\n${output.summary}\n${output.text}`;
const conclusions = (name: string, commit?: string) =>
  pulls.checks(name, commit).map(({ status, conclusion }) => (status === "completed" ? conclusion : status));
const failedLines = ({ annotations }: CheckRun) =>
  annotations
    .filter((each) => each.annotation_level === "failure")
    .map(({ path, start_line }) => `${path}:${start_line}`);

/** The page of a check, which everybody may see. */
async function pageOf({ detailsUrl }: CheckRun): Promise<string> {
  const page = await fetch(detailsUrl ?? "");
  assert.equal(page.status, 200);
  return page.text();
}

/** A repository whose Dockerfile stands on a trusted base, with policy. */
async function repository(name: string, files: Readonly<Record<string, string>> = {}): Promise<void> {
  await pulls.scene.github.repository(`acme/${name}`, {
    files: { [POLICY]: pulls.policy(name), Dockerfile: from(good), ...files },
  });
}

/** Pushes a branch and makes a pull request of it. @returns its head and number. */
async function pull(
  name: string,
  branch: string,
  files: Readonly<Record<string, string>>,
  { remove = [], base }: { readonly remove?: readonly string[]; readonly base?: string } = {},
): Promise<{ readonly head: string; readonly number: number }> {
  const { github } = pulls.scene;
  const head = await github.commit(`acme/${name}`, files, { branch, remove });
  return { head, number: await github.openPull(`acme/${name}`, { branch, ...(base && { base }) }) };
}

test("a pull request that adds an unattested base fails on its line, and passes once it stands on a trusted one", async () => {
  const { github, server } = pulls.scene;
  await repository("web");
  const { head } = await pull("web", "topic", { Dockerfile: `# a comment\n${from(good, bad)}` });
  const failed = await pulls.check("web", head);
  assert.equal(failed.conclusion, "failure", textOf(failed));
  assert.deepEqual(failedLines(failed), ["Dockerfile:3"]);
  assert.match(textOf(failed), /unattested/);
  assert.match(failed.output.summary ?? "", /gained.*base:1\.3/);
  assert.equal(failed.detailsUrl, `${server.url}/pulls/${failed.externalId}`);
  assert.match(await pageOf(failed), /<title>Untrusted/i);
  assert.deepEqual(
    failed.actions.map(({ identifier }) => identifier),
    ["pin-digests", "re-verify"],
  );

  const mended = await github.commit("acme/web", { Dockerfile: from(good, newer) }, { branch: "topic" });
  const passed = await pulls.check("web", mended);
  assert.equal(passed.conclusion, "success", textOf(passed));
  assert.deepEqual(failedLines(passed), []);
  // What was said of the first head stays.
  assert.deepEqual(conclusions("web", head), ["failure"]);
});

test("R2 a fork's pull request is judged by the policy of the repository it is made to, whatever policy it brings", async () => {
  const { github } = pulls.scene;
  await repository("forked");
  await github.owner("bob", { type: "User", installation: false });
  await github.fork("acme/forked", "bob/forked");
  const open = async (branch: string, files: Readonly<Record<string, string>>) => {
    const head = await github.commit("bob/forked", files, { branch });
    await github.openPull("acme/forked", { from: "bob/forked", branch });
    return pulls.check("forked", head);
  };
  const refused = await open("worse", { Dockerfile: from(bad), [POLICY]: FORK_POLICY });
  assert.equal(refused.conclusion, "failure", textOf(refused));
  assert.deepEqual(failedLines(refused), ["Dockerfile:1"]);
  const passed = await open("fine", { Dockerfile: from(newer) });
  assert.equal(passed.conclusion, "success", textOf(passed));
});

test("R35 a pull request fails for what it brings, and not for what its base branch has; to another branch that is something else", async () => {
  const { github } = pulls.scene;
  await repository("aged", { Dockerfile: from(bad), [POLICY]: pulls.policy("aged", "ratchet") });
  await github.commit("acme/aged", { Dockerfile: from(good) }, { branch: "release" });
  const { head, number } = await pull("aged", "topic", { Dockerfile: `# more\n${from(bad)}` });
  const passed = await pulls.check("aged", head);
  assert.equal(passed.conclusion, "success", textOf(passed));
  assert.match(passed.output.title ?? "", /^untrusted/i);

  await github.changePull("acme/aged", number, { title: "Other words" });
  await pulls.quiet();
  assert.deepEqual(conclusions("aged", head), ["success"]);
  await github.changePull("acme/aged", number, { base: "release" });
  const failed = await pulls.check("aged", head, ({ id, status }) => id !== passed.id && status === "completed");
  assert.equal(failed.conclusion, "failure", textOf(failed));

  const other = await pull("aged", "news", { Dockerfile: from(bad, worse) });
  const judged = await pulls.check("aged", other.head);
  assert.equal(judged.conclusion, "failure", textOf(judged));
  assert.deepEqual(failedLines(judged), ["Dockerfile:2"]);
});

test("Dockerfiles that are removed, renamed, refused by BuildKit, or that nobody has", async () => {
  await repository("kinds");
  const removed = await pull("kinds", "removed", {}, { remove: ["Dockerfile"] });
  const renamed = await pull("kinds", "renamed", { "images/Dockerfile": from(good) }, { remove: ["Dockerfile"] });
  const worsened = await pull(
    "kinds",
    "worsened",
    { "images/Dockerfile": from(good, bad) },
    { remove: ["Dockerfile"] },
  );
  const refused = await pull("kinds", "refused", { Dockerfile: "FROM scratch\nCOPY\n" });
  const result = async ({ head }: { readonly head: string }) => {
    const checkRun = await pulls.check("kinds", head);
    return [checkRun.conclusion, failedLines(checkRun)];
  };
  assert.deepEqual(await result(removed), ["success", []]);
  assert.deepEqual(await result(renamed), ["success", []]);
  assert.deepEqual(await result(worsened), ["failure", ["images/Dockerfile:2"]]);
  assert.deepEqual(await result(refused), ["failure", ["Dockerfile:2"]]);
  const said = await pulls.check("kinds", removed.head);
  assert.match(said.output.title ?? "", /no Dockerfile/i);

  await pulls.scene.github.repository("acme/empty", { files: { README: "x\n" } });
  const none = await pull("empty", "topic", { README: "y\n" });
  const checkRun = await pulls.check("empty", none.head);
  assert.deepEqual([checkRun.conclusion, /no Dockerfile/i.test(checkRun.output.title ?? "")], ["success", true]);
});

test("R2 a policy that can't be read fails with its line; mended, it judges the open pull request anew, and a stricter one does so again", async () => {
  const { github } = pulls.scene;
  await repository("broken", { [POLICY]: "version: 1\ntrust:\n  builders: everyone\n" });
  const { head } = await pull("broken", "topic", { Dockerfile: from(newer) });
  const failed = await pulls.check("broken", head);
  assert.equal(failed.conclusion, "failure", textOf(failed));
  assert.match(textOf(failed), /\| 3 \| 13 \| `trust\.builders` \|/);
  const next = async (before: CheckRun, policy: string) => {
    await github.commit("acme/broken", { [POLICY]: policy });
    return pulls.check("broken", head, ({ id, status }) => id !== before.id && status === "completed");
  };
  const mended = await next(failed, pulls.policy("broken"));
  assert.equal(mended.conclusion, "success", textOf(mended));
  const stricter = await next(mended, pulls.policy("broken").replaceAll("acme/builder", "acme/hardened"));
  assert.equal(stricter.conclusion, "failure", textOf(stricter));
});

test("R2 what the organisation's policy refuses fails, though the repository's accepts it", async () => {
  const { github } = pulls.scene;
  await github.owner("corp", { installation: "all" });
  const organisation = pulls
    .policy("none")
    .replace(/builds:\n(?: .*\n)+/, "")
    .replaceAll("acme/builder", "corp/hardened");
  await github.repository("corp/.github", { files: { "trusted-builds.yml": organisation } });
  await github.repository("corp/app", { files: { [POLICY]: pulls.policy("app"), Dockerfile: from(good) } });
  const head = await github.commit("corp/app", { Dockerfile: from(newer) }, { branch: "topic" });
  await github.openPull("corp/app", { branch: "topic" });
  const failed = await pulls.check("corp/app", head);
  assert.equal(failed.conclusion, "failure", textOf(failed));
  assert.match(textOf(failed), /policy of the organisation/);
  assert.deepEqual(failedLines(failed), ["Dockerfile:1"]);
});

test("a registry that answers 500 keeps the check open and says why; once it recovers, the verdict is right", async () => {
  const { registry } = pulls;
  await repository("flaky");
  const base = await pulls.signed("2.1");
  registry.fail(/manifests\/2\.1/, { status: 500 });
  const { head } = await pull("flaky", "topic", { Dockerfile: from(base) });
  const waiting = await pulls.check("flaky", head, ({ output }) => /could not look/i.test(output.title ?? ""));
  assert.equal(waiting.status, "in_progress");
  assert.match(textOf(waiting), /neither trusted nor untrusted/);
  const page = await pageOf(waiting);
  assert.match(page, /http-equiv="refresh"/i);
  assert.doesNotMatch(page, /<title>(?:Trusted|Untrusted)/i);
  registry.heal();
  const passed = await pulls.check("flaky", head);
  assert.equal(passed.conclusion, "success", textOf(passed));
  assert.deepEqual(conclusions("flaky", head), ["success"]);
});

test("a push with nothing new in it asks GitHub six times at most, and registries nothing", async (t) => {
  const { github } = pulls.scene;
  await repository("cheap", { [POLICY]: pulls.policy("cheap", "ratchet") });
  const { head } = await pull("cheap", "topic", { Dockerfile: from(good, newer) });
  await pulls.check("cheap", head);
  await pulls.quiet();
  const [asked, pulled] = [github.requests.length, pulls.registry.requests.length];
  const next = await github.commit("acme/cheap", { README: "words\n" }, { branch: "topic" });
  const passed = await pulls.check("cheap", next);
  await pulls.quiet();
  assert.equal(passed.conclusion, "success", textOf(passed));
  const made = github.requests.slice(asked).map(({ method, path }) => `${method} ${path}`);
  t.diagnostic(`requests: ${made.length}`);
  assert.ok(made.length <= 6, made.join("\n"));
  assert.equal(pulls.registry.requests.length - pulled, 0);
  assert.equal(pulls.checks("cheap", next).length, 1);
});

test("of two heads only the newest is judged: what wasn't told of the older is cancelled", async () => {
  const { registry, scene } = pulls;
  await repository("quick");
  const base = await pulls.signed("2.3");
  registry.fail(/manifests\/2\.3/, { status: 500 });
  const { head, number } = await pull("quick", "topic", { Dockerfile: from(base) });
  await pulls.check("quick", head, ({ status }) => status === "in_progress");
  const next = await scene.github.commit("acme/quick", { Dockerfile: from(newer) }, { branch: "topic" });
  assert.equal((await pulls.check("quick", next)).conclusion, "success");
  assert.equal((await pulls.check("quick", head)).conclusion, "cancelled");

  const last = await scene.github.commit("acme/quick", { Dockerfile: from(good, base) }, { branch: "topic" });
  await pulls.check("quick", last, ({ status }) => status === "in_progress");
  await scene.github.closePull("acme/quick", number);
  assert.equal((await pulls.check("quick", last)).conclusion, "cancelled");
  registry.heal();
  await scene.github.reopenPull("acme/quick", number);
  const passed = await pulls.check("quick", last, ({ conclusion }) => conclusion === "success");
  assert.equal(pulls.checks("quick", last).length, 2, textOf(passed));
});

test("deliveries that come late, out of order and twice change nothing", async () => {
  const { github } = pulls.scene;
  await repository("shuffled");
  github.interfere({ how: "hold", event: "pull_request" });
  const { head } = await pull("shuffled", "topic", { Dockerfile: from(bad) });
  const next = await github.commit("acme/shuffled", { Dockerfile: from(newer) }, { branch: "topic" });
  await github.release({ reverse: true });
  github.heal();
  assert.equal((await pulls.check("shuffled", next)).conclusion, "success");
  await pulls.quiet();
  const mine = github.deliveries.filter(
    ({ event, payload }) => event === "pull_request" && Object(payload.repository).name === "shuffled",
  );
  assert.ok(mine.length >= 2);
  for (const { guid } of mine) await github.redeliver(guid);
  for (const { event, payload } of mine) await delivered(event, payload);
  await pulls.quiet();
  assert.deepEqual([conclusions("shuffled", head), conclusions("shuffled", next)], [[], ["success"]]);
});

/** Delivers it as something that GitHub tells anew. */
async function delivered(event: string, payload: object): Promise<void> {
  const { server, github } = pulls.scene;
  const body = JSON.stringify(payload);
  const secret = github.app.webhookSecret;
  const status = await deliverByHand({
    webhooks: server.webhooks,
    secret,
    guid: randomUUID(),
    body,
    headers: { "x-github-event": event },
  });
  assert.equal(status, 200);
}

test("asked for again by whoever may, it is judged anew; by others, or for each commit by GitHub itself, it isn't", async () => {
  const { github } = pulls.scene;
  await repository("asked");
  const base = await pulls.signed("2.4");
  const { head } = await pull("asked", "topic", { Dockerfile: from(base) });
  const first = await pulls.check("asked", head);
  assert.equal(first.conclusion, "success", textOf(first));
  const anew = async (before: CheckRun, ask: () => Promise<void>) => {
    await ask();
    return pulls.check("asked", head, ({ id, status }) => id !== before.id && status === "completed");
  };
  github.collaborate("acme/asked", "ada", "write");
  github.collaborate("acme/asked", "tom", "triage");
  // The tag moves: only who looks anew sees it.
  const { digest } = await pulls.unsigned("2.5");
  const { registry, scene } = pulls;
  const [path, media] = [`${scene.namespace}/base`, "application/vnd.oci.image.index.v1+json"];
  registry.putManifest(path, registry.read(path, digest), media, "2.4");
  await github.click(first.id, "re-verify", "tom");
  await pulls.quiet();
  assert.deepEqual(conclusions("asked"), ["success"]);
  await github.rerequestSuite("acme/asked", head);
  const moved = await pulls.check("asked", head, ({ id, status }) => id !== first.id && status === "completed");
  assert.equal(moved.conclusion, "failure", textOf(moved));
  await pulls.quiet();
  assert.deepEqual(conclusions("asked"), ["success", "failure"]);

  registry.putManifest(path, registry.read(path, good.digest), media, "2.4");
  const clicked = await anew(moved, () => github.click(moved.id, "re-verify", "ada"));
  assert.equal(clicked.conclusion, "success", textOf(clicked));
  await anew(clicked, () => github.rerequest(clicked.id));
  // An older one was answered by what came later.
  await github.rerequest(first.id);
  const requested = github.deliveries.findLast(({ event }) => event === "check_suite");
  assert.ok(requested);
  await delivered("check_suite", { ...requested.payload, action: "requested" });
  await pulls.quiet();
  assert.deepEqual(conclusions("asked"), ["success", "failure", "success", "success"]);
});

test("a private repository's check has no page, and looks like none at all", async () => {
  const { github, server } = pulls.scene;
  await github.repository("acme/hidden", {
    private: true,
    files: { [POLICY]: pulls.policy("hidden"), Dockerfile: from(good) },
  });
  const { head } = await pull("hidden", "topic", { Dockerfile: from(newer) });
  const judged = await pulls.check("hidden", head);
  assert.equal(judged.conclusion, "success", textOf(judged));
  assert.ok(!textOf(judged).includes(server.url));
  assert.equal(judged.detailsUrl, `${github.url}/acme/hidden/pull/1`);
  const [mine, none] = await Promise.all(
    [judged.externalId, randomUUID()].map(async (id) => {
      const answer = await fetch(`${server.url}/pulls/${id}`);
      return [answer.status, await answer.text()];
    }),
  );
  assert.deepEqual(mine, none);
  assert.equal(mine?.[0], 404);
});

test("a pull request that no event told of is found", async () => {
  const { github } = pulls.scene;
  await repository("missed");
  github.interfere({ how: "drop", event: "pull_request" });
  const { head } = await pull("missed", "topic", { Dockerfile: from(bad) });
  github.heal();
  await pulls.scene.restart({ RECONCILE_SECONDS: "1" });
  assert.equal((await pulls.check("missed", head)).conclusion, "failure");
});

test("after the last try it is action_required, which doesn't pass, and asking again mends it", async () => {
  const { registry, scene } = pulls;
  await scene.restart({ RETRY_SECONDS: "0.5" });
  await repository("down");
  const base = await pulls.signed("2.2");
  registry.fail(/manifests\/2\.2/, { status: 500 });
  const { head } = await pull("down", "topic", { Dockerfile: from(base) });
  const given = await pulls.check("down", head);
  assert.equal(given.conclusion, "action_required", textOf(given));
  assert.match(await pageOf(given), /<title>Undetermined/i);
  registry.heal();
  await scene.github.rerequest(given.id);
  const mended = await pulls.check("down", head, ({ id, status }) => id !== given.id && status === "completed");
  assert.equal(mended.conclusion, "success", textOf(mended));
  assert.deepEqual(conclusions("down", head), ["action_required", "success"]);
  assert.deepEqual(scene.github.violations, []);
});
