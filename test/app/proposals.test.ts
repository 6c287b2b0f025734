import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ONBOARDING_BRANCH, ONBOARDING_CHECK } from "../../src/change/onboarding.ts";
import { PINS_BRANCH, PINS_CHECK } from "../../src/change/renovation.ts";
import { octokitOf } from "../world/github/octokit.ts";
import { APP_PERMISSIONS } from "../world/github/state.ts";
import { eventually } from "./eventually.ts";
import { type Base, type PullScene, startPullScene } from "./pull-scene.ts";
import { CALLER } from "./scene.ts";

const POLICY = ".github/trusted-builds.yml";
const WORKFLOW = ".github/workflows/trusted-builds.yml";
const WRITING = { ...APP_PERMISSIONS, contents: "write", pull_requests: "write", workflows: "write" } as const;
const INDEX = "application/vnd.oci.image.index.v1+json";

let pulls: PullScene;

before(async () => {
  pulls = await startPullScene({ github: { app: { permissions: WRITING } } });
  const { github } = pulls.scene;
  await github.owner("writable", { installation: "selected" });
  await github.owner("readable", { installation: "selected" });
  github.installation("readable").permissions = APP_PERMISSIONS;
});
after(() => pulls?.close());

/** Makes a repository, and gives it to the installation. */
async function given(name: string, files: Readonly<Record<string, string>>, isPrivate = false): Promise<void> {
  const { github } = pulls.scene;
  await github.repository(name, { files, private: isPrivate, selected: false });
  await github.select(name, true);
}

/** What a file of acme's says on a branch. */
async function fileOn(repo: string, branch: string, path: string): Promise<string> {
  const octokit = await octokitOf(pulls.scene.github, "acme");
  const { data } = await octokit.rest.repos.getContent({ owner: "acme", repo, path, ref: branch });
  return "content" in data ? Buffer.from(data.content, "base64").toString() : "";
}

const pullsFrom = (name: string, branch: string) =>
  pulls.scene.github.pulls(name).filter(({ head }) => head.branch === branch);
const runsNamed = (name: string, check: string) =>
  pulls.scene.github.checkRuns(name).filter((each) => each.name === check);

/** The first of them, as soon as there is one. */
const first = <T>(what: string, look: () => readonly T[]): Promise<T> =>
  eventually(what, () => look()[0], pulls.scene.server.output);

test("a repository with a Dockerfile gets one pull request with workflow and policy, and closed it never comes again", async () => {
  const { github } = pulls.scene;
  await given("writable/svc", { Dockerfile: "FROM scratch\nCOPY x /x\n", x: "x\n" });
  const pull = await first("a proposal", () => pullsFrom("writable/svc", ONBOARDING_BRANCH));
  assert.match(pull.body ?? "", /ghcr\.io\/writable\/svc/);
  await github.closePull("writable/svc", pull.number);
  await github.deleteBranch("writable/svc", ONBOARDING_BRANCH);
  await pulls.quiet();
  // Taken away and given again, and told twice.
  await github.select("writable/svc", false);
  await github.select("writable/svc", true);
  for (const { guid } of github.deliveries.filter(({ event }) => event === "installation_repositories"))
    await github.redeliver(guid);
  await pulls.scene.restart();
  await pulls.quiet();
  assert.equal(pullsFrom("writable/svc", ONBOARDING_BRANCH).length, 1);
  assert.deepEqual(runsNamed("writable/svc", ONBOARDING_CHECK), []);
});

test("without the right to write there is a check run that blocks nobody, and a page for a public repository alone", async () => {
  const { server } = pulls.scene;
  await given("readable/shop", { Dockerfile: "FROM scratch\nCOPY x /x\n", x: "x\n" });
  const shown = await first("a check run", () => runsNamed("readable/shop", ONBOARDING_CHECK));
  assert.equal(shown.conclusion, "success");
  const page = await fetch(shown.detailsUrl ?? "");
  assert.match(shown.detailsUrl ?? "", new RegExp(`^${server.url}/onboarding/\\d+$`));
  assert.equal(page.status, 200);
  assert.match(await page.text(), /trusted-builds\.yml/);
  assert.equal((await fetch(`${server.url}/onboarding/1`)).status, 404);

  await given("readable/hidden", { Dockerfile: "FROM scratch\nCOPY x /x\n", x: "x\n" }, true);
  const hidden = await first("a check run", () => runsNamed("readable/hidden", ONBOARDING_CHECK));
  assert.ok(!`${hidden.detailsUrl} ${hidden.output.summary}`.includes(server.url));
  assert.deepEqual(pulls.scene.github.pulls("readable/shop"), []);
});

