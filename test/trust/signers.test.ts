import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import type {
  CertificateIdentity,
  FulcioExtensions,
  KeyIdentity,
  SignerIdentity,
} from "../../src/attestation/identity.ts";
import { fingerprintOf } from "../../src/attestation/public-key.ts";
import { verdictDocument } from "../../src/report/json.ts";
import { walkAncestry } from "../../src/trust/ancestry.ts";
import { accepts } from "../../src/trust/identity.ts";
import { ownBuildFailure } from "../../src/trust/own-build.ts";
import { PolicyError } from "../../src/trust/policy-fault.ts";
import { extensions, policyOf, policyWith, verified } from "./verified.ts";
import { AS_OF, codesOf, commitOf, World } from "./world.ts";

const pemOf = () =>
  generateKeyPairSync("ec", { namedCurve: "prime256v1" }).publicKey.export({ type: "spki", format: "pem" }) as string;
const pem = pemOf();
const keyIdentity: KeyIdentity = { kind: "key", fingerprint: fingerprintOf(pem) };

/** A policy with one entry for ghcr.io/acme/{repo}, given as flow YAML. */
const policyFor = (signer: string, more = "") =>
  policyOf(`version: 1
trust:
  builders:
    - { images: ["ghcr.io/acme/{repo}"], level: 3, builds: true, ${signer} }
${more}`);
const keyEntry = (text = pem, more = "") => `key: { pem: ${JSON.stringify(text)}${more} }`;

const GITLAB = "https://gitlab.com";
const NAME = "https://gitlab.com/acme/app//.gitlab-ci.yml@refs/tags/v1.0";
const identityEntry = (
  more = 'source: { repository: "https://gitlab.com/acme/{repo}", repository-id: 77 }',
  name = "https://gitlab.com/acme/{repo}//.gitlab-ci.yml@refs/tags/v*",
) => `identity: { issuer: "${GITLAB}", name: "${name}"${more === "" ? "" : `, ${more}`} }`;
/** What Fulcio writes of a GitLab pipeline. */
const gitlab = {
  buildSignerUri: NAME,
  buildSignerDigest: "b".repeat(40),
  runnerEnvironment: "gitlab-hosted",
  sourceRepositoryUri: "https://gitlab.com/acme/app",
  sourceRepositoryDigest: "a".repeat(40),
  sourceRepositoryRef: "refs/tags/v1.0",
  sourceRepositoryIdentifier: "77",
  sourceRepositoryOwnerUri: "https://gitlab.com/acme",
  sourceRepositoryOwnerIdentifier: "12",
  buildTrigger: "push",
  runInvocationUri: "https://gitlab.com/acme/app/-/jobs/9",
} as const;
const certificate = (
  changes: { readonly [field in keyof FulcioExtensions]?: string | undefined } = {},
  subjectAlternativeName = NAME,
  issuer = GITLAB,
): CertificateIdentity => ({
  kind: "certificate",
  issuer,
  subjectAlternativeName,
  extensions: Object.fromEntries(
    Object.entries({ ...gitlab, ...changes }).filter(([, value]) => value !== undefined),
  ) as FulcioExtensions,
});
const person = (name: string): CertificateIdentity => ({
  kind: "certificate",
  issuer: "https://accounts.google.com",
  subjectAlternativeName: name,
  extensions: {},
});

const outcome = (policy: ReturnType<typeof policyOf>, identity: SignerIdentity, name = "ghcr.io/acme/app") => {
  const answer = accepts(policy, name, { ...verified(), identity });
  return answer.kind === "accepted" ? answer.level : answer.code;
};
const isRefused = (signer: string) => {
  assert.throws(() => policyFor(signer), PolicyError, signer);
};

test("R4 a key that policy names speaks for the images it names, at level 2 at most, and no other key does", () => {
  const policy = policyFor(keyEntry());
  assert.equal(outcome(policy, keyIdentity), 2);
  assert.equal(outcome(policy, { kind: "key", fingerprint: fingerprintOf(pemOf()) }), "key");
  assert.equal(outcome(policy, keyIdentity, "ghcr.io/evil/app"), "no-builder");
  assert.equal(outcome(policy, certificate()), "signer-kind");
  assert.equal(outcome(policyFor(identityEntry()), keyIdentity), "signer-kind");
});

