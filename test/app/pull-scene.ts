import { PULL_CHECK } from "../../src/build/build.ts";
import { BUILDER, INDEX, makeImage } from "../faults/ancestry.ts";
import { type Document, put } from "../faults/document.ts";
import type { CheckRun } from "../world/github/check-runs.ts";
import { type OciRegistry, startOciRegistry } from "../world/oci-registry.ts";
import { eventually } from "./eventually.ts";
import { policyText, type Scene, type SceneOptions, startScene } from "./scene.ts";

/** A server that judges pull requests, and a registry with bases for them. Nobody builds anything. */
export interface PullScene {
  readonly scene: Scene;
  readonly registry: OciRegistry;
  /** `REGISTRY/NAMESPACE/base:TAG` and the digest: signed by whom the policy accepts. */
  signed(tag: string): Promise<Base>;
  /** Pushed by hand: of the same name as the signed ones, or below another. */
  unsigned(tag: string, below?: string): Promise<Base>;
  /** What the policies of these tests say: `mode` is `enforce`. */
  policy(name: string, mode?: "strict" | "ratchet" | "report"): string;
  /** The newest check run of pull requests of `acme/NAME`, or of a name with its owner, on a commit, once it is completed, or as asked. */
  check(name: string, commit: string, until?: (checkRun: CheckRun) => boolean): Promise<CheckRun>;
  /** Those of pull requests on a commit, or on any; the oldest first. */
  checks(name: string, commit?: string): readonly CheckRun[];
  /** Until everything delivered has been answered, and GitHub hears nothing for a while. */
  quiet(): Promise<void>;
  close(): Promise<void>;
}

/** An image in the registry. */
export interface Base {
  readonly reference: string;
  readonly digest: string;
}

/** Who asked GitHub nothing for so long, in milliseconds, has nothing to do. */
const QUIET_MS = 400;

/** Starts it. @param options - Above the usual ones. */
export async function startPullScene(options: SceneOptions = {}): Promise<PullScene> {
  const registry = await startOciRegistry();
  const scene = await startScene({
    hasRunner: false,
    ...options,
    registry: registry.host,
    // Soon at first, and for so long that no test meets the last try that it doesn't want.
    env: { RETRY_SECONDS: "0.5 1 2 4 8 16 32", ...options.env },
  }).catch(async (error: unknown) => {
    await registry.close();
    throw error;
  });
  const { github, sigstore, namespace } = scene;
  const checks = (name: string, commit?: string) =>
    github.checkRuns(name.includes("/") ? name : `acme/${name}`, commit).filter((each) => each.name === PULL_CHECK);

  const push = async (tag: string, isSigned: boolean, below = namespace): Promise<Base> => {
    const ofThisServer = (statement: Document): Document =>
      JSON.parse(JSON.stringify(statement).replaceAll("https://github.com/acme/", `${github.url}/acme/`));
    const place = { registry, namespace: below, sigstore, stranger: sigstore };
    const { index, path, repository } = await makeImage(
      place,
      "base",
      {},
      {
        config: (config) => put(config, ["config", "Labels"], { tag }),
        provenance: ofThisServer,
        ...(!isSigned && { attached: false, inIndex: false }),
      },
    );
    registry.putManifest(path, index.bytes, INDEX, tag);
    return { reference: `${repository}:${tag}`, digest: index.digest };
  };

  return {
    scene,
    registry,
    signed: (tag) => push(tag, true),
    unsigned: (tag, below) => push(tag, false, below),
    policy: (name, mode = "strict") =>
      `${policyText(scene, name, { workflow: `${BUILDER}@refs/tags/v*` })}enforce: ${mode}\n`,
    check: (name, commit, until = ({ status }) => status === "completed") =>
      eventually(
        `a check run of the pull request on ${commit} in ${name}`,
        () => {
          const newest = checks(name, commit).at(-1);
          return newest !== undefined && until(newest) && { ...newest };
        },
        () => `${JSON.stringify(checks(name), null, 1)}\n${scene.server.output()}\n${github.violations.join("\n")}`,
      ),
    checks,
    async quiet() {
      for (let seen = -1; seen !== github.requests.length; ) {
        seen = github.requests.length;
        await github.idle();
        await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
      }
    },
    async close() {
      await scene.close();
      await registry.close();
    },
  };
}
