#!/usr/bin/env node
import { StoreError } from "../store/error.ts";
import { ConfigError, readConfig } from "./config.ts";
import { serve } from "./serve.ts";

/** How long what is running may take to end, in milliseconds; then it goes on after the next start. */
const STOPPING_MS = 10_000;

/**
 * `trusted-builds serve`, and `npm start`: runs until SIGINT or SIGTERM.
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
    const serving = await serve(readConfig(env));
    const what =
      serving.mode === "app"
        ? "waiting for deliveries"
        : "no app is registered yet: open this address, it says what to do";
    process.stdout.write(`trusted-builds: listening on ${serving.url}; ${what}\n`);
    await asked;
    await serving.close();
    return 0;
  } catch (error) {
    if (!(error instanceof ConfigError) && !(error instanceof StoreError) && !isAddressFault(error)) throw error;
    process.stderr.write(`trusted-builds: ${(error as Error).message}\n`);
    return 1;
  }
}

function isAddressFault(error: unknown): boolean {
  return ["EADDRINUSE", "EACCES", "EADDRNOTAVAIL", "ENOTFOUND"].includes((error as NodeJS.ErrnoException).code ?? "");
}

if (import.meta.main) process.exit(await main(process.env));
