import { Probot, ProbotOctokit } from "probot";
import type { Clients } from "../github/ask.ts";
import type { AppCredentials, Config } from "./config.ts";

/** Probot with the app's credentials, and nothing of them from elsewhere: it would take any `*.pem` of the working directory. */
export function createGithubApp(config: Config, app: AppCredentials): Probot {
  // Only a function replaces what Probot sets: an object's throttle is overwritten. Nothing is retried or waited for in here: what fails
  // is tried again from the store, where it survives a restart and holds up nobody else.
  const never = () => false;
  const Octokit = ProbotOctokit.defaults((given: Record<string, unknown>) => ({
    ...given,
    retry: { enabled: false },
    throttle: { enabled: config.throttle, onRateLimit: never, onSecondaryRateLimit: never },
  }));
  return new Probot({
    appId: app.id,
    privateKey: app.privateKey,
    secret: app.webhookSecret,
    baseUrl: config.apiUrl,
    logLevel: config.logLevel,
    logFormat: "json",
    Octokit,
  });
}

/** In whose name GitHub is asked. Tokens come from Probot, which keeps each for as long as it is valid. */
export function githubClients(probot: Probot): Clients {
  return {
    appOctokit: () => probot.auth(),
    octokitFor: (installation) => probot.auth(installation),
  };
}
