import assert from "node:assert/strict";
import { test } from "node:test";
import type { FulcioExtensions } from "../../src/attestation/identity.ts";
import { formatReference } from "../../src/image/reference.ts";
import type { OwnBuild } from "../../src/trust/own-build.ts";
import {
  anotherKey,
  appOnBase,
  MADE,
  policyWith,
  type SummaryOptions,
  set,
  summarised,
  THEIR_POLICY,
  theKey,
  VERIFIER,
  verifierEntry,
} from "./summaries.ts";
import { AS_OF, commitOf, type Json, policyOf, signerOf, statementOf, told, World, written } from "./world.ts";

/** The verdict on an app whose base has this summary and nothing else. */
async function toldWith(options: SummaryOptions | "nothing", policy = policyWith(), asOf = AS_OF): Promise<string> {
  const { world, app } = appOnBase(options);
  return told(await world.judge(app.image, { policy, asOf }));
}

test("R28 an accepted verifier's summary ends the walk at its image, at the level that policy asks for", async () => {
  assert.equal(await toldWith("nothing"), "untrusted unattested");
  const { world, app, base } = appOnBase();
  const verdict = await world.judge(app.image, { policy: policyWith() });
  assert.deepEqual([told(verdict), verdict.level, verdict.levels], ["trusted", 2, { 2: 1, 3: 1 }]);
  const node = verdict.nodes.find(({ digest }) => digest === base.manifest.digest);
  assert.deepEqual(node?.finding, {
    kind: "summarised",
    reason: `${VERIFIER} answers for it and all below it, by policy ${THEIR_POLICY}`,
    level: 2,
    until: "2026-12-20T12:00:00.000Z",
    policyPath: "trust.verifiers[0]",
  });
  assert.deepEqual([node?.parents, node?.summary?.summary.verifier.id], [[], VERIFIER]);
});

test("R28 a summary ends the walk at the image asked about too, and what is below isn't looked at", async () => {
  const world = new World();
  const base = world.build("base", { signed: "nothing" });
  const app = world.build("app", { base });
  assert.equal(told(await world.judge(app.image, { policy: policyWith() })), "untrusted unattested");
  summarised(world, app);
  const reads = world.reads.length;
  const verdict = await world.judge(app.image, { policy: policyWith() });
  assert.deepEqual([told(verdict), verdict.nodes.length], ["trusted", 1]);
  assert.ok(!world.reads.slice(reads).some((read) => read.includes(base.image.digest)));
});

