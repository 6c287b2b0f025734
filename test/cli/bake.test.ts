import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { UsageError } from "../../src/cli/exit-code.ts";
import { bakeSchema } from "../../src/report/dockerfile-json.ts";
import { toolchain } from "../world/toolchain.ts";
import { dockerfile, imagesOf } from "./dockerfile-call.ts";

const directory = mkdtempSync(join(tmpdir(), "bake-"));
after(() => rmSync(directory, { recursive: true, force: true }));
const write = (name: string, text: string) => {
  const path = join(directory, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
};

/** A PATH with a docker that is a shell script. */
function docker(script: string): Readonly<Record<string, string>> {
  const path = write(`${Math.random()}/docker`, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return { PATH: dirname(path) };
}
const printing = (document: unknown) => docker(`echo '${JSON.stringify(document)}'`);

const file = write("docker-bake.hcl", "");
const baked = async (env: Readonly<Record<string, string>>, bakeTarget: string[] = [], bake = [file]) => {
  const { stdout, exit } = await dockerfile(undefined, { bake, bakeTarget }, { env });
  return { exit, targets: stdout === "" ? [] : bakeSchema.parse(JSON.parse(stdout)).targets };
};

test("bake files are read by the real buildx: inheritance, arguments, contexts, inline files, platforms and targets", async (t) => {
  const tools = await toolchain(t, ["dockerd"]);
  if (tools === undefined) return;
  write("real/ctx/Dockerfile", "ARG V\nFROM other AS b\nFROM alpine:$V AS final\nCOPY --from=b / /\nFROM busybox\n");
  write("real/Dockerfile.base", "FROM golang AS tools\nFROM scratch\nCOPY --from=tools / /\n");
  const hcl = write(
    "real/docker-bake.hcl",
    `variable "VERSION" { default = "3.19" }
group "default" { targets = ["app", "inline"] }
target "base" {
  context = "${join(directory, "real")}"
  dockerfile = "Dockerfile.base"
}
target "common" { args = { V = VERSION } }
target "app" {
  inherits = ["common"]
  context = "${join(directory, "real/ctx")}"
  target = "final"
  platforms = ["linux/arm64"]
  contexts = { other = "target:base" }
}
target "inline" { dockerfile-inline = "FROM node:24\\n" }
`,
  );
  const env = { ...tools.env, HOME: directory, VERSION: "edge" };
  const { exit, targets } = await baked(env, [], [hcl]);
  assert.equal(exit, 0);
  assert.deepEqual(
    targets.map((each) => [each.bakeTarget, each.target, ...imagesOf(each)]),
    [
      ["app", "final", "2 input golang:latest linux/amd64", "3 base alpine:edge linux/arm64"],
      ["base", "1", "1 base golang:latest linux/amd64"],
      ["inline", "0", "1 base node:24 linux/amd64"],
    ],
  );
  const one = await baked(env, ["inline"], [hcl]);
  assert.deepEqual(
    one.targets.map(({ bakeTarget }) => bakeTarget),
    ["inline"],
  );
  await assert.rejects(baked(env, ["nope"], [hcl]), /buildx bake --print/);
});

test("another target that may add instructions, and one that is nowhere, stay unresolved", async () => {
  write("chain/Dockerfile", "FROM other\n");
  write("chain/on/Dockerfile", "FROM scratch\nONBUILD RUN true\n");
  const app = { context: join(directory, "chain"), contexts: { other: "target:on" } };
  const on = { context: join(directory, "chain/on") };
  for (const target of [{ app, on }, { app }, { app: { ...app, contexts: { other: "target:app" } } }]) {
    const { exit, targets } = await baked(printing({ target }));
    assert.deepEqual([exit, targets[0]?.unresolved.length], [1, 1]);
  }
});

test("another target is taken for the same platform, or for the only one that it is built for", async () => {
  write("platforms/Dockerfile", "FROM other\n");
  write("platforms/base/Dockerfile", "FROM alpine\n");
  const told = async (platforms: readonly string[]) => {
    const app = {
      context: join(directory, "platforms"),
      platforms: ["linux/arm64"],
      contexts: { other: "target:base" },
    };
    const base = { context: join(directory, "platforms/base"), platforms };
    const { targets } = await baked(printing({ target: { app, base } }), []);
    return targets[0] && [...imagesOf(targets[0]), ...targets[0].unresolved.map(({ written }) => written)];
  };
  assert.deepEqual(await told(["linux/amd64", "linux/arm64"]), ["1 base alpine:latest linux/arm64"]);
  assert.deepEqual(await told(["linux/s390x"]), ["1 base alpine:latest linux/s390x"]);
  assert.deepEqual(await told(["linux/amd64", "linux/s390x"]), ["target:base"]);
});

test("a Dockerfile that isn't on this machine is an error, and nothing is fetched", async () => {
  for (const target of [
    { context: "https://example.org/app.git#main" },
    { context: "git@example.org:acme/app" },
    { context: "-" },
    { dockerfile: "https://example.org/Dockerfile" },
  ]) {
    await assert.rejects(baked(printing({ target: { app: target } })), /isn't on this machine/);
  }
  const absent = { context: directory, dockerfile: "nope" };
  await assert.rejects(baked(printing({ target: { app: absent } })), UsageError);
});

test("without docker or buildx the error says what to install, and what to do without", async () => {
  const missing = /buildx.*installing.*name the Dockerfile/;
  await assert.rejects(baked({ PATH: join(directory, "empty") }), missing);
  await assert.rejects(baked(docker('echo "docker: unknown command: docker buildx" >&2; exit 1')), missing);
  await assert.rejects(baked(docker("echo 'unknown flag: --print' >&2; exit 125")), missing);
});

test("what buildx prints is bounded, and must be what it prints", async () => {
  const endless = docker(
    "while :; do echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa; done",
  );
  await assert.rejects(baked(endless), /more than \d+ bytes/);
  const rejected = [
    docker("echo no JSON"),
    docker("echo '{}'"),
    docker(`echo '{"target":{}}'`),
    printing({ target: { app: { platforms: "all" } } }),
    printing({ target: { app: { contexts: { a: 1 } } } }),
    docker("exit 3"),
  ];
  for (const env of rejected) await assert.rejects(baked(env), UsageError);
});

test("no target's name is taken for an option, an address or a shell's word", async () => {
  const env = docker('echo "$@" >"$0.args"; exit 1');
  for (const name of ["--set=*.output=x", "-f", "https://example.org/app.git", "git@example.org:a", "a b", "", "$(x)"])
    await assert.rejects(baked(env, [name]), /--bake-target/);
  await assert.rejects(baked(env, ["app"], ["--builder=x"]), UsageError);
  assert.equal(
    readFileSync(join(env.PATH ?? "", "docker.args"), "utf8"),
    "buildx bake --print --progress=quiet --file=--builder=x app\n",
  );
});

test("what a bake file says can't be given beside it", async () => {
  for (const args of [{ target: "a" }, { platform: ["linux/amd64"] }, { buildArg: ["a=b"] }, { buildContext: ["a=b"] }])
    await assert.rejects(dockerfile(undefined, { bake: [file], ...args }), /leave them out/);
});
