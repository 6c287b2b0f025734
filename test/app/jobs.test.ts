import assert from "node:assert/strict";
import { test } from "node:test";
import { handleDelivery, type JobPorts } from "../../src/app/jobs.ts";
import { createPullWork, type PullWork } from "../../src/app/pulls.ts";
import type { PolicyState, Repository } from "../../src/build/build.ts";
import type { PolicyText } from "../../src/build/ports.ts";
import { newCheck, type PullJob } from "../../src/change/pull-check.ts";
import type { StoredDelivery } from "../../src/store/deliveries.ts";
import { StoreError } from "../../src/store/error.ts";
import type { Store } from "../../src/store/store.ts";
import { MINUTE } from "../build/github.ts";
import { couldNotLook, PACE, REPOSITORY, Scene } from "../build/world.ts";
import { PullMemory } from "../change/pull-store.ts";

const OURS = {
  id: REPOSITORY.id,
  name: REPOSITORY.name,
  private: false,
  owner: { id: REPOSITORY.ownerId, login: REPOSITORY.owner },
};
const POLICY_PUSH = {
  ref: "refs/heads/main",
  before: "a".repeat(40),
  after: "b".repeat(40),
  deleted: false,
  forced: false,
  repository: { ...OURS, default_branch: "main" },
  installation: { id: REPOSITORY.installation },
  commits: [{ added: [], removed: [], modified: [".github/trusted-builds.yml"] }],
};
const COMMIT = "c".repeat(40);
const SUITE = { action: "rerequested", check_suite: { head_sha: COMMIT }, repository: OURS };
const OPENED = {
  action: "opened",
  number: 4,
  repository: OURS,
  installation: { id: REPOSITORY.installation },
};

/** The program's jobs on stores in memory: deliveries, builds and pull requests. */
class Office {
  readonly scene = new Scene();
  readonly pullStore = new PullMemory(() => this.scene.time);
  /** What is to be done, by kind and id. */
  readonly woken: string[] = [];
  readonly logged: string[] = [];
  /** What goes wrong with a method of the store, by its name. */
  readonly faults = new Map<string, Error>();
  /** What goes wrong with pull requests. */
  readonly pullFaults: { respond?: PullWork["respond"] } = {};
  pace: readonly number[] = PACE.retriesMs;
  delivery: StoredDelivery | undefined;
  until: Date | undefined;

  /** A build that is done under the policy there is. */
  async built(): Promise<string> {
    await this.scene.store.rememberRepository(REPOSITORY);
    await this.scene.push();
    const [build] = this.scene.store.builds;
    assert.ok(build?.phase === "done");
    return build.id;
  }

  /** A pull request whose check is done, by a policy that is another by now. */
  async judged(number = 4): Promise<PullJob> {
    const head = { commit: COMMIT, branch: "topic", repository: undefined };
    const base = { commit: "d".repeat(40), branch: "main" };
    const of = { repository: REPOSITORY, number, head, base };
    const check = newCheck({ newId: () => `check-${number}`, now: this.now }, of, undefined);
    await this.pullStore.noteRepository(REPOSITORY);
    await this.pullStore.beginCheck(check);
    const answersTo = { repository: "absent", organisation: undefined } as const;
    return this.pullStore.saveCheck({ ...check, phase: "done", checkRun: 70 + number, answersTo });
  }

  /** GitHub tells, or it is told again. */
  async tell(event: string, payload: unknown): Promise<void> {
    const { postponed = 0, receivedAt = this.now() } = this.delivery ?? {};
    this.delivery = { guid: "g", event, payload, receivedAt, finishedAt: undefined, postponed, reason: undefined };
    await handleDelivery(this.ports(), "g");
  }

  get isFinished(): boolean {
    return this.delivery?.finishedAt !== undefined;
  }

  private readonly now = () => new Date(this.scene.time);

