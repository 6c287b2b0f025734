import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, afterEach, test } from "node:test";
import { UsageError } from "../../src/cli/exit-code.ts";
import { OCI_IMAGE_CONFIG, OCI_IMAGE_MANIFEST } from "../../src/image/media-type.ts";
import { bakeSchema } from "../../src/report/dockerfile-json.ts";
import { parsePolicy } from "../../src/trust/policy.ts";
import { jsonBytes, putImage } from "../registry/image-fixture.ts";
import { temporaryFiles } from "../verify/temporary-files.ts";
import { startOciRegistry } from "../world/oci-registry.ts";
import { dockerfile } from "./dockerfile-call.ts";

const write = temporaryFiles();
const registry = await startOciRegistry();
after(() => registry.close());
afterEach(() => registry.heal());

const [good, bad] = [putImage(registry, "1.0.0", "acme/good"), putImage(registry, "2.0.0", "acme/bad")];
const [GOOD, BAD] = [`${registry.host}/acme/good:1.0.0`, `${registry.host}/acme/bad:2.0.0`];
const policyText = `version: 1
trust:
  roots: [{ image: "${registry.host}/acme/good@${good.digest}", reason: "looked at it", expires: 2099-01-01 }]
`;
parsePolicy(Buffer.from(policyText), "policy.yml");
const policy = write("policy.yml", policyText);
const allowed = { allowHost: [registry.host] };
const judged = { ...allowed, judge: true, policy };

/** An image whose config has instructions for builds on it. */
function putBase(repository: string, triggers: readonly string[]): string {
  const config = jsonBytes({
    architecture: "amd64",
    os: "linux",
    rootfs: { type: "layers", diff_ids: [] },
    config: { OnBuild: triggers },
  });
  const digest = registry.putBlob(repository, config);
  const manifest = jsonBytes({
    schemaVersion: 2,
    mediaType: OCI_IMAGE_MANIFEST,
    config: { mediaType: OCI_IMAGE_CONFIG, digest, size: config.length },
    layers: [],
  });
  registry.putManifest(repository, manifest, OCI_IMAGE_MANIFEST, "1.0.0");
  return `${registry.host}/${repository}:1.0.0`;
}

test("without --judge, --onbuild and --pin nothing is asked of anybody", async () => {
  const before = registry.requests.length;
  assert.equal((await dockerfile(write("Dockerfile", `FROM ${GOOD}\n`), allowed)).exit, 0);
  assert.equal(registry.requests.length, before);
});