/** What is wrong with a summary, and the code by which it is told: each differs from the accepted one in one thing. */
const wrong: Readonly<Record<string, readonly [code: string, options: SummaryOptions]>> = {
  "is of a verifier whom policy doesn't name": [
    "vsa-verifier",
    { edit: set("verifier.id", "https://verifier.example/policies/8") },
  ],
  "has policy's verifier with a slash behind": ["vsa-verifier", { edit: set("verifier.id", `${VERIFIER}/`) }],
  "has policy's verifier in other letters": ["vsa-verifier", { edit: set("verifier.id", VERIFIER.toUpperCase()) }],
  "is signed by another key": ["vsa-signer", { by: anotherKey }],
  "is signed by a workflow, where policy names a key": ["vsa-signer", { by: signerOf("base") }],
  "is by another policy": ["vsa-policy", { edit: set("policy.digest", { sha256: "1".repeat(64) }) }],
  "names no digest of its policy": ["vsa-policy", { edit: set("policy.digest", undefined) }],
  "names its policy by another algorithm": ["vsa-policy", { edit: set("policy.digest", { sha512: "1".repeat(128) }) }],
  "is about another repository": ["vsa-resource", { edit: set("resourceUri", "pkg:docker/ghcr.io/acme/other@1.0.0") }],
  "is about another registry": ["vsa-resource", { edit: set("resourceUri", "pkg:docker/quay.io/acme/base@1.0.0") }],
  "is about another digest of the name": [
    "vsa-resource",
    { edit: set("resourceUri", `pkg:docker/ghcr.io/acme/base?digest=sha256:${"1".repeat(64)}`) },
  ],
  "is about another platform of the name": [
    "vsa-resource",
    { edit: set("resourceUri", "pkg:docker/ghcr.io/acme/base@1.0.0?platform=linux%2Farm64") },
  ],
  "has a resource that is no image": ["vsa-resource", { edit: set("resourceUri", "https://ghcr.io/acme/base") }],
  "has a resource that moves the registry": [
    "vsa-resource",
    { edit: set("resourceUri", "pkg:docker/ghcr.io/acme/base?repository_url=quay.io") },
  ],
  "says FAILED": ["vsa-result", { edit: set("verificationResult", "FAILED") }],
  "has a result that SLSA doesn't know": ["vsa-malformed", { edit: set("verificationResult", "passed") }],
  "reaches too low a level": ["vsa-level", { edit: set("verifiedLevels", ["SLSA_BUILD_LEVEL_1"]) }],
  "has no level": ["vsa-level", { edit: set("verifiedLevels", []) }],
  "has levels of its own alone": ["vsa-level", { edit: set("verifiedLevels", ["BCID_L1"]) }],
  "has a level that there isn't": ["vsa-level", { edit: set("verifiedLevels", ["SLSA_BUILD_LEVEL_9"]) }],
  "has a level in small letters": ["vsa-level", { edit: set("verifiedLevels", ["slsa_build_level_3"]) }],
  "has a level of more digits": ["vsa-level", { edit: set("verifiedLevels", ["SLSA_BUILD_LEVEL_03"]) }],
  "has a level of another track": ["vsa-level", { edit: set("verifiedLevels", ["SLSA_SOURCE_LEVEL_3"]) }],
  "has two levels of one track": [
    "vsa-level",
    { edit: set("verifiedLevels", ["SLSA_BUILD_LEVEL_2", "SLSA_BUILD_LEVEL_3"]) },
  ],
  "says PASSED and FAILED at once": ["vsa-level", { edit: set("verifiedLevels", ["SLSA_BUILD_LEVEL_3", "FAILED"]) }],
  "wasn't evaluated in the build track": [
    "vsa-level",
    { edit: set("verifiedLevels", ["SLSA_BUILD_LEVEL_UNEVALUATED"]) },
  ],
  "makes no claim about dependencies": ["vsa-dependencies", { edit: set("dependencyLevels", undefined) }],
  "makes null of its claim about dependencies": ["vsa-dependencies", { edit: set("dependencyLevels", null) }],
  "has one dependency that is too low": [
    "vsa-dependencies",
    { edit: set("dependencyLevels", { SLSA_BUILD_LEVEL_3: 9, SLSA_BUILD_LEVEL_1: 1 }) },
  ],
  "has a dependency that failed": ["vsa-dependencies", { edit: set("dependencyLevels", { FAILED: 1 }) }],
  "has a dependency that wasn't evaluated": [
    "vsa-dependencies",
    { edit: set("dependencyLevels", { SLSA_BUILD_LEVEL_UNEVALUATED: 1 }) },
  ],
  "has a dependency at a level that there isn't": [
    "vsa-dependencies",
    { edit: set("dependencyLevels", { SLSA_BUILD_LEVEL_9: 1 }) },
  ],
  "has dependencies with levels of their own alone": [
    "vsa-dependencies",
    { edit: set("dependencyLevels", { SLSA_BUILD_LEVEL_3: 1, BCID_L1: 2 }) },
  ],
  "counts a dependency below zero": ["vsa-malformed", { edit: set("dependencyLevels", { SLSA_BUILD_LEVEL_3: -1 }) }],
  "has no proven time": ["vsa-time", { times: [] }],
  "is a key's, and doesn't say when it was made": ["vsa-time", { edit: set("timeVerified", undefined) }],
  "has a time that is none": ["vsa-malformed", { edit: set("timeVerified", "yesterday") }],
  "is older than policy takes": [
    "vsa-age",
    { times: [new Date("2026-10-22T11:59:59Z")], edit: set("timeVerified", "2026-10-22T11:59:59Z") },
  ],
  "is old and was timestamped anew": ["vsa-age", { edit: set("timeVerified", "2026-10-22T11:59:59Z") }],
  "was timestamped long ago, whatever it says": ["vsa-age", { times: [new Date("2026-10-22T11:59:59Z")] }],
  "has one old time among its times": ["vsa-age", { times: [new Date(MADE), new Date("2026-10-22T11:59:59Z")] }],
  "is of tomorrow": [
    "vsa-age",
    { times: [new Date("2026-11-22T12:00:00Z")], edit: set("timeVerified", "2026-11-22T12:00:00Z") },
  ],
  "has no verifier": ["vsa-malformed", { edit: set("verifier", undefined) }],
  "has a field in another case": ["vsa-malformed", { edit: set("VerificationResult", "FAILED") }],
};
for (const [what, [code, options]] of Object.entries(wrong)) {
  test(`R28 a summary ends no walk if it ${what}`, async () => {
    const { world, app, base } = appOnBase(options);
    const verdict = await world.judge(app.image, { policy: policyWith() });
    assert.equal(told(verdict), `untrusted ${code}`);
    assert.deepEqual(
      verdict.nodes.find(({ digest }) => digest === base.manifest.digest)?.refusals.map((each) => each.code),
      [code],
    );
  });
}

