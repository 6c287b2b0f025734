import assert from "node:assert/strict";
import { test } from "node:test";
import { BeyondLimit } from "../../src/trust/ports.ts";
import type { Built } from "../trust/world.ts";
import type { StoredRun } from "./github.ts";
import { couldNotLook, policyText, REPOSITORY, Scene } from "./world.ts";

const BUILDS = '  - image: ghcr.io/acme/app\n    image-tags: ["{version}", latest]';
const LATEST = "ghcr.io/acme/app:latest";

/** How the newest round of a git tag's build ended, and the codes of its faults and of what couldn't be looked at. */
function endOf(scene: Scene, tag: string): string {
  const build = scene.store.builds.findLast(({ key }) => key.ref === `refs/tags/${tag}`);
  const judged = scene.store.judgements.get(`${build?.id} ${build?.round}`) ?? [];
  const codes = judged.flatMap(({ verdict }) => [...verdict.faults, ...verdict.unreachable].map(({ code }) => code));
  const { outcome } = build ?? {};
  return [outcome?.kind === "verdict" ? outcome.verdict : outcome?.kind, ...codes].join(" ");
}

/** Two releases, one after the other, both of which move `latest`. */
class Releases extends Scene {
  readonly built = new Map<string, Built>();
  /** What the runs leave, by git tag: signed on that day. */
  days = new Map([
    ["v1.3.0", "2026-11-18"],
    ["v1.4.0", "2026-11-19"],
  ]);

  constructor(policy = policyText({ builds: BUILDS })) {
    super();
    this.github.policy("repository", policy);
    this.github.tag("v1.3.0", "A");
    this.github.tag("v1.4.0", "B");
    this.github.work = (run) => this.release(run);
  }

  release(run: StoredRun): void {
    const tag = run.ref.replace("refs/tags/", "");
    this.images.signedAt = new Date(`${this.days.get(tag)}T00:00:00Z`);
    this.built.set(tag, this.leave(run));
  }

  /** Whoever may push moves `latest`. */
  moveLatest(tag: string): void {
    const image = this.built.get(tag)?.image;
    assert.ok(image);
    this.imageTags.set(LATEST, image);
  }

  /** Somebody asks for the check run of a git tag's build again. */
  async again(tag: string): Promise<void> {
    const build = this.store.builds.findLast(({ key }) => key.ref === `refs/tags/${tag}`);
    const check = this.github.checks.find(({ id }) => id === build?.checkRun);
    assert.ok(check);
    const { id: checkRun, externalId } = check;
    this.tell({ kind: "check-rerun-asked", repositoryId: REPOSITORY.id, checkRun, externalId });
    await this.live();
  }
}

async function releases(policy?: string): Promise<Releases> {
  const scene = new Releases(policy);
  await scene.push("v1.3.0");
  await scene.push("v1.4.0");
  assert.deepEqual([endOf(scene, "v1.3.0"), endOf(scene, "v1.4.0")], ["trusted", "trusted"]);
  return scene;
}

test("R26 push access that moves latest back to an older honest image turns the verdicts that see it", async () => {
  const scene = await releases();
  scene.moveLatest("v1.3.0");
  await scene.again("v1.4.0");
  await scene.again("v1.3.0");
  assert.equal(endOf(scene, "v1.4.0"), "untrusted tag-went-back");
  assert.equal(endOf(scene, "v1.3.0"), "untrusted tag-went-back");
  scene.moveLatest("v1.4.0");
  await scene.again("v1.4.0");
  await scene.again("v1.3.0");
  assert.deepEqual([endOf(scene, "v1.3.0"), endOf(scene, "v1.4.0")], ["trusted", "trusted"]);
});

test("R26 another verdict than the one that saw the tag isn't turned, and what is trusted asks each tag once", async () => {
  const scene = await releases();
  scene.calls = [];
  scene.images.reads.length = 0;
  await scene.again("v1.3.0");
  assert.equal(endOf(scene, "v1.3.0"), "trusted", "latest is at a newer image");
  // Its own digest is kept: the only tag to be resolved is the one that moves, and what it is at was seen before.
  assert.deepEqual(
    scene.calls.filter((call) => /registry.resolve|readSightings/.test(call)),
    ["registry.resolve", "sightings.readSightings"],
  );
  const newer = scene.built.get("v1.4.0")?.image.digest ?? "";
  assert.deepEqual(
    scene.images.reads.filter((read) => read.includes(newer)),
    [],
  );
});

test("R26 an old release that is built again moves latest back, and says so", async () => {
  const scene = await releases();
  const build = scene.store.builds.find(({ key }) => key.ref === "refs/tags/v1.3.0");
  const run = scene.github.runs.find(({ id }) => id === build?.run?.id);
  assert.ok(run);
  scene.days.set("v1.3.0", "2026-11-20");
  scene.github.restart(run);
  scene.tell({ kind: "run-changed", repositoryId: REPOSITORY.id, runId: run.id, title: "" });
  await scene.live();
  assert.equal(endOf(scene, "v1.3.0"), "untrusted tag-went-back");
});

