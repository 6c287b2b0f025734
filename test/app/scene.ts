import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { assemblerPath } from "../world/assembler/assembler-path.ts";
import { rootfs } from "../world/build.ts";
import type { CheckRun } from "../world/github/check-runs.ts";
import { type Github, type GithubOptions, startGithub } from "../world/github/github.ts";
import { startOciRegistry } from "../world/oci-registry.ts";
import { type Runner, startRunner } from "../world/runner.ts";
import { GITHUB_ISSUER, type Sigstore, startSigstore } from "../world/sigstore.ts";
import type { Toolchain } from "../world/toolchain.ts";
import { preparedData } from "./prepared-data.ts";
import { freePort, type ServerProcess, startServer } from "./server-process.ts";

/** How long something may take that a test waits for, in milliseconds. No measurement: a build takes a few seconds. */
const PATIENCE_MS = 120_000;

/** How a scene differs from the usual one. */
export interface SceneOptions {
  /** Builds with the real docker. Without it images are assembled, and the scene needs neither root nor the world. */
  readonly toolchain?: Toolchain;
  /** Builds with this docker instead. */
  readonly docker?: Pick<Toolchain, "env">;
  /** Of the images. Default: one that no other test has. */
  readonly namespace?: string;
  /** Where images are pushed to. Default: the toolchain's registry, or one in this process. */
  readonly registry?: string;
  readonly github?: GithubOptions;
  /** Above the server's usual environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Whether the organisation has a repository `.github`, and what its policy says. Default: there is none. */
  readonly organisationPolicy?: string;
  /** False: nobody takes the runs. */
  readonly hasRunner?: boolean;
}

/** GitHub, a runner, a Sigstore, a registry and the real server, ready for tags to be pushed. */
export interface Scene {
  readonly github: Github;
  readonly sigstore: Sigstore;
  readonly runner: Runner | undefined;
  readonly registry: string;
  /** Of the images; no other test has it. */
  readonly namespace: string;
  readonly toolchain: Toolchain | undefined;
  /** The environment that the server is started with. */
  readonly env: Readonly<Record<string, string>>;
  server: ServerProcess;
  /** `REGISTRY/NAMESPACE/NAME` */
  image(name: string): string;
  /** Stops the server if it runs, and starts it on the same data. */
  restart(env?: Readonly<Record<string, string>>): Promise<ServerProcess>;
  /** Makes `acme/NAME` with Dockerfile, policy and workflow. */
  repository(name: string, files: Readonly<Record<string, string | Uint8Array>>, policy?: string): Promise<string>;
  /** The newest check run of a repository, once it is completed, or once it looks as asked. */
  checkRun(name: string, until?: (checkRun: CheckRun) => boolean): Promise<CheckRun>;
  close(): Promise<void>;
}

/** The caller that we tell people to add. */
export const CALLER = readFileSync("examples/trusted-builds.yml", "utf8");

