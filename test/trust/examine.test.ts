import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf } from "../../src/image/digest.ts";
import { formatReference, type PinnedImage, pin } from "../../src/image/reference.ts";
import { parsePolicy } from "../../src/trust/policy.ts";
import { CouldNotLook } from "../../src/trust/ports.ts";
import {
  bytesOf,
  commitOf,
  type Json,
  policyOf,
  put,
  SIGN,
  signerOf,
  statementOf,
  told,
  World,
  written,
} from "./world.ts";

/** A policy with one root, that holds by default. */
function rooted(image: string, expires = "2027-01-01", more = "") {
  return policyOf({ trust: `  roots: [{ image: "${image}", reason: looked at, expires: ${expires} }]\n${more}` });
}

const REVOKES_OTHERS = "  revoked: [{ commit: '0000000000000000000000000000000000000000', reason: stolen }]";

test("R27 a root heals an image that is unattested, refused or opaque, and is named as such", async () => {
  const heal = async (prepare: (world: World, image: Parameters<World["sign"]>[0]) => void, more: string) => {
    const world = new World();
    const app = world.build("app", { signed: "nothing" });
    prepare(world, app.image);
    const before = await world.judge(app.image);
    const verdict = await world.judge(app.image, { policy: rooted(formatReference(app.image), "2027-01-01", more) });
    return [before.outcome, verdict.outcome, verdict.nodes[0]?.finding.kind, verdict.level];
  };
  for (const more of ["", REVOKES_OTHERS]) {
    assert.deepEqual(await heal(() => {}, more), ["untrusted", "trusted", "root", 0]);
    assert.deepEqual(
      await heal((world, image) => world.sign(image, statementOf([image], SIGN), signerOf("other")), more),
      ["untrusted", "trusted", "root", 0],
    );
    const vouch = (world: World, image: Parameters<World["sign"]>[0]) =>
      world.sign(
        image,
        statementOf([image], SIGN),
        signerOf("app", { runInvocationUri: "https://github.com/acme/app/actions/runs/5/attempts/1" }),
      );
    assert.deepEqual(await heal(vouch, more), ["untrusted", "trusted", "root", 0]);
  }
});

test("R27 a root ends the walk: what is below it isn't looked at", async () => {
  const world = new World();
  const base = world.build("base", { signed: "nothing" });
  const middle = world.build("middle", { base });
  const app = world.build("app", { base: middle });
  assert.equal(told(await world.judge(app.image)), "untrusted unattested");
  const verdict = await world.judge(app.image, { policy: rooted(formatReference(middle.image)) });
  assert.equal(told(verdict), "trusted");
  assert.deepEqual(
    verdict.nodes.map(({ finding }) => finding.kind),
    ["attested", "root"],
  );
});

test("R27 a root on an index covers the images that it lists, and a root on one image only that", async () => {
  const world = new World();
  const base = world.build("base", { signed: "nothing" });
  const other = world.build("base", { signed: "nothing", platform: "linux/arm64" });
  const index = world.index(
    "base",
    [base, other].map(({ manifest, platform }) => ({ image: manifest, platform: written(platform) })),
  );
  assert.equal(told(await world.judge(index, { policy: rooted(formatReference(index)) })), "trusted");
  assert.equal(
    told(await world.judge(index, { policy: rooted(formatReference(base.manifest)) })),
    "untrusted unattested",
  );
  assert.equal(told(await world.judge(base.manifest, { policy: rooted(formatReference(base.manifest)) })), "trusted");
  assert.equal(
    told(await world.judge(base.manifest, { policy: rooted(formatReference(index)) })),
    "untrusted unattested",
  );
});

test("R27 a root holds on its last day and not after it", async () => {
  const world = new World();
  const app = world.build("app", { signed: "nothing" });
  const policy = rooted(formatReference(app.image), "2026-11-21");
  assert.equal(told(await world.judge(app.image, { policy, asOf: new Date("2026-11-21T23:59:59.999Z") })), "trusted");
  assert.equal(
    told(await world.judge(app.image, { policy, asOf: new Date("2026-11-22T00:00:00Z") })),
    "untrusted root-expired",
  );
});

