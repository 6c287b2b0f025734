import assert from "node:assert/strict";
import { test } from "node:test";
import { parseReference } from "../../src/image/reference.ts";
import { judgedName } from "../../src/trust/mirror.ts";
import { PolicyError } from "../../src/trust/policy-fault.ts";
import { policyOf } from "./verified.ts";
import { policyOf as acmePolicy, codesOf, signerOf, World } from "./world.ts";

const mirrors = (...entries: readonly string[]) =>
  policyOf(`version: 1\ntrust:\n  mirrors:\n${entries.map((entry) => `    - { ${entry} }\n`).join("")}`);
const LIBRARY = 'images: "mirror.example/library/{name}", of: "docker.io/library/{name}"';

test("an image of a mirror is judged by the name of what it stands for, and any other by its own", () => {
  const policy = mirrors(LIBRARY, 'images: "mirror.example/one", of: "ghcr.io/acme/two"');
  const name = (text: string) => judgedName(policy, parseReference(text));
  assert.equal(name("mirror.example/library/debian:12"), "docker.io/library/debian");
  assert.equal(name("mirror.example/one"), "ghcr.io/acme/two");
  for (const text of [
    "mirror.example/library/a/b",
    "mirror.example/other/debian",
    "mirror.example.evil.example/library/debian",
    "mirror.example:5000/library/debian",
  ])
    assert.equal(name(text), text);
  assert.equal(name("debian"), "docker.io/library/debian");
});

test("a mirror's host is spelled out, and what it stands for is a whole name of what it captures", () => {
  mirrors(LIBRARY);
  for (const entry of [
    'images: "*/library/{name}", of: "docker.io/library/{name}"',
    'images: "{host}/library/{name}", of: "docker.io/library/{name}"',
    'images: "mirror.example/library/*", of: "docker.io/library/*"',
    'images: "mirror.example/library/*", of: "docker.io/library/{name}"',
    'images: "mirror.example/library/{name}", of: "{name}"',
    'images: "mirror.example/library/{name}", of: "debian"',
    'images: "mirror.example/library/{name}", of: "docker.io/library/{name}:latest"',
    'images: "mirror.example/library/{name}"',
  ])
    assert.throws(() => mirrors(entry), PolicyError, entry);
});

test("what a mirror stands for is named in builds, the mirror isn't: its parameters would never be compared", () => {
  const withBuild = (image: string) => () =>
    policyOf(`version: 1\nbuilds: [{ image: ${image} }]\ntrust: { mirrors: [{ ${LIBRARY} }] }\n`);
  withBuild("docker.io/library/app")();
  assert.throws(withBuild("mirror.example/library/app"), /stands for another image/);
});

/** Images of ghcr.io/acme, which are judged as those of another namespace. */
const asUpstream = (of: string) =>
  acmePolicy({ trust: `  mirrors: [{ images: "ghcr.io/acme/{name}", of: "${of}/{name}" }]` });

test("R4 who may speak for a mirror's image is who may speak for the original, and nobody else", async () => {
  const policyText = (images: string) =>
    policyOf(`version: 1
trust:
  builders:
    - images: ["${images}/{repo}"]
      github: { repository: "acme/{repo}", owner-id: 1234, workflow: "acme/builder/.github/workflows/build.yml@refs/tags/v*" }
      builds: true
  mirrors: [{ images: "ghcr.io/acme/{name}", of: "quay.io/upstream/{name}" }]
`);
  const world = new World();
  const { image, manifest } = world.build("app");
  assert.deepEqual(codesOf(await world.judge(image, { policy: policyText("quay.io/upstream") })), []);
  assert.deepEqual(codesOf(await world.judge(image, { policy: policyText("ghcr.io/acme") })), ["no-builder"]);
  assert.deepEqual(codesOf(await world.judge(image, { policy: asUpstream("quay.io/upstream") })), ["no-builder"]);

  // Whoever runs the mirror can put there what he likes, and sign it: he isn't the one whom the original's policy names.
  const forged = new World();
  const other = forged.build("app", { by: signerOf("app", { sourceRepositoryUri: "https://github.com/evil/app" }) });
  assert.deepEqual(codesOf(await forged.judge(other.image, { policy: policyText("quay.io/upstream") })), [
    "source-repository",
  ]);
  world.hide(manifest);
  assert.deepEqual(codesOf(await world.judge(image, { policy: policyText("quay.io/upstream") })), ["network"]);
});
