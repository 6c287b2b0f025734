import assert from "node:assert/strict";
import { test } from "node:test";
import { conclusionOf } from "../../src/build/build.ts";
import { commitOf } from "../trust/world.ts";
import { askAgain } from "./paths.ts";
import { couldNotLook, policyText, Scene } from "./world.ts";

/** Takes no word of the workflow that builds. */
const STRICT = policyText({ workflow: "w*" });
const LOOSE = policyText();

/** How a build under these policies ends, and what each said of it. */
async function judged(repository: string, organisation?: string): Promise<Scene> {
  const scene = new Scene();
  scene.github.policy("repository", repository);
  if (organisation !== undefined) scene.github.policy("organisation", organisation);
  await scene.push();
  return scene;
}

function endOf(scene: Scene): string {
  const [build] = scene.store.builds;
  assert.ok(build?.outcome);
  const { outcome } = build;
  return `${outcome.kind === "verdict" ? outcome.verdict : outcome.kind} ${conclusionOf(outcome)}`;
}

/** Of the newest round of the only build. */
function judgementsOf(scene: Scene): readonly string[] {
  const [build] = scene.store.builds;
  const list = scene.store.judgements.get(`${build?.id} ${build?.round}`) ?? [];
  return list.map(({ policy, verdict }) => `${policy.kind} ${verdict.outcome}`);
}

test("R2: an image that both policies accept is trusted, and both verdicts are kept", async () => {
  const scene = await judged(LOOSE, LOOSE);
  assert.equal(endOf(scene), "trusted success");
  assert.deepEqual(judgementsOf(scene), ["repository trusted", "organisation trusted"]);
});

test("R2: an image that the organisation's stricter policy refuses is untrusted", async () => {
  const scene = await judged(LOOSE, STRICT);
  assert.equal(endOf(scene), "untrusted failure");
  assert.deepEqual(judgementsOf(scene), ["repository trusted", "organisation untrusted"]);
});

test("R2: an image that the repository's policy refuses is untrusted, whatever the organisation's says", async () => {
  const scene = await judged(STRICT, LOOSE);
  assert.equal(endOf(scene), "untrusted failure");
  assert.deepEqual(judgementsOf(scene), ["repository untrusted", "organisation trusted"]);
});

test("R2: what the organisation lets a repository loosen is loosened, and nothing else", async () => {
  const loosening = (key: string) => STRICT.replace("builds:\n", `loosen: [${key}]\nbuilds:\n`);
  const loosened = await judged(LOOSE, loosening("trust.builders"));
  assert.equal(endOf(loosened), "trusted success");
  assert.deepEqual(judgementsOf(loosened), ["repository trusted", "organisation trusted"]);
  assert.equal(endOf(await judged(LOOSE, loosening("trust.roots"))), "untrusted failure");
  assert.equal(endOf(await judged(loosening("trust.builders"), LOOSE)), "untrusted failure");
  // A repository can't give itself the right.
  assert.equal(
    endOf(await judged(LOOSE.replace("builds:\n", "loosen: [trust.builders]\nbuilds:\n"), STRICT)),
    "untrusted failure",
  );
});

test("R2: with proof that the organisation has no policy, the repository's alone decides", async () => {
  const scene = await judged(LOOSE);
  assert.equal(endOf(scene), "trusted success");
  assert.deepEqual(judgementsOf(scene), ["repository trusted"]);
});

test("R2: each verdict names the commit of its policy", async () => {
  const scene = await judged(LOOSE, STRICT);
  const [build] = scene.store.builds;
  const list = scene.store.judgements.get(`${build?.id} 1`) ?? [];
  assert.deepEqual(
    list.map(({ policy }) => policy.commit),
    [commitOf(LOOSE), commitOf(STRICT)],
  );
  assert.deepEqual(
    list.map(({ policy }) => policy.isProtected),
    [true, true],
  );
});

/** The organisation's policy can't be read, and no answer proves that there is none, until a time. */
function hidden(scene: Scene, isHidden: () => boolean): void {
  scene.failure = (_, name) =>
    name === "policies.readOrganisationPolicy" && isHidden()
      ? { when: "before", error: couldNotLook("not-found-unproven") }
      : undefined;
}