/** What a summary may have beside what the checks ask for. */
const harmless: Readonly<Record<string, SummaryOptions>> = {
  "levels of its own beside SLSA's": { edit: set("verifiedLevels", ["BCID_L1", "SLSA_BUILD_LEVEL_2"]) },
  "another track's level": { edit: set("verifiedLevels", ["SLSA_SOURCE_LEVEL_2", "SLSA_BUILD_LEVEL_2"]) },
  "no dependencies": { edit: set("dependencyLevels", {}) },
  "none at a low level": { edit: set("dependencyLevels", { SLSA_BUILD_LEVEL_3: 2, SLSA_BUILD_LEVEL_0: 0 }) },
  "its dependencies in another track too": {
    edit: set("dependencyLevels", { SLSA_BUILD_LEVEL_3: 2, SLSA_SOURCE_LEVEL_1: 1, SLSA_SOURCE_LEVEL_3: 1 }),
  },
  "a plain reference": { edit: set("resourceUri", "ghcr.io/acme/base:1.0.0") },
  "no input attestations": { edit: set("inputAttestations", undefined) },
  "a field that nobody knows": { edit: set("https://example\\.com/own", "x") },
  "several times": { times: [new Date(MADE), new Date("2026-11-20T12:00:05Z")] },
};
for (const [what, options] of Object.entries(harmless)) {
  test(`R28 a summary ends the walk with ${what}`, async () => assert.equal(await toldWith(options), "trusted"));
}

test("R28 a summary of what a mirror stands for ends the walk at the mirror, and at no other name", async () => {
  const of = { edit: set("resourceUri", "pkg:docker/docker.io/upstream/base@1.0.0") };
  const mirrored = (name: string) =>
    policyWith(undefined, `  mirrors: [{ images: "ghcr.io/acme/${name}", of: "docker.io/upstream/${name}" }]\n`);
  assert.equal(await toldWith(of, mirrored("base")), "trusted");
  assert.equal(await toldWith(of, mirrored("other")), "untrusted vsa-resource");
});

test("R28 a summary of the index, or of another platform, ends no walk", async () => {
  const world = new World();
  const base = world.build("base", { signed: "nothing" });
  const other = world.build("base", { signed: "nothing", platform: "linux/arm64" });
  const index = world.index(
    "base",
    [base, other].map(({ manifest, platform }) => ({ image: manifest, platform: written(platform) })),
  );
  const judged = async () => told(await world.judge(index, { policy: policyWith(), wanted: base.platform }));
  const whole = { ...base, manifest: index, image: index };
  summarised(world, whole);
  assert.equal(await judged(), "untrusted vsa-subject");
  world.forget(index);
  // Posted where it is found, about the other one.
  summarised(world, { ...other, manifest: base.manifest, image: index }, { subjects: [other.manifest] });
  assert.equal(await judged(), "untrusted subject-mismatch");
  world.forget(base.manifest);
  summarised(world, { ...base, image: index });
  assert.equal(await judged(), "trusted");
});

/** The entry of a verifier that is a workflow. */
function workflowEntry(changes: Readonly<Record<string, unknown>> = {}, more: Readonly<Record<string, unknown>> = {}) {
  const { issuer, subjectAlternativeName: name } = signerOf("verifier");
  const identity = { issuer, name, source: "https://github.com/acme/verifier", ...changes };
  return verifierEntry({ key: undefined, identity, ...more });
}

test("R28 a certificate's signer is its issuer, its whole name and its source, and bounds the time itself", async () => {
  const signed = { by: signerOf("verifier"), edit: set("timeVerified", undefined) };
  const with_ = (entry: string, options: SummaryOptions = signed) => toldWith(options, policyWith([entry]));
  assert.equal(await with_(workflowEntry()), "trusted");
  assert.equal(await with_(workflowEntry(), { ...signed, times: [] }), "untrusted vsa-time");
  // Somebody else's repository calls the same workflow, and gets its name.
  assert.equal(await with_(workflowEntry(), { ...signed, by: signerOf("evil") }), "untrusted vsa-signer");
  const { subjectAlternativeName: name } = signed.by;
  assert.equal(await with_(workflowEntry({ name: name.slice(0, -1) })), "untrusted vsa-signer");
  assert.equal(await with_(workflowEntry({ issuer: "https://issuer.example" })), "untrusted vsa-signer");
});

