import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { imageRecording } from "../../src/attestation/build-type.ts";
import { ProvenanceError, parseProvenance } from "../../src/attestation/provenance.ts";
import { pipelineRun, pipelineRunV1 } from "./build-type-documents.ts";
import { buildTypeV02, hex, image, listed, predicateOf, provenanceOf, result } from "./documents.ts";

const llb = [image("alpine", "docker.io/library/alpine:3", "a"), result("r", "alpine:0")];
const v1 = predicateOf({ dependencies: [listed("pkg:docker/alpine@3", "a")], llb }) as {
  buildDefinition: Record<string, Record<string, unknown>>;
  runDetails: Record<string, Record<string, unknown>>;
};
const V02 = "https://slsa.dev/provenance/v0.2";
const v02 = {
  builder: { id: "https://example.test/run/1" },
  buildType: buildTypeV02,
  materials: [listed("pkg:docker/alpine@3", "a")],
  invocation: {
    configSource: {
      uri: "https://example.test/r.git#main",
      digest: { sha1: "a".repeat(40) },
      entryPoint: "Dockerfile",
    },
    parameters: { frontend: "dockerfile.v0", args: { "build-arg:A": "1" }, secrets: [{ id: "s", optional: true }] },
    environment: { platform: "linux/amd64" },
  },
  buildConfig: { llbDefinition: llb },
  metadata: {
    buildInvocationID: "i",
    buildStartedOn: "2026-01-01T00:00:00Z",
    buildFinishedOn: "2026-01-01T00:00:01Z",
    completeness: { parameters: true, environment: true, materials: true },
    "https://mobyproject.org/buildkit@v1#hermetic": true,
    "https://mobyproject.org/buildkit@v1#metadata": { layers: { "alpine:0": [[{ digest: `sha256:${hex("1")}` }]] } },
  },
};

/** A copy with one field replaced, deep inside; undefined takes it away. */
function changed(value: unknown, path: string, replacement: unknown): unknown {
  const copy = structuredClone(value) as Record<string, unknown>;
  const keys = path.split("/");
  const last = keys.pop() ?? "";
  let at = copy;
  for (const key of keys) at = at[key] as Record<string, unknown>;
  at[last] = replacement;
  return copy;
}

const refuses = (predicate: unknown, code: string, type?: string) =>
  assert.throws(
    () => provenanceOf(predicate, type),
    (error) => error instanceof ProvenanceError && error.code === code,
  );

test("reads v0.2 and v1 of one build as the same", () => {
  const one = {
    builderId: "https://example.test/run/1",
    dependencies: [{ uri: "pkg:docker/alpine@3", digest: { sha256: hex("a") } }],
    source: { uri: "https://example.test/r.git#main", digest: { sha1: "a".repeat(40) }, path: "Dockerfile" },
    completeness: { parameters: true, dependencies: true },
    invocationId: "i",
    startedOn: "2026-01-01T00:00:00Z",
    finishedOn: "2026-01-01T00:00:01Z",
    unknownParameters: [],
    elsewhere: [],
  };
  const { configSource, parameters } = v02.invocation;
  const metadata = v02.metadata;
  const asV1 = {
    buildDefinition: {
      ...v1.buildDefinition,
      externalParameters: {
        configSource: { uri: configSource.uri, digest: configSource.digest, path: "Dockerfile" },
        request: parameters,
      },
    },
    runDetails: {
      builder: v02.builder,
      metadata: {
        invocationID: "i",
        startedOn: metadata.buildStartedOn,
        finishedOn: metadata.buildFinishedOn,
        buildkit_completeness: { request: true, resolvedDependencies: true },
        buildkit_hermetic: true,
        buildkit_metadata: metadata["https://mobyproject.org/buildkit@v1#metadata"],
      },
    },
  };
  const [first, second] = [provenanceOf(v02, V02), provenanceOf(asV1)];
  assert.ok(first && second);
  const { version, buildType, buildkit, ...rest } = first;
  assert.deepEqual([version, buildType, rest], ["v0.2", buildTypeV02, one]);
  const { version: version1, buildType: _, buildkit: buildkit1, ...rest1 } = second;
  assert.deepEqual([version1, rest1], ["v1", one]);
  assert.deepEqual(buildkit1, buildkit);
  assert.deepEqual(buildkit?.request, {
    frontend: "dockerfile.v0",
    args: { "build-arg:A": "1" },
    secrets: [{ id: "s", optional: true }],
    ssh: [],
    locals: [],
    contexts: {},
    nested: [],
  });
  assert.deepEqual(imageRecording(first), imageRecording(second));
  assert.deepEqual(imageRecording(first)?.layerMap, [[`sha256:${hex("1")}`]]);
});

