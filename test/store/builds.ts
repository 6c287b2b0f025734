import assert from "node:assert/strict";
import { test } from "node:test";
import type { Build } from "../../src/build/build.ts";
import type { StoredPolicies } from "../../src/build/ports.ts";
import { chainOf, digest } from "../report/verdicts.ts";
import { lives, newBuild, newRepository, policies, policyText, pushOf } from "./build-fixture.ts";
import { query, type SharedStore } from "./places.ts";

export function testBuilds(shared: SharedStore): void {
  test("a build is read as it was recorded, and as it was saved", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const repository = newRepository();
    for (const [i, life] of lives.entries()) {
      const build = newBuild(repository, { ...life, key: { ref: `refs/tags/v${i}` } });
      assert.deepEqual(await store.recordPush(pushOf([build])), [build.id]);
      assert.deepEqual(await store.readBuild(build.id), build);
    }
    const plain = newBuild(repository);
    await store.recordPush(pushOf([plain]));
    let build: Build | undefined = await store.readBuild(plain.id);
    for (const life of lives) {
      assert.ok(build !== undefined);
      build = { ...build, ...life };
      await store.saveBuild(build);
      assert.deepEqual(await store.readBuild(plain.id), build);
    }
    assert.equal(await store.readBuild("nowhere"), undefined);
  });

  test("what strangers wrote is stored though PostgreSQL has no such characters", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const repository = newRepository();
    const build = newBuild(repository);
    await store.recordPush(pushOf([build]));
    const log = 'a\0b \ud83d c 👍 "\\u0000" \\\\u0000';
    await store.saveBuild({
      ...build,
      waiting: { reason: log, until: new Date(0) },
      outcome: { kind: "build-failed", conclusion: "failure", log },
    });
    const { outcome, waiting } = (await store.readBuild(build.id)) ?? {};
    const mended = 'a\ufffdb \ufffd c 👍 "\\u0000" \\\\u0000';
    assert.equal(outcome?.kind === "build-failed" && outcome.log, mended);
    assert.equal(waiting?.reason, mended);
  });

  test("of two who change the same build only the first is taken", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const repository = newRepository();
    const { id } = newBuild(repository);
    await store.recordPush(pushOf([newBuild(repository, { id })]));
    const [one, other] = [await store.readBuild(id), await store.readBuild(id)];
    assert.ok(one && other);
    await store.saveBuild({ ...one, failures: 1 });
    await store.saveBuild({ ...{ ...one, failures: 1 }, failures: 2 });
    await assert.rejects(store.saveBuild({ ...other, failures: 7 }), { code: "lost-race" });
    await assert.rejects(store.saveJudgements({ ...other, failures: 7 }, [judgement("repository", "trusted")]), {
      code: "lost-race",
    });
    assert.equal((await store.readBuild(id))?.failures, 2);
    assert.deepEqual(await store.listJudgements(id), []);
    await assert.rejects(store.saveBuild(newBuild(repository, { id })), { code: "database" });
  });

  test("builds of a commit are the newest of each tag and image, in its own repository only", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const [repository, other] = [newRepository(), newRepository()];
    const [commit, moved] = ["1".repeat(40), "2".repeat(40)];
    let minute = 0;
    const made = async (ref: string, given: Partial<Build["key"]> = {}, of = repository) => {
      const createdAt = new Date(Date.UTC(2026, 10, 27, 12, minute++));
      const build = newBuild(of, { createdAt, key: { ref: `refs/tags/${ref}`, commit, ...given } });
      await store.recordPush(pushOf([build]));
      return build.id;
    };
    const listed = async (at = commit) => (await store.listBuildsOfCommit(repository.id, at)).map(({ id }) => id);
    const first = await made("v1");
    const image = await made("v1", { image: "ghcr.io/acme/tools" });
    await made("v2");
    await made("v1", {}, other);
    assert.equal((await listed()).length, 3);
    const away = await made("v2", { commit: moved, generation: 2 });
    assert.deepEqual(await listed(), [first, image]);
    assert.deepEqual(await listed(moved), [away]);
    const again = await made("v1", { generation: 2, policyDigest: digest("another policy") });
    assert.deepEqual(await listed(), [image, again]);
    assert.deepEqual(await listed("3".repeat(40)), []);
    const found = await store.listBuildsOfCommit(repository.id, commit);
    assert.deepEqual(found[1], await store.readBuild(again));
  });

  test("policies are read as they were stored, and replaced whole", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const repository = newRepository();
    const { id } = newBuild(repository);
    await store.recordPush(pushOf([newBuild(repository, { id })]));
    const own = policyText("repository", "version: 1\n");
    const others: readonly StoredPolicies[] = [
      { repository: own, organisation: "unknown" },
      { repository: own, organisation: policyText("organisation", "# \0 \xff") },
      // The same bytes, twice.
      { repository: own, organisation: policyText("organisation", "version: 1\n") },
      { repository: policyText("repository", "# another"), organisation: "absent" },
    ];
    assert.deepEqual(await store.readPolicies(id), policies);
    for (const each of others) {
      await store.savePolicies(id, each);
      assert.deepEqual(await store.readPolicies(id), each);
    }
    await assert.rejects(store.readPolicies("nowhere"), { code: "not-found" });
    if (scene.address.kind === "url")
      assert.deepEqual(await query(scene.address.url, "select count(*)::int as texts from policy_texts"), [
        { texts: 3 },
      ]);
  });

  test("R3 R35 the faults with which an image passed last are those of its own repository, installation, owner and kind of policy", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const repository = newRepository();
    const made = async (minute: number, given: Parameters<typeof newBuild>[1] = {}, of = repository) => {
      const createdAt = new Date(Date.UTC(2026, 10, 27, 12, minute));
      const { id } = newBuild(of);
      const key = { ref: `refs/tags/v${minute}`, ...given.key };
      await store.recordPush(pushOf([newBuild(of, { createdAt, ...given, id, key })]));
      const build = await store.readBuild(id);
      assert.ok(build);
      return build;
    };
    const judged = (build: Build, passedWith?: readonly string[], kind: "repository" | "organisation" = "repository") =>
      store.saveJudgements(build, [{ ...judgement(kind, "untrusted"), ...(passedWith && { passedWith }) }]);
    const now = await made(30);
    const before = (build = now) => store.readPassedWith(build, "repository");
    assert.equal(await before(), undefined);
    await judged(await made(10), ["old"]);
    await judged(await made(20, {}), ["newest"]);
    // What failed, is newer, or is somebody else's, is no measure.
    await judged(await made(25));
    await judged(await made(26), ["organisation's"], "organisation");
    await judged(await made(27, { key: { image: "ghcr.io/acme/other" } }), ["of another image"]);
    await judged(await made(28, {}, newRepository()), ["of another repository"]);
    await judged(await made(40), ["later"]);
    assert.deepEqual(await before(), ["newest"]);
    assert.deepEqual(await store.readPassedWith(now, "organisation"), ["organisation's"]);
    const inHand = (given: Partial<Build["repository"]>) => ({ ...now, repository: { ...repository, ...given } });
    assert.equal(await before(inHand({ installation: 1 })), undefined);
    assert.equal(await before(inHand({ ownerId: 1 })), undefined);
    await judged(now, []);
    assert.deepEqual(await before(now), ["newest"], "the same round is no measure of itself");
    assert.deepEqual(await before({ ...now, round: 2 }), []);
  });

  test("verdicts are stored with the build that has them, and replaced in the same round only", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const repository = newRepository();
    const { id } = newBuild(repository);
    await store.recordPush(pushOf([newBuild(repository, { id })]));
    const build = await store.readBuild(id);
    assert.ok(build);
    const first = { ...build, phase: "settled" as const, run: { id: 1, attempt: 1, url: "u" } };
    await store.saveJudgements(first, [
      judgement("organisation", "untrusted"),
      judgement("repository", "undetermined"),
    ]);
    // Both policies may have the same bytes, and the same digest.
    await store.saveJudgements(first, [judgement("organisation", "untrusted"), judgement("repository", "trusted")]);
    assert.equal((await store.readBuild(id))?.phase, "settled");
    const told = (round?: number) =>
      store.listJudgements(id, round).then((all) => all.map(({ policy, document }) => [policy, document]));
    const { bytes: _, ...own } = policyText("repository", "");
    const { bytes: __, ...organisation } = policyText("organisation", "");
    const nodes = ["app", "runtime", "base"];
    const expected = [
      [own, { outcome: "trusted", nodes }],
      [organisation, { outcome: "untrusted", nodes }],
    ];
    assert.deepEqual(await told(), expected);
    await store.saveBuild({ ...first, round: 2 });
    assert.deepEqual(await told(), []);
    await store.saveJudgements({ ...first, round: 2 }, [judgement("repository", "untrusted")]);
    assert.deepEqual(await told(), [[own, { outcome: "untrusted", nodes }]]);
    assert.deepEqual(await told(1), expected);
    assert.deepEqual(await store.listJudgements("nowhere"), []);
    if (scene.address.kind !== "url") return;
    const rows = await query(
      scene.address.url,
      `select installation, image_digest, as_of, attempt from judgements where build_id = '${id}' and round = 2`,
    );
    assert.deepEqual(rows, [
      {
        installation: String(repository.installation),
        image_digest: digest("app index"),
        as_of: new Date("2027-02-01T12:00:00Z"),
        attempt: 1,
      },
    ]);
  });

  test("a build is found by its run and by its present check run, in its own repository only", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const repository = newRepository();
    const run = { id: 18_000_000_001, attempt: 1, url: "u" };
    const build = newBuild(repository, { run, checkRun: 9_000_000_001 });
    await store.recordPush(pushOf([build]));
    assert.deepEqual(await store.findBuildByRun(repository.id, run.id), build);
    assert.deepEqual(await store.findBuildByCheckRun(repository.id, 9_000_000_001), build);
    assert.equal(await store.findBuildByRun(1, run.id), undefined);
    assert.equal(await store.findBuildByCheckRun(1, 9_000_000_001), undefined);
    const found = await store.findBuildByCheckRun(repository.id, 9_000_000_001);
    assert.ok(found);
    await store.saveBuild({ ...found, checkRun: 9_000_000_002, round: 2 });
    assert.equal(await store.findBuildByCheckRun(repository.id, 9_000_000_001), undefined);
  });
}

function judgement(kind: "repository" | "organisation", outcome: "trusted" | "untrusted" | "undetermined") {
  const { bytes: _, ...policy } = policyText(kind, "");
  return { policy, verdict: chainOf({}, { outcome }) };
}
