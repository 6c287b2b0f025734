import assert from "node:assert/strict";
import { test } from "node:test";
import type { Repository } from "../../src/build/build.ts";
import type { OpenPulls } from "../../src/change/ports.ts";
import { newCheck, type PullJob, pullId } from "../../src/change/pull-check.ts";
import type { PullHappening } from "../../src/change/pull-happening.ts";
import { type PullRespondPorts, reconcilePulls, respondPull, stalePulls } from "../../src/change/pull-respond.ts";
import { couldNotLook, REPOSITORY } from "../build/world.ts";
import { PullMemory } from "./pull-store.ts";
import { commit } from "./pull-world.ts";

const HOUR = 3_600_000;
const OTHER: Repository = { ...REPOSITORY, id: 100, name: "lib" };
type Listed = Awaited<ReturnType<OpenPulls["listOpenPulls"]>>;

/** A store in memory, GitHub's lists of open pull requests, and what was asked of both. */
class Desk {
  time = Date.parse("2026-11-20T12:00:00Z");
  readonly store = new PullMemory(() => this.time);
  readonly lists = new Map<number, Listed | Error>();
  readonly listed: string[] = [];
  readonly failures: string[] = [];
  /** Who was asked about. */
  readonly people: string[] = [];
  private readonly now = () => new Date(this.time);

  /** A check that is as given. */
  async check(number: number, given: Partial<PullJob> = {}): Promise<PullJob> {
    const head = { commit: commit("a"), branch: "topic", repository: undefined };
    const of = { repository: REPOSITORY, number, head, base: { commit: commit("b"), branch: "main" } };
    const before = await this.store.readNewestCheck(REPOSITORY.id, number);
    const check = newCheck({ newId: () => `${number}-${this.store.rows.length}`, now: this.now }, of, before);
    await this.store.noteRepository(REPOSITORY);
    await this.store.beginCheck({ ...check, ...given });
    return { ...check, ...given };
  }

  ports(): PullRespondPorts {
    let ids = 0;
    const mayWrite = async (_: Repository, login: string) => {
      this.people.push(login);
      return login === "ada";
    };
    return { store: this.store, permissions: { mayWrite }, now: this.now, newId: () => `new-${++ids}` };
  }

  reconcile(): Promise<readonly string[]> {
    const listOpenPulls = async ({ id, name }: Repository) => {
      this.listed.push(name);
      const list = this.lists.get(id) ?? [];
      if (list instanceof Error) throw list;
      return list;
    };
    const onFailure = (what: string) => void this.failures.push(what);
    return reconcilePulls({ ...this.ports(), openPulls: { listOpenPulls }, onFailure });
  }

  respond(happening: PullHappening): Promise<readonly string[]> {
    return respondPull(this.ports(), happening);
  }
}

const listed = (number: number, head = "a", base = "main") => ({ number, head: commit(head), base });

test("open pull requests that nobody told of are found: new ones, and those with another head or base", async () => {
  const desk = new Desk();
  for (const number of [1, 2, 3]) await desk.check(number, { phase: "done" });
  desk.lists.set(REPOSITORY.id, [listed(1), listed(2, "c"), listed(3, "a", "v1"), listed(4)]);
  assert.deepEqual(
    await desk.reconcile(),
    [2, 3, 4].map((number) => pullId(REPOSITORY.id, number)),
  );
});

test("R2 one that was closed and opened again while nobody told counts again, and one that was broken off is judged", async () => {
  const desk = new Desk();
  await desk.check(1, { phase: "done" });
  await desk.check(2);
  for (const number of [1, 2, 3]) await desk.store.closePull(REPOSITORY, number);
  desk.lists.set(REPOSITORY.id, [listed(1), listed(2)]);
  assert.deepEqual(await desk.reconcile(), [pullId(REPOSITORY.id, 2)]);
  assert.equal(desk.store.closed.has(1), false);
  assert.equal(desk.store.closed.has(3), true);
  await desk.store.savePolicyState(REPOSITORY, "repository", "absent", undefined);
  assert.deepEqual(await stalePulls(desk.ports()), [pullId(REPOSITORY.id, 1)]);
});

test("a repository that can't be looked at keeps nobody from being looked at, and a fault of ours isn't hidden", async () => {
  const desk = new Desk();
  for (const repository of [REPOSITORY, OTHER]) await desk.store.noteRepository(repository);
  desk.lists.set(REPOSITORY.id, couldNotLook());
  desk.lists.set(OTHER.id, [listed(7)]);
  assert.deepEqual(await desk.reconcile(), [pullId(OTHER.id, 7)]);
  assert.deepEqual([desk.listed, desk.failures], [["app", "lib"], ["the pull requests of acme/app"]]);
  desk.lists.set(REPOSITORY.id, new TypeError("a fault of the program"));
  await assert.rejects(desk.reconcile(), TypeError);
});

test("repositories are listed once an hour, so many in a round", async () => {
  const desk = new Desk();
  const asked: unknown[] = [];
  desk.store.claimListings = async (...given: unknown[]) => {
    asked.push(given);
    return [];
  };
  assert.deepEqual(await desk.reconcile(), []);
  assert.deepEqual(asked, [[new Date(desk.time), new Date(desk.time - HOUR), 50]]);
});

test("so many pull requests of one installation are judged anew at once", async () => {
  const desk = new Desk();
  const asked: unknown[] = [];
  desk.store.listStalePulls = async (...given: unknown[]) => {
    asked.push(given);
    return ["99/1"];
  };
  assert.deepEqual(await stalePulls(desk.ports()), ["99/1"]);
  assert.deepEqual(asked, [[new Date(desk.time), 20]]);
});

test("check runs that aren't ours ask for nothing, and nobody is asked about", async () => {
  const desk = new Desk();
  await desk.check(1, { phase: "done", checkRun: 17 });
  for (const kind of ["pull-rerun-asked", "pins-asked"] as const) {
    assert.deepEqual(await desk.respond({ kind, repositoryId: REPOSITORY.id, checkRun: 18, by: "ada" }), []);
  }
  assert.deepEqual([desk.people, desk.store.rows.length], [[], 1]);
});

test("R33 whoever may not write asks for nothing; GitHub's own button asks nobody", async () => {
  const desk = new Desk();
  await desk.check(1, { phase: "done", checkRun: 17 });
  const asked = { kind: "pull-rerun-asked", repositoryId: REPOSITORY.id, checkRun: 17 } as const;
  for (const by of ["eve", ""]) assert.deepEqual(await desk.respond({ ...asked, by }), []);
  assert.deepEqual([desk.people, desk.store.rows.length], [["eve", ""], 1]);
  assert.deepEqual(await desk.respond({ ...asked, by: undefined }), [pullId(REPOSITORY.id, 1)]);
  assert.deepEqual([desk.people.length, desk.store.rows.length], [2, 2]);
});

test("a check run that has a newer one, or isn't done, was answered already or is about to be", async () => {
  const desk = new Desk();
  await desk.check(1, { phase: "done", checkRun: 17 });
  await desk.check(1, { phase: "done", checkRun: 18 });
  await desk.check(2, { checkRun: 19 });
  const asked = { kind: "pull-rerun-asked", repositoryId: REPOSITORY.id, by: undefined } as const;
  assert.deepEqual(await desk.respond({ ...asked, checkRun: 17 }), [pullId(REPOSITORY.id, 1)]);
  assert.deepEqual(await desk.respond({ ...asked, checkRun: 19 }), [pullId(REPOSITORY.id, 2)]);
  assert.equal(desk.store.rows.length, 3);
});
