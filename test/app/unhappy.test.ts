import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, test } from "node:test";
import { build, rootfs } from "../world/build.ts";
import type { CheckRun } from "../world/github/check-runs.ts";
import { testRepository } from "../world/registry.ts";
import { type Toolchain, toolchain } from "../world/toolchain.ts";
import { policyText, type Scene, startScene } from "./scene.ts";

const INDEX = "application/vnd.oci.image.index.v1+json";

let started: Promise<Scene> | undefined;
const sceneOf = (world: Toolchain): Promise<Scene> => {
  started ??= startScene({ toolchain: world });
  return started;
};
after(async () => (await started)?.close());

const textOf = ({ output }: CheckRun): string => `${output.title}\n${output.summary}\n${output.text}`;

/** Content of its own for each image, so that none is another's by its digest. */
async function fromScratch(world: Toolchain, name: string): Promise<Readonly<Record<string, string | Uint8Array>>> {
  return {
    Dockerfile: "FROM scratch\nADD rootfs.tar.gz /\nCOPY name /name\n",
    "rootfs.tar.gz": await rootfs(world),
    name: `${randomUUID()} ${name}\n`,
  };
}

test("a base that was pushed by hand makes what is built on it untrusted, and is named with the path to it", async (t) => {
  const world = await toolchain(t);
  if (world === undefined) return;
  const scene = await sceneOf(world);
  const source = await scene.github.repository("acme/hand", { files: await fromScratch(world, "hand") });
  await build({
    toolchain: world,
    image: `${scene.image("hand")}:v1`,
    source: { url: `${scene.github.url}/acme/hand.git`, commit: source },
  });
  await scene.repository("middle", { Dockerfile: `FROM ${scene.image("hand")}:v1\nRUN echo middle > /middle\n` });
  await scene.github.tag("acme/middle", "v1.0.0");
  assert.equal((await scene.checkRun("middle")).conclusion, "failure");

  await scene.repository("top", { Dockerfile: `FROM ${scene.image("middle")}:v1.0.0\nRUN echo top > /top\n` });
  await scene.github.tag("acme/top", "v1.0.0");
  const checkRun = await scene.checkRun("top");
  assert.equal(checkRun.conclusion, "failure");
  assert.match(textOf(checkRun), /unattested/);
  assert.match(textOf(checkRun), /top:v1\.0\.0.*→ base .*middle:v1\.0\.0.*→ base .*hand:v1/);
  assert.match(textOf(checkRun), /mend/);
});

test("R7: a builder that policy doesn't name is refused, and said by whom it was signed", async (t) => {
  const world = await toolchain(t);
  if (world === undefined) return;
  const scene = await sceneOf(world);
  const workflow = "acme/builder/.github/workflows/other.yml@refs/tags/v*";
  await scene.repository(
    "other-builder",
    await fromScratch(world, "other-builder"),
    policyText(scene, "other-builder", { workflow }),
  );
  await scene.github.tag("acme/other-builder", "v1.0.0");
  const checkRun = await scene.checkRun("other-builder");
  assert.equal(checkRun.conclusion, "failure");
  assert.match(textOf(checkRun), /`workflow`/);
  assert.match(textOf(checkRun), /trusted-builds\/\.github\/workflows\/build\.yml@refs\/tags\/v1/);
});

test("R9: another run's image under the tag is refused, though an accepted builder signed it", async (t) => {
  const world = await toolchain(t);
  if (world === undefined) return;
  const scene = await sceneOf(world);
  await scene.repository("swapped", await fromScratch(world, "swapped"));
  await scene.github.tag("acme/swapped", "v1.0.0");
  assert.equal((await scene.checkRun("swapped")).conclusion, "success");

  const store = testRepository(world, scene.image("swapped"));
  const old = await store.readManifest("v1.0.0");
  assert.ok(old);
  scene.runner?.next(async ({ runAction }) => {
    const { code } = await runAction();
    await store.writeManifest(old, INDEX, "v1.0.1");
    return code === 0 ? "success" : "failure";
  });
  await scene.github.commit("acme/swapped", { name: "newer\n" });
  await scene.github.tag("acme/swapped", "v1.0.1");
  const second = await scene.checkRun(
    "swapped",
    ({ status }) => status === "completed" && scene.github.checkRuns("acme/swapped").length === 2,
  );
  assert.equal(second.conclusion, "failure");
  assert.match(textOf(second), /`other-run`/);
});