  private ports(): JobPorts {
    const { scene, now } = this;
    const ports = scene.ports();
    const own = {
      readDelivery: async () => this.delivery,
      finishDelivery: async () => {
        if (this.delivery) this.delivery = { ...this.delivery, finishedAt: now() };
      },
      postponeDelivery: async (_: string, until: Date, reason: string) => {
        this.until = until;
        if (this.delivery) this.delivery = { ...this.delivery, postponed: this.delivery.postponed + 1, reason };
      },
      wake: async (kind: string, id: string) => void this.woken.push(`${kind} ${id}`),
      // Both see it.
      savePolicyState: async (...seen: [Repository, PolicyText["kind"], PolicyState, PolicyText | undefined]) => {
        await this.pullStore.savePolicyState(...seen);
        await ports.store.savePolicyState(...seen);
      },
    };
    const methods = new Proxy({} as Store, {
      get: (_, name) => {
        const fault = this.faults.get(String(name));
        if (fault !== undefined) return () => Promise.reject(fault);
        const target = name in own ? own : Reflect.has(scene.store, name) ? ports.store : this.pullStore;
        const method = Reflect.get(target, name) as (...given: unknown[]) => unknown;
        return method.bind(target);
      },
    });
    const clients = {
      octokitFor: () => Promise.reject(couldNotLook()),
      appOctokit: () => Promise.reject(couldNotLook()),
    };
    const config = { server: "https://github.com", publicUrl: undefined, retriesMs: [MINUTE] };
    const log = (_: object, message: string) => void this.logged.push(message);
    const pulls = createPullWork(config, clients, { ...ports, store: methods });
    return {
      ...ports,
      store: methods,
      pulls: { ...pulls, ...this.pullFaults },
      proposals: { now, renovateMs: 0 } as JobPorts["proposals"],
      pace: { ...PACE, retriesMs: this.pace },
      log: { info: log, warn: log, error: log },
    };
  }
}

test("R2 a push of policy reaches builds and pull requests", async () => {
  const office = new Office();
  const build = await office.built();
  await office.judged();
  office.scene.github.policy("repository", `version: 1\n# another\n`);
  await office.tell("push", POLICY_PUSH);
  assert.deepEqual(office.woken, [`build ${build}`, `pull ${REPOSITORY.id}/4`]);
  assert.equal(office.isFinished, true);
});

test("R2 where nobody can say which pull requests are stale, builds are judged anew, and the push is told again", async () => {
  const office = new Office();
  const build = await office.built();
  await office.judged();
  office.scene.github.policy("repository", "version: 1\n# another\n");
  office.faults.set("listStalePulls", new Error("no database"));
  await office.tell("push", POLICY_PUSH);
  assert.deepEqual(office.woken, [`build ${build}`]);
  assert.deepEqual([office.isFinished, office.delivery?.reason], [false, "no database"]);
  office.faults.clear();
  await office.tell("push", POLICY_PUSH);
  assert.deepEqual([office.woken.includes(`pull ${REPOSITORY.id}/4`), office.isFinished], [true, true]);
});

test("a suite that is asked for again reaches pull requests though builds can't be looked at; told again, once", async () => {
  const office = new Office();
  await office.judged();
  office.scene.time += MINUTE;
  office.faults.set("listBuildsOfCommit", couldNotLook());
  for (const told of [1, 2, 3]) {
    await office.tell("check_suite", SUITE);
    const begun = await office.pullStore.readNewestCheck(REPOSITORY.id, 4);
    assert.deepEqual([begun?.generation, office.isFinished, office.delivery?.postponed], [2, false, told]);
    // It is done before it is told again.
    assert.ok(begun);
    if (begun.phase !== "done") await office.pullStore.saveCheck({ ...begun, phase: "done" });
    office.scene.time += MINUTE;
  }
  office.faults.clear();
  await office.tell("check_suite", SUITE);
  assert.deepEqual(
    [(await office.pullStore.readNewestCheck(REPOSITORY.id, 4))?.generation, office.isFinished],
    [2, true],
  );
  office.delivery = undefined;
  await office.tell("check_suite", SUITE);
  assert.equal((await office.pullStore.readNewestCheck(REPOSITORY.id, 4))?.generation, 3, "asked once more");
});

test("a suite that is asked for again reaches builds though pull requests can't be looked at", async () => {
  const office = new Office();
  const build = await office.built();
  const commit = office.scene.store.builds[0]?.key.commit;
  const suite = { ...SUITE, check_suite: { head_sha: commit } };
  office.faults.set("listPullsOf", new StoreError("lost-race", "somebody was quicker"));
  office.pace = [5 * MINUTE];
  await office.tell("check_suite", suite);
  assert.deepEqual([office.woken, office.isFinished], [[`build ${build}`], false]);
  assert.deepEqual(office.until, new Date(office.scene.time + 5 * MINUTE));
});