test("R26 a new git tag on the old commit is the way back on purpose", async () => {
  const scene = await releases();
  scene.days.set("v1.4.1", "2026-11-20");
  scene.github.tag("v1.4.1", "A");
  await scene.push("v1.4.1");
  assert.equal(endOf(scene, "v1.4.1"), "trusted");
});

test("R26 once policy revokes what stood there, latest may be where it was before", async () => {
  const scene = await releases();
  scene.moveLatest("v1.3.0");
  await scene.again("v1.3.0");
  assert.equal(endOf(scene, "v1.3.0"), "untrusted tag-went-back");
  const commit = scene.store.builds.find(({ key }) => key.ref === "refs/tags/v1.4.0")?.key.commit;
  const trust = `  revoked: [{ commit: ${commit}, reason: stolen }]`;
  scene.github.policy("repository", policyText({ builds: BUILDS, trust }));
  await scene.again("v1.3.0");
  assert.equal(endOf(scene, "v1.3.0"), "trusted");
});

test("R26 an image under latest that nobody has seen is walked: older is a fault, newer none, untrusted a warning", async () => {
  const scene = await releases();
  const [run] = scene.github.runs;
  assert.ok(run);
  const elsewhere = (day: string, signed: "provenance" | "nothing" = "provenance") => {
    scene.images.signedAt = new Date(`${day}T00:00:00Z`);
    const other = {
      ...run,
      id: run.id + Number(day.slice(-2)),
      request: { ...run.request, tags: ["latest"] as const },
    };
    scene.leave(other as StoredRun, { label: day, signed }, { sourceRepositoryRef: `refs/tags/v0.${day.slice(-2)}` });
  };
  elsewhere("2026-11-01");
  await scene.again("v1.4.0");
  assert.equal(endOf(scene, "v1.4.0"), "untrusted tag-went-back");
  elsewhere("2026-11-25");
  await scene.again("v1.4.0");
  assert.equal(endOf(scene, "v1.4.0"), "trusted");
  elsewhere("2026-11-02", "nothing");
  await scene.again("v1.4.0");
  assert.equal(endOf(scene, "v1.4.0"), "trusted");
  const build = scene.store.builds.find(({ key }) => key.ref === "refs/tags/v1.4.0");
  const [judged] = scene.store.judgements.get(`${build?.id} ${build?.round}`) ?? [];
  assert.match(judged?.verdict.nodes[0]?.warnings.join() ?? "", /the tag latest is at .*isn't trusted \(unattested\)/);
});

test("R26 and R15 latest that can't be looked at leaves a build undetermined, with the digest that its own tag was resolved to", async () => {
  const scene = new Releases();
  let isDown = true;
  let resolved = 0;
  scene.failure = (_, name) =>
    name === "registry.resolve" && ++resolved > 1 && isDown ? { when: "before", error: couldNotLook() } : undefined;
  await scene.push("v1.3.0");
  assert.equal(endOf(scene, "v1.3.0"), "undetermined network");
  assert.equal(scene.store.builds[0]?.digest, scene.built.get("v1.3.0")?.image.digest);
  assert.equal(scene.store.sightings.size, 0);
  isDown = false;
  await scene.again("v1.3.0");
  assert.equal(endOf(scene, "v1.3.0"), "trusted");
  assert.equal(scene.store.sightings.get(`99 ${LATEST}`)?.length, 1);
});

test("R26 latest that is too large to be read is told beside the image", async () => {
  const scene = await releases();
  scene.failure = (_, name) =>
    name === "registry.resolve" ? { when: "before", error: new BeyondLimit("the manifest is too large") } : undefined;
  await scene.again("v1.4.0");
  assert.equal(endOf(scene, "v1.4.0"), "trusted");
});

test("R26 of what isn't trusted nothing is remembered, and no tag is asked for", async () => {
  const scene = new Releases();
  scene.github.work = (run) => scene.leave(run, { signed: "nothing" });
  await scene.push("v1.3.0");
  assert.equal(endOf(scene, "v1.3.0"), "untrusted unattested");
  assert.equal(scene.store.sightings.size, 0);
  assert.equal(scene.calls.filter((call) => call === "registry.resolve").length, 1);
});

test("R2 and R26 each policy compares by what it revokes itself", async () => {
  const scene = await releases();
  scene.moveLatest("v1.3.0");
  const commit = scene.store.builds.find(({ key }) => key.ref === "refs/tags/v1.4.0")?.key.commit;
  const trust = `  revoked: [{ commit: ${commit}, reason: stolen }]`;
  scene.github.policy("organisation", policyText({ builds: BUILDS, trust }));
  await scene.again("v1.3.0");
  const build = scene.store.builds.find(({ key }) => key.ref === "refs/tags/v1.3.0");
  const judged = scene.store.judgements.get(`${build?.id} ${build?.round}`) ?? [];
  assert.deepEqual(
    judged.map(({ policy, verdict }) => `${policy.kind} ${verdict.outcome}`),
    ["repository untrusted", "organisation trusted"],
  );
});
