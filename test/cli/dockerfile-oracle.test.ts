import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { gunzipSync } from "node:zlib";
import pLimit from "p-limit";
import { z } from "zod";
import { parseDockerPurl } from "../../src/attestation/purl.ts";
import type { DockerfileArguments } from "../../src/cli/dockerfile.ts";
import { digestOf } from "../../src/image/digest.ts";
import { OCI_IMAGE_CONFIG, OCI_IMAGE_INDEX, OCI_IMAGE_MANIFEST } from "../../src/image/media-type.ts";
import { formatPlatform } from "../../src/image/platform.ts";
import { formatReference } from "../../src/image/reference.ts";
import { tarOf } from "../archive/on-disk.ts";
import { HOST_PLATFORM, rootfs } from "../world/build.ts";
import { testRepository } from "../world/registry.ts";
import { runningWorld, type Toolchain, toolchain } from "../world/toolchain.ts";
import { dockerfile } from "./dockerfile-call.ts";

/** What BuildKit says of a build that it has done. */
const Metadata = z.object({
  "buildx.build.provenance": z.object({ materials: z.array(z.object({ uri: z.string() })).default([]) }),
});
const Targets = z.object({
  targets: z.array(z.object({ name: z.string().optional(), default: z.boolean().optional(), base: z.string() })),
});

const directory = mkdtempSync(join(tmpdir(), "oracle-"));
const namespace = `oracle-${randomBytes(6).toString("hex")}`;
let world: Toolchain | string;
before(async () => {
  world = await runningWorld(["dockerd", "registry", "busybox"]);
  if (typeof world === "string") return;
  writeFileSync(join(directory, "f"), namespace);
  const shell = { layer: await rootfs(world), type: "application/vnd.oci.image.layer.v1.tar+gzip" };
  await Promise.all([
    putImage(world, "shell", [], shell),
    ...["one", "two", "three"].map((name) => putImage(world as Toolchain, name, [])),
    putImage(world, "outer", [`COPY --from=${nameOf(world, "one")} /f /inherited`, "COPY --from=tools /f /too"]),
  ]);
});
after(() => rmSync(directory, { recursive: true, force: true }));

function nameOf({ registry }: Toolchain, name: string): string {
  return `${registry}/${namespace}/${name}:1`;
}

/** Puts an image for two platforms there, with a file `f`. */
async function putImage(
  toolchain: Toolchain,
  name: string,
  triggers: readonly string[],
  shell?: { readonly layer: Uint8Array; readonly type: string },
): Promise<void> {
  const repository = testRepository(toolchain, nameOf(toolchain, name));
  const tar = tarOf(new Map([["f", Buffer.from(name)]]));
  const { layer, type } = shell ?? { layer: tar, type: "application/vnd.oci.image.layer.v1.tar" };
  const blob = await repository.writeBlob(layer);
  const content = shell === undefined ? blob : digestOf(gunzipSync(layer));
  const manifests = [];
  for (const architecture of ["amd64", "arm64"]) {
    const config = Buffer.from(
      JSON.stringify({
        ...{ os: "linux", architecture, rootfs: { type: "layers", diff_ids: [content] } },
        config: { OnBuild: triggers, Env: ["PATH=/bin"] },
      }),
    );
    const digest = await repository.writeBlob(config);
    const manifest = Buffer.from(
      JSON.stringify({
        ...{ schemaVersion: 2, mediaType: OCI_IMAGE_MANIFEST },
        config: { mediaType: OCI_IMAGE_CONFIG, digest, size: config.length },
        layers: [{ mediaType: type, digest: blob, size: layer.length }],
      }),
    );
    const written = await repository.writeManifest(manifest, OCI_IMAGE_MANIFEST);
    const platform = { os: "linux", architecture };
    manifests.push({ mediaType: OCI_IMAGE_MANIFEST, digest: written, size: manifest.length, platform });
  }
  const index = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: OCI_IMAGE_INDEX, manifests }));
  await repository.writeManifest(index, OCI_IMAGE_INDEX, "1");
}

/** What a build has used, by its own record. */
async function builtWith(toolchain: Toolchain, file: string, args: readonly string[]): Promise<readonly string[]> {
  const metadata = `${file}.json`;
  const flags = ["--pull", "--progress=plain", "--output=type=cacheonly", `--metadata-file=${metadata}`];
  const command = ["buildx", "build", ...flags, `--file=${file}`, ...args, directory];
  await toolchain.run("docker", command, { env: { BUILDX_METADATA_PROVENANCE: "max" } });
  const { "buildx.build.provenance": provenance } = Metadata.parse(JSON.parse(readFileSync(metadata, "utf8")));
  return provenance.materials
    .map(({ uri }) => parseDockerPurl(uri))
    .map(({ reference, platform }) => `${formatReference(reference)} ${platform && formatPlatform(platform)}`)
    .sort();
}

/** `I:name` in a text is an image of the world. */
interface Case {
  readonly file: string;
  readonly args?: Partial<DockerfileArguments>;
}

