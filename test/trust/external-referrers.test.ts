import assert from "node:assert/strict";
import { test } from "node:test";
import { type PinnedImage, parseReference, pin } from "../../src/image/reference.ts";
import { withExternalReferrers } from "../../src/trust/external-referrers.ts";
import { PolicyError } from "../../src/trust/policy-fault.ts";
import { CouldNotLook } from "../../src/trust/ports.ts";
import { type Built, policyOf, SLSA1, signerOf, statementOf, told, World } from "./world.ts";

const REFERRERS = '  referrers: [{ images: "ghcr.io/acme/{repo}", at: "registry.example/acme/{repo}-attestations" }]';
const policy = policyOf({ trust: REFERRERS });
const there = ({ digest }: PinnedImage, name = "registry.example/acme/app-attestations") =>
  pin(parseReference(name), digest);

/** An image without any attestation beside it, and what would be one. */
function bare(world: World): Built & { readonly provenanceStatement: ReturnType<typeof statementOf> } {
  const built = world.build("app", { signed: "nothing" });
  return { ...built, provenanceStatement: statementOf([built.manifest], SLSA1, built.provenance) };
}

test("what policy says is kept elsewhere is found there, and is evidence like any other", async () => {
  const world = new World();
  const built = bare(world);
  world.sign(there(built.manifest), built.provenanceStatement, signerOf("app"));
  assert.equal(told(await world.judge(built.image, { policy })), "trusted");
  const { refusals = [] } = (await world.judge(built.image, { policy: policyOf() })).nodes[0] ?? {};
  assert.deepEqual(refusals, []);
  assert.notEqual((await world.judge(built.image, { policy: policyOf() })).outcome, "trusted");
});

test("what policy says of where a publisher keeps it holds for a mirror of his images", async () => {
  const world = new World();
  const built = bare(world);
  world.sign(there(built.manifest), built.provenanceStatement, signerOf("app"));
  const copy = pin(parseReference("mirror.example/acme/app"), built.manifest.digest);
  world.manifests.set(`mirror.example/acme/app@${copy.digest}`, {
    bytes: world.bytes(built.manifest),
    contentType: "",
  });
  const mirrors = '  mirrors: [{ images: "mirror.example/acme/{repo}", of: "ghcr.io/acme/{repo}" }]\n';
  assert.equal(told(await world.judge(copy, { policy: policyOf({ trust: mirrors }) })), "untrusted unattested");
  assert.equal(told(await world.judge(copy, { policy: policyOf({ trust: `${mirrors}${REFERRERS}` }) })), "trusted");
});

test("R4 R13 what stands elsewhere counts by signer and subject alone", async () => {
  const other = new World().build("app", { label: "other", signed: "nothing" });
  for (const [statement, by] of [
    [
      (built: ReturnType<typeof bare>) => built.provenanceStatement,
      signerOf("app", { sourceRepositoryOwnerIdentifier: "666" }),
    ],
    [(built: ReturnType<typeof bare>) => statementOf([other.manifest], SLSA1, built.provenance), signerOf("app")],
  ] as const) {
    const world = new World();
    const built = bare(world);
    world.sign(there(built.manifest), statement(built), by);
    assert.match(told(await world.judge(built.image, { policy })), /^untrusted (owner-id|subject-mismatch)$/);
  }
});

test("R15 a place elsewhere that can't be looked at matters only where nothing sufficient was found", async () => {
  for (const [signed, wanted] of [
    ["provenance", "trusted"],
    ["nothing", "undetermined network"],
  ] as const) {
    const world = new World();
    const built = world.build("app", { signed });
    const place = `registry.example/acme/app-attestations@${built.manifest.digest}`;
    world.failures.set(place, new CouldNotLook("network", "no connection"));
    assert.equal(told(await world.judge(built.image, { policy })), wanted);
  }
});

test("images of other names are looked for where they are alone", async () => {
  const world = new World();
  const asked: string[] = [];
  const source = withExternalReferrers(
    {
      listAttestations: async ({ registry, repository }) => {
        asked.push(`${registry}/${repository}`);
        return { candidates: [], omitted: 0, failures: [] };
      },
    },
    policy.referrers,
  );
  const { digest } = world.build("app").manifest;
  for (const name of ["ghcr.io/acme/app", "ghcr.io/acme/team/app", "docker.io/acme/app"])
    await source.listAttestations(pin(parseReference(name), digest));
  assert.deepEqual(asked, [
    "ghcr.io/acme/app",
    "registry.example/acme/app-attestations",
    "ghcr.io/acme/team/app",
    "docker.io/acme/app",
  ]);
});

test("a name that makes no repository of the place couldn't be looked at", async () => {
  const half = policyOf({
    trust: '  referrers: [{ images: "ghcr.io/acme/app{rest}", at: "registry.example/{rest}" }]',
  });
  const nothing = { listAttestations: async () => ({ candidates: [], omitted: 0, failures: [] }) };
  const { digest } = new World().build("app").manifest;
  const { failures } = await withExternalReferrers(nothing, half.referrers).listAttestations(
    pin(parseReference("ghcr.io/acme/app-2"), digest),
  );
  assert.deepEqual(
    failures.map(({ code }) => code),
    ["address-refused"],
  );
});

test("a place is one repository in its whole form, on a registry that is spelled out", () => {
  for (const at of [
    "registry.example/acme/{other}",
    "registry.example/acme/*",
    "{repo}.example/acme",
    "acme/{repo}",
    "registry.example/acme/{repo}:latest",
    "registry.example/ACME/{repo}",
    "https://registry.example/acme",
  ]) {
    const trust = `  referrers: [{ images: "ghcr.io/acme/{repo}", at: "${at}" }]`;
    assert.throws(() => policyOf({ trust }), PolicyError, at);
  }
});
