import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** GitHub's runner asks before it kills, in milliseconds. It waits longer. */
const GRACE_MS = 2000;

/** A program that ends when it should. */
export interface ActionProcess {
  readonly main: string;
  readonly cwd: string;
  /** All that it gets. */
  readonly env: Readonly<Record<string, string>>;
  /** Ends it, and what it has started. */
  readonly signal: AbortSignal;
  /** Gets what it prints, line by line, on both streams. */
  line(text: string): void;
}

/** Runs a JavaScript action. @returns its exit code; null if it was killed. */
export async function runActionProcess({ main, cwd, env, signal, line }: ActionProcess): Promise<number | null> {
  // A group of its own, so that the programs that it starts end with it.
  const child = spawn(process.execPath, [main], { cwd, env, stdio: ["ignore", "pipe", "pipe"], detached: true });
  const kill = (how: NodeJS.Signals) => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, how);
    } catch {
      // It has ended.
    }
  };
  let insist: NodeJS.Timeout | undefined;
  const end = () => {
    kill("SIGTERM");
    insist = setTimeout(() => kill("SIGKILL"), GRACE_MS);
  };
  signal.addEventListener("abort", end, { once: true });
  if (signal.aborted) end();
  const printed = [child.stdout, child.stderr].map(async (stream) => {
    for await (const text of createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY })) line(text);
  });
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once("error", reject).once("close", resolve);
    });
    await Promise.all(printed);
    return code;
  } finally {
    clearTimeout(insist);
    signal.removeEventListener("abort", end);
    kill("SIGKILL"); // what it left behind
  }
}
