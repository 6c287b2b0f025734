import { z } from "zod";
import { JsonError, parseJson, readValue } from "../image/json.ts";
import { pinnedDependency } from "./pinned-dependency.ts";
import type { Dependency } from "./provenance.ts";

/** The names of Tekton Chains: v0.2 has the kind of run, older versions their format beside it, v1 two spellings of one form. */
export const TEKTON_BUILD_TYPES: readonly string[] = [
  ...["v1", "v1beta1"].flatMap((version) => [`tekton.dev/${version}/PipelineRun`, `tekton.dev/${version}/TaskRun`]),
  "https://tekton.dev/attestations/chains/pipelinerun@v2",
  "https://tekton.dev/attestations/chains@v2",
  "https://chains.tekton.dev/format/slsa/v2alpha1/type/tekton.dev/v1beta1/TaskRun",
  "https://tekton.dev/chains/v2/slsa",
  "https://tekton.dev/chains/v2/slsa-tekton",
];

/** Under this name Konflux' build tasks report the images that a Dockerfile's `FROM` lines named. */
const BASE_IMAGES = "BASE_IMAGES_DIGESTS";

const result = z.object({ name: z.string().nullish(), value: z.unknown().optional() });
const results = z.array(result).nullish();
const steps = z.array(z.object({ environment: z.object({ image: z.string().nullish() }).nullish() })).nullish();
const descriptors = z.array(z.object({ name: z.string().nullish(), content: z.string().nullish() })).nullish();

const schema = z.object({
  buildConfig: z
    .object({ steps, taskRunResults: results, tasks: z.array(z.object({ steps, results })).nullish() })
    .nullish(),
  buildDefinition: z.object({ resolvedDependencies: descriptors }).nullish(),
  runDetails: z.object({ byproducts: descriptors }).nullish(),
});

/** Of a task's run, as `slsa-tekton` has it whole. */
const taskRun = z.object({ status: z.object({ results, taskResults: results }).nullish() });

/**
 * The images that Chains names outside the list: those of the steps as the steps have them, and those that a build task reported as
 * its bases. A report is the task's word, and of `FROM` lines only.
 *
 * @throws {JsonError} for what can't be read, and for a report that has one name for two images.
 * @see konflux-ci/build-definitions task/buildah, tektoncd/chains pkg/chains/formats/slsa
 */
export function tektonImages(predicate: unknown): readonly Dependency[] {
  const { buildConfig, buildDefinition, runDetails } = readValue(schema, predicate);
  const tasks = [buildConfig ?? {}, ...(buildConfig?.tasks ?? [])];
  const ran = tasks
    .flatMap((task) => task.steps ?? [])
    .flatMap(({ environment }) => (environment?.image ? [environment.image] : []));
  const runs = (buildDefinition?.resolvedDependencies ?? []).flatMap(({ name, content }) =>
    name === "pipelineTask" && content ? [readValue(taskRun, contentOf(content))] : [],
  );
  const reported = [
    ...tasks.flatMap((task) => ("results" in task ? (task.results ?? []) : [])),
    ...(buildConfig?.taskRunResults ?? []),
    ...runs.flatMap(({ status }) => [...(status?.results ?? []), ...(status?.taskResults ?? [])]),
  ].flatMap(({ name, value }) => (name === BASE_IMAGES ? [value] : []));
  const byproducts = (runDetails?.byproducts ?? []).flatMap(({ name, content }) =>
    content && (name?.split("/").at(-1) ?? "") === BASE_IMAGES ? [contentOf(content)] : [],
  );
  return [
    ...ran.map((image) => pinnedDependency(image, "step")),
    ...[...reported, ...byproducts].flatMap(reportedImages),
  ];
}

/** The content of a descriptor: JSON in base64, as protobuf writes bytes. */
function contentOf(content: string): unknown {
  const bytes = Buffer.from(content, "base64");
  if (bytes.toString("base64") !== content) throw new JsonError("schema", "content", "it is not base64");
  return parseJson(bytes);
}

/** One image a line, `name:tag@digest`, and `<none>` where buildah knows no tag. */
function reportedImages(value: unknown): readonly Dependency[] {
  if (typeof value !== "string") throw new JsonError("schema", BASE_IMAGES, "it is no text");
  const lines = [...new Set(value.split("\n").map((line) => line.trim()))].filter((line) => line !== "");
  const images = lines.map((line) => pinnedDependency(line.replace(":<none>@", "@"), BASE_IMAGES));
  // Two tasks may have had two images under one tag, each for its platform; one task cannot.
  const tagged = new Set<string>();
  for (const { uri } of images) {
    if (tagged.has(uri))
      throw new JsonError("schema", BASE_IMAGES, `${JSON.stringify(uri.slice(0, 200))} stands for two images`);
    if (uri.lastIndexOf(":") > uri.lastIndexOf("/")) tagged.add(uri);
  }
  return images;
}
