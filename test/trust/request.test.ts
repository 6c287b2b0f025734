import assert from "node:assert/strict";
import { test } from "node:test";
import { imageRecording } from "../../src/attestation/build-type.ts";
import { parseProvenance } from "../../src/attestation/provenance.ts";
import { parsePlatform } from "../../src/image/platform.ts";
import { requestFailure } from "../../src/trust/request.ts";
import { commit, policyOf } from "./verified.ts";

/** What a test says of a build; everything else is as BuildKit writes it for a build from the git URL. */
interface Build {
  readonly request?: Readonly<Record<string, unknown>>;
  readonly configSource?: Readonly<Record<string, unknown>>;
  readonly external?: Readonly<Record<string, unknown>>;
  readonly complete?: boolean;
  readonly llb?: readonly unknown[];
}

const url = "https://github.com/acme/app.git";
const configSource = { uri: `${url}#${commit}`, digest: { sha1: commit }, path: "Dockerfile" };

/** The code of the failure of this build against these lines of `builds`, on linux/amd64. */
function outcome(lines: readonly string[], build: Build = {}): string {
  const [expected] = policyOf(
    `version: 1\nbuilds:\n  - image: ghcr.io/acme/app\n${lines.map((line) => `    ${line}\n`).join("")}`,
  ).builds;
  const provenance = parseProvenance({
    type: "https://in-toto.io/Statement/v1",
    subject: [],
    predicateType: "https://slsa.dev/provenance/v1",
    predicate: {
      buildDefinition: {
        buildType: "https://github.com/moby/buildkit/blob/master/docs/attestations/slsa-definitions.md",
        externalParameters: {
          configSource: build.configSource ?? configSource,
          request: { frontend: "dockerfile.v0", ...build.request },
          ...build.external,
        },
        ...(build.llb && { internalParameters: { buildConfig: { llbDefinition: build.llb } } }),
      },
      runDetails: {
        metadata: { buildkit_completeness: { request: build.complete ?? true, resolvedDependencies: true } },
      },
    },
  });
  assert.ok(expected && provenance);
  const record = imageRecording(provenance);
  assert.ok(record);
  return requestFailure(expected, provenance, record, parsePlatform("linux/amd64"))?.code ?? "equal";
}
const args = (values: Readonly<Record<string, string>>): Build => ({ request: { args: values } });

test("R9 compares the directory of a git context, which BuildKit names in the steps alone", () => {
  const copying = (directory: string): Build => ({
    llb: [
      {
        id: "step0",
        op: {
          Op: {
            source: {
              identifier: `git://github.com/acme/app.git#${commit}${directory}`,
              attrs: { "git.fullurl": url },
            },
          },
        },
      },
      {
        id: "step1",
        inputs: ["step0:0"],
        op: { Op: { file: { actions: [{ Action: { copy: {} }, input: -1, output: 0 }] } } },
      },
      { id: "step2", inputs: ["step1:0"], op: { Op: {} } },
    ],
  });
  assert.equal(outcome(["context: service"], copying(":service")), "equal");
  assert.equal(outcome([], copying("")), "equal");
  assert.equal(outcome([], copying(":service")), "parameters");
  assert.equal(outcome(["context: service"], copying(":other")), "parameters");
  assert.equal(outcome(["context: service"], copying("")), "parameters");
});

test("R9 knows what buildx itself adds to a request", () => {
  assert.equal(outcome([], args({ "frontend.caps": "moby.buildkit.frontend.contexts+forward" })), "equal");
  assert.equal(outcome([], args({ "frontend.other": "1" })), "unknown-parameter");
});

test("R9 a build that was asked for as policy says is equal", () => {
  assert.equal(outcome([]), "equal");
  assert.equal(
    outcome(
      [
        "dockerfile: build/Dockerfile",
        "context: service",
        "target: final",
        "platforms: [linux/arm64, linux/amd64]",
        "build-args: { A: b }",
        "contexts: { base: docker-image://debian }",
        "secrets: [npm]",
      ],
      {
        configSource: { ...configSource, uri: `${url}#${commit}:service`, path: "build/Dockerfile" },
        request: {
          args: { target: "final", "build-arg:A": "b", "context:base": "docker-image://debian" },
          secrets: [{ id: "npm" }, { id: "GIT_AUTH_TOKEN", optional: true }, { id: "GIT_AUTH_HEADER", optional: true }],
        },
      },
    ),
    "equal",
  );
});

test("R9 another Dockerfile refuses, from git and from a local directory", () => {
  for (const uri of [configSource.uri, undefined]) {
    const from = (path?: string): Build => ({ configSource: { ...(uri && { uri }), ...(path && { path }) } });
    assert.equal(outcome([], from("Dockerfile")), "equal");
    assert.equal(outcome([], from()), "equal", "it is BuildKit's default");
    assert.equal(outcome([], from("evil.Dockerfile")), "parameters");
    assert.equal(outcome(["dockerfile: other"], from("other")), "equal");
    assert.equal(outcome(["dockerfile: other"], from()), "parameters");
  }
});

test("R9 where source and argument both name a Dockerfile, both must be policy's", () => {
  assert.equal(outcome([], args({ filename: "Dockerfile" })), "equal");
  assert.equal(outcome([], args({ filename: "evil" })), "parameters");
  assert.equal(
    outcome([], { ...args({ filename: "Dockerfile" }), configSource: { ...configSource, path: "evil" } }),
    "parameters",
  );
});

