import assert from "node:assert/strict";
import { test } from "node:test";
import { advance } from "../../src/build/advance.ts";
import { reconcilePolicies } from "../../src/build/reconcile.ts";
import { digestOf } from "../../src/image/digest.ts";
import { BeyondLimit } from "../../src/trust/ports.ts";
import { commitOf } from "../trust/world.ts";
import { MINUTE } from "./github.ts";
import { askAgain } from "./paths.ts";
import { couldNotLook, policyText, REPOSITORY, Scene } from "./world.ts";

const HOUR = 60 * MINUTE;
const LOOSE = policyText();
/** Takes no word of the workflow that builds. */
const STRICT = policyText({ workflow: "w*" });

/** A scene with one image that is trusted. */
async function trusted(): Promise<Scene> {
  const scene = new Scene();
  await scene.push();
  assert.deepEqual(told(scene), ["success"]);
  return scene;
}

/** The policy is another; and GitHub tells so. */
async function changed(scene: Scene, text: string, kind: "repository" | "organisation" = "repository"): Promise<void> {
  scene.github.policy(kind, text);
  scene.tell({ kind: "policy-pushed", repository: REPOSITORY, kinds: [kind] });
  await scene.live();
}

/** Looks around, and lets the program live. @returns what it couldn't look at. */
async function look(scene: Scene): Promise<readonly string[]> {
  const failed: string[] = [];
  const ports = {
    ...scene.ports(),
    installations: { listInstallations: async () => [], listRepositories: async () => [] },
    deliveries: { listDeliveries: async () => ({ deliveries: [], next: undefined }), redeliver: async () => true },
    hasDelivery: async () => false,
    onFailure: (what: string) => failed.push(what),
  };
  for (const id of await reconcilePolicies(ports)) scene.store.work.set(id, scene.time);
  await scene.live();
  return failed;
}

/** What each check run ends with, the oldest first. */
function told({ github }: Scene): readonly (string | undefined)[] {
  return github.checks.map(({ writes }) => writes.at(-1)?.conclusion);
}

/** What each policy says in the newest round, and at which commit. */
function judgementsOf({ store }: Scene): readonly string[] {
  const build = store.builds.at(-1);
  const list = store.judgements.get(`${build?.id} ${build?.round}`) ?? [];
  return list.map(({ policy, verdict }) => `${policy.kind} ${policy.commit} ${verdict.outcome}`);
}

test("R2 a change of the repository's policy judges what was judged anew, under a check run of its own", async () => {
  const scene = await trusted();
  await changed(scene, STRICT);
  assert.deepEqual(told(scene), ["success", "failure"]);
  assert.deepEqual(judgementsOf(scene), [`repository ${commitOf(STRICT)} untrusted`]);
  assert.equal(scene.github.dispatched.length, 1);
  await changed(scene, LOOSE);
  assert.deepEqual(told(scene), ["success", "failure", "success"]);
});

test("R2 a change of the organisation's policy judges anew, and so does its first one", async () => {
  const scene = await trusted();
  await changed(scene, LOOSE, "organisation");
  await changed(scene, STRICT, "organisation");
  assert.deepEqual(told(scene), ["success", "success", "failure"]);
  assert.deepEqual(judgementsOf(scene), [
    `repository ${commitOf(LOOSE)} trusted`,
    `organisation ${commitOf(STRICT)} untrusted`,
  ]);
});

test("R2 a policy that says the same as before is no change, however often it is told", async () => {
  const scene = await trusted();
  await changed(scene, LOOSE);
  await changed(scene, LOOSE);
  assert.deepEqual(told(scene), ["success"]);
  await changed(scene, STRICT);
  await changed(scene, STRICT);
  assert.deepEqual(told(scene), ["success", "failure"]);
});

test("R2 a change that no event told of is found within the hour, once", async () => {
  const scene = await trusted();
  scene.github.policy("repository", STRICT);
  scene.time += HOUR + MINUTE;
  await look(scene);
  await look(scene);
  assert.deepEqual(told(scene), ["success", "failure"]);
});

