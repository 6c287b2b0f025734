import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { parse } from "yaml";
import { octokitOf } from "./github/octokit.ts";
import { githubOf, WORKFLOW, WORKFLOW_PATH } from "./github/world.ts";
import { ACTION_INPUTS } from "./runner/action-inputs.ts";
import { type RunnerOptions, startRunner } from "./runner.ts";
import { startSigstore } from "./sigstore.ts";
import { toolchain } from "./toolchain.ts";

const REQUEST = {
  image: "registry.test/acme/app",
  tags: ["1.0.0", "latest"],
  dockerfile: "Dockerfile",
  platforms: ["linux/amd64", "linux/arm64"],
  "build-args": { VERSION: "1" },
  contexts: {},
  secrets: ["npm"],
};

/** A program in place of the action's bundle. */
function program(t: TestContext, source: string): string {
  const directory = mkdtempSync(join(tmpdir(), "action-"));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const file = join(directory, "main.mjs");
  writeFileSync(file, `import { appendFileSync } from "node:fs";\nconst { env } = process;\n${source}`);
  return file;
}

/** A runner, and how to start a run for it. */
async function runnerOf(t: TestContext, options: Partial<RunnerOptions> & { readonly files?: Record<string, string> }) {
  const open: { close(): Promise<void> }[] = [];
  t.after(async () => {
    for (const each of open.reverse()) await each.close();
  });
  const github = await githubOf(t);
  const sigstore = await startSigstore({ serverUrl: github.url });
  open.push(sigstore);
  const { files = {}, ...rest } = options;
  const commit = await github.repository("acme/app", { files: { [WORKFLOW_PATH]: WORKFLOW, ...files } });
  await github.tag("acme/app", "v1.0.0");
  const runner = await startRunner(github, { sigstore, ...rest });
  open.push(runner);
  const octokit = await octokitOf(github, "acme");
  const dispatch = (request: object = REQUEST) =>
    octokit.rest.actions.createWorkflowDispatch({
      owner: "acme",
      repo: "app",
      workflow_id: "trusted-builds.yml",
      ref: "refs/tags/v1.0.0",
      inputs: { "build-id": "b-1", request: JSON.stringify(request) },
    });
  return { github, sigstore, runner, dispatch, commit, octokit };
}

test("the action's inputs are filled as build.yml fills them", () => {
  const { jobs } = parse(readFileSync(".github/workflows/build.yml", "utf8"));
  const step = jobs.build.steps.find((each: { uses?: string }) => each.uses?.endsWith("/action"));
  const told = Object.entries(ACTION_INPUTS).map(([name, { expression }]) => [name, `\${{ ${expression} }}`]);
  assert.deepEqual(step.with, Object.fromEntries(told));
});

test("the action gets inputs and surroundings of a real runner, and nothing else", async (t) => {
  process.env.RUNNER_TEST_LEAK = "leaked";
  t.after(() => delete process.env.RUNNER_TEST_LEAK);
  const main = program(t, `appendFileSync(env.GITHUB_OUTPUT, "env<<E\\n" + JSON.stringify(env) + "\\nE\\n");`);
  const { github, runner, dispatch, commit } = await runnerOf(t, { main, buildSecrets: { npm: "s3cret" } });
  await dispatch();
  await github.idle();
  const [result] = runner.results;
  const env = JSON.parse(result?.outputs.env ?? "{}") as Record<string, string>;
  assert.equal(env.INPUT_TAGS, "1.0.0,latest");
  assert.equal(env.INPUT_PLATFORMS, "linux/amd64,linux/arm64");
  assert.equal(env["INPUT_BUILD-ARGS"], '{\n  "VERSION": "1"\n}');
  assert.equal(env["INPUT_SECRET-VALUES"], "npm=s3cret");
  assert.deepEqual([env.INPUT_CONTEXT, env.INPUT_TARGET, env["INPUT_TSA-URL"]], ["", "", ""]);
  assert.equal(env["INPUT_BUILD-ID"], "b-1");
  assert.deepEqual(
    [env.GITHUB_SHA, env.GITHUB_REF, env.GITHUB_REF_NAME, env.GITHUB_REF_TYPE],
    [commit, "refs/tags/v1.0.0", "v1.0.0", "tag"],
  );
  assert.deepEqual([env.GITHUB_SERVER_URL, env.GITHUB_API_URL], [github.url, github.apiUrl]);
  assert.equal(env.GITHUB_RUN_ID, String(github.runs("acme/app")[0]?.id));
  assert.equal(env.RUNNER_TEST_LEAK, undefined);
});

test("a job gets identity tokens of its own run, and none once it has ended", async (t) => {
  const main = program(
    t,
    `const url = env.ACTIONS_ID_TOKEN_REQUEST_URL + "&audience=sigstore";
     const ask = (token) => fetch(url, { headers: { authorization: "Bearer " + token } });
     const { value } = await (await ask(env.ACTIONS_ID_TOKEN_REQUEST_TOKEN)).json();
     const wrong = (await ask("wrong")).status;
     appendFileSync(env.GITHUB_OUTPUT, "token=" + value + "\\nwrong=" + wrong + "\\nurl=" + url + "\\nsecret=" + env.ACTIONS_ID_TOKEN_REQUEST_TOKEN + "\\n");`,
  );
  const { github, runner, dispatch, commit } = await runnerOf(t, { main });
  await dispatch();
  await github.idle();
  const { outputs } = runner.results[0] ?? { outputs: {} as Record<string, string> };
  const claims = JSON.parse(Buffer.from(outputs.token?.split(".")[1] ?? "", "base64url").toString());
  assert.deepEqual(
    [claims.aud, claims.sha, claims.ref, claims.run_id, claims.run_attempt, claims.event_name],
    ["sigstore", commit, "refs/tags/v1.0.0", String(github.runs("acme/app")[0]?.id), "1", "workflow_dispatch"],
  );
  assert.equal(claims.job_workflow_ref, "trusted-builds/trusted-builds/.github/workflows/build.yml@refs/tags/v1");
  assert.equal(claims.workflow_ref, "acme/app/.github/workflows/trusted-builds.yml@refs/tags/v1.0.0");
  assert.equal(outputs.wrong, "401");
  const late = await fetch(outputs.url ?? "", { headers: { authorization: `Bearer ${outputs.secret}` } });
  assert.equal(late.status, 401);
});