test("R9 another target refuses, and none where one is wanted", () => {
  assert.equal(outcome([], args({ target: "evil" })), "parameters");
  assert.equal(outcome(["target: final"]), "parameters");
  assert.equal(outcome(["target: final"], args({ target: "final" })), "equal");
});

test("R9 another directory of the source refuses", () => {
  const at = (subdirectory: string) => ({ configSource: { ...configSource, uri: `${url}#${commit}:${subdirectory}` } });
  assert.equal(outcome([], at("evil")), "parameters");
  assert.equal(outcome(["context: service"]), "parameters");
  assert.equal(outcome(["context: service"], at("service")), "equal");
  assert.equal(outcome(["context: service"], at("./service/")), "equal");
  assert.equal(outcome(["context: service"], at("service/..")), "parameters");
  assert.equal(outcome(["context: ."]), "equal");
  assert.equal(outcome(["context: service"], { ...args({ contextsubdir: "service" }), ...at("evil") }), "parameters");
  assert.equal(outcome(["context: service"], { ...args({ contextsubdir: "evil" }), ...at("service") }), "parameters");
});

test("R9 an archive from a URL is not the source", () => {
  assert.equal(
    outcome([], { configSource: { uri: "https://evil.example/app.tar.gz", path: "Dockerfile" } }),
    "parameters",
  );
});

test("R9 a platform that policy doesn't list refuses", () => {
  assert.equal(outcome(["platforms: [linux/arm64]"]), "parameters");
  assert.equal(outcome(["platforms: [linux/amd64]"]), "equal");
});

test("R9 build arguments are equal, name by name", () => {
  const wanted = ["build-args: { A: b }"];
  assert.equal(outcome(wanted, args({ "build-arg:A": "b" })), "equal");
  assert.equal(outcome(wanted, args({ "build-arg:A": "c" })), "parameters");
  assert.equal(outcome(wanted), "parameters");
  assert.equal(
    outcome(wanted, args({ "build-arg:A": "b", "build-arg:HTTP_PROXY": "http://evil.example" })),
    "parameters",
  );
  assert.equal(outcome([], args({ "build-arg:BUILDKIT_SYNTAX": "evil/frontend" })), "parameters");
  assert.equal(outcome([], args({ "build-arg:toString": "x" })), "parameters");
  assert.equal(outcome(wanted, args({ "build-arg:a": "b" })), "parameters");
});

test("R9 named contexts are equal, name by name", () => {
  const wanted = ["contexts: { base: docker-image://debian }"];
  assert.equal(outcome(wanted, args({ "context:base": "docker-image://debian" })), "equal");
  assert.equal(outcome(wanted, args({ "context:base": "docker-image://evil" })), "parameters");
  assert.equal(outcome(wanted), "parameters");
  assert.equal(outcome([], args({ "context:base": "docker-image://evil" })), "parameters");
});

test("R9 secrets beyond policy's refuse, and BuildKit's own for git don't", () => {
  const withSecret = (id: string): Build => ({ request: { secrets: [{ id }] } });
  assert.equal(outcome(["secrets: [npm]"], withSecret("npm")), "equal");
  assert.equal(outcome([], withSecret("npm")), "parameters");
  assert.equal(outcome([], withSecret("")), "parameters");
  assert.equal(outcome([], withSecret("GIT_AUTH_TOKEN")), "equal");
});

test("R9 an unknown parameter refuses, wherever it stands", () => {
  const unknown: readonly Build[] = [
    args({ "build-args:A": "b" }),
    args({ context: url }),
    args({ contextkey: "other", other: url }),
    args({ dockerfilekey: "other" }),
    args({ "cache-from": "evil.example/cache" }),
    args({ "force-network-mode": "host" }),
    args({ "add-hosts": "github.com=10.0.0.1" }),
    args({ Target: "evil" }),
    { request: { ssh: [{ id: "default" }] } },
    { request: { inputs: { context: { frontend: "dockerfile.v0" } } } },
    { request: { entitlements: ["security.insecure"] } },
    { external: { more: true } },
  ];
  for (const build of unknown) assert.equal(outcome([], build), "unknown-parameter", JSON.stringify(build));
});

test("R9 arguments that change nothing in the image's content don't refuse", () => {
  const neutral = {
    "no-cache": "",
    "label:a": "b",
    "vcs:source": url,
    "attest:provenance": "",
    platform: "linux/amd64",
    "image-resolve-mode": "pull",
    "multi-platform": "true",
  };
  assert.equal(outcome([], args(neutral)), "equal");
  assert.equal(
    outcome([], {
      request: { frontend: "gateway.v0", args: { source: "docker/dockerfile:1", cmdline: "docker/dockerfile:1" } },
    }),
    "equal",
  );
});

test("R9 a build without a known frontend used no Dockerfile, whatever it says", () => {
  for (const frontend of [undefined, "", "evil.v0"])
    assert.equal(outcome([], { request: { frontend } }), "unknown-parameter");
});

test("R9 a request that isn't recorded whole can't be compared", () => {
  assert.equal(outcome([], { complete: false }), "parameters");
  assert.equal(outcome([], { complete: true }), "equal");
});
