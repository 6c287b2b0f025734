import assert from "node:assert/strict";
import { test } from "node:test";
import type { Policy } from "../../src/trust/policy.ts";
import type { Verdict } from "../../src/trust/verdict.ts";
import {
  type BuildOptions,
  commitOf,
  type Json,
  policyOf,
  put,
  SLSA1,
  signerOf,
  statementOf,
  told,
  World,
} from "./world.ts";

const STEPS = "buildDefinition.internalParameters.buildConfig.llbDefinition";
const DEPENDENCIES = "buildDefinition.resolvedDependencies";
const REQUEST = "buildDefinition.externalParameters.request";
const HERMETIC = "runDetails.metadata.buildkit_hermetic";
const FILE = "https://files.example/a.tgz";
const FOUND = "1".repeat(64);

const allowing = (text: string): Policy => policyOf({ trust: `  allow: { ${text} }` });

/** The list at a path of the predicate. */
function listAt(predicate: Json, path: string): Json[] {
  return path.split(".").reduce((at, key) => (at as Record<string, Json>)[key] as Json, predicate) as Json[];
}

/** Puts a step before the last one, which is the result. */
function addStep(predicate: Json, op: Json): void {
  const steps = listAt(predicate, STEPS);
  steps.splice(-1, 0, { id: `step${steps.length + 10}`, op: { Op: op } });
}

/** A command, beside the steps that make the result. */
const command =
  (exec: Record<string, Json> = {}) =>
  (predicate: Json) => {
    addStep(predicate, { exec: { mounts: [], ...exec } });
    if (exec.network !== 2) put(predicate, HERMETIC, undefined);
  };

/** `ADD` of an address; BuildKit lists what it found, and demands what the Dockerfile demands. */
const added =
  (checksum?: string, listed = true) =>
  (predicate: Json) => {
    const attrs = checksum === undefined ? {} : { attrs: { "http.checksum": `sha256:${checksum}` } };
    addStep(predicate, { source: { identifier: FILE, ...attrs } });
    if (listed) listAt(predicate, DEPENDENCIES).push({ uri: FILE, digest: { sha256: FOUND } });
  };

const cache: Json = [{ dest: "/cache", input: -1, output: -1, mountType: 3, cacheOpt: { ID: "go-build" } }];
const importing = (name: string, value: string) => (predicate: Json) =>
  put(predicate, `${REQUEST}.args`, { [name]: value });

/** The verdict on an image that is built on a good base. */
async function judged(options: BuildOptions, policy?: Policy): Promise<Verdict> {
  const world = new World();
  const app = world.build("app", { base: world.build("base"), ...options });
  return world.judge(app.image, policy && { policy });
}

/** Outcome and codes, level, and how open it is. */
async function of(edit: ((predicate: Json) => void) | undefined, policy?: Policy, options: BuildOptions = {}) {
  const verdict = await judged({ ...(edit && { edit }), ...options }, policy);
  return [told(verdict), verdict.level, verdict.inputs];
}

const ownCommit = (predicate: Json) => {
  const uri = `https://github.com/acme/app.git#${commitOf("app")}`;
  put(predicate, "buildDefinition.externalParameters.configSource.uri", uri);
  put(predicate, `${DEPENDENCIES}.1.uri`, uri);
  put(predicate, `${STEPS}.1.op.Op.source.identifier`, `git://github.com/acme/app.git#${commitOf("app")}`);
};

test("R20 what rests on commits, digests and checksums alone is closed", async () => {
  assert.deepEqual(await of(undefined), ["trusted", 3, "closed"]);
  assert.deepEqual(await of(ownCommit), ["trusted", 3, "closed"]);
  assert.deepEqual(await of(added(FOUND)), ["trusted", 3, "closed"]);
  assert.deepEqual(await of(command({ network: 2 })), ["trusted", 3, "closed"]);
});

test("R20 a command with the network leaves it open, says so, and is no fault unless policy says it", async () => {
  const verdict = await judged({ edit: command() });
  assert.deepEqual([told(verdict), verdict.inputs, verdict.level], ["trusted", "open", 3]);
  assert.deepEqual(verdict.nodes[0]?.inputs, {
    openness: "open",
    all: [{ kind: "network", mode: "sandbox", steps: 1 }],
    untold: [],
  });
  assert.deepEqual(verdict.nodes[1]?.inputs?.openness, "closed");
  const strict = allowing("network: false");
  assert.deepEqual(await of(command(), strict), ["untrusted input-network", 0, "open"]);
  assert.deepEqual(await of(command({ network: 2 }), strict), ["trusted", 3, "closed"]);
  // Of a mode that this version doesn't know the worst is taken.
  assert.equal((await of(command({ network: 7 }), strict))[0], "untrusted input-network");
});