const cases: Readonly<Record<string, Case>> = {
  "stages, one of them unused, arguments and their defaults": {
    file: `ARG NAME=one
ARG TAG=\${NAME:+1}
ARG OTHER=three
ARG GIVEN
FROM I:/\${NAME}:\${TAG} AS a
FROM I:/\${OTHER#th}:1 AS unused
FROM I:/\${GIVEN:-nothing}:1
COPY --chown=0:0 --from=A /f /a
COPY --from=0 /f /b
`,
    args: { buildArg: ["GIVEN=two"] },
  },
  "COPY --from an image, continued, and a stage that is called as one": {
    file: `FROM I:one AS two
FROM two
COPY --link \\
  # a comment
  --from=I:three /f /a
COPY --from=TWO /f /b
`,
  },
  "RUN with mounts from images": {
    file: `FROM I:shell
RUN --network=none --mount=type=cache,target=/c --mount=target=/x,"from=I:one" ["/bin/cat", "/x/f"]
RUN --network=none --mount=type=bind,from=I:two,target=/y,source=f cat /y
`,
  },
  platforms: {
    file: `FROM --platform=$BUILDPLATFORM I:one AS build
FROM --platform=linux/arm64 I:two AS arm
FROM I:three
COPY --from=build /f /a
COPY --from=arm /f /b
`,
    args: { platform: ["linux/arm64"], buildPlatform: HOST_PLATFORM },
  },
  "named contexts in the place of an image, and of a stage": {
    file: `FROM I:one AS base
FROM alpine
COPY --from=base /f /a
COPY --from=tools /f /b
`,
    args: {
      buildContext: ["alpine=docker-image://I:two", "tools=docker-image://I:three", "base=docker-image://I:three"],
    },
  },
  "instructions of the base, and a stage that only they need": {
    file: `FROM I:three AS unneeded
FROM I:two AS tools
FROM I:outer
`,
  },
  "heredocs that look like instructions": {
    file: `FROM I:shell
COPY <<ONE <<-"TWO" /d/
FROM I:one
ONE
	COPY --from=I:one /f /f
	TWO
RUN --network=none cat <<EOF
it's
FROM I:three
EOF
COPY --from=I:two /f /f
`,
  },
  "an escape of another kind, CRLF and a byte order mark": {
    file: "\ufeff# escape=`\r\nFROM `\r\n  I:one\r\nCOPY --from=I:two `\r\n /f /\\b\r\n",
  },
  "a target, whatever the case": {
    file: "FROM I:one AS a\nFROM I:two AS b\nCOPY --from=a /f /a\nFROM I:three\n",
    args: { target: "B" },
  },
};

const limit = pLimit(3);
for (const [what, { file, args = {} }] of Object.entries(cases)) {
  test(`BuildKit uses what was read: ${what}`, { concurrency: true }, async (t) => {
    const tools = await toolchain(t, ["dockerd", "registry", "busybox"]);
    if (tools === undefined) return;
    const named = (text: string) =>
      text.replace(/I:\//g, `${tools.registry}/${namespace}/`).replace(/I:([a-z]+)/g, (_, name) => nameOf(tools, name));
    const path = join(directory, what.replaceAll(/[^a-z]/gi, "-"));
    writeFileSync(path, named(file));
    const { target, platform = [HOST_PLATFORM], buildArg = [], ...more } = args;
    const buildContext = (args.buildContext ?? []).map(named);
    const flags = [
      ...(target === undefined ? [] : [`--target=${target}`]),
      ...platform.map((each) => `--platform=${each}`),
      ...buildArg.map((each) => `--build-arg=${each}`),
      ...buildContext.map((each) => `--build-context=${each}`),
    ];
    const asked = { ...more, ...(target !== undefined && { target }), platform, buildArg, buildContext };
    const { document } = await dockerfile(path, { ...asked, onbuild: true, allowHost: [tools.registry] });
    const read = (document?.images ?? []).map(({ reference, platform }) => `${reference} ${platform}`);
    assert.deepEqual([...new Set(read)].sort(), await limit(() => builtWith(tools, path, flags)));
    assert.ok(read.length > 0);
  });
}

test("BuildKit names the same targets, and builds the same one by default", async (t) => {
  const tools = await toolchain(t, ["dockerd"]);
  if (tools === undefined) return;
  const path = join(directory, "targets");
  writeFileSync(path, "ARG X=Y\nFROM scratch AS One\nFROM one AS tWo\nFROM scratch\nFROM two AS last\n");
  const command = ["buildx", "build", "--call=targets,format=json", `--file=${path}`, directory];
  const { stdout } = await tools.run("docker", command);
  const { targets } = Targets.parse(JSON.parse(stdout));
  const { document } = await dockerfile(path, { allStages: true });
  assert.deepEqual(
    document?.stages.map(({ name }) => name ?? ""),
    targets.map(({ name = "" }) => name),
  );
  assert.equal(document?.target, targets.find((each) => each.default)?.name);
});
