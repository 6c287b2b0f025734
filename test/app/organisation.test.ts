import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { CheckRun } from "../world/github/check-runs.ts";
import { GITHUB_ISSUER } from "../world/sigstore.ts";
import { completed, eventually } from "./eventually.ts";
import { CALLER, type Scene, startScene } from "./scene.ts";

const WORKFLOW = "trusted-builds/trusted-builds/.github/workflows/build.yml@refs/tags/v*";
const WHERE = "trusted-builds.yml";

let scene: Scene;
/** Who has selected repositories given to the app. */
let guarded: number;

before(async () => {
  scene = await startScene({});
  await scene.github.repository("acme/.github", { files: { [WHERE]: policy({}) } });
  ({ id: guarded } = await scene.github.owner("guarded", { installation: "selected" }));
});
after(() => scene?.close());

/** Accepts what a workflow built for an owner; and builds an image where one is named. */
function policy({
  owner = "acme",
  ownerId = 77,
  workflow = WORKFLOW,
  builds,
}: {
  readonly owner?: string;
  readonly ownerId?: number;
  readonly workflow?: string;
  readonly builds?: string;
}): string {
  return `version: 1
${builds === undefined ? "" : `builds:\n  - image: ${scene.image(builds)}\n`}trust:
  builders:
    - images: ["${scene.image("{repo}")}"]
      github: { repository: "${owner}/{repo}", owner-id: ${ownerId}, workflow: "${workflow}", issuer: "${GITHUB_ISSUER}" }
      level: 3
      builds: true
`;
}

/** Content of its own for each image. @returns the head of main. */
function repository(name: string, owner = "acme", ownerId = 77): Promise<string> {
  return scene.github.repository(`${owner}/${name}`, {
    files: {
      Dockerfile: "FROM scratch\nCOPY name /name\n",
      name: `${name}\n`,
      ".github/trusted-builds.yml": policy({ owner, ownerId, builds: name }),
      ".github/workflows/trusted-builds.yml": CALLER,
    },
  });
}

const head = async (name: string): Promise<string> =>
  (await scene.github.refs(name)).find(({ ref }) => ref === "refs/heads/main")?.object.slice(0, 12) ?? "";

const textOf = ({ output }: CheckRun): string => `${output.title}\n${output.summary}\n${output.text}`;

test("R2: an image has to pass both policies, and both are named with their commits", async () => {
  await repository("both");
  await scene.github.tag("acme/both", "v1.0.0");
  const [checkRun] = await completed(scene, "acme/both", 1);
  assert.ok(checkRun);
  assert.equal(checkRun.conclusion, "success", textOf(checkRun));
  const named = [
    ["repository", "acme/both/.github/trusted-builds.yml", await head("acme/both")],
    ["organisation", `acme/.github/${WHERE}`, await head("acme/.github")],
  ] as const;
  const page = await (await fetch(checkRun.detailsUrl ?? "")).text();
  for (const [kind, name, commit] of named) {
    assert.match(
      checkRun.output.summary ?? "",
      new RegExp(`policy of the ${kind}: \\[\`${name}\`\\].*\`${commit}\`.*\\*\\*trusted\\*\\*`),
    );
    assert.ok(page.includes(name) && page.includes(commit), kind);
  }
});

test("R2: what the organisation refuses fails, though the repository's own policy accepts it", async () => {
  const workflow = "acme/builder/.github/workflows/hardened.yml@refs/tags/v*";
  await scene.github.commit("acme/.github", { [WHERE]: policy({ workflow }) });
  await repository("refused");
  await scene.github.tag("acme/refused", "v1.0.0");
  const [checkRun] = await completed(scene, "acme/refused", 1);
  assert.ok(checkRun);
  assert.equal(checkRun.conclusion, "failure");
  assert.match(checkRun.output.title ?? "", /says the policy of the organisation/);
  assert.match(checkRun.output.summary ?? "", /policy of the repository: .*\*\*trusted\*\*/);
  assert.match(checkRun.output.summary ?? "", /policy of the organisation: .*\*\*untrusted\*\*/);
  assert.match(checkRun.output.summary ?? "", /hardened\.yml/);
});

test("R2 a push to the organisation's policy judges anew what had passed, and builds nothing", async () => {
  const [passed, judged] = await completed(scene, "acme/both", 2);
  assert.deepEqual([passed?.conclusion, judged?.conclusion], ["success", "failure"]);
  assert.match(judged?.output.summary ?? "", /hardened\.yml/);
  assert.match(judged?.output.summary ?? "", new RegExp(`\`${await head("acme/.github")}\``));
  assert.equal(scene.github.runs("acme/both").length, 1);
});

test("R2: a policy of the organisation that can't be used fails with its line and column, and nothing is built", async () => {
  const { github } = scene;
  await github.commit("acme/.github", { [WHERE]: "version: 1\ntrust:\n  builders: everyone\n" });
  await repository("broken");
  await github.tag("acme/broken", "v1.0.0");
  const [checkRun] = await completed(scene, "acme/broken", 1);
  assert.ok(checkRun);
  assert.equal(checkRun.conclusion, "failure");
  assert.match(checkRun.output.title ?? "", /policy can't be used: .* in acme\/\.github\/trusted-builds\.yml/);
  assert.match(checkRun.output.summary ?? "", /\| 3 \| 13 \| `trust\.builders` \|/);
  assert.equal(github.runs("acme/broken").length, 0);

  await github.commit("acme/.github", { [WHERE]: policy({}) });
  await github.rerequest(checkRun.id);
  const [, mended] = await completed(scene, "acme/broken", 2);
  assert.equal(mended?.conclusion, "success", mended && textOf(mended));
});

test("R2: where the organisation's policy can't be seen nothing is trusted until it can", async () => {
  const { github } = scene;
  await github.repository("guarded/.github", {
    files: { [WHERE]: policy({ owner: "guarded", ownerId: guarded }) },
    private: true,
    selected: false,
    id: 901,
  });
  await repository("blind", "guarded", guarded);
  const seen = eventually("a check run that waits", () => {
    const newest = github.checkRuns("guarded/blind").at(-1);
    return newest?.status === "in_progress" && /could not look/i.test(newest.output.title ?? "") && { ...newest };
  });
  await github.tag("guarded/blind", "v1.0.0");
  assert.match(textOf(await seen), /guarded\/\.github.*give the app access/);

  const [checkRun] = await completed(scene, "guarded/blind", 1);
  assert.ok(checkRun);
  assert.equal(checkRun.conclusion, "action_required");
  assert.match(textOf(checkRun), /guarded\/\.github.*give the app access/);
  assert.doesNotMatch(textOf(checkRun), /\*\*trusted\*\*/);

  await github.select("guarded/.github", true);
  await github.rerequest(checkRun.id);
  const [, judged] = await completed(scene, "guarded/blind", 2);
  assert.ok(judged);
  assert.equal(judged.conclusion, "success", textOf(judged));
  assert.match(judged.output.summary ?? "", /policy of the organisation: \[`guarded\/\.github\/trusted-builds\.yml`\]/);
  // The old one stays what it was, and nothing was built again.
  assert.equal(github.checkRuns("guarded/blind")[0]?.conclusion, "action_required");
  assert.equal(github.runs("guarded/blind").length, 1);
  assert.deepEqual(github.violations, []);
});
