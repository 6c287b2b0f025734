import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { BuildRecord } from "../../src/attestation/build-record.ts";
import { BUILD_TYPES, buildTypeOf, imageRecording } from "../../src/attestation/build-type.ts";
import { ProvenanceError, parseProvenance } from "../../src/attestation/provenance.ts";
import { parseStatement } from "../../src/attestation/statement.ts";
import { shared } from "../image/shared.ts";
import { base64, materials, pipelineRun, pipelineRunV1, type Run } from "./build-type-documents.ts";
import { claimsOf, hex, predicateOf, provenanceOf } from "./documents.ts";

const V02 = "https://slsa.dev/provenance/v0.2";

function recordOf(predicate: unknown, type?: string): BuildRecord {
  const provenance = provenanceOf(predicate, type);
  const record = provenance && imageRecording(provenance);
  assert.ok(record);
  return record;
}

const recordOfRun = (run: Run = {}) => recordOf(pipelineRun(run), V02);
const recordOfMaterial = (material: unknown) =>
  recordOfRun({ materials: [material], bases: "", more: { buildConfig: null } });

const refuses = (predicate: unknown, type?: string) =>
  assert.throws(() => recordOf(predicate, type), ProvenanceError, JSON.stringify(predicate).slice(0, 300));

test("R18 a build type is recognised by its whole name, and by nothing that looks like it", () => {
  const kpack = "https://github.com/buildpacks-community/kpack/blob/v0.17.0/docs/slsa.md";
  const names = BUILD_TYPES.flatMap(({ recognised, name }) =>
    recognised.map((each) => ({ text: typeof each === "string" ? each : kpack, name })),
  );
  assert.equal(new Set(names.map(({ text }) => text)).size, names.length);
  for (const { text, name } of names) {
    assert.equal(buildTypeOf(text)?.name, name);
    for (const other of [
      ` ${text}`,
      `${text} `,
      `${text}\n`,
      `${text}/`,
      `${text}x`,
      `x${text}`,
      text.toUpperCase(),
      "",
    ])
      assert.equal(buildTypeOf(other), undefined, JSON.stringify(other));
  }
  assert.equal(buildTypeOf(kpack.replace("github.com", "githubxcom")), undefined);
  assert.equal(buildTypeOf(kpack.replace("0.17.0", "0.17.0/../v1")), undefined);
});

test("R16 Tekton's steps, bundles and reported bases are all parents, in no proven role", () => {
  const record = recordOfRun();
  assert.deepEqual(claimsOf(record), [
    "input quay.io/konflux-ci/buildah-task 5 list",
    "input quay.io/konflux-ci/sbom 6 list",
    "input quay.io/konflux-ci/tekton-catalog/task-buildah b list",
    "input registry.access.redhat.com/ubi9/ubi:9.4 9 list",
  ]);
  assert.deepEqual(record.otherInputs, [
    { kind: "git", uri: "https://github.com/konflux-ci/testrepo.git", commit: "c".repeat(40) },
  ]);
  assert.deepEqual([record.unresolved, record.disagreements, record.source], [[], [], undefined]);
});

test("R16 reads Tekton's v1 forms: whole runs of tasks, byproducts, and images that several places name", () => {
  const record = recordOf(pipelineRunV1());
  assert.deepEqual(claimsOf(record), [
    "input docker.io/library/alpine:3 a list",
    "input docker.io/library/golang e list",
    "input quay.io/konflux-ci/buildah-task 5 list",
  ]);
  assert.deepEqual(
    record.otherInputs.map((input) => input.kind === "git" && [input.ref, input.commit?.[0]]),
    [
      [undefined, "c"],
      ["refs/heads/main", "d"],
    ],
  );
  assert.deepEqual(record.unresolved, []);
  const fetched = {
    name: "pipelineTask",
    uri: "oci://ghcr.io/a/task",
    digest: { sha256: hex("f") },
    content: base64({}),
  };
  assert.equal(recordOf(pipelineRunV1([fetched])).parents.length, 4);
  const taskRun = {
    buildType: "tekton.dev/v1beta1/TaskRun",
    more: { buildConfig: { steps: [{ environment: { image: `docker-pullable://gcr.io/a/b@sha256:${hex("1")}` } }] } },
  };
  assert.deepEqual(claimsOf(recordOfRun({ ...taskRun, materials: [] })), ["input gcr.io/a/b 1 list"]);
});

