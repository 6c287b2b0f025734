import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { buildxArguments } from "../../action/src/buildx-arguments.ts";
import { imageRecording } from "../../src/attestation/build-type.ts";
import { parseProvenance } from "../../src/attestation/provenance.ts";
import { parseStatement } from "../../src/attestation/statement.ts";
import { type Digest, digestOf, parseDigest } from "../../src/image/digest.ts";
import { told } from "../verify/command.ts";
import { scene } from "../verify/scene.ts";
import { readTar } from "./assembler/tar.ts";
import {
  assembler,
  assemblerHere,
  BUILD_WORKFLOW,
  type Made,
  make,
  makeChain,
  type Order,
  planOf,
  type Workshop,
} from "./assembler/workshop.ts";
import { rootfs } from "./build.ts";
import { gitPath, serveGit } from "./git-http.ts";
import { commitFiles, type Files, git as runGit } from "./git-repository.ts";
import { type OciRegistry, startOciRegistry } from "./oci-registry.ts";
import { GITHUB_ISSUER } from "./sigstore.ts";
import { toolchain } from "./toolchain.ts";

const { git, sigstore, verify, write } = await scene();
const registries: OciRegistry[] = [];
const directory = mkdtempSync(join(tmpdir(), "assembler-test-"));
let namespaces = 0;

before(async () => {
  registries.push(await startOciRegistry(), await startOciRegistry());
});

after(async () => {
  await Promise.all(registries.map((registry) => registry.close()));
  rmSync(directory, { recursive: true, force: true });
});

/** A namespace of its own in the first of the registries. */
function workshop(changes: Partial<Workshop> = {}): Workshop {
  const registry = registries[0]?.host ?? "";
  return { docker: assemblerHere, git, sigstore, registry, namespace: `acme${++namespaces}`, ...changes };
}

function policy({ registry, namespace }: Workshop): string {
  return write(
    "policy.yml",
    `version: 1
trust:
  builders:
    - images: ["${registry}/${namespace}/{repo}"]
      github:
        repository: "${namespace}/{repo}"
        owner-id: 77
        workflow: "${BUILD_WORKFLOW}"
        server: "${git.url}"
        issuer: "${GITHUB_ISSUER}"
      level: 3
      builds: true
`,
  );
}

/** Made by git, which every machine here has: an archive that the assembler's own code didn't write. */
async function smallRootfs(): Promise<Uint8Array> {
  const repository = join(directory, `rootfs${++namespaces}.git`);
  const commit = await commitFiles(
    repository,
    {
      "bin/busybox": "#!/bin/sh\n",
      "etc/passwd": "root:x:0:0::/:/bin/sh\n",
      [`usr/share/${"deep/".repeat(24)}file`]: "a name of more than a hundred characters\n",
    },
    { symlinks: { "bin/sh": "busybox" } },
  );
  return runGit(repository, ["archive", "--format=tar.gz", commit]);
}

test("an assembled chain is trusted at its builder's level, and there is nothing to warn of", async () => {
  const place = workshop({ docker: assembler });
  const { app } = await makeChain(place, await smallRootfs());
  const { exit, verdict, stderr } = await verify(app.image, policy(place));
  assert.equal(exit, 0, stderr);
  assert.equal(verdict.verdict, "trusted");
  assert.equal(verdict.level, 3);
  assert.deepEqual(
    verdict.nodes.map(({ finding, seam, sourceProven, warnings }) => ({
      kind: finding.kind,
      seam,
      sourceProven,
      warnings,
    })),
    [
      { kind: "attested", seam: "proven", sourceProven: true, warnings: [] },
      { kind: "attested", seam: "proven", sourceProven: true, warnings: [] },
      { kind: "attested", seam: null, sourceProven: true, warnings: [] },
    ],
  );
});

test("an assembled chain for two platforms is trusted on both", async () => {
  const place = workshop();
  const { app } = await makeChain(place, await smallRootfs(), { platforms: ["linux/amd64", "linux/arm64"] });
  const { verdict } = await verify(app.image, policy(place));
  assert.equal(verdict.verdict, "trusted");
  assert.deepEqual(
    verdict.platforms.map(({ platform }) => platform),
    ["linux/amd64", "linux/arm64"],
  );
});

