import { JsonError } from "../image/json.ts";
import type { BuildRecord } from "./build-record.ts";
import { BUILDKIT_BUILD_TYPES, buildkitRecord } from "./buildkit.ts";
import { builderImageOf } from "./container-based.ts";
import { runImageOf } from "./kpack.ts";
import { listRecord } from "./list-record.ts";
import type { ParentRole } from "./parents.ts";
import type { Dependency, Provenance } from "./provenance.ts";
import { TEKTON_BUILD_TYPES, tektonImages } from "./tekton.ts";

/** Most images outside the list of dependencies. */
const MAX_ELSEWHERE = 20_000;

/**
 * What provenance of one kind of build says of the images that went in. The type decides what a statement can prove at most; no
 * statement of it is believed to say more.
 */
export interface BuildType {
  readonly name: string;
  /** `buildType` as written, compared whole; an expression, anchored, only where versions are part of the name. */
  readonly recognised: readonly (string | RegExp)[];
  /**
   * `all`: every image that the build fetched, where the statement says that it is complete. `some`: images, and never a word that
   * they are all: what they are is judged, and the node stays `opaque`. `none`: no images.
   */
  readonly records: "all" | "some" | "none";
  /** What it records of images, as the end of a sentence that begins with its name. */
  readonly what: string;
  /** The roles that it can prove; anything else is an `input` (RULES R19). */
  readonly roles: readonly ParentRole[];
  /** Where that is said. */
  readonly source: string;
  /** Images that it names elsewhere than in the list of dependencies. @throws {JsonError} */
  readonly elsewhere?: (predicate: unknown) => readonly Dependency[];
}

/** Every build type that is known; any other records nothing that could be relied on. */
export const BUILD_TYPES: readonly BuildType[] = [
  {
    name: "BuildKit",
    recognised: BUILDKIT_BUILD_TYPES,
    records: "all",
    what: "lists every image that it fetched, and with mode=max the steps that tell what each was for",
    roles: ["base", "input", "frontend", "tool"],
    source: "https://github.com/moby/buildkit/blob/master/docs/attestations/slsa-provenance.md",
  },
  {
    name: "Tekton Chains",
    recognised: TEKTON_BUILD_TYPES,
    records: "some",
    what: "lists the images that its steps ran in, and images that tasks reported, and leaves out what a task fetched by itself",
    roles: ["input"],
    source: "https://github.com/tektoncd/chains/blob/main/docs/slsa-provenance.md",
    elsewhere: tektonImages,
  },
  {
    name: "kpack",
    recognised: [/^https:\/\/github\.com\/buildpacks-community\/kpack\/blob\/v[0-9]+\.[0-9]+\.[0-9]+\/docs\/slsa\.md$/],
    records: "some",
    what: "lists the builder image of the buildpacks, and names the run image that lies underneath only where the build was asked for one",
    roles: ["input"],
    source: "https://github.com/buildpacks-community/kpack/blob/main/docs/slsa_build.md",
    elsewhere: runImageOf,
  },
  {
    name: "container-based build",
    recognised: ["https://slsa.dev/container-based-build/v0.1?draft"],
    records: "some",
    what: "names the image that the build ran in, and none that a command in it fetched",
    roles: ["input"],
    source: "https://github.com/slsa-framework/github-actions-buildtypes/issues/4",
    elsewhere: builderImageOf,
  },
  {
    name: "slsa-github-generator",
    recognised: [
      "https://github.com/slsa-framework/slsa-github-generator/container@v1",
      "https://github.com/slsa-framework/slsa-github-generator/generic@v1",
      "https://github.com/slsa-framework/slsa-github-generator/go@v1",
      "https://github.com/slsa-framework/slsa-github-generator@v1",
      "https://github.com/slsa-framework/slsa-github-generator-go@v1",
      "https://github.com/slsa-framework/slsa-github-generator/delegator-generic@v0",
      "https://github.com/slsa-framework/slsa-github-generator/delegator-lowperms-generic@v0",
    ],
    records: "none",
    what: "names the source and no image: it signs a digest that a job handed over",
    roles: [],
    source:
      "https://github.com/slsa-framework/slsa-github-generator/blob/main/internal/builders/container/README.md#provenance-format",
  },
  {
    name: "GitHub Actions workflow",
    recognised: [
      "https://actions.github.io/buildtypes/workflow/v1",
      "https://slsa-framework.github.io/github-actions-buildtypes/workflow/v1",
    ],
    records: "none",
    what: "names the workflow and the commit, and no image",
    roles: [],
    source: "https://actions.github.io/buildtypes/workflow/v1",
  },
  {
    name: "apko",
    recognised: ["https://apko.dev/slsa-build-type@v1"],
    records: "none",
    what: "names packages and versions, without digests and without a word that nothing else went in: it is no proof of scratch",
    roles: [],
    source: "https://github.com/chainguard-dev/terraform-publisher-apko/blob/main/main.tf",
  },
];

/** The build type of this name; undefined for one that isn't known, however much it looks like one that is. */
export function buildTypeOf(buildType: string): BuildType | undefined {
  return BUILD_TYPES.find(({ recognised }) =>
    recognised.some((name) => (typeof name === "string" ? name === buildType : name.test(buildType))),
  );
}

/**
 * What the provenance records of the images that went in.
 *
 * @returns undefined for build types that record none, and for those that aren't known: their silence says nothing (the node is
 * `opaque`).
 */
export function imageRecording(provenance: Provenance): BuildRecord | undefined {
  if (provenance.buildkit !== undefined) return buildkitRecord(provenance, provenance.buildkit);
  const type = buildTypeOf(provenance.buildType);
  return type?.records === "some" ? listRecord(provenance, `${type.name} ${type.what}`) : undefined;
}

/** Images that a predicate of this build type names outside its list of dependencies. @throws {JsonError} and nothing else. */
export function imagesElsewhere(buildType: string, predicate: unknown): readonly Dependency[] {
  const images = buildTypeOf(buildType)?.elsewhere?.(predicate) ?? [];
  if (images.length > MAX_ELSEWHERE) throw new JsonError("schema", "", `it names more than ${MAX_ELSEWHERE} images`);
  return images;
}
