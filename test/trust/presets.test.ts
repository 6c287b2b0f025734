import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { CertificateIdentity, SignerIdentity } from "../../src/attestation/identity.ts";
import { fingerprintOf } from "../../src/attestation/public-key.ts";
import { parseTrustedKey } from "../../src/sigstore/trusted-key.ts";
import { accepts } from "../../src/trust/identity.ts";
import { parsePolicy } from "../../src/trust/policy.ts";
import { PolicyError } from "../../src/trust/policy-fault.ts";
import { BUILDER_NAMES, BUILDERS, PUBLISHER_NAMES, PUBLISHERS } from "../../src/trust/presets.ts";
import { type Alteration, extensions, policyOf, verified } from "./verified.ts";
import { codesOf, signerOf, World } from "./world.ts";

const trust = (...lines: readonly string[]) =>
  policyOf(`version: 1\ntrust:\n${lines.map((line) => `  ${line}\n`).join("")}`);
const outcome = (policy: ReturnType<typeof policyOf>, name: string, identity: SignerIdentity) => {
  const answer = accepts(policy, name, { ...verified(), identity }, false);
  return answer.kind === "accepted" ? `level ${answer.level}` : answer.code;
};
const identityOf = (alteration: NonNullable<Alteration["extensions"]>) => verified({ extensions: alteration }).identity;
const faultsOf = (run: () => unknown) => {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof PolicyError);
    return error.faults.map(({ path }) => path);
  }
  return [];
};

test("each preset says what it attests, what not, and where that is known from, and can be used", () => {
  for (const name of PUBLISHER_NAMES) {
    const { attests, doesNot, facts, images } = PUBLISHERS[name];
    assert.ok(attests && doesNot && facts.every((fact) => fact.startsWith("https://")), name);
    const policy = trust(`publishers: [${name}]`);
    assert.equal(policy.builders.length, PUBLISHERS[name].signers.length);
    assert.deepEqual(
      policy.publishers[0]?.images.map(({ pattern }) => pattern),
      images,
    );
    for (const builder of policy.builders) assert.equal(builder.path, "trust.publishers[0]");
  }
  for (const name of BUILDER_NAMES) {
    const { attests, doesNot, facts } = BUILDERS[name];
    assert.ok(attests && doesNot && facts.every((fact) => fact.startsWith("https://")), name);
  }
});

test("R4 a preset of publishers speaks for its images alone, under its signer alone", () => {
  const policy = trust("publishers: [docker-hardened-images, chainguard, distroless]");
  const dhi = PUBLISHERS["docker-hardened-images"].signers[0].key.pem;
  const key: SignerIdentity = { kind: "key", fingerprint: fingerprintOf(dhi) };
  assert.equal(parseTrustedKey(dhi, "preset", "optional").fingerprint, key.fingerprint);
  assert.deepEqual(
    policy.keys.map(({ fingerprint, log }) => [fingerprint, log]),
    [[key.fingerprint, "optional"]],
  );
  assert.equal(outcome(policy, "dhi.io/python", key), "level 2");
  assert.equal(outcome(policy, "gcr.io/distroless/static", key), "signer-kind");
  for (const name of [
    "docker.io/acme/dhi-python",
    "dhi.io/a/b",
    "dhi.io.evil.example/python",
    "docker.io/library/python",
  ])
    assert.equal(outcome(policy, name, key), "no-builder", name);

  const google = (subjectAlternativeName: string): CertificateIdentity => ({
    kind: "certificate",
    issuer: "https://accounts.google.com",
    subjectAlternativeName,
    extensions: {},
  });
  const distroless = "keyless@distroless.iam.gserviceaccount.com";
  assert.equal(outcome(policy, "gcr.io/distroless/static", google(distroless)), "level 1");
  assert.equal(outcome(policy, "gcr.io/distroless/static", google(`x${distroless}`)), "signer-name");
  assert.equal(outcome(policy, "gcr.io/evil/static", google(distroless)), "no-builder");

  const released = {
    buildSignerUri: "https://github.com/chainguard-images/images/.github/workflows/release.yaml@refs/heads/main",
    sourceRepositoryUri: "https://github.com/chainguard-images/images",
    sourceRepositoryRef: "refs/heads/main",
    buildTrigger: "schedule",
    runInvocationUri: "https://github.com/chainguard-images/images/actions/runs/1/attempts/1",
  };
  assert.equal(outcome(policy, "cgr.dev/chainguard/static", identityOf(released)), "level 1");
  assert.equal(outcome(policy, "cgr.dev/evil/static", identityOf(released)), "no-builder");
  const forked = { ...released, sourceRepositoryUri: "https://github.com/evil/images" };
  assert.equal(outcome(policy, "cgr.dev/chainguard/static", identityOf(forked)), "source-repository");
});

