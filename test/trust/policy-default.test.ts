import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf } from "../../src/image/digest.ts";
import { imageName, parseReference } from "../../src/image/reference.ts";
import { accepts } from "../../src/trust/identity.ts";
import { DEFAULT_POLICY_TEXT, defaultPolicy } from "../../src/trust/policy-default.ts";
import { type Alteration, extensions, signedByKey, verified } from "./verified.ts";

/** What the default says to this image of this signer, by the name as somebody types it. */
function outcome(reference: string, alteration: Alteration = {}, isDefaultBranch?: boolean): string {
  const answer = accepts(defaultPolicy, imageName(parseReference(reference)), verified(alteration), isDefaultBranch);
  return answer.kind === "accepted" ? `level ${answer.level}` : answer.code;
}

test("R5 accepts an owner's image on ghcr.io from a tag, at level 2", () => {
  assert.equal(outcome("ghcr.io/acme/app"), "level 2");
});

test("R5 accepts any image in the owner's namespace, however deep", () => {
  for (const name of ["ghcr.io/acme/other", "ghcr.io/acme/a/b", "ghcr.io/acme/a/b/c"])
    assert.equal(outcome(name), "level 2", name);
});

test("R5 accepts nothing elsewhere: docker.io/acme is not github.com/acme", () => {
  for (const name of [
    "acme/app",
    "docker.io/acme/app",
    "quay.io/acme/app",
    "ghcr.io.evil.example/acme/app",
    "evil.example/ghcr.io/acme/app",
    "ghcr.io:443/acme/app",
    "xghcr.io/acme/app",
    "localhost/acme/app",
    "public.ecr.aws/acme/app",
  ])
    assert.equal(outcome(name), "no-builder", name);
});

test("R5 a namespace belongs to the owner of exactly that name", () => {
  for (const name of ["ghcr.io/evil/app", "ghcr.io/acme-evil/app", "ghcr.io/acm/app", "ghcr.io/evil/acme/app"])
    assert.equal(outcome(name), "source-owner", name);
});

test("R5 takes GitHub's owner without regard to case, since names of images have none", () => {
  const spelled = {
    sourceRepositoryUri: "https://github.com/ACME/App",
    sourceRepositoryOwnerUri: "https://github.com/Acme",
    runInvocationUri: "https://github.com/ACME/App/actions/runs/1/attempts/1",
  };
  assert.equal(outcome("ghcr.io/acme/app", { extensions: spelled }), "level 2");
});

test("R5 refuses where repository and owner of the certificate don't agree, and where either is missing or a look-alike", () => {
  const wrong: readonly NonNullable<Alteration["extensions"]>[] = [
    { sourceRepositoryOwnerUri: undefined },
    { sourceRepositoryUri: undefined },
    { sourceRepositoryOwnerUri: "https://github.com/evil" },
    { sourceRepositoryUri: "https://github.com/evil/app" },
    { sourceRepositoryOwnerUri: "https://github.com/acme/" },
    { sourceRepositoryOwnerUri: "https://github.com/acme\n" },
    { sourceRepositoryOwnerUri: "https://github.com/acme.git" },
    { sourceRepositoryOwnerUri: "http://github.com/acme" },
    { sourceRepositoryOwnerUri: "https://github.com.evil.example/acme" },
    { sourceRepositoryOwnerUri: "https://user@github.com/acme" },
    { sourceRepositoryOwnerUri: "https://github.com/%61cme" },
    { sourceRepositoryOwnerUri: "https://github.com/\u0430cme" },
    { sourceRepositoryOwnerUri: "acme" },
    { sourceRepositoryUri: "https://github.com/evil/../acme/app" },
    { sourceRepositoryUri: "https://github.com/acme/app/x" },
    { sourceRepositoryUri: "https://github.com/acme/app\n" },
    { sourceRepositoryUri: "https://github.com/acme" },
  ];
  for (const extensions of wrong)
    assert.equal(outcome("ghcr.io/acme/app", { extensions }), "source-owner", JSON.stringify(extensions));
});