test("R6 a key that claims what only a certificate can say is a key all the same", () => {
  const claiming = { ...keyIdentity, ...verified().identity, kind: "key" } as unknown as KeyIdentity;
  assert.equal(outcome(policyWith(), claiming), "signer-kind");
  const own = { server: "https://github.com", repositoryId: "77", ownerId: "1234", ref: "refs/tags/v1.0" };
  const build = { ...own, commit: extensions.sourceRepositoryDigest, run: "8791219607", attempt: "1" };
  const [workflow] = policyWith().builders;
  const [key] = policyFor(keyEntry()).builders;
  assert.ok(workflow && key);
  assert.equal(ownBuildFailure(build, verified().identity, workflow), undefined);
  assert.equal(ownBuildFailure(build, verified().identity, key)?.code, "signer-kind");
  assert.equal(ownBuildFailure(build, claiming, workflow)?.code, "repository-id");
});

test("R4 another service's pipeline speaks under its issuer, name and source", () => {
  const policy = policyFor(identityEntry());
  assert.equal(outcome(policy, certificate()), 2);
  assert.equal(outcome(policy, certificate({}, NAME, "https://gitlab.com/")), "issuer");
  assert.equal(outcome(policy, certificate({}, NAME, "https://gitlab.evil.example")), "issuer");
  for (const name of [
    `${NAME}-suffix/x`,
    `${NAME}@refs/tags/v1.0`,
    `x${NAME}`,
    `${NAME}\n`,
    NAME.replace("acme", "acme-evil"),
    NAME.replace("acme", "evil"),
    NAME.replace("/app/", "/app/evil/"),
    NAME.replace("gitlab.com", "gitlab.com.evil.example"),
    NAME.replace("refs/tags", "refs/heads"),
  ])
    assert.equal(outcome(policy, certificate({}, name)), "signer-name", name);
});

test("R4 R6 each of the source's extensions is held to policy, and a missing one is a mismatch", () => {
  const source =
    'source: { repository: "https://gitlab.com/acme/{repo}", repository-id: 77, owner-id: 12, runner: gitlab-hosted }';
  const policy = policyFor(identityEntry(source));
  assert.equal(outcome(policy, certificate()), 2);
  for (const [field, code, wrong] of [
    ["sourceRepositoryUri", "source-repository", "https://gitlab.com/evil/app"],
    ["sourceRepositoryIdentifier", "repository-id", "78"],
    ["sourceRepositoryOwnerIdentifier", "owner-id", "13"],
    ["runnerEnvironment", "runner", "self-hosted"],
    ["buildTrigger", "event", "schedule"],
    ["sourceRepositoryRef", "ref", "refs/heads/main"],
  ] as const)
    for (const value of [wrong, undefined]) assert.equal(outcome(policy, certificate({ [field]: value })), code, field);
});

test("R4 a shared configuration signs under its own name for whoever uses it: the source must be bound", () => {
  const open = policyFor(identityEntry(""));
  assert.equal(outcome(open, certificate()), "source-repository");
  assert.equal(outcome(open, certificate({ sourceRepositoryUri: "https://gitlab.com/evil/app" })), "source-repository");
  const bound = policyFor(identityEntry());
  assert.equal(
    outcome(bound, certificate({ sourceRepositoryUri: "https://gitlab.com/evil/app" })),
    "source-repository",
  );
});

test("R6 an event that runs code of strangers never counts, whether policy binds the source or not", () => {
  const open = policyFor(identityEntry(""));
  for (const buildTrigger of ["merge_request_event", "external_pull_request_event", "pull_request"])
    assert.equal(outcome(open, certificate({ buildTrigger, sourceRepositoryUri: undefined })), "event", buildTrigger);
  isRefused(identityEntry('source: { repository: "https://gitlab.com/acme/{repo}", events: [merge_request_event] }'));
});

test("R8 a source by its name alone is level 1 at most, with a warning", () => {
  const policy = policyFor(identityEntry('source: { repository: "https://gitlab.com/acme/{repo}" }'));
  const answer = accepts(policy, "ghcr.io/acme/app", { ...verified(), identity: certificate() });
  assert.deepEqual(answer.kind === "accepted" && [answer.level, answer.warnings.length], [1, 1]);
});