test("policies that were looked at a moment ago aren't asked for again", async () => {
  const scene = await trusted();
  scene.time += HOUR + MINUTE;
  await look(scene);
  scene.calls = [];
  await look(scene);
  assert.deepEqual(
    scene.calls.filter((name) => name.startsWith("policies.")),
    [],
  );
});

test("R2 a change while the image is built counts once it is judged", async () => {
  const scene = new Scene();
  scene.tell(scene.pushed());
  await scene.live(scene.time);
  await changed(scene, STRICT);
  assert.deepEqual(told(scene), ["success", "failure"]);
});

test("R2 a policy that can't be used any more fails without a verdict, and passes again once it is mended", async () => {
  const scene = await trusted();
  await changed(scene, "version: 7\n");
  assert.deepEqual(told(scene), ["success", "failure"]);
  assert.equal(scene.store.builds[0]?.outcome?.kind, "policy-wrong");
  assert.deepEqual(judgementsOf(scene), []);
  await changed(scene, LOOSE);
  assert.deepEqual(told(scene), ["success", "failure", "success"]);
});

test("R2 a policy that is taken away leaves no verdict, and never none to be judged by", async () => {
  const scene = await trusted();
  scene.github.repositoryPolicy = undefined;
  scene.tell({ kind: "policy-pushed", repository: REPOSITORY, kinds: ["repository"] });
  await scene.live();
  assert.deepEqual(told(scene), ["success", "failure"]);
  assert.equal(scene.store.builds[0]?.outcome?.kind, "policy-wrong");
  await look(scene);
  assert.equal(told(scene).length, 2);
});

test("R2 a change that can't be looked at judges nothing, and is looked at again", async () => {
  const scene = await trusted();
  const end = scene.time + 3 * MINUTE;
  scene.failure = (_, name) =>
    name === "policies.readRepositoryPolicy" && scene.time < end
      ? { when: "before", error: couldNotLook() }
      : undefined;
  scene.github.policy("repository", STRICT);
  scene.tell({ kind: "policy-pushed", repository: REPOSITORY, kinds: ["repository"] });
  await scene.live(end - 1);
  assert.deepEqual(told(scene), ["success"]);
  await scene.live();
  assert.deepEqual(told(scene), ["success", "failure"]);
});

test("R2 where the policy is hidden when it is judged by, the image is undetermined, and that once", async () => {
  const scene = await trusted();
  scene.github.policy("repository", STRICT);
  scene.tell({ kind: "policy-pushed", repository: REPOSITORY, kinds: ["repository"] });
  let asked = 0;
  scene.failure = (_, name) =>
    name === "policies.readRepositoryPolicy" && asked++ > 0 ? { when: "before", error: couldNotLook() } : undefined;
  await scene.live();
  await look(scene);
  assert.deepEqual(told(scene), ["success", "action_required"]);
});

test("a policy that can't be read keeps nobody from looking at the others", async () => {
  const scene = await trusted();
  scene.failure = (_, name) =>
    name === "policies.readRepositoryPolicy" ? { when: "before", error: couldNotLook() } : undefined;
  scene.github.policy("organisation", STRICT);
  scene.time += HOUR + MINUTE;
  assert.deepEqual(await look(scene), ["the policy of acme/app"]);
  assert.equal(scene.store.policyStates.get("organisation"), scene.store.builds[0]?.answersTo.organisation);
});

test("R2 only the newest build of a tag is judged anew: what stands under the tag is its image", async () => {
  const scene = await trusted();
  scene.github.tag("v1.0.0", "B");
  await scene.push("v1.0.0", commitOf("A"));
  const before = scene.store.builds.map(({ round }) => round);
  await changed(scene, STRICT);
  assert.deepEqual(
    scene.store.builds.map(({ round }, i) => round - (before[i] ?? 0)),
    [0, 1],
  );
});

test("R2 many builds are judged anew in turns, the newest first", async () => {
  const scene = new Scene();
  for (let i = 0; i < 22; i++) {
    scene.github.tag(`v2.0.${i}`, "A");
    scene.tell(scene.pushed(`v2.0.${i}`));
  }
  await scene.live();
  await changed(scene, STRICT);
  const rounds = () => scene.store.builds.map(({ round }) => round);
  assert.deepEqual(rounds(), [1, 1, ...Array(20).fill(2)]);
  await look(scene);
  assert.deepEqual(rounds(), Array(22).fill(2));
});

