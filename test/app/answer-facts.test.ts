import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { AnswerFacts } from "../../src/answer/facts.ts";
import { gatherFacts } from "../../src/answer/gather-facts.ts";
import type { GitHubClient } from "../../src/github/ask.ts";
import { createGitHubClient } from "../../src/github/client.ts";
import { createDockerfileReader } from "../../src/github/dockerfile-text.ts";
import { parseReference } from "../../src/image/reference.ts";
import { createRegistryClient } from "../../src/registry/client.ts";
import { parseTrustedRoot } from "../../src/sigstore/trusted-root.ts";
import { createBundleVerifier } from "../../src/sigstore/verifier.ts";
import { walkAncestry } from "../../src/trust/ancestry.ts";
import { parsePolicy } from "../../src/trust/policy.ts";
import { createByteStore, recordWalk } from "../../src/trust/recording.ts";
import { judge } from "../../src/trust/verdict.ts";
import {
  BUILDER,
  type Built,
  FACTS,
  hex,
  MANIFEST,
  makeImage,
  OWNER_ID,
  referrerOf,
  runOf,
} from "../faults/ancestry.ts";
import type { Document } from "../faults/document.ts";
import { type Github, startGithub } from "../world/github/github.ts";
import { octokitOf } from "../world/github/octokit.ts";
import { githubClaims } from "../world/github-claims.ts";
import { type OciRegistry, startOciRegistry } from "../world/oci-registry.ts";
import { GITHUB_ISSUER, type Sigstore, startSigstore } from "../world/sigstore.ts";

const NAMESPACE = "acme";
const TEXT = "FROM scratch\nCOPY größer /\n";

let github: Github;
let registry: OciRegistry;
let sigstore: Sigstore;
/** From the repository `acme/base`. */
let built: Built;
let commit: string;
before(async () => {
  github = await startGithub();
  registry = await startOciRegistry();
  sigstore = await startSigstore({ serverUrl: github.url });
  await github.owner("acme", { id: OWNER_ID });
  commit = await github.repository("acme/base", { id: FACTS.base.id, files: { Dockerfile: TEXT } });
  const ofThisServer = (statement: Document): Document =>
    JSON.parse(
      JSON.stringify(statement)
        .replaceAll("https://github.com/acme/", `${github.url}/acme/`)
        .replaceAll(FACTS.base.commit, commit),
    );
  const place = { registry, namespace: NAMESPACE, sigstore, stranger: sigstore };
  built = await makeImage(place, "base", {}, { provenance: ofThisServer, run: { sha: commit } });
  await attach({ spdxVersion: "SPDX-2.3", packages: [{ name: "musl", versionInfo: "1.2.5", licenseDeclared: "MIT" }] });
});
after(async () => {
  await github?.close();
  await registry?.close();
  await sigstore?.close();
});

/** Hangs a list of packages on the image, signed in the run that built it. */
async function attach(predicate: Document): Promise<void> {
  const statement = {
    _type: "https://in-toto.io/Statement/v1",
    subject: [{ digest: { sha256: hex(built.manifest.digest) } }],
    predicateType: "https://spdx.dev/Document/v2.3",
    predicate,
  };
  const claims = githubClaims({ ...runOf("base"), sha: commit });
  const bundle = await sigstore.sign(Buffer.from(JSON.stringify(statement)), claims);
  const bytes = Buffer.from(JSON.stringify(bundle));
  registry.putBlob(built.path, bytes);
  const referrer = referrerOf(registry, built.path, bytes, built.manifest);
  registry.putManifest(built.path, Buffer.from(JSON.stringify(referrer)), MANIFEST);
}

const policy = () =>
  parsePolicy(
    Buffer.from(`version: 1
trust:
  builders:
    - images: ["${registry.host}/${NAMESPACE}/{repo}"]
      github: { repository: "acme/{repo}", owner-id: ${OWNER_ID}, workflow: "${BUILDER}@refs/tags/v*", issuer: ${GITHUB_ISSUER} }
      level: 3
      builds: true
`),
    "policy.yml",
    { server: github.url },
  );

/** The facts of the image beside its verdict, and what the registry was asked for them. */
async function facts(octokit: GitHubClient): Promise<{ readonly facts: AnswerFacts; readonly asked: number }> {
  const client = createRegistryClient({ allowHosts: [registry.host] });
  try {
    const root = Buffer.from(JSON.stringify(sigstore.trustedRoot));
    const verifier = createBundleVerifier({ roots: [parseTrustedRoot(root, "test")] });
    const recording = recordWalk(
      { images: client, attestations: client, verifier },
      client.resolve,
      createByteStore(1e8),
    );
    const resolved = await recording.ports.resolve(parseReference(`${built.repository}:1.0.0`));
    assert.ok(resolved);
    const now = new Date();
    const ancestry = await walkAncestry(recording.ports, policy(), resolved.pinned, "every", now);
    const verdict = judge(ancestry, policy(), parseReference(built.repository), now);
    assert.equal(verdict.outcome, "trusted", JSON.stringify(verdict.faults));
    const before = registry.requests.length;
    const dockerfiles = createDockerfileReader({ octokit: async () => octokit, server: github.url });
    const gathered = await gatherFacts({ walk: recording.ports, dockerfiles }, policy(), ancestry, verdict);
    return { facts: gathered, asked: registry.requests.length - before };
  } finally {
    await client.close();
  }
}

const anyone = () => createGitHubClient(github.apiUrl);

test("sources, Dockerfile and signed packages of an image, as anyone may read them, from what the walk has read already", async () => {
  const { facts: told, asked } = await facts(anyone());
  const repository = `${github.url}/acme/base`;
  assert.equal(asked, 0);
  assert.deepEqual(told.dockerfiles, [{ repository, commit, path: "Dockerfile", text: TEXT, reason: null }]);
  assert.deepEqual(
    told.packages.map(({ platform, packages }) => [platform, packages]),
    [["linux/amd64", [{ name: "musl", version: "1.2.5", licences: ["MIT"], purl: null, source: null }]]],
  );
  const [source, ...others] = told.sources;
  assert.deepEqual(
    [source?.repository, source?.repositoryId, source?.commit, others.length],
    [repository, String(FACTS.base.id), commit, 0],
  );
  assert.equal(told.unread, undefined);
  assert.deepEqual(github.violations, []);
});

test("a private repository's Dockerfile is shown only where it was read with rights to it, and else with the reason", async (t) => {
  github.change("acme/base", { private: true });
  t.after(() => github.change("acme/base", { private: false }));
  const [hidden] = (await facts(anyone())).facts.dockerfiles;
  assert.equal(hidden?.text, null);
  assert.match(hidden?.reason ?? "", /404/);
  const heidi = createGitHubClient(github.apiUrl, github.personToken("heidi"));
  assert.equal((await facts(heidi)).facts.dockerfiles[0]?.text, null);
  assert.equal((await facts(await octokitOf(github, "acme"))).facts.dockerfiles[0]?.text, TEXT);
  assert.deepEqual(github.violations, []);
});

test("a GitHub that can't be reached changes nothing but the Dockerfile's text", async (t) => {
  github.fail({ method: "GET", path: /git\/trees/, status: 502 });
  t.after(() => github.heal());
  const { facts: told } = await facts(anyone());
  assert.equal(told.dockerfiles[0]?.text, null);
  assert.match(told.dockerfiles[0]?.reason ?? "", /502/);
  assert.equal(told.packages.length, 1);
});
