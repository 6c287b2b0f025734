import assert from "node:assert/strict";
import { tmpdir } from "node:os";
import { type TestContext, test } from "node:test";
import { tellLog } from "../../src/cli/log.ts";
import { buildRunsOf } from "../../src/trust/build-runs.ts";
import { type Api, startApi } from "../github/api.ts";
import { signerOf, World } from "../trust/world.ts";
import { runHere } from "./in-process.ts";

const STORAGE = "https://storage.example/log?sig=s3cr3t";

/** An image that policy accepts, and the run that its certificate names. */
async function built(by = signerOf("app")) {
  const world = new World();
  const verdict = await world.judge(world.build("app", { by }).image);
  const [run] = buildRunsOf(verdict);
  return { verdict, run };
}

async function logged(
  t: TestContext,
  prepare: (api: Api, jobs: string, run: { run: number; commit: string }) => void,
  text = "one\n",
  by = signerOf("app"),
) {
  const { verdict, run } = await built(by);
  const api = startApi(t);
  if (run !== undefined)
    prepare(api, `GET /repos/${run.repository}/actions/runs/${run.run}/attempts/${run.attempt}/jobs`, run);
  const downloads: string[] = [];
  const download = async (url: URL) => {
    downloads.push(url.href);
    return new Response(text);
  };
  const ended = await runHere((here) => tellLog(verdict, { client: () => api.octokit, download }, here), {
    homeDirectory: tmpdir(),
  });
  return { ...ended, run, downloads };
}
const LOGS = "GET /repos/acme/app/actions/jobs/21/logs";
const job = (run: { run: number; commit: string }, changes = {}) => ({
  ...{ id: 21, name: "build", conclusion: "success", run_id: run.run, head_sha: run.commit },
  ...changes,
});

test("prints what the run printed that the image's certificate names, and says which run it was on standard error", async (t) => {
  const { exit, stdout, stderr, run, downloads } = await logged(t, (api, jobs, run) => {
    api.answer(jobs, 200, {
      total_count: 2,
      jobs: [job(run), job(run, { id: 22, name: "skipped", conclusion: "skipped" })],
    });
    api.answer(LOGS, 302, undefined, { location: STORAGE });
  });
  assert.deepEqual([exit, stdout], [0, "==> build (success) <==\none\n==> skipped (skipped) <==\n"]);
  assert.deepEqual(downloads, [STORAGE]);
  for (const words of [run?.url, run?.commit, run?.builder]) assert.ok(words && stderr.includes(words), stderr);
  assert.ok(!stderr.includes("s3cr3t"));
});

test("what strangers' code printed commands no terminal", async (t) => {
  const hostile = "\u001b[31mred\u001b[0m\u001b]0;title\u0007\u202Ex\u0000\r\nlast";
  const { stdout } = await logged(
    t,
    (api, jobs, run) => {
      api.answer(jobs, 200, { total_count: 1, jobs: [job(run, { name: "b\u001b[2Juild" })] });
      api.answer(LOGS, 302, undefined, { location: STORAGE });
    },
    hostile,
  );
  assert.ok(stdout.endsWith("redx\nlast\n"), JSON.stringify(stdout));
  assert.ok(!/[\p{Cc}\p{Cf}]/u.test(stdout.replaceAll("\n", "")), JSON.stringify(stdout));
});

test("R15 a log that is gone, or that nobody may see, is told with the run's page, and exits with 3", async (t) => {
  for (const prepare of [
    (api: Api, jobs: string) => api.answer(jobs, 404),
    (api: Api, jobs: string, run: { run: number; commit: string }) => {
      api.answer(jobs, 200, { total_count: 1, jobs: [job(run)] });
      api.answer(LOGS, 410);
    },
    (api: Api, jobs: string) => api.answer(jobs, 403),
  ])
    await t.test("one", async (each) => {
      const { exit, stderr, run } = await logged(each, prepare);
      assert.equal(exit, 3);
      assert.ok(run && stderr.includes(`the run's page: ${run.url}`), stderr);
    });
});

test("R9 a run of another commit than the certificate's isn't taken for the one that built it", async (t) => {
  const { exit, stdout } = await logged(t, (api, jobs, run) =>
    api.answer(jobs, 200, { total_count: 1, jobs: [job(run, { head_sha: "d".repeat(40) })] }),
  );
  assert.deepEqual([exit, stdout], [3, ""]);
});

test("R9 what no accepted statement names, and a run of another repository, is nobody's log", async (t) => {
  const stranger = await logged(
    t,
    () => {},
    "",
    signerOf("app", { sourceRepositoryUri: "https://github.com/evil/app" }),
  );
  assert.deepEqual([stranger.exit, stranger.stdout, stranger.run], [1, "", undefined]);
  const { verdict } = await built();
  const [node] = verdict.nodes;
  const [first] = node?.accepted ?? [];
  assert.ok(node && first && first.identity.kind === "certificate");
  const { verified } = first.found;
  const extensions = {
    ...first.identity.extensions,
    runInvocationUri: "https://github.com/evil/app/actions/runs/1/attempts/1",
  };
  const found = { ...first.found, verified: { ...verified, identity: { ...first.identity, extensions } } };
  const other = { ...verdict, nodes: [{ ...node, accepted: [{ ...first, found }] }] };
  assert.deepEqual(buildRunsOf(other), []);
});