test("what builds can't read of a delivery is read for pull requests all the same", async () => {
  const office = new Office();
  const { checkRun } = await office.judged();
  office.scene.time += MINUTE;
  await office.tell("check_run", {
    action: "rerequested",
    check_run: { id: checkRun, external_id: 7 },
    repository: OURS,
  });
  assert.deepEqual(office.woken, [`pull ${REPOSITORY.id}/4`]);
  assert.equal((await office.pullStore.readNewestCheck(REPOSITORY.id, 4))?.generation, 2);
  assert.deepEqual([office.isFinished, office.logged], [true, ["a delivery that can't be read is left"]]);
});

test("what one can't read isn't left while another couldn't look", async () => {
  const office = new Office();
  office.faults.set("findPullByCheckRun", couldNotLook());
  const payload = { action: "rerequested", check_run: { id: 7, external_id: 7 }, repository: OURS };
  await office.tell("check_run", payload);
  assert.deepEqual(
    [office.isFinished, office.delivery?.postponed, office.logged],
    [false, 1, ["a delivery is answered later"]],
  );
  office.faults.clear();
  await office.tell("check_run", payload);
  assert.equal(office.isFinished, true);
});

test("a fault of the program in one is told again after a minute, and the other is answered", async () => {
  const office = new Office();
  await office.judged();
  office.scene.time += MINUTE;
  office.faults.set("listBuildsOfCommit", new TypeError("a fault of the program"));
  office.pace = [5 * MINUTE];
  await office.tell("check_suite", SUITE);
  assert.deepEqual(office.woken, [`pull ${REPOSITORY.id}/4`]);
  assert.deepEqual(office.until, new Date(office.scene.time + MINUTE));
  office.until = undefined;
  office.faults.set("listPullsOf", couldNotLook());
  await office.tell("check_suite", SUITE);
  assert.deepEqual(office.until, new Date(office.scene.time + MINUTE), "a fault beside it is still one");
});

test("a pull request that is opened is noted and looked at; what pull requests can't read reaches proposals", async () => {
  const office = new Office();
  await office.tell("pull_request", OPENED);
  assert.deepEqual([office.woken, office.isFinished], [[`pull ${REPOSITORY.id}/4`], true]);
  assert.deepEqual(office.pullStore.repositories.get(REPOSITORY.id), REPOSITORY);
  const added = new Office();
  added.pullFaults.respond = () => Promise.reject(couldNotLook());
  const { id, name } = OURS;
  await added.tell("installation_repositories", {
    action: "added",
    installation: { id: REPOSITORY.installation, account: OURS.owner },
    repositories_added: [{ id, name, private: false }],
  });
  assert.deepEqual([added.woken, added.isFinished], [[`proposal onboarding/${id}`], false]);
});

test("R33 nobody's click counts while nobody can say whether they may write", async () => {
  const office = new Office();
  await office.built();
  const { checkRun } = await office.judged();
  const [build] = office.scene.store.builds;
  for (const id of [checkRun, build?.checkRun]) {
    office.delivery = undefined;
    const click = { requested_action: { identifier: "re-verify" }, sender: { login: "eve" } };
    await office.tell("check_run", { action: "requested_action", check_run: { id }, repository: OURS, ...click });
    assert.deepEqual([office.woken, office.isFinished], [[], false]);
  }
  assert.equal((await office.pullStore.readNewestCheck(REPOSITORY.id, 4))?.generation, 1);
});

test("R3 what is known of a repository stays, but that it is private now; that it is public isn't believed of a delivery", async () => {
  const office = new Office();
  const { store } = office.scene;
  await store.rememberRepository(REPOSITORY);
  await office.tell("repository", { action: "privatized", repository: { ...OURS, name: "an-old-name" } });
  assert.deepEqual(await store.readRepository(REPOSITORY.id), { ...REPOSITORY, isPrivate: true });
  await office.tell("repository", { action: "publicized", repository: OURS });
  assert.equal((await store.readRepository(REPOSITORY.id))?.isPrivate, true);
  await office.tell("repository", { action: "privatized", repository: { ...OURS, id: OURS.id + 1 } });
  assert.equal(await store.readRepository(OURS.id + 1), undefined);
});
