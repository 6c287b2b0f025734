import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { after, afterEach, test } from "node:test";
import { UsageError } from "../../src/cli/exit-code.ts";
import { type SourcePolicyArguments, sourcePolicyCommand } from "../../src/cli/source-policy.ts";
import { digestOf } from "../../src/image/digest.ts";
import { OCI_IMAGE_CONFIG, OCI_IMAGE_INDEX, OCI_IMAGE_MANIFEST } from "../../src/image/media-type.ts";
import { jsonBytes, putImage } from "../registry/image-fixture.ts";
import { trustedBuilds } from "../verify/command.ts";
import { temporaryFiles } from "../verify/temporary-files.ts";
import { startOciRegistry } from "../world/oci-registry.ts";
import { NO_SETTINGS, runHere } from "./in-process.ts";

const write = temporaryFiles();
const registry = await startOciRegistry();
after(() => registry.close());
afterEach(() => registry.heal());

const good = putImage(registry, "1.0.0", "acme/good");
putImage(registry, "2.0.0", "acme/bad");
const [GOOD, BAD] = [`${registry.host}/acme/good:1.0.0`, `${registry.host}/acme/bad:2.0.0`];
const multi = putIndex("acme/multi", ["amd64", "arm64", "s390x"]);
const MULTI = `${registry.host}/acme/multi:1.0.0`;

const roots = [`acme/good@${good.digest}`, `acme/multi@${multi.index}`]
  .map((name) => `{ image: "${registry.host}/${name}", reason: "looked at it", expires: 2099-01-01 }`)
  .join(", ");
const policy = write("policy.yml", `version: 1\ntrust:\n  roots: [${roots}]\n`);
const forPlatforms = (...platforms: readonly string[]) =>
  write("policy.yml", `version: 1\ntrust:\n  platforms: [${platforms.join(", ")}]\n  roots: [${roots}]\n`);

function putIndex(repository: string, architectures: readonly string[]) {
  const manifests = architectures.map((architecture) => {
    const config = jsonBytes({ architecture, os: "linux", rootfs: { type: "layers", diff_ids: [] } });
    const descriptor = {
      mediaType: OCI_IMAGE_CONFIG,
      digest: registry.putBlob(repository, config),
      size: config.length,
    };
    const manifest = jsonBytes({ schemaVersion: 2, mediaType: OCI_IMAGE_MANIFEST, config: descriptor, layers: [] });
    registry.putManifest(repository, manifest, OCI_IMAGE_MANIFEST);
    const platform = { architecture, os: "linux" };
    return { mediaType: OCI_IMAGE_MANIFEST, digest: digestOf(manifest), size: manifest.length, platform };
  });
  const index = jsonBytes({ schemaVersion: 2, mediaType: OCI_IMAGE_INDEX, manifests });
  registry.putManifest(repository, index, OCI_IMAGE_INDEX, "1.0.0");
  return { index: digestOf(index), manifests: manifests.map(({ digest }) => digest) };
}

/** What builds may use under which name, of the policy that is printed. */
function admittedOf(text: string): Readonly<Record<string, string>> {
  const { rules } = JSON.parse(text) as {
    rules: readonly { action: string; selector: { identifier: string }; updates?: { identifier: string } }[];
  };
  const denials = rules.filter(({ action }) => action === "DENY");
  assert.deepEqual(rules.slice(0, denials.length), denials);
  assert.ok(denials.length > 0);
  const allowed = rules.filter(({ action }) => action === "ALLOW").map(({ selector }) => selector.identifier);
  const plain = (identifier: string) => identifier.replace(`docker-image://${registry.host}/acme/`, "");
  const by = new Map(rules.map(({ selector, updates }) => [updates?.identifier, selector.identifier]));
  return Object.fromEntries(
    allowed.map((identifier) => [plain(by.get(identifier) ?? identifier), identifier.replace(/^.*@/, "")]),
  );
}

async function call(args: Partial<SourcePolicyArguments>, stdin?: string) {
  const nothing = { images: [], platform: [], buildArg: [], buildContext: [], denyOtherSources: false };
  const given = { ...NO_SETTINGS, ...nothing, policy, ...args };
  const room = { homeDirectory: "/nonexistent", ...(stdin !== undefined && { stdin }) };
  return runHere((here) => sourcePolicyCommand(given, here), room);
}

