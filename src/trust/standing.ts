import { buildTypeOf } from "../attestation/build-type.ts";
import type { BuildInput } from "../attestation/inputs.ts";
import type { ParentClaim } from "../attestation/parents.ts";
import type { Digest } from "../image/digest.ts";
import { formatPlatform } from "../image/platform.ts";
import { formatReference } from "../image/reference.ts";
import type { AcceptedProvenance } from "./accepted.ts";
import type { OpaqueCode } from "./finding.ts";
import type { ImageNode } from "./resolve.ts";
import { isOwnBuilderId } from "./ties.ts";

/** Without the build's steps the list of images is enough up to here (RULES R16). */
const LEVEL_LIST_ONLY = 2;
/** Without a git source in the provenance nothing shows that it was built from the certificate's commit (RULES R10). */
const LEVEL_SOURCE_NOT_PROVEN = 1;

/** With the steps, but not all that went in: content of the builder's own is in there (RULES R10). */
const LEVEL_INCOMPLETE = 1;
/** A `builder.id` that isn't the signer's: whoever built isn't known well enough to be isolated (RULES R29). */
const LEVEL_OTHER_BUILDER = 2;

/** Whoever may start builds can write a cache that they share, so that one build decides what is in another (RULES R29). */
const LEVEL_SHARED_CACHE = 2;
/** Commands that can reach the builder itself aren't isolated from it, nor from other builds (RULES R29). */
const LEVEL_NOT_SANDBOXED = 2;

/** What the node claims to rest on. */
export type BaseClaim =
  /** One of the parents, by the digests that provenance resolved. */
  | { readonly kind: "image"; readonly digests: readonly Digest[] }
  | { readonly kind: "scratch" }
  /** The list alone: whichever recorded image's layers are the longest prefix. */
  | { readonly kind: "longest-prefix" }
  /** It isn't walked. */
  | { readonly kind: "none" };

/** What one provenance by itself is worth. */
export type Standing =
  | { readonly kind: "walkable"; readonly base: BaseClaim }
  | { readonly kind: "opaque"; readonly code: OpaqueCode; readonly reason: string };

/** Whether one provenance by itself says what the image rests on. */
export function standingOf({ record, provenance }: AcceptedProvenance, node: ImageNode): Standing {
  const opaque = (code: OpaqueCode, reason: string): Standing => ({ kind: "opaque", code, reason });
  if (record === undefined) return opaque("parents-unrecorded", unrecorded(provenance.buildType));
  if (!record.llb) {
    return record.complete
      ? { kind: "walkable", base: { kind: "longest-prefix" } }
      : opaque(
          "incomplete",
          provenance.buildkit === undefined && record.base.kind === "unknown"
            ? record.base.why
            : "the provenance is without the build's steps, and its list of images isn't complete",
        );
  }
  switch (record.base.kind) {
    case "image":
      return { kind: "walkable", base: { kind: "image", digests: [record.base.digest] } };
    case "unknown":
      return opaque("base-unknown", record.base.why);
    case "scratch": {
      if (!record.complete)
        return opaque(
          "incomplete",
          "FROM scratch, and not everything that went in was recorded (built from a local context?)",
        );
      const unexplained = unexplainedLayers(record.layerMap, record.steps, node);
      return unexplained === undefined
        ? { kind: "walkable", base: { kind: "scratch" } }
        : opaque("unexplained-layers", unexplained);
    }
  }
}

function unrecorded(buildType: string): string {
  const type = buildTypeOf(buildType);
  const shown = buildType.slice(0, 200);
  return type === undefined
    ? `build type ${shown} isn't known, so it doesn't show which images went in`
    : `build type ${shown} doesn't record which images went in: ${type.name} ${type.what}`;
}

/**
 * Whether the build's own record explains every layer (RULES R18): by the layer map where there is one, else there may be no more
 * layers than steps that make one.
 */
