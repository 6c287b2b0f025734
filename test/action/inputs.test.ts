import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { parse } from "yaml";
import { INPUT_NAMES, InputError, type InputName, parseInputs } from "../../action/src/inputs.ts";

const manifest = parse(readFileSync("action/action.yml", "utf8")) as {
  inputs: Record<InputName, { description: string; required?: boolean; default?: string }>;
};

/** As the runner gives them: the defaults of `action.yml`, and what the workflow says. */
function inputs(given: Partial<Record<InputName, string>>) {
  return parseInputs((name) => {
    if (name in given) return given[name] ?? "";
    return name === "github-token" ? "" : (manifest.inputs[name].default ?? "");
  });
}

const GOOD = { image: "ghcr.io/acme/app", tags: "v1.0.0" } as const;

/** The inputs that are named in the error. */
function faultsOf(given: Partial<Record<InputName, string>>): readonly string[] {
  try {
    inputs({ ...GOOD, ...given });
  } catch (error) {
    assert.ok(error instanceof InputError);
    assert.equal(error.code, "malformed-input");
    return error.faults.map((fault) => fault.slice(0, fault.indexOf(":")));
  }
  return [];
}

test("the inputs that are read are those of action.yml, each with a description", () => {
  assert.deepEqual(Object.keys(manifest.inputs).sort(), [...INPUT_NAMES].sort());
  for (const [name, { description }] of Object.entries(manifest.inputs)) assert.ok(description.length > 10, name);
});

test("an image and a tag are enough: the rest has defaults", () => {
  assert.deepEqual(inputs(GOOD), {
    image: "ghcr.io/acme/app",
    tags: ["v1.0.0"],
    dockerfile: "Dockerfile",
    context: undefined,
    target: undefined,
    platforms: [],
    buildArgs: {},
    contexts: {},
    secrets: new Map(),
    buildId: undefined,
    githubToken: undefined,
    signing: {
      fulcioUrl: "https://fulcio.sigstore.dev",
      rekorUrl: "https://rekor.sigstore.dev",
      rekorVersion: 1,
      tsaUrl: undefined,
    },
  });
});

test("what an expression makes of absent parts of a request is nothing", () => {
  const absent = { dockerfile: "", context: "", target: "", platforms: "", "build-args": "null", contexts: "null" };
  assert.deepEqual(inputs({ ...GOOD, ...absent }), inputs(GOOD));
});

test("reads every input", () => {
  const read = inputs({
    image: "acme/app",
    tags: "v1.0.0, latest\nv1",
    dockerfile: "docker/Dockerfile.prod",
    context: "app",
    target: "final",
    platforms: "linux/amd64,linux/aarch64,linux/arm64",
    "build-args": '{"A": "1=2", "B": 3, "C": true, "D": "--push"}',
    contexts:
      '{"alpine:3.19": "docker-image://ghcr.io/acme/base:1", "dep": "https://github.com/acme/dep.git#main:sub"}',
    secrets: "npm-token",
    "secret-values": "npm-token=a=b \nother=c\n",
    "build-id": "b-1",
    "github-token": "ghs_x",
    "fulcio-url": "http://127.0.0.1:1/",
    "rekor-url": "https://log.example",
    "rekor-version": "2",
    "tsa-url": "https://tsa.example/",
  });
  assert.deepEqual(read, {
    image: "docker.io/acme/app",
    tags: ["v1.0.0", "latest", "v1"],
    dockerfile: "docker/Dockerfile.prod",
    context: "app",
    target: "final",
    platforms: ["linux/amd64", "linux/arm64"],
    buildArgs: { A: "1=2", B: "3", C: "true", D: "--push" },
    contexts: {
      "alpine:3.19": "docker-image://ghcr.io/acme/base:1",
      dep: "https://github.com/acme/dep.git#main:sub",
    },
    // A value may have spaces at its end; the secret that isn't named is left out.
    secrets: new Map([["npm-token", "a=b "]]),
    buildId: "b-1",
    githubToken: "ghs_x",
    signing: {
      fulcioUrl: "http://127.0.0.1:1",
      rekorUrl: "https://log.example",
      rekorVersion: 2,
      tsaUrl: "https://tsa.example",
    },
  });
});