test("R16, R18 Tekton's list is never complete, and proves neither steps nor scratch, whatever the statement says", () => {
  const layers = { "step0:0": [[{ digest: `sha256:${hex("1")}` }]] };
  const buildkit = {
    "https://mobyproject.org/buildkit@v1#metadata": { layers },
    "https://mobyproject.org/buildkit@v1#hermetic": true,
  };
  const completeness = { parameters: true, environment: true, materials: true };
  const llbDefinition = [{ id: "r", op: { Op: {} } }];
  for (const materials of [[], undefined].map((list) => list && { materials: list })) {
    const record = recordOfRun({
      ...materials,
      metadata: { completeness, ...buildkit },
      more: { buildConfig: { llbDefinition } },
    });
    assert.deepEqual(
      [record.complete, record.llb, record.hermetic, record.base.kind, record.layerMap, record.source],
      [false, false, false, "unknown", undefined, undefined],
    );
  }
  const v1 = pipelineRunV1() as { runDetails: { metadata: Record<string, unknown> } };
  v1.runDetails.metadata.buildkit_completeness = { request: true, resolvedDependencies: true };
  assert.equal(recordOf(v1).complete, false);
});

test("R16 what Tekton lists and can't be understood is told, never skipped", () => {
  const sha256 = { sha256: hex("a") };
  for (const material of [
    { uri: "oci://quay.io/a/b" },
    { uri: "oci://quay.io/a/b", digest: { sha1: "a".repeat(40) } },
    { uri: "oci://quay.io/a/b", digest: { sha256: hex("A") } },
    { uri: `oci://quay.io/a/b@sha256:${hex("b")}`, digest: sha256 },
    { uri: `pkg:docker/a/b?digest=sha256:${hex("b")}`, digest: sha256 },
    { uri: `pkg:docker/a/b@1?unknown=x`, digest: sha256 },
    { uri: `pkg:oci/b@sha256:${hex("b")}?repository_url=ghcr.io/a/b`, digest: sha256 },
    { uri: "/apis/tekton.dev/v1/namespaces/ns/task/build@uid", digest: sha256 },
    { uri: "docker://sha256:f00d", digest: sha256 },
    { uri: "s3://bucket/key", digest: sha256 },
    { uri: "pkg:npm/a@1", digest: sha256 },
    { uri: "git+https://github.com/o/r.git", digest: {} },
    { uri: "git+https://github.com/o/r.git", digest: { sha1: "a".repeat(40), gitCommit: "b".repeat(40) } },
    { uri: "git+file:///etc", digest: { sha1: "a".repeat(40) } },
    { uri: "https://example.test/file" },
    { uri: "", digest: sha256 },
    {},
  ]) {
    const record = recordOfMaterial(material);
    assert.equal(record.unresolved.length, 1, JSON.stringify(material));
    assert.deepEqual([record.parents, record.otherInputs], [[], []], JSON.stringify(material));
  }
  assert.equal(recordOfRun({ bases: "ubi9\n" }).unresolved.length, 1);
  // Long enough that an expression which looks at each colon anew would never end.
  const [told] = recordOfRun({ bases: `${":".repeat(1_000_000)}/@sha256:${hex("a")}` }).unresolved;
  assert.ok(told !== undefined && told.uri.length <= 500);
});

