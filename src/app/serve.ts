import type { Config } from "./config.ts";
import { serveAnswers } from "./serve-answers.ts";
import { serveApp } from "./serve-app.ts";
import { serveSetup } from "./setup-server.ts";

/** A server that runs. */
export interface Serving {
  /** `http://HOST:PORT` */
  readonly url: string;
  readonly mode: "app" | "answers" | "set-up";
  /** Where a cluster asks, `https://HOST:PORT`; absent where none does. */
  readonly admissionUrl?: string | undefined;
  /** In set-up mode: resolves when an app is registered, and a start would be one in app mode. Never otherwise. */
  readonly registered: Promise<void>;
  /** Ends what is running in an orderly way; what isn't done goes on after the next start. */
  close(): Promise<void>;
}

/**
 * Starts the server.
 *
 * @param showToken - In set-up mode: shows whoever started the server, and nobody else, the token that its page asks for.
 * @throws {StoreError} where the database can't be opened, `in-use` where another process has it. @throws {ConfigError} for files it names that can't be used.
 */
export async function serve(config: Config, showToken: (token: string) => void): Promise<Serving> {
  const registered = new Promise<void>(() => {});
  if (config.mode === "answers") return { ...(await serveAnswers(config)), mode: "answers", registered };
  if (config.app !== undefined) return { ...(await serveApp(config, config.app)), mode: "app", registered };
  return { ...(await serveSetup(config, showToken)), mode: "set-up" };
}
