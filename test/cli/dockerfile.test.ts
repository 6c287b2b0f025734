import assert from "node:assert/strict";
import { test } from "node:test";
import { UsageError } from "../../src/cli/exit-code.ts";
import { dockerfileSchema } from "../../src/report/dockerfile-json.ts";
import { trustedBuilds } from "../verify/command.ts";
import { temporaryFiles } from "../verify/temporary-files.ts";
import { dockerfile, imagesOf } from "./dockerfile-call.ts";

const write = temporaryFiles();
const file = write(
  "Dockerfile",
  `# syntax=docker/dockerfile:1
ARG VERSION=3.19
FROM --platform=$BUILDPLATFORM alpine:$VERSION AS build
FROM busybox AS unused
FROM alpine:3.20
COPY --from=build / /
ADD https://example.org/x /x
`,
);

test("the command line reads a Dockerfile, and its options, as docker build's", async () => {
  const args = [
    "--target",
    "unused",
    "--platform",
    "linux/arm64",
    "--all-stages",
    "--build-arg",
    "VERSION=1",
    "--output",
    "json",
  ];
  const { exit, stdout, stderr } = await trustedBuilds(["dockerfile", ...args, file]);
  assert.deepEqual([exit, stderr], [0, ""]);
  const document = dockerfileSchema.parse(JSON.parse(stdout));
  assert.deepEqual(imagesOf(document), [
    "1 frontend docker.io/docker/dockerfile:1 linux/amd64",
    "3 base alpine:1 linux/amd64",
    "4 base busybox:latest linux/arm64",
    "5 base alpine:3.20 linux/arm64",
  ]);
  assert.deepEqual(
    document.images.map(({ reached }) => reached),
    [true, false, true, false],
  );
});

test("the help tells every option, the exit codes, and examples", async () => {
  const { exit, stdout } = await trustedBuilds(["dockerfile", "--help"]);
  assert.equal(exit, 0);
  for (const option of [
    "target",
    "platform",
    "build-arg",
    "build-context",
    "all-stages",
    "bake",
    "judge",
    "onbuild",
    "pin",
    "policy",
  ])
    assert.match(stdout, new RegExp(`^ {2}--${option} `, "m"));
  assert.deepEqual(
    [...stdout.matchAll(/^ {2}(\d) {2}\S/gm)].map(([, code]) => code),
    ["0", "1", "2", "3", "4"],
  );
  assert.match(stdout, /Examples?:\n {2}trusted-builds /);
  assert.doesNotMatch(stdout, /default: \[\]|default: false/);
});

test("by default only what the target reaches is told, for linux/amd64, with names as Docker completes them", async () => {
  const { exit, document } = await dockerfile(file);
  assert.equal(exit, 0);
  assert.deepEqual(imagesOf(document), [
    "1 frontend docker.io/docker/dockerfile:1 linux/amd64",
    "3 base alpine:3.19 linux/amd64",
    "5 base alpine:3.20 linux/amd64",
  ]);
  assert.deepEqual(document?.images[1], {
    ...{ reference: "docker.io/library/alpine:3.19", platform: "linux/amd64", role: "base", stage: "build" },
    ...{ line: 3, endLine: 3, by: "FROM", written: "alpine:$VERSION", pinned: false, reached: true },
  });
  assert.deepEqual(
    document?.others.map(({ kind, text, line }) => [kind, text, line]),
    [["http", "https://example.org/x", 7]],
  );
  assert.deepEqual(
    document?.stages.map(({ name, reached }) => [name, reached]),
    [
      ["build", true],
      ["unused", false],
      [null, true],
    ],
  );
});

test("several platforms tell the images of each, and what is the same for them once", async () => {
  for (const platform of [["linux/arm64,linux/amd64"], ["linux/arm64", "linux/amd64", "linux/x86_64"]]) {
    const { document } = await dockerfile(file, { platform });
    assert.deepEqual(imagesOf(document).slice(1), [
      "3 base alpine:3.19 linux/amd64",
      "5 base alpine:3.20 linux/arm64",
      "5 base alpine:3.20 linux/amd64",
    ]);
  }
});

test("a build argument without value takes the environment's, and is none where there is none", async () => {
  const base = async (buildArg: string[], env: Record<string, string> = {}) =>
    imagesOf((await dockerfile(file, { buildArg }, { env })).document)[1];
  assert.equal(await base(["VERSION"], { VERSION: "2" }), "3 base alpine:2 linux/amd64");
  assert.equal(await base(["VERSION"]), "3 base alpine:3.19 linux/amd64");
  assert.equal(await base(["VERSION=1", "VERSION=4"], { VERSION: "2" }), "3 base alpine:4 linux/amd64");
});

