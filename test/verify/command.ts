import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type VerdictDocument, verdictSchema } from "../../src/report/json.ts";

const MAIN = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
/** What a person's shell has, and nothing that would log in, allow hosts or turn colours off. */
const KEPT = ["PATH", "LANG", "TMPDIR", "NODE_COMPILE_CACHE"];

/** Where and with what the command runs. */
export interface Shell {
  /** Above a clean environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** What a command left behind. */
export interface Ended {
  readonly exit: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the real command line in a process of its own, asynchronously: services of the test's process have to answer it. */
export function trustedBuilds(args: readonly string[], { env = {}, cwd }: Shell = {}): Promise<Ended> {
  return run(process.execPath, [MAIN, ...args], { env, ...(cwd !== undefined && { cwd }) });
}

/** Runs any program in the same clean environment. */
export function run(program: string, args: readonly string[], { env = {}, cwd }: Shell = {}): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      env: cleanEnvironment(env),
      stdio: ["ignore", "pipe", "pipe"],
      ...(cwd !== undefined && { cwd }),
    });
    const written = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const) {
      child[name].setEncoding("utf8").on("data", (chunk: string) => {
        written[name] += chunk;
      });
    }
    child.on("error", reject);
    child.on("close", (exit) => resolve({ exit, ...written }));
  });
}

/** Without credentials of the person who runs the tests, and without what an earlier command read: tests change what registries answer. */
export function cleanEnvironment(above: Readonly<Record<string, string>> = {}): Record<string, string> {
  const kept = KEPT.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]] as const]));
  home ??= temporaryHome();
  return { HOME: home, TRUSTED_BUILDS_CACHE: "off", ...Object.fromEntries(kept), ...above };
}
let home: string | undefined;

function temporaryHome(): string {
  const directory = mkdtempSync(join(tmpdir(), "verify-home-"));
  process.on("exit", () => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** A judged image: the document is held to its schema, and the exit code to the document. */
export interface Judged extends Ended {
  readonly verdict: VerdictDocument;
}

/** Runs `verify --output json`. */
export async function verify(image: string, args: readonly string[], shell: Shell = {}): Promise<Judged> {
  const ended = await trustedBuilds(["verify", "--output", "json", ...args, image], shell);
  let verdict: VerdictDocument;
  try {
    verdict = verdictSchema.parse(JSON.parse(ended.stdout));
  } catch (error) {
    throw new Error(`exit ${ended.exit}, and no verdict: ${error}\n${ended.stdout}${ended.stderr}`);
  }
  return { ...ended, verdict };
}

/** The faults, or what could not be looked at, as `code role name → role name`, without registry, namespace, tag and digest. */
export function told(verdict: VerdictDocument, list: "faults" | "unreachable" = "faults"): string[] {
  const nameOf = (id: string) => {
    const { reference = id } = verdict.nodes.find((node) => node.id === id) ?? {};
    return (reference.split("@")[0] ?? "").replace(/:[^:/]*$/, "").replace(/^.*\//, "");
  };
  return verdict[list].map(
    ({ code, path }) =>
      `${code}: ${path.map(({ node, role }) => (role === null ? nameOf(node) : `${role} ${nameOf(node)}`)).join(" → ")}`,
  );
}
