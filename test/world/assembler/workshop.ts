import { mkdtempSync, rmSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BuildPlan, buildxArguments } from "../../../action/src/buildx-arguments.ts";
import { type BuiltImage, readBuiltImage } from "../../../action/src/built-image.ts";
import { type Digest, parseDigest } from "../../../src/image/digest.ts";
import { parseReference } from "../../../src/image/reference.ts";
import { createRegistryClient } from "../../../src/registry/client.ts";
import { type Ended, run } from "../../verify/command.ts";
import { bundleAttachment, repositoryIdOf, signStatement } from "../chain.ts";
import type { Files, GitServer } from "../git-server.ts";
import { githubClaims } from "../github-claims.ts";
import type { Sigstore } from "../sigstore.ts";
import { assemble } from "./assemble.ts";
import { assemblerPath } from "./assembler-path.ts";
import { parseBuildOptions } from "./options.ts";

/** Whatever answers to `docker buildx`. */
export type Docker = (args: readonly string[], env?: Readonly<Record<string, string>>) => Promise<Ended>;

/** The assembler as the action finds it: by PATH, from wherever the work goes on. */
export const assembler: Docker = (args, env = {}) =>
  run("docker", args, { env: { PATH: `${assemblerPath}:${process.env.PATH}`, ...env }, cwd: tmpdir() });

/** The same in this process, for tests of what it answers: starting Node takes longer than assembling. */
export const assemblerHere: Docker = async ([, , ...args], env = {}) => {
  const lines: string[] = [];
  try {
    await assemble(parseBuildOptions(args, env), { ...process.env, ...env }, (line) => lines.push(line));
    return { exit: 0, stdout: "", stderr: lines.join("\n") };
  } catch (error) {
    return { exit: 1, stdout: "", stderr: `ERROR: ${(error as Error).message}` };
  }
};

/** Of another repository than the images', as level 3 wants it. */
export const BUILD_WORKFLOW = "builders/workflows/.github/workflows/build.yml@refs/tags/v1.0.0";

/** Where images are made. */
export interface Workshop {
  readonly docker: Docker;
  readonly git: GitServer;
  readonly sigstore: Sigstore;
  /** `127.0.0.1:PORT` */
  readonly registry: string;
  readonly namespace: string;
}

/** What one image is made from. */
export interface Order {
  readonly files: Files;
  readonly plan?: Partial<BuildPlan>;
  /** Default true. */
  readonly signed?: boolean;
}

/** What came of it. */
export interface Made extends BuiltImage {
  /** With tag. */
  readonly image: string;
  readonly commit: string;
  /** Every blob of the layout. */
  readonly blobs: ReadonlyMap<Digest, Uint8Array>;
}

/** Commits, asks docker for exactly what the action asks for, pushes the layout with the product's client, signs and attaches as a workflow would. */
export async function make(
  workshop: Workshop,
  name: string,
  { files, plan = {}, signed = true }: Order,
): Promise<Made> {
  const { git, sigstore, registry, namespace, docker } = workshop;
  const repository = `${namespace}/${name}`;
  const source = await git.repository(repository, files, { tag: "v1.0.0" });
  const image = `${registry}/${repository}`;
  const directory = mkdtempSync(join(tmpdir(), "workshop-"));
  const client = createRegistryClient({ allowHosts: [registry] });
  try {
    const whole = planOf({ image, gitUrl: source.url, commit: source.commit, ...plan }, directory);
    const ended = await docker(["buildx", ...buildxArguments(whole)]);
    if (ended.exit !== 0) throw new Error(ended.stderr);
    const metadata: Record<string, unknown> = JSON.parse(await readFile(whole.metadataFile, "utf8"));
    const built = await readBuiltImage(whole.layout, parseDigest(String(metadata["containerimage.digest"])));
    await client.pushLayout(whole.layout, parseReference(`${image}:${whole.tags[0]}`));
    const claims = githubClaims({
      repository,
      ref: "refs/tags/v1.0.0",
      sha: source.commit,
      runId: 7,
      jobWorkflowRef: BUILD_WORKFLOW,
      repositoryId: repositoryIdOf(name),
    });
    const over = Buffer.from(JSON.stringify(signStatement(built.index)));
    const statements = [
      ...built.platforms.map(({ manifest, provenance }) => ({ subject: manifest, payload: provenance })),
      { subject: built.index, payload: over },
    ];
    for (const { subject, payload } of signed ? statements : []) {
      const bundle = await sigstore.sign(payload, claims);
      const where = { ...parseReference(image), digest: subject };
      await client.attachReferrer(where, bundleAttachment(bundle, payload));
    }
    return { ...built, image: `${image}:1.0.0`, commit: source.commit, blobs: await readBlobs(whole.layout) };
  } finally {
    await client.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function readBlobs(layout: string): Promise<ReadonlyMap<Digest, Uint8Array>> {
  const directory = join(layout, "blobs", "sha256");
  const names = await readdir(directory);
  const read = async (hex: string) => [parseDigest(`sha256:${hex}`), await readFile(join(directory, hex))] as const;
  return new Map(await Promise.all(names.map(read)));
}

/** What the action would ask for, of a plan that says less. */
export function planOf(
  plan: Partial<BuildPlan> & Pick<BuildPlan, "image" | "gitUrl" | "commit">,
  directory: string,
): BuildPlan {
  return {
    tags: ["1.0.0"],
    dockerfile: "Dockerfile",
    context: undefined,
    target: undefined,
    platforms: [],
    buildArgs: {},
    contexts: {},
    secrets: [],
    builderId: `${plan.gitUrl.replace(/\.git$/, "")}/actions/runs/7/attempts/1`,
    layout: join(directory, "layout"),
    metadataFile: join(directory, "metadata.json"),
    ...plan,
  };
}

/** base → runtime → app, with the Dockerfiles of `chain.ts`. */
export async function makeChain(
  workshop: Workshop,
  rootfs: Uint8Array,
  options: { readonly platforms?: readonly string[]; readonly signBase?: boolean } = {},
): Promise<Readonly<Record<"base" | "runtime" | "app", Made>>> {
  const { signBase = true, platforms = [] } = options;
  const at = `${workshop.registry}/${workshop.namespace}`;
  const plan = { platforms };
  const base = await make(workshop, "base", {
    files: {
      Dockerfile:
        'FROM scratch\nADD rootfs.tar.gz /\nARG TARGETARCH\nCOPY arch/$TARGETARCH /etc/arch\nCMD ["/bin/sh"]\n',
      "rootfs.tar.gz": rootfs,
      "arch/amd64": "linux/amd64",
      "arch/arm64": "linux/arm64",
    },
    plan,
    signed: signBase,
  });
  const runtime = await make(workshop, "runtime", {
    files: { Dockerfile: `FROM ${at}/base:1.0.0\nRUN echo runtime > /runtime\n` },
    plan,
  });
  const app = await make(workshop, "app", {
    files: {
      Dockerfile: [
        `FROM ${at}/runtime:1.0.0 AS build`,
        "COPY app.sh /out/app",
        "RUN echo built >> /out/app",
        `FROM ${at}/runtime:1.0.0`,
        "COPY --from=build /out/app /app",
        `COPY --from=${at}/base:1.0.0 /bin/busybox /usr/bin/tool`,
        'CMD ["/app"]',
        "",
      ].join("\n"),
      "app.sh": "#!/bin/sh\necho app\n",
    },
    plan,
  });
  return { base, runtime, app };
}