test("takes unset, null and empty for one", () => {
  const bare = { buildDefinition: { buildType: v1.buildDefinition.buildType }, runDetails: null };
  const nulls = {
    buildDefinition: {
      ...bare.buildDefinition,
      externalParameters: null,
      internalParameters: null,
      resolvedDependencies: null,
    },
    runDetails: {
      builder: { id: null },
      metadata: { buildkit_completeness: null, buildkit_metadata: null, invocationID: "" },
    },
  };
  assert.deepEqual(provenanceOf(nulls), provenanceOf(bare));
  const provenance = provenanceOf(bare);
  assert.equal(provenance?.builderId, "");
  assert.deepEqual(provenance?.completeness, { parameters: false, dependencies: false });
  assert.equal(provenance?.buildkit?.llb, undefined);
  assert.equal(provenance?.buildkit?.hermetic, false);
});

test("is undefined for other predicates, and an error for provenance that can't be read", () => {
  assert.equal(provenanceOf(v1, "https://slsa.dev/verification_summary/v1"), undefined);
  assert.equal(provenanceOf(v1, "https://slsa.dev/provenance/v1 "), undefined);
  refuses(undefined, "schema");
  refuses(null, "schema");
  refuses([], "schema");
  refuses(v02, "schema");
  refuses(v1, "schema", V02);
  refuses(changed(v1, "buildDefinition/resolvedDependencies", {}), "schema");
  refuses(
    changed(v1, "buildDefinition/internalParameters/buildConfig", { llbDefinition: [{ inputs: ["step0"] }] }),
    "schema",
  );
  refuses(changed(v1, "buildDefinition/externalParameters/request", { args: { source: ["a"] } }), "schema");
});

test("reads both spellings of the invocation id, and refuses two of them", () => {
  const at = "runDetails/metadata";
  assert.equal(provenanceOf(changed(v1, at, { invocationID: "a" }))?.invocationId, "a");
  assert.equal(provenanceOf(changed(v1, at, { invocationId: "a" }))?.invocationId, "a");
  assert.equal(provenanceOf(changed(v1, at, { invocationId: "a", invocationID: "a" }))?.invocationId, "a");
  refuses(changed(v1, at, { invocationId: "a", invocationID: "b" }), "ambiguous");
  refuses(changed(v02, "metadata", { buildInvocationID: "a", buildInvocationId: "b" }), "ambiguous", V02);
});

test("R23 refuses keys that differ by case from what it reads, at every level", () => {
  for (const path of [
    "BuildDefinition",
    "buildDefinition/ResolvedDependencies",
    "buildDefinition/resolvedDependencies/0/Digest",
    "buildDefinition/externalParameters/Request",
    "buildDefinition/externalParameters/configSource/URI",
    "buildDefinition/externalParameters/request/Args",
    "buildDefinition/internalParameters/BuildConfig",
    "buildDefinition/internalParameters/buildConfig/LLBDefinition",
    "buildDefinition/internalParameters/buildConfig/llbDefinition/0/op/op",
    "buildDefinition/internalParameters/buildConfig/llbDefinition/0/op/Op/Source",
    "buildDefinition/internalParameters/buildConfig/llbDefinition/0/op/Op/source/Identifier",
    "buildDefinition/internalParameters/buildConfig/llbDefinition/1/Inputs",
    "runDetails/Builder",
    "runDetails/metadata/BuildKit_Completeness",
    "runDetails/metadata/buildkit_metadata/Layers",
  ]) {
    refuses(changed(v1, path, null), "folded-key");
  }
  for (const path of [
    "Materials",
    "materials/0/URI",
    "invocation/configSource/entrypoint",
    "buildConfig/llbdefinition",
    "metadata/buildInvocationid",
  ]) {
    refuses(changed(v02, path, null), "folded-key", V02);
  }
});