test("a build context stands in for an image", async () => {
  const { document } = await dockerfile(file, { buildContext: ["alpine:3.20=docker-image://alpine:edge"] });
  assert.deepEqual(imagesOf(document)[2], "5 base alpine:edge linux/amd64");
});

test("what can't be made out is told with its line and why, and is exit code 1", async () => {
  const stdin = "FROM scratch\nFROM $NOPE AS b\nFROM scratch\nCOPY --from=b / /\n";
  const { exit, document } = await dockerfile("-", {}, { stdin });
  assert.equal(exit, 1);
  assert.deepEqual(
    document?.unresolved.map(({ line, role, written, stage }) => [line, role, written, stage]),
    [[2, "base", "$NOPE", "b"]],
  );
  const other = { target: "0" };
  assert.equal((await dockerfile("-", other, { stdin })).exit, 0);
  assert.equal((await dockerfile("-", { ...other, allStages: true }, { stdin })).exit, 1);
});

test("a file that BuildKit refuses is exit code 2, with file, line and column, and no document", async () => {
  const refused = async (stdin: string, args = {}) => {
    const { exit, stdout, stderr } = await dockerfile("-", args, { stdin });
    return [exit, stdout, stderr.replace(/: .*/s, "")];
  };
  assert.deepEqual(await refused("FROM a\n\nFOO b\n"), [2, "", "<stdin>:3:1"]);
  assert.deepEqual(await refused(""), [2, "", "<stdin>:1:1"]);
  assert.deepEqual(await refused("FROM a\n", { target: "nope" }), [2, "", "<stdin>:1:1"]);
  const { stderr } = await dockerfile(write("bad", "FROM a\n\u001b[2JFOO\n"), {});
  assert.match(stderr, /^[^:]*bad:2:1: [^\n]*\n$/);
  assert.ok(!stderr.includes("\u001b"));
});

test("no more is read of a file, or of standard input, than a Dockerfile may be long", async () => {
  const { exit, stderr } = await dockerfile("/dev/zero");
  assert.equal(exit, 2);
  assert.match(stderr, /^\/dev\/zero:1:1: the file is larger than /);
  assert.equal((await dockerfile("-", {}, { stdin: "#".repeat(2 ** 21) })).exit, 2);
});

test("the table shows unpinned images, what can't be made out, and nothing of a stranger raw", async () => {
  const digest = `sha256:${"ab".repeat(32)}`;
  const stdin = `FROM alpine:3.19 AS a\nFROM busybox@${digest}\nCOPY --from=a / /\nADD https://example.org/\u001b[2J\u202e /x\nFROM $X AS c\n`;
  const { stdout, exit } = await dockerfile("-", { output: "text", allStages: true }, { stdin });
  assert.equal(exit, 1);
  const lineOf = (word: string) => stdout.split("\n").find((line) => line.includes(word)) ?? "";
  assert.match(
    lineOf("alpine:3.19"),
    /^ +1 {2}base +linux\/amd64 +a +docker.io\/library\/alpine:3.19 {2}\? no digest {2}not reached$/,
  );
  assert.match(lineOf("busybox"), /@sha256:[0-9a-f]{64} {2}not reached$/);
  assert.match(lineOf("example.org"), /no checksum/);
  assert.match(lineOf("$X"), /✖ unresolved: /);
  assert.doesNotMatch(stdout.replaceAll("\n", ""), /[\p{Cc}\p{Cf}]/u);
});

const wrong: Readonly<Record<string, Parameters<typeof dockerfile>>> = {
  "no file": [undefined],
  "a file and bake files": [file, { bake: ["docker-bake.hcl"] }],
  "a bake target without bake files": [file, { bakeTarget: ["app"] }],
  "a platform that is none": [file, { platform: ["linux"] }],
  "a builder's platform that is none": [file, { buildPlatform: "" }],
  "a build argument without a name": [file, { buildArg: ["=x"] }],
  "a build context without a value": [file, { buildContext: ["alpine"] }],
  "a build context that none can be called": [file, { buildContext: ["A B=docker-image://alpine"] }],
  "a file that isn't there": ["absent"],
  "a folder": ["/"],
  "a policy that nothing is judged by": [file, { policy: "policy.yml" }],
  "pins in standard input": ["-", { pin: true }],
  "pins in bake files": [undefined, { pin: true, bake: ["docker-bake.hcl"] }],
};
for (const [what, args] of Object.entries(wrong)) {
  test(`${what} is wrong usage`, async () => {
    await assert.rejects(dockerfile(...args), UsageError);
  });
}