export function unexplainedLayers(
  layerMap: readonly (readonly Digest[])[] | undefined,
  steps: number | undefined,
  { manifest }: ImageNode,
): string | undefined {
  const layers = manifest.layers.map(({ digest }) => digest);
  if (layerMap !== undefined && layerMap.length > 0) {
    const explained = layerMap.some(
      (chain) => chain.length === layers.length && chain.every((digest, i) => digest === layers[i]),
    );
    return explained ? undefined : "the layers aren't those that the build recorded";
  }
  if (steps !== undefined && layers.length <= steps) return undefined;
  return `${layers.length} layers, and the build recorded ${steps ?? "no"} steps that make one`;
}

/** More layers above a base than steps that make one: somebody put them there of whom the build doesn't know. */
export function unexplainedAbove(
  provenances: readonly AcceptedProvenance[],
  image: ImageNode,
  base: ImageNode,
): string | undefined {
  const above = image.manifest.layers.length - base.manifest.layers.length;
  const bounds = provenances.flatMap(({ record }) => (record?.base.kind === "image" ? [record.steps ?? Infinity] : []));
  const bound = Math.max(...bounds);
  return bounds.length === 0 || above <= bound
    ? undefined
    : `${above} layers above its base, and the build recorded ${bound} steps that make one`;
}

/** All parents of all accepted provenances, each once a role. A claim without steps gives way to one with them about the same image. */
export function unionOfParents(provenances: readonly AcceptedProvenance[]): readonly ParentClaim[] {
  const claims = new Map<string, ParentClaim>();
  const byPreference = [...provenances].sort((a, b) => Number(b.record?.llb ?? false) - Number(a.record?.llb ?? false));
  for (const { record } of byPreference) {
    for (const claim of record?.parents ?? []) {
      const image = `${claim.kind}|${formatReference(claim.reference)}|${claim.digest}|${claim.platform === undefined ? "" : formatPlatform(claim.platform)}`;
      const isKnown = !record?.llb && [...claims.keys()].some((key) => key.startsWith(`${image}|`));
      if (!isKnown && !claims.has(`${image}|${claim.role}`)) claims.set(`${image}|${claim.role}`, claim);
    }
  }
  return [...claims.values()];
}

export function baseOf(provenances: readonly AcceptedProvenance[], node: ImageNode): BaseClaim {
  const bases = provenances
    .map((each) => standingOf(each, node))
    .flatMap((standing) => (standing.kind === "walkable" ? [standing.base] : []));
  const digests = bases.flatMap((base) => (base.kind === "image" ? base.digests : []));
  if (digests.length > 0) return { kind: "image", digests: [...new Set(digests)] };
  return bases.some(({ kind }) => kind === "scratch") ? { kind: "scratch" } : { kind: "longest-prefix" };
}

/** The best that one provenance by itself earns. */
export function levelOf(provenances: readonly AcceptedProvenance[], node: ImageNode): number {
  const levels = provenances
    .filter((each) => standingOf(each, node).kind === "walkable")
    .map(({ by, record, provenance, source }) => {
      const { level } = by.acceptance;
      const caps = [
        ...(source === "agrees" ? [] : [LEVEL_SOURCE_NOT_PROVEN]),
        ...(record?.llb ? [] : [LEVEL_LIST_ONLY]),
        ...(record?.complete ? [] : [LEVEL_INCOMPLETE]),
        ...inputCaps(record?.otherInputs ?? []),
        ...(isOwnBuilderId(provenance, by.identity, by.acceptance) ? [] : [LEVEL_OTHER_BUILDER]),
      ];
      return Math.min(level, ...caps);
    });
  return Math.max(0, ...levels);
}

function inputCaps(inputs: readonly BuildInput[]): readonly number[] {
  return inputs.flatMap((input) => {
    const isShared = input.kind === "cache" || input.kind === "imported-cache";
    const isOutside =
      input.kind === "privileged" || (input.kind === "network" && (input.mode === "host" || input.mode === "unknown"));
    return [...(isShared ? [LEVEL_SHARED_CACHE] : []), ...(isOutside ? [LEVEL_NOT_SANDBOXED] : [])];
  });
}
