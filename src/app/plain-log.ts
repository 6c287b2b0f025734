import type { Config } from "./config.ts";
import type { Log } from "./jobs.ts";

const LEVELS: readonly Config["logLevel"][] = ["trace", "debug", "info", "warn", "error", "fatal"];

/** A log of lines in JSON, in the form of the app's, whose log is Probot's. */
export function plainLog(to: { write(line: string): unknown }, least: Config["logLevel"]): Log {
  const line = (level: "info" | "warn" | "error") => (fields: object, message: string) => {
    if (LEVELS.indexOf(level) < LEVELS.indexOf(least)) return;
    const { err, ...others } = fields as { readonly err?: unknown };
    const error = err instanceof Error ? { name: err.name, message: err.message, stack: err.stack } : err;
    to.write(
      `${JSON.stringify({ level, time: new Date().toISOString(), ...others, ...(err !== undefined && { err: error }), msg: message })}\n`,
    );
  };
  return { info: line("info"), warn: line("warn"), error: line("error") };
}
