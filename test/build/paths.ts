import assert from "node:assert/strict";
import { externalId } from "../../src/build/build.ts";
import { BeyondLimit } from "../../src/trust/ports.ts";
import { MINUTE, type StoredRun } from "./github.ts";
import { couldNotLook, policyText, type Scene, ZEROS } from "./world.ts";

/** One way that a build can go. */
export interface Path {
  readonly name: string;
  readonly arrange?: (scene: Scene) => void;
  /** What cannot be looked at, from the start of the path. */
  readonly outage?: (scene: Scene, call: string) => Error | undefined;
  /** What happens in the world; a push, if it isn't said. */
  readonly happens?: (scene: Scene) => Promise<void>;
  /** Of each check run, in their order. */
  readonly ends: readonly string[];
  readonly dispatches: number;
}

const T0 = Date.parse("2026-11-20T12:00:00Z");
const since = (scene: Scene, minutes: number) => scene.time < T0 + minutes * MINUTE;

/** Every kind of way, from a push to a check run that says how it ended. */
export const PATHS: readonly Path[] = [
  { name: "a trusted image", ends: ["success verdict"], dispatches: 1 },
  {
    name: "an image of another run under the tag",
    arrange: (scene) => {
      scene.github.work = (run) => scene.leave({ ...run, id: run.id + 1 });
    },
    ends: ["failure verdict"],
    dispatches: 1,
  },
  {
    name: "a run that leaves no image",
    arrange: (scene) => {
      scene.github.work = () => {};
    },
    ends: ["failure verdict"],
    dispatches: 1,
  },
  { name: "a build that fails", arrange: conclusions("failure"), ends: ["failure build-failed"], dispatches: 1 },
  {
    name: "a build that fails, with a log that can't be read",
    arrange: conclusions("failure"),
    outage: (_, call) => (call === "workflows.readFailureLog" ? couldNotLook() : undefined),
    ends: ["failure build-failed"],
    dispatches: 1,
  },
  { name: "a run that is cancelled", arrange: conclusions("cancelled"), ends: ["cancelled cancelled"], dispatches: 1 },
  {
    name: "a run that is deleted",
    arrange: (scene) => {
      scene.github.work = (run: StoredRun) => void scene.github.runs.splice(scene.github.runs.indexOf(run), 1);
    },
    ends: ["failure build-failed"],
    dispatches: 1,
  },
  {
    name: "a workflow that isn't at the tag",
    arrange: (scene) => {
      scene.github.workflowAt = ["trusted-builds.yml default-branch"];
    },
    ends: ["failure no-workflow"],
    dispatches: 0,
  },
  {
    name: "a dispatch that is refused",
    arrange: (scene) => {
      scene.github.refusal = "422: no workflow_dispatch";
    },
    ends: ["failure no-workflow"],
    dispatches: 0,
  },
  {
    name: "a server that doesn't say which run it started, and lists it late",
    arrange: (scene) => {
      scene.github.isGhes = true;
      scene.github.listingMs = 2 * MINUTE;
    },
    ends: ["success verdict"],
    dispatches: 1,
  },
  {
    name: "a policy that can't be used",
    arrange: (scene) => scene.github.policy("repository", "version: 1\nbuilds: nothing\n"),
    ends: ["failure policy-wrong"],
    dispatches: 0,
  },
  {
    name: "a policy that is too large",
    arrange: (scene) => {
      scene.github.repositoryPolicy = new BeyondLimit("the policy has more than 262144 bytes");
    },
    ends: ["failure policy-wrong"],
    dispatches: 0,
  },
  {
    name: "a git tag that makes no image tag",
    arrange: (scene) => scene.github.tag("v1+2", "A"),
    happens: (scene) => scene.push("v1+2"),
    ends: ["failure tag-unusable"],
    dispatches: 0,
  },
  {
    name: "a registry that comes back",
    outage: (scene, call) =>
      call === "registry.resolve" && since(scene, 8) ? couldNotLook("server-error") : undefined,
    ends: ["success verdict"],
    dispatches: 1,
  },
  {
    name: "a registry that never comes back",
    outage: (_, call) => (call === "registry.resolve" ? couldNotLook() : undefined),
    ends: ["action_required undetermined"],
    dispatches: 1,
  },
  {
    name: "an organisation whose policy is unknown until the image is judged",
    arrange: (scene) => scene.github.policy("organisation", policyText()),
    outage: (scene, call) =>
      call === "policies.readOrganisationPolicy" && scene.github.runs[0]?.isEnded !== true
        ? couldNotLook("not-found-unproven")
        : undefined,
    ends: ["success verdict"],
    dispatches: 1,
  },
  {
    name: "an organisation whose policy turns out wrong when the image is judged",
    arrange: (scene) => scene.github.policy("organisation", "version: 2\n"),
    outage: (scene, call) =>
      call === "policies.readOrganisationPolicy" && scene.github.runs[0]?.isEnded !== true
        ? couldNotLook("not-found-unproven")
        : undefined,
    ends: ["failure policy-wrong"],
    dispatches: 1,
  },
  {
    name: "two images of one tag",
    arrange: (scene) =>
      scene.github.policy(
        "repository",
        policyText({
          builds: "  - image: ghcr.io/acme/app\n  - image: ghcr.io/acme/app-tools\n    dockerfile: Dockerfile",
        })
          .replace('["ghcr.io/acme/{repo}"]', '["ghcr.io/acme/*"]')
          .replace('"acme/{repo}"', '"acme/app"'),
      ),
    ends: ["success verdict", "success verdict"],
    dispatches: 2,
  },
  {
    name: "a run that is started again after it failed",
    arrange: conclusions("failure"),
    happens: async (scene) => {
      await scene.push();
      const [run] = scene.github.runs;
      assert.ok(run);
      scene.github.restart(run);
      scene.tell({ kind: "run-changed", repositoryId: 99, runId: run.id, title: run.title });
      await scene.live();
    },
    ends: ["failure build-failed", "success verdict"],
    dispatches: 1,
  },
  {
    name: "a check run that is asked for again after the run failed",
    arrange: conclusions("failure", "success"),
    happens: async (scene) => {
      await scene.push();
      scene.tell(askAgain(scene));
      await scene.live();
    },
    ends: ["failure build-failed", "success verdict"],
    dispatches: 1,
  },
  {
    name: "a check run that is asked for again after the registry came back",
    outage: (scene, call) => (call === "registry.resolve" && since(scene, 120) ? couldNotLook() : undefined),
    happens: async (scene) => {
      await scene.push();
      scene.time = T0 + 200 * MINUTE;
      scene.tell(askAgain(scene));
      await scene.live();
    },
    ends: ["action_required undetermined", "success verdict"],
    dispatches: 1,
  },
  {
    name: "a tag that moves after its build",
    happens: async (scene) => {
      await scene.push();
      const before = scene.pushed();
      assert.ok(before.kind === "tag-pushed");
      scene.github.tag("v1.0.0", "B");
      await scene.push("v1.0.0", before.push.after);
    },
    ends: ["success verdict", "success verdict", "failure verdict"],
    dispatches: 2,
  },
  {
    name: "a tag that is deleted after its build",
    happens: async (scene) => {
      await scene.push();
      scene.github.tags.clear();
      await scene.push("v1.0.0", ZEROS);
    },
    ends: ["success verdict"],
    dispatches: 1,
  },
];