test("an assembled chain with an unsigned base is untrusted, and the path to it is told", async () => {
  const place = workshop();
  const { app } = await makeChain(place, await smallRootfs(), { signBase: false });
  const { exit, verdict } = await verify(app.image, policy(place));
  assert.equal(exit, 1);
  assert.deepEqual(told(verdict), ["unattested: app → base runtime → base base"]);
});

test("equal commits are assembled into equal layers", async () => {
  const rootfs = await smallRootfs();
  const [one, other] = [await makeChain(workshop(), rootfs), await makeChain(workshop(), rootfs)];
  for (const name of ["base", "runtime", "app"] as const) {
    const [first, second] = [layersOf(one[name]), layersOf(other[name])];
    assert.deepEqual(
      first.map(({ digest }) => digest),
      second.map(({ digest }) => digest),
    );
    // The image itself differs, as if BuildKit had built it on two machines.
    assert.notEqual(one[name].platforms[0]?.manifest, other[name].platforms[0]?.manifest);
  }
});

test("every layer is the one whose diff_id the config tells", async () => {
  const { app } = await makeChain(workshop(), await smallRootfs());
  const { rootfs, history } = configOf(app);
  const layers = layersOf(app);
  assert.equal(layers.length, 5);
  assert.deepEqual(
    rootfs.diff_ids,
    layers.map(({ content }) => digestOf(content)),
  );
  assert.equal(history.filter(({ empty_layer }) => !empty_layer).length, 5);
});

test("files come to where the Dockerfile says, as they are in the commit", async () => {
  const place = workshop();
  const files: Files = {
    "sub/Dockerfile": [
      "FROM scratch AS first",
      "COPY a.txt b.sh /x/",
      "COPY tree /y",
      "ADD a.txt /added",
      "FROM first AS second",
      'RUN echo "one  word" two > /x/a.txt',
      "RUN echo 'more' >> /y/inner/c.txt",
      "FROM second",
      "ARG WHERE=/nowhere",
      "COPY --from=first /x $WHERE",
      "COPY --from=0 /y/inner/c.txt /y/",
      'CMD ["/x/b.sh", "an argument"]',
      "",
    ].join("\n"),
    "sub/a.txt": "a\n",
    "sub/b.sh": "#!/bin/sh\n",
    "sub/tree/inner/c.txt": "c\n",
    Dockerfile: "FROM nobody/asks-for-this",
  };
  const made = await make(place, "files", { files, plan: { context: "sub", buildArgs: { WHERE: "/there" } } });
  assert.deepEqual(
    layersOf(made).map(({ content }) => readTar(content).map(textOf)),
    [
      ["755 x/", "644 x/a.txt a\n", "755 x/b.sh #!/bin/sh\n"],
      ["755 y/", "755 y/inner/", "644 y/inner/c.txt c\n"],
      ["644 added a\n"],
      ["755 x/", "644 x/a.txt one  word two\n"],
      ["755 y/", "755 y/inner/", "644 y/inner/c.txt c\nmore\n"],
      ["755 there/", "644 there/a.txt a\n", "755 there/b.sh #!/bin/sh\n"],
      ["755 y/", "644 y/c.txt c\n"],
    ],
  );
  assert.deepEqual(configOf(made).config.Cmd, ["/x/b.sh", "an argument"]);
});