test("--judge forecasts by the policy, with the exit codes of verify", async () => {
  const outcomes: unknown[] = [];
  const judge = async (text: string, args = {}) => {
    const { exit, document } = await dockerfile(write("Dockerfile", text), { ...judged, ...args });
    const { forecast } = document ?? {};
    const codes = [...(forecast?.faults ?? []), ...(forecast?.unreachable ?? [])].map(
      ({ code, lines }) => `${code} ${lines.map(({ line }) => line)}`,
    );
    outcomes.push([exit, forecast?.forecast, ...new Set(codes)]);
  };
  await judge(`FROM ${GOOD}\n`);
  await judge(`# a\nFROM ${GOOD} AS a\nFROM ${BAD}\n`);
  await judge(`FROM ${GOOD} AS a\nFROM ${BAD} AS b\n`, { target: "a", allStages: true });
  await judge(`FROM ${registry.host}/acme/good:nope\n`);
  await judge("FROM $NOPE\n");
  registry.fail(/\/manifests\//, { status: 500 });
  await judge(`FROM ${GOOD}\n`);
  registry.heal();
  registry.fail(/\/manifests\//, { status: 403 });
  await judge(`FROM ${GOOD}\n`);
  registry.heal();
  await judge(`FROM ${GOOD}\n`, { offline: true });
  await judge(`FROM ${GOOD}\n`, { allowHost: [] });
  assert.deepEqual(outcomes, [
    [0, "trusted"],
    [1, "untrusted", "unattested 3"],
    [0, "trusted"],
    [1, "untrusted", "tag-not-found 1"],
    [1, "untrusted", "unresolved 1"],
    [3, "undetermined", "server-error 1"],
    [4, "undetermined", "credentials-refused 1"],
    [3, "undetermined", "offline 1"],
    [3, "undetermined", "address-refused 1"],
  ]);
});

test("--judge as text says that it is a forecast, and of which file", async () => {
  const file = write("Dockerfile", `FROM ${GOOD}\n`);
  const { exit, stdout } = await dockerfile(file, { ...judged, output: "text" });
  assert.equal(exit, 0);
  assert.ok(stdout.includes(`✔ WOULD BE TRUSTED  ${file}`), stdout);
});

test("a file that BuildKit refuses is judged by nobody", async () => {
  const { exit, stdout, stderr } = await dockerfile(write("Dockerfile", `FROM ${GOOD}\nFOO\n`), judged);
  assert.deepEqual([exit, stdout], [2, ""]);
  assert.match(stderr, /Dockerfile:2:1: /);
});

test("instructions that a base adds are read with --judge and --onbuild, and told at the FROM that brings them", async () => {
  const base = putBase("acme/onbuild", [`COPY --from=${BAD} / /`]);
  const file = write("Dockerfile", `# a\nFROM ${base}\n`);
  const inherited = async (args = {}) => {
    const { document, exit } = await dockerfile(file, { ...allowed, ...args });
    return [exit, ...(document?.images ?? []).map(({ by, line }) => `${by} ${line}`)];
  };
  assert.deepEqual(await inherited(), [0, "FROM 2"]);
  assert.deepEqual(await inherited({ onbuild: true }), [0, "FROM 2", "ONBUILD 2"]);
  assert.deepEqual(await inherited(judged), [1, "FROM 2", "ONBUILD 2"]);
});

test("a base that can't be asked what it adds is exit code 3, and never silent", async () => {
  registry.fail(/\/blobs\//, { status: 500 });
  const { exit, stderr } = await dockerfile(write("Dockerfile", `FROM ${GOOD}\n`), { ...allowed, onbuild: true });
  assert.equal(exit, 3);
  assert.match(
    stderr,
    /^trusted-builds: what \S+acme\/good:1.0.0 linux\/amd64 adds to builds on it isn't known: .*\n$/,
  );
});

test("--pin writes the digest beside each tag, and leaves every other byte", async () => {
  const text = `\ufeff# FROM ${GOOD}\r\nARG BASE=${BAD}\r\nFROM "${GOOD}" AS a # no comment\r\n`.replace(
    " # no comment",
    "",
  );
  const rest = `FROM \${BASE}\r\nCOPY --from=${GOOD} / /\r\nCOPY --from=a / /\r\nFROM ${registry.host}/acme/unused:1 AS u\r\n`;
  const file = write("Dockerfile", text + rest);
  const { exit, document } = await dockerfile(file, { ...allowed, pin: true, target: "1" });
  assert.equal(exit, 0);
  const pinned = (name: string, { digest }: { readonly digest: string }) => `${name}@${digest}`;
  assert.equal(
    readFileSync(file, "utf8"),
    (text + rest)
      .replace(`BASE=${BAD}`, `BASE=${pinned(BAD, bad)}`)
      .replace(`"${GOOD}"`, `"${pinned(GOOD, good)}"`)
      .replace(`from=${GOOD}`, `from=${pinned(GOOD, good)}`),
  );
  assert.deepEqual(
    document?.pins?.written.map(({ line, to }) => [line, to]),
    [
      [3, pinned(GOOD, good)],
      [4, pinned(BAD, bad)],
      [5, pinned(GOOD, good)],
    ],
  );
  const again = await dockerfile(file, { ...allowed, pin: true, target: "1" });
  assert.deepEqual([again.exit, again.document?.pins], [0, { written: [], left: [] }]);
});

test("--judge --pin pins only what is trusted, to the digest that was judged", async () => {
  const file = write("Dockerfile", `FROM ${BAD} AS a\nFROM ${GOOD}\nCOPY --from=a / /\n`);
  const { exit, document } = await dockerfile(file, { ...judged, pin: true });
  assert.equal(exit, 1);
  assert.equal(readFileSync(file, "utf8"), `FROM ${BAD} AS a\nFROM ${GOOD}@${good.digest}\nCOPY --from=a / /\n`);
  assert.deepEqual(
    document?.pins?.left.map(({ line, why }) => [line, why]),
    [[1, "it isn't trusted"]],
  );
});

test("--pin leaves what can't be resolved or isn't in one piece, and says so", async () => {
  const lines = [`FROM ${registry.host}/acme/good:nope AS a`, "ARG V=1.0.0", `FROM ${GOOD}`, "COPY --from=a / /"];
  const file = write("Dockerfile", lines.join("\n"));
  const absent = await dockerfile(file, { ...allowed, pin: true });
  assert.deepEqual([absent.exit, absent.document?.pins?.left.map(({ line }) => line)], [1, [1]]);
  registry.fail(/\/manifests\//, { status: 500 });
  const unreached = await dockerfile(write("Dockerfile", `FROM ${GOOD}\n`), { ...allowed, pin: true });
  assert.deepEqual([unreached.exit, unreached.document?.pins?.written], [3, []]);
  registry.heal();
  const text = `ARG V=1.0.0\nFROM ${registry.host}/acme/good:$V\n`;
  const mixed = write("Dockerfile", text);
  const { exit, document } = await dockerfile(mixed, { ...allowed, pin: true });
  assert.deepEqual([exit, document?.pins?.left.map(({ why }) => why)], [0, ["it isn't written out in one piece"]]);
  assert.equal(readFileSync(mixed, "utf8"), text);
});

test("--pin leaves a file that isn't UTF-8 as it is", async () => {
  const bytes = Buffer.concat([Buffer.from(`FROM ${GOOD}\n# `), Buffer.of(0xff), Buffer.from("\n")]);
  const file = write("Dockerfile", bytes);
  await assert.rejects(dockerfile(file, { ...allowed, pin: true }), UsageError);
  assert.deepEqual(readFileSync(file), bytes);
});

test("what isn't known of a target's base isn't known of what is built on that target", async () => {
  const directory = dirname(write("marker", ""));
  const [base, app] = [write("Dockerfile", `FROM ${GOOD}\n`), write("Dockerfile", "FROM other\n")];
  const target = {
    app: { context: directory, dockerfile: app, contexts: { other: "target:base" } },
    base: { context: directory, dockerfile: base },
  };
  const docker = join(mkdtempSync(join(directory, "bin-")), "docker");
  writeFileSync(docker, `#!/bin/sh\necho '${JSON.stringify({ target })}'\n`, { mode: 0o755 });
  const outcomes = async () => {
    const env = { PATH: dirname(docker) };
    const { stdout, exit } = await dockerfile(undefined, { ...judged, bake: ["docker-bake.hcl"] }, { env });
    const { targets } = bakeSchema.parse(JSON.parse(stdout));
    return [exit, ...targets.map(({ forecast }) => [forecast?.forecast, forecast?.parents.map(({ role }) => role)])];
  };
  assert.deepEqual(await outcomes(), [0, ["trusted", ["base"]], ["trusted", ["base"]]]);
  registry.fail(/\/blobs\//, { status: 500 });
  assert.deepEqual(await outcomes(), [3, ["undetermined", ["base"]], ["undetermined", ["base"]]]);
});