test("docker-official-images signs nothing, and naming it accepts nothing", () => {
  const policy = trust("publishers: [docker-official-images]");
  assert.deepEqual(policy.builders, []);
  assert.equal(outcome(policy, "docker.io/library/debian", verified().identity), "no-builder");
});

const called = { buildSignerUri: "https://github.com/docker/github-builder/.github/workflows/build.yml@refs/tags/v1" };
const image = "ghcr.io/acme/app";
const entry = (more = "", level = "") => [
  "builders:",
  `  - { images: ["ghcr.io/acme/{repo}"]${level}, github: { repository: "acme/{repo}", owner-id: 1234${more} } }`,
];

test("R4 R29 a preset of builders accepts nothing alone, and builds at level 3 for the sources that policy names", () => {
  const alone = trust("builder-presets: [docker-github-builder]");
  assert.deepEqual(alone.builders, []);
  assert.equal(outcome(alone, image, identityOf(called)), "no-builder");
  const policy = trust(...entry(), "builder-presets: [docker-github-builder]");
  assert.equal(outcome(policy, image, identityOf(called)), "level 3");
  assert.ok(policy.builders.every(({ builds }) => builds));
  assert.equal(outcome(policy, image, identityOf({})), "workflow", "its own workflow isn't among them");
  for (const buildSignerUri of [
    "https://github.com/docker/github-builder/.github/workflows/build.yml@refs/heads/main",
    "https://github.com/docker/github-builder/.github/workflows/evil.yml@refs/tags/v1",
    "https://github.com/d0cker/github-builder/.github/workflows/build.yml@refs/tags/v1",
    "https://github.com/docker/github-builder-evil/.github/workflows/build.yml@refs/tags/v1",
  ])
    assert.equal(outcome(policy, image, identityOf({ buildSignerUri })), "workflow", buildSignerUri);
  assert.equal(
    outcome(trust(...entry("", ", level: 1"), "builder-presets: [docker-github-builder]"), image, identityOf(called)),
    "level 1",
  );
});

test("R4 whoever calls a builder of a preset from a repository of his own signs for nobody else's image", () => {
  const policy = trust(...entry(), "builder-presets: [docker-github-builder]");
  const from = (owner: string, repo: string, ownerId: string) => ({
    ...called,
    sourceRepositoryUri: `https://github.com/${owner}/${repo}`,
    sourceRepositoryOwnerUri: `https://github.com/${owner}`,
    sourceRepositoryOwnerIdentifier: ownerId,
    runInvocationUri: `https://github.com/${owner}/${repo}/actions/runs/1/attempts/1`,
  });
  assert.equal(outcome(policy, image, identityOf(from("evil", "app", "666"))), "source-repository");
  assert.equal(outcome(policy, image, identityOf(from("acme", "other", "1234"))), "source-repository");
  assert.equal(outcome(policy, image, identityOf(from("acme", "app", "666"))), "owner-id");
  assert.equal(outcome(policy, image, identityOf({ ...called, runnerEnvironment: "self-hosted" })), "runner");
  assert.equal(outcome(policy, image, identityOf({ ...called, buildTrigger: "pull_request_target" })), "event");
});

test("R4 an entry without a workflow needs a preset of builders, which is of github.com", () => {
  const at = "trust.builders[0].github.workflow";
  assert.deepEqual(
    faultsOf(() => trust(...entry())),
    [at],
  );
  const presets = "builder-presets: [docker-github-builder]";
  assert.deepEqual(
    faultsOf(() => trust(...entry(", server: https://git.acme.example"), presets)),
    [at],
  );
  assert.deepEqual(
    faultsOf(() => trust(...entry(", issuer: https://issuer.example"), presets)),
    [at],
  );
  const text = `version: 1\ntrust:\n  ${entry().join("\n  ")}\n  ${presets}\n`;
  const there = { server: "https://git.acme.example" };
  assert.deepEqual(
    faultsOf(() => parsePolicy(Buffer.from(text), "policy.yml", there)),
    [at],
  );
});

const owned = (images = '"ghcr.io/acme/{repo}"') =>
  `publishers: [{ github-actions: { owner: acme, owner-id: 1234, images: [${images}] } }]`;

