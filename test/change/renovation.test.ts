import assert from "node:assert/strict";
import { test } from "node:test";
import { parsePins } from "../../src/change/pins-state.ts";
import { advancePins, nextTurn, PINS_BRANCH, PINS_CHECK } from "../../src/change/renovation.ts";
import { CouldNotLook } from "../../src/trust/ports.ts";
import type { JudgedNode } from "../../src/trust/verdict.ts";
import { signerOf } from "../trust/world.ts";
import { ACME, Crash, DAY, digestFor, LATIN1, ProposalScene, type Repo } from "./proposal-world.ts";

const BASE = "ghcr.io/acme/base";
const OTHER = "ghcr.io/acme/other";
const [OLD, NEW, NEWER] = [digestFor("old"), digestFor("new"), digestFor("newer")];
const POLICY = "version: 1\nbuilds:\n  - { image: ghcr.io/acme/app }\n  - { image: ghcr.io/acme/api, context: api }\n";

/** A repository that pins two bases, and tags that lead elsewhere by now. */
function scene(policy = POLICY): { readonly scene: ProposalScene; readonly repo: Repo } {
  const scene = new ProposalScene();
  const repo = scene.add({
    ".github/trusted-builds.yml": policy,
    Dockerfile: `# kept \u00e9\nFROM ${BASE}:1@${OLD}\r\n`.replace("\r", ""),
    "api/Dockerfile": `FROM ${OTHER}:1@${OLD}\n`,
  });
  scene.imageTags.set(`${BASE}:1`, NEW);
  scene.imageTags.set(`${OTHER}:1`, OLD);
  return { scene, repo };
}

const stateOf = (scene: ProposalScene) => parsePins(scene.rows.get(`pins ${ACME.id}`)?.state);
const dockerfile = (repo: Repo, branch = PINS_BRANCH) => repo.file(branch, "Dockerfile");

test("where a tag has moved to a digest that is trusted, one pull request moves the pin, with both verdicts", async () => {
  const { scene: at, repo } = scene();
  at.outcomes.set(OLD, "untrusted");
  const due = await at.run("pins");
  assert.equal(dockerfile(repo), `# kept \u00e9\nFROM ${BASE}:1@${NEW}\n`);
  assert.equal(repo.file(PINS_BRANCH, "api/Dockerfile"), `FROM ${OTHER}:1@${OLD}\n`);
  const [pull, ...others] = repo.pulls;
  assert.deepEqual([others, repo.checks], [[], []]);
  assert.match(pull?.body ?? "", /`ghcr\.io\/acme\/app` \| the repository \| untrusted \| \*\*trusted\*\*/);
  assert.ok(due !== undefined && due.getTime() > at.time && due.getTime() <= at.time + DAY);
  // Nothing new: nothing is written.
  const writes = at.writes.length;
  at.time = due.getTime();
  await at.run("pins");
  assert.equal(at.writes.length, writes);
});

test("a newer digest that isn't trusted, or couldn't be looked at, is not proposed, and the check run on the head says so once", async () => {
  for (const outcome of ["untrusted", "undetermined"] as const) {
    const { scene: at, repo } = scene();
    at.outcomes.set(NEW, outcome);
    await at.run("pins");
    await at.run("pins");
    assert.deepEqual([repo.pulls, [...repo.branches.keys()]], [[], ["main"]]);
    assert.deepEqual(
      repo.checks.map(({ name, commit, title }) => [name, commit, title]),
      [[PINS_CHECK, repo.branches.get("main"), "1 newer digest not proposed"]],
    );
  }
});

test("R2 what the organisation's policy doesn't trust is not proposed either", async () => {
  const { scene: at, repo } = scene();
  at.organisation.set(ACME.ownerId, "version: 1\n");
  at.outcomes.set(`organisation ${NEW}`, "untrusted");
  await at.run("pins");
  assert.deepEqual([repo.pulls.length, repo.checks.length], [0, 1]);
  at.outcomes.clear();
  await at.run("pins");
  assert.match(repo.pulls[0]?.body ?? "", /the organisation \| trusted \| \*\*trusted\*\*/);
});

test("of several pins those move that are trusted, and the others are told in the same pull request", async () => {
  const { scene: at, repo } = scene();
  at.imageTags.set(`${OTHER}:1`, NEWER);
  at.outcomes.set(NEWER, "untrusted");
  await at.run("pins");
  assert.equal(repo.file(PINS_BRANCH, "api/Dockerfile"), `FROM ${OTHER}:1@${OLD}\n`);
  assert.match(dockerfile(repo) ?? "", new RegExp(NEW));
  assert.match(repo.pulls[0]?.body ?? "", new RegExp(`Not proposed:[^]*${NEWER}`));
  assert.equal(repo.checks.length, 1);
});

