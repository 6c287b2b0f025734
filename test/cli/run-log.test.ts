import assert from "node:assert/strict";
import { test } from "node:test";
import { printRuns } from "../../src/cli/run-log.ts";
import type { BuildRun } from "../../src/trust/build-runs.ts";
import { type Api, startApi } from "../github/api.ts";

const COMMIT = "a".repeat(40);
const run: BuildRun = {
  server: "https://github.com",
  repository: "acme/app",
  run: 9,
  attempt: 2,
  url: "https://github.com/acme/app/actions/runs/9/attempts/2",
  commit: COMMIT,
  ref: "refs/tags/v1",
  builder: "https://github.com/acme/app/.github/workflows/build.yml@refs/tags/v1",
  acceptedBy: "trust.builders[0]",
};
const JOBS = "GET /repos/acme/app/actions/runs/9/attempts/2/jobs";
const job = (id: number, commit = COMMIT) => ({
  id,
  run_id: 9,
  head_sha: commit,
  name: `job ${id}`,
  conclusion: "success",
});

async function print(api: Api, log: string, isTTY = false) {
  const said: string[] = [];
  let out = "";
  const write = (text: string) => {
    out += text;
    return true;
  };
  const stdout = { isTTY, write } as unknown as NodeJS.WriteStream;
  const ports = { octokitFor: () => api.octokit, download: async () => new Response(log) };
  const printed = await printRuns([run], ports, stdout, (line) => said.push(line));
  return { printed, out, said: said.join("\n") };
}

function answer(api: Api, ...jobs: readonly ReturnType<typeof job>[]) {
  api.answer(JOBS, 200, { total_count: jobs.length, jobs });
  for (const { id } of jobs)
    api.answer(`GET /repos/acme/app/actions/jobs/${id}/logs`, 302, undefined, {
      location: "https://storage.example/log",
    });
}

test("prints the log of each job of the very attempt, as it is where nobody's terminal reads it", async (t) => {
  const api = startApi(t);
  answer(api, job(20), job(21));
  const { printed, out, said } = await print(api, "one\n\u001b[31mtwo");
  assert.equal(printed, 2);
  assert.equal(out, "one\n\u001b[31mtwo\n".repeat(2));
  assert.match(said, /^job job 20 \(success\)\njob job 21 \(success\)$/);
});

test("on a terminal nothing that a build printed controls it", async (t) => {
  const api = startApi(t);
  answer(api, job(20));
  const { out } = await print(api, "a\tb\u001b[2J\r\n\u202ec\n", true);
  assert.equal(out, "a    b\\u{1b}[2J\n\\u{202e}c\n");
});

test("R9 a run of another commit than the certificate's isn't printed", async (t) => {
  const api = startApi(t);
  api.answer(JOBS, 200, { total_count: 1, jobs: [job(20, "b".repeat(40))] });
  const { printed, out, said } = await print(api, "one");
  assert.deepEqual([printed, out], [0, ""]);
  assert.match(said, /no such run of that commit/);
});

test("a log that GitHub keeps no more is said to be gone, with the run's address", async (t) => {
  const api = startApi(t);
  api.answer(JOBS, 200, { total_count: 1, jobs: [job(20)] });
  api.answer("GET /repos/acme/app/actions/jobs/20/logs", 410, { message: "gone" });
  const { printed, said } = await print(api, "");
  assert.equal(printed, 0);
  assert.match(said, /its log is gone: .*actions\/runs\/9/);
});
