import assert from "node:assert/strict";
import { test } from "node:test";
import { claimsOf, type FulcioExtensions } from "../../src/attestation/identity.ts";
import { digestOf } from "../../src/image/digest.ts";
import { formatReference } from "../../src/image/reference.ts";
import { type OwnBuild, ownBuildFailure } from "../../src/trust/own-build.ts";
import { parsePolicy } from "../../src/trust/policy.ts";
import { CouldNotLook } from "../../src/trust/ports.ts";
import type { Verdict } from "../../src/trust/verdict.ts";
import { commit, policyWith, verified, workflowOf } from "./verified.ts";
import {
  type BuildOptions,
  type Built,
  bytesOf,
  commitOf,
  entryOf,
  graphOf,
  type Json,
  policyOf,
  put,
  runOf,
  SIGN,
  SLSA1,
  signerOf,
  statementOf,
  told,
  World,
  written,
} from "./world.ts";

const RUN = "https://github.com/acme/app/actions/runs/8791219607";

/** The build whose certificate `verified` has. */
const OWN: OwnBuild = {
  server: "https://github.com",
  repositoryId: "77",
  ownerId: "1234",
  ref: "refs/tags/v1.0",
  commit,
  run: "8791219607",
  attempt: "1",
};

type Changes = { readonly [field in keyof FulcioExtensions]?: string | undefined };

/** The code by which a certificate with these changes is refused. */
function codeOf(changes: Changes = {}, own: Partial<OwnBuild> = {}): string | undefined {
  const { identity } = verified({ extensions: changes });
  return ownBuildFailure({ ...OWN, ...own }, identity, workflowOf(policyWith().builders[0]))?.code;
}

test("R9 takes the certificate of the run that was started", () => {
  assert.equal(codeOf(), undefined);
});

const FOREIGN: readonly (readonly [what: string, changes: Changes, code: string])[] = [
  ["another run", { runInvocationUri: `${RUN.slice(0, -1)}8/attempts/1` }, "other-run"],
  ["a run whose number begins with the build's", { runInvocationUri: `${RUN}0/attempts/1` }, "other-run"],
  ["a run with which the build's number begins", { runInvocationUri: `${RUN.slice(0, -1)}/attempts/1` }, "other-run"],
  ["another attempt", { runInvocationUri: `${RUN}/attempts/2` }, "other-run"],
  ["an attempt whose number begins with the build's", { runInvocationUri: `${RUN}/attempts/10` }, "other-run"],
  ["a run that names no attempt", { runInvocationUri: RUN }, "other-run"],
  ["a run that names more than the attempt", { runInvocationUri: `${RUN}/attempts/1/` }, "other-run"],
  ["a run with a line behind it", { runInvocationUri: `${RUN}/attempts/1\n` }, "other-run"],
  [
    "the run of another server",
    { runInvocationUri: `${RUN.replace("github.com", "ghes.example")}/attempts/1` },
    "other-run",
  ],
  [
    "the run of a server that begins with the build's",
    { runInvocationUri: `${RUN.replace("github.com", "github.com.example")}/attempts/1` },
    "other-run",
  ],
  ["no run at all", { runInvocationUri: undefined }, "other-run"],
  ["another commit", { sourceRepositoryDigest: "c".repeat(40) }, "other-commit"],
  ["the beginning of the commit", { sourceRepositoryDigest: commit.slice(0, 12) }, "other-commit"],
  ["no commit", { sourceRepositoryDigest: undefined }, "other-commit"],
  ["another tag", { sourceRepositoryRef: "refs/tags/v1.1" }, "other-ref"],
  ["a tag that begins with the build's", { sourceRepositoryRef: "refs/tags/v1.0.1" }, "other-ref"],
  ["a branch of the tag's name", { sourceRepositoryRef: "refs/heads/v1.0" }, "other-ref"],
  ["the tag's name alone", { sourceRepositoryRef: "v1.0" }, "other-ref"],
  ["no ref", { sourceRepositoryRef: undefined }, "other-ref"],
  ["another repository's number", { sourceRepositoryIdentifier: "78" }, "repository-id"],
  ["the repository's number with a zero before it", { sourceRepositoryIdentifier: "077" }, "repository-id"],
  ["no number of the repository", { sourceRepositoryIdentifier: undefined }, "repository-id"],
  ["another owner's number", { sourceRepositoryOwnerIdentifier: "4321" }, "owner-id"],
  ["no number of the owner", { sourceRepositoryOwnerIdentifier: undefined }, "owner-id"],
];

