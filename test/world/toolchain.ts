import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { request } from "node:http";
import { connect } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { z } from "zod";

/** No local service takes longer than this to say that it is alive, however much it has to do beside; one that is gone refuses at once. */
const PROBE_MS = 60_000;
/** A build takes seconds; a program that hangs must not hang the test run. */
const RUN_MS = 120_000;
const OUTPUT_BYTES = 64 * 1024 * 1024;

/** What a test can ask for. dockerd brings docker and buildx with it. */
export type Component =
  | "dockerd"
  | "registry"
  | "cosign"
  | "crane"
  | "oras"
  | "busybox"
  | "postgres"
  | "chromium"
  | "kubectl"
  | "skopeo";

/** All that is about containers: what a test gets that does not say what it needs. */
const CONTAINER_COMPONENTS: readonly Component[] = ["dockerd", "registry", "cosign", "crane", "oras", "busybox"];

/** The real programs and services that `npm run world up` started. */
export interface Toolchain {
  /** The absolute path of docker, docker-buildx, cosign, crane, oras, busybox, chromium, kubectl or skopeo. */
  bin(name: string): string;
  /** For child processes, above the environment of the test: PATH, DOCKER_HOST, DOCKER_CONFIG (which knows the password registry). */
  readonly env: Readonly<Record<string, string>>;
  /** `127.0.0.1:PORT`: takes everything from everyone. */
  readonly registry: string;
  /** `127.0.0.1:PORT`: the same storage behind a password. */
  readonly authRegistry: string;
  readonly authUser: string;
  readonly authPassword: string;
  /** `postgresql://…`, of one who may make databases: each test makes its own. */
  readonly postgres: string;
  /**
   * Asynchronous, so that services of the test's own process can answer the program.
   *
   * @throws an Error with the program's stderr in its message, and `code`, `stdout` and `stderr` as properties.
   */
  run(command: string, args: readonly string[], options?: RunOptions): Promise<{ stdout: string; stderr: string }>;
}

/** Where and with what a program runs. */
export interface RunOptions {
  readonly cwd?: string;
  /** Above the world's. */
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string | Uint8Array;
}

const World = z.object({
  version: z.literal(1),
  path: z.array(z.string()),
  registry: z.string().nullable(),
  authRegistry: z.object({ address: z.string(), user: z.string(), password: z.string() }).nullable(),
  dockerHost: z.string().nullable(),
  dockerConfig: z.string(),
  // A world that an older script started has none.
  postgres: z.string().nullable().default(null),
  programs: z.record(z.string(), z.string()),
  missing: z.array(z.string()),
});
type World = z.infer<typeof World>;

/**
 * The running world, or undefined after having skipped the test because (part of) it isn't there. Where CI is set it never skips:
 * tests that silently did not run would look like tests that passed.
 *
 * @param needs - A test that needs less than everything says so, and then runs on machines without root too.
 */
export async function toolchain(
  t: TestContext,
  needs: readonly Component[] = CONTAINER_COMPONENTS,
): Promise<Toolchain | undefined> {
  const world = await runningWorld(needs);
  if (typeof world !== "string") return world;
  if (process.env.CI) throw new Error(world);
  t.skip(world);
  return undefined;
}

/** The running world, or the sentence that says what of it isn't there. */
export async function runningWorld(needs: readonly Component[] = CONTAINER_COMPONENTS): Promise<Toolchain | string> {
  const world = readWorld();
  const lacking = await lackingOf(world, needs);
  if (world !== undefined && lacking.length === 0) return toolchainOf(world);
  const why = world?.missing.length ? ` (${world.missing.join("; ")})` : "";
  return `${lacking.join(", ")} not running: npm run world up${why}`;
}

function readWorld(): World | undefined {
  const directory = process.env.TRUSTED_BUILDS_WORLD || join(tmpdir(), `trusted-builds-world-${userInfo().uid}`);
  const file = join(directory, "world.json");
  return existsSync(file) ? World.parse(JSON.parse(readFileSync(file, "utf8"))) : undefined;
}