test("the log has both streams, and no secret", async (t) => {
  const main = program(
    t,
    `console.log("::add-mask::pass%0Aword"); console.log("a pass and a word"); console.error("token " + env["INPUT_GITHUB-TOKEN"]);
     console.log(env["INPUT_SECRET-VALUES"]); process.exitCode = 3;`,
  );
  const { github, runner, dispatch } = await runnerOf(t, { main, buildSecrets: { npm: "s3cret" } });
  await dispatch();
  await github.idle();
  const [result] = runner.results;
  assert.deepEqual([result?.code, result?.conclusion], [3, "failure"]);
  assert.deepEqual(result?.log.split("\n").toSorted(), ["***", "a *** and a ***", "token ***"]);
  const job = github.runs("acme/app")[0]?.attempts[0];
  assert.equal(job?.conclusion, "failure");
  assert.ok(job?.log.some((line) => /^\d{4}-\S+Z a \*\*\* and a \*\*\*$/.test(line)));
});

test("cancelling a run kills the action and what it started", async (t) => {
  const main = program(
    t,
    `import { spawn } from "node:child_process";
     const child = spawn(process.execPath, ["-e", "setTimeout(() => {}, 60000)"], { stdio: "ignore" });
     process.on("SIGTERM", () => {});
     console.log("child " + child.pid); setTimeout(() => {}, 60000);`,
  );
  const { github, runner, dispatch } = await runnerOf(t, { main });
  await dispatch();
  const [run] = github.runs("acme/app");
  const line = () => run?.attempts[0].log.find((each) => each.includes("child"));
  while (line() === undefined) await new Promise((resolve) => setTimeout(resolve, 20));
  github.cancelRun("acme/app", run?.id ?? 0);
  await github.idle();
  assert.deepEqual([runner.results[0]?.code, runner.results[0]?.conclusion], [null, "cancelled"]);
  await gone(Number(/child (\d+)/.exec(line() ?? "")?.[1]));
});

test("what the action leaves running ends with the job", async (t) => {
  const main = program(
    t,
    `import { spawn } from "node:child_process";
     const child = spawn(process.execPath, ["-e", "setTimeout(() => {}, 60000)"], { stdio: "ignore" });
     child.unref();
     console.log("child " + child.pid);`,
  );
  const { github, runner, dispatch } = await runnerOf(t, { main });
  await dispatch();
  await github.idle();
  assert.equal(runner.results[0]?.code, 0);
  const pid = Number(/child (\d+)/.exec(runner.results[0]?.log ?? "")?.[1]);
  await gone(pid);
});

/** Resolves when there is no such process any more. */
async function gone(pid: number): Promise<void> {
  for (let tries = 0; tries < 1500; tries++) {
    try {
      process.kill(pid, 0);
    } catch {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`process ${pid} is still there`);
}

test("a test can put something else in the action's place, for one run", async (t) => {
  const main = program(t, `appendFileSync(env.GITHUB_OUTPUT, "changed=" + env.CHANGED + "\\n");`);
  const { github, runner, dispatch } = await runnerOf(t, { main });
  runner.next(async ({ log }) => {
    log("nothing is built");
    return "failure";
  });
  runner.next(async ({ runAction }) => {
    const { outputs } = await runAction({ CHANGED: "yes" });
    return outputs.changed === "yes" ? "success" : "failure";
  });
  for (let each = 0; each < 3; each++) {
    await dispatch();
    await github.idle();
  }
  assert.deepEqual(
    runner.results.map(({ conclusion, outputs, code }) => [conclusion, outputs.changed, code]),
    [
      ["failure", undefined, undefined],
      ["success", "yes", 0],
      ["success", "undefined", 0],
    ],
  );
});

test("the committed action builds, signs and attaches in a dispatched run", async (t) => {
  const world = await toolchain(t, ["dockerd", "registry"]);
  if (world === undefined) return;
  const name = `runner-${Date.now().toString(36)}`;
  const { github, runner, dispatch } = await runnerOf(t, {
    toolchain: world,
    files: { Dockerfile: "FROM scratch\nCOPY Dockerfile /\n" },
    env: { TRUSTED_BUILDS_ALLOW_HOSTS: world.registry },
  });
  await dispatch({
    image: `${world.registry}/${name}/app`,
    tags: ["1.0.0"],
    dockerfile: "Dockerfile",
    "build-args": {},
    contexts: {},
    secrets: [],
  });
  await github.idle();
  const [result] = runner.results;
  assert.equal(result?.conclusion, "success", result?.log);
  assert.match(result?.outputs.digest ?? "", /^sha256:[0-9a-f]{64}$/);
  const answer = await fetch(`http://${world.registry}/v2/${name}/app/manifests/1.0.0`, {
    method: "HEAD",
    headers: { accept: "application/vnd.oci.image.index.v1+json" },
  });
  assert.equal(answer.headers.get("docker-content-digest"), result?.outputs.digest);
  assert.ok(github.attestations("acme/app").some(({ subjects }) => subjects.includes(result?.outputs.digest ?? "")));
});