/** Starts everything; the server's database is new. */
export async function startScene(options: SceneOptions): Promise<Scene> {
  const { toolchain } = options;
  const given = options.registry ?? toolchain?.registry;
  const ownRegistry = given === undefined ? await startOciRegistry() : undefined;
  const registry = given ?? ownRegistry?.host ?? "";
  const { namespace = `acme-${randomBytes(4).toString("hex")}`, docker = toolchain } = options;
  const directory = mkdtempSync(join(tmpdir(), "scene-"));
  const github = await startGithub(options.github);
  const sigstore = await startSigstore({ serverUrl: github.url });
  const runner =
    options.hasRunner === false
      ? undefined
      : await startRunner(github, {
          sigstore,
          ...(docker && { toolchain: docker }),
          env: {
            TRUSTED_BUILDS_ALLOW_HOSTS: registry,
            ...(docker === undefined && { PATH: `${assemblerPath}:${process.env.PATH}` }),
          },
        });
  const root = join(directory, "trusted_root.json");
  writeFileSync(root, JSON.stringify(sigstore.trustedRoot));
  const port = await freePort();
  const env = {
    APP_ID: String(github.app.id),
    PRIVATE_KEY: github.app.privateKey,
    WEBHOOK_SECRET: github.app.webhookSecret,
    GHE_HOST: new URL(github.url).host,
    GHE_PROTOCOL: "http",
    GITHUB_THROTTLE: "off",
    // Scenes change what a registry answers, and ask the same server again.
    CACHE_MIB: "0",
    PORT: String(port),
    PUBLIC_URL: `http://127.0.0.1:${port}`,
    DATA_DIR: join(directory, "data"),
    TRUSTED_ROOTS: root,
    // Where GitHub keeps bundles is public; its stand-in isn't.
    TRUSTED_BUILDS_ALLOW_HOSTS: `${registry} ${new URL(github.storageUrl).host}`,
    RETRY_SECONDS: "1 1 2",
    POLL_SECONDS: "5",
    LISTING_SECONDS: "1",
    RECONCILE_SECONDS: "3600",
    LOG_LEVEL: "warn",
    ...options.env,
  };
  if (options.env?.DATA_DIR === undefined) await cp(await preparedData(), env.DATA_DIR, { recursive: true });
  await github.owner("acme", { installation: "all" });
  if (options.organisationPolicy !== undefined)
    await github.repository("acme/.github", { files: { "trusted-builds.yml": options.organisationPolicy } });

  const closeWorld = async () => {
    await runner?.close();
    await github.close();
    await sigstore.close();
    await ownRegistry?.close();
    rmSync(directory, { recursive: true, force: true });
  };
  const server = await startServer(env).catch(async (error: unknown) => {
    // What still listens would keep the test's process from ending.
    await closeWorld();
    throw error;
  });
  const scene: Scene = {
    github,
    sigstore,
    runner,
    registry,
    namespace,
    toolchain,
    env,
    server,
    image: (name) => `${registry}/${namespace}/${name}`,
    async restart(above = {}) {
      await scene.server.stop();
      scene.server = await startServer({ ...env, ...above });
      github.deliverTo(scene.server.webhooks);
      return scene.server;
    },
    repository: (name, files, policy = policyText(scene, name)) =>
      github.repository(`acme/${name}`, {
        files: {
          ".github/trusted-builds.yml": policy,
          ".github/workflows/trusted-builds.yml": CALLER,
          ...files,
        },
      }),
    async checkRun(name, until = ({ status }) => status === "completed") {
      const started = Date.now();
      for (;;) {
        const newest = github.checkRuns(`acme/${name}`).at(-1);
        if (newest !== undefined && until(newest)) return newest;
        if (Date.now() - started > PATIENCE_MS) {
          const seen = newest === undefined ? "no check run" : JSON.stringify(newest, null, 1);
          throw new Error(
            `${name}: ${seen}\nserver:\n${scene.server.output()}\nrunner:\n${scene.runner?.results.at(-1)?.log ?? ""}\nviolations: ${github.violations.join("\n")}`,
          );
        }
        await wait(50);
      }
    },
    async close() {
      await scene.server.stop();
      await closeWorld();
    },
  };
  github.deliverTo(scene.server.webhooks);
  return scene;
}

/** What the policy of these tests may say otherwise. */
export interface PolicyOptions {
  /** More lines of the build. */
  readonly build?: readonly string[];
  readonly workflow?: string;
  /** More lines below `trust:`. */
  readonly trust?: readonly string[];
}

/** Builds its own image, and accepts for the namespace what the reusable workflow built from the repository of the same name. */
export function policyText(
  { registry, namespace }: Pick<Scene, "registry" | "namespace">,
  name: string,
  options: PolicyOptions = {},
): string {
  const {
    build = [],
    trust = [],
    workflow = "trusted-builds/trusted-builds/.github/workflows/build.yml@refs/tags/v*",
  } = options;
  return `version: 1
builds:
  - image: ${registry}/${namespace}/${name}
    tags: ["v*"]
${build.map((line) => `    ${line}\n`).join("")}trust:
  builders:
    - images: ["${registry}/${namespace}/{repo}"]
      github:
        repository: "acme/{repo}"
        owner-id: 77
        workflow: "${workflow}"
        issuer: ${GITHUB_ISSUER}
      level: 3
      builds: true
${trust.map((line) => `  ${line}\n`).join("")}`;
}

/** The sources of base → runtime → app; the app has a stage of its own, and copies from it and from base. */
export async function chainSources(
  { image, toolchain }: Pick<Scene, "image" | "toolchain">,
  tag = "v1.0.0",
): Promise<Readonly<Record<"base" | "runtime" | "app", Readonly<Record<string, string | Uint8Array>>>>> {
  if (toolchain === undefined) throw new Error("the chain runs programs while it is built: it needs a toolchain");
  return {
    base: {
      Dockerfile: 'FROM scratch\nADD rootfs.tar.gz /\nCMD ["/bin/sh"]\n',
      "rootfs.tar.gz": await rootfs(toolchain),
    },
    runtime: { Dockerfile: `FROM ${image("base")}:${tag}\nRUN echo runtime > /runtime\n` },
    app: {
      Dockerfile: [
        `FROM ${image("runtime")}:${tag} AS build`,
        "COPY app.sh /out/app",
        "RUN echo built >> /out/app",
        `FROM ${image("runtime")}:${tag}`,
        "COPY --from=build /out/app /app",
        `COPY --from=${image("base")}:${tag} /bin/busybox /usr/bin/tool`,
        'CMD ["/app"]',
        "",
      ].join("\n"),
      "app.sh": "#!/bin/sh\necho app\n",
    },
  };
}