test("R12 R27 a revocation that is added to the policy turns what was trusted", async () => {
  const scene = await trusted();
  const [build] = scene.store.builds;
  const trust = `  revoked:\n    - { digest: "${build?.digest}", reason: "the key was stolen" }\n`;
  await changed(scene, policyText({ trust }));
  assert.deepEqual(told(scene), ["success", "failure"]);
  const judged = scene.store.judgements.get(`${build?.id} 2`) ?? [];
  assert.deepEqual(
    judged.flatMap(({ verdict }) => verdict.faults.map(({ code }) => code)),
    ["revoked"],
  );
});

test("R9 a policy that asks for other builds by now takes back none that was built as asked", async () => {
  const scene = await trusted();
  await changed(scene, policyText({ builds: "  - image: ghcr.io/acme/app\n    dockerfile: other/Dockerfile" }));
  await changed(scene, policyText({ builds: "  - image: ghcr.io/acme/elsewhere" }));
  assert.deepEqual(told(scene), ["success", "success", "success"]);
});

test("R9 asked for again, an image is held to the request that it was built by", async () => {
  const scene = new Scene();
  const asks = policyText({ builds: "  - image: ghcr.io/acme/app\n    dockerfile: other/Dockerfile" });
  scene.github.policy("repository", asks);
  await scene.push();
  assert.deepEqual(told(scene), ["failure"]);
  await changed(scene, LOOSE);
  assert.deepEqual(told(scene), ["failure", "failure"]);
});

test("R14 a root that expires turns what rests on it, and nothing is judged before or twice", async () => {
  const scene = new Scene();
  const base = scene.images.build("base", { signed: "nothing" });
  scene.github.work = (run) => scene.leave(run, { base });
  const root = `    - { image: "ghcr.io/acme/base@${base.image.digest}", reason: known, expires: 2026-11-22 }`;
  scene.github.policy("repository", policyText({ trust: `  roots:\n${root}\n` }));
  await scene.push();
  assert.deepEqual(told(scene), ["success"]);
  assert.equal(scene.store.builds[0]?.validUntil?.toISOString(), "2026-11-23T00:00:00.000Z");
  scene.time = Date.parse("2026-11-22T23:59:59Z");
  await look(scene);
  assert.deepEqual(told(scene), ["success"]);
  scene.time = Date.parse("2026-11-23T00:00:00Z");
  await look(scene);
  await look(scene);
  assert.deepEqual(told(scene), ["success", "failure"]);
  assert.equal(scene.store.builds[0]?.validUntil, undefined);
});

test("R2 asked for again, an image is judged by the repository's policy as it is by then", async () => {
  const scene = await trusted();
  scene.github.policy("repository", STRICT);
  scene.tell(askAgain(scene));
  await scene.live();
  await look(scene);
  assert.deepEqual(told(scene), ["success", "failure"]);
});

test("R2 a policy that grew beyond what is read fails without a verdict, once", async () => {
  const scene = await trusted();
  scene.github.repositoryPolicy = new BeyondLimit("above 256 KiB");
  scene.tell({ kind: "policy-pushed", repository: REPOSITORY, kinds: ["repository"] });
  await scene.live();
  await look(scene);
  assert.deepEqual(told(scene), ["success", "failure"]);
  assert.equal(scene.store.builds[0]?.outcome?.kind, "policy-wrong");
});

test("a build that is never up to date is told to be a fault, and doesn't write to GitHub for ever", async () => {
  const scene = await trusted();
  let looks = 0;
  scene.store.readPolicyStates = async () => ({
    repository: digestOf(Buffer.from(String(looks++))),
    organisation: undefined,
  });
  await assert.rejects(advance(scene.ports(), scene.store.builds[0]?.id ?? ""), /judged anew 9 times in a row/);
  assert.equal(told(scene).length, 9);
});