test("R27 a root is warned of from 30 days ahead", async () => {
  const world = new World();
  const { image } = world.build("app", { signed: "nothing" });
  const warnings = async (expires: string) =>
    (await world.judge(image, { policy: rooted(formatReference(image), expires) })).nodes[0]?.warnings;
  assert.deepEqual(await warnings("2026-12-22"), []);
  assert.match((await warnings("2026-12-21"))?.[0] ?? "", /lapses in 30 days/);
  assert.match((await warnings("2026-11-22"))?.[0] ?? "", /lapses tomorrow/);
  assert.match((await warnings("2026-11-21"))?.[0] ?? "", /lapses today/);
});

test("R27 an expired root doesn't hinder an image that needs none", async () => {
  const world = new World();
  const app = world.build("app");
  assert.equal(
    told(await world.judge(app.image, { policy: rooted(formatReference(app.image), "2020-01-01") })),
    "trusted",
  );
});

test("R27 of two roots that cover an image the one in force counts", async () => {
  const world = new World();
  const app = world.build("app", { signed: "nothing" });
  const entry = (image: PinnedImage, expires: string) =>
    `{ image: "${formatReference(image)}", reason: looked at, expires: ${expires} }`;
  for (const [first, second] of [
    [app.image, app.manifest],
    [app.manifest, app.image],
  ] as const) {
    const policy = policyOf({ trust: `  roots: [${entry(first, "2020-01-01")}, ${entry(second, "2027-01-01")}]` });
    assert.equal(told(await world.judge(app.image, { policy })), "trusted");
  }
});

test("R27 no root heals a revoked digest, of the image or of the index it was taken from", async () => {
  const world = new World();
  const app = world.build("app");
  for (const digest of [app.manifest.digest, app.image.digest]) {
    const policy = rooted(
      formatReference(app.image),
      "2027-01-01",
      `  revoked: [{ digest: "${digest}", reason: stolen }]`,
    );
    assert.equal(told(await world.judge(app.image, { policy })), "untrusted revoked");
  }
});

test("R27 a revoked digest stays revoked under another algorithm", async () => {
  const world = new World();
  const app = world.build("app");
  const revoking = (digest: string) => policyOf({ trust: `  revoked: [{ digest: "${digest}", reason: stolen }]` });
  const bytes = world.bytes(app.manifest);
  for (const algorithm of ["sha384", "sha512"] as const) {
    const other = pin(app.manifest, digestOf(bytes, algorithm));
    world.manifests.set(`ghcr.io/acme/app@${other.digest}`, { bytes, contentType: "" });
    const index = world.index("app", [{ image: other, platform: written(app.platform) }]);
    world.candidates.set(`ghcr.io/acme/app@${other.digest}`, [
      ...(world.candidates.get(`ghcr.io/acme/app@${app.manifest.digest}`) ?? []),
    ]);
    assert.equal(told(await world.judge(index)), "trusted");
    assert.equal(told(await world.judge(index, { policy: revoking(app.manifest.digest) })), "untrusted revoked");
    assert.equal(told(await world.judge(app.image, { policy: revoking(other.digest) })), "untrusted revoked");
  }
});

test("R27 no root heals an image from a revoked commit or of a revoked signer", async () => {
  const world = new World();
  const app = world.build("app");
  for (const [entry, expected] of [
    [`commit: ${commitOf("app")}`, "untrusted revoked"],
    [`commit: ${commitOf("other")}`, "trusted"],
    ["identity: https://github.com/acme/builder/.github/workflows/build.yml@refs/tags/v1", "untrusted revoked"],
    ["identity: https://github.com/acme/builder/.github/workflows/build.yml@refs/tags/v2", "trusted"],
  ]) {
    const policy = rooted(formatReference(app.image), "2027-01-01", `  revoked: [{ ${entry}, reason: stolen }]`);
    assert.equal(told(await world.judge(app.image, { policy })), expected);
  }
});

test("R27 a root doesn't heal a mismatch in the bytes, nor bytes that can't be read", async () => {
  const world = new World();
  const app = world.build("app");
  const index = world.index("app", [{ image: app.manifest, platform: { os: "linux", architecture: "arm64" } }]);
  assert.equal(
    told(await world.judge(index, { policy: rooted(formatReference(index)) })),
    "untrusted platform-mismatch",
  );
  const short = world.index("app", [{ image: app.manifest, platform: written(app.platform), size: 3 }]);
  assert.equal(told(await world.judge(short, { policy: rooted(formatReference(short)) })), "untrusted size-mismatch");
});

test("R27 an image that can't be read isn't trusted for being a root", async () => {
  const world = new World();
  const app = world.build("app");
  world.hide(app.image);
  assert.equal(
    told(await world.judge(app.image, { policy: rooted(formatReference(app.image)) })),
    "undetermined network",
  );
});

