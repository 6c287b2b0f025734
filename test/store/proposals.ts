import assert from "node:assert/strict";
import { test } from "node:test";
import { parseProposalWork, proposalWork } from "../../src/store/proposals.ts";
import { newRepository } from "./build-fixture.ts";
import type { SharedStore } from "./places.ts";

const NOW = new Date("2026-11-27T17:00:00Z");
const LATER = new Date("2026-11-27T18:00:00Z");

export function testProposals(shared: SharedStore): void {
  test("a proposal is kept by its repository's number, whoever uninstalls the app, and no write is lost", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const repository = newRepository();
    const { id } = repository;
    await store.rememberRepository(repository);
    assert.equal(await store.readProposal(id, "onboarding"), undefined);
    assert.equal(await store.saveProposal(id, "onboarding", { phase: "declined\0" }, 0, undefined), 1);
    await assert.rejects(store.saveProposal(id, "onboarding", {}, 0, undefined), { code: "lost-race" });
    assert.equal(await store.saveProposal(id, "pins", { phase: "x" }, 0, LATER), 1);
    await store.forgetInstallation(repository.installation);
    await store.rememberRepository({ ...repository, installation: repository.installation + 1 });
    assert.deepEqual(await store.readProposal(id, "onboarding"), { state: { phase: "declined\ufffd" }, version: 1 });
    assert.equal(await store.saveProposal(id, "onboarding", { phase: "done" }, 1, undefined), 2);
    assert.deepEqual(await (await scene.another()).readProposal(id, "onboarding"), {
      state: { phase: "done" },
      version: 2,
    });
  });

  test("a proposal is due that nobody has begun or whose time has come, where the app is", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const [fresh, timed, over, gone] = [newRepository(), newRepository(), newRepository(), newRepository()];
    for (const each of [fresh, timed, over, gone]) await store.rememberRepository(each);
    await store.saveProposal(timed.id, "pins", {}, 0, LATER);
    await store.saveProposal(over.id, "pins", {}, 0, undefined);
    await store.forgetRepository(gone.id);
    const due = async (now: Date) => {
      const ids = await store.listDueProposals("pins", now, 10_000);
      return [fresh, timed, over, gone].map(({ id }) => ids.includes(id));
    };
    assert.deepEqual(await due(NOW), [true, false, false, false]);
    assert.deepEqual(await due(LATER), [true, true, false, false]);
    assert.equal((await store.listDueProposals("pins", LATER, 1)).length, 1);
  });

  test("work on a proposal is done once for each wake, and again when its time comes", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const id = proposalWork("pins", newRepository().id);
    let runs = 0;
    await store.wake("proposal", id);
    const once = () => store.withLease("proposal", id, async () => void runs++);
    await once();
    await once();
    assert.equal(runs, 1);
    await store.wake("proposal", id, new Date(Date.now() + 3_600_000));
    await once();
    assert.equal(runs, 1);
    assert.deepEqual(parseProposalWork(id), { kind: "pins", repositoryId: Number(id.split("/")[1]) });
    for (const other of ["pins/0", "pins/1e3", "x/1", "pins/", "pins/12345678901234567"])
      assert.equal(parseProposalWork(other), undefined, other);
  });
}
