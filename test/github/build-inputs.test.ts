import assert from "node:assert/strict";
import { test } from "node:test";
import type { BuildRequest } from "../../src/build/build.ts";
import { buildInputs, requestJson } from "../../src/github/build-inputs.ts";

const whole: BuildRequest = {
  image: "ghcr.io/acme/app",
  tags: ["v1.0.0", "latest"],
  dockerfile: "docker/Dockerfile",
  context: "docker",
  target: "final",
  platforms: ["linux/amd64", "linux/arm64"],
  buildArgs: { VERSION: '1.0.0 "quoted" $(x)' },
  contexts: { base: "docker-image://ghcr.io/acme/base" },
  secrets: ["npm"],
  workflow: "trusted-builds.yml",
};

test("R9 the workflow gets the build's id and the whole request as JSON, and no more", () => {
  const inputs = buildInputs({ id: "b-1", request: whole });
  assert.deepEqual(Object.keys(inputs), ["build-id", "request"]);
  assert.equal(inputs["build-id"], "b-1");
  assert.deepEqual(JSON.parse(inputs.request), {
    image: "ghcr.io/acme/app",
    tags: ["v1.0.0", "latest"],
    dockerfile: "docker/Dockerfile",
    context: "docker",
    target: "final",
    platforms: ["linux/amd64", "linux/arm64"],
    "build-args": { VERSION: '1.0.0 "quoted" $(x)' },
    contexts: { base: "docker-image://ghcr.io/acme/base" },
    secrets: ["npm"],
  });
});

test("what isn't asked for isn't in the request", () => {
  const { context: _context, target: _target, platforms: _platforms, ...least } = whole;
  assert.deepEqual(Object.keys(JSON.parse(requestJson({ ...least, buildArgs: {}, contexts: {}, secrets: [] }))), [
    "image",
    "tags",
    "dockerfile",
    "build-args",
    "contexts",
    "secrets",
  ]);
});