test("R19 R18 a newer digest that nobody judged, or that no build shows, is not proposed", async () => {
  for (const set of ["unjudged", "unseen"] as const) {
    const { scene: at, repo } = scene();
    at[set].add(NEW);
    await at.run("pins");
    assert.deepEqual([repo.pulls, repo.checks.length], [[], 1], set);
  }
});

test("R26 a digest that was signed before the pinned one is not proposed, though it is trusted", async () => {
  const node = (id: string, time: string): JudgedNode => {
    const identity = signerOf("base", { sourceRepositoryDigest: digestFor(id).slice(7, 47) });
    const by = { identity, found: { verified: { times: [new Date(time)] } } };
    return {
      id,
      digest: digestFor(id),
      platform: { os: "linux", architecture: "amd64" },
      finding: { kind: "attested" },
      provenances: [{ record: {}, by }],
    } as unknown as JudgedNode;
  };
  for (const [signed, count] of [
    ["2026-01-01", 0],
    ["2026-03-01", 1],
  ] as const) {
    const { scene: at, repo } = scene();
    at.nodes.set(OLD, [node("old", "2026-02-01")]);
    at.nodes.set(NEW, [node("new", signed)]);
    await at.run("pins");
    assert.equal(repo.pulls.length, count, signed);
  }
});

test("a newer digest still becomes a commit on top of ours, in the same pull request", async () => {
  const { scene: at, repo } = scene();
  await at.run("pins");
  const first = repo.branches.get(PINS_BRANCH);
  at.imageTags.set(`${BASE}:1`, NEWER);
  await at.run("pins");
  assert.match(dockerfile(repo) ?? "", new RegExp(NEWER));
  assert.notEqual(repo.branches.get(PINS_BRANCH), first);
  assert.deepEqual([repo.pulls.length, repo.pulls[0]?.isOpen], [1, true]);
  assert.match(repo.pulls[0]?.body ?? "", new RegExp(NEWER));
});

test("what somebody has pushed to the branch is theirs: it is left, and the check run says what could be moved", async () => {
  const { scene: at, repo } = scene();
  await at.run("pins");
  const theirs = repo.push(PINS_BRANCH, { "more.md": "theirs" });
  at.imageTags.set(`${BASE}:1`, NEWER);
  await at.run("pins");
  assert.deepEqual([repo.branches.get(PINS_BRANCH), repo.pulls.length, repo.checks.length], [theirs, 1, 1]);
  // Also where it has what we would write.
  repo.push(PINS_BRANCH, { Dockerfile: `# kept \u00e9\nFROM ${BASE}:1@${NEWER}\n` });
  repo.push("main", { Dockerfile: `# new\nFROM ${BASE}:1@${OLD}\n` });
  await at.run("pins");
  assert.ok(repo.branches.has(PINS_BRANCH));
});

test("a branch of our name with just what we would write is somebody's, where nothing was announced", async () => {
  const { scene: at, repo } = scene();
  const theirs = repo.push(PINS_BRANCH, { Dockerfile: `# kept \u00e9\nFROM ${BASE}:1@${NEW}\n` });
  await at.run("pins");
  assert.deepEqual([repo.branches.get(PINS_BRANCH), repo.pulls, repo.checks.length], [theirs, [], 1]);
});

test("what somebody pushes while ours is begun anew isn't deleted with it", async () => {
  const { scene: at, repo } = scene();
  await at.run("pins");
  repo.push("main", { Dockerfile: `# changed\nFROM ${BASE}:1@${OLD}\n` });
  let looks = 0;
  let theirs: string | undefined;
  at.failure = (_, name) => {
    if (name === "commits.readBranch" && ++looks === 2) theirs = repo.push(PINS_BRANCH, { "more.md": "theirs" });
    return undefined;
  };
  await at.run("pins");
  assert.ok(theirs !== undefined);
  assert.deepEqual([repo.branches.get(PINS_BRANCH), repo.pulls.length], [theirs, 1]);
});

test("a pull request that a person opened from our branch, and closed, says no to nothing", async () => {
  const { scene: at, repo } = scene();
  await at.run("pins");
  repo.close(1, true);
  const [ours] = repo.pulls;
  assert.ok(ours);
  repo.pulls.push({ ...ours, number: 2, isOpen: false, isMerged: false });
  await at.run("pins");
  assert.deepEqual(stateOf(at).declined, []);
});

test("where the file changed on the default branch ours is begun anew, and that is nobody's no", async () => {
  const { scene: at, repo } = scene();
  await at.run("pins");
  repo.push("main", { Dockerfile: `# changed\nFROM ${BASE}:1@${OLD}\n` });
  await at.run("pins");
  assert.equal(dockerfile(repo), `# changed\nFROM ${BASE}:1@${NEW}\n`);
  assert.deepEqual(
    repo.pulls.map(({ isOpen }) => isOpen),
    [false, true],
  );
  assert.deepEqual(stateOf(at).declined, []);
});

