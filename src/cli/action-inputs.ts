import { UsageError } from "./exit-code.ts";
import { VERIFY_OUTPUTS, type VerifyArguments } from "./verify.ts";

/** Every input of `action/verify/action.yml`, in its order there. */
export const ACTION_INPUTS = [
  "images",
  "images-from",
  "policy",
  "platform",
  "as",
  "bundles",
  "trusted-root",
  "refresh-roots",
  "allow-host",
  "offline",
  "cache",
  "output",
  "sarif-file",
  "vsa",
  "vsa-key",
  "vsa-id",
  "vsa-tsa",
  "server",
  "server-key",
  "server-id",
  "max-age",
  "minimum-level",
  "github-token",
] as const;

/** What the action was asked. */
export interface ActionInputs {
  readonly verify: VerifyArguments;
  /** Where SARIF goes beside what is printed. */
  readonly sarifFile: string | undefined;
  /** In whose name GitHub is asked. */
  readonly githubToken: string | undefined;
}

/**
 * The inputs as GitHub's runner gives them: each in an environment variable, empty where the workflow says nothing.
 *
 * @throws {UsageError} for a value that isn't one: a wrong `offline` must not silently mean false.
 */
export function actionInputs(env: Readonly<Record<string, string | undefined>>): ActionInputs {
  const text = (name: (typeof ACTION_INPUTS)[number]) => env[`INPUT_${name.toUpperCase()}`]?.trim() || undefined;
  const lines = (name: (typeof ACTION_INPUTS)[number]) =>
    (text(name) ?? "")
      .split("\n")
      .map((line) => line.trim())
      .filter((line) => line !== "");
  const flag = (name: (typeof ACTION_INPUTS)[number], otherwise: boolean) => {
    const value = text(name) ?? String(otherwise);
    if (value !== "true" && value !== "false") throw new UsageError(`input ${name}: ${value}; write true or false`);
    return value === "true";
  };
  const given = <K extends string>(key: K, value: string | undefined) =>
    (value === undefined ? {} : { [key]: value }) as Partial<Record<K, string>>;
  const asked = text("output") ?? "text";
  const output = VERIFY_OUTPUTS.find((each) => each === asked);
  if (output === undefined) throw new UsageError(`input output: ${asked}; write one of ${VERIFY_OUTPUTS.join(", ")}`);
  return {
    verify: {
      images: lines("images"),
      ...given("imagesFrom", text("images-from")),
      ...given("policy", text("policy")),
      ...given("platform", text("platform")),
      ...given("as", text("as")),
      bundles: lines("bundles"),
      trustedRoot: lines("trusted-root"),
      refreshRoots: flag("refresh-roots", false),
      allowHost: lines("allow-host"),
      offline: flag("offline", false),
      cache: flag("cache", true),
      output,
      ...given("vsa", text("vsa")),
      ...given("vsaKey", text("vsa-key")),
      ...given("vsaId", text("vsa-id")),
      ...given("vsaTsa", text("vsa-tsa")),
      ...given("server", text("server")),
      ...given("serverKey", text("server-key")),
      ...given("serverId", text("server-id")),
      ...given("maxAge", text("max-age")),
      ...given("minimumLevel", text("minimum-level")),
    },
    sarifFile: text("sarif-file"),
    githubToken: text("github-token"),
  };
}