test("reads every address under which Tekton, SLSA's examples and purls have an image, a repository or a file", () => {
  const claims = (uri: string, digest: unknown = { sha256: hex("a") }) => claimsOf(recordOfMaterial({ uri, digest }));
  const b = "input ghcr.io/a/b a list";
  assert.deepEqual(claims("ghcr.io/a/b"), [b]);
  assert.deepEqual(claims("docker-pullable://ghcr.io/a/b"), [b]);
  assert.deepEqual(claims(`oci://ghcr.io/a/b@sha256:${hex("a")}`), [b]);
  assert.deepEqual(claims(`pkg:docker/ghcr.io/a/b?digest=sha256:${hex("a")}`), [`${b} pinned`]);
  assert.deepEqual(claims(`pkg:oci/b@sha256%3A${hex("a")}?repository_url=ghcr.io/a/b&arch=amd64&tag=1`), [b]);
  assert.deepEqual(claims("oci://busybox:1"), ["input docker.io/library/busybox:1 a list"]);
  const inputs = (uri: string, digest: unknown) => recordOfMaterial({ uri, digest }).otherInputs;
  const [uri, commit] = ["https://github.com/o/r", "a".repeat(40)];
  assert.deepEqual(inputs(`git+${uri}@v1`, { gitCommit: commit }), [{ kind: "git", uri, ref: "v1", commit }]);
  assert.deepEqual(inputs(uri, { sha1: commit }), [{ kind: "git", uri, commit }]);
  assert.deepEqual(inputs(`${uri}.git#v1`, { sha1: commit }), [{ kind: "git", uri: `${uri}.git`, ref: "v1", commit }]);
  assert.deepEqual(inputs(uri, { sha256: hex("a") }), [{ kind: "http", uri, digest: `sha256:${hex("a")}` }]);
});

test("a package URL of a registry's image that could mean another one is refused", () => {
  const version = `sha256%3A${hex("a")}`;
  for (const purl of [
    `pkg:oci/b@${version}`,
    `pkg:oci/b?repository_url=ghcr.io/a/b`,
    `pkg:oci/b@latest?repository_url=ghcr.io/a/b`,
    `pkg:oci/c@${version}?repository_url=ghcr.io/a/b`,
    `pkg:oci/b@${version}?repository_url=ghcr.io/a/b:1`,
    `pkg:oci/b@${version}?repository_url=ghcr.io/a/b&repository_url=evil.test/b`,
    `pkg:oci/b@${version}?repository_url=ghcr.io/a/b&other=1`,
    `pkg:oci/b@${version}?repository_url=%zz`,
    `pkg:oci/b@${version}?repository_url=ghcr.io/a/b#sub`,
    `pkg:oci/b@${version}?repository_url=ghcr.io/${"a".repeat(5000)}/b`,
  ]) {
    const record = recordOfMaterial({ uri: purl, digest: { sha256: hex("a") } });
    assert.deepEqual([record.parents.length, record.unresolved.length], [0, 1], purl.slice(0, 100));
  }
});

test("R16 one name with two digests: a fault in the list, no provenance in one task's report, and two platforms in two tasks'", () => {
  const tagged = (digit: string) => ({ uri: `pkg:docker/alpine@3`, digest: { sha256: hex(digit) } });
  assert.equal(recordOfRun({ materials: [tagged("a"), tagged("b")] }).disagreements.length, 1);
  const line = (digit: string) => `docker.io/library/alpine:3@sha256:${hex(digit)}\n`;
  refuses(pipelineRun({ bases: line("a") + line("b") }), V02);
  assert.equal(recordOfRun({ bases: line("a") + line("a") }).parents.length, 4);
  const task = (digit: string) => ({ results: [{ name: "BASE_IMAGES_DIGESTS", value: line(digit) }] });
  const both = recordOfRun({ materials: [], more: { buildConfig: { tasks: [task("a"), task("b")] } } });
  assert.deepEqual([both.parents.length, both.disagreements], [2, []]);
});

test("hostile shapes of Tekton's provenance are no provenance", () => {
  for (const bases of [null, 7, ["a"], { a: 1 }]) refuses(pipelineRun({ bases }), V02);
  for (const buildConfig of [
    { tasks: [{ steps: [{ environment: { image: 1 } }] }] },
    { tasks: "all" },
    { Tasks: [] },
    { tasks: [{ results: [{ Name: "BASE_IMAGES_DIGESTS", value: "" }] }] },
  ])
    refuses(pipelineRun({ more: { buildConfig } }), V02);
  for (const content of [
    "not base64!",
    "e30",
    Buffer.from("{").toString("base64"),
    Buffer.from('{"status":{},"status":{}}').toString("base64"),
    1,
  ])
    refuses(pipelineRunV1([{ name: "pipelineTask", content }]));
  refuses(pipelineRunV1([], [{ name: "taskRunResults/BASE_IMAGES_DIGESTS", content: base64(7) }]));
  const many = Array.from({ length: 20_001 }, (_, i) => `a/b:${i}@sha256:${hex("a")}`).join("\n");
  refuses(pipelineRun({ bases: many }), V02);
});