test("closed unmerged, that digest isn't proposed again, and another one is", async () => {
  const { scene: at, repo } = scene();
  await at.run("pins");
  repo.close(1, false);
  await at.run("pins");
  assert.deepEqual([repo.pulls.length, repo.checks], [1, []]);
  at.imageTags.set(`${BASE}:1`, NEWER);
  await at.run("pins");
  assert.deepEqual([repo.pulls.length, repo.pulls[1]?.isOpen], [2, true]);
  repo.close(2, true);
  repo.push("main", { Dockerfile: dockerfile(repo) ?? "" });
  at.imageTags.set(`${BASE}:1`, NEW);
  await at.run("pins");
  assert.equal(repo.pulls.length, 2);
});

test("closed before we heard that it was opened, it is a no all the same", async () => {
  const { scene: at, repo } = scene();
  let opened = 0;
  at.failure = (_, name) =>
    name === "pulls.open" && opened++ === 0 ? { when: "after", error: new CouldNotLook("network", "lost") } : undefined;
  await at.run("pins");
  repo.close(1, false);
  await at.run("pins");
  assert.deepEqual([repo.pulls.length, stateOf(at).declined], [1, [`${BASE}:1@${NEW}`]]);
});

test("an open pull request whose digest isn't trusted any more says that it must not be merged", async () => {
  const { scene: at, repo } = scene();
  await at.run("pins");
  at.outcomes.set(NEW, "untrusted");
  await at.run("pins");
  assert.match(repo.pulls[0]?.title ?? "", /Nothing to move/);
  assert.match(repo.pulls[0]?.body ?? "", /Don't merge/);
});

test("R33 without the right to write the check run says what to write, and where", async () => {
  const { scene: at, repo } = scene();
  const asked: string[] = [];
  at.failure = (_, name) => void asked.push(name);
  for (const missing of ["contents", "pullRequests"] as const) {
    at.writing = { contents: true, pullRequests: true, workflows: true, [missing]: false };
    await at.run("pins");
  }
  assert.deepEqual([repo.pulls.length, repo.checks.map(({ title }) => title)], [0, ["1 newer digest to take"]]);
  // Not even tried: a branch without a pull request would stay behind.
  assert.ok(!asked.includes("commits.commit"));
});

test("a file that isn't UTF-8 could not be written back as it was, and is left", async () => {
  const { scene: at, repo } = scene();
  repo.push("main", { Dockerfile: `${LATIN1}# caf\u00e9\nFROM ${BASE}:1@${OLD}\n` });
  await at.run("pins");
  assert.deepEqual([repo.pulls, dockerfile(repo)], [[], undefined]);
});

test("without a policy, and where policy can't be used, there is nothing to look at", async () => {
  for (const policy of ["version: 2\n", "version: 1\n"]) {
    const { scene: at, repo } = scene(policy);
    assert.ok((await at.run("pins")) !== undefined);
    assert.deepEqual([repo.pulls, repo.checks], [[], []]);
  }
});

test("killed before and after every call, it makes one commit and one pull request, and begins anew once", async () => {
  for (const when of ["before", "after"] as const) {
    for (let at = 0; ; at++) {
      const { scene: world, repo } = scene();
      world.failure = (call) => (call === at ? { when, error: new Crash("killed") } : undefined);
      await world.run("pins");
      assert.deepEqual([repo.pulls.length, repo.commits.size, stateOf(world).pull], [1, 2, 1], `${when} ${at}`);
      repo.push("main", { Dockerfile: `# changed\nFROM ${BASE}:1@${OLD}\n` });
      await world.run("pins");
      assert.equal(dockerfile(repo), `# changed\nFROM ${BASE}:1@${NEW}\n`, `${when} ${at}`);
      assert.deepEqual(
        repo.pulls.map(({ isOpen }) => isOpen),
        [false, true],
        `${when} ${at}`,
      );
      assert.deepEqual([stateOf(world).declined, repo.checks], [[], []], `${when} ${at}`);
      if (world.calls <= at) break;
    }
  }
});

test("each repository has a time of its own in every turn, and none where it is never", async () => {
  const now = new Date("2026-11-20T12:00:00Z");
  const turns = [1, 2, 3].map((id) => nextTurn(id, now, DAY));
  assert.equal(new Set(turns.map(Number)).size, 3);
  for (const [i, turn] of turns.entries()) {
    assert.ok(turn > now && turn.getTime() <= now.getTime() + DAY);
    assert.equal(nextTurn(i + 1, turn, DAY).getTime(), turn.getTime() + DAY);
  }
  const { scene: at } = scene();
  assert.equal(await advancePins({ ...at.ports(), renovateMs: 0 }, ACME.id), undefined);
});