test("a private repository is read with the token that the action passes on", async () => {
  const root = join(directory, "private");
  const commit = await commitFiles(join(root, "acme/private.git"), { Dockerfile: "FROM scratch\nCOPY . /\n" });
  const wanted = `Basic ${Buffer.from("x-access-token:ghs_secret").toString("base64")}`;
  const server = createServer((request, response) => {
    const asked = gitPath(new URL(request.url ?? "/", "http://localhost").pathname);
    const isKnown = request.headers.authorization === wanted && asked !== undefined;
    if (isKnown) serveGit(join(root, `${asked.name}.git`), asked.path, request, response);
    else response.writeHead(401, { "www-authenticate": "Basic" }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const gitUrl = `http://${host}/acme/private.git`;
    const plan = planOf({ image: "127.0.0.1:1/acme/private", gitUrl, commit }, mkdtempSync(join(directory, "out-")));
    const secrets = [{ id: `GIT_AUTH_TOKEN.${host}`, variable: "TOKEN" }];
    const shown = await assemblerHere(["buildx", ...buildxArguments({ ...plan, secrets })], { TOKEN: "ghs_secret" });
    assert.equal(shown.exit, 0, shown.stderr);
    const hidden = await assemblerHere(["buildx", ...buildxArguments(plan)]);
    assert.equal(hidden.exit, 1);
    assert.match(hidden.stderr, /^ERROR: failed to fetch .*/m);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

test("it says before anything else that it runs nothing", async () => {
  const { stderr } = await assembler(["buildx", "build"]);
  assert.match(stderr, /^assembled without a container engine: RUN lines are not run/);
});

const IMPOSSIBLE: Readonly<Record<string, string>> = {
  "a command": "FROM scratch\nCOPY a /a\nRUN apt-get update\n",
  "a command behind echo": "FROM scratch\nCOPY a /a\nRUN echo a > /b && rm /a\n",
  "a variable of the shell": "FROM scratch\nCOPY a /a\nRUN echo $HOME > /b\n",
  "a redirected descriptor": "FROM scratch\nCOPY a /a\nRUN echo 2>/b\n",
  "an option of echo": 'FROM scratch\nCOPY a /a\nRUN echo "-n" x > /b\n',
  "a directory that isn't there": "FROM scratch\nCOPY a /a\nRUN echo b > /none/b\n",
  "a file that isn't there": "FROM scratch\nARG X\nCOPY b /b\n",
  "a pattern": "FROM scratch\nARG X\nCOPY a* /b/\n",
  "an option of COPY": "FROM scratch\nARG X\nCOPY --chmod=755 a /a\n",
  "a URL": "FROM scratch\nARG X\nADD https://example.test/a /a\n",
  "a variable without value": "FROM scratch\nARG X\nCOPY a /$X\n",
  "another instruction": "FROM scratch\nCOPY a /a\nENTRYPOINT /a\n",
  "a line that goes on": "FROM scratch\nCOPY a /a\nCOPY a \\\n  /b\n",
  "a document inside": "FROM scratch\nCOPY a /a\nCOPY <<EOF /b\nb\nEOF\n",
  "a stage of a later number": "FROM scratch AS one\nARG X\nCOPY --from=1 /a /a\n",
};

for (const [what, dockerfile] of Object.entries(IMPOSSIBLE)) {
  test(`a Dockerfile with ${what} is refused, and the line is named`, async () => {
    const made = make(workshop(), "impossible", { files: { Dockerfile: dockerfile, a: "a" } });
    await assert.rejects(made, /ERROR: Dockerfile:3: /);
  });
}

test("a frontend of its own, a platform's image that isn't there and a base that isn't there are refused", async () => {
  const place = workshop();
  const failing = (dockerfile: string, plan = {}) =>
    make(place, "failing", { files: { Dockerfile: dockerfile, a: "a" }, plan });
  await assert.rejects(failing("# syntax=docker/dockerfile:1\nFROM scratch\nCOPY a /a\n"), /ERROR: Dockerfile:1: /);
  await assert.rejects(
    failing(`FROM ${place.registry}/nobody/nothing:1\n`),
    /ERROR: failed to resolve source metadata/,
  );
  await make(place, "one", { files: { Dockerfile: "FROM scratch\nCOPY a /a\n", a: "a" } });
  const foreign = failing(`FROM ${place.registry}/${place.namespace}/one:1.0.0\n`, { platforms: ["linux/riscv64"] });
  await assert.rejects(foreign, /ERROR: .*no match for platform linux\/riscv64/);
});

test("an option, a context or a value that isn't known is refused and named", async () => {
  const commit = "a".repeat(40);
  const good = buildxArguments(planOf({ image: "r.test/a/b", gitUrl: "https://r.test/a/b.git", commit }, directory));
  const changed = (from: RegExp, to: string) => good.map((argument) => argument.replace(from, to));
  const refused: readonly (readonly [readonly string[], RegExp])[] = [
    [[...good, "--push"], /--push/],
    [[...good, "--label=a=b"], /--label/],
    [[...good, "--build-arg=SOURCE_DATE_EPOCH=0"], /SOURCE_DATE_EPOCH/],
    [[...good, "another"], /another/],
    [changed(/^--sbom=false$/, "--sbom=true"), /--sbom/],
    [changed(/mode=max/, "mode=min"), /--attest/],
    [changed(/tar=false/, "tar=true"), /--output/],
    [changed(/^https:.*/, "."), /URL\.git#COMMIT/],
    [changed(/#a+$/, "#main"), /URL\.git#COMMIT/],
  ];
  for (const [args, named] of refused) {
    const { exit, stderr } = await assemblerHere(["buildx", ...args]);
    assert.equal(exit, 1);
    assert.match(/^ERROR: .*$/m.exec(stderr)?.[0] ?? "", named);
  }
  assert.match((await assembler(["run", "alpine"])).stderr, /^ERROR: docker run/);
});

test("the real BuildKit makes the same of the same three sources, and runs on an assembled base", async (t) => {
  const world = await toolchain(t, ["dockerd", "busybox"]);
  if (world === undefined) return;
  const [ours, theirs] = registries.map(({ host }) => host);
  // BuildKit keeps a clone of each URL for ever, and one of an earlier run's server would have another v1.0.0.
  const namespace = `acme-${randomBytes(4).toString("hex")}`;
  const files = await rootfs(world);
  const assembled = workshop({ registry: ours ?? "", namespace });
  const buildkit = workshop({
    registry: theirs ?? "",
    namespace,
    docker: async (args) => ({ exit: 0, ...(await world.run("docker", args)) }),
  });
  const platforms = ["linux/amd64", "linux/arm64"];
  const [one, other] = [await makeChain(assembled, files), await makeChain(buildkit, files)];
  for (const name of ["base", "runtime", "app"] as const) {
    assert.deepEqual(statementOf(one[name]), statementOf(other[name]), name);
    assert.deepEqual(configOf(one[name], true), configOf(other[name], true), name);
    assert.deepEqual(namesIn(one[name]), namesIn(other[name]), name);
    assert.deepEqual(recordOf(one[name]), recordOf(other[name]), name);
  }
  const twice: Files = { Dockerfile: "FROM scratch\nARG TARGETARCH\nCOPY $TARGETARCH /a\n", amd64: "1", arm64: "2" };
  const [two, twoOthers] = [
    await make(assembled, "two", { files: twice, plan: { platforms } }),
    await make(buildkit, "two", { files: twice, plan: { platforms } }),
  ];
  for (const each of [0, 1]) assert.deepEqual(statementOf(two, each), statementOf(twoOthers, each));

  const stages = (registry: string, target: string): Order => ({
    files: {
      "sub/docker/Dockerfile": [
        "ARG NAME=base",
        `FROM ${registry}/${namespace}/$NAME:1.0.0 AS first`,
        "ARG TARGETARCH",
        "ARG GIVEN=0",
        "ARG NOTHING",
        "FROM first AS second",
        `RUN echo ${namespace} > /x`,
        "FROM scratch AS third",
        "COPY --from=second /x /etc/arch /y/",
        "ADD . /z",
        "FROM second AS unused",
        "",
      ].join("\n"),
    },
    plan: {
      context: "sub",
      dockerfile: "docker/Dockerfile",
      target,
      tags: ["1.0.0", "1.0"],
      buildArgs: { GIVEN: "1" },
    },
  });

  // BuildKit's layer map has steps of other stages as well, where its cache has their layers from an earlier export.
  for (const target of ["third", "second"]) {
    const [mine, other] = [
      await make(assembled, target, stages(assembled.registry, target)),
      await make(buildkit, target, stages(buildkit.registry, target)),
    ];
    const { layers } = metadataOf(mine);
    assert.deepEqual(statementOf(mine), statementOf(other, 0, layers), target);
    assert.deepEqual(configOf(mine, true), configOf(other, true), target);
    assert.deepEqual(namesIn(mine), namesIn(other), target);
  }

  // Unpacked by containerd: COPY and RUN of the real thing find what the assembler put there.
  const probe: Files = {
    Dockerfile: `FROM ${one.app.image}\nRUN [ "$(cat /runtime)" = runtime ] && [ "$(tail -n 1 /app)" = built ]\n`,
  };
  await make(buildkit, "probe", { files: probe });
});

interface Config {
  readonly config: { readonly Cmd?: readonly string[] };
  readonly history: readonly { readonly empty_layer?: boolean }[];
  readonly rootfs: { readonly diff_ids: readonly string[] };
}

/** @param alike - Without what differs from build to build, and without the marks of who made it. */
function configOf(made: Made, alike = false): Config {
  const manifest = JSON.parse(text(made, made.platforms[0]!.manifest)) as { config: { digest: string } };
  const config = text(made, parseDigest(manifest.config.digest));
  if (!alike) return JSON.parse(config) as Config;
  const plain = config
    .replaceAll(/"created":"[^"]*"/g, '"created":""')
    .replaceAll(/"comment":"[^"]*"/g, '"comment":""')
    .replaceAll(/ # (?:buildkit|assembled)"/g, '"')
    .replaceAll(/sha256:[0-9a-f]{64}/g, "sha256:")
    .replaceAll(made.image.split("/")[0] ?? "", "REGISTRY");
  return JSON.parse(plain) as Config;
}

function layersOf(made: Made) {
  const manifest = JSON.parse(text(made, made.platforms[0]!.manifest)) as { layers: { digest: string }[] };
  return manifest.layers.map(({ digest }) => ({
    digest,
    content: gunzipSync(made.blobs.get(parseDigest(digest)) ?? new Uint8Array()),
  }));
}

/** What each layer changes. For a RUN, runc makes the directories that it mounts; busybox's have the names of the rootfs. */
function namesIn(made: Made): readonly (readonly string[])[] {
  return layersOf(made).map(({ content }) =>
    readTar(content).flatMap(({ path, kind }) => (/^(?:dev|proc|sys)?$/.test(path) ? [] : `${kind} ${path}`)),
  );
}

/**
 * The whole statement, without what differs from build to build.
 *
 * @param only - The steps whose layers are looked at; all of them if undefined.
 */
function statementOf(made: Made, at = 0, only?: object): unknown {
  const registry = made.image.split("/")[0] ?? "";
  const plain = (value: unknown, key = ""): unknown => {
    if (key === "digestMapping") return Object.values(value as object).sort();
    if (["invocationId", "startedOn", "finishedOn"].includes(key)) return typeof value;
    if (key === "size") return 0;
    if (key === "layers" && only !== undefined && !Array.isArray(value))
      return plain(Object.fromEntries(Object.entries(value as object).filter(([step]) => step in only)));
    if (key === "data") return plain(Buffer.from(String(value), "base64").toString());
    if (Array.isArray(value)) return value.map((each) => plain(each));
    if (typeof value === "object" && value !== null) {
      return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, plain(each, name)]));
    }
    return typeof value === "string"
      ? value.replaceAll(registry, "REGISTRY").replaceAll(/\b(?:[0-9a-f]{64}|[0-9a-f]{40})\b/g, "HEX")
      : value;
  };
  return plain(JSON.parse(Buffer.from(made.platforms[at]!.provenance).toString()));
}

function metadataOf({ platforms }: Made): { readonly layers: object } {
  const { predicate } = JSON.parse(Buffer.from(platforms[0]!.provenance).toString()) as {
    predicate: { runDetails: { metadata: { buildkit_metadata: { layers: object } } } };
  };
  return predicate.runDetails.metadata.buildkit_metadata;
}

/** What the product's parser finds in it. */
function recordOf(made: Made) {
  const provenance = parseProvenance(parseStatement(made.platforms[0]!.provenance));
  const record = provenance && imageRecording(provenance);
  assert.ok(record);
  const { parents, base, steps, layerMap, unresolved, disagreements, otherInputs, hermetic, complete } = record;
  return {
    parents: parents.map(({ role, reference, pinned, recordedIn }) => [role, reference.repository, pinned, recordedIn]),
    base: base.kind,
    steps,
    layers: layerMap?.map((chain) => chain.length),
    unresolved,
    disagreements,
    otherInputs,
    hermetic,
    complete,
  };
}

function text(made: Made, digest: Digest): string {
  return Buffer.from(made.blobs.get(digest) ?? "").toString();
}

function textOf(entry: ReturnType<typeof readTar>[number]): string {
  const name = `${entry.mode.toString(8)} ${entry.path}`;
  return entry.kind === "file" ? `${name} ${Buffer.from(entry.content)}` : `${name}/`;
}
