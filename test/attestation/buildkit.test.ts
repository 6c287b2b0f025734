import assert from "node:assert/strict";
import { test } from "node:test";
import { imageRecording } from "../../src/attestation/build-type.ts";
import type { Build } from "./documents.ts";
import {
  baseOf,
  buildTypeV02,
  claimsOf,
  copy,
  file,
  hex,
  image,
  listed,
  predicateOf,
  provenanceOf,
  recordOf,
  result,
  run,
  source,
} from "./documents.ts";

const alpine = image("alpine", "docker.io/library/alpine:3", "a");
const fromAlpine = [alpine, result("r", "alpine:0")];
const alpineListed = listed("pkg:docker/alpine@3?platform=linux%2Famd64", "a");

const unresolved = (build: Build) => recordOf(build).unresolved.map(({ uri }) => uri);

test("R16 an image in the list and the LLB is one parent", () => {
  const record = recordOf({ dependencies: [alpineListed], llb: fromAlpine });
  assert.deepEqual(claimsOf(record), ["base docker.io/library/alpine:3 a list+llb"]);
  assert.deepEqual(record.parents[0]?.platform, { os: "linux", architecture: "amd64" });
  assert.deepEqual(record.disagreements, []);
});

test("R16 an image in the LLB alone is a parent, and so is one in the list alone", () => {
  assert.deepEqual(claimsOf(recordOf({ llb: fromAlpine })), ["base docker.io/library/alpine:3 a llb"]);
  const dependencies = [listed("pkg:docker/busybox@1?platform=linux%2Famd64", "b")];
  assert.deepEqual(claimsOf(recordOf({ dependencies, llb: fromAlpine })), [
    "base docker.io/library/alpine:3 a llb",
    "input docker.io/library/busybox:1 b list",
  ]);
});

test("R16 a pinned image that BuildKit dropped beside a tag of its name is a parent from the LLB", () => {
  const pinned = source("pinned", `docker-image://docker.io/library/alpine@sha256:${hex("b")}`);
  const llb = [alpine, pinned, file("f", ["alpine:0", "pinned:0"], [copy(0, 1)]), result("r", "f:0")];
  const record = recordOf({ dependencies: [alpineListed], llb });
  assert.deepEqual(claimsOf(record), [
    "base docker.io/library/alpine:3 a list+llb",
    "input docker.io/library/alpine b llb pinned",
  ]);
  assert.deepEqual(record.disagreements, []);
});

test("R16 a tag with two digests is a disagreement, between list and LLB and inside either", () => {
  const other = listed("pkg:docker/alpine@3?platform=linux%2Farm64", "b");
  const llb = [alpine, image("more", "docker.io/library/alpine:3", "b"), result("r", "alpine:0")];
  for (const build of [{ dependencies: [other], llb: fromAlpine }, { dependencies: [alpineListed, other] }, { llb }]) {
    assert.deepEqual(recordOf(build).disagreements, [
      { reference: "docker.io/library/alpine:3", digests: [`sha256:${hex("a")}`, `sha256:${hex("b")}`] },
    ]);
  }
  assert.deepEqual(recordOf({ dependencies: [alpineListed], llb: fromAlpine }).disagreements, []);
});

test("without LLB every image of the list is an input, and the base is unknown", () => {
  const record = recordOf({ dependencies: [alpineListed] });
  assert.deepEqual(claimsOf(record), ["input docker.io/library/alpine:3 a list"]);
  assert.equal(record.base.kind, "unknown");
  assert.equal(record.llb, false);
});

test("R18 an empty list without LLB is not scratch; steps that rest on nothing are", () => {
  assert.equal(baseOf(recordOf({})), "unknown");
  assert.equal(baseOf(recordOf({ llb: [] })), "unknown");
  const llb = [source("local", "local://context"), file("f", ["local:0"], [copy(-1, 0)]), result("r", "f:0")];
  assert.equal(baseOf(recordOf({ llb })), "scratch");
});

