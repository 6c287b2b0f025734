import assert from "node:assert/strict";
import { test } from "node:test";
import { CALLER_WORKFLOW } from "../../src/change/caller-workflow.ts";
import { ONBOARDING_BRANCH, ONBOARDING_CHECK } from "../../src/change/onboarding.ts";
import { parseOnboarding } from "../../src/change/onboarding-state.ts";
import { parsePolicy } from "../../src/trust/policy.ts";
import { policyWarnings } from "../../src/trust/policy-warnings.ts";
import { CouldNotLook } from "../../src/trust/ports.ts";
import { bytesOf } from "../trust/world.ts";
import { ACME, Crash, DAY, digestFor, ProposalScene, type Repo } from "./proposal-world.ts";

const POLICY = ".github/trusted-builds.yml";
const WORKFLOW = ".github/workflows/trusted-builds.yml";
const DOCKERFILE = "FROM ghcr.io/acme/base:1\nFROM cgr.dev/chainguard/go:latest\nFROM alpine:3\n";

function phaseOf(scene: ProposalScene, id = ACME.id) {
  return parseOnboarding(scene.rows.get(`onboarding ${id}`)?.state).phase;
}

function policyIn(repo: Repo, branch = ONBOARDING_BRANCH) {
  return parsePolicy(bytesOf(repo.file(branch, POLICY) ?? ""), "trusted-builds.yml");
}

