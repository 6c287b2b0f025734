import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { writeTar } from "../../test/world/assembler/tar.ts";
import { rootfs } from "../../test/world/build.ts";
import { runningWorld, type Toolchain } from "../../test/world/toolchain.ts";

const run = promisify(execFile);
/** No answer of a daemon on this machine takes longer, in milliseconds. */
const ANSWER_MS = 20_000;

/** Who builds the demo's images. */
export interface Builder {
  /** For people. */
  readonly name: string;
  /** Undefined: the demo assembles images itself. */
  readonly docker: Pick<Toolchain, "env"> | undefined;
  /** A root file system for `ADD`, and whether there is a shell in it for `RUN`. */
  readonly rootfs: Uint8Array;
  readonly hasShell: boolean;
}

/**
 * Docker where it is there and can do it, else none.
 *
 * @param source - A commit that can be built, to try it on: a daemon in a virtual machine, say, doesn't reach this machine's loopback.
 */
export async function findBuilder(wanted: "docker-if-there" | "none", source: string): Promise<Builder> {
  const assembling = (why: string): Builder => ({
    name: `none: ${why}; the demo assembles its images itself`,
    docker: undefined,
    rootfs: smallRootfs(),
    hasShell: true, // the assembler does what the RUN lines of the demo say
  });
  if (wanted === "none") return assembling("asked for");
  const world = await runningWorld(["dockerd", "busybox"]);
  if (typeof world !== "string")
    return { name: await versionOf(world.env), docker: world, rootfs: await rootfs(world), hasShell: true };
  const env = environment();
  const broken = await whyNot(env, source);
  if (broken !== undefined) return assembling(broken);
  return { name: await versionOf(env), docker: { env }, rootfs: smallRootfs(), hasShell: false };
}

/** What Docker's client takes from the person's environment. */
function environment(): Record<string, string> {
  const names = ["PATH", "HOME", "DOCKER_HOST", "DOCKER_CONFIG", "DOCKER_CONTEXT"];
  return Object.fromEntries(names.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])));
}

async function versionOf(env: Readonly<Record<string, string>>): Promise<string> {
  const { stdout } = await run("docker", ["buildx", "version"], { env, timeout: ANSWER_MS });
  return `docker ${stdout.trim().split(" ").slice(0, 2).join(" ").replace("github.com/docker/", "")}`;
}

/** Tries what the action will do. @returns why it can't be done. */
async function whyNot(env: Readonly<Record<string, string>>, source: string): Promise<string | undefined> {
  const directory = mkdtempSync(join(tmpdir(), "demo-probe-"));
  const attest = "type=provenance,mode=max,version=v1";
  const args = [
    "buildx",
    "build",
    "--attest",
    attest,
    "-o",
    `type=oci,tar=false,dest=${join(directory, "image")}`,
    source,
  ];
  try {
    await run("docker", ["buildx", "version"], { env, timeout: ANSWER_MS });
    await run("docker", ["info"], { env, timeout: ANSWER_MS });
    await run("docker", args, { env, timeout: 3 * ANSWER_MS });
    return undefined;
  } catch (error) {
    const { code, stderr = "", message } = error as { code?: unknown; stderr?: string; message: string };
    if (code === "ENOENT") return "there is no docker here";
    const line = (stderr.trim().split("\n").at(-1) || message).replace(/^ERROR: /, "");
    return `docker can't build here (${line.slice(0, 120)})`;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** A file and no program. */
function smallRootfs(): Uint8Array {
  const file = { mode: 0o644, uid: 0, gid: 0, mtime: 1767225600 };
  return gzipSync(
    writeTar([
      { ...file, mode: 0o755, kind: "directory", path: "etc" },
      { ...file, kind: "file", path: "etc/demo", content: Buffer.from("a root file system\n") },
    ]),
  );
}
