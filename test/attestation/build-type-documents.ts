import { hex } from "./documents.ts";

/** What a test says of a run of Tekton; everything else is as Chains writes it. */
export interface Run {
  readonly buildType?: string;
  readonly materials?: readonly unknown[];
  /** The value of the build task's `BASE_IMAGES_DIGESTS`. */
  readonly bases?: unknown;
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly more?: Readonly<Record<string, unknown>>;
}

/** JSON in base64, as protobuf writes bytes. */
export const base64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64");

const git = "git+https://github.com/konflux-ci/testrepo.git";

/** The entries that Chains writes of one pipeline: a step's image, a bundle of tasks, the source. */
export const materials = [
  { uri: "oci://quay.io/konflux-ci/buildah-task", digest: { sha256: hex("5") } },
  { uri: "oci://quay.io/konflux-ci/tekton-catalog/task-buildah", digest: { sha256: hex("b") } },
  { uri: git, digest: { sha1: "c".repeat(40) } },
];

/** A pipeline's predicate v0.2 in Konflux' form. */
export function pipelineRun(run: Run = {}): Record<string, unknown> {
  const bases = "bases" in run ? run.bases : `registry.access.redhat.com/ubi9/ubi:9.4@sha256:${hex("9")}\n`;
  return {
    builder: { id: "https://tekton.dev/chains/v2" },
    buildType: run.buildType ?? "tekton.dev/v1/PipelineRun",
    invocation: {
      configSource: {},
      parameters: { "git-url": "https://github.com/konflux-ci/testrepo" },
      environment: { labels: { "tekton.dev/pipeline": "docker-build" } },
    },
    buildConfig: {
      tasks: [
        {
          name: "build-container",
          ref: { resolver: "bundles", kind: "Task" },
          steps: [
            {
              entryPoint: "buildah build",
              environment: { container: "build", image: `oci://quay.io/konflux-ci/buildah-task@sha256:${hex("5")}` },
            },
            {
              entryPoint: "sbom",
              environment: { container: "sbom", image: `oci://quay.io/konflux-ci/sbom@sha256:${hex("6")}` },
            },
          ],
          results: [
            { name: "IMAGE_DIGEST", type: "string", value: `sha256:${hex("0")}` },
            ...(bases === undefined ? [] : [{ name: "BASE_IMAGES_DIGESTS", type: "string", value: bases }]),
          ],
        },
      ],
    },
    materials: run.materials ?? materials,
    metadata: {
      buildStartedOn: "2026-01-01T00:00:00Z",
      buildFinishedOn: "2026-01-01T00:01:00Z",
      completeness: { parameters: false, environment: false, materials: false },
      reproducible: false,
      ...run.metadata,
    },
    ...run.more,
  };
}

/** A pipeline's predicate v1, the verbose form with whole runs of tasks. */
export function pipelineRunV1(dependencies: readonly unknown[] = [], byproducts: readonly unknown[] = []): unknown {
  const run = (value: string) => ({ status: { results: [{ name: "BASE_IMAGES_DIGESTS", type: "string", value }] } });
  return {
    buildDefinition: {
      buildType: "https://tekton.dev/chains/v2/slsa-tekton",
      externalParameters: { runSpec: { pipelineRef: { resolver: "git" } } },
      internalParameters: { "tekton-pipelines-feature-flags": { EnableAPIFields: "stable" } },
      resolvedDependencies: [
        { name: "pipeline", uri: git, digest: { sha1: "c".repeat(40) } },
        { name: "pipelineTask", content: base64(run(`docker.io/library/alpine:3@sha256:${hex("a")}`)) },
        { uri: "oci://quay.io/konflux-ci/buildah-task", digest: { sha256: hex("5") } },
        { name: "inputs/result", uri: `${git}@refs/heads/main`, digest: { gitCommit: "d".repeat(40) } },
        ...dependencies,
      ],
    },
    runDetails: {
      builder: { id: "https://tekton.dev/chains/v2" },
      metadata: { invocationId: "1aa04ff2", startedOn: "2026-01-01T00:00:00Z" },
      byproducts: [
        {
          name: "pipelineRunResults/BASE_IMAGES_DIGESTS",
          content: base64(`docker.io/library/golang:<none>@sha256:${hex("e")}`),
          mediaType: "application/json",
        },
        { name: "pipelineRunResults/CHAINS-GIT_URL", content: base64("https://github.com/konflux-ci/testrepo") },
        ...byproducts,
      ],
    },
  };
}