test("R16 an entry that can't be understood is reported, never skipped", () => {
  const sha256 = hex("a");
  for (const [uri, digest] of [
    ["pkg:docker/ALPINE@3", { sha256 }],
    ["pkg:npm/left-pad@1", { sha256 }],
    ["pkg:docker/alpine@3", {}],
    ["pkg:docker/alpine@3", undefined],
    ["pkg:docker/alpine@3", { sha1: "a".repeat(40) }],
    ["pkg:docker/alpine@3", { sha256: sha256.toUpperCase() }],
    ["pkg:docker/alpine@3", { sha256: sha256.slice(1) }],
    ["pkg:docker/alpine@3", { SHA256: sha256 }],
    ["pkg:docker/alpine@3", { sha256, sha512: "a" }],
    [`pkg:docker/alpine?digest=sha256:${hex("b")}`, { sha256 }],
    ["docker-image://docker.io/library/alpine:3", { sha256 }],
    ["alpine:3", { sha256 }],
    ["https://example.test/file", {}],
    ["https://example.test/file", { md5: "a" }],
    ["https://example.test/repository.git#main", {}],
    ["https://example.test/repository.git#main", { sha1: "main" }],
    ["https://example.test/repository.git#main", { sha1: "a".repeat(40), sha256 }],
    ["", { sha256 }],
    [undefined, { sha256 }],
  ] as const) {
    const record = recordOf({ dependencies: [{ uri, digest }, alpineListed], llb: fromAlpine });
    assert.deepEqual(
      record.unresolved.map((entry) => entry.uri),
      [uri ?? ""],
      `${uri} ${JSON.stringify(digest)}`,
    );
    assert.deepEqual(claimsOf(record), ["base docker.io/library/alpine:3 a list+llb"]);
  }
  assert.deepEqual(unresolved({ dependencies: [alpineListed], llb: fromAlpine }), []);
});

test("R16 a source of the LLB that can't be understood is reported, and is no base", () => {
  for (const identifier of [
    "docker-image://docker.io/library/alpine:3",
    `docker-image://docker.io/library/alpine:3@sha256:${hex("A")}`,
    `docker-image://docker.io/library/alpine:3@sha1:${"a".repeat(40)}`,
    `docker-image://docker.io/Library/alpine:3@sha256:${hex("a")}`,
    `docker-image+zip://docker.io/library/alpine:3@sha256:${hex("a")}`,
    `Docker-Image://docker.io/library/alpine:3@sha256:${hex("a")}`,
    "docker.io/library/alpine:3",
    "",
  ]) {
    const record = recordOf({ llb: [source("s", identifier), result("r", "s:0")] });
    assert.deepEqual(
      record.unresolved.map(({ uri }) => uri),
      [identifier],
    );
    assert.equal(record.base.kind, "unknown");
  }
});

test("R16 layouts and blobs are parents as well, each as what it is", () => {
  const at = `@sha256:${hex("c")}`;
  const llb = [
    source("layout", `oci-layout://layout/x${at}`),
    source("blob", `docker-image+blob://ghcr.io/acme/data${at}`),
    source("local", `oci-layout+blob://layout/y${at}`),
    source("git", "git://example.test/r.git#main", { "git.bundle": `docker-image+blob://ghcr.io/acme/bundle${at}` }),
    file("f", ["layout:0", "blob:0", "local:0", "git:0"], [copy(0, 1)]),
    result("r", "f:0"),
  ];
  const dependencies = [
    listed(`pkg:docker/ghcr.io/acme/data?digest=sha256:${hex("c")}&ref_type=blob`, "c"),
    listed(`pkg:docker/ghcr.io/acme/other?digest=sha256:${hex("d")}&ref_type=blob`, "d"),
  ];
  const record = recordOf({ dependencies, llb });
  assert.deepEqual(claimsOf(record), [
    "base docker.io/layout/x c llb pinned oci-layout",
    "input docker.io/layout/y c llb pinned oci-layout",
    "input ghcr.io/acme/bundle c llb pinned blob",
    "input ghcr.io/acme/data c list+llb pinned blob",
    "input ghcr.io/acme/other d list pinned blob",
  ]);
  assert.equal(recordOf({ llb: [llb[1], result("r", "blob:0")] }).base.kind, "unknown");
});

const dockerfile = listed("pkg:docker/docker/dockerfile@1", "f");
const gateway = {
  frontend: "gateway.v0",
  args: { source: "docker/dockerfile:1", cmdline: "docker/dockerfile:1 --flag" },
};

test("R19 the frontend is what the list resolved for the request's", () => {
  const record = recordOf({ dependencies: [alpineListed, dockerfile], llb: fromAlpine, request: gateway });
  assert.deepEqual(claimsOf(record), [
    "base docker.io/library/alpine:3 a list+llb",
    "frontend docker.io/docker/dockerfile:1 f list+request",
  ]);
  assert.deepEqual(record.unresolved, []);
});

test("R19 a frontend that nothing resolves is reported", () => {
  const build = { dependencies: [alpineListed], llb: fromAlpine };
  assert.deepEqual(unresolved({ ...build, request: gateway }), ["docker.io/docker/dockerfile:1"]);
  assert.deepEqual(unresolved({ ...build, request: { frontend: "gateway.v0" } }), ["gateway.v0"]);
  assert.deepEqual(unresolved({ ...build, request: { frontend: "mine.v0" } }), ["mine.v0"]);
  assert.deepEqual(unresolved({ ...build, request: { frontend: "gateway.v0", args: { source: "NO" } } }), ["NO"]);
  assert.deepEqual(unresolved({ ...build, request: { frontend: "dockerfile.v0" } }), []);
  assert.deepEqual(unresolved({ ...build, request: {} }), []);
});