test("R7 no wildcard of a name crosses @, and host, owner and domain are spelled out", () => {
  const google = (name: string) => `identity: { issuer: "https://accounts.google.com", name: "${name}" }`;
  const policy = policyFor(google("*@acme.example"));
  assert.equal(outcome(policy, person("builder@acme.example")), 2);
  for (const name of [
    "builder@evil.example",
    "builder@acme.example.evil.example",
    "builder@evil.example@acme.example",
    "builder@acme.example\n",
    "builder/@acme.example/x",
    "@acme.example.",
  ])
    assert.equal(outcome(policy, person(name)), "signer-name", name);
  for (const open of ["*", "**", "*@*", "builder@*", "builder@*.example", "https://*/acme/app", "https://gitlab.com/*"])
    isRefused(google(open));
  isRefused(google("https://gitlab.com/*/app//ci.yml@refs/tags/v1"));
  isRefused(google("https://{host}/acme/app"));
});

test("R4 GitHub's issuer is only accepted with all that github holds", () => {
  for (const issuer of [
    "https://token.actions.githubusercontent.com",
    "https://token.actions.githubusercontent.com/acme",
    "https://TOKEN.actions.githubusercontent.com",
    "https://token.actions.acme.ghe.com",
    "https://git.acme.example/_services/token",
  ])
    isRefused(
      `identity: { issuer: "${issuer}", name: "https://github.com/acme/b/.github/workflows/b.yml@refs/tags/v1" }`,
    );
});

test("R4 an entry has exactly one kind of signer, and a key is one public key", () => {
  isRefused("builds: true");
  isRefused(`${keyEntry()}, ${identityEntry()}`);
  const privateKey = generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }) as string;
  for (const text of ["", "x", pem + pem, privateKey, pem.replace("PUBLIC KEY", "CERTIFICATE")])
    isRefused(keyEntry(text));
  const twice = () =>
    policyOf(`version: 1
trust:
  builders:
    - { images: [ghcr.io/acme/a], ${keyEntry(pem)} }
    - { images: [ghcr.io/acme/b], ${keyEntry(pem, ", log: optional")} }
`);
  assert.throws(twice, /of the same key/);
});

const provenance = { signed: "provenance", by: keyIdentity } as const;
const levels = async (policy: ReturnType<typeof policyOf>, options: Parameters<World["build"]>[1]) => {
  const world = new World();
  const verdict = await world.judge(world.build("app", options).image, { policy });
  return [...codesOf(verdict), verdict.level];
};

test("R10 what a key signs is level 1, and level 2 where policy gives it a source and the build's record names that one", async () => {
  const source = (repository: string) => keyEntry(pem, `, source: "${repository}"`);
  assert.deepEqual(await levels(policyFor(keyEntry()), provenance), [1]);
  assert.deepEqual(await levels(policyFor(source("https://github.com/acme/{repo}")), provenance), [2]);
  assert.deepEqual(await levels(policyFor(source("https://github.com/acme/other")), provenance), [
    "source-repository",
    0,
  ]);
  assert.deepEqual(await levels(policyFor(source("https://github.com/acme/{repo}")), { ...provenance, local: true }), [
    "source-repository",
    0,
  ]);
});

test("R4 R10 of several entries for one key the one whose source the build names accepts, in any order", async () => {
  const [own, other, any] = [
    ', source: "https://github.com/acme/app"',
    ', source: "https://github.com/acme/other"',
    "",
  ];
  const both = (first: string, second: string) =>
    policyOf(`version: 1
trust:
  builders:
    - { images: ["ghcr.io/acme/{repo}"], builds: true, ${keyEntry(pem, first)} }
    - { images: ["ghcr.io/acme/app"], builds: true, ${keyEntry(pem, second)} }
`);
  for (const [one, two, expected] of [
    [own, other, [2]],
    [own, any, [2]],
    [other, any, [1]],
    [other, `${other}-still`.replace('"-still', '-still"'), ["source-repository", 0]],
  ] as const)
    for (const policy of [both(one, two), both(two, one)])
      assert.deepEqual(await levels(policy, provenance), expected, `${one} ${two}`);
});

test("R11 provenance inside an index isn't a key's word: there is no run to tie it to", async () => {
  assert.deepEqual(await levels(policyFor(keyEntry()), { signed: "index", by: keyIdentity }), ["containment", 0]);
});

