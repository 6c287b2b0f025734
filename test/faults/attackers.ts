import type { CertificateIdentity, FulcioExtensions, SignerIdentity } from "../../src/attestation/identity.ts";
import { digestOf } from "../../src/image/digest.ts";
import type { PinnedImage } from "../../src/image/reference.ts";
import { type Built, bytesOf, signerOf, type World } from "../trust/world.ts";

/** A GitHub repository that somebody can run workflows of, as certificates name it. */
const SOURCES = {
  tools: { sourceRepositoryUri: "https://github.com/acme/tools", sourceRepositoryIdentifier: "7" },
  evil: {
    sourceRepositoryUri: "https://github.com/evil/app",
    sourceRepositoryIdentifier: "666",
    sourceRepositoryOwnerUri: "https://github.com/evil",
    sourceRepositoryOwnerIdentifier: "6666",
  },
} as const;

const OWN_WORKFLOW = {
  tools: "https://github.com/acme/tools/.github/workflows/release.yml@refs/tags/v1.0.0",
  evil: "https://github.com/evil/app/.github/workflows/release.yml@refs/tags/v1.0.0",
} as const;
/** A workflow that anybody may call. */
const REUSABLE = "https://github.com/acme/builder/.github/workflows/build.yml@refs/tags/v1";

/** What an attacker can do. Whatever he is given beyond it throws: a test must not lend him powers. */
export interface Attacker {
  readonly name: string;
  /** Whether he can come by a certificate, or a key, that says this. */
  readonly canSign: (identity: SignerIdentity) => boolean;
  /** Identities that he can come by, for random attacks. */
  readonly identities: readonly SignerIdentity[];
}

/** GitHub's tokens say the truth: repository, numbers, owner and run belong together, and only the rest is the workflow's. */
function isOf(source: keyof typeof SOURCES, { extensions, issuer }: CertificateIdentity): boolean {
  const facts: Partial<FulcioExtensions> = SOURCES[source];
  return (
    issuer === "https://token.actions.githubusercontent.com" &&
    Object.entries(facts).every(([name, value]) => extensions[name as keyof FulcioExtensions] === value) &&
    extensions.runInvocationUri?.startsWith(`${facts.sourceRepositoryUri}/actions/runs/`) === true
  );
}

/** A certificate of a run of one of his repositories, in his own workflow or in the one that anybody may call. */
export function runOf(
  source: keyof typeof SOURCES,
  workflow: "own" | "reusable",
  changes: Partial<FulcioExtensions> = {},
): CertificateIdentity {
  return signerOf(source === "evil" ? "app" : "tools", {
    ...SOURCES[source],
    buildSignerUri: workflow === "own" ? OWN_WORKFLOW[source] : REUSABLE,
    runInvocationUri: `${SOURCES[source].sourceRepositoryUri}/actions/runs/1/attempts/1`,
    ...changes,
  });
}

/** A key of his own, that no policy names. */
export const ownKey: SignerIdentity = { kind: "key", fingerprint: digestOf(bytesOf("a key of nobody")) };
const person: CertificateIdentity = {
  kind: "certificate",
  issuer: "https://accounts.example",
  subjectAlternativeName: REUSABLE,
  extensions: {},
};
const anywhere: readonly SignerIdentity[] = [ownKey, person];
const isAnybodys = (identity: SignerIdentity) =>
  identity.kind === "key" ? identity === ownKey : identity.issuer !== "https://token.actions.githubusercontent.com";

const wherever = (source: keyof typeof SOURCES): readonly SignerIdentity[] =>
  (["own", "reusable"] as const).flatMap((workflow) => [
    runOf(source, workflow),
    runOf(source, workflow, { sourceRepositoryRef: "refs/heads/main" }),
    runOf(source, workflow, { runnerEnvironment: "self-hosted" }),
    runOf(source, workflow, { buildTrigger: "pull_request_target" }),
  ]);

/** Whoever may push to the registry, to every repository in it; at GitHub he is nobody. */
export const pusher: Attacker = {
  name: "whoever may push to the registry",
  canSign: isAnybodys,
  identities: anywhere,
};
/** Whoever may write to one repository of the organisation, acme/tools, and push besides. */
export const insider: Attacker = {
  name: "whoever may write to one repository of the organisation",
  canSign: (identity) => isAnybodys(identity) || (identity.kind === "certificate" && isOf("tools", identity)),
  identities: [...anywhere, ...wherever("tools")],
};
/** Whoever has a workflow of his own that calls the reusable one, and may push besides. */
export const caller: Attacker = {
  name: "whoever calls the reusable workflow from his own",
  canSign: (identity) => isAnybodys(identity) || (identity.kind === "certificate" && isOf("evil", identity)),
  identities: [...anywhere, ...wherever("evil")],
};

/** An honest ancestry in a world, and an attacker's hands in it. */
export interface Hands {
  readonly world: World;
  readonly base: Built;
  readonly runtime: Built;
  readonly app: Built;
  /** Signs whatever he likes, as one of those that he can be. */
  readonly sign: (
    on: PinnedImage,
    statement: Parameters<World["sign"]>[1],
    by: SignerIdentity,
    times?: readonly Date[],
  ) => void;
  /** Builds whatever he likes, under whatever name. */
  readonly build: (repo: string, by: SignerIdentity, options?: Parameters<World["build"]>[1]) => Built;
  /** Hangs what others signed on something else. */
  readonly replay: (from: PinnedImage, to: PinnedImage) => void;
}

/** base from scratch, runtime on base, app on runtime with a file of base; all in order. */
export function honest(world: World): Pick<Hands, "base" | "runtime" | "app"> {
  const base = world.build("base");
  const runtime = world.build("runtime", { base });
  const app = world.build("app", { base: runtime, inputs: [base], signed: "index" });
  return { base, runtime, app };
}

/** What an attacker's hands can do to that world. */
export function handsOf({ name, canSign }: Attacker, world: World): Hands {
  const check = (by: SignerIdentity) => {
    if (!canSign(by)) throw new Error(`${name} can't be ${JSON.stringify(by)}`);
  };
  return {
    world,
    ...honest(world),
    sign: (on, statement, by, times) => {
      check(by);
      world.sign(on, statement, by, times);
    },
    build: (repo, by, options = {}) => {
      check(by);
      return world.build(repo, { by, ...options });
    },
    replay: (from, to) => {
      const key = ({ registry, repository, digest }: PinnedImage) => `${registry}/${repository}@${digest}`;
      world.candidates.set(key(to), [
        ...(world.candidates.get(key(to)) ?? []),
        ...(world.candidates.get(key(from)) ?? []),
      ]);
    },
  };
}
