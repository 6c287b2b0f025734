import assert from "node:assert/strict";
import { test } from "node:test";
import type { CertificateIdentity } from "../../src/attestation/identity.ts";
import { accepts } from "../../src/trust/identity.ts";
import { entryFor, publisherNote } from "../../src/trust/mend-signer.ts";
import { defaultPolicy } from "../../src/trust/policy-default.ts";
import { type Alteration, policyOf, signedByKey, verified } from "./verified.ts";
import { codesOf, signerOf, World } from "./world.ts";

const nobody = policyOf("version: 1\n");
const reference = "quay.io/acme/app:1";
const identityOf = (alteration: Alteration) => verified(alteration).identity as CertificateIdentity;
const adding = (entry: string) => policyOf(`version: 1\ntrust:\n  builders:\n    ${entry}\n`);

test("the line that is told accepts the signer, for that image, and nobody else", () => {
  const gitlab: CertificateIdentity = {
    kind: "certificate",
    issuer: "https://gitlab.com",
    subjectAlternativeName: "https://gitlab.com/acme/app//.gitlab-ci.yml@refs/heads/main",
    extensions: {
      sourceRepositoryUri: "https://gitlab.com/acme/app",
      sourceRepositoryRef: "refs/heads/main",
      buildTrigger: "push",
    },
  };
  for (const identity of [
    identityOf({}),
    identityOf({
      extensions: {
        sourceRepositoryRef: "refs/heads/main",
        buildTrigger: "schedule",
        runnerEnvironment: "self-hosted",
      },
    }),
    { ...gitlab },
    { ...gitlab, subjectAlternativeName: "builder@acme.example", extensions: {} },
  ]) {
    const entry = entryFor(nobody, reference, identity);
    assert.ok(entry, identity.subjectAlternativeName);
    const policy = adding(entry);
    assert.equal(accepts(policy, "quay.io/acme/app", { ...verified(), identity }).kind, "accepted", entry);
    assert.equal(accepts(policy, "quay.io/acme/other", { ...verified(), identity }).kind, "refused");
    const other = { ...identity, issuer: "https://other.example" };
    assert.equal(accepts(policy, "quay.io/acme/app", { ...verified(), identity: other }).kind, "refused");
  }
  assert.match(
    entryFor(nobody, reference, identityOf({})) ?? "",
    /"repository-id|repository-id: "77", owner-id: "1234"/,
  );
});

test("no line is told that would accept what never counts, or that a stranger's text could break out of", () => {
  for (const alteration of [
    { extensions: { buildTrigger: "pull_request_target" } },
    { extensions: { sourceRepositoryUri: "https://github.com/acme/*" } },
    { extensions: { buildSignerUri: "https://github.com/acme/{x}/.github/workflows/b.yml@refs/tags/v1" } },
    { extensions: { buildSignerUri: "https://evil.example/acme/b/.github/workflows/b.yml@refs/tags/v1" } },
    { extensions: { sourceRepositoryUri: undefined } },
  ] satisfies Alteration[])
    assert.equal(entryFor(nobody, reference, identityOf(alteration)), undefined, JSON.stringify(alteration));
  assert.equal(entryFor(nobody, reference, signedByKey().identity), undefined, "a fingerprint is no key");
  const sly = identityOf({ extensions: { sourceRepositoryIdentifier: '7", level: 3, images: ["**' } });
  assert.equal(entryFor(nobody, reference, sly), undefined);
});

test("a fault by an unknown signer tells the line to add", async () => {
  const world = new World();
  const { image } = world.build("app", { by: signerOf("app") });
  const verdict = await world.judge(image, { policy: nobody });
  assert.deepEqual(codesOf(verdict), ["no-builder"]);
  const [fault] = verdict.faults;
  const entry = /(- \{ .*\})$/.exec(fault?.mend ?? "")?.[1] ?? "";
  assert.deepEqual(codesOf(await world.judge(image, { policy: adding(entry) })), []);
});

test("says of a publisher that signs nothing that a root is what helps, named or not", () => {
  assert.match(publisherNote(nobody, "debian:12") ?? "", /^docker-official-images doesn't sign .* trust\.roots$/);
  assert.equal(publisherNote(nobody, "gcr.io/distroless/static"), undefined);
  const named = policyOf("version: 1\ntrust: { publishers: [distroless] }\n");
  assert.match(publisherNote(named, "gcr.io/distroless/static") ?? "", /^distroless doesn't attest how/);
  assert.equal(publisherNote(defaultPolicy, "ghcr.io/acme/app"), undefined);
});