test("R6 a verifier's run for strangers ends no walk, though it has the verifier's name and repository", async () => {
  const policy = policyWith([workflowEntry()]);
  const { buildTrigger: _, ...untold } = signerOf("verifier").extensions;
  const silent = { ...signerOf("verifier"), extensions: untold };
  for (const by of [
    ...["pull_request_target", "workflow_run", "issue_comment"].map((event) =>
      signerOf("verifier", { buildTrigger: event }),
    ),
    silent,
  ])
    assert.equal(await toldWith({ by }, policy), "untrusted vsa-signer");
  assert.equal(await toldWith({ by: signerOf("verifier", { buildTrigger: "schedule" }) }, policy), "trusted");
  const elsewhere = { ...silent, issuer: "https://issuer.example" };
  const other = policyWith([workflowEntry({ issuer: elsewhere.issuer })]);
  assert.equal(await toldWith({ by: elsewhere }, other), "trusted");
});

test("R8 a verifier known by its repository's name alone grants level 1; by numbers all, and nothing to who took the name over", async () => {
  const levelWith = async (ids: Readonly<Record<string, unknown>>, by = signerOf("verifier")) => {
    const { world, base } = appOnBase({ by });
    const verdict = await world.judge(base.image, { policy: policyWith([workflowEntry(ids)]) });
    return [verdict.outcome, verdict.level, verdict.nodes[0]?.warnings.length];
  };
  assert.deepEqual(await levelWith({}), ["trusted", 1, 1]);
  assert.deepEqual(await levelWith({ "repository-id": 99 }), ["trusted", 2, 0]);
  assert.deepEqual(await levelWith({ "owner-id": 1234 }), ["trusted", 2, 0]);
  const taken = signerOf("verifier", { sourceRepositoryIdentifier: "7", sourceRepositoryOwnerIdentifier: "666" });
  assert.deepEqual(await levelWith({ "repository-id": 99 }, taken), ["untrusted", 0, 0]);
  assert.deepEqual(await levelWith({ "owner-id": 1234 }, taken), ["untrusted", 0, 0]);
});

test("R4 a verifier's certificate that names a source is none of an entry that names none", async () => {
  const person = { issuer: "https://issuer.example", name: "ci@verifier.example", source: undefined };
  const by = (extensions: FulcioExtensions): SummaryOptions => ({
    by: { kind: "certificate", issuer: person.issuer, subjectAlternativeName: person.name, extensions },
  });
  const policy = policyWith([workflowEntry(person)]);
  assert.equal(await toldWith(by({}), policy), "trusted");
  assert.equal(await toldWith(by({ sourceRepositoryUri: "https://evil.example/a/b" }), policy), "untrusted vsa-signer");
});

test("R28 signer, verifier and policy count together: two entries don't lend each other theirs", async () => {
  const identity = signerOf("verifier");
  const other = workflowEntry({}, { id: "https://other.example", policy: `sha256:${"2".repeat(64)}` });
  const policy = policyWith([verifierEntry(), other]);
  assert.equal(await toldWith({}, policy), "trusted");
  assert.equal(await toldWith({ by: identity }, policy), "untrusted vsa-signer");
  const tenant = { edit: (predicate: Json) => set("verifier.id", "https://other.example")(predicate) };
  assert.equal(await toldWith(tenant, policy), "untrusted vsa-signer");
  assert.equal(
    await toldWith({ edit: set("policy.digest", { sha256: "2".repeat(64) }) }, policy),
    "untrusted vsa-policy",
  );
});

test("R1, R3 a tenant's summary by the same server's key ends no walk of who names the operator's", async () => {
  const tenant = { edit: set("verifier.id", `${VERIFIER}/repositories/99`) };
  assert.equal(await toldWith(tenant), "untrusted vsa-verifier");
  assert.equal(await toldWith(tenant, policyWith([verifierEntry({ id: `${VERIFIER}/repositories/99` })])), "trusted");
});