test("R27 a base that is a root must still lie under the image", async () => {
  const world = new World();
  const base = world.build("base", { signed: "nothing" });
  const other = world.build("other", { signed: "nothing" });
  const claiming = (built: typeof base) =>
    world.build("app", { label: built.repo, base: { ...base, image: built.image, repo: built.repo } });
  assert.equal(
    told(await world.judge(claiming(base).image, { policy: rooted(formatReference(base.image)) })),
    "trusted",
  );
  assert.equal(
    told(await world.judge(claiming(other).image, { policy: rooted(formatReference(other.image)) })),
    "untrusted layers-mismatch",
  );
});

test("R12 a revoked signer's statement doesn't count, another signer's beside it does", async () => {
  const world = new World();
  const old = signerOf("app", {
    buildSignerUri: "https://github.com/acme/builder/.github/workflows/build.yml@refs/tags/v0",
  });
  const app = world.build("app", { by: old });
  assert.equal(told(await world.judge(app.image)), "trusted");
  const strict = policyOf({
    trust:
      '  revoked: [{ identity: "https://github.com/acme/builder/.github/workflows/build.yml@refs/tags/v0", reason: stolen }]',
  });
  assert.equal(told(await world.judge(app.image, { policy: strict })), "untrusted revoked");
  world.sign(
    app.manifest,
    statementOf([app.manifest], "https://slsa.dev/provenance/v1", app.provenance),
    signerOf("app"),
  );
  assert.equal(told(await world.judge(app.image, { policy: strict })), "trusted");
});

/** Accepts the default branch alone. */
const defaultBranchPolicy = parsePolicy(
  bytesOf(`version: 1
trust:
  builders:
    - images: ["ghcr.io/acme/{repo}"]
      github: { repository: "acme/{repo}", owner-id: 1234, workflow: "acme/builder/.github/workflows/build.yml@refs/tags/v*", refs: [default-branch] }
      builds: true
`),
  "policy.yml",
);

test("R5 a branch counts where it is the default one, and where that can't be asked it is undetermined", async () => {
  const policy = defaultBranchPolicy;
  const answers: readonly [string, (() => Promise<string | undefined>) | undefined][] = [
    ["trusted", async () => "main"],
    ["untrusted ref", async () => "trunk"],
    ["untrusted ref", async () => undefined],
    ["undetermined rate-limited", () => Promise.reject(new CouldNotLook("rate-limited", "wait"))],
    ["untrusted default-branch-unknown", undefined],
  ];
  for (const signed of ["provenance", "index", "attestation-manifest"] as const) {
    for (const [expected, readDefaultBranch] of answers) {
      const world = new World();
      const app = world.build("app", { signed, by: signerOf("app", { sourceRepositoryRef: "refs/heads/main" }) });
      const ports = world.ports();
      world.ports = () => ({ ...ports, ...(readDefaultBranch && { defaultBranches: { readDefaultBranch } }) });
      assert.equal(told(await world.judge(app.image, { policy })), expected, `${signed} ${expected}`);
    }
  }
});

test("R5 a repository that now answers under another id has no default branch, whatever the ref is called", async () => {
  for (const branch of ["undefined", undefined]) {
    const world = new World();
    const app = world.build("app", { by: signerOf("app", { sourceRepositoryRef: "refs/heads/undefined" }) });
    const ports = world.ports();
    world.ports = () => ({ ...ports, defaultBranches: { readDefaultBranch: async () => branch } });
    const verdict = await world.judge(app.image, { policy: defaultBranchPolicy });
    assert.equal(told(verdict), branch === undefined ? "untrusted ref" : "trusted");
  }
});

test("the signer's own kind of statement must say something of the build", async () => {
  const world = new World();
  const app = world.build("app", { signed: "nothing" });
  world.sign(app.manifest, statementOf([app.manifest], "https://spdx.dev/Document", {} as Json), signerOf("app"));
  assert.equal(told(await world.judge(app.image)), "untrusted predicate-type");
});

test("accepted provenance that can't be read in one way is refused", async () => {
  const world = new World();
  const broken = (predicate: Json) => put(predicate, "buildDefinition.resolvedDependencies", "all of them");
  assert.equal(
    told(await world.judge(world.build("app", { edit: broken, signed: "provenance-without-index" }).image)),
    "untrusted malformed-provenance",
  );
});