test("R5 the Kelvin sign is no k", () => {
  const kit = {
    sourceRepositoryUri: "https://github.com/kit/app",
    sourceRepositoryOwnerUri: "https://github.com/kit",
    runInvocationUri: "https://github.com/kit/app/actions/runs/1/attempts/1",
  };
  assert.equal(outcome("ghcr.io/kit/app", { extensions: kit }), "level 2");
  assert.equal(
    outcome("ghcr.io/kit/app", { extensions: { ...kit, sourceRepositoryOwnerUri: "https://github.com/\u212ait" } }),
    "source-owner",
  );
});

test("R5 a stranger's workflow that calls the owner's doesn't speak for the owner", () => {
  const stranger = {
    sourceRepositoryUri: "https://github.com/evil/app",
    sourceRepositoryOwnerUri: "https://github.com/evil",
    runInvocationUri: "https://github.com/evil/app/actions/runs/1/attempts/1",
  };
  assert.equal(outcome("ghcr.io/acme/app", { extensions: stranger }), "source-owner");
});

test("R5 a branch counts only if it is known to be the default one", () => {
  const branch = { extensions: { sourceRepositoryRef: "refs/heads/main" } };
  assert.equal(outcome("ghcr.io/acme/app", branch), "default-branch-unknown");
  assert.equal(outcome("ghcr.io/acme/app", branch, true), "level 2");
  assert.equal(outcome("ghcr.io/acme/app", branch, false), "ref");
});

test("R5 a pull request's ref never counts", () => {
  for (const sourceRepositoryRef of ["refs/pull/1/merge", "refs/pull/1/head", "refs/tags", "main", undefined])
    for (const isDefault of [undefined, true, false])
      assert.equal(outcome("ghcr.io/acme/app", { extensions: { sourceRepositoryRef } }, isDefault), "ref");
});

test("R5 counts push, release and workflow_dispatch, and no other event", () => {
  for (const buildTrigger of ["push", "release", "workflow_dispatch"])
    assert.equal(outcome("ghcr.io/acme/app", { extensions: { buildTrigger } }), "level 2", buildTrigger);
  for (const buildTrigger of [
    "pull_request",
    "pull_request_target",
    "workflow_run",
    "issue_comment",
    "schedule",
    "repository_dispatch",
    undefined,
  ])
    assert.equal(outcome("ghcr.io/acme/app", { extensions: { buildTrigger } }), "event", buildTrigger);
});

test("R5 refuses a self-hosted runner, and one that isn't said", () => {
  for (const runnerEnvironment of ["self-hosted", "", undefined])
    assert.equal(outcome("ghcr.io/acme/app", { extensions: { runnerEnvironment } }), "runner");
});

test("R5 refuses other issuers, keys, and names that are no build signer", () => {
  assert.equal(outcome("ghcr.io/acme/app", { issuer: "https://accounts.google.com" }), "issuer");
  assert.equal(outcome("ghcr.io/acme/app", { subjectAlternativeName: "owner@acme.example" }), "signer-name");
  assert.equal(outcome("ghcr.io/acme/app", { extensions: { buildSignerUri: undefined } }), "signer-name");
  const key = accepts(defaultPolicy, "ghcr.io/acme/app", signedByKey());
  assert.equal(key.kind === "refused" && key.code, "signer-kind");
});

test("R5 level 2 is the most, even where the builder is isolated in another repository", () => {
  assert.notEqual(extensions.buildSignerUri.split("/.github/")[0], extensions.sourceRepositoryUri);
  assert.equal(outcome("ghcr.io/acme/app"), "level 2");
});

test("R9 the default too wants a run of the source repository", () => {
  const elsewhere = { runInvocationUri: "https://github.com/acme/other/actions/runs/1/attempts/1" };
  assert.equal(outcome("ghcr.io/acme/app", { extensions: elsewhere }), "run");
});

test("R1 the default has no roots, judges every parent, and has the digest of the text that is shown", () => {
  assert.deepEqual(defaultPolicy.roots, []);
  assert.deepEqual(defaultPolicy.roles, { input: "attested", frontend: "attested", tool: "attested" });
  assert.equal(defaultPolicy.digest, digestOf(new TextEncoder().encode(DEFAULT_POLICY_TEXT)));
});