test("R2: where the organisation's policy is hidden, the image is built and its verdict stays open until it is known", async () => {
  const scene = new Scene();
  scene.github.policy("organisation", STRICT);
  const end = scene.time + 8 * 60_000;
  hidden(scene, () => scene.time < end);
  scene.tell(scene.pushed());
  await scene.live(end - 1);
  const [waiting] = scene.store.builds;
  assert.deepEqual([waiting?.phase, waiting?.outcome, scene.github.dispatched.length], ["verifying", undefined, 1]);
  assert.match(waiting?.waiting?.reason ?? "", /not-found-unproven/);
  await scene.live();
  assert.equal(endOf(scene), "untrusted failure");
  assert.deepEqual(judgementsOf(scene), ["repository trusted", "organisation untrusted"]);
  const { organisation } = scene.store.policies.get(waiting?.id ?? "") ?? {};
  assert.equal(typeof organisation === "object" && organisation.commit, commitOf(STRICT));
});

test("R2: an organisation whose policy stays hidden leaves the image undetermined, never trusted", async () => {
  const scene = new Scene();
  hidden(scene, () => true);
  await scene.push();
  assert.equal(endOf(scene), "undetermined action_required");
  assert.deepEqual(judgementsOf(scene), []);
});

test("R2: asked for again, an image is judged by the organisation's policy as it is by then", async () => {
  const scene = await judged(LOOSE);
  scene.github.policy("organisation", STRICT);
  scene.tell(askAgain(scene));
  await scene.live();
  assert.equal(endOf(scene), "untrusted failure");
  assert.deepEqual(judgementsOf(scene), ["repository trusted", "organisation untrusted"]);
  assert.deepEqual(
    scene.github.checks.map(({ writes }) => writes.at(-1)?.conclusion),
    ["success", "failure"],
  );
});

test("R2: an image that one policy can't decide and the other refuses is untrusted at once", async () => {
  const scene = new Scene();
  const base = scene.images.build("base");
  scene.github.work = (run) => scene.leave(run, { base });
  scene.images.hide(base.image);
  scene.github.policy("organisation", STRICT);
  await scene.push();
  assert.equal(endOf(scene), "untrusted failure");
  assert.deepEqual(judgementsOf(scene), ["repository undetermined", "organisation untrusted"]);
});

test("R2: an image that one policy accepts and the other can't decide is undetermined", async () => {
  const scene = new Scene();
  const base = scene.images.build("base");
  scene.github.work = (run) => scene.leave(run, { base });
  scene.images.hide(base.image);
  scene.github.policy(
    "organisation",
    policyText({
      trust: `  roots:\n    - { image: "ghcr.io/acme/base@${base.image.digest}", reason: known, expires: 2027-01-01 }`,
    }),
  );
  await scene.push();
  assert.equal(endOf(scene), "undetermined action_required");
});

test("R1: the policy of the default branch when the tag was pushed decides, not one that comes while it is built", async () => {
  const scene = new Scene();
  scene.github.policy("repository", STRICT);
  scene.tell(scene.pushed());
  await scene.live(scene.time);
  scene.github.policy("repository", LOOSE);
  await scene.live();
  assert.equal(endOf(scene), "untrusted failure");
});

test("asked for again once its policy is mended, a tag is built", async () => {
  const scene = await judged("version: 1\nbuilds: 7\n");
  assert.equal(endOf(scene), "policy-wrong failure");
  scene.github.policy("repository", LOOSE);
  scene.tell(askAgain(scene));
  await scene.live();
  assert.deepEqual(
    scene.store.builds.map(({ outcome, key }) => `${outcome?.kind} ${key.generation}`),
    ["policy-wrong 1", "verdict 1"],
  );
  assert.equal(scene.github.checks.at(-1)?.writes.at(-1)?.conclusion, "success");
});

test("asked for again once the organisation's policy is mended, an image that was built is judged", async () => {
  const scene = new Scene();
  scene.github.policy("organisation", "version: 2\n");
  hidden(scene, () => scene.store.rows.size === 0);
  await scene.push();
  assert.equal(endOf(scene), "policy-wrong failure");
  scene.github.policy("organisation", LOOSE);
  scene.tell(askAgain(scene));
  await scene.live();
  assert.equal(endOf(scene), "trusted success");
  assert.equal(scene.github.dispatched.length, 1);
});

test("asked for again, a git tag that still makes no image tag isn't told twice", async () => {
  const scene = new Scene();
  scene.github.tag("v1+2", "A");
  await scene.push("v1+2");
  scene.tell(askAgain(scene));
  await scene.live();
  assert.equal(endOf(scene), "tag-unusable failure");
  assert.deepEqual([scene.store.rows.size, scene.github.checks.length], [1, 1]);
});
