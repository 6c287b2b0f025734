import assert from "node:assert/strict";
import { test } from "node:test";
import type { DockerfileReader } from "../../src/answer/dockerfiles.ts";
import type { AnswerFacts } from "../../src/answer/facts.ts";
import { gatherFacts } from "../../src/answer/gather-facts.ts";
import type { PinnedImage } from "../../src/image/reference.ts";
import { walkAncestry } from "../../src/trust/ancestry.ts";
import { BeyondLimit, CouldNotLook } from "../../src/trust/ports.ts";
import { judge } from "../../src/trust/verdict.ts";
import {
  AS_OF,
  type Built,
  commitOf,
  entryOf,
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
} from "../trust/world.ts";

const SPDX = "https://spdx.dev/Document";
const TEXT = "FROM scratch\n";

const spdx = (...names: readonly string[]): Json => ({
  spdxVersion: "SPDX-2.3",
  packages: names.map((name) => ({ name, versionInfo: "1" })),
});

const shows = (text: string | Error | undefined = TEXT): DockerfileReader => ({
  readDockerfile: async () => {
    if (text instanceof Error) throw text;
    return text === undefined ? undefined : Buffer.from(text);
  },
});

/** The facts of an image, beside which the verdict stays what it is without them. */
async function factsOf(
  world: World,
  image: PinnedImage,
  { policy = policyOf(), dockerfiles = shows(), outcome = "trusted" } = {},
): Promise<AnswerFacts> {
  const ports = world.ports();
  const ancestry = await walkAncestry(ports, policy, image, "every", AS_OF);
  const verdict = judge(ancestry, policy, image, AS_OF);
  const facts = await gatherFacts({ walk: ports, dockerfiles }, policy, ancestry, verdict);
  assert.equal(told(verdict), outcome);
  return facts;
}

const namesIn = ({ packages }: AnswerFacts) =>
  packages.map(({ platform, packages: list }) => [platform, ...list.map(({ name }) => name)]);

/** An image whose provenance and list of packages are in its index, as BuildKit puts them there. */
function withSbom(
  world: World,
  sboms: readonly (readonly Json[])[],
  { signed = "index" }: { readonly signed?: "index" | "attestation-manifest" | "nothing" } = {},
): Built & { readonly image: PinnedImage } {
  const built = world.build("app", { signed: "nothing" });
  const provenance = statementOf([built.manifest], SLSA1, built.provenance);
  const manifests = sboms.map((statements, place) =>
    world.attestationManifest("app", built.manifest, [...(place === 0 ? [provenance] : []), ...statements]),
  );
  const image = world.index("app", [
    { image: built.manifest, platform: written(built.platform) },
    ...manifests.map((each) => entryOf(each, built.manifest)),
  ]);
  const on = signed === "index" ? image : manifests[0];
  if (signed !== "nothing" && on !== undefined) world.sign(on, statementOf([on], SIGN), signerOf("app"));
  return { ...built, image };
}

const about = (built: Pick<Built, "manifest">, ...names: readonly string[]) =>
  statementOf([built.manifest], SPDX, spdx(...names));

test("tells the sources by the certificates, and each once", async () => {
  const world = new World();
  const { image } = world.build("app", { base: world.build("base") });
  const { sources } = await factsOf(world, image);
  assert.deepEqual(sources, [
    {
      repository: "https://github.com/acme/app",
      repositoryId: "99",
      ownerId: "1234",
      commit: commitOf("app"),
      ref: "refs/tags/v1.0.0",
      run: `${runOf("app")}/attempts/1`,
      builder: "https://github.com/acme/builder/.github/workflows/build.yml@refs/tags/v1",
    },
  ]);
});

test("a statement that policy doesn't accept tells no source, no Dockerfile and no packages", async () => {
  const world = new World();
  const built = world.build("app");
  world.sign(
    built.manifest,
    statementOf([built.manifest], SLSA1, built.provenance),
    signerOf("app", { sourceRepositoryOwnerIdentifier: "666", sourceRepositoryIdentifier: "666" }),
  );
  world.sign(built.manifest, about(built, "malware"), signerOf("app", { sourceRepositoryOwnerIdentifier: "666" }));
  const facts = await factsOf(world, built.image);
  assert.deepEqual(
    facts.sources.map(({ repositoryId }) => repositoryId),
    ["99"],
  );
  assert.deepEqual([facts.packages, facts.unread], [[], undefined]);
});

