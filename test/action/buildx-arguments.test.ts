import assert from "node:assert/strict";
import { test } from "node:test";
import { type BuildPlan, buildxArguments, pruneArguments } from "../../action/src/buildx-arguments.ts";

const plan: BuildPlan = {
  image: "ghcr.io/acme/app",
  tags: ["v1.0.0"],
  dockerfile: "Dockerfile",
  context: undefined,
  target: undefined,
  platforms: [],
  buildArgs: {},
  contexts: {},
  secrets: [],
  gitUrl: "https://github.com/acme/app.git",
  commit: "a".repeat(40),
  builderId: "https://github.com/acme/app/actions/runs/9/attempts/1",
  layout: "/tmp/x/layout",
  metadataFile: "/tmp/x/metadata.json",
};

test("the smallest build is of the commit, pulls its bases, records all, and pushes nothing", () => {
  assert.deepEqual(buildxArguments(plan), [
    "build",
    "--progress=plain",
    "--pull",
    "--sbom=false",
    "--attest=type=provenance,mode=max,version=v1,builder-id=https://github.com/acme/app/actions/runs/9/attempts/1",
    "--file=Dockerfile",
    "--tag=ghcr.io/acme/app:v1.0.0",
    "--output=type=oci,tar=false,dest=/tmp/x/layout",
    "--metadata-file=/tmp/x/metadata.json",
    `https://github.com/acme/app.git#${"a".repeat(40)}`,
  ]);
});

test("every part of a request has its own argument", () => {
  const all = buildxArguments({
    ...plan,
    tags: ["v1.0.0", "latest"],
    dockerfile: "docker/Dockerfile",
    context: "app",
    target: "final",
    platforms: ["linux/amd64", "linux/arm64"],
    buildArgs: { A: "1 2", B: "--push" },
    contexts: { dep: "docker-image://ghcr.io/acme/base:1" },
    secrets: [{ id: "npm-token", variable: "SECRET_0" }],
  });
  assert.deepEqual(all.slice(5, -3), [
    "--platform=linux/amd64",
    "--platform=linux/arm64",
    "--file=docker/Dockerfile",
    "--target=final",
    "--build-arg=A=1 2",
    "--build-arg=B=--push",
    "--build-context=dep=docker-image://ghcr.io/acme/base:1",
    "--secret=id=npm-token,env=SECRET_0",
    "--tag=ghcr.io/acme/app:v1.0.0",
    "--tag=ghcr.io/acme/app:latest",
  ]);
  assert.equal(all.at(-1), `https://github.com/acme/app.git#${"a".repeat(40)}:app`);
});

test("no value becomes another flag, whatever it is", () => {
  const hostile = "--push";
  const all = buildxArguments({
    ...plan,
    dockerfile: hostile,
    target: hostile,
    platforms: [hostile],
    buildArgs: { [hostile]: hostile },
    contexts: { [hostile]: hostile },
    tags: [hostile],
  });
  const flags = all.slice(1, -1).map((argument) => argument.replace(/=.*/s, ""));
  assert.deepEqual([...new Set(flags)].sort(), [
    "--attest",
    "--build-arg",
    "--build-context",
    "--file",
    "--metadata-file",
    "--output",
    "--platform",
    "--progress",
    "--pull",
    "--sbom",
    "--tag",
    "--target",
  ]);
});

test("a directory whose name has a comma stays one field", () => {
  const all = buildxArguments({ ...plan, layout: '/tmp/a,type=local,"b"' });
  assert.ok(all.includes('--output=type=oci,tar=false,"dest=/tmp/a,type=local,""b"""'));
});

test("only the clones of that repository are pruned", () => {
  assert.deepEqual(pruneArguments("https://github.com/acme/app.git"), [
    "prune",
    "--force",
    '--filter=description~=".* for https://github.com/acme/app.git.*"',
  ]);
});
