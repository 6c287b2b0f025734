import { after, type TestContext } from "node:test";
import { type Chain, type ChainOptions, chain } from "../world/chain.ts";
import { type GitServer, startGitServer } from "../world/git-server.ts";
import { GITHUB_ISSUER, type Sigstore, startSigstore } from "../world/sigstore.ts";
import { type Toolchain, toolchain } from "../world/toolchain.ts";
import { type Judged, type Shell, verify } from "./command.ts";
import { temporaryFiles } from "./temporary-files.ts";

/** How a policy differs from the one that accepts the good chain. */
export interface PolicyOptions {
  /** Where images of the namespace may be. Default: the registry without password. */
  readonly registries?: readonly string[];
  /** `OWNER/REPO/.github/workflows/FILE@REF`. Default: the repository's own. */
  readonly workflow?: string;
  readonly level?: number;
  readonly builds?: boolean;
  /** More lines below `trust:`. */
  readonly trust?: readonly string[];
}

/** What the tests of one file share. */
export interface Scene {
  readonly git: GitServer;
  readonly sigstore: Sigstore;
  /** A file of its own in the scene's directory. */
  write(name: string, content: string | Uint8Array): string;
  /** A policy that accepts, for images of the namespace, the workflow of the repository of the same name. */
  policy(world: Toolchain, namespace: string, options?: PolicyOptions): string;
  /** Judges an image under a policy file and the scene's Sigstore. */
  verify(image: string, policy: string, args?: readonly string[], shell?: Shell): Promise<Judged>;
  chain(world: Toolchain, options?: Partial<ChainOptions>): Promise<Chain>;
}

/** Starts a git server and a Sigstore for the tests of a file, and makes a directory; all are gone after them. */
export async function scene(): Promise<Scene> {
  const write = temporaryFiles();
  const git = await startGitServer();
  const sigstore = await startSigstore({ serverUrl: git.url });
  after(async () => {
    await git.close();
    await sigstore.close();
  });
  let root: string | undefined;
  return {
    git,
    sigstore,
    write,
    policy: (world, namespace, options = {}) =>
      write("policy.yml", policyText(git.url, namespace, { registries: [world.registry], ...options })),
    verify(image, policy, args = [], shell = {}) {
      root ??= write("trusted_root.json", JSON.stringify(sigstore.trustedRoot));
      return verify(image, ["--trusted-root", root, "--policy", policy, ...args], shell);
    },
    chain: (world, options = {}) => chain({ toolchain: world, sigstore, git, ...options }),
  };
}

function policyText(server: string, namespace: string, options: PolicyOptions): string {
  const { registries = [], workflow = `${namespace}/{repo}/.github/workflows/release.yml@refs/tags/v*` } = options;
  const images = registries.map((registry) => `"${registry}/${namespace}/{repo}"`).join(", ");
  return `version: 1
trust:
  builders:
    - images: [${images}]
      github:
        repository: "${namespace}/{repo}"
        owner-id: 77
        workflow: "${workflow}"
        server: "${server}"
        issuer: "${GITHUB_ISSUER}"
      level: ${options.level ?? 3}
      builds: ${options.builds ?? true}
${(options.trust ?? []).map((line) => `  ${line}\n`).join("")}`;
}

/** Makes something once for all tests of a file, when the first asks for it; a test that has no world asks for nothing. */
export function once<T>(
  make: (world: Toolchain) => Promise<T>,
): (t: TestContext) => Promise<(T & { world: Toolchain }) | undefined> {
  let made: Promise<T> | undefined;
  return async (t) => {
    const world = await toolchain(t);
    if (world === undefined) return undefined;
    made ??= make(world);
    return { ...(await made), world };
  };
}