test("R20 where policy forbids the network, a builder that doesn't say that nobody had it isn't believed", async () => {
  const strict = allowing("network: false");
  const silent = (predicate: Json) => put(predicate, HERMETIC, undefined);
  assert.deepEqual(await of(silent, strict), ["untrusted input-network", 0, "open"]);
  assert.deepEqual(await of(silent), ["trusted", 3, "open"]);
});

test("R20 without the build's steps nothing is closed, and what policy forbids could have happened", async () => {
  assert.deepEqual(await of(undefined, undefined, { mode: "min" }), ["trusted", 2, "open"]);
  assert.equal((await of(undefined, allowing("network: false"), { mode: "min" }))[0], "trusted");
  assert.equal((await of(undefined, allowing("cache: false"), { mode: "min" }))[0], "untrusted input-cache");
  assert.equal((await of(undefined, allowing("privileged: false"), { mode: "min" }))[0], "untrusted input-privileged");
});

test("R20 content of the builder's own is a fault unless policy lets it in, and then of level 1 at most", async () => {
  assert.deepEqual(await of(undefined, undefined, { local: true }), ["untrusted input-local", 0, "open"]);
  assert.deepEqual(await of(undefined, allowing("local-context: true"), { local: true }), ["trusted", 1, "open"]);
});

test("R20 a directory beside the git source is content of the builder's own, wherever the request names it", async () => {
  const locals = [{ name: "dockerfile" }];
  const places: readonly ((predicate: Json) => void)[] = [
    (predicate) => put(predicate, `${REQUEST}.locals`, locals),
    (predicate) => put(predicate, `${REQUEST}.inputs`, { dep: { frontend: "dockerfile.v0", locals } }),
    (predicate) => put(predicate, `${REQUEST}.root`, { request: { locals } }),
    (predicate) => addStep(predicate, { source: { identifier: "local://context" } }),
  ];
  for (const edit of places) assert.equal((await of(edit))[0], "untrusted input-local");
});

test("R20 an address without a checksum is a fault unless policy names it", async () => {
  assert.deepEqual(await of(added()), ["untrusted input-not-checked", 0, "recorded"]);
  assert.deepEqual(await of(added(undefined, false)), ["untrusted input-not-checked", 0, "open"]);
  const verdict = await judged({ edit: added() });
  assert.ok(verdict.faults[0]?.reason.includes(FILE));
  assert.ok(verdict.faults[0]?.mend.includes("trust.allow.http-without-checksum"));
  for (const pattern of [FILE, "https://files.example/*.tgz", "https://files.example/**"]) {
    const policy = allowing(`http-without-checksum: ["${pattern}"]`);
    assert.deepEqual(await of(added(), policy), ["trusted", 3, "recorded"], pattern);
  }
  for (const pattern of ["https://files.example/b.tgz", "http://files.example/a.tgz", "https://files.example/a"])
    assert.equal(
      (await of(added(), allowing(`http-without-checksum: ["${pattern}"]`)))[0],
      "untrusted input-not-checked",
      pattern,
    );
});

test("R20 one address that is fetched twice is checked only if both fetches are", async () => {
  const twice = (predicate: Json) => {
    added(FOUND)(predicate);
    addStep(predicate, { source: { identifier: FILE } });
  };
  assert.equal((await of(twice))[0], "untrusted input-not-checked");
});

test("R20 no look-alike of an address that policy names goes in", async () => {
  const policy = allowing('http-without-checksum: ["https://files.example/pub/**"]');
  const served = (uri: string) => (predicate: Json) =>
    listAt(predicate, DEPENDENCIES).push({ uri, digest: { sha256: FOUND } });
  assert.equal((await of(served("https://files.example/pub/x/y"), policy))[0], "trusted");
  for (const uri of [
    "https://files.example/pub/../secret",
    "https://files.example/pub/%2e%2e/secret",
    "https://files.example/pub/x/..",
    "https://files.example/pub/..?x",
    "https://files.example@evil.example/pub/x",
    "https://files.example.evil.example/pub/x",
    "https://evil.example/https://files.example/pub/x",
    "https://FILES.example/pub/x",
    "https://files.example/PUB/x",
    "https://files.example/pub/x@evil",
    "https://files.example/pub/x\n",
  ])
    assert.equal((await of(served(uri), policy))[0], "untrusted input-not-checked", uri);
});

