import assert from "node:assert/strict";
import { tmpdir } from "node:os";
import { after, afterEach, test } from "node:test";
import { type DiffArguments, diffCommand } from "../../src/cli/diff.ts";
import { exportCommand } from "../../src/cli/export.ts";
import { verdictChangeSchema } from "../../src/report/verdict-change-json.ts";
import {
  type Built,
  hex,
  IN_TOTO,
  MANIFEST,
  makeImage,
  referrerOf,
  runOf,
  sha256,
  sizeOf,
} from "../faults/ancestry.ts";
import { bytesOf } from "../faults/document.ts";
import { policyText } from "../faults/trial.ts";
import { temporaryFiles } from "../verify/temporary-files.ts";
import { githubClaims } from "../world/github-claims.ts";
import { startOciRegistry } from "../world/oci-registry.ts";
import { startSigstore } from "../world/sigstore.ts";
import { NO_SETTINGS, runHere } from "./in-process.ts";

const write = temporaryFiles();
const [registry, sigstore, stranger] = await Promise.all([startOciRegistry(), startSigstore(), startSigstore()]);
after(() => Promise.all([registry, sigstore, stranger].map((each) => each.close())));
afterEach(() => registry.heal());

const settings = {
  ...NO_SETTINGS,
  policy: write("policy.yml", policyText(registry.host)),
  trustedRoot: [write("root.json", JSON.stringify(sigstore.trustedRoot))],
};

/** An image under a name of its own; lists of packages are hung on it, signed by its builder or by a stranger. */
async function published(namespace: string, packages?: readonly string[], by = sigstore): Promise<Built> {
  const built = await makeImage({ registry, namespace, sigstore, stranger }, "base", {});
  if (packages === undefined) return built;
  const statement = {
    _type: "https://in-toto.io/Statement/v1",
    subject: [{ digest: { sha256: hex(built.manifest.digest) } }],
    predicateType: "https://spdx.dev/Document/v2.3",
    predicate: { spdxVersion: "SPDX-2.3", packages: packages.map((name) => ({ name, versionInfo: "1" })) },
  };
  const bundle = bytesOf({ ...(await by.sign(bytesOf(statement), githubClaims(runOf("base")))) });
  registry.putBlob(built.path, bundle);
  registry.putManifest(built.path, bytesOf(referrerOf(registry, built.path, bundle, built.manifest)), MANIFEST);
  return built;
}

const nameOf = ({ repository }: Built) => `${repository}:1.0.0`;
const one = await published("one", ["musl", "zlib"]);
const other = await published("other", ["musl", "xz\u001b[31m\u202e"]);
const bare = await published("bare");
const planted = await published("planted", ["malware"], stranger);

const diff = (before: string, after: string, args: Partial<DiffArguments> = {}) =>
  runHere(
    (here) => diffCommand({ ...settings, output: "json", before, after, ...args }, { ...here, now: () => new Date() }),
    {
      homeDirectory: tmpdir(),
    },
  );

async function packagesOf(before: string, after: string) {
  const { stdout, exit } = await diff(before, after);
  const { packages, standing } = verdictChangeSchema.parse(JSON.parse(stdout));
  assert.equal(packages.length, 1);
  return { exit, standing, ...(packages[0] as (typeof packages)[number]) };
}

test("diff tells which packages came and went between two images that their builders list", async () => {
  const { exit, platform, before, change } = await packagesOf(nameOf(one), nameOf(other));
  assert.deepEqual([exit, platform, before.state, before.unread], [0, "linux/amd64", "listed", []]);
  assert.deepEqual(
    [change?.gained.map(({ name }) => name), change?.lost.map(({ name }) => name), change?.same],
    [["xz\u001b[31m\u202e"], ["zlib"], 1],
  );
  const { stdout } = await diff(nameOf(one), nameOf(other), { output: "text" });
  assert.match(stdout, /^Packages \(linux\/amd64; SPDX\)\n\+ xz\\u\{1b\}\[31m\\u\{202e\} 1\n- zlib 1\n= 1 package /m);
});

test("R4, R15 where a list is missing, a stranger's or can't be looked at nothing is compared, and the exit code stays", async () => {
  for (const [after, state] of [
    [bare, "none"],
    [planted, "none"],
  ] as const) {
    const row = await packagesOf(nameOf(one), nameOf(after));
    assert.deepEqual([row.exit, row.standing, row.after.state, row.change], [0, "no-worse", state, null]);
  }
  // Every place but the one with the image's provenance.
  registry.fail(new RegExp(`/v2/${bare.path}/manifests/sha256-`), { status: 403 });
  const row = await packagesOf(nameOf(one), nameOf(bare));
  assert.deepEqual([row.exit, row.after.state, row.change], [0, "unread", null]);
});

test("for packages diff asks for no list of attestations that the walk asked for", async () => {
  registry.requests.length = 0;
  await diff(nameOf(one), nameOf(other));
  const lists = registry.requests.filter(({ path }) => /\/referrers\/|\/manifests\/sha256-/.test(path));
  const asked = lists.map(({ server, method, path }) => `${server} ${method} ${path}`);
  assert.ok(asked.length > 0);
  assert.deepEqual(
    asked.filter((each, i) => asked.indexOf(each) !== i),
    [],
  );
});

test("for the exit code alone no packages are looked for", async () => {
  const path = one.path;
  const list = bytesOf({});
  registry.putBlob(path, list);
  // A list that nobody signed: who signed the manifest is asked for the packages alone.
  const layer = { ...sizeOf(list, IN_TOTO), annotations: { "in-toto.io/predicate-type": "https://spdx.dev/Document" } };
  const artifactType = "application/vnd.docker.attestation.manifest.v1+json";
  const manifest = bytesOf({ ...referrerOf(registry, path, list, one.manifest), artifactType, layers: [layer] });
  registry.putManifest(path, manifest, MANIFEST);
  for (const quiet of [false, true]) {
    registry.requests.length = 0;
    assert.equal((await diff(nameOf(one), nameOf(other), { quiet })).exit, 0);
    const asked = registry.requests.some((request) => request.path.includes(`/referrers/${sha256(manifest)}`));
    assert.equal(asked, !quiet);
  }
});

test("R34 a file of evidence holds the lists that stood among attestations, and they are compared as those in a registry", async () => {
  const file = write("one.evidence.tar", "");
  await runHere(
    (here) => exportCommand({ ...settings, images: [nameOf(one)], file }, { ...here, now: () => new Date() }),
    {
      homeDirectory: tmpdir(),
    },
  );
  const { exit, change } = await packagesOf(`evidence:${file}`, nameOf(other));
  assert.deepEqual([exit, change?.lost.map(({ name }) => name)], [0, ["zlib"]]);
});
