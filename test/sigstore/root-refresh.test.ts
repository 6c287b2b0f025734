import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { clearMock, mockRepo } from "@tufjs/repo-mock";
import { digestOf } from "../../src/image/digest.ts";
import { readCurrentRoots, refreshCurrentRoots } from "../../src/sigstore/current-roots.ts";
import { openPrivateDirectory, type PrivateDirectory } from "../../src/sigstore/private-file.ts";
import {
  RootRefreshError,
  readKeptRoot,
  refreshTrustedRoot,
  shippedRootSources,
} from "../../src/sigstore/root-refresh.ts";
import { SHIPPED_ROOTS_TAKEN, shippedTrustedRoots } from "../../src/sigstore/trusted-root.ts";
import { createBundleVerifier } from "../../src/sigstore/verifier.ts";
import { createInstance, createLog } from "./instance.ts";
import { asBundle } from "./shared.ts";
import { newRepositoryKey, startRepository } from "./tuf-repository.ts";

const OWNER = process.getuid?.() ?? 0;
const NOW = new Date("2026-11-01T00:00:00Z");

const rootBytes = (document: object) => Buffer.from(JSON.stringify(document));

/** A repository that published a private instance's root under GitHub's name, and a directory to keep it in. */
async function setUp(context: TestContext) {
  const path = mkdtempSync(join(tmpdir(), "roots-"));
  const repository = await startRepository();
  context.after(async () => {
    await repository.close();
    rmSync(path, { recursive: true });
  });
  const directory = await openPrivateDirectory(path, OWNER);
  const source = { name: "github", url: repository.url, initialRoot: repository.initialRoot };
  const trustedRoot = rootBytes(createInstance().trustedRoot);
  repository.publish({ version: 2, trustedRoot });
  return { path, repository, directory, source, trustedRoot };
}

const githubIn = async (directory: PrivateDirectory) =>
  (await readCurrentRoots(directory, NOW)).roots.find(({ name }) => name === "github")?.digest;
const shippedGithub = shippedTrustedRoots().find(({ name }) => name === "github")?.digest;

test("takes a repository's newest root in the place of the one that was shipped, and of that one alone", async (context) => {
  const { path, directory, source, trustedRoot } = await setUp(context);
  assert.equal(await githubIn(directory), shippedGithub);
  const kept = await refreshTrustedRoot(source, directory, NOW);
  assert.equal(kept.profile.digest, digestOf(trustedRoot));
  const { roots, warnings } = await readCurrentRoots(directory, NOW);
  assert.deepEqual(
    roots.map(({ name, digest }) => [name, digest]),
    [
      ["sigstore-public-good", shippedTrustedRoots()[0]?.digest],
      ["github", digestOf(trustedRoot)],
    ],
  );
  assert.deepEqual(warnings, []);
  assert.equal(statSync(path).mode & 0o777, 0o700);
  assert.equal(statSync(join(path, "github.json")).mode & 0o777, 0o600);
});

test("takes the root of a repository that other people's code made", async (context) => {
  const { directory } = await setUp(context);
  const trustedRoot = rootBytes(createInstance().trustedRoot);
  const url = "https://tuf.example.test";
  const initialRoot = Buffer.from(
    mockRepo(url, [{ name: "trusted_root.json", content: trustedRoot }], { metadataPathPrefix: "" }),
  );
  context.after(clearMock);
  await refreshTrustedRoot({ name: "github", url, initialRoot }, directory, NOW);
  assert.equal(await githubIn(directory), digestOf(trustedRoot));
  const others = Buffer.from(mockRepo("https://other.example.test", []));
  await assert.rejects(
    refreshTrustedRoot({ name: "github", url, initialRoot: others }, directory, NOW),
    RootRefreshError,
  );
});

test("follows a new key of the repository that the old one vouches for, and no other", async (context) => {
  const { repository, directory, source, trustedRoot } = await setUp(context);
  const next = newRepositoryKey();
  repository.rotate(2, next, [next]);
  await assert.rejects(refreshTrustedRoot(source, directory, NOW), RootRefreshError);
  assert.equal(await githubIn(directory), shippedGithub);
  repository.rotate(2, next, [repository.own, next]);
  await assert.rejects(refreshTrustedRoot(source, directory, NOW), RootRefreshError, "signed by the key that was");
  repository.publish({ version: 3, trustedRoot, signer: next });
  await refreshTrustedRoot(source, directory, NOW);
  assert.equal(await githubIn(directory), digestOf(trustedRoot));
});

test("keeps what it had when a repository goes back, is over, or serves other bytes than it signed", async (context) => {
  const { repository, directory, source, trustedRoot } = await setUp(context);
  await refreshTrustedRoot(source, directory, NOW);
  const other = rootBytes(createInstance().trustedRoot);
  const refused = async (publication: Parameters<typeof repository.publish>[0]) => {
    repository.publish(publication);
    await assert.rejects(refreshTrustedRoot(source, directory, NOW), RootRefreshError);
    assert.equal(await githubIn(directory), digestOf(trustedRoot));
  };
  await refused({ version: 1, trustedRoot: other });
  await refused({ version: 3, trustedRoot: other, expires: new Date(Date.now() - 1000) });
  await refused({ version: 4, trustedRoot: other, served: trustedRoot });
  await refused({ version: 5, trustedRoot: Buffer.from("{}") });
  await refused({ version: 6, trustedRoot: other, signer: newRepositoryKey() });
  repository.publish({ version: 7, trustedRoot: other });
  await refreshTrustedRoot(source, directory, NOW);
  assert.equal(await githubIn(directory), digestOf(other));
});