for (const [what, changes, code] of FOREIGN) {
  test(`R9 refuses a certificate with ${what} for an own build`, () => assert.equal(codeOf(changes), code));
}

test("R9 every word of the build is compared with the certificate's", () => {
  const others: readonly (readonly [Partial<OwnBuild>, string])[] = [
    [{ server: "https://ghes.example" }, "other-run"],
    [{ server: "http://github.com" }, "other-run"],
    [{ run: "1" }, "other-run"],
    [{ run: "" }, "other-run"],
    [{ attempt: "2" }, "other-run"],
    [{ commit: "c".repeat(40) }, "other-commit"],
    [{ ref: "refs/tags/v2.0" }, "other-ref"],
    [{ repositoryId: "1" }, "repository-id"],
    [{ ownerId: "1" }, "owner-id"],
  ];
  for (const [own, code] of others) assert.equal(codeOf({}, own), code, JSON.stringify(own));
});

test("R9 a run is found below the server that it belongs to", () => {
  const there = { runInvocationUri: `${RUN.replace("github.com", "ghes.example:8443")}/attempts/1` };
  assert.equal(codeOf(there, { server: "https://ghes.example:8443" }), undefined);
  assert.equal(codeOf(there, { server: "https://ghes.example" }), "other-run");
});

test("R8 and R9 a repository that was renamed while it was built is the same by its numbers", () => {
  const renamed = {
    sourceRepositoryUri: "https://github.com/acme/service",
    runInvocationUri: `${RUN.replace("acme/app", "acme/service")}/attempts/1`,
  };
  assert.equal(codeOf(renamed), undefined);
  assert.equal(codeOf({ ...renamed, sourceRepositoryIdentifier: "78" }), "repository-id");
});

/** The build that signs in the name of a repository of the world. */
function ownOf(repo: string, changes: Partial<OwnBuild> = {}): OwnBuild {
  const run = runOf(repo).split("/").at(-1) ?? "";
  const id = { repositoryId: "99", ownerId: "1234" };
  return {
    server: "https://github.com",
    ...id,
    ref: "refs/tags/v1.0.0",
    commit: commitOf(repo),
    run,
    attempt: "1",
    ...changes,
  };
}

const OTHER_RUN = "https://github.com/acme/app/actions/runs/5/attempts/1";
/** An honest build of the same commit and tag, by a run that nobody of ours started. */
const BY_OTHER_RUN: BuildOptions = {
  by: signerOf("app", { runInvocationUri: OTHER_RUN }),
  builderId: OTHER_RUN,
};

/** What is told of an app as it stands for everybody, and as the build that was started. */
async function bothWays(options: BuildOptions, own = ownOf("app")): Promise<readonly [string, string]> {
  const world = new World();
  const app = world.build("app", { ...options, base: world.build("base") });
  return [told(await world.judge(app.image)), told(await world.judge(app.image, { own }))];
}

const SIGNED = ["provenance", "provenance-without-index", "index", "attestation-manifest"] as const;

test("R9 trusts an image that the started run signed, wherever the signature hangs", async () => {
  for (const signed of SIGNED) assert.deepEqual(await bothWays({ signed }), ["trusted", "trusted"], signed);
});

test("R9 and R11 an image of another run isn't the build's, wherever the signature hangs", async () => {
  for (const signed of SIGNED)
    assert.deepEqual(await bothWays({ signed, ...BY_OTHER_RUN }), ["trusted", "untrusted other-run"], signed);
});

