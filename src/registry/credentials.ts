import { spawn } from "node:child_process";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { RegistryError } from "./error.ts";

/** Largest `config.json` that is read, in bytes. */
const MAX_CONFIG_BYTES = 1024 * 1024;

/** Largest answer of a credential helper, in bytes: identity tokens have a few thousand. */
const MAX_HELPER_OUTPUT_BYTES = 64 * 1024;

/** How long a credential helper may take, in milliseconds: some unlock a keychain. */
const HELPER_TIMEOUT_MS = 15_000;

/** The key under which Docker keeps the login of Docker Hub. */
const DOCKER_HUB_KEY = "https://index.docker.io/v1/";

/** User name by which helpers mark an identity token. */
const IDENTITY_TOKEN_USER = "<token>";

/** What proves to a registry who we are. Kept out of every message. */
export type Credential =
  | { readonly kind: "basic"; readonly username: string; readonly password: string }
  /** An OAuth 2 refresh token: it goes to the token realm only, never to the registry. */
  | { readonly kind: "identity-token"; readonly token: string };

/**
 * Says who we are at this registry, or that we are nobody there. Asked only when a registry asks for credentials.
 *
 * @param registry - as in the image reference: `docker.io`, `ghcr.io`, `127.0.0.1:5000`.
 */
export type CredentialSource = (registry: string, repository: string) => Promise<Credential | undefined>;

/** Where Docker's client keeps its logins. */
export interface DockerCredentialsOptions {
  /** The directory that holds `config.json`: the value of DOCKER_CONFIG, or `.docker` in the home directory. */
  readonly configDirectory: string;
  /** What credential helpers find as their environment; ours if absent. */
  readonly environment?: Readonly<Record<string, string>>;
}

const dockerConfig = z.object({
  auths: z
    .record(
      z.string(),
      z.object({
        auth: z.string().optional(),
        username: z.string().optional(),
        password: z.string().optional(),
        identitytoken: z.string().optional(),
      }),
    )
    .optional(),
  credsStore: z.string().optional(),
  credHelpers: z.record(z.string(), z.string()).optional(),
});
type DockerConfig = z.infer<typeof dockerConfig>;

const helperAnswer = z.object({ Username: z.string(), Secret: z.string() });

/**
 * The logins of Docker's client: `credHelpers`, else `credsStore`, else `auths`. The file is read anew at each call, since logins
 * change while a server runs.
 *
 * The source throws {@link RegistryError} `credentials-refused` if the file or a helper is broken. It does not throw where there
 * is no file or no login: then we are nobody.
 */
export function dockerCredentials(options: DockerCredentialsOptions): CredentialSource {
  return async (registry, repository) => {
    const path = join(options.configDirectory, "config.json");
    const config = await readConfig(path);
    if (config === undefined) return undefined;
    const names = [`${registry}/${repository}`, registry];
    const helperKey = serverKeys(registry).find((key) => Object.hasOwn(config.credHelpers ?? {}, key));
    const helper = helperKey === undefined ? config.credsStore : config.credHelpers?.[helperKey];
    if (helper !== undefined && helper !== "") {
      const server = registry === "docker.io" ? DOCKER_HUB_KEY : (helperKey ?? registry);
      const credential = await askHelper(helper, server, options.environment);
      if (credential !== undefined) return credential;
    }
    return readAuths(config, names[1]!, repository, path);
  };
}

async function readConfig(path: string): Promise<DockerConfig | undefined> {
  let text: string;
  try {
    if ((await stat(path)).size > MAX_CONFIG_BYTES) throw new Error(`larger than ${MAX_CONFIG_BYTES} bytes`);
    text = await readFile(path, "utf8");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw unreadable(path, "it cannot be read", cause);
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    // The parser's own message quotes what it read, and that may be a password.
    throw unreadable(path, "it is not JSON");
  }
  const config = dockerConfig.safeParse(parsed);
  if (config.success) return config.data;
  throw unreadable(path, `it is malformed at ${config.error.issues[0]?.path.slice(0, 1).join(".") ?? "its top"}`);
}

/** The keys under which Docker's and others' clients file a registry, likeliest first. */
function serverKeys(registry: string): readonly string[] {
  const hosts = registry === "docker.io" ? ["index.docker.io", "docker.io", "registry-1.docker.io"] : [registry];
  const own = registry === "docker.io" ? [DOCKER_HUB_KEY] : [];
  return [
    ...own,
    ...hosts.flatMap((host) => [
      host,
      `https://${host}`,
      `https://${host}/`,
      `https://${host}/v1/`,
      `https://${host}/v2/`,
    ]),
  ];
}