test("a build that fails is a failure, with the end of its log", async (t) => {
  const world = await toolchain(t);
  if (world === undefined) return;
  const scene = await sceneOf(world);
  await scene.repository("broken", { Dockerfile: "FROM scratch\nCOPY no-such-file /\n" });
  await scene.github.tag("acme/broken", "v1.0.0");
  const checkRun = await scene.checkRun("broken");
  assert.equal(checkRun.conclusion, "failure");
  assert.match(textOf(checkRun), /no-such-file/);
  assert.match(textOf(checkRun), /not found/);
});

test("a policy that doesn't parse is a failure with line and column, and nothing is built", async (t) => {
  const world = await toolchain(t);
  if (world === undefined) return;
  const scene = await sceneOf(world);
  await scene.repository(
    "wrong-policy",
    await fromScratch(world, "wrong-policy"),
    "version: 1\nbuilds:\n  - image: acme/app:latest\ntrust:\n  bilders: []\n",
  );
  await scene.github.tag("acme/wrong-policy", "v1.0.0");
  const checkRun = await scene.checkRun("wrong-policy");
  assert.equal(checkRun.conclusion, "failure");
  assert.match(textOf(checkRun), /\| 3 \| 12 \| `builds\[0\]\.image` \|/);
  assert.match(textOf(checkRun), /\| 5 \| 3 \|/);
  assert.match(textOf(checkRun), /bilders/);
  assert.deepEqual(scene.github.runs("acme/wrong-policy"), []);
});

test("a tag without the workflow file is a failure that says where it is missing", async (t) => {
  const world = await toolchain(t);
  if (world === undefined) return;
  const scene = await sceneOf(world);
  const files = await fromScratch(world, "no-workflow");
  const old = await scene.github.repository("acme/no-workflow", { files });
  await scene.github.commit("acme/no-workflow", {
    ".github/trusted-builds.yml": policyText(scene, "no-workflow"),
    ".github/workflows/trusted-builds.yml": "on: workflow_dispatch\n",
  });
  await scene.github.tag("acme/no-workflow", "v1.0.0", { commit: old });
  const checkRun = await scene.checkRun("no-workflow");
  assert.equal(checkRun.conclusion, "failure");
  assert.match(textOf(checkRun), /no .*workflows\/trusted-builds\.yml.* at .*refs\/tags\/v1\.0\.0/);
  assert.deepEqual(scene.github.runs("acme/no-workflow"), []);
});

test("a cancelled run is cancelled, and a re-run of it is judged anew under a check run of its own", async (t) => {
  const world = await toolchain(t);
  if (world === undefined) return;
  const scene = await sceneOf(world);
  const { github } = scene;
  scene.runner?.next(
    ({ signal }) => new Promise((resolve) => signal.addEventListener("abort", () => resolve("failure"))),
  );
  await scene.repository("cancelled", await fromScratch(world, "cancelled"));
  await github.tag("acme/cancelled", "v1.0.0");
  await scene.checkRun("cancelled", ({ status }) => status === "in_progress");
  const [run] = github.runs("acme/cancelled");
  github.cancelRun("acme/cancelled", run?.id ?? 0);
  assert.equal((await scene.checkRun("cancelled")).conclusion, "cancelled");

  github.rerunRun("acme/cancelled", run?.id ?? 0);
  const again = await scene.checkRun("cancelled", ({ conclusion }) => conclusion === "success");
  assert.match(textOf(again), /attempt 2/);
  assert.deepEqual(
    github.checkRuns("acme/cancelled").map(({ conclusion }) => conclusion),
    ["cancelled", "success"],
  );
});

test('"re-run" on the check run of a failed build starts the workflow again, and on a verdict judges again', async (t) => {
  const world = await toolchain(t);
  if (world === undefined) return;
  const scene = await sceneOf(world);
  const { github } = scene;
  scene.runner?.next(async ({ log }) => {
    log("the line went dead");
    return "failure";
  });
  await scene.repository("again", await fromScratch(world, "again"));
  await github.tag("acme/again", "v1.0.0");
  const failed = await scene.checkRun("again");
  assert.match(textOf(failed), /the line went dead/);
  await github.rerequest(failed.id);
  const built = await scene.checkRun("again", ({ conclusion }) => conclusion === "success");
  assert.equal(github.runs("acme/again").length, 1);

  await github.rerequest(built.id);
  const judged = await scene.checkRun("again", ({ id, conclusion }) => id !== built.id && conclusion === "success");
  assert.notEqual(judged.id, built.id);
  assert.deepEqual(scene.github.violations, []);
});