test("takes no key for the repository from a file on disk", async (context) => {
  const { path, repository, directory, source, trustedRoot } = await setUp(context);
  await refreshTrustedRoot(source, directory, NOW);
  const strangers = newRepositoryKey();
  writeFileSync(join(path, "github", "root.json"), repository.rootFor(1, strangers, [strangers]));
  repository.publish({ version: 9, trustedRoot: rootBytes(createInstance().trustedRoot), signer: strangers });
  await assert.rejects(refreshTrustedRoot(source, directory, NOW), RootRefreshError);
  assert.equal(await githubIn(directory), digestOf(trustedRoot));
});

test("says of a repository that can't be reached that what was shipped is kept, and of an old root its age", async (context) => {
  const { repository, directory, source } = await setUp(context);
  const nowhere = { ...source, name: "sigstore-public-good", url: `${repository.url}/nowhere` };
  const { roots, warnings } = await refreshCurrentRoots([nowhere, source], directory, NOW);
  assert.equal(roots[0]?.digest, shippedTrustedRoots()[0]?.digest);
  assert.notEqual(roots[1]?.digest, shippedGithub);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] ?? "", /sigstore-public-good from http.*nowhere.*kept/);

  const later = new Date(SHIPPED_ROOTS_TAKEN.getTime() + 200 * 86_400_000);
  const old = (await readCurrentRoots(directory, later)).warnings;
  assert.match(
    old[0] ?? "",
    /sigstore-public-good is 200 days old \(it came with the program on 2026-08-31\); refresh/,
  );
  assert.match(old[1] ?? "", /github is 138 days old \(it was refreshed last on 2026-11-01\); refresh/);
  assert.deepEqual((await readCurrentRoots(undefined, NOW)).warnings, []);
});

test("uses no kept root that others than its owner could have written", async (context) => {
  const { path, directory, source, trustedRoot } = await setUp(context);
  await refreshTrustedRoot(source, directory, NOW);
  const file = join(path, "github.json");
  const digest = async (owner = OWNER) => (await readKeptRoot("github", { path, owner }))?.profile.digest;
  assert.equal(await digest(), digestOf(trustedRoot));
  assert.equal(await digest(OWNER + 1), undefined);
  chmodSync(file, 0o620);
  assert.equal(await digest(), undefined);
  chmodSync(file, 0o600);
  chmodSync(path, 0o702);
  assert.equal(await digest(), undefined);
  await assert.rejects(refreshTrustedRoot(source, { path: join(path, "github.json"), owner: OWNER }, NOW));
  await assert.rejects(openPrivateDirectory(path, OWNER), { code: "not-private" });
  chmodSync(path, 0o700);
  assert.equal(await digest(), digestOf(trustedRoot));
  const bytes = readFileSync(file);
  writeFileSync(join(path, "elsewhere"), bytes, { mode: 0o600 });
  rmSync(file);
  symlinkSync(join(path, "elsewhere"), file);
  assert.equal(await digest(), undefined);
  rmSync(file);
  for (const broken of ["", "{}", bytes.subarray(0, -5).toString(), `${bytes}x`]) {
    writeFileSync(file, broken, { mode: 0o600 });
    assert.equal(await digest(), undefined, broken.slice(0, 20));
  }
});

test("verifies under a refreshed root what was signed under keys that are over by now", async (context) => {
  const { repository, directory, source } = await setUp(context);
  const instance = createInstance();
  const over = { start: "2026-01-01T00:00:00Z", end: "2026-03-02T00:00:00Z" };
  const [authority] = instance.trustedRoot.certificateAuthorities;
  const newer = {
    ...instance.trustedRoot,
    tlogs: [
      { ...instance.log.instance, publicKey: { ...instance.log.instance.publicKey, validFor: over } },
      createLog("https://newer.example.test", { start: over.end }).instance,
    ],
    certificateAuthorities: [{ ...authority, validFor: over }],
  };
  repository.publish({ version: 3, trustedRoot: rootBytes(newer) });
  const { profile } = await refreshTrustedRoot(source, directory, NOW);
  assert.equal(createBundleVerifier({ roots: [profile] }).verifyBundle(asBundle(instance.bundle())).kind, "verified");
});

test("starts from the repositories' own roots, whose origin is told beside them", () => {
  const readme = readFileSync(new URL("../../src/sigstore/roots/README.md", import.meta.url), "utf8");
  const sources = shippedRootSources();
  assert.deepEqual(
    sources.map(({ name }) => name).sort(),
    shippedTrustedRoots()
      .map(({ name }) => name)
      .sort(),
  );
  for (const { name, url, initialRoot } of sources) {
    // As it is at its origin, where no slash is escaped.
    const origin = Buffer.from(Buffer.from(initialRoot).toString().replaceAll("\\/", "/"));
    assert.ok(readme.includes(`tuf/${name}.json`) && readme.includes(digestOf(origin).replace("sha256:", "")));
    assert.ok(readme.includes(url) && url.startsWith("https://"));
  }
});
