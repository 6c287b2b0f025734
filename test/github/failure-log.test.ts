import assert from "node:assert/strict";
import { test } from "node:test";
import type { Download } from "../../src/github/job-log.ts";
import { createWorkflows } from "../../src/github/workflows.ts";
import { type Api, app, couldNotLook, startApi } from "./api.ts";

const RUN = { id: 9, attempt: 2, url: "https://github.com/acme/app/actions/runs/9" };
const JOBS = "GET /repos/acme/app/actions/runs/9/attempts/2/jobs";
const LOGS = "GET /repos/acme/app/actions/jobs/21/logs";
const STORAGE = "https://storage.example/log?sig=s3cr3t";

type Reply = (url: URL, init: Parameters<Download>[1]) => Response;

function logOf(api: Api, ...replies: readonly Reply[]) {
  const left = [...replies];
  const download: Download = async (url, init) => {
    const reply = left.shift();
    assert.ok(reply, `nobody expected ${url.href}`);
    return reply(url, init);
  };
  return createWorkflows({ octokitFor: async () => api.octokit, download }).readFailureLog(app, RUN);
}

function answerJobs(api: Api) {
  api.answer(JOBS, 200, {
    total_count: 3,
    jobs: [
      { id: 20, conclusion: "success" },
      { id: 21, conclusion: "failure" },
      { id: 22, conclusion: "failure" },
    ],
  });
}

/** The log's place is told; what is there is for the download to say. */
function answerLog(api: Api, location = STORAGE) {
  answerJobs(api);
  api.answer(LOGS, 302, undefined, { location });
}

const text =
  (log: string): Reply =>
  () =>
    new Response(log);

test("reads the end of the first failed job's log, where GitHub keeps it, without credentials", async (t) => {
  const api = startApi(t);
  answerLog(api);
  const log = await logOf(api, (url, init) => {
    assert.equal(url.href, STORAGE);
    assert.deepEqual(Object.keys(init).sort(), ["redirect", "signal"]);
    assert.equal(init.redirect, "manual");
    return new Response("one\ntwo\n");
  });
  assert.equal(log, "one\ntwo");
});

test("shows a log as plain text: no times, no colours, nothing that controls a terminal or turns text around", async (t) => {
  const api = startApi(t);
  answerLog(api);
  const lines = [
    "\uFEFF2026-11-27T16:00:00.1234567Z ##[group]Build",
    "2026-11-27T16:00:01Z \u001b[31mred\u001b[0m \u001b]0;title\u0007x\u202Ey\u0000\r",
    "2026-11-27T16:00:02Z at 2026-11-27T16:00:01Z\tit\u2028failed",
    "no time",
  ];
  const log = await logOf(api, text(lines.join("\n")));
  assert.equal(log, "Build\nred xy\nat 2026-11-27T16:00:01Z  itfailed\nno time");
});

test("keeps the last sixty lines", async (t) => {
  const api = startApi(t);
  answerLog(api);
  const log = await logOf(api, text(Array.from({ length: 5000 }, (_, at) => `line ${at}\n`).join("")));
  assert.deepEqual(
    log?.split("\n"),
    Array.from({ length: 60 }, (_, at) => `line ${4940 + at}`),
  );
});

test("keeps at most 16 KiB, whole lines of them where there are any", async (t) => {
  const api = startApi(t);
  answerLog(api);
  const long = "ä".repeat(1000);
  const log = await logOf(api, text(Array.from({ length: 60 }, () => long).join("\n")));
  assert.deepEqual(
    log?.split("\n"),
    Array.from({ length: 8 }, () => long),
  );
  answerLog(api);
  const one = await logOf(api, text(`${"ä".repeat(50_000)}z`));
  assert.match(one ?? "", /^…ä+z$/);
  assert.ok(Buffer.byteLength(one ?? "") <= 16 * 1024);
  assert.ok(Buffer.byteLength(one ?? "") > 16 * 1024 - 8);
});

test("keeps the end of a line that is longer than all that is kept", async (t) => {
  const api = startApi(t);
  answerLog(api);
  assert.match((await logOf(api, text("x".repeat(1024 * 1024).concat("end")))) ?? "", /^…x+end$/);
});

