#!/usr/bin/env node
import { StoreError } from "../store/error.ts";
import { ConfigError, readConfig, withEnvFile } from "./config.ts";
import { type Serving, serve } from "./serve.ts";

/** How long what is running may take to end, in milliseconds; then it goes on after the next start. */
const STOPPING_MS = 10_000;

const DOING: Readonly<Record<Serving["mode"], string>> = {
  app: "waiting for deliveries",
  answers: "answering those who ask about images",
  "set-up": "no app is registered yet: open this address, it says what to do",
};

/**
 * `trusted-builds serve`, and `npm start`: runs until SIGINT or SIGTERM. Where an app is registered meanwhile it starts anew, as that app.
 *
 * @returns the exit code where it can't start; never otherwise.
 */
export async function main(env: NodeJS.ProcessEnv): Promise<number> {
  // Before it listens: who reads that line may signal at once, and a start that takes long can be asked to end.
  const asked = new Promise<void>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const)
      process.once(signal, () => {
        setTimeout(() => process.exit(0), STOPPING_MS).unref();
        resolve();
      });
  });
  try {
    for (;;) {
      const serving = await serve(readConfig(withEnvFile(env)), showToken);
      process.stdout.write(`trusted-builds: listening on ${serving.url}; ${DOING[serving.mode]}\n`);
      if (serving.admissionUrl !== undefined)
        process.stdout.write(`trusted-builds: a cluster's reviews are answered on ${serving.admissionUrl}\n`);
      const next = await Promise.race([asked.then(() => "end"), serving.registered.then(() => "start")]);
      await serving.close();
      if (next === "end") return 0;
      process.stdout.write("trusted-builds: an app is registered; starting as that app\n");
    }
  } catch (error) {
    if (!(error instanceof ConfigError) && !(error instanceof StoreError) && !isAddressFault(error)) throw error;
    process.stderr.write(`trusted-builds: ${(error as Error).message}\n`);
    return 1;
  }
}

/** Standard output is whoever's who started the server: that he knows the token is all that tells him from strangers. */
function showToken(token: string): void {
  process.stdout.write(`trusted-builds: the set-up page asks for this token, which serves once: ${token}\n`);
}

function isAddressFault(error: unknown): boolean {
  return ["EADDRINUSE", "EACCES", "EADDRNOTAVAIL", "ENOTFOUND"].includes((error as NodeJS.ErrnoException).code ?? "");
}

if (import.meta.main) process.exit(await main(process.env));