function readAuths(config: DockerConfig, registry: string, repository: string, path: string): Credential | undefined {
  const auths = config.auths ?? {};
  // Podman files logins below a host too; the longest path that contains the repository is meant.
  const parts = repository.split("/");
  const scoped = parts.map((_, index) => `${registry}/${parts.slice(0, parts.length - index).join("/")}`);
  const plain = serverKeys(registry).flatMap((key) => [key, key.replace(/^https:/, "http:")]);
  const key = [...scoped, ...plain, `${registry}/v1/`, `${registry}/v2/`].find((name) => Object.hasOwn(auths, name));
  const entry = key === undefined ? undefined : auths[key];
  if (entry === undefined) return undefined;
  if (entry.identitytoken) return { kind: "identity-token", token: entry.identitytoken };
  if (entry.auth) {
    const decoded = Buffer.from(entry.auth, "base64").toString("utf8");
    const colon = decoded.indexOf(":");
    if (colon < 0) throw unreadable(path, `the login of ${registry} is not base64 of user and password`);
    // Docker's client drops the zero bytes that some writers pad with.
    return toCredential(decoded.slice(0, colon), decoded.slice(colon + 1).replace(/\0+$/, ""));
  }
  return entry.username === undefined || entry.password === undefined
    ? undefined
    : toCredential(entry.username, entry.password);
}

function toCredential(username: string, secret: string): Credential {
  return username === IDENTITY_TOKEN_USER
    ? { kind: "identity-token", token: secret }
    : { kind: "basic", username, password: secret };
}

/** Runs `docker-credential-NAME get`: the protocol of docker/docker-credential-helpers. */
async function askHelper(
  name: string,
  server: string,
  environment: Readonly<Record<string, string>> | undefined,
): Promise<Credential | undefined> {
  const command = `docker-credential-${name}`;
  const broken = (what: string, cause?: unknown) =>
    new RegistryError(
      "credentials-refused",
      `ask the credential helper ${JSON.stringify(command)} for ${server}: ${what}`,
      { cause },
    );
  // A name with a slash would run a program of any folder.
  if (!/^[A-Za-z0-9._-]+$/.test(name)) throw broken("its name may hold letters, digits, `.`, `_` and `-` only");
  const { status, stdout } = await run(command, server, environment).catch((cause: unknown) => {
    throw broken(cause instanceof Error ? cause.message : "it failed", cause);
  });
  // What a helper prints is not repeated: it may be the secret itself.
  if (status !== 0) {
    if (/credentials not found/i.test(stdout)) return undefined;
    throw broken(`it ended with status ${status}; try \`docker login\``);
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(stdout);
  } catch {
    throw broken("its answer is not JSON");
  }
  const answer = helperAnswer.safeParse(parsed);
  if (!answer.success) throw broken("its answer has no Username and Secret");
  const { Username, Secret } = answer.data;
  return Username === "" && Secret === "" ? undefined : toCredential(Username, Secret);
}

function run(
  command: string,
  input: string,
  environment: Readonly<Record<string, string>> | undefined,
): Promise<{ readonly status: number | null; readonly stdout: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, ["get"], {
      stdio: ["pipe", "pipe", "ignore"],
      ...(environment === undefined ? {} : { env: { ...environment } }),
    });
    const chunks: Buffer[] = [];
    let size = 0;
    const fail = (error: Error) => {
      clearTimeout(timer);
      child.kill("SIGKILL");
      child.stdout.destroy();
      reject(error);
    };
    const timer = setTimeout(() => fail(new Error(`no answer in ${HELPER_TIMEOUT_MS} ms`)), HELPER_TIMEOUT_MS);
    child.on("error", (error) => fail(error));
    child.stdin.on("error", () => {}); // it may end without reading; its status tells
    child.stdout.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > MAX_HELPER_OUTPUT_BYTES) fail(new Error(`it printed more than ${MAX_HELPER_OUTPUT_BYTES} bytes`));
      else chunks.push(chunk);
    });
    child.on("close", (status) => {
      clearTimeout(timer);
      resolve({ status, stdout: Buffer.concat(chunks).toString("utf8") });
    });
    child.stdin.end(`${input}\n`);
  });
}

function unreadable(path: string, what: string, cause?: unknown): RegistryError {
  return new RegistryError("credentials-refused", `read the logins in ${path}: ${what}; mend or remove the file`, {
    cause,
  });
}
