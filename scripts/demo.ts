import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Chain, chain } from "../test/world/chain.ts";
import { startGitServer } from "../test/world/git-server.ts";
import { GITHUB_ISSUER, startSigstore } from "../test/world/sigstore.ts";
import { runningWorld, type Toolchain } from "../test/world/toolchain.ts";

// `npm run demo`: three images, each FROM the one before, really built, pushed and signed on this machine, and then judged; once as
// they should be, and once with a grandparent that nobody signed. Exit 0 only if both verdicts are as they must be.

const UNSIGNED = { attach: { platformProvenance: false, indexStatement: false } };
const cli = fileURLToPath(new URL("../src/cli/main.ts", import.meta.url));
const say = (text: string) => process.stdout.write(`${text}\n`);

/** Starts what isn't running, and says whether it is ours to stop. */
async function bringUp(): Promise<{ world: Toolchain; isOurs: boolean }> {
  const before = await runningWorld();
  if (typeof before !== "string") return { world: before, isOurs: false };
  say("Starting docker, a registry and cosign in a private directory …");
  spawnSync(process.execPath, [fileURLToPath(new URL("./world.ts", import.meta.url)), "up"], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  const world = await runningWorld();
  if (typeof world === "string") throw new Error(`the demo builds real images, and can't here: ${world}`);
  return { world, isOurs: true };
}

function policyFor({ namespace }: Chain, registry: string, server: string): string {
  return `version: 1
trust:
  builders:
    - images: ["${registry}/${namespace}/{repo}"]
      github:
        repository: "${namespace}/{repo}"
        owner-id: 77
        workflow: "${namespace}/{repo}/.github/workflows/release.yml@refs/tags/v*"
        server: ${server}
        issuer: ${GITHUB_ISSUER}
      builds: true
`;
}

/** Runs the command as a person would, and gives its exit code. */
async function verify(image: string, policy: string, root: string): Promise<number> {
  say(`\n$ npx trusted-builds verify --policy ${policy} --trusted-root ${root} ${image}\n`);
  const child = spawn(process.execPath, [cli, "verify", "--policy", policy, "--trusted-root", root, image], {
    stdio: "inherit",
  });
  const [code] = await once(child, "exit");
  return Number(code);
}

const { world, isOurs } = await bringUp();
const directory = mkdtempSync(join(tmpdir(), "trusted-builds-demo-"));
const git = await startGitServer();
const sigstore = await startSigstore({ serverUrl: git.url });
try {
  const root = join(directory, "trusted_root.json");
  writeFileSync(root, JSON.stringify(sigstore.trustedRoot));
  const judge = async (title: string, spoil: Parameters<typeof chain>[0]["spoil"]): Promise<number> => {
    say(`\n${title}`);
    const images = await chain({ toolchain: world, sigstore, git, ...(spoil && { spoil }) });
    const policy = join(directory, `${images.namespace}.yml`);
    writeFileSync(policy, policyFor(images, world.registry, git.url));
    return verify(images.app.image, policy, root);
  };
  const good = await judge("Building, pushing and signing base → runtime → app, each from git at a tag …", undefined);
  const bad = await judge("The same again, and this time nobody signs the grandparent …", { base: UNSIGNED });
  say(`exit codes: ${good} (trusted) and ${bad} (untrusted)`);
  process.exitCode = good === 0 && bad === 1 ? 0 : 1;
} finally {
  await git.close();
  await sigstore.close();
  rmSync(directory, { recursive: true, force: true });
  if (isOurs)
    spawnSync(process.execPath, [fileURLToPath(new URL("./world.ts", import.meta.url)), "down"], { stdio: "ignore" });
}
