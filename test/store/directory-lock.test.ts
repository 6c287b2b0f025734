import assert from "node:assert/strict";
import { type ChildProcess, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync, writeFileSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Duplex } from "node:stream";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { lockDirectory } from "../../src/store/directory-lock.ts";

/** No pid is as high: the kernel's limit is 2^22. */
const NOBODY = 2 ** 22 + 1;
/** Without /proc, as on other systems: there is a process or there isn't. */
const alive = { pid: process.pid, kill: () => true };
const dead = {
  pid: process.pid,
  kill(): boolean {
    throw Object.assign(new Error("no such process"), { code: "ESRCH" });
  },
};
const somebodyElses = {
  pid: process.pid,
  kill(): boolean {
    throw Object.assign(new Error("not permitted"), { code: "EPERM" });
  },
};

async function emptyDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "lock-test-"));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

async function holderIn(directory: string): Promise<Record<string, unknown>> {
  const [name, ...more] = (await readdir(directory)).sort();
  assert.deepEqual(more, []);
  return JSON.parse(await readFile(join(directory, name ?? ""), "utf8"));
}

test("a directory is one process's until it is given back, and others are told whose", async (t) => {
  const directory = await emptyDirectory(t);
  for (let i = 0; i < 3; i++) {
    const unlock = await lockDirectory(join(directory, "new"), process);
    await assert.rejects(lockDirectory(join(directory, "new"), process), (error: Error & { code: string }) => {
      assert.equal(error.code, "in-use");
      assert.match(error.message, new RegExp(`\\b${process.pid}\\b`));
      return true;
    });
    await unlock();
  }
});

test("of many processes that start at once on an abandoned directory exactly one has it, each time", async (t) => {
  const directory = await emptyDirectory(t);
  const children = Array.from({ length: 4 }, () =>
    fork(fileURLToPath(new URL("locking.ts", import.meta.url)), [directory]),
  );
  t.after(() => children.forEach((child) => void child.kill("SIGKILL")));
  await Promise.all(children.map((child) => once(child, "message")));
  for (let left = children; left.length > 0; ) {
    const answers = await Promise.all(left.map(ask));
    const winners = left.filter((_, i) => answers[i] === "locked");
    assert.equal(winners.length, 1, answers.join());
    assert.ok(
      answers.every((answer) => answer === "locked" || answer === `in use by process ${winners[0]?.pid}`),
      answers.join(),
    );
    // It dies with the lock; the others start again.
    winners[0]?.kill("SIGKILL");
    await once(winners[0] as ChildProcess, "close");
    left = left.filter((child) => child !== winners[0]);
  }
});

async function ask(child: ChildProcess): Promise<unknown> {
  const answer = once(child, "message");
  child.send("lock");
  return (await answer)[0];
}

test("the lock of a process that has died is taken over, also where its pid is another's now", async (t) => {
  const directory = await emptyDirectory(t);
  await lockDirectory(directory, process);
  const mine = await holderIn(directory);
  const path = () => readdir(directory).then(([name]) => join(directory, name ?? ""));
  const takenOver = [
    { ...mine, pid: NOBODY },
    { ...mine, startedAt: "1" },
    {},
    // Whatever it is, no program of ours wrote it.
    "nonsense",
    { ...mine, pid: "12" },
  ];
  for (const holder of takenOver) {
    await writeFile(await path(), JSON.stringify(holder));
    await lockDirectory(directory, process);
    assert.equal((await holderIn(directory)).pid, process.pid);
  }
  for (const holder of [mine, { ...mine, startedAt: undefined }]) {
    await writeFile(await path(), JSON.stringify(holder));
    await assert.rejects(lockDirectory(directory, process), { code: "in-use" });
  }
});

test("without /proc it is the pid alone that counts, also of another user's process", async (t) => {
  const directory = await emptyDirectory(t);
  await lockDirectory(directory, process);
  const [name = ""] = await readdir(directory);
  const { place } = await holderIn(directory);
  await writeFile(join(directory, name), JSON.stringify({ pid: NOBODY, place }));
  await assert.rejects(lockDirectory(directory, alive), { code: "in-use" });
  await assert.rejects(lockDirectory(directory, somebodyElses), { code: "in-use" });
  await lockDirectory(directory, dead);
});

test("a process that has ended and that nobody waited for has no lock any more", async (t) => {
  const directory = await emptyDirectory(t);
  await lockDirectory(directory, process);
  const [name = ""] = await readdir(directory);
  const { place } = await holderIn(directory);
  // `exec` replaces the shell by a program that knows of no child; the child ends only after that, or the shell would wait for it.
  const parent = spawn("sh", ["-c", "cat <&3 >&2 & echo $!; exec sleep 60"], {
    stdio: ["ignore", "pipe", "inherit", "pipe"],
  });
  t.after(() => parent.kill("SIGKILL"));
  const [, stdout, , hold] = parent.stdio;
  assert.ok(stdout && hold instanceof Duplex);
  const pid = Number(await once(stdout, "data"));
  while ((await readFile(`/proc/${parent.pid}/comm`, "utf8")).trim() !== "sleep") await sleep(5);
  hold.end();
  let fields: readonly string[] = [];
  while (fields[0] !== "Z") fields = (await readFile(`/proc/${pid}/stat`, "utf8")).replace(/^.*\) /, "").split(" ");
  await writeFile(join(directory, name), JSON.stringify({ pid, startedAt: fields[19], place }));
  await lockDirectory(directory, process);
});

test("a slow process can't take a lock for abandoned that another has taken since", async (t) => {
  const directory = await emptyDirectory(t);
  const lock = (number: number) => join(directory, `lock.${number}`);
  await (await lockDirectory(directory, process))();
  const unlock = await lockDirectory(directory, process);
  const { place } = await holderIn(directory);
  await unlock();
  await rm(lock(2));
  await writeFile(lock(7), JSON.stringify({ pid: NOBODY, place }));
  let calls = 0;
  const slow = {
    pid: process.pid,
    kill(): boolean {
      if (calls++ > 0) return true;
      // While it asks, the lock was taken over, given back and taken again.
      rmSync(lock(7));
      writeFileSync(lock(9), JSON.stringify({ pid: process.pid, place }));
      throw Object.assign(new Error("no such process"), { code: "ESRCH" });
    },
  };
  await assert.rejects(lockDirectory(directory, slow), { code: "in-use" });
  assert.deepEqual(await readdir(directory), ["lock.9"]);
});

test("an owner in another container or on another machine is alive as long as it touches its lock", async (t) => {
  const directory = await emptyDirectory(t);
  const heartbeat = { beatMs: 100, watchMs: 2000 };
  await lockDirectory(directory, process, heartbeat);
  const [name = ""] = await readdir(directory);
  // Its pid may be anybody's here.
  for (const pid of [process.pid, NOBODY]) {
    await writeFile(join(directory, name), JSON.stringify({ pid, place: "elsewhere" }));
    await assert.rejects(lockDirectory(directory, process, heartbeat), { code: "in-use" });
  }
  const died = await emptyDirectory(t);
  await writeFile(join(died, "lock.1"), JSON.stringify({ pid: process.pid, place: "elsewhere" }));
  await lockDirectory(died, process, heartbeat);
});
