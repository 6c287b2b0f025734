import assert from "node:assert/strict";
import { test } from "node:test";
import { dockerfileSchema } from "../../src/report/dockerfile-json.ts";
import { trustedBuilds } from "../verify/command.ts";
import { temporaryFiles } from "../verify/temporary-files.ts";

const write = temporaryFiles();
const file = write(
  "Dockerfile",
  `# syntax=docker/dockerfile:1
ARG VERSION=3.19
FROM --platform=$BUILDPLATFORM alpine:$VERSION AS build
FROM busybox AS unused
FROM alpine:3.20
COPY --from=build / /
`,
);

test("dockerfile tells reference, platform, role, stage and line as JSON, of what the target reaches", async () => {
  const { exit, stdout, stderr } = await trustedBuilds(["dockerfile", "--output", "json", file]);
  assert.deepEqual([exit, stderr], [0, ""]);
  const document = dockerfileSchema.parse(JSON.parse(stdout));
  assert.deepEqual(
    document.images.map(({ reference, platform, role, stage, line }) => [reference, platform, role, stage, line]),
    [
      ["docker.io/docker/dockerfile:1", "linux/amd64", "frontend", null, 1],
      ["docker.io/library/alpine:3.19", "linux/amd64", "base", "build", 3],
      ["docker.io/library/alpine:3.20", "linux/amd64", "base", "2", 5],
    ],
  );
  assert.deepEqual([document.unresolved, document.target], [[], "2"]);
});