function conclusions(...list: string[]): (scene: Scene) => void {
  return (scene) => {
    scene.github.conclusions = list;
  };
}

/** Someone clicks "re-run" on the newest check run. */
export function askAgain(scene: Scene, index = -1) {
  const check = scene.github.checks.at(index);
  assert.ok(check);
  const { id: checkRun, externalId } = check;
  return { kind: "check-rerun-asked", repositoryId: 99, checkRun, externalId } as const;
}

/** Walks a path. */
export async function follow(scene: Scene, path: Path): Promise<void> {
  path.arrange?.(scene);
  await (path.happens ?? ((each: Scene) => each.push()))(scene);
}

/** What is left in the end, without what depends on chance or on how long it took: ids and digests are counted as they come. */
export function outcomeOf(scene: Scene): unknown {
  const builds = scene.store.builds.map(({ key, phase, outcome, round, run, digest, failures, waiting }) => ({
    ...{ key, phase, outcome, round, run, digest, failures, waiting },
  }));
  const checks = scene.github.checks.map(({ name, commit, writes }) => ({ name, commit, says: writes.at(-1) }));
  const inOrder = checks.sort((a, b) => compare(a.name + a.commit, b.name + b.commit));
  const counted: string[] = [];
  const text = JSON.stringify({ builds, checks: inOrder }).replace(/\b(?:10[0-9]{2}|sha256:[0-9a-f]{64})\b/g, (id) => {
    if (!counted.includes(id)) counted.push(id);
    return id.startsWith("10") ? `${2000 + counted.indexOf(id)}` : `digest ${counted.indexOf(id)}`;
  });
  return JSON.parse(text);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** What may never be seen on GitHub, however often the program was killed. */
export function assertOnce(scene: Scene, path: Path): void {
  const { checks, dispatched } = scene.github;
  const told = checks.map(({ writes }) => `${writes.at(-1)?.conclusion} ${writes.at(-1)?.title}`);
  assert.deepEqual(told.sort(), [...path.ends].sort());
  assert.equal(dispatched.length, path.dispatches);
  for (const { externalId: id, writes } of checks) {
    assert.equal(checks.filter((each) => each.externalId === id).length, 1, `${id} has one check run`);
    assert.equal(writes.filter(({ status }) => status === "completed").length, 1, `${id} is completed once`);
    assert.equal(writes.at(-1)?.status, "completed", `${id} stays completed`);
    const texts = writes.map((each) => JSON.stringify(each));
    assert.ok(
      texts.every((text, i) => text !== texts[i - 1]),
      `${id} says nothing twice`,
    );
  }
  for (const build of scene.store.builds) {
    assert.equal(build.phase, "done");
    assert.equal(checks.find(({ id }) => id === build.checkRun)?.externalId, externalId(build));
  }
  assert.deepEqual([...scene.store.work.keys()], []);
}