test("a repository with a Dockerfile gets one pull request with workflow and policy, made from what is there", async () => {
  const scene = new ProposalScene();
  const repo = scene.add({ Dockerfile: DOCKERFILE, "readme.md": "" });
  repo.tags.push("release-1.0");
  scene.outcomes.set(digestFor("docker.io/library/alpine:3"), "untrusted");
  await scene.run("onboarding");
  const [pull, ...others] = repo.pulls;
  assert.ok(pull);
  assert.deepEqual([others, pull.base.branch, pull.head.branch], [[], "main", ONBOARDING_BRANCH]);
  assert.equal(repo.file(ONBOARDING_BRANCH, WORKFLOW), CALLER_WORKFLOW);
  const policy = policyIn(repo);
  // Of whom no number is known it is the preset that says so.
  const warned = policyWarnings(policy, new Date(scene.time)).map(({ code, path }) => [code, path]);
  assert.deepEqual(warned, [["no-ids", "trust.publishers[0].github.repository"]]);
  assert.deepEqual(
    policy.builds.map(({ image, tags }) => [image, tags?.[0]?.pattern]),
    [["ghcr.io/acme/app", "release-*"]],
  );
  assert.deepEqual(
    policy.publishers.map(({ name }) => name),
    ["chainguard"],
  );
  assert.deepEqual(policy.roots, []);
  assert.equal(policy.enforce, "ratchet");
  const text = repo.file(ONBOARDING_BRANCH, POLICY) ?? "";
  assert.match(text, /#\s+- image: docker\.io\/library\/alpine:3@sha256:/);
  assert.match(text, /owner-id: 1234/);
  assert.match(pull.body, /\*\*untrusted\*\*/);
  assert.match(pull.body, /`unattested`, line 3/);
});

test("R35 a repository whose images would be trusted today gets the strict policy", async () => {
  const scene = new ProposalScene();
  const repo = scene.add({ Dockerfile: "FROM ghcr.io/acme/base:1\n" });
  await scene.run("onboarding");
  assert.equal(policyIn(repo).enforce, "strict");
});

test("R8 a name on ghcr.io whose owner's number isn't known is accepted from nobody", async () => {
  const scene = new ProposalScene();
  const repo = scene.add({ Dockerfile: "FROM ghcr.io/known/x:1\nFROM ghcr.io/unknown/x:1\n" });
  scene.accounts.set("known", 77);
  await scene.run("onboarding");
  const text = repo.file(ONBOARDING_BRANCH, POLICY) ?? "";
  assert.match(text, /owner: known\n\s+owner-id: 77/);
  assert.doesNotMatch(text.replaceAll(/^#.*$/gm, ""), /unknown/);
});

test("told twice, and asked again, it proposes once; closed unmerged is a no, for good and after a new installation", async () => {
  const scene = new ProposalScene();
  const repo = scene.add({ Dockerfile: "FROM scratch\n" });
  await scene.run("onboarding");
  await scene.run("onboarding");
  assert.equal(repo.pulls.length, 1);
  repo.close(1, false);
  assert.equal(await scene.run("onboarding"), undefined);
  assert.equal(phaseOf(scene), "declined");
  repo.branches.delete(ONBOARDING_BRANCH);
  scene.time += 400 * DAY;
  await scene.run("onboarding");
  assert.equal(repo.pulls.length, 1);
  // Also where the database is another one.
  scene.rows.clear();
  await scene.run("onboarding");
  assert.deepEqual([repo.pulls.length, phaseOf(scene)], [1, "declined"]);
});

test("merged is done, and so is what has both files without us", async () => {
  const scene = new ProposalScene();
  const repo = scene.add({ Dockerfile: "FROM scratch\n" });
  await scene.run("onboarding");
  repo.close(1, true);
  assert.equal(await scene.run("onboarding"), undefined);
  assert.equal(phaseOf(scene), "done");
  const other = new ProposalScene();
  other.add({ Dockerfile: "FROM scratch\n", [POLICY]: repo.file(ONBOARDING_BRANCH, POLICY) ?? "", [WORKFLOW]: "" });
  assert.equal(await other.run("onboarding"), undefined);
  assert.deepEqual([phaseOf(other), other.writes], ["done", []]);
});

test("a policy that is there stays, and only the workflow that it names is proposed", async () => {
  const scene = new ProposalScene();
  const text = "version: 1\nbuilds:\n  - { image: ghcr.io/acme/app, workflow: ours.yml }\n";
  const repo = scene.add({ Dockerfile: "FROM scratch\n", [POLICY]: text });
  await scene.run("onboarding");
  assert.equal(repo.file(ONBOARDING_BRANCH, ".github/workflows/ours.yml"), CALLER_WORKFLOW);
  assert.equal(repo.file(ONBOARDING_BRANCH, POLICY), text);
});

test("archived, empty and forked repositories, those without a Dockerfile and with a broken policy get nothing, and are looked at again", async () => {
  const cases: readonly (readonly [string, Record<string, string>, (repo: Repo) => void])[] = [
    ["archived", { Dockerfile: "FROM scratch\n" }, (repo) => (repo.isArchived = true)],
    ["fork", { Dockerfile: "FROM scratch\n" }, (repo) => (repo.isFork = true)],
    ["empty", {}, () => {}],
    ["no-dockerfile", { "readme.md": "FROM scratch\n" }, () => {}],
    ["policy-unusable", { Dockerfile: "FROM scratch\n", [POLICY]: "version: 2\n" }, () => {}],
  ];
  for (const [why, files, change] of cases) {
    const scene = new ProposalScene();
    change(scene.add(files));
    const due = await scene.run("onboarding");
    assert.deepEqual([parseOnboarding(scene.rows.get("onboarding 99")?.state).why, scene.writes], [why, []]);
    assert.equal(due?.getTime(), scene.time + 7 * DAY);
  }
});

test("R33 without the right to write nothing is written but one check run, under a name of its own, that blocks nobody", async () => {
  for (const writing of [
    { contents: false, pullRequests: true, workflows: true },
    { contents: true, pullRequests: false, workflows: true },
  ]) {
    const scene = new ProposalScene();
    scene.writing = writing;
    const repo = scene.add({ Dockerfile: "FROM scratch\n" });
    assert.equal(await scene.run("onboarding"), undefined);
    await scene.run("onboarding");
    assert.deepEqual([repo.pulls, [...repo.branches.keys()]], [[], ["main"]]);
    assert.deepEqual(
      repo.checks.map(({ name, commit }) => [name, commit]),
      [[ONBOARDING_CHECK, repo.branches.get("main")]],
    );
    // Given the right later, it asks.
    scene.writing = { contents: true, pullRequests: true, workflows: true };
    await scene.run("onboarding");
    assert.equal(repo.pulls.length, 1);
  }
});

test("R33 without the right to write workflows the pull request has the policy alone, and leads to the editor for the rest", async () => {
  const scene = new ProposalScene();
  scene.writing = { contents: true, pullRequests: true, workflows: false };
  const repo = scene.add({ Dockerfile: "FROM scratch\n" });
  await scene.run("onboarding");
  assert.equal(repo.file(ONBOARDING_BRANCH, WORKFLOW), undefined);
  assert.match(
    repo.pulls[0]?.body ?? "",
    /\/acme\/app\/new\/main\?filename=\.github%2Fworkflows%2Ftrusted-builds\.yml&value=name/,
  );
});

test("a branch of that name that is somebody's stays as it is, and the check run says what there is", async () => {
  const scene = new ProposalScene();
  const repo = scene.add({ Dockerfile: "FROM scratch\n" });
  const theirs = repo.push(ONBOARDING_BRANCH, { "theirs.md": "" });
  await scene.run("onboarding");
  assert.equal(await scene.run("onboarding"), undefined);
  assert.deepEqual([repo.branches.get(ONBOARDING_BRANCH), repo.pulls.length, repo.checks.length], [theirs, 0, 1]);
});

test("a Dockerfile that BuildKit refuses is told with its line, and keeps nobody from the others", async () => {
  const scene = new ProposalScene();
  const repo = scene.add({ "a/Dockerfile": "\nFROM\n", "b/Dockerfile": "FROM scratch\n" });
  await scene.run("onboarding");
  assert.match(repo.pulls[0]?.body ?? "", /line 2, column 5/);
  assert.equal(policyIn(repo).builds.length, 2);
  assert.equal(policyIn(repo).enforce, "ratchet");
});

test("what waited for more than a day is made anew from what is there by then", async () => {
  const scene = new ProposalScene();
  const repo = scene.add({ Dockerfile: DOCKERFILE });
  scene.failure = (_, name) =>
    name === "commits.commit" ? { when: "before", error: new CouldNotLook("network", "lost") } : undefined;
  await scene.run("onboarding");
  assert.equal(phaseOf(scene), "drafted");
  repo.push("main", { "later.md": "new" });
  scene.failure = () => undefined;
  scene.time += 2 * DAY;
  await scene.run("onboarding");
  assert.equal(repo.file(ONBOARDING_BRANCH, "later.md"), "new");
});

test("killed before and after every call, it makes the same one pull request, with one commit", async () => {
  for (const when of ["before", "after"] as const) {
    for (let at = 0; ; at++) {
      const scene = new ProposalScene();
      const repo = scene.add({ Dockerfile: DOCKERFILE });
      scene.failure = (call) => (call === at ? { when, error: new Crash("killed") } : undefined);
      await scene.run("onboarding");
      assert.deepEqual([repo.pulls.length, repo.commits.size, phaseOf(scene)], [1, 2, "open"], `${when} ${at}`);
      if (scene.calls <= at) break;
    }
  }
});

test("killed before and after every call, it writes the same one check run", async () => {
  for (const when of ["before", "after"] as const) {
    for (let at = 0; ; at++) {
      const scene = new ProposalScene();
      scene.writing = { contents: false, pullRequests: false, workflows: false };
      const repo = scene.add({ Dockerfile: DOCKERFILE });
      scene.failure = (call) => (call === at ? { when, error: new Crash("killed") } : undefined);
      await scene.run("onboarding");
      assert.deepEqual([repo.checks.length, phaseOf(scene)], [1, "shown"], `${when} ${at}`);
      if (scene.calls <= at) break;
    }
  }
});

test("what can't be looked at, a suspended installation's among it, is later and never a no; without the app there is nothing to do", async () => {
  const scene = new ProposalScene();
  const repo = scene.add({ Dockerfile: "FROM scratch\n" });
  scene.gone.add(ACME.id);
  for (const pause of [1, 5, 24 * 60, 1]) {
    const due = await scene.run("onboarding");
    assert.equal(due?.getTime(), scene.time + pause * 60_000);
    scene.time = due?.getTime() ?? 0;
  }
  scene.gone.clear();
  let lost = 0;
  scene.failure = (_, name) =>
    name === "pulls.open" && lost++ === 0 ? { when: "after", error: new CouldNotLook("network", "lost") } : undefined;
  await scene.run("onboarding");
  await scene.run("onboarding");
  assert.deepEqual([repo.pulls.length, phaseOf(scene)], [1, "open"]);
  assert.equal(await scene.run("onboarding", 12345), undefined);
});

test("two thousand repositories of one owner are proposed to within GitHub's limits, each once, though it is killed on the way", async () => {
  const scene = new ProposalScene();
  const due = new Map<number, number>();
  for (let id = 1; id <= 2000; id++) {
    scene.add({ Dockerfile: "FROM scratch\n" }, { ...ACME, id, name: `app-${id}` });
    due.set(id, scene.time);
  }
  let runs = 0;
  scene.failure = (call) =>
    call % 997 === 0 ? { when: call % 2 === 0 ? "before" : "after", error: new Crash("killed") } : undefined;
  while (due.size > 0) {
    // All that is due within half a minute comes at once.
    scene.time = Math.max(scene.time + 30_000, Math.min(...due.values()));
    for (const [id, at] of due) {
      if (at > scene.time) continue;
      runs += 1;
      const again = await scene.run("onboarding", id);
      if (phaseOf(scene, id) === "open" || again === undefined) due.delete(id);
      else due.set(id, again.getTime());
    }
  }
  for (const { pulls, commits } of scene.repos.values()) assert.deepEqual([pulls.length, commits.size], [1, 2]);
  const times = scene.writes.map(({ at }) => at);
  for (const [ms, most] of [
    [60_000, 80],
    [3_600_000, 500],
  ] as const) {
    for (let i = most; i < times.length; i++)
      assert.ok((times[i] ?? 0) - (times[i - most] ?? 0) >= ms, `${most} in ${ms} ms`);
  }
  // Waiting its turn costs little: some looks at the clock for each repository.
  assert.ok(runs < 2000 * 40, `${runs} runs`);
});