test("an ancestor's source, Dockerfile and packages aren't the image's", async () => {
  const world = new World();
  const base = world.build("base");
  world.sign(base.manifest, about(base, "musl"), signerOf("base"));
  const { image } = world.build("app", { base });
  const { sources, dockerfiles, packages } = await factsOf(world, image);
  assert.deepEqual([sources.length, dockerfiles.length, packages], [1, 1, []]);
});

test("an SBOM that an accepted signer signed is told with its bundle, and all of them are", async () => {
  const world = new World();
  const built = world.build("app");
  const bundles = ["musl", "zlib"].map(
    (name) => world.sign(built.manifest, about(built, name), signerOf("app")).bundle,
  );
  const facts = await factsOf(world, built.image);
  assert.deepEqual(facts.packages.map(({ bundle }) => bundle).sort(), [...bundles].sort());
  assert.deepEqual(namesIn(facts).sort(), [
    ["linux/amd64", "musl"],
    ["linux/amd64", "zlib"],
  ]);
});

test("an SBOM of an index is told once, of no platform", async () => {
  const world = new World();
  const [one, other] = [world.build("app"), world.build("app", { platform: "linux/arm64" })];
  const image = world.index(
    "app",
    [one, other].map((built) => ({ image: built.manifest, platform: written(built.platform) })),
  );
  world.sign(image, statementOf([image], SPDX, spdx("musl")), signerOf("app"));
  world.sign(other.manifest, about(other, "zlib"), signerOf("app"));
  assert.deepEqual(namesIn(await factsOf(world, image)).sort(), [
    [null, "musl"],
    ["linux/arm64", "zlib"],
  ]);
});

test("an SBOM about another digest isn't told, whoever signed it and wherever it stands", async () => {
  const world = new World();
  const built = world.build("app");
  const other = world.build("app", { label: "other" });
  world.sign(built.manifest, about(other, "musl"), signerOf("app"));
  assert.deepEqual((await factsOf(world, built.image)).packages, []);
  const inside = withSbom(world, [[about(other, "musl")]]);
  assert.deepEqual((await factsOf(world, inside.image)).packages, []);
});

test("an SBOM that was signed for another repository than the image isn't told, though policy lets it speak", async () => {
  const world = new World();
  const built = world.build("app");
  world.sign(built.manifest, about(built, "secret"), signerOf("app", { sourceRepositoryIdentifier: "100" }));
  assert.deepEqual((await factsOf(world, built.image)).packages, []);
});

test("an SBOM of a commit, a run or a digest that policy revokes isn't told", async () => {
  const revoking = (what: string) => policyOf({ trust: `  revoked: [{ reason: stolen, ${what} }]` });
  const world = new World();
  const built = world.build("app");
  const by = signerOf("app", { sourceRepositoryDigest: "d".repeat(40) });
  world.sign(built.manifest, about(built, "musl"), by);
  assert.equal((await factsOf(world, built.image)).packages.length, 1);
  const commit = revoking(`commit: ${"d".repeat(40)}`);
  assert.deepEqual((await factsOf(world, built.image, { policy: commit })).packages, []);
  // What the image itself was built from is revoked, and the list isn't.
  const source = revoking(`commit: ${commitOf("app")}`);
  assert.deepEqual((await factsOf(world, built.image, { policy: source, outcome: "untrusted revoked" })).packages, []);
  const digest = revoking(`digest: "${built.manifest.digest}"`);
  assert.deepEqual((await factsOf(world, built.image, { policy: digest, outcome: "untrusted revoked" })).packages, []);
});

test("R11 an SBOM beside adopted provenance is the word of whoever signed the index or the manifest", async () => {
  for (const signed of ["index", "attestation-manifest"] as const) {
    const world = new World();
    const built = world.build("app", { signed: "nothing" });
    const { image } = withSbom(world, [[about(built, "musl", "zlib")]], { signed });
    assert.deepEqual(namesIn(await factsOf(world, image)), [["linux/amd64", "musl", "zlib"]]);
  }
});

test("R11 an SBOM that nobody signed, or beside provenance that isn't adopted, isn't told", async () => {
  const cases = [
    { signed: "nothing", policy: policyOf(), outcome: "untrusted unattested" },
    { signed: "index", policy: policyOf({ builds: false }), outcome: "untrusted containment" },
  ] as const;
  for (const { signed, policy, outcome } of cases) {
    const world = new World();
    const built = world.build("app", { signed: "nothing" });
    const { image } = withSbom(world, [[about(built, "musl")]], { signed });
    assert.deepEqual((await factsOf(world, image, { policy, outcome })).packages, []);
  }
});

