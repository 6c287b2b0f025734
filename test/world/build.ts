import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { type Digest, parseDigest } from "../../src/image/digest.ts";
import type { Toolchain } from "./toolchain.ts";

/** What `docker buildx build` is asked for. */
export interface BuildOptions {
  readonly toolchain: Toolchain;
  /** `127.0.0.1:PORT/acme/base:1.0.0`: where it is pushed to. */
  readonly image: string;
  /** Build from this commit … */
  readonly source?: { readonly url: string; readonly commit: string; readonly directory?: string };
  /** … or from this directory. */
  readonly localContext?: string;
  /** Default v1, max. */
  readonly provenance?: { readonly version: "v1" | "v0.2"; readonly mode: "max" | "min" } | false;
  readonly builderId?: string;
  /** Default {@link HOST_PLATFORM}. Any other must do without RUN. */
  readonly platforms?: readonly string[];
  readonly dockerfile?: string;
  readonly target?: string;
  readonly buildArgs?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  /** Named contexts: `docker-image://…`, a directory, a git URL. */
  readonly contexts?: Readonly<Record<string, string>>;
  /** Values by secret id. */
  readonly secrets?: Readonly<Record<string, string>>;
  readonly network?: "default" | "none" | "host";
  readonly noCache?: boolean;
  /** More arguments, as they are. */
  readonly args?: readonly string[];
}

/** What was pushed. */
export interface Built {
  /** Of the index; without provenance and for one platform, of the manifest. */
  readonly index: Digest;
  /** The image's name with that digest and without tag. */
  readonly reference: string;
}

/** The platform whose programs run here. */
export const HOST_PLATFORM = process.arch === "arm64" ? "linux/arm64" : "linux/amd64";

const Metadata = z.object({ "containerimage.digest": z.string() });

/** Builds with the real BuildKit and pushes, always asking the registry for bases: a local tag could shadow them. */
export async function build(options: BuildOptions): Promise<Built> {
  const { toolchain, image } = options;
  const directory = mkdtempSync(join(tmpdir(), "build-"));
  try {
    const metadata = join(directory, "metadata.json");
    const secrets = Object.fromEntries(
      Object.entries(options.secrets ?? {}).map(([id, value]) => [secretVariable(id), value]),
    );
    const args = ["buildx", "build", ...buildArguments(options), "--metadata-file", metadata, context(options)];
    const env = { BUILDX_METADATA_PROVENANCE: "disabled", ...secrets };
    try {
      await toolchain.run("docker", args, { env });
    } catch (error) {
      if (options.source === undefined || !String(error).includes("would clobber existing tag")) throw error;
      await forgetRepository(toolchain, options.source.url);
      await toolchain.run("docker", args, { env });
    }
    const parsed = Metadata.parse(JSON.parse(readFileSync(metadata, "utf8")));
    const index = parseDigest(parsed["containerimage.digest"]);
    return { index, reference: `${image.replace(/:[^:/]+$/, "")}@${index}` };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/**
 * BuildKit keeps a clone of every repository it has seen, and fetches tags into it without force: where a tag has moved since, or
 * another test's server had the same port, every build from there fails.
 */
async function forgetRepository(toolchain: Toolchain, url: string): Promise<void> {
  await toolchain.run("docker", ["buildx", "prune", "--force", "--filter", `description~=".* for ${url}.*"`]);
}

function context({ source, localContext }: BuildOptions): string {
  if (localContext !== undefined) return localContext;
  if (source === undefined) throw new Error("neither source nor localContext");
  return `${source.url}#${source.commit}${source.directory === undefined ? "" : `:${source.directory}`}`;
}

function buildArguments(options: BuildOptions): string[] {
  const pairs = (flag: string, values: Readonly<Record<string, string>> = {}) =>
    Object.entries(values).flatMap(([key, value]) => [flag, `${key}=${value}`]);
  return [
    "--progress=plain",
    "--pull",
    "--push",
    "--sbom=false",
    ...provenance(options),
    ...["--platform", (options.platforms ?? [HOST_PLATFORM]).join(",")],
    ...(options.dockerfile === undefined ? [] : ["--file", options.dockerfile]),
    ...(options.target === undefined ? [] : ["--target", options.target]),
    ...pairs("--build-arg", options.buildArgs),
    ...pairs("--label", options.labels),
    ...pairs("--build-context", options.contexts),
    ...Object.keys(options.secrets ?? {}).flatMap((id) => ["--secret", `id=${id},env=${secretVariable(id)}`]),
    ...(options.network === undefined ? [] : ["--network", options.network]),
    ...(options.network === "host" ? ["--allow", "network.host"] : []),
    ...(options.noCache ? ["--no-cache"] : []),
    ...(options.args ?? []),
    ...["--tag", options.image],
  ];
}

function provenance({ provenance = { version: "v1", mode: "max" }, builderId }: BuildOptions): string[] {
  if (provenance === false) return ["--provenance=false"];
  const id = builderId === undefined ? "" : `,builder-id=${builderId}`;
  return ["--attest", `type=provenance,mode=${provenance.mode},version=${provenance.version}${id}`];
}

function secretVariable(id: string): string {
  return `WORLD_SECRET_${id.replaceAll(/[^A-Za-z0-9]/g, "_")}`;
}

/** A root file system of 1 MB for `ADD rootfs.tar.gz /`: a static busybox and the names that a RUN needs. The same bytes every time. */
export async function rootfs(toolchain: Toolchain): Promise<Uint8Array> {
  const directory = mkdtempSync(join(tmpdir(), "rootfs-"));
  try {
    const tree = join(directory, "tree");
    for (const name of ["bin", "tmp", "etc"]) mkdirSync(join(tree, name), { recursive: true, mode: 0o755 });
    copyFileSync(toolchain.bin("busybox"), join(tree, "bin/busybox"));
    for (const applet of ["sh", "cat", "echo", "ls", "wget", "sleep"])
      symlinkSync("busybox", join(tree, "bin", applet));
    const archive = join(directory, "rootfs.tar");
    const fixed = ["--sort=name", "--mtime=@1767225600", "--owner=0", "--group=0", "--numeric-owner", "--format=gnu"];
    await toolchain.run("tar", [...fixed, "-C", tree, "-cf", archive, "."]);
    await toolchain.run("gzip", ["--no-name", archive]);
    return readFileSync(`${archive}.gz`);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
