import { type ChildProcess, spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../../src/app/main.ts", import.meta.url));
const LISTENING = /listening on (http:\S+);/;
/** Tests start many servers, and compiling them is a third of the work. */
const COMPILE_CACHE = join(tmpdir(), `trusted-builds-compiled-${userInfo().uid}`);
/** From, and up to: below what kernels give to whoever asks for any port, and without any that browsers refuse. */
const PORTS = [11_000, 20_000] as const;
/** How long a start may take, in milliseconds: the embedded database is made first. */
const START_MS = 180_000;

/** The real server in a process of its own. */
export interface ServerProcess {
  readonly url: string;
  /** Where GitHub delivers to. */
  readonly webhooks: string;
  readonly pid: number;
  /** What it has written so far. */
  output(): string;
  /** Ends it at once, as `kill -9` does. */
  kill(): Promise<void>;
  /** Asks it to end. Resolves to its exit code. */
  stop(signal?: "SIGTERM" | "SIGINT"): Promise<number | null>;
}

/** The server ended instead of listening. */
export class StartFailed extends Error {
  readonly exit: number | null;
  readonly output: string;
  constructor(exit: number | null, output: string) {
    super(`the server ended with ${exit}:\n${output}`);
    this.exit = exit;
    this.output = output;
  }
}

/**
 * Starts `src/app/main.ts`, or another program that serves, with this environment and nothing else but PATH.
 *
 * @param begun - Called as soon as there is a process, which it may kill long before it listens.
 * @throws {StartFailed}
 */
export async function startServer(
  env: Readonly<Record<string, string>>,
  program: readonly string[] = [MAIN],
  begun: (server: Pick<ServerProcess, "kill">) => void = () => {},
): Promise<ServerProcess> {
  const child = spawn(process.execPath, program, {
    env: {
      PATH: process.env.PATH ?? "",
      HOST: "127.0.0.1",
      NODE_COMPILE_CACHE: COMPILE_CACHE,
      REFRESH_ROOTS_SECONDS: "0",
      // Not that of whoever runs the tests.
      ENV_FILE: join(tmpdir(), "no-env-file-of-a-test"),
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  // A test that fails before it stops the server must not leave it behind.
  const atExit = () => child.kill("SIGKILL");
  process.once("exit", atExit);
  const kill = async () => {
    await ended(child, "SIGKILL");
  };
  begun({ kill });
  let output = "";
  const url = await new Promise<string>((resolve, reject) => {
    const late = setTimeout(() => {
      child.kill("SIGKILL");
      reject(new StartFailed(null, `not listening after ${START_MS} ms\n${output}`));
    }, START_MS);
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        output += text;
        const [, found] = LISTENING.exec(output) ?? [];
        if (found === undefined) return;
        clearTimeout(late);
        resolve(found);
      });
    }
    child.once("close", (code) => {
      clearTimeout(late);
      process.off("exit", atExit);
      reject(new StartFailed(code, output));
    });
  });
  return {
    url,
    webhooks: `${url}/api/github/webhooks`,
    pid: child.pid ?? 0,
    output: () => output,
    kill,
    stop: (signal = "SIGTERM") => ended(child, signal),
  };
}

async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const closed = once(child, "close");
  child.kill(signal);
  await closed;
  return child.exitCode;
}

/**
 * A port that nobody has just now, and that no other test is given: a server that starts again listens where it did before. The kernel's
 * own choice would be a port that it gives to the next who asks for any, while the server starts.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(...PORTS);
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false)).listen(port, "127.0.0.1", () => resolve(true));
    });
    if (!isFree) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
}
