import type { Digest } from "../image/digest.ts";
import { isDigest } from "../image/digest.ts";
import type { Base, BuildRecord, GitSource } from "./build-record.ts";
import { commitOf, isCommit, parseGitUrl } from "./git-url.ts";
import { inputsOf, type LlbStep } from "./inputs.ts";
import type { ListedImage, Unresolved, UsedImage } from "./parents.ts";
import { listedImage, parentsOf } from "./parents.ts";
import type { BuildKitRecord, Dependency, Provenance } from "./provenance.ts";
import { type RootFilesystem, rootFilesystemOf } from "./rootfs.ts";
import { parseSourceIdentifier, SourceError } from "./source-identifier.ts";

/** BuildKit's own names for its two forms of provenance. */
export const BUILDKIT_BUILD_TYPES: readonly string[] = [
  "https://mobyproject.org/buildkit@v1",
  "https://github.com/moby/buildkit/blob/master/docs/attestations/slsa-definitions.md",
];

/** What BuildKit recorded of a build: all images that it fetched, and with `mode=max` what each was for. */
export function buildkitRecord(provenance: Provenance, buildkit: BuildKitRecord): BuildRecord {
  const unresolved: Unresolved[] = [];
  const listed: ListedImage[] = [];
  const others: Dependency[] = [];
  for (const dependency of provenance.dependencies) {
    if (!dependency.uri.startsWith("pkg:")) {
      others.push(dependency);
      continue;
    }
    const entry = listedImage(dependency);
    if ("why" in entry) unresolved.push(entry);
    else listed.push(entry);
  }
  const rootfs = rootFilesystemOf(buildkit.llb ?? []);
  const steps = buildkit.llb?.map((step) => stepOf(step, unresolved));
  const used = steps?.flatMap((step) => usedImages(step, rootfs));
  const parents = parentsOf(listed, used, buildkit.request);
  const source = sourceOf(provenance, unresolved);
  const inputs = inputsOf(others, steps ?? [], buildkit.request, provenance.source);
  const { ground } = rootfs;
  const layerMap = layerMapOf(buildkit, rootfs);
  const base = baseOf(rootfs, steps);
  return {
    parents: parents.claims,
    base,
    llb: steps !== undefined,
    complete: provenance.completeness.dependencies,
    hermetic: buildkit.hermetic,
    ...(layerMap && { layerMap }),
    ...(base.kind !== "unknown" && ground.kind !== "unknown" && ground.steps !== undefined && { steps: ground.steps }),
    otherInputs: inputs.inputs,
    ...(source && { source }),
    request: buildkit.request,
    unresolved: [...unresolved, ...parents.unresolved, ...inputs.unresolved],
    disagreements: parents.disagreements,
  };
}

function stepOf(step: LlbStep["step"], unresolved: Unresolved[]): LlbStep {
  const { operation, id } = step;
  if (operation.kind === "unknown" || operation.kind === "build") {
    const what = operation.kind === "build" ? "a build inside the build" : operation.names.join(" and ").slice(0, 80);
    unresolved.push({ uri: id, why: `the step is ${what}: what it brings in is not recorded` });
  }
  if (operation.kind !== "source") return { step };
  try {
    return { step, source: parseSourceIdentifier(operation.identifier, operation.attributes) };
  } catch (error) {
    if (!(error instanceof SourceError)) throw error;
    unresolved.push({ uri: operation.identifier.slice(0, 500), why: error.message });
    return { step };
  }
}

function usedImages({ step, source }: LlbStep, { ground, beside }: RootFilesystem): readonly UsedImage[] {
  const image =
    source?.kind === "git" ? source.bundle : source?.kind === "http" || source?.kind === "local" ? undefined : source;
  if (image === undefined) return [];
  const isBase = ground.kind === "source" && ground.step.id === step.id && source?.kind !== "git" && !image.blob;
  const roles = [...(isBase ? ["base" as const] : []), ...(beside.has(step.id) || !isBase ? ["input" as const] : [])];
  return [{ image, ...(step.platform && { platform: step.platform }), roles }];
}

function baseOf({ ground }: RootFilesystem, steps: readonly LlbStep[] | undefined): Base {
  if (steps === undefined) return { kind: "unknown", why: "the steps of the build are not recorded (mode=min)" };
  if (ground.kind !== "source") return ground.kind === "scratch" ? { kind: "scratch" } : ground;
  const source = steps.find(({ step }) => step.id === ground.step.id)?.source;
  if (source === undefined) return { kind: "unknown", why: "the result rests on a source that can't be understood" };
  if (source.kind === "git" || source.kind === "http" || source.kind === "local" || source.blob) {
    return { kind: "unknown", why: `the result rests on a source that is no image (${source.kind})` };
  }
  const { platform } = ground.step;
  return { kind: "image", reference: source.reference, digest: source.digest, ...(platform && { platform }) };
}

function layerMapOf(
  { layers }: BuildKitRecord,
  { result }: RootFilesystem,
): readonly (readonly Digest[])[] | undefined {
  const chains = result === undefined ? undefined : layers.get(result);
  if (chains === undefined || chains.length === 0) return undefined;
  const checked = chains.map((chain) => chain.filter(isDigest));
  // A chain with a hole explains nothing.
  return checked.every((chain, index) => chain.length === chains[index]?.length) ? checked : undefined;
}

function sourceOf({ source }: Provenance, unresolved: Unresolved[]): GitSource | undefined {
  const url = source && parseGitUrl(source.uri);
  if (source === undefined || url === undefined) return undefined;
  const commit = commitOf(source.digest);
  const contradicted = url.ref !== undefined && isCommit(url.ref) && commit !== undefined && url.ref !== commit;
  if (contradicted)
    unresolved.push({ uri: source.uri.slice(0, 500), why: "the commit in its URL and its digest disagree" });
  return {
    ...url,
    ...(commit !== undefined && !contradicted && { commit }),
    ...(source.path !== undefined && { path: source.path }),
  };
}