test("R9 names the parameters that it doesn't know", () => {
  const extra = changed(v1, "buildDefinition/externalParameters/request", { frontend: "dockerfile.v0", mystery: 1 });
  assert.deepEqual(provenanceOf(changed(extra, "buildDefinition/externalParameters/other", 1))?.unknownParameters, [
    "other",
    "request.mystery",
  ]);
  assert.deepEqual(provenanceOf(v1)?.unknownParameters, []);
  const old = changed(changed(v02, "invocation/parameters/mystery", 1), "invocation/other", 1);
  assert.deepEqual(provenanceOf(old, V02)?.unknownParameters, ["other", "request.mystery"]);
  assert.deepEqual(provenanceOf(v02, V02)?.unknownParameters, []);
});

test("takes the steps from where early versions had them, and refuses steps in two places", () => {
  const buildConfig = { llbDefinition: llb };
  const moved = changed(v1, "buildDefinition/externalParameters/buildConfig", buildConfig);
  refuses(moved, "ambiguous");
  const provenance = provenanceOf(changed(moved, "buildDefinition/internalParameters", {}));
  assert.equal(provenance?.buildkit?.llb?.length, 2);
});

test("leaves alone what another build type means by the same names", () => {
  const other = {
    ...v02,
    buildType: "https://example.test/type",
    buildConfig: [1],
    invocation: { parameters: "make all" },
    metadata: null,
  };
  const provenance = provenanceOf(other, V02);
  assert.equal(provenance?.buildkit, undefined);
  assert.equal(provenance?.dependencies.length, 1);
});

test("any predicate is read or refused as provenance, and what is read has a record", () => {
  const values = fc.oneof(
    { depthSize: "small" },
    fc.jsonValue(),
    fc.constantFrom(-1, 0, 1, 2, "", "step0:0", "r:0", null),
  );
  const anywhere = fc.record({
    base: fc.constantFrom<readonly [unknown, string]>(
      [v1, "https://slsa.dev/provenance/v1"],
      [v02, V02],
      [pipelineRunV1(), "https://slsa.dev/provenance/v1"],
      [pipelineRun(), V02],
    ),
    path: fc.array(fc.nat({ max: 9 }), { maxLength: 12 }),
    value: values,
  });
  fc.assert(
    fc.property(
      fc.oneof(
        anywhere,
        fc.record({ base: fc.jsonValue().map((value) => [value, V02] as const), path: fc.constant([]), value: values }),
      ),
      ({ base, path, value }) => {
        const [document, predicateType] = base;
        const predicate = mutated(document, path, value);
        try {
          const provenance = parseProvenance({
            type: "https://in-toto.io/Statement/v1",
            subject: [],
            predicateType,
            predicate,
          });
          if (provenance !== undefined) imageRecording(provenance);
        } catch (error) {
          assert.ok(error instanceof ProvenanceError, String(error));
        }
      },
    ),
    { numRuns: 2000 },
  );
});

/** Follows the path, each number choosing a key, and puts the value there. */
function mutated(document: unknown, path: readonly number[], value: unknown): unknown {
  const [choice, ...rest] = path;
  if (choice === undefined || typeof document !== "object" || document === null) return value;
  const keys = Object.keys(document);
  const key = keys[choice % Math.max(keys.length, 1)] ?? "0";
  const copy = (Array.isArray(document) ? [...document] : { ...document }) as Record<string, unknown>;
  copy[key] = mutated(copy[key], rest, value);
  return copy;
}