test("R9 attempt, commit, ref and numbers are the build's, each with its own code", async () => {
  const attempt = `${runOf("app")}/attempts/2`;
  const sha1 = "c".repeat(40);
  const fromOtherCommit = (predicate: Json) => {
    put(predicate, "buildDefinition.externalParameters.configSource.digest", { sha1 });
    put(predicate, "buildDefinition.resolvedDependencies.1.digest", { sha1 });
  };
  const cases: readonly (readonly [string, BuildOptions])[] = [
    ["other-run", { by: signerOf("app", { runInvocationUri: attempt }), builderId: attempt }],
    ["other-commit", { by: signerOf("app", { sourceRepositoryDigest: sha1 }), edit: fromOtherCommit }],
    ["other-ref", { by: signerOf("app", { sourceRepositoryRef: "refs/tags/v1.0.1" }) }],
    ["repository-id", { by: signerOf("app", { sourceRepositoryIdentifier: "98" }) }],
  ];
  for (const [code, options] of cases)
    for (const signed of SIGNED)
      assert.deepEqual(await bothWays({ signed, ...options }), ["trusted", `untrusted ${code}`], `${code} ${signed}`);
  assert.deepEqual(await bothWays({}, ownOf("app", { ownerId: "4321" })), ["trusted", "untrusted owner-id"]);
});

test("R9 policy is asked first: what it refuses keeps its own code", async () => {
  const cases: readonly (readonly [string, BuildOptions])[] = [
    ["source-repository", { by: signerOf("other") }],
    ["event", { by: signerOf("app", { buildTrigger: "pull_request_target" }) }],
    ["run", { by: signerOf("app", { runInvocationUri: runOf("other") }) }],
  ];
  for (const [code, options] of cases)
    assert.deepEqual(await bothWays(options), [`untrusted ${code}`, `untrusted ${code}`]);
});

test("R9 a key signs for no build", async () => {
  const world = new World();
  const app = world.build("app", { by: { kind: "key", fingerprint: digestOf(bytesOf("key")) } });
  assert.equal(told(await world.judge(app.image, { own: ownOf("app") })), "untrusted signer-kind");
});

test("R9 ancestors are of other builds, earlier ones of the same repository too", async () => {
  const world = new World();
  const earlier = world.build("app", { ...BY_OTHER_RUN, label: "earlier" });
  const tool = world.build("tool");
  const app = world.build("app", { base: earlier, inputs: [tool] });
  assert.equal(told(await world.judge(app.image, { own: ownOf("app") })), "trusted");
  assert.equal(told(await world.judge(earlier.image, { own: ownOf("app") })), "untrusted other-run");
});

test("R9 each platform of the build's index is of its run", async () => {
  for (const second of [{}, BY_OTHER_RUN]) {
    const world = new World();
    const builds = [
      world.build("app"),
      world.build("app", { platform: "linux/arm64", layers: ["arm64"], ...second }),
    ] as const;
    const index = world.index(
      "app",
      builds.map(({ manifest, platform }) => ({ image: manifest, platform: written(platform) })),
    );
    const verdict = await world.judge(index, { own: ownOf("app") });
    const isForeign = second === BY_OTHER_RUN;
    assert.equal(told(verdict), isForeign ? "untrusted other-run" : "trusted");
    assert.deepEqual(
      verdict.platforms.map(({ outcome }) => outcome),
      ["trusted", isForeign ? "untrusted" : "trusted"],
    );
  }
});

test("R9 no root stands for an own build, in force or expired, and roots below it still do", async () => {
  const rooted = (image: Built["image"], expires = "2027-01-01") =>
    policyOf({ trust: `  roots: [{ image: "${formatReference(image)}", reason: looked at, expires: ${expires} }]` });
  const own = ownOf("app");
  for (const [options, code] of [
    [{ signed: "nothing" }, "unattested"],
    [BY_OTHER_RUN, "other-run"],
  ] as const) {
    const world = new World();
    const { image } = world.build("app", options);
    assert.equal(told(await world.judge(image, { policy: rooted(image) })), "trusted");
    const verdict = await world.judge(image, { policy: rooted(image), own });
    assert.equal(told(verdict), `untrusted ${code}`);
    assert.doesNotMatch(verdict.faults[0]?.mend ?? "trust.roots", /trust\.roots/);
    assert.equal(told(await world.judge(image, { policy: rooted(image, "2020-01-01"), own })), `untrusted ${code}`);
  }
  const world = new World();
  const base = world.build("base", { signed: "nothing" });
  const { image } = world.build("app", { base });
  const verdict = await world.judge(image, { own });
  assert.equal(told(verdict), "untrusted unattested");
  assert.match(verdict.faults[0]?.mend ?? "", /trust\.roots/);
  assert.equal(told(await world.judge(image, { policy: rooted(base.image), own })), "trusted");
});