test("R33 digests are pinned by a commit on the branch, and suggested on a fork's, for whoever may write alone", async () => {
  const { scene } = pulls;
  const { github } = scene;
  const base = await pulls.signed("4.1");
  const Dockerfile = `# kept\nFROM ${base.reference}   AS one\n`;
  await github.repository("acme/buttons", {
    files: { [POLICY]: pulls.policy("buttons"), [WORKFLOW]: CALLER, Dockerfile: "FROM scratch\nCOPY x /x\n", x: "x\n" },
  });
  github.collaborate("acme/buttons", "ada", "write");
  github.collaborate("acme/buttons", "tom", "triage");
  const head = await github.commit("acme/buttons", { Dockerfile }, { branch: "topic" });
  await github.openPull("acme/buttons", { branch: "topic" });
  const offered = await pulls.check("buttons", head);
  assert.equal(offered.conclusion, "success", offered.output.summary ?? "");
  await github.click(offered.id, "pin-digests", "tom");
  await pulls.check(
    "buttons",
    head,
    ({ output }) => output.summary?.includes("whoever clicked may not write") === true,
  );
  assert.equal(await fileOn("buttons", "topic", "Dockerfile"), Dockerfile);
  await github.click(offered.id, "pin-digests", "ada");
  const pinned = await eventually(
    "a commit",
    async () =>
      (await fileOn("buttons", "topic", "Dockerfile")) !== Dockerfile && github.pulls("acme/buttons")[0]?.head.commit,
    scene.server.output,
  );
  assert.equal(
    await fileOn("buttons", "topic", "Dockerfile"),
    `# kept\nFROM ${base.reference}@${base.digest}   AS one\n`,
  );
  const judged = await pulls.check("buttons", pinned);
  assert.equal(judged.conclusion, "success", judged.output.summary ?? "");
  assert.ok(!judged.actions.some(({ identifier }) => identifier === "pin-digests"));

  await github.owner("bob", { type: "User", installation: false });
  await github.fork("acme/buttons", "bob/buttons");
  const theirs = await github.commit("bob/buttons", { Dockerfile, y: "y\n" }, { branch: "more" });
  const number = await github.openPull("acme/buttons", { from: "bob/buttons", branch: "more" });
  const asked = await pulls.check("buttons", theirs);
  await github.click(asked.id, "pin-digests", "ada");
  const review = await first(
    "a review",
    () => github.pulls("acme/buttons").find((each) => each.number === number)?.reviews ?? [],
  );
  assert.deepEqual(
    review.comments.map(({ path, line, body }) => [path, line, body.includes(base.digest)]),
    [["Dockerfile", 2, true]],
  );
  assert.deepEqual(github.violations, []);
});

test("a pin whose tag moved to a trusted digest is moved by a pull request; one that moved elsewhere is told of, and not proposed", async () => {
  const { registry, scene } = pulls;
  const path = `${scene.namespace}/base`;
  const move = (tag: string, { digest }: Base) => registry.putManifest(path, registry.read(path, digest), INDEX, tag);
  const pinned = async (name: string, tag: string) => {
    const old = await pulls.signed(tag);
    const Dockerfile = `FROM ${old.reference}@${old.digest}\n`;
    return { old, files: { [POLICY]: pulls.policy(name), [WORKFLOW]: CALLER, Dockerfile } };
  };
  const [fine, wrong] = [await pinned("fine", "3.1"), await pinned("wrong", "3.2")];
  const [newer, bad] = [await pulls.signed("3.1.1"), await pulls.unsigned("3.2.1")];
  move("3.1", newer);
  move("3.2", bad);
  // Each round of the reconciler gives everybody's pins their turn.
  await scene.restart({ RENOVATE_EVERY: "2", RECONCILE_SECONDS: "2" });
  await scene.github.repository("acme/fine", { files: fine.files });
  await scene.github.repository("acme/wrong", { files: wrong.files });
  const pull = await first("a proposal", () => pullsFrom("acme/fine", PINS_BRANCH));
  assert.ok((await fileOn("fine", PINS_BRANCH, "Dockerfile")).includes(newer.digest));
  assert.ok(!(await fileOn("fine", "main", "Dockerfile")).includes(newer.digest));
  assert.match(pull.body ?? "", /trusted/);
  const judged = await eventually(
    "its own check",
    () => pulls.checks("acme/fine", pull.head.commit).find(({ status }) => status === "completed"),
    scene.server.output,
  );
  assert.equal(judged.conclusion, "success", `${judged.output.title}\n${judged.output.summary}`);

  const held = await first("what is held", () => runsNamed("acme/wrong", PINS_CHECK));
  assert.equal(held.conclusion, "success");
  assert.match(`${held.output.title} ${held.output.summary}`, /not proposed.*isn't trusted/s);
  assert.deepEqual(pullsFrom("acme/wrong", PINS_BRANCH), []);
  assert.deepEqual(scene.github.violations, []);
});