test("R11 an SBOM in another manifest than the provenance isn't told: nothing ties it to the run", async () => {
  const world = new World();
  const built = world.build("app", { signed: "nothing" });
  const { image } = withSbom(world, [[about(built, "musl")], [about(built, "planted")]]);
  assert.deepEqual(namesIn(await factsOf(world, image)), [["linux/amd64", "musl"]]);
});

test("an SBOM that can't be looked at or read is told with the reason, and changes nothing else", async () => {
  const world = new World();
  const built = world.build("app", { signed: "nothing" });
  const statement = about(built, "musl");
  const { image } = withSbom(world, [[statement, statementOf([built.manifest], SPDX, { spdxVersion: "SPDX-3" })]]);
  world.blobs.set(world.blob(statement), new CouldNotLook("network", "the connection broke"));
  const unlooked = await factsOf(world, image);
  assert.deepEqual([unlooked.packages, unlooked.sources.length], [[], 1]);
  assert.ok(unlooked.unread?.includes("the connection broke"));
  world.blob(statement);
  const unread = await factsOf(world, image);
  assert.equal(unread.packages.length, 1);
  assert.match(unread.unread?.[0] ?? "", /SPDX|spdxVersion/);
  world.blobs.set(world.blob(statement), new BeyondLimit("too large"));
  assert.ok((await factsOf(world, image)).unread?.some((reason) => reason.includes("too large")));
});

test("a place of attestations that can't be looked at is told, and what stands elsewhere is shown", async () => {
  const world = new World();
  const built = world.build("app");
  world.sign(built.manifest, about(built, "musl"), signerOf("app"));
  world.failures.set(`ghcr.io/acme/app@${built.manifest.digest}`, new CouldNotLook("timeout", "slow"));
  const facts = await factsOf(world, built.image);
  assert.deepEqual([facts.packages.length, facts.unread], [1, ["slow"]]);
});

test("a hostile image's facts are bounded: so many lists, so many reasons", async () => {
  const world = new World();
  const built = world.build("app");
  for (let i = 0; i < 80; i++) world.sign(built.manifest, about(built, `p${i}`), signerOf("app"));
  for (let i = 0; i < 40; i++)
    world.sign(built.manifest, statementOf([built.manifest], `${SPDX}/v${i}`, "no document"), signerOf("app"));
  world.failures.set(`ghcr.io/acme/app@${built.manifest.digest}`, new CouldNotLook("timeout", "x".repeat(5000)));
  const failure = new CouldNotLook("timeout", "y".repeat(5000));
  const { packages, unread = [], dockerfiles } = await factsOf(world, built.image, { dockerfiles: shows(failure) });
  assert.deepEqual([packages.length, unread.length], [64, 20]);
  for (const reason of [...unread, dockerfiles[0]?.reason ?? ""]) assert.ok(reason.length <= 500);
});

test("the Dockerfile is the one that the provenance names, at the certificate's commit", async () => {
  const world = new World();
  const asked: unknown[] = [];
  const { image } = world.build("app");
  const dockerfiles: DockerfileReader = {
    readDockerfile: async (place, limit) => {
      asked.push([place, limit]);
      return Buffer.from(TEXT);
    },
  };
  const facts = await factsOf(world, image, { dockerfiles });
  const place = { repository: "https://github.com/acme/app", commit: commitOf("app"), path: "Dockerfile" };
  assert.deepEqual(facts.dockerfiles, [{ ...place, text: TEXT, reason: null }]);
  assert.deepEqual(asked, [[{ ...place, repositoryId: "99" }, 256 * 1024]]);
});

test("an image that was built from a directory has no Dockerfile to show", async () => {
  const world = new World();
  const policy = policyOf({ trust: "  allow: { local-context: true }" });
  const { image } = world.build("app", { local: true, base: world.build("base") });
  assert.deepEqual((await factsOf(world, image, { policy })).dockerfiles, []);
});

test("R10 a Dockerfile of another commit or repository than the certificate's isn't shown", async () => {
  for (const digest of [{ sha1: "e".repeat(40) }, {}]) {
    const world = new World();
    const edit = (predicate: Json) =>
      put(predicate, "buildDefinition.externalParameters.configSource.digest", digest as Json);
    const { image } = world.build("app", { edit });
    const facts = await factsOf(world, image, { outcome: "untrusted source-mismatch" });
    assert.deepEqual(facts.dockerfiles, []);
  }
});