test("R19 a source and a command line that name two frontends are both frontends", () => {
  const args = { source: "docker/dockerfile:1", cmdline: "evil/frontend:1" };
  const record = recordOf({
    dependencies: [dockerfile, listed("pkg:docker/evil/frontend@1", "e")],
    request: { frontend: "gateway.v0", args },
  });
  assert.deepEqual(claimsOf(record), [
    "frontend docker.io/docker/dockerfile:1 f list+request",
    "frontend docker.io/evil/frontend:1 e list+request",
  ]);
});

test("R19 a frontend that the request pins needs no list", () => {
  const args = { source: `docker/dockerfile:1@sha256:${hex("f")}` };
  const request = { frontend: "gateway.v0", args };
  assert.deepEqual(claimsOf(recordOf({ request })), ["frontend docker.io/docker/dockerfile:1 f request pinned"]);
  assert.deepEqual(claimsOf(recordOf({ request, dependencies: [listed("pkg:docker/docker/dockerfile@1", "e")] })), [
    "frontend docker.io/docker/dockerfile:1 f request pinned",
    "input docker.io/docker/dockerfile:1 e list",
  ]);
});

test("R19 finds the frontends of requests inside the request, whatever their form", () => {
  const nested = { frontend: "gateway.v0", args: { source: "evil/frontend:1" } };
  const inForms = [
    { inputs: { base: { request: nested } } },
    { inputs: [nested] },
    { root: { Request: { Frontend: nested.frontend, Args: nested.args } } },
  ];
  for (const form of inForms) {
    const request = { frontend: "dockerfile.v0", ...form };
    assert.deepEqual(unresolved({ request }), ["docker.io/evil/frontend:1"], JSON.stringify(form));
    assert.equal(recordOf({ request }).request.nested.length, 1);
  }
});

test("R19 an image that is base and frontend has both roles, by LLB or by its platform", () => {
  const request = { frontend: "gateway.v0", args: { source: "alpine:3" } };
  assert.deepEqual(claimsOf(recordOf({ dependencies: [alpineListed], llb: fromAlpine, request })), [
    "base docker.io/library/alpine:3 a list+llb",
    "frontend docker.io/library/alpine:3 a list+request",
  ]);
  assert.deepEqual(claimsOf(recordOf({ dependencies: [alpineListed], request })), [
    "frontend docker.io/library/alpine:3 a list+request",
    "input docker.io/library/alpine:3 a list",
  ]);
});

test("R19 a scanner is a tool, unless it could be more", () => {
  const name = "docker/buildkit-syft-scanner@stable-1";
  const tool = "tool docker.io/docker/buildkit-syft-scanner:stable-1 c list";
  assert.deepEqual(claimsOf(recordOf({ dependencies: [listed(`pkg:docker/${name}`, "c")] })), [tool]);
  assert.deepEqual(claimsOf(recordOf({ dependencies: [listed(`pkg:docker/${name}?platform=linux%2Famd64`, "c")] })), [
    "input docker.io/docker/buildkit-syft-scanner:stable-1 c list",
    tool,
  ]);
  const llb = [image("s", "docker.io/docker/buildkit-syft-scanner:stable-1", "c"), result("r", "s:0")];
  assert.deepEqual(
    claimsOf(recordOf({ dependencies: [listed(`pkg:docker/${name}?platform=linux%2Famd64`, "c")], llb })),
    ["base docker.io/docker/buildkit-syft-scanner:stable-1 c list+llb"],
  );
  assert.deepEqual(claimsOf(recordOf({ dependencies: [listed(`pkg:docker/ghcr.io/${name}`, "c")] })), [
    "input ghcr.io/docker/buildkit-syft-scanner:stable-1 c list",
  ]);
});