test("R16 a builder image is a parent: kpack's from the list, its run image and a container-based build's from the parameters", () => {
  const builder = {
    uri: "registry.test/builder",
    digest: { sha256: hex("b") },
    name: "builder-image",
    annotations: {},
  };
  const kpack = {
    buildDefinition: {
      buildType: "https://github.com/buildpacks-community/kpack/blob/v0.17.0/docs/slsa.md",
      resolvedDependencies: [
        { uri: "https://github.com/o/r", digest: { sha1: "a".repeat(40) }, name: "source" },
        builder,
      ],
    },
  };
  const asked = (runImage: unknown) => ({
    buildDefinition: { ...kpack.buildDefinition, externalParameters: { runImage } },
  });
  const runImage = { image: `index.docker.io/paketobuildpacks/run@sha256:${hex("c")}` };
  assert.deepEqual(claimsOf(recordOf(asked(runImage))), [
    "input docker.io/paketobuildpacks/run c list",
    "input registry.test/builder b list",
  ]);
  assert.equal(recordOf(asked({ image: "paketobuildpacks/run:base" })).unresolved.length, 1);
  refuses(asked("run"));
  const based = (builderImage: unknown) => ({
    buildDefinition: {
      buildType: "https://slsa.dev/container-based-build/v0.1?draft",
      externalParameters: { builderImage },
    },
  });
  const image = { uri: `bash@sha256:${hex("b")}`, digest: { sha256: hex("b") } };
  for (const [predicate, name] of [
    [kpack, "registry.test/builder"],
    [based(image), "docker.io/library/bash"],
  ] as const) {
    const record = recordOf(predicate);
    assert.deepEqual(claimsOf(record), [`input ${name} b list`]);
    assert.deepEqual([record.complete, record.base.kind, record.unresolved], [false, "unknown", []]);
  }
  assert.equal(recordOf(based({ ...image, digest: { sha256: hex("c") } })).unresolved.length, 1);
  assert.deepEqual(recordOf(based(undefined)).parents, []);
  refuses(based("bash"));
});

const layouts = shared("corpora/slsa-verifier/cli/slsa-verifier/testdata/gha_generic_container");

test("R18 what slsa-github-generator signed of a real image names no image", layouts, () => {
  const envelopes = globSync("*/container_workflow_dispatch/blobs/sha256/*", { cwd: layouts.path })
    .map((file) => readFileSync(join(layouts.path, file), "utf8"))
    .filter((text) => text.startsWith('{"payloadType":"application/vnd.in-toto+json"'))
    .map((text) => (JSON.parse(text) as { payload: string }).payload);
  assert.equal(envelopes.length, 2);
  for (const payload of envelopes) {
    const provenance = parseProvenance(parseStatement(Buffer.from(payload, "base64")));
    assert.ok(provenance);
    assert.equal(buildTypeOf(provenance.buildType)?.name, "slsa-github-generator");
    assert.deepEqual(
      provenance.dependencies.map(({ uri }) => uri.split("@")[0]),
      ["git+https://github.com/slsa-framework/example-package"],
    );
    assert.equal(imageRecording(provenance), undefined);
  }
});

test("R18 types that record no images have no record, though their list names some", () => {
  const types = BUILD_TYPES.filter(({ records }) => records === "none");
  assert.ok(types.length >= 3);
  const names = types.flatMap(({ recognised }) => recognised);
  for (const buildType of [...names, "https://example.test/unknown"]) {
    const v1 = predicateOf({ dependencies: materials }) as { buildDefinition: Record<string, unknown> };
    const predicate = { ...v1, buildDefinition: { ...v1.buildDefinition, buildType } };
    const provenance = provenanceOf(predicate);
    assert.ok(provenance);
    assert.equal(imageRecording(provenance), undefined);
    const older = provenanceOf(pipelineRun({ buildType: String(buildType) }), V02);
    assert.ok(older);
    assert.equal(imageRecording(older), undefined);
  }
});