const listed = (predicate: Json) => void listAt(predicate, DEPENDENCIES).push({ uri: FILE, digest: { sha256: FOUND } });

test("R20 whether a list without steps demanded a checksum can't be told, and isn't assumed", async () => {
  assert.equal((await of(listed, undefined, { mode: "min" }))[0], "untrusted input-not-checked");
});

test("R20 a source that is an archive is an address like any other", async () => {
  const archive = (predicate: Json) =>
    put(predicate, "buildDefinition.externalParameters.configSource", { uri: FILE, path: "Dockerfile" });
  assert.equal((await of(archive))[0], "untrusted input-not-checked");
});

test("R20 another repository is recorded by its commit, and closed only if the commit was asked for", async () => {
  const commit = "c".repeat(40);
  const beside = (ref: string) => (predicate: Json) => {
    const uri = `https://github.com/other/tool.git#${ref}`;
    listAt(predicate, DEPENDENCIES).push({ uri, digest: { sha1: commit } });
  };
  assert.deepEqual(await of(beside("main")), ["trusted", 3, "recorded"]);
  assert.deepEqual(await of(beside(commit)), ["trusted", 3, "closed"]);
  const unlisted = (predicate: Json) =>
    addStep(predicate, { source: { identifier: "git://github.com/other/x.git#main" } });
  assert.deepEqual(await of(unlisted), ["trusted", 3, "open"]);
});

test("R20 R29 caches that others can write leave it open and cap the level at 2", async () => {
  const shared: readonly ((predicate: Json) => void)[] = [
    command({ network: 2, mounts: cache }),
    importing("cache-imports", '[{"Type":"registry","Attrs":{"ref":"ghcr.io/acme/cache"}}]'),
    importing("cache-from", "ghcr.io/acme/cache"),
    (predicate) =>
      put(predicate, `${REQUEST}.inputs`, { dep: { frontend: "dockerfile.v0", args: { "cache-from": "x" } } }),
  ];
  for (const edit of shared) {
    assert.deepEqual(await of(edit), ["trusted", 2, "open"]);
    assert.deepEqual(await of(edit, allowing("cache: false")), ["untrusted input-cache", 0, "open"]);
  }
  for (const none of ["", "[]"])
    assert.deepEqual(await of(importing("cache-imports", none), allowing("cache: false")), ["trusted", 3, "closed"]);
});

test("R20 R29 commands that can reach the builder leave it open and cap the level at 2", async () => {
  const insecure = command({ network: 2, security: 1 });
  assert.deepEqual(await of(insecure), ["trusted", 2, "open"]);
  assert.deepEqual(await of(insecure, allowing("privileged: false")), ["untrusted input-privileged", 0, "open"]);
  assert.deepEqual(await of(command({ network: 1 })), ["trusted", 2, "open"]);
});

test("R20 several things that policy doesn't let in are all named, under the code of the gravest", async () => {
  const both = (predicate: Json) => {
    added()(predicate);
    put(predicate, `${REQUEST}.locals`, [{ name: "dockerfile" }]);
  };
  const verdict = await judged({ edit: both });
  assert.equal(told(verdict), "untrusted input-local");
  assert.match(verdict.faults[0]?.reason ?? "", /dockerfile.*; .*files\.example/);
});

test("R20 R17 what one accepted provenance says went in, went in", async () => {
  const world = new World();
  const app = world.build("app", { base: world.build("base") });
  const also = structuredClone(app.provenance);
  put(also, `${REQUEST}.locals`, [{ name: "context" }]);
  world.sign(
    app.manifest,
    statementOf([app.manifest], SLSA1, also),
    signerOf("app", { runnerEnvironment: "self-hosted" }),
  );
  assert.deepEqual([told(await world.judge(app.image))], ["trusted"]);
  world.sign(app.manifest, statementOf([app.manifest], SLSA1, also), signerOf("app"));
  const verdict = await world.judge(app.image);
  assert.deepEqual([told(verdict), verdict.inputs], ["untrusted input-local", "open"]);
});