test("R9 and R27 a revoked digest or signer stays revoked for an own build", async () => {
  const world = new World();
  const { image } = world.build("app");
  for (const entry of [
    `digest: "${image.digest}"`,
    `commit: ${commitOf("app")}`,
    'identity: "https://github.com/acme/builder/**@**"',
  ]) {
    const policy = policyOf({ trust: `  revoked: [{ ${entry}, reason: stolen }]` });
    assert.equal(told(await world.judge(image, { policy, own: ownOf("app") })), "untrusted revoked", entry);
  }
});

/** The app as its own run signed it, and what another run says of the same digest. */
function withAnotherWord(change: (provenance: Json) => void = () => {}): { world: World; app: Built } {
  const world = new World();
  const app = world.build("app", { base: world.build("base") });
  const other = structuredClone(app.provenance);
  put(other, "runDetails.builder.id", OTHER_RUN);
  change(other);
  world.sign(app.manifest, statementOf([app.manifest], SLSA1, other), signerOf("app", { runInvocationUri: OTHER_RUN }));
  return { world, app };
}

test("R9 what another run says of the same digest is told, and doesn't count", async () => {
  const { world, app } = withAnotherWord();
  const [node] = (await world.judge(app.image, { own: ownOf("app") })).nodes;
  assert.deepEqual(
    node?.accepted.map(({ identity }) => claimsOf(identity).runInvocationUri),
    [`${runOf("app")}/attempts/1`],
  );
  assert.deepEqual(
    node?.refusals.map(({ code }) => code),
    ["other-run"],
  );
});

test("R9 and R17 another run can't contradict the build's, nor add a parent to it", async () => {
  const elsewhere = (predicate: Json) => {
    put(predicate, "buildDefinition.externalParameters.configSource.digest", { sha1: "c".repeat(40) });
  };
  const more = (predicate: Json) => {
    const at = "buildDefinition.resolvedDependencies.0";
    put(predicate, `${at}.digest.sha256`, "d".repeat(64));
  };
  for (const change of [elsewhere, more]) {
    const { world, app } = withAnotherWord(change);
    assert.equal((await world.judge(app.image)).outcome, "untrusted");
    assert.equal(told(await world.judge(app.image, { own: ownOf("app") })), "trusted");
  }
});

test("R9 and R17 evidence that isn't the build's changes nothing, whatever the verdict was", async () => {
  const foreign: readonly ((world: World, app: Built) => void)[] = [
    (world, app) => world.sign(app.manifest, statementOf([app.manifest], SIGN), BY_OTHER_RUN.by ?? signerOf("app")),
    (world, app) => world.sign(app.image, statementOf([app.image], SIGN), BY_OTHER_RUN.by ?? signerOf("app")),
    (world, app) => world.sign(app.image, statementOf([app.image], SIGN), signerOf("other")),
    (world, app) => {
      const on = app.attestationManifest ?? app.image;
      world.sign(on, statementOf([on], SIGN), BY_OTHER_RUN.by ?? signerOf("app"));
    },
    (world, app) => world.post(app.image, { kind: "bundle", digest: digestOf(bytesOf("junk")), json: "junk" }),
  ];
  const plain = (verdict: Verdict) => graphOf(verdict).map((line) => line.replace(" refused ", " unattested "));
  for (const signed of [...SIGNED, "nothing"] as const) {
    const world = new World();
    const app = world.build("app", { signed, base: world.build("base") });
    const own = ownOf("app");
    const before = await world.judge(app.image, { own });
    assert.equal(before.outcome, signed === "nothing" ? "untrusted" : "trusted");
    for (const post of foreign) {
      post(world, app);
      const after = await world.judge(app.image, { own });
      assert.equal(after.outcome, before.outcome, signed);
      assert.deepEqual(plain(after), plain(before), signed);
    }
  }
});

test("R9 and R11 another run's signature over index or attestation manifest doesn't adopt what is inside", async () => {
  // Nothing inside names the run: the git source is the one tie, and it is the same for both.
  for (const signed of ["index", "attestation-manifest"] as const) {
    const tied = { signed, builderId: "" };
    assert.deepEqual(await bothWays(tied), ["trusted", "trusted"], signed);
    assert.deepEqual(await bothWays({ ...BY_OTHER_RUN, ...tied }), ["trusted", "untrusted other-run"], signed);
  }
});

