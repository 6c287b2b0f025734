import { createPrivateKey } from "node:crypto";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { clientsBehind } from "../api/client-address.ts";
import { type AdmissionConfig, readAdmission } from "./admission-config.ts";
import { EnvFileError, readEnvFile, type Variables } from "./env-file.ts";

/** What the server runs with. */
export interface Config {
  /** Undefined: no app is registered yet, and the server only says how (set-up mode). */
  readonly app: AppCredentials | undefined;
  /** Where set-up keeps the app's credentials, and where a start finds them. */
  readonly envFile: string;
  readonly host: string;
  readonly port: number;
  /** The GitHub server's URL, without a slash at its end. */
  readonly server: string;
  readonly apiUrl: string;
  readonly store:
    | { readonly kind: "directory"; readonly path: string }
    | { readonly kind: "url"; readonly url: string };
  /** Where people reach this server; without it check runs link to the workflow's run only. No slash at its end. */
  readonly publicUrl: string | undefined;
  /** Files of Sigstore trusted roots; those that come with the program if empty. */
  readonly trustedRoots: readonly string[];
  /** Where refreshed roots are kept; undefined where nothing is kept, and so nothing refreshed. */
  readonly rootsDirectory: string | undefined;
  /** 0: never. */
  readonly refreshRootsMs: number;
  readonly allowHosts: readonly string[];
  /** A directory with Docker's `config.json`; without it registries are asked anonymously. */
  readonly registryCredentials: string | undefined;
  /** The beginning of `verifier.id` in summaries (VSAs); none are signed if undefined. No slash at its end. */
  readonly verifierId: string | undefined;
  /** The key that signs them, in PEM; one is made and kept beside the embedded database if undefined. */
  readonly signingKey: string | undefined;
  /** The address of the RFC 3161 authority that timestamps them. */
  readonly timestampAuthority: string | undefined;
  /** Whether they are attached to images as referrers. */
  readonly attachSummaries: boolean;
  readonly retriesMs: readonly number[];
  readonly pollMs: number;
  readonly listingMs: number;
  readonly reconcileMs: number;
  /** How often each repository's pins are looked at; 0 is never. */
  readonly renovateMs: number;
  /** Whether writes to GitHub are spaced as its limits ask for; servers of one's own may have none. */
  readonly throttle: boolean;
  readonly concurrency: number;
  /** How much of what registries show to anyone is kept in the database; 0 is nothing. */
  readonly cacheBytes: number;
  /** Undefined: no cluster asks here whether something may run. */
  readonly admission: AdmissionConfig | undefined;
  /** What the server does: all of it, or only answer those who ask about images, without an app at GitHub. */
  readonly mode: "app" | "answers";
  /** The published policy (RULES R1), in a file; the default one if undefined. */
  readonly policyFile: string | undefined;
  /** Whether answers for everyone may rest on what the registries' credentials show. */
  readonly answersWithCredentials: boolean;
  /** A token without permissions, with which GitHub is asked what everyone may know: its limits are higher then. */
  readonly githubReadToken: string | undefined;
  /** How many images are judged at once for those who ask; 0 is none: nobody is answered then. */
  readonly inquiries: number;
  /** Addresses and networks of proxies whose word on who asks is believed. */
  readonly trustedProxies: readonly string[];
  readonly logLevel: "trace" | "debug" | "info" | "warn" | "error" | "fatal";
}

/** What GitHub gave the app when it was registered. */
export interface AppCredentials {
  readonly id: number;
  /** In PEM. */
  readonly privateKey: string;
  readonly webhookSecret: string;
}

/** What is wrong with the environment: all of it at once, so that it is mended in one go. Never a value: it could be a secret. */
export class ConfigError extends Error {
  readonly code = "unusable-configuration";
  readonly faults: readonly string[];
  constructor(faults: readonly string[]) {
    super(`the configuration can't be used:\n${faults.map((fault) => `  ${fault}`).join("\n")}`);
    this.name = "ConfigError";
    this.faults = faults;
  }
}

/** What Probot takes where no secret is given: known to everyone. */
const PUBLIC_SECRET = "development";
/** In characters. GitHub takes any; a short one can be guessed from a single delivery. */
const MIN_SECRET_LENGTH = 16;
const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal"] as const;
/** About three hours in all. */
const RETRIES = "15 60 180 600 1800 3600 3600";

/**
 * The environment above the variables of `ENV_FILE`, or of `.env` in the working directory, where there is such a file.
 *
 * @throws {ConfigError} where it can't be read: taken for absent, it would put a server into set-up mode that has an app.
 */