test("begins with a whole line, though the log is long", async (t) => {
  const api = startApi(t);
  answerLog(api);
  const long = "\u001b[31m".repeat(20_000);
  const log = await logOf(api, text(`${`${long}lost\n`.repeat(5)}${`${long}kept\n`.repeat(2)}`));
  assert.equal(log, "kept\nkept");
});

test("reads no more than 8 MiB, and says so", async (t) => {
  const api = startApi(t);
  answerLog(api);
  let chunks = 0;
  const endless = new ReadableStream<Uint8Array>({
    pull(controller) {
      chunks += 1;
      controller.enqueue(Buffer.from("x".repeat(1023).concat("\n").repeat(1024)));
    },
  });
  const log = await logOf(api, () => new Response(endless));
  assert.match(log ?? "", /x\n… the log goes on; 8 MiB of it were read$/);
  assert.ok(chunks < 12);
});

test("follows redirects of the storage by hand, and not without end", async (t) => {
  const api = startApi(t);
  const next: Reply = () => new Response(null, { status: 307, headers: { location: "/next" } });
  answerLog(api);
  assert.equal(await logOf(api, next, next, next, (url) => new Response(url.href)), "https://storage.example/next");
  answerLog(api);
  let asked = 0;
  const endless: Reply = (url, init) => {
    asked += 1;
    return next(url, init);
  };
  await couldNotLook("server-error", logOf(api, ...Array.from({ length: 50 }, () => endless)));
  assert.equal(asked, 4);
});

for (const [what, location] of [
  ["http beneath an API of https", "http://storage.example/log"],
  ["a file", "file:///etc/passwd"],
  ["data", "data:text/plain,x"],
  ["an address with a password", "https://user:password@storage.example/log"],
  ["nothing that is an address", "https://"],
] as const) {
  test(`R32 doesn't follow to ${what}`, async (t) => {
    const api = startApi(t);
    answerLog(api, location);
    await couldNotLook("address-refused", logOf(api));
    answerLog(api);
    await couldNotLook(
      "address-refused",
      logOf(api, () => new Response(null, { status: 302, headers: { location } })),
    );
  });
}

test("there is no log where no job failed, the run is gone, or the log is", async (t) => {
  const api = startApi(t);
  api.answer(JOBS, 200, { total_count: 1, jobs: [{ id: 20, conclusion: "cancelled" }] });
  assert.equal(await logOf(api), undefined);
  api.answer(JOBS, 404);
  assert.equal(await logOf(api), undefined);
  for (const status of [404, 410]) {
    answerJobs(api);
    api.answer(LOGS, status, { message: "gone" });
    assert.equal(await logOf(api), undefined);
    answerLog(api);
    assert.equal(await logOf(api, () => new Response("gone", { status })), undefined);
  }
});

test("looks for the failed job on every page, and takes a timeout for a failure", async (t) => {
  const api = startApi(t);
  const link = { link: '<https://api.github.com/x?page=2>; rel="next"' };
  api.answer(`${JOBS}?page=1`, 200, { total_count: 2, jobs: [{ id: 20, conclusion: "success" }] }, link);
  api.answer(`${JOBS}?page=2`, 200, { total_count: 2, jobs: [{ id: 21, conclusion: "timed_out" }] });
  api.answer(LOGS, 302, undefined, { location: STORAGE });
  assert.equal(await logOf(api, text("late\n")), "late");
});

test("could not look where the storage fails; its address stays a secret", async (t) => {
  const api = startApi(t);
  for (const [reply, code] of [
    [() => new Response("no", { status: 403 }), "server-error"],
    [() => new Response("no", { status: 503 }), "server-error"],
    [
      () => {
        throw new TypeError(`fetch failed: ${STORAGE}`);
      },
      "network",
    ],
    [
      () => {
        throw new DOMException("timed out", "TimeoutError");
      },
      "timeout",
    ],
  ] as const) {
    answerLog(api);
    const error = await couldNotLook(code, logOf(api, reply));
    assert.doesNotMatch(error.message, /s3cr3t/);
  }
  answerJobs(api);
  api.answer(LOGS, 302);
  await couldNotLook("server-error", logOf(api));
});