test("what is trusted is admitted by digest under its tag; what isn't is left out, told, and decides the exit code", async () => {
  const { exit, stdout, stderr } = await call({ images: [GOOD, BAD] });
  assert.equal(exit, 1);
  assert.deepEqual(admittedOf(stdout), { "good:1.0.0": good.digest });
  assert.match(stderr, /trusted: .*good:1\.0\.0 → sha256:/);
  assert.match(stderr, /untrusted: .*bad:2\.0\.0 \(unattested\)/);
  assert.equal((await call({ images: [GOOD] })).exit, 0);
  const pinned = `${registry.host}/acme/good@${good.digest}`;
  const both = await call({ images: [GOOD, GOOD, pinned] });
  assert.deepEqual(admittedOf(both.stdout), { "good:1.0.0": good.digest, [`good@${good.digest}`]: good.digest });
});

test("what could not be looked at is refused, and is neither 0 nor 1", async () => {
  const { exit, stdout, stderr } = await call({ images: [GOOD], offline: true });
  assert.deepEqual([exit, admittedOf(stdout)], [3, {}]);
  assert.match(stderr, /undetermined: .* \(offline\)/);
  registry.fail(/good\/manifests\//, { status: 403 });
  assert.deepEqual((await call({ images: [GOOD] })).exit, 4);
});

test("an index is admitted as a whole only where every platform of it was judged and counts", async () => {
  const all = await call({ images: [MULTI] });
  assert.deepEqual([all.exit, admittedOf(all.stdout)], [0, { "multi:1.0.0": multi.index }]);
  const one = await call({ images: [MULTI], policy: forPlatforms("linux/arm64") });
  assert.deepEqual([one.exit, admittedOf(one.stdout)], [0, { "multi:1.0.0": multi.manifests[1] }]);
  const asked = await call({ images: [MULTI], platform: ["linux/s390x"] });
  assert.deepEqual([asked.exit, admittedOf(asked.stdout)], [0, { "multi:1.0.0": multi.manifests[2] }]);
  const two = await call({ images: [GOOD, MULTI], policy: forPlatforms("linux/amd64", "linux/arm64") });
  assert.deepEqual([two.exit, admittedOf(two.stdout)], [2, { "good:1.0.0": good.digest }]);
  assert.match(two.stderr, /--platform/);
});

test("of a Dockerfile every image of the target is admitted or refused, its frontend too", async () => {
  const file = `# syntax=${BAD}\nFROM ${MULTI} AS a\nFROM ${GOOD} AS unused\nFROM scratch\nCOPY --from=a / /\n`;
  const { exit, stdout, stderr } = await call({ dockerfile: "-", allowHost: [registry.host] }, file);
  assert.deepEqual([exit, admittedOf(stdout)], [1, { "multi:1.0.0": multi.index }]);
  assert.match(stderr, /untrusted: .*bad:2\.0\.0/);
});

test("what a Dockerfile names is a stranger's word: no address is reached for it but public and allowed ones", async () => {
  const before = registry.requests.length;
  const { exit, stdout, stderr } = await call({ dockerfile: "-" }, `FROM ${GOOD}\n`);
  assert.deepEqual([exit, admittedOf(stdout), registry.requests.length], [3, {}, before]);
  assert.match(stderr, /address-refused/);
});

test("of a Dockerfile an image is judged for the platform that it is used for, and for all where that is several", async () => {
  const dockerfile = write(
    "Dockerfile",
    `FROM --platform=$BUILDPLATFORM ${MULTI} AS a\nFROM ${GOOD}\nCOPY --from=a / /\n`,
  );
  const args = { dockerfile, allowHost: [registry.host], buildPlatform: "linux/arm64" };
  const one = await call({ ...args, platform: ["linux/amd64"] });
  assert.deepEqual(admittedOf(one.stdout), { "multi:1.0.0": multi.manifests[1], "good:1.0.0": good.digest });
  const any = await call({ ...args });
  assert.deepEqual(admittedOf(any.stdout), { "multi:1.0.0": multi.index, "good:1.0.0": good.digest });
  const several = await call({ ...args, images: [MULTI], platform: ["linux/amd64"] });
  assert.deepEqual(admittedOf(several.stdout)["multi:1.0.0"], multi.index);
});

test("what a Dockerfile needs and no image can be is told with its line, and is exit code 1", async () => {
  const file = `FROM ${GOOD} AS a\nADD https://example.org/x /x\nFROM $NOPE\nCOPY --from=a / /\n`;
  const { exit, stdout, stderr } = await call({ dockerfile: "-", allowHost: [registry.host] }, file);
  assert.deepEqual([exit, admittedOf(stdout)], [1, { "good:1.0.0": good.digest }]);
  assert.match(stderr, /line 3: \$NOPE/);
  assert.doesNotMatch(stderr, /example\.org/);
  const args = { dockerfile: "-", allowHost: [registry.host], denyOtherSources: true };
  const denied = await call(args, `FROM ${GOOD}\nADD https://example.org/x /x\n`);
  assert.equal(denied.exit, 1);
  assert.match(denied.stderr, /line 2: https:\/\/example\.org\/x/);
});

test("a Dockerfile of no image makes a policy that refuses all, and nothing is wrong with it", async () => {
  const { exit, stdout } = await call({ dockerfile: "-" }, "FROM scratch\n");
  assert.deepEqual([exit, admittedOf(stdout)], [0, {}]);
});

test("a base that can't be asked what it adds to builds is undetermined", async () => {
  registry.fail(/good\/blobs\//, { status: 403 }, 1);
  const { exit, stderr } = await call({ dockerfile: "-", allowHost: [registry.host] }, `FROM ${GOOD}\n`);
  assert.equal(exit, 3, stderr);
  assert.match(stderr, /line 1: what .* adds/);
});

test("-o writes the policy there, with the command to use it; --quiet tells nothing", async () => {
  const out = `${write("out.json", "")}.new`;
  const { exit, stdout, stderr } = await call({ images: [GOOD], out });
  assert.deepEqual([exit, stdout, admittedOf(readFileSync(out, "utf8"))], [0, "", { "good:1.0.0": good.digest }]);
  assert.ok(stderr.includes(`EXPERIMENTAL_BUILDKIT_SOURCE_POLICY=${out} docker buildx build`), stderr);
  assert.equal((await call({ images: [BAD], quiet: true })).stderr, "");
  await assert.rejects(call({ images: [GOOD], out: "/absent/policy.json" }), UsageError);
});

const wrong: Readonly<Record<string, Partial<SourcePolicyArguments>>> = {
  "no image": {},
  "an image on disk": { images: ["oci:dir"] },
  "a name that none can have": { images: ["acme/*"] },
  "options of a Dockerfile without one": { images: [GOOD], target: "a" },
  "two lists on standard input": { dockerfile: "-", imagesFrom: "-" },
  "a platform that is none": { images: [GOOD], platform: ["linux"] },
  "a policy that isn't there": { images: [GOOD], policy: "absent.yml" },
};
for (const [what, args] of Object.entries(wrong)) {
  test(`${what} is wrong usage, and nothing is written`, async () => {
    const out = `${write("wrong.json", "")}.new`;
    await assert.rejects(call({ ...args, out }), UsageError);
    assert.ok(!existsSync(out));
  });
}

test("a Dockerfile that BuildKit refuses is exit code 2 with file, line and column, and no policy", async () => {
  const { exit, stdout, stderr } = await call({ dockerfile: "-" }, "FROM a\nFOO b\n");
  assert.deepEqual([exit, stdout], [2, ""]);
  assert.match(stderr, /^<stdin>:2:1: /);
});

test("the command line takes it all, and its help tells the options, exit codes and examples", async () => {
  const { exit, stdout } = await trustedBuilds(["source-policy", "--help"]);
  assert.equal(exit, 0);
  for (const option of ["images-from", "dockerfile", "target", "platform", "deny-other-sources", "policy"])
    assert.match(stdout, new RegExp(`^ {2}--${option}\\b`, "m"));
  assert.deepEqual(
    [...stdout.matchAll(/^ {2}(\d) {2}\S/gm)].map(([, code]) => code),
    ["0", "1", "2", "3", "4"],
  );
  assert.doesNotMatch(stdout, /default: \[\]|default: false/);
  const made = await trustedBuilds(["source-policy", "--policy", policy, "--platform", "linux/amd64", GOOD]);
  assert.deepEqual([made.exit, admittedOf(made.stdout)], [0, { "good:1.0.0": good.digest }]);
});