test("tells all faults at once", () => {
  assert.deepEqual(faultsOf({ image: "Ghcr.io/Acme", tags: "", dockerfile: "/etc/passwd", "rekor-version": "3" }), [
    "image",
    "tags",
    "dockerfile",
    "rekor-version",
  ]);
});

const REFUSED: readonly (readonly [why: string, input: InputName, value: string])[] = [
  ["an image with a tag", "image", "ghcr.io/acme/app:v1"],
  ["an image with a digest", "image", `ghcr.io/acme/app@sha256:${"0".repeat(64)}`],
  ["an image that begins like an option", "image", "--push"],
  ["a tag that is none", "tags", "v1,feature/x"],
  ["a tag that begins like an option", "tags", "-v1"],
  ["a Dockerfile outside of the source", "dockerfile", "../Dockerfile"],
  ["a Dockerfile of the runner", "dockerfile", "/Dockerfile"],
  ["a Dockerfile from the standard input", "dockerfile", "-"],
  ["a Dockerfile from the network", "dockerfile", "https://example.com/Dockerfile"],
  ["a Dockerfile of another repository", "dockerfile", "github.com/acme/other.git"],
  ["a context outside of the source", "context", "a/../../b"],
  ["a context that names another commit", "context", "a#main"],
  ["a context in percents", "context", "%2e%2e/b"],
  ["a target that begins like an option", "target", "--no-cache"],
  ["a platform that is none", "platforms", "linux"],
  ["build arguments that are no JSON", "build-args", "A=1"],
  ["build arguments in a list", "build-args", '["A=1"]'],
  ["a build argument that is an object", "build-args", '{"A": {}}'],
  ["a build argument whose name holds a value", "build-args", '{"A=1 B": "x"}'],
  ["a build argument twice", "build-args", '{"A": "1", "A": "2"}'],
  ["a context of the runner's disk", "contexts", '{"dep": "/etc"}'],
  ["a context that is a file on the network", "contexts", '{"dep": "https://example.com/x.tar.gz"}'],
  ["a context that is a layout", "contexts", '{"dep": "oci-layout:///tmp/x"}'],
  ["a context's name that begins like an option", "contexts", '{"-x": "docker-image://alpine"}'],
  ["a secret's id that holds more fields", "secrets", "a;src=/etc/passwd"],
  ["an id that could be a command", "build-id", "1\n::error::"],
  ["a service over plain http", "fulcio-url", "http://fulcio.example"],
  ["a service with a password in its address", "rekor-url", "https://a:b@rekor.example"],
  ["no log", "rekor-url", ""],
];

for (const [why, input, value] of REFUSED) {
  test(`refuses ${why}`, () => {
    // An id without value is a fault of the values beside.
    const own = new Set(faultsOf({ [input]: value }).filter((fault) => input !== "secrets" || fault === input));
    assert.deepEqual([...own], [input]);
  });
}

test("refuses a secret that is named and has no value", () => {
  assert.deepEqual(faultsOf({ secrets: "absent", "secret-values": "other=x" }), ["secret-values"]);
  assert.deepEqual(faultsOf({ secrets: "absent", "secret-values": "absent=x" }), []);
});

test("refuses Rekor v2 without a timestamp authority: its entries carry no time", () => {
  assert.deepEqual(faultsOf({ "rekor-version": "2" }), ["tsa-url"]);
  assert.deepEqual(faultsOf({ "rekor-version": "2", "tsa-url": "https://tsa.example" }), []);
});

test("no fault tells a secret's value", () => {
  try {
    inputs({ ...GOOD, secrets: "b", "secret-values": "a=hush-hush\nhush-hush", "github-token": "hush-hush x" });
    assert.fail("accepted");
  } catch (error) {
    assert.ok(error instanceof InputError);
    assert.deepEqual(error.faults.length, 2);
    assert.doesNotMatch(error.message, /hush/);
  }
});