test("R28 a summary from before a revocation ends no walk, whatever is revoked; one from after it does", async () => {
  const other = "1".repeat(64);
  const revoking = (made: string) =>
    policyWith(undefined, `  revoked: [{ digest: "sha256:${other}", reason: stolen${made && `, made: ${made}`} }]\n`);
  assert.equal(await toldWith({}, revoking("")), "untrusted vsa-revocation");
  assert.equal(await toldWith({}, revoking("2026-11-20")), "untrusted vsa-revocation");
  assert.equal(await toldWith({}, revoking(MADE)), "untrusted vsa-revocation");
  assert.equal(await toldWith({}, revoking("2026-11-19")), "trusted");
  assert.equal(await toldWith({}, revoking("2026-11-20T11:59:59Z")), "trusted");
});

test("R12, R27 a revoked verifier, and a revoked image, are not healed by a summary", async () => {
  const key = theKey.kind === "key" ? theKey.fingerprint : "";
  const window = (from: string) =>
    policyWith(undefined, `  revoked: [{ identity: "${key}", from: ${from}, reason: stolen, made: 2026-01-01 }]\n`);
  assert.equal(await toldWith({}, window("2026-11-01")), "untrusted revoked");
  assert.equal(await toldWith({}, window("2026-11-21")), "trusted");
  const { world, app, base } = appOnBase();
  const revoked = `  revoked: [{ digest: "${base.manifest.digest}", reason: stolen, made: 2026-01-01 }]\n`;
  assert.equal(told(await world.judge(app.image, { policy: policyWith(undefined, revoked) })), "untrusted revoked");
});

test("R17, R27 a revoked verifier's old summary takes nothing from a newer one, nor from a root", async () => {
  const key = theKey.kind === "key" ? theKey.fingerprint : "";
  const early = "2026-11-02T12:00:00Z";
  const revoked = `  revoked: [{ identity: "${key}", until: 2026-11-03, reason: stolen, made: 2026-11-04 }]\n`;
  const { world, app, base } = appOnBase();
  const root = `  roots: [{ image: "${formatReference(base.image)}", reason: looked at, expires: 2027-01-01 }]\n`;
  const judged = async () => [
    told(await world.judge(app.image, { policy: policyWith(undefined, revoked) })),
    told(await world.judge(app.image, { policy: policyWith(undefined, revoked + root) })),
  ];
  assert.deepEqual(await judged(), ["trusted", "trusted"]);
  summarised(world, base, { times: [new Date(early)], edit: set("timeVerified", early) });
  assert.deepEqual(await judged(), ["trusted", "trusted"]);
});

test("R27 a summary goes before the image's own provenance, and after revocations and contradictions in it", async () => {
  const world = new World();
  const deep = world.build("deep", { signed: "nothing" });
  const base = world.build("base", { base: deep });
  const app = world.build("app", { base });
  summarised(world, base);
  const kinds = async (policy = policyWith()) => {
    const verdict = await world.judge(app.image, { policy });
    return [told(verdict), ...verdict.nodes.map(({ finding }) => finding.kind)];
  };
  assert.deepEqual(await kinds(), ["trusted", "attested", "summarised"]);
  const commit = `  revoked: [{ commit: "${commitOf("base")}", reason: stolen, made: 2026-01-01 }]\n`;
  assert.deepEqual((await kinds(policyWith(undefined, commit)))[0], "untrusted revoked");
  const root = `  roots: [{ image: "${formatReference(base.image)}", reason: looked at, expires: 2027-01-01 }]\n`;
  assert.deepEqual(await kinds(policyWith(undefined, root)), ["trusted", "attested", "root"]);

  const foreign = new World();
  const wrongSource = foreign.build("base", { by: signerOf("base", { sourceRepositoryDigest: "9".repeat(40) }) });
  summarised(foreign, wrongSource);
  assert.equal(told(await foreign.judge(wrongSource.image, { policy: policyWith() })), "untrusted source-mismatch");
});

test("R27 what an accepted signer says of an image and can't be right is not healed by a summary", async () => {
  const world = new World();
  const base = world.build("base", {
    edit: (predicate) => set("buildDefinition.resolvedDependencies", "none")(predicate),
  });
  summarised(world, base);
  assert.equal(told(await world.judge(base.image, { policy: policyWith() })), "untrusted malformed-provenance");
});

test("R15 a summary suffices where another place couldn't be looked at", async () => {
  const { world, app, base } = appOnBase();
  world.omitted.set(`ghcr.io/acme/base@${base.manifest.digest}`, 3);
  assert.equal(told(await world.judge(app.image, { policy: policyWith() })), "trusted");
});