test("R27 a revoked commit is one that provenance names, too: a key has no certificate that would", async () => {
  const revoking = (repo: string) =>
    policyFor(keyEntry(), `  revoked: [{ commit: "${commitOf(repo)}", reason: bad }]\n`);
  for (const version of ["v1", "v0.2"] as const) {
    assert.deepEqual(await levels(revoking("app"), { ...provenance, version }), ["revoked", 0]);
    assert.deepEqual(await levels(revoking("other"), { ...provenance, version }), [1]);
  }
});

test("R12 a key's statement without a proven time is revoked by any window on the key", async () => {
  const revoked = `  revoked:
    - { identity: "${keyIdentity.fingerprint}", from: 2020-01-01, until: 2020-01-02, reason: the key leaked }
`;
  const policy = policyFor(keyEntry(pem, ", log: optional"), revoked);
  const world = new World();
  const { image } = world.build("app", provenance);
  assert.deepEqual(codesOf(await world.judge(image, { policy })), [], "signed in 2026");
  const [statement] = [...world.verified.values()];
  assert.ok(statement?.kind === "verified");
  world.verified.set(statement.bundle, { ...statement, times: [] });
  assert.deepEqual(codesOf(await world.judge(image, { policy })), ["revoked"]);
});

test("a verdict tells a key by its fingerprint, and makes up neither issuer nor source", async () => {
  const world = new World();
  const verdict = await world.judge(world.build("app", provenance).image, { policy: policyFor(keyEntry()) });
  const [statement] = verdictDocument(verdict).nodes[0]?.statements ?? [];
  assert.deepEqual(
    [statement?.signer, statement?.issuer, statement?.sourceRepository, statement?.run],
    [keyIdentity.fingerprint, null, null, null],
  );
});

test("R10 a pipeline's provenance must be built from the source that its certificate names", async () => {
  const at = (changes: Partial<FulcioExtensions>) =>
    certificate({
      sourceRepositoryUri: "https://github.com/acme/app",
      sourceRepositoryDigest: commitOf("app"),
      ...changes,
    });
  const policy = policyFor(identityEntry('source: { repository: "https://github.com/acme/{repo}", owner-id: 12 }'));
  const signed = (by: SignerIdentity) => levels(policy, { signed: "provenance", by });
  assert.deepEqual(await signed(at({})), [2]);
  assert.deepEqual(await signed(at({ sourceRepositoryDigest: "c".repeat(40) })), ["source-mismatch", 0]);
  // Of a service that names no commit, or no repository, the one that is there is compared all the same.
  const without = (
    field: "sourceRepositoryDigest" | "sourceRepositoryUri",
    changes: Partial<FulcioExtensions> = {},
  ) => {
    const identity = at(changes);
    const { [field]: _, ...extensions } = identity.extensions;
    return { ...identity, extensions };
  };
  const elsewhere = policyFor(identityEntry('source: { repository: "https://github.com/acme/other", owner-id: 12 }'));
  const other = without("sourceRepositoryDigest", { sourceRepositoryUri: "https://github.com/acme/other" });
  assert.deepEqual(await signed(without("sourceRepositoryDigest")), [1]);
  assert.deepEqual(await levels(elsewhere, { signed: "provenance", by: other }), ["source-mismatch", 0]);
  const nameless = policyFor(identityEntry(""));
  const by = without("sourceRepositoryUri", { sourceRepositoryDigest: "c".repeat(40) });
  assert.deepEqual(await levels(nameless, { signed: "provenance", by }), ["source-mismatch", 0]);
  assert.deepEqual(await levels(nameless, { signed: "provenance", by: without("sourceRepositoryUri") }), [1]);
});

test("R1 the verifier is given the keys of the policy that asks, and no others", async () => {
  const other = pemOf();
  const world = new World();
  const { image } = world.build("app", provenance);
  for (const text of [pem, other]) {
    const given = new Set<string>();
    const ports = world.ports();
    const verifier: typeof ports.verifier = {
      verifyBundle: (bundle, keys = []) => {
        for (const { fingerprint } of keys) given.add(fingerprint);
        return ports.verifier.verifyBundle(bundle, keys);
      },
    };
    await walkAncestry({ ...ports, verifier }, policyFor(keyEntry(text)), image, "every", AS_OF);
    assert.deepEqual([...given], [fingerprintOf(text)]);
  }
});