async function lackingOf(world: World | undefined, needs: readonly Component[]): Promise<string[]> {
  const lacking = await Promise.all(needs.map(async (need) => ((await isAlive(world, need)) ? [] : [nameOf(need)])));
  return lacking.flat();
}

function nameOf(component: Component): string {
  return component === "registry" ? "docker-registry" : component;
}

async function isAlive(world: World | undefined, component: Component): Promise<boolean> {
  if (world === undefined) return false;
  switch (component) {
    case "dockerd": {
      const programs = world.programs.docker !== undefined && world.programs["docker-buildx"] !== undefined;
      return programs && world.dockerHost !== null && (await answers(world.dockerHost, "/_ping", 200));
    }
    case "registry": {
      if (world.registry === null || world.authRegistry === null) return false;
      const open = answers(`http://${world.registry}`, "/v2/", 200);
      const closed = answers(`http://${world.authRegistry.address}`, "/v2/", 401);
      return (await open) && (await closed);
    }
    case "postgres":
      return world.postgres !== null && (await listens(world.postgres));
    case "cosign":
    case "crane":
    case "oras":
    case "busybox":
    case "chromium":
    case "kubectl":
    case "skopeo":
      return existsSync(world.programs[component] ?? "");
  }
}

/** Whether the service answers with that status: the file alone proves nothing after a restart of the machine. */
function answers(address: string, path: string, status: number): Promise<boolean> {
  const url = new URL(address);
  const where = url.protocol === "unix:" ? { socketPath: url.pathname } : { host: url.hostname, port: url.port };
  return new Promise((resolve) => {
    const sent = request({ ...where, path, timeout: PROBE_MS, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode === status);
    });
    sent.on("timeout", () => sent.destroy());
    sent.on("error", () => resolve(false));
    sent.end();
  });
}

/** Whether something takes connections there. */
function listens(address: string): Promise<boolean> {
  const { hostname, port } = new URL(address);
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port: Number(port), timeout: PROBE_MS });
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.on("connect", () => end(true));
    socket.on("timeout", () => end(false));
    socket.on("error", () => end(false));
  });
}

function toolchainOf(world: World): Toolchain {
  const env: Record<string, string> = {
    PATH: [...world.path, process.env.PATH ?? ""].join(":"),
    DOCKER_CONFIG: world.dockerConfig,
    DOCKER_BUILDKIT: "1",
    NO_PROXY: "127.0.0.1,localhost",
    no_proxy: "127.0.0.1,localhost",
    ...(world.dockerHost === null ? {} : { DOCKER_HOST: world.dockerHost }),
  };
  return {
    env,
    registry: world.registry ?? "",
    authRegistry: world.authRegistry?.address ?? "",
    authUser: world.authRegistry?.user ?? "",
    authPassword: world.authRegistry?.password ?? "",
    postgres: world.postgres ?? "",
    bin(name) {
      const path = world.programs[name];
      if (path === undefined) throw new Error(`the world has no program ${name}`);
      return path;
    },
    run: (command, args, options = {}) =>
      run(world.programs[command] ?? command, args, { ...options, env: { ...env, ...options.env } }),
  };
}

function run(
  command: string,
  args: readonly string[],
  options: RunOptions,
): Promise<{ stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    const settings = {
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      env: { ...process.env, ...options.env },
      timeout: RUN_MS,
      maxBuffer: OUTPUT_BYTES,
      encoding: "utf8" as const,
    };
    const child = execFile(command, [...args], settings, (error, stdout, stderr) => {
      if (error === null) return resolve({ stdout, stderr });
      const code = error.code ?? error.signal ?? "?";
      const message = `${command} ${args.join(" ")}: exit ${code}\n${stderr || error.message}`;
      reject(Object.assign(new Error(message), { code, stdout, stderr }));
    });
    child.stdin?.on("error", () => {});
    child.stdin?.end(options.input ?? "");
  });
}
