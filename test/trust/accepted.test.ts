import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf, hexOf } from "../../src/image/digest.ts";
import { parsePlatform } from "../../src/image/platform.ts";
import { parseReference, pin } from "../../src/image/reference.ts";
import { type AcceptedStatement, acceptProvenance, acceptStatement } from "../../src/trust/accepted.ts";
import type { Policy } from "../../src/trust/policy.ts";
import type { VerifiedStatement } from "../../src/trust/ports.ts";
import type { ImageNode } from "../../src/trust/resolve.ts";
import { type Alteration, commit, extensions, policyOf, signedByKey, verified, workflow } from "./verified.ts";

const manifestBytes = new TextEncoder().encode("manifest");
const indexBytes = new TextEncoder().encode("index");
const image = pin(parseReference("ghcr.io/acme/app"), digestOf(manifestBytes));

/** Only what accepting looks at: names, bytes and platform. */
const node = {
  image,
  manifestBytes,
  platform: parsePlatform("linux/amd64"),
  indexes: [{ image: { ...image, digest: digestOf(indexBytes) }, bytes: indexBytes }],
} as unknown as ImageNode;

const SLSA = "https://slsa.dev/provenance/v1";
const policy = (more = "") =>
  policyOf(`version: 1
trust:
  builders:
    - images: [ghcr.io/acme/app]
      github: { repository: acme/app, workflow: "${workflow}", refs: ["refs/tags/**", "refs/heads/*"] }
${more}`);

function predicate(request: Readonly<Record<string, unknown>> = {}): unknown {
  return {
    buildDefinition: {
      buildType: "https://github.com/moby/buildkit/blob/master/docs/attestations/slsa-definitions.md",
      externalParameters: {
        configSource: {
          uri: `https://github.com/acme/app.git#${commit}`,
          digest: { sha1: commit },
          path: "Dockerfile",
        },
        request: { frontend: "dockerfile.v0", ...request },
      },
    },
    runDetails: { metadata: { buildkit_completeness: { request: true, resolvedDependencies: true } } },
  };
}

function about(
  bytes: Uint8Array,
  alteration: Alteration & { readonly predicateType?: string; readonly predicate?: unknown } = {},
): VerifiedStatement {
  const { predicateType = SLSA, predicate: body = predicate() } = alteration;
  const subject = [{ digest: { sha256: hexOf(digestOf(bytes)) } }];
  return {
    ...verified(alteration),
    statement: { type: "https://in-toto.io/Statement/v1", subject, predicateType, predicate: body },
  };
}

function accept(statement: VerifiedStatement, by: Policy = policy()) {
  const answer = acceptStatement(by, node, { where: "here", verified: statement });
  return answer.kind === "refusal" ? answer.code : answer;
}

function provenance(by: Policy, alteration: Parameters<typeof about>[1] = {}): string {
  const statement = about(manifestBytes, alteration);
  const signed = accept(statement, by);
  assert.ok(typeof signed !== "string", String(signed));
  const answer = acceptProvenance(by, node, signed as AcceptedStatement, statement.statement);
  return answer === undefined ? "none" : answer.kind === "refusal" ? answer.code : answer.source;
}

test("R13 takes a statement about the manifest or its index, and about nothing else", () => {
  const overManifest = accept(about(manifestBytes));
  const overIndex = accept(about(indexBytes));
  assert.equal(typeof overManifest !== "string" && overManifest.coversIndex, false);
  assert.equal(typeof overIndex !== "string" && overIndex.coversIndex, true);
  assert.equal(accept(about(new TextEncoder().encode("other"))), "subject-mismatch");
  assert.equal(accept(verified()), "subject-mismatch", "a statement about nothing");
});

test("R4 takes nobody's word whom policy doesn't name", () => {
  assert.equal(accept(about(manifestBytes, { extensions: { buildTrigger: "pull_request_target" } })), "event");
  assert.equal(accept(about(manifestBytes), policyOf("version: 1\n")), "no-builder");
  assert.equal(accept({ ...about(manifestBytes), identity: signedByKey().identity }), "signer-kind");
  assert.notEqual(typeof accept(about(manifestBytes)), "string");
});

test("takes statements about building, and no other kind", () => {
  for (const predicateType of [SLSA, "https://slsa.dev/provenance/v0.2", "https://sigstore.dev/cosign/sign/v1"])
    assert.notEqual(typeof accept(about(manifestBytes, { predicateType })), "string", predicateType);
  for (const predicateType of [
    "https://spdx.dev/Document",
    "https://slsa.dev/provenance/v1 ",
    "https://slsa.dev/verification_summary/v1",
    "",
  ])
    assert.equal(accept(about(manifestBytes, { predicateType })), "predicate-type", predicateType);
});

test("R12 refuses an accepted signer inside a window, and not outside", () => {
  const revoked = policy(
    `  revoked: [{ identity: "${extensions.buildSignerUri}", from: 2026-05-01, until: 2026-05-02, reason: stolen }]\n`,
  );
  assert.equal(accept(about(manifestBytes), revoked), "revoked");
  assert.notEqual(accept(about(manifestBytes, { times: [new Date("2026-05-03T00:00:00Z")] }), revoked), "revoked");
  assert.equal(accept(about(manifestBytes, { times: [] }), revoked), "revoked");
});

test("R10 says how the git source stands to the certificate", () => {
  assert.equal(provenance(policy()), "agrees");
  assert.equal(provenance(policy(), { extensions: { sourceRepositoryDigest: "b".repeat(40) } }), "differs");
});

test("R9 holds the request to what builds says of this image, and of no other", () => {
  const evil = { predicate: predicate({ args: { target: "evil" } }) };
  const builds = (name: string) => policy(`builds: [{ image: ${name} }]\n`);
  assert.equal(provenance(builds("ghcr.io/acme/app")), "agrees");
  assert.equal(provenance(builds("ghcr.io/acme/app"), evil), "parameters");
  assert.equal(provenance(builds("ghcr.io/acme/other"), evil), "agrees");
});

test("R9 builds an image from the tags that policy lists only", () => {
  const tagged = policy('builds: [{ image: ghcr.io/acme/app, tags: ["v*"] }]\n');
  const from = (sourceRepositoryRef: string) => provenance(tagged, { extensions: { sourceRepositoryRef } });
  assert.equal(from("refs/tags/v1.0"), "agrees");
  for (const ref of ["refs/tags/w1", "refs/tags/v1/x", "refs/tags/xv1", "refs/heads/v1"])
    assert.equal(from(ref), "ref", ref);
  assert.equal(provenance(policy(), { extensions: { sourceRepositoryRef: "refs/heads/v1" } }), "agrees");
});

test("refuses provenance that can't be read, and finds none in a signature", () => {
  assert.equal(provenance(policy(), { predicate: { buildDefinition: 1 } }), "malformed-provenance");
  assert.equal(provenance(policy(), { predicateType: "https://sigstore.dev/cosign/sign/v1" }), "none");
});