test("R9 and R11 the build's bare signature doesn't make another run's provenance its own", async () => {
  const world = new World();
  const app = world.build("app", { ...BY_OTHER_RUN, signed: "index" });
  world.sign(app.manifest, statementOf([app.manifest], SIGN), signerOf("app"));
  assert.equal(told(await world.judge(app.image)), "trusted");
  assert.equal(told(await world.judge(app.image, { own: ownOf("app") })), "untrusted containment");
  world.sign(app.image, statementOf([app.image], SIGN), signerOf("app"));
  assert.equal(told(await world.judge(app.image, { own: ownOf("app") })), "untrusted containment");
});

test("R9 and R11 of two provenances inside, the build's signature adopts neither where one is another run's", async () => {
  for (const builderId of [`${runOf("app")}/attempts/1`, OTHER_RUN]) {
    const world = new World();
    const app = world.build("app", { signed: "nothing" });
    const second = structuredClone(app.provenance);
    put(second, "runDetails.builder.id", builderId);
    put(second, "runDetails.metadata.startedOn", "2026-11-19T00:00:00Z");
    const holder = world.attestationManifest("app", app.manifest, [statementOf([app.manifest], SLSA1, second)]);
    assert.ok(app.attestationManifest);
    const index = world.index("app", [
      { image: app.manifest, platform: written(app.platform) },
      entryOf(app.attestationManifest, app.manifest),
      entryOf(holder, app.manifest),
    ]);
    world.sign(index, statementOf([index], SIGN), signerOf("app"));
    const verdict = await world.judge(index, { own: ownOf("app") });
    assert.equal(told(verdict), builderId === OTHER_RUN ? "untrusted containment" : "trusted");
  }
});

const DEFAULT_BRANCH_POLICY = parsePolicy(
  bytesOf(`version: 1
trust:
  builders:
    - images: ["ghcr.io/acme/{repo}"]
      github: { repository: "acme/{repo}", owner-id: 1234, workflow: "acme/builder/.github/workflows/build.yml@refs/tags/v*", refs: [default-branch] }
      builds: true
`),
  "policy.yml",
);

test("R5 and R9 a build from the default branch is held to its run too, once the branch is known", async () => {
  const ref = "refs/heads/main";
  const own = ownOf("app", { ref });
  const fails = () => Promise.reject(new CouldNotLook("rate-limited", "wait"));
  const cases: readonly (readonly [string, string, (() => Promise<string | undefined>) | undefined])[] = [
    ["trusted", `${runOf("app")}/attempts/1`, async () => "main"],
    ["untrusted other-run", OTHER_RUN, async () => "main"],
    ["untrusted other-run", `${runOf("app")}/attempts/2`, async () => "main"],
    ["untrusted ref", `${runOf("app")}/attempts/1`, async () => "trunk"],
    ["undetermined rate-limited", `${runOf("app")}/attempts/1`, fails],
    ["untrusted default-branch-unknown", `${runOf("app")}/attempts/1`, undefined],
  ];
  for (const signed of SIGNED) {
    for (const [expected, runInvocationUri, readDefaultBranch] of cases) {
      const world = new World();
      const by = signerOf("app", { sourceRepositoryRef: ref, runInvocationUri });
      const app = world.build("app", { signed, by, builderId: runInvocationUri });
      const ports = world.ports();
      world.ports = () => ({ ...ports, ...(readDefaultBranch && { defaultBranches: { readDefaultBranch } }) });
      const verdict = await world.judge(app.image, { policy: DEFAULT_BRANCH_POLICY, own });
      assert.equal(told(verdict), expected, `${signed} ${expected}`);
    }
  }
});

test("R9 and R15 what couldn't be looked at is undetermined for an own build, not another run's", async () => {
  const world = new World();
  const app = world.build("app", BY_OTHER_RUN);
  world.failures.set(`ghcr.io/acme/app@${app.manifest.digest}`, new CouldNotLook("timeout", "slow"));
  assert.equal(told(await world.judge(app.image, { own: ownOf("app") })), "undetermined timeout");
});