test("R20 an ancestor's inputs count like the image's own, and the fault names the way there", async () => {
  const world = new World();
  const base = world.build("base", { edit: added() });
  const app = world.build("app", { base });
  const verdict = await world.judge(app.image);
  assert.equal(told(verdict), "untrusted input-not-checked");
  assert.deepEqual(
    verdict.faults[0]?.path.map(({ role }) => role),
    [undefined, "base"],
  );
  assert.equal(verdict.inputs, "recorded");
});

test("R20 what ends the walk without a record of its build is never closed", async () => {
  const world = new World();
  const base = world.build("base", { signed: "nothing" });
  const app = world.build("app", { base });
  const root = `  roots: [{ image: "ghcr.io/acme/base@${base.image.digest}", reason: r, expires: 2099-01-01 }]`;
  const verdict = await world.judge(app.image, { policy: policyOf({ trust: root }) });
  assert.deepEqual([told(verdict), verdict.inputs], ["trusted", "open"]);
  assert.deepEqual(
    verdict.nodes.map(({ inputs }) => inputs?.openness),
    ["closed", undefined],
  );
});

test("R20 a root whose build is recorded is open all the same: nobody looked at what lies below it", async () => {
  const world = new World();
  const base = world.build("base");
  const app = world.build("app", { base });
  const trust = `  roots: [{ image: "ghcr.io/acme/app@${app.image.digest}", reason: r, expires: 2099-01-01 }]
  revoked: [{ commit: "${"d".repeat(40)}", reason: r }]`;
  const verdict = await world.judge(app.image, { policy: policyOf({ trust }) });
  assert.deepEqual(
    [told(verdict), verdict.nodes[0]?.finding.kind, verdict.nodes[0]?.inputs?.openness, verdict.inputs],
    ["trusted", "root", "closed", "open"],
  );
});

test("R27 a root heals what went in, and nothing that contradicts itself", async () => {
  const world = new World();
  const base = world.build("base", { edit: added() });
  const app = world.build("app", { base });
  const root = `  roots: [{ image: "ghcr.io/acme/base@${base.image.digest}", reason: r, expires: 2099-01-01 }]`;
  assert.equal(told(await world.judge(app.image, { policy: policyOf({ trust: root }) })), "trusted");
});

test("R20 an image of a local layout is a fault unless policy names its digest, and then of level 1 at most", async () => {
  const world = new World();
  const base = world.build("base");
  const { digest } = base.image;
  const edit = (predicate: Json) => {
    put(predicate, `${DEPENDENCIES}.0.uri`, `pkg:oci/base?digest=${digest}`);
    put(predicate, `${STEPS}.0.op.Op.source.identifier`, `oci-layout://docker.io/library/base@${digest}`);
  };
  const app = world.build("app", { base, edit });
  assert.equal(told(await world.judge(app.image)), "untrusted local-image");
  const named = await world.judge(app.image, { policy: allowing(`layouts: ["${digest}"]`) });
  assert.deepEqual([told(named), named.level, named.inputs], ["trusted", 1, "open"]);
  const other = allowing(`layouts: ["sha256:${FOUND}"]`);
  assert.equal(told(await world.judge(app.image, { policy: other })), "untrusted local-image");
  const revoked = policyOf({
    trust: `  allow: { layouts: ["${digest}"] }\n  revoked: [{ digest: "${digest}", reason: r }]`,
  });
  assert.equal(told(await world.judge(app.image, { policy: revoked })), "untrusted revoked");
});

test("R20 R17 what one provenance doesn't tell, another about the same bytes may, and says nothing against it", async () => {
  const world = new World();
  const app = world.build("app", { base: world.build("base"), edit: added(FOUND) });
  const strict = allowing("network: false, cache: false, privileged: false");
  const also = structuredClone(app.provenance);
  put(also, "buildDefinition.internalParameters.buildConfig", undefined);
  put(also, HERMETIC, undefined);
  put(also, "runDetails.metadata.buildkit_completeness.resolvedDependencies", false);
  assert.equal(told(await world.judge(app.image, { policy: strict })), "trusted");
  world.sign(app.manifest, statementOf([app.manifest], SLSA1, also), signerOf("app"));
  const verdict = await world.judge(app.image, { policy: strict });
  assert.deepEqual([told(verdict), verdict.inputs], ["trusted", "closed"]);
  // What it names went in all the same.
  listAt(also, DEPENDENCIES).push({ uri: "https://files.example/other", digest: { sha256: FOUND } });
  world.sign(app.manifest, statementOf([app.manifest], SLSA1, also), signerOf("app"));
  assert.equal(told(await world.judge(app.image)), "untrusted input-not-checked");
});
