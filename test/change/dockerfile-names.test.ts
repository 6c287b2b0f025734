import assert from "node:assert/strict";
import { test } from "node:test";
import { dockerfilesAmong, isDockerfileName } from "../../src/change/dockerfile-names.ts";

test("a file is named like a Dockerfile in each way that people do", () => {
  const named = [
    "Dockerfile",
    "a/b/Dockerfile",
    "Containerfile",
    "Dockerfile.alpine",
    "x/Containerfile.ubi",
    "app.Dockerfile",
  ];
  for (const path of [
    ...named,
    "dockerfile",
    "a/dockerfile",
    "app.dockerfile",
    "APP.DOCKERFILE",
    "x.containerfile",
    "é/Dockerfile.ü",
  ])
    assert.equal(isDockerfileName(path), true, path);
});

test("what stands beside a Dockerfile isn't one", () => {
  const others = [
    "Dockerfile.dockerignore",
    "app.Dockerfile.dockerignore",
    "Dockerfile/readme",
    "dockerfiles",
    "MyDockerfile",
  ];
  for (const path of [...others, "Dockerfile.", "docker-compose.yml", "", "/", `${"a".repeat(2000)}/Dockerfile`])
    assert.equal(isDockerfileName(path), false, path);
});

test("a list of Dockerfiles is cut with a count, the nearest first, in whatever order the files come", () => {
  const paths = ["z/Dockerfile", "a/b/Dockerfile", "Dockerfile", "readme.md", "a/Dockerfile"];
  const expected = { paths: ["Dockerfile", "a/Dockerfile", "z/Dockerfile"], left: 1 };
  assert.deepEqual(dockerfilesAmong(paths, 3), expected);
  assert.deepEqual(dockerfilesAmong(paths.toReversed(), 3), expected);
});