test("R4 R5 an owner's repositories each sign for the image of their own name", () => {
  const policy = trust(owned());
  const own = (repo: string, ref = "refs/tags/v1.0") => ({
    buildSignerUri: `https://github.com/acme/${repo}/.github/workflows/release.yml@${ref}`,
    sourceRepositoryUri: `https://github.com/acme/${repo}`,
    sourceRepositoryRef: ref,
    runInvocationUri: `https://github.com/acme/${repo}/actions/runs/1/attempts/1`,
  });
  assert.equal(outcome(policy, image, identityOf(own("app"))), "level 2");
  assert.equal(
    outcome(policy, image, identityOf(own("other"))),
    "source-repository",
    "write access to another repository",
  );
  assert.equal(outcome(policy, image, identityOf(own("app", "refs/heads/feature"))), "ref");
  assert.equal(
    outcome(policy, image, identityOf({ ...own("app"), sourceRepositoryOwnerIdentifier: "666" })),
    "owner-id",
  );
  assert.equal(outcome(policy, "ghcr.io/acme/app/sub", identityOf(own("app"))), "no-builder");
  const foreign = { ...own("app"), buildSignerUri: extensions.buildSignerUri };
  assert.equal(outcome(policy, image, identityOf(foreign)), "workflow", "a workflow of somebody else's");
  assert.equal(outcome(policy, image, identityOf(called)), "workflow");
  assert.equal(
    outcome(trust(owned(), "builder-presets: [docker-github-builder]"), image, identityOf(called)),
    "level 3",
  );
  for (const images of ["ghcr.io/acme/app", '"ghcr.io/acme/*"', '"ghcr.io/{repo}/app"', '"{host}/{repo}"'])
    assert.notDeepEqual(
      faultsOf(() => trust(owned(images))),
      [],
      images,
    );
});

test("a preset that isn't known, or stands twice, or contradicts an entry, is refused with its place", () => {
  assert.deepEqual(
    faultsOf(() => trust("publishers: [docker]")),
    ["trust.publishers[0]"],
  );
  assert.deepEqual(
    faultsOf(() => trust("builder-presets: [docker]")),
    ["trust.builder-presets[0]"],
  );
  assert.deepEqual(
    faultsOf(() => trust("publishers: [distroless, distroless]")),
    ["trust.publishers[1]"],
  );
  const pem = JSON.stringify(PUBLISHERS["docker-hardened-images"].signers[0].key.pem);
  const required = `builders: [{ images: [dhi.io/python], key: { pem: ${pem}, log: required } }]`;
  assert.deepEqual(
    faultsOf(() => trust(required, "publishers: [docker-hardened-images]")),
    ["trust.builders[0].key.log", "trust.publishers[0]"],
  );
});

test("R12 what a preset accepts can be revoked as anything else", async () => {
  const revoked = (entryText: string) =>
    trust(...entry(), "builder-presets: [docker-github-builder]", "revoked:", `  - { ${entryText}, reason: because }`);
  const judge = async (policy: ReturnType<typeof policyOf>) => {
    const world = new World();
    return codesOf(await world.judge(world.build("app", { by: signerOf("app", called) }).image, { policy }));
  };
  assert.deepEqual(await judge(trust(...entry(), "builder-presets: [docker-github-builder]")), []);
  assert.deepEqual(await judge(revoked('builder: "docker/github-builder/**@refs/tags/v1"')), ["revoked"]);
  assert.deepEqual(await judge(revoked(`builder: "docker/**@**", workflow-digest: ${"b".repeat(40)}`)), ["revoked"]);
  assert.deepEqual(await judge(revoked('builder: "docker/github-builder/**@refs/tags/v2"')), []);
});

test("docs/policy.md tells of each preset what its data say", () => {
  const page = readFileSync("docs/policy.md", "utf8");
  const links = (facts: readonly string[]) => facts.map((fact, i) => `[${i + 1}](${fact})`).join(" ");
  for (const name of PUBLISHER_NAMES) {
    const { images, attests, doesNot, facts } = PUBLISHERS[name];
    const row = `| \`${name}\` | \`${images.join("`, `")}\` | ${attests} | ${doesNot} | ${links(facts)} |`;
    assert.ok(page.includes(row), row);
  }
  for (const name of BUILDER_NAMES) {
    const { workflows, attests, doesNot, facts } = BUILDERS[name];
    const row = `| \`${name}\` | \`${workflows.join("`, `")}\` | ${attests} | ${doesNot} | ${links(facts)} |`;
    assert.ok(page.includes(row), row);
  }
});
