import { randomUUID } from "node:crypto";
import { link, mkdir, readdir, readFile, readlink, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { StoreError } from "./error.ts";

/** This process, as far as a lock has to know it: `process` itself. */
export interface OwnProcess {
  readonly pid: number;
  /** Signal 0 only asks whether there is such a process. */
  kill(pid: number, signal: 0): boolean;
}

/** How often others may get in between before that counts as a fault. */
const MAX_TRIES = 100;

/** How an owner in another container or on another machine is told from one that has died: it touches its lock, in milliseconds. */
export interface Heartbeat {
  readonly beatMs: number;
  /** Long beside the other: an owner may be busy. */
  readonly watchMs: number;
}

const HEARTBEAT: Heartbeat = { beatMs: 2000, watchMs: 20_000 };

const Holder = z.object({
  /** Undefined once it was given back. */
  pid: z.number().int().optional(),
  /** When the process started, as /proc has it: pids are used again. */
  startedAt: z.string().optional(),
  /** Which boot of which machine, and which container: elsewhere the pid is another process's. */
  place: z.string().optional(),
});
type Holder = z.infer<typeof Holder>;

/**
 * Takes a directory for this process. PGlite takes no lock of its own: a second process would open the same database without an
 * error, and both would lose rows.
 *
 * A lock is a file `lock.N`, and the highest number counts. Whoever finds its owner gone makes the next number, which the file system
 * gives to one only. Numbers are never used twice and the highest file always stays, so that nobody who is slow can take a lock for an
 * abandoned one that has been taken since.
 *
 * @returns what gives it back.
 * @throws {StoreError} `in-use`, with the pid of the process that has it.
 */
export async function lockDirectory(
  directory: string,
  own: OwnProcess,
  heartbeat: Heartbeat = HEARTBEAT,
): Promise<() => Promise<void>> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const mine: Holder = { pid: own.pid, startedAt: (await statusOf(own.pid))?.startedAt, place: await ownPlace() };
  // Written beside and linked: a lock is never seen half-written.
  const draft = join(directory, `lock-${randomUUID()}`);
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const highest = Math.max(0, ...(await numbersIn(directory)));
    const taken = join(directory, `lock.${highest}`);
    const holder = await readHolder(taken);
    if (holder?.pid !== undefined) {
      const isHere = holder.place === mine.place;
      if (isHere ? await isAlive(holder, own) : await beats(taken, heartbeat.watchMs))
        throw new StoreError(
          "in-use",
          `the directory ${directory} is in use by process ${holder.pid}${isHere ? "" : " of another container or machine"}: one process at a time; stop that one, or use PostgreSQL for several`,
        );
    }
    const number = highest + 1;
    const path = join(directory, `lock.${number}`);
    await writeFile(draft, JSON.stringify(mine), { mode: 0o600 });
    try {
      await link(draft, path);
    } catch (error) {
      // EEXIST: somebody else was first. ENOENT: the winner has tidied up our draft.
      if (["EEXIST", "ENOENT"].includes((error as NodeJS.ErrnoException).code ?? "")) continue;
      throw error;
    } finally {
      await rm(draft, { force: true });
    }
    if (Math.max(...(await numbersIn(directory))) > number) {
      await rm(path, { force: true });
      continue;
    }
    await tidyUp(directory, number);
    const timer = setInterval(() => void utimes(path, new Date(), new Date()).catch(() => {}), heartbeat.beatMs);
    timer.unref();
    return async () => {
      clearInterval(timer);
      await writeFile(draft, "{}", { mode: 0o600 });
      await rename(draft, path);
    };
  }
  throw new StoreError("in-use", `the directory ${directory} was taken by others ${MAX_TRIES} times in a row`);
}

async function numbersIn(directory: string): Promise<readonly number[]> {
  return (await readdir(directory)).flatMap((name) => /^lock\.(\d{1,15})$/.exec(name)?.[1] ?? []).map(Number);
}

async function tidyUp(directory: string, number: number): Promise<void> {
  for (const name of await readdir(directory)) {
    const old = /^lock\.(\d{1,15})$/.exec(name);
    if (old === null ? /^lock-[0-9a-f-]{36}$/.test(name) : Number(old[1]) < number)
      await rm(join(directory, name), { force: true });
  }
}

/** @returns undefined where there is none; one that can't be understood counts as given back, since no program of ours writes one. */
async function readHolder(path: string): Promise<Holder | undefined> {
  const text = await readFile(path, "utf8").catch(() => "");
  try {
    return Holder.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

async function isAlive(holder: Holder, own: OwnProcess): Promise<boolean> {
  if (holder.pid === undefined) return false;
  try {
    own.kill(holder.pid, 0);
  } catch (error) {
    // EPERM: there is one, of another user.
    if ((error as NodeJS.ErrnoException).code !== "EPERM") return false;
  }
  const status = await statusOf(holder.pid);
  if (status === undefined || holder.startedAt === undefined) return true;
  // A process that has ended and whom nobody has waited for still has its pid.
  return status.startedAt === holder.startedAt && !/^[ZX]$/.test(status.state);
}

/** proc(5): the state is the third field of `stat`, the start the 22nd; the second is a name in parentheses that may have anything in it. */
async function statusOf(pid: number): Promise<{ readonly state: string; readonly startedAt: string } | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  const fields = text?.slice(text.lastIndexOf(")") + 2).split(" ");
  const [state, startedAt] = [fields?.[0], fields?.[19]];
  return state === undefined || startedAt === undefined ? undefined : { state, startedAt };
}

/** The boot's number, and that of the namespace in which pids are counted. @returns undefined where there is no /proc. */
async function ownPlace(): Promise<string | undefined> {
  try {
    const boot = await readFile("/proc/sys/kernel/random/boot_id", "utf8");
    return `${boot.trim()} ${await readlink("/proc/self/ns/pid")}`;
  } catch {
    return undefined;
  }
}

/** Whether somebody touches it. By its own times alone: clocks of machines differ. */
async function beats(path: string, watchMs: number): Promise<boolean> {
  const touched = async () => (await stat(path).catch(() => undefined))?.mtimeMs;
  const before = await touched();
  const end = Date.now() + watchMs;
  while (Date.now() < end) {
    await sleep(Math.min(watchMs / 10, 1000));
    if ((await touched()) !== before) return true;
  }
  return false;
}