test("the directory of the context is part of the path, and a build that names two has none", async () => {
  const cases: readonly [Record<string, string>, string | undefined][] = [
    [{ filename: "docker/Dockerfile", contextsubdir: "./images/" }, "images/docker/Dockerfile"],
    [{ filename: "Containerfile" }, "Containerfile"],
    [{ contextsubdir: "." }, "Dockerfile"],
  ];
  for (const [args, path] of cases) {
    const world = new World();
    const edit = (predicate: Json) => {
      put(predicate, "buildDefinition.externalParameters.request.args", args);
      put(predicate, "buildDefinition.externalParameters.configSource.path", undefined);
    };
    const facts = await factsOf(world, world.build("app", { edit }).image);
    assert.deepEqual(
      facts.dockerfiles.map((each) => each.path),
      [path],
    );
  }
  const world = new World();
  const edit = (predicate: Json) => {
    put(predicate, "buildDefinition.externalParameters.request.args", { filename: "one" });
    put(predicate, "buildDefinition.externalParameters.configSource.path", "another");
  };
  const facts = await factsOf(world, world.build("app", { edit }).image);
  assert.deepEqual(facts.dockerfiles, []);
  assert.match(facts.unread?.[0] ?? "", /one, another|another, one/);
});

test("a path that nobody can have isn't asked for", async () => {
  for (const filename of ["a".repeat(5000), "a\0b", "\ud800"]) {
    const world = new World();
    const edit = (predicate: Json) => {
      put(predicate, "buildDefinition.externalParameters.request.args", { filename });
      put(predicate, "buildDefinition.externalParameters.configSource.path", undefined);
    };
    const facts = await factsOf(world, world.build("app", { edit }).image, { dockerfiles: shows(new Error("asked")) });
    assert.deepEqual([facts.dockerfiles, facts.unread?.length], [[], 1]);
  }
});

test("a Dockerfile that isn't there, is too large, no text or hidden is told without text and with the reason", async () => {
  const world = new World();
  const { image } = world.build("app");
  const cases: readonly [DockerfileReader, RegExp][] = [
    [{ readDockerfile: async () => undefined }, /no such file/],
    [{ readDockerfile: async () => new Uint8Array([0x46, 0xff]) }, /UTF-8/],
    [{ readDockerfile: async () => Buffer.from("FROM a\0b") }, /UTF-8/],
    [{ readDockerfile: async () => new Uint8Array(256 * 1024 + 1) }, /larger/],
    [shows(new BeyondLimit("it is a symbolic link")), /symbolic link/],
    [shows(new CouldNotLook("not-found-unproven", "it may be hidden")), /may be hidden/],
  ];
  for (const [dockerfiles, reason] of cases) {
    const facts = await factsOf(world, image, { dockerfiles });
    assert.equal(facts.dockerfiles.length, 1);
    assert.equal(facts.dockerfiles[0]?.text, null);
    assert.match(facts.dockerfiles[0]?.reason ?? "", reason);
  }
  await assert.rejects(factsOf(world, image, { dockerfiles: shows(new TypeError("our own fault")) }), TypeError);
});

test("Dockerfiles are kept as long as all of them together fit, as JSON has them", async () => {
  const world = new World();
  const built = ["386", "amd64", "arm64"].map((architecture) => {
    const edit = (predicate: Json) =>
      put(predicate, "buildDefinition.externalParameters.configSource.path", `Dockerfile.${architecture}`);
    return world.build("app", { platform: `linux/${architecture}`, edit });
  });
  const image = world.index(
    "app",
    built.map(({ manifest, platform }) => ({ image: manifest, platform: written(platform) })),
  );
  const textsOf = async (text: string) => {
    const { dockerfiles } = await factsOf(world, image, { dockerfiles: shows(text) });
    return dockerfiles.map((each) => each.text?.length ?? each.reason);
  };
  assert.deepEqual(await textsOf("a".repeat(2 ** 18)), [2 ** 18, 2 ** 18, 2 ** 18]);
  const [one, ...others] = await textsOf("\u0001".repeat(2 ** 17 + 1000));
  assert.equal(one, 2 ** 17 + 1000);
  assert.deepEqual(others, Array(2).fill("it is too large to be kept beside the others"));
});

test("where there is no Dockerfile BuildKit takes a dockerfile, and so does what is shown", async () => {
  const world = new World();
  const dockerfiles: DockerfileReader = {
    readDockerfile: async ({ path }) => (path === "dockerfile" ? Buffer.from(TEXT) : undefined),
  };
  const facts = await factsOf(world, world.build("app").image, { dockerfiles });
  assert.deepEqual([facts.dockerfiles[0]?.path, facts.dockerfiles[0]?.text], ["dockerfile", TEXT]);
});