test("R20 lists what is no image: files, repositories, local content, networks, caches, privilege", () => {
  const commit = "c".repeat(40);
  const llb = [
    alpine,
    source("h", "https://example.test/checked", { "http.checksum": `sha256:${hex("1")}` }),
    source("i", "https://example.test/unchecked"),
    source("g", "git://example.test/added.git#main", { "git.fullurl": "https://example.test/added.git" }),
    source("own", `git://example.test/own.git#${commit}`, { "git.fullurl": "https://example.test/own.git" }),
    source("l", "local://context"),
    run("x", ["alpine:0"], {
      mounts: [{ dest: "/" }, { dest: "/c", input: -1, output: -1, mountType: 3, cacheOpt: { ID: "go" } }],
    }),
    run("y", ["x:0", "h:0", "i:0", "g:0", "l:0", "own:0"], { network: 1, security: 1 }),
    run("z", ["y:0"], { network: 2 }),
    result("r", "z:0"),
  ];
  const own = { uri: `https://example.test/own.git#${commit}`, digest: { sha1: commit } };
  const record = recordOf({
    llb,
    configSource: { ...own, path: "docker/Dockerfile" },
    dependencies: [
      own,
      { uri: "https://example.test/added.git#main", digest: { sha1: "d".repeat(40) } },
      listed("https://example.test/checked", "1"),
      listed("https://example.test/unchecked", "2"),
    ],
  });
  assert.deepEqual(record.otherInputs, [
    { kind: "git", uri: "https://example.test/added.git", ref: "main", commit: "d".repeat(40) },
    { kind: "http", uri: "https://example.test/checked", digest: `sha256:${hex("1")}`, checksum: `sha256:${hex("1")}` },
    { kind: "http", uri: "https://example.test/unchecked", digest: `sha256:${hex("2")}` },
    { kind: "local", name: "context" },
    { kind: "network", mode: "sandbox", steps: 1 },
    { kind: "network", mode: "host", steps: 1 },
    { kind: "network", mode: "none", steps: 1 },
    { kind: "cache", id: "go" },
    { kind: "privileged", steps: 1 },
  ]);
  assert.deepEqual(record.source, {
    uri: "https://example.test/own.git",
    ref: commit,
    commit,
    path: "docker/Dockerfile",
  });
  assert.deepEqual(record.unresolved, []);
});

test("R20 a checksum counts only where every fetch of the URL demanded it, and where it was met", () => {
  const uri = "https://example.test/file";
  const checked = source("h", uri, { "http.checksum": `sha256:${hex("1")}` });
  const of = (llb: readonly unknown[], digit: string) =>
    recordOf({ dependencies: [listed(uri, digit)], llb: [alpine, ...llb, result("r", "alpine:0")] });
  assert.deepEqual(of([checked], "1").otherInputs, [
    { kind: "http", uri, digest: `sha256:${hex("1")}`, checksum: `sha256:${hex("1")}` },
  ]);
  assert.deepEqual(of([checked, source("i", uri)], "1").otherInputs, [
    { kind: "http", uri, digest: `sha256:${hex("1")}` },
  ]);
  assert.deepEqual(
    of([checked], "2").unresolved.map((entry) => entry.uri),
    [uri],
  );
});

test("R20 a repository at another commit than the build's own source is an input beside it", () => {
  const uri = "https://example.test/own.git#main";
  const record = recordOf({
    configSource: { uri, digest: { sha1: "a".repeat(40) } },
    dependencies: [{ uri, digest: { sha1: "b".repeat(40) } }],
  });
  assert.deepEqual(record.otherInputs, [
    { kind: "git", uri: "https://example.test/own.git", ref: "main", commit: "b".repeat(40) },
  ]);
});

test("R10 splits the source, and knows no commit where the records contradict each other", () => {
  const commit = "a".repeat(40);
  const of = (uri: string | undefined, digest: unknown) => recordOf({ configSource: { uri, digest } });
  assert.deepEqual(of("https://example.test/o/r.git#v1:sub/dir", { sha1: commit }).source, {
    uri: "https://example.test/o/r.git",
    ref: "v1",
    subdirectory: "sub/dir",
    commit,
  });
  assert.equal(of("https://example.test/o/r.git#v1", { sha256: hex("a") }).source?.commit, hex("a"));
  assert.equal(of("https://example.test/o/r.git#v1", {}).source?.commit, undefined);
  assert.equal(of("https://example.test/o/r.git#v1", { sha1: commit.toUpperCase() }).source?.commit, undefined);
  assert.equal(of("https://example.test/o/r.git#v1", { sha1: hex("a") }).source?.commit, undefined);
  const contradiction = of(`https://example.test/o/r.git#${"b".repeat(40)}`, { sha1: commit });
  assert.equal(contradiction.source?.commit, undefined);
  assert.equal(contradiction.unresolved.length, 1);
  assert.equal(of(undefined, undefined).source, undefined);
  assert.equal(of("https://example.test/context.tar.gz", { sha256: hex("a") }).source, undefined);
});

test("R16 build types that don't record images have no record", () => {
  const of = (buildType: string) => {
    const predicate = predicateOf({ dependencies: [alpineListed] }) as { buildDefinition: Record<string, unknown> };
    return provenanceOf({ ...predicate, buildDefinition: { ...predicate.buildDefinition, buildType } });
  };
  for (const buildType of [
    "https://actions.github.io/buildtypes/workflow/v1",
    "https://github.com/moby/buildkit/blob/main/docs/attestations/slsa-definitions.md",
    `${buildTypeV02} `,
    "",
  ]) {
    const provenance = of(buildType);
    assert.ok(provenance);
    assert.equal(imageRecording(provenance), undefined);
  }
  const provenance = of(buildTypeV02);
  assert.ok(provenance && imageRecording(provenance));
});