export function withEnvFile(env: Variables): Variables {
  try {
    const given = Object.entries(env).filter(([, value]) => value !== undefined && value.trim() !== "");
    return { ...readEnvFile(envFileOf(env)), ...Object.fromEntries(given) };
  } catch (error) {
    if (error instanceof EnvFileError) throw new ConfigError([`ENV_FILE: ${error.message}`]);
    throw error;
  }
}

function envFileOf(env: Variables): string {
  return resolve(env.ENV_FILE?.trim() || ".env");
}

/**
 * Reads the environment.
 *
 * @throws {ConfigError}
 */
export function readConfig(env: Variables): Config {
  const faults: string[] = [];
  const text = (name: string) => {
    const value = env[name]?.trim();
    return value === "" ? undefined : value;
  };
  const list = (name: string) => (text(name) ?? "").split(/[\s,]+/).filter((entry) => entry !== "");
  const seconds = (name: string, fallback: string) => {
    const values = (text(name) ?? fallback).split(/[\s,]+/);
    if (!values.every((value) => /^\d{1,6}(\.\d{1,3})?$/.test(value))) faults.push(`${name}: seconds, as 15 60 180`);
    return values.map((value) => Number(value) * 1000);
  };
  const second = (name: string, fallback: string) => seconds(name, fallback)[0] ?? 0;
  const whole = (name: string, fallback: number, most: number) => {
    const value = text(name) ?? String(fallback);
    if (!/^\d{1,6}$/.test(value) || Number(value) > most) faults.push(`${name}: a whole number up to ${most}`);
    return Number(value);
  };
  const url = (name: string) => {
    const value = text(name);
    const parsed = value === undefined ? null : URL.parse(value);
    if (value === undefined) return undefined;
    if (parsed === null || !/^https?:$/.test(parsed.protocol) || parsed.search !== "" || parsed.hash !== "")
      faults.push(`${name}: an address, as https://builds.example.org`);
    return value.replace(/\/+$/, "");
  };

  const mode = text("MODE") ?? "app";
  if (!/^(app|answers)$/.test(mode)) faults.push("MODE: app or answers");
  const app = mode === "answers" ? undefined : readApp(text, faults);
  const gheHost = text("GHE_HOST");
  const protocol = text("GHE_PROTOCOL") ?? "https";
  if (!/^https?$/.test(protocol)) faults.push("GHE_PROTOCOL: http or https");
  if (gheHost !== undefined && !/^[a-z0-9.-]+(:\d{1,5})?$/.test(gheHost))
    faults.push("GHE_HOST: the host alone, in lower case, as github.example.org");
  const server = gheHost === undefined ? "https://github.com" : `${protocol}://${gheHost}`;
  const databaseUrl = text("DATABASE_URL");
  if (databaseUrl !== undefined && !/^postgres(ql)?:\/\//.test(databaseUrl))
    faults.push("DATABASE_URL: postgres://… ; without it the database is embedded, in DATA_DIR");
  if (databaseUrl !== undefined && text("DATA_DIR") !== undefined)
    faults.push("DATABASE_URL and DATA_DIR: one or the other");
  const level = text("LOG_LEVEL") ?? "info";
  const logLevel = LOG_LEVELS.find((each) => each === level);
  if (logLevel === undefined) faults.push(`LOG_LEVEL: one of ${LOG_LEVELS.join(", ")}`);
  const throttle = text("GITHUB_THROTTLE") ?? "on";
  if (!/^(on|off)$/.test(throttle)) faults.push("GITHUB_THROTTLE: on or off");

  const rootsDirectory =
    text("ROOTS_DIR") ?? (databaseUrl === undefined ? join(text("DATA_DIR") ?? "data", "roots") : undefined);
  const attach = text("VSA_ATTACH") ?? "off";
  if (!/^(on|off)$/.test(attach)) faults.push("VSA_ATTACH: on or off");
  const publicUrl = url("PUBLIC_URL");
  const withCredentials = text("ANSWERS_CREDENTIALS") ?? "off";
  if (!/^(on|off)$/.test(withCredentials)) faults.push("ANSWERS_CREDENTIALS: on or off");
  const trustedProxies = list("TRUSTED_PROXIES");
  try {
    clientsBehind(trustedProxies);
  } catch (error) {
    faults.push(`TRUSTED_PROXIES: ${(error as Error).message}; as 10.0.0.0/8 ::1`);
  }
  const config: Config = {
    app,
    envFile: envFileOf(env),
    host: text("HOST") ?? "localhost",
    port: whole("PORT", 3000, 65535),
    server,
    apiUrl: gheHost === undefined ? "https://api.github.com" : `${server}/api/v3`,
    store:
      databaseUrl === undefined
        ? { kind: "directory", path: resolve(text("DATA_DIR") ?? "data") }
        : { kind: "url", url: databaseUrl },
    publicUrl,
    trustedRoots: list("TRUSTED_ROOTS"),
    rootsDirectory: rootsDirectory === undefined ? undefined : resolve(rootsDirectory),
    refreshRootsMs: second("REFRESH_ROOTS_SECONDS", "86400"),
    allowHosts: list("TRUSTED_BUILDS_ALLOW_HOSTS"),
    registryCredentials: text("REGISTRY_CREDENTIALS"),
    verifierId: url("VERIFIER_ID") ?? (publicUrl === undefined ? undefined : `${publicUrl}/verifiers`),
    signingKey: keyOf(text, "VSA_SIGNING_KEY", faults),
    timestampAuthority: url("TSA_URL"),
    attachSummaries: attach === "on",
    retriesMs: seconds("RETRY_SECONDS", RETRIES),
    pollMs: second("POLL_SECONDS", "60"),
    listingMs: second("LISTING_SECONDS", "30"),
    reconcileMs: second("RECONCILE_SECONDS", "300"),
    renovateMs: second("RENOVATE_EVERY", "86400"),
    throttle: throttle === "on",
    concurrency: whole("CONCURRENCY", 4, 64),
    cacheBytes: whole("CACHE_MIB", 256, 65_536) * 1024 * 1024,
    admission: readAdmission(text, faults),
    mode: mode === "answers" ? "answers" : "app",
    policyFile: text("POLICY_FILE"),
    answersWithCredentials: withCredentials === "on",
    githubReadToken: text("GITHUB_READ_TOKEN"),
    inquiries: whole("INQUIRIES", 2, 64),
    trustedProxies,
    logLevel: logLevel ?? "info",
  };
  if (faults.length > 0) throw new ConfigError(faults);
  return config;
}

/** None of the three: set-up mode. Any of them: all are needed, since a server with half of them would lose what GitHub sends. */
function readApp(text: (name: string) => string | undefined, faults: string[]): AppCredentials | undefined {
  const id = text("APP_ID");
  const secret = text("WEBHOOK_SECRET");
  const given = text("PRIVATE_KEY");
  const path = text("PRIVATE_KEY_PATH");
  if ([id, secret, given, path].every((value) => value === undefined)) return undefined;

  if (id === undefined) faults.push("APP_ID: missing; the number on the app's page at GitHub");
  else if (!/^[1-9]\d{0,9}$/.test(id)) faults.push("APP_ID: the number on the app's page at GitHub");
  if (secret === undefined) faults.push("WEBHOOK_SECRET: missing; the one that the app's page at GitHub has");
  else if (secret === PUBLIC_SECRET || secret.length < MIN_SECRET_LENGTH)
    faults.push(
      `WEBHOOK_SECRET: at least ${MIN_SECRET_LENGTH} random characters; anyone could sign deliveries with this one`,
    );
  if (given === undefined && path === undefined)
    faults.push("PRIVATE_KEY or PRIVATE_KEY_PATH: missing; the key that GitHub made for the app, in PEM");
  if (given !== undefined && path !== undefined) faults.push("PRIVATE_KEY and PRIVATE_KEY_PATH: one or the other");
  const privateKey = given === undefined ? keyFile(path, faults) : pemOf(given);
  if (privateKey !== undefined && !isRsaKey(privateKey))
    faults.push(`${given === undefined ? "PRIVATE_KEY_PATH" : "PRIVATE_KEY"}: not an RSA private key in PEM`);
  return { id: Number(id), privateKey: privateKey ?? "", webhookSecret: secret ?? "" };
}

/** A key that is given as text, or as a file; undefined if it isn't given. */
function keyOf(text: (name: string) => string | undefined, name: string, faults: string[]): string | undefined {
  const [given, path] = [text(name), text(`${name}_PATH`)];
  if (given !== undefined && path !== undefined) faults.push(`${name} and ${name}_PATH: one or the other`);
  return given === undefined ? keyFile(path, faults, `${name}_PATH`) : pemOf(given);
}

function keyFile(path: string | undefined, faults: string[], name = "PRIVATE_KEY_PATH"): string | undefined {
  if (path === undefined) return undefined;
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    faults.push(`${name}: can't be read (${(error as NodeJS.ErrnoException).code ?? "error"})`);
    return undefined;
  }
}

/** As it is, with `\n` for its line ends, or in base64: variables of many systems hold one line. */
function pemOf(text: string): string {
  if (text.includes("-----BEGIN")) return text.replaceAll("\\n", "\n");
  return Buffer.from(text, "base64").toString("utf8");
}

function isRsaKey(pem: string): boolean {
  try {
    return createPrivateKey(pem).asymmetricKeyType === "rsa";
  } catch {
    return false;
  }
}