test("R17 a FAILED of an accepted verifier is no fault, and takes away a PASSED that isn't younger", async () => {
  const at = (time: string): SummaryOptions => ({ times: [new Date(time)], edit: set("timeVerified", time) });
  const failed = (time: string): SummaryOptions => ({
    times: [new Date(time)],
    edit: (predicate) => {
      set("timeVerified", time)(predicate);
      set("verificationResult", "FAILED")(predicate);
    },
  });
  const world = new World();
  const base = world.build("base");
  summarised(world, base, failed(MADE));
  const judged = async () => {
    const verdict = await world.judge(base.image, { policy: policyWith() });
    return [told(verdict), verdict.nodes[0]?.finding.kind];
  };
  assert.deepEqual(await judged(), ["trusted", "attested"]);
  summarised(world, base, at("2026-11-20T11:00:00Z"));
  assert.deepEqual(await judged(), ["trusted", "attested"]);
  summarised(world, base, at("2026-11-20T13:00:00Z"));
  assert.deepEqual(await judged(), ["trusted", "summarised"]);
  // Timestamped anew, an old FAILED stays old.
  summarised(world, base, { ...failed(MADE), times: [new Date("2026-11-21T10:00:00Z")] });
  assert.deepEqual(await judged(), ["trusted", "summarised"]);
  // Somebody else's FAILED is nobody's.
  summarised(world, base, { ...failed("2026-11-20T14:00:00Z"), by: anotherKey });
  assert.deepEqual(await judged(), ["trusted", "summarised"]);
});

test("R17 summaries that aren't accepted change nothing, nor does any under a policy without verifiers", async () => {
  const world = new World();
  const base = world.build("base");
  const app = world.build("app", { base });
  const before = await world.judge(app.image);
  for (const [, options] of Object.values(wrong)) summarised(world, base, options);
  const after = await world.judge(app.image, { policy: policyWith() });
  const findings = (verdict: typeof before) => verdict.nodes.map(({ id, finding, level }) => ({ id, finding, level }));
  assert.deepEqual([told(after), findings(after)], [told(before), findings(before)]);
  const { world: other, app: bare } = appOnBase();
  assert.equal(told(await other.judge(bare.image, { policy: policyOf() })), "untrusted predicate-type");
});

test("R9 a summary doesn't stand for the run of an own build", async () => {
  const world = new World();
  const app = world.build("app");
  summarised(world, app);
  const own: OwnBuild = {
    server: "https://github.com",
    repositoryId: "99",
    ownerId: "1234",
    ref: "refs/tags/v1.0.0",
    commit: commitOf("app"),
    run: "1",
    attempt: "1",
  };
  assert.equal(told(await world.judge(app.image, { policy: policyWith() })), "trusted");
  assert.equal(told(await world.judge(app.image, { policy: policyWith(), own })), "untrusted other-run");
});

test("R26 a summary doesn't bind a tag that policy makes from git tags", async () => {
  const build = "builds: [{ image: ghcr.io/acme/app, image-tags: ['{tag}'] }]";
  const policy = policyOf({ trust: `  verifiers: [${verifierEntry()}]`, more: "" });
  const strict = { ...policy, builds: policyOf({ trust: `\n${build}` }).builds };
  const world = new World();
  const app = world.build("app", { signed: "nothing" });
  summarised(world, app);
  const asked = (tag: string) => world.judge(app.image, { policy: strict, reference: { ...app.image, tag } });
  assert.equal(told(await asked("v2.0.0")), "untrusted tag-mismatch");
  assert.equal(told(await world.judge(app.image, { policy: strict })), "trusted");
});

test("R28 of several accepted entries the one that grants most counts, in any order", async () => {
  const low = verifierEntry({ minimum: "SLSA_BUILD_LEVEL_1" });
  for (const entries of [
    [low, verifierEntry()],
    [verifierEntry(), low],
  ]) {
    const { world, app } = appOnBase();
    const verdict = await world.judge(app.image, { policy: policyWith(entries) });
    assert.deepEqual([told(verdict), verdict.level], ["trusted", 2]);
  }
});

test("R13 a subject with one wrong digest beside the right one is about something else", async () => {
  const { world, app, base } = appOnBase("nothing");
  const statement = statementOf([base.manifest], "https://slsa.dev/verification_summary/v1", {});
  set("subject.0.digest.sha512", "0".repeat(128))(statement);
  world.sign(base.manifest, statement, theKey);
  assert.equal(told(await world.judge(app.image, { policy: policyWith() })), "untrusted subject-mismatch");
});
