import { z } from "zod";
import type { JsonErrorCode } from "../image/json.ts";
import { JsonError, readValue } from "../image/json.ts";
import { imagesElsewhere } from "./build-type.ts";
import { BUILDKIT_BUILD_TYPES } from "./buildkit.ts";
import type { Step } from "./llb.ts";
import { llbSchema, stepsOf } from "./llb.ts";
import type { BuildRequest } from "./request.ts";
import { REQUEST_FIELDS, requestOf, requestSchema } from "./request.ts";
import type { Statement } from "./statement.ts";

/** Most dependencies of a build; with a recording proxy each download of a command is one. */
const MAX_DEPENDENCIES = 20_000;

/** How something was built, in the words of SLSA v1, whichever version it was written in. */
export interface Provenance {
  readonly version: "v0.2" | "v1";
  /** May be "": BuildKit writes what its client says, and clients say nothing. Whoever signed is who counts. */
  readonly builderId: string;
  readonly buildType: string;
  /** The build's own source, where the build type has one place for it. */
  readonly source?: ProvenanceSource;
  /** Unordered, and without roles. */
  readonly dependencies: readonly Dependency[];
  readonly completeness: Completeness;
  /** External parameters that we don't know, by name: a verifier with expectations refuses them (RULES R9). */
  readonly unknownParameters: readonly string[];
  readonly invocationId?: string;
  /** As written. */
  readonly startedOn?: string;
  readonly finishedOn?: string;
  /** What BuildKit adds; undefined for every other build type. */
  readonly buildkit?: BuildKitRecord;
  /** Images that the build type names in other places than the list of dependencies. */
  readonly elsewhere: readonly Dependency[];
}

/** Where the instructions of the build came from. */
export interface ProvenanceSource {
  /** Not split: BuildKit's fragment says ref and subdirectory. "" if the source was local. */
  readonly uri: string;
  readonly digest: Readonly<Record<string, string>>;
  /** The file of instructions inside the source. */
  readonly path?: string;
}

/** One thing that the build fetched. */
export interface Dependency {
  /** "" if it has none. */
  readonly uri: string;
  readonly digest: Readonly<Record<string, string>>;
  /** What the build type calls this kind of dependency; SLSA v1 alone has the field. */
  readonly name?: string;
  /** Whether the thing itself stands in the provenance, so that it was fetched from nowhere. */
  readonly isInline?: boolean;
}

/** What the builder says it recorded whole. Absent means false. */
export interface Completeness {
  readonly parameters: boolean;
  readonly dependencies: boolean;
}

/** The parts of provenance that only BuildKit writes. */
export interface BuildKitRecord {
  readonly request: BuildRequest;
  /** The platform of the machine that built, not of the result. */
  readonly builderPlatform?: string;
  /** The steps of the build (`mode=max`); undefined where none are recorded. */
  readonly llb?: readonly Step[];
  /** Place in the LLB, `step7:0`, to the chains of layers that it is in the result; unchecked digests, base layer first. */
  readonly layers: ReadonlyMap<string, readonly (readonly string[])[]>;
  /** Whether no step had the network, and everything was recorded. */
  readonly hermetic: boolean;
}

/** Why provenance can't be read. */
export type ProvenanceErrorCode =
  | JsonErrorCode
  /** The same thing in two places or two spellings: readers would take one or the other. */
  | "ambiguous";

/** The predicate says that it is provenance, and can't be read as such. */
export class ProvenanceError extends Error {
  readonly code: ProvenanceErrorCode;
  /** Where, below `predicate`. */
  readonly path: string;
  constructor(code: ProvenanceErrorCode, path: string, reason: string, options?: ErrorOptions) {
    super(`read SLSA provenance${path === "" ? "" : ` at predicate.${path}`}: ${reason}`, options);
    this.name = "ProvenanceError";
    this.code = code;
    this.path = path;
  }
}

/** Whether provenance of this build type is BuildKit's. Exact: look-alikes are others. */
function isBuildKit(buildType: string): boolean {
  return BUILDKIT_BUILD_TYPES.includes(buildType);
}

const V02_METADATA = "https://mobyproject.org/buildkit@v1#metadata";
const V02_HERMETIC = "https://mobyproject.org/buildkit@v1#hermetic";

const text = z.string().nullish();
const flag = z.boolean().nullish();
const digestSet = z.record(z.string(), z.string()).nullish();
const dependencies = z
  .array(z.object({ uri: text, digest: digestSet, name: text, content: z.unknown().optional() }))
  .max(MAX_DEPENDENCIES)
  .nullish();
const buildConfig = z.object({ llbDefinition: llbSchema.nullish() }).nullish();
const buildkitMetadata = z
  .object({ layers: z.record(z.string(), z.array(z.array(z.object({ digest: text })).nullable()).nullish()).nullish() })
  .nullish();

// Of other build types everything that the type defines is left alone: `buildConfig` could be anything.
const v02 = z.object({
  builder: z.object({ id: text }).nullish(),
  buildType: z.string(),
  materials: dependencies,
  invocation: z
    .looseObject({
      configSource: z.object({ uri: text, digest: digestSet, entryPoint: text }).nullish(),
      parameters: z.unknown().optional(),
      environment: z.unknown().optional(),
    })
    .nullish(),
  metadata: z
    .object({
      buildInvocationId: text,
      buildInvocationID: text,
      buildStartedOn: text,
      buildFinishedOn: text,
      completeness: z.object({ parameters: flag, environment: flag, materials: flag }).nullish(),
    })
    .nullish(),
});

const v02BuildKit = z.object({
  invocation: z
    .object({ parameters: requestSchema.nullish(), environment: z.object({ platform: text }).nullish() })
    .nullish(),
  buildConfig,
  metadata: z.object({ [V02_METADATA]: buildkitMetadata, [V02_HERMETIC]: flag }).nullish(),
});

const v1 = z.object({
  buildDefinition: z.object({
    buildType: z.string(),
    externalParameters: z.record(z.string(), z.unknown()).nullish(),
    internalParameters: z.unknown().optional(),
    resolvedDependencies: dependencies,
  }),
  runDetails: z
    .object({
      builder: z.object({ id: text }).nullish(),
      metadata: z.object({ invocationId: text, invocationID: text, startedOn: text, finishedOn: text }).nullish(),
    })
    .nullish(),
});

const v1BuildKit = z.object({
  buildDefinition: z.object({
    externalParameters: z
      .object({
        configSource: z.object({ uri: text, digest: digestSet, path: text }).nullish(),
        request: requestSchema.nullish(),
        buildConfig,
      })
      .nullish(),
    internalParameters: z.object({ builderPlatform: text, buildConfig }).nullish(),
  }),
  runDetails: z
    .object({
      metadata: z
        .object({
          buildkit_metadata: buildkitMetadata,
          buildkit_hermetic: flag,
          buildkit_completeness: z.object({ request: flag, resolvedDependencies: flag }).nullish(),
        })
        .nullish(),
    })
    .nullish(),
});

/**
 * Reads the predicate of a statement as SLSA provenance v0.2 or v1; unset, null and empty are one.
 *
 * @returns undefined if the statement is not provenance of these versions.
 * @throws {ProvenanceError} and nothing else.
 * @see slsa.dev/spec/v1.1/provenance, slsa.dev/spec/v0.2/provenance
 */
export function parseProvenance({ predicateType, predicate }: Statement): Provenance | undefined {
  switch (predicateType) {
    case "https://slsa.dev/provenance/v0.2":
      return parseV02(predicate);
    case "https://slsa.dev/provenance/v1":
      return parseV1(predicate);
    default:
      return undefined;
  }
}

function parseV02(predicate: unknown): Provenance {
  const document = read(v02, predicate);
  const { buildType, invocation, metadata } = document;
  const config = invocation?.configSource;
  const known = read(v02BuildKit, isBuildKit(buildType) ? predicate : {});
  return {
    version: "v0.2",
    builderId: document.builder?.id ?? "",
    buildType,
    ...(config && sourceOf(config.uri, config.digest, config.entryPoint)),
    dependencies: dependenciesOf(document.materials),
    completeness: {
      parameters: metadata?.completeness?.parameters ?? false,
      dependencies: metadata?.completeness?.materials ?? false,
    },
    unknownParameters: isBuildKit(buildType)
      ? [
          ...unknownIn(invocation, "", ["configSource", "parameters", "environment"]),
          ...unknownRequest(invocation?.parameters),
        ]
      : unknownIn(invocation?.parameters, "", []),
    ...identified(metadata?.buildInvocationID, metadata?.buildInvocationId, "metadata"),
    ...times(metadata?.buildStartedOn, metadata?.buildFinishedOn),
    elsewhere: elsewhereIn(buildType, predicate),
    ...(isBuildKit(buildType) && {
      buildkit: buildkitOf(
        known.invocation?.parameters,
        known.invocation?.environment?.platform,
        known.buildConfig,
        known.metadata?.[V02_METADATA],
        known.metadata?.[V02_HERMETIC],
      ),
    }),
  };
}

function parseV1(predicate: unknown): Provenance {
  const { buildDefinition, runDetails } = read(v1, predicate);
  const { buildType, externalParameters } = buildDefinition;
  const known = isBuildKit(buildType) ? read(v1BuildKit, predicate) : undefined;
  const config = known?.buildDefinition.externalParameters?.configSource;
  const internal = known?.buildDefinition.internalParameters;
  // For some weeks BuildKit's development versions had the steps among the external parameters.
  const external = known?.buildDefinition.externalParameters?.buildConfig;
  if (external && internal?.buildConfig) {
    throw new ProvenanceError("ambiguous", "buildDefinition", "it has two LLB definitions");
  }
  const { buildkit_completeness, buildkit_metadata, buildkit_hermetic } = known?.runDetails?.metadata ?? {};
  const metadata = runDetails?.metadata;
  return {
    version: "v1",
    builderId: runDetails?.builder?.id ?? "",
    buildType,
    ...(config && sourceOf(config.uri, config.digest, config.path)),
    dependencies: dependenciesOf(buildDefinition.resolvedDependencies),
    completeness: {
      parameters: buildkit_completeness?.request ?? false,
      dependencies: buildkit_completeness?.resolvedDependencies ?? false,
    },
    unknownParameters: known
      ? [
          ...unknownIn(externalParameters, "", ["configSource", "request"]),
          ...unknownRequest(externalParameters?.request),
        ]
      : unknownIn(externalParameters, "", []),
    ...identified(metadata?.invocationID, metadata?.invocationId, "runDetails.metadata"),
    ...times(metadata?.startedOn, metadata?.finishedOn),
    elsewhere: elsewhereIn(buildType, predicate),
    ...(known && {
      buildkit: buildkitOf(
        known.buildDefinition.externalParameters?.request,
        internal?.builderPlatform,
        internal?.buildConfig ?? external,
        buildkit_metadata,
        buildkit_hermetic,
      ),
    }),
  };
}

function read<T>(schema: z.ZodType<T>, value: unknown): T {
  return orProvenanceError(() => readValue(schema, value));
}

function elsewhereIn(buildType: string, predicate: unknown): readonly Dependency[] {
  return orProvenanceError(() => imagesElsewhere(buildType, predicate));
}

function orProvenanceError<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (!(cause instanceof JsonError)) throw cause;
    throw new ProvenanceError(cause.code, cause.path, cause.message, { cause });
  }
}

function sourceOf(
  uri: string | null | undefined,
  digest: Readonly<Record<string, string>> | null | undefined,
  path: string | null | undefined,
): { readonly source?: ProvenanceSource } {
  if (!uri && !path) return {};
  return { source: { uri: uri ?? "", digest: digest ?? {}, ...(path && { path }) } };
}

function dependenciesOf(list: z.infer<typeof dependencies>): readonly Dependency[] {
  return (list ?? []).map(({ uri, digest, name, content }) => ({
    uri: uri ?? "",
    digest: digest ?? {},
    ...(name && { name }),
    ...(content !== undefined && content !== null && content !== "" && { isInline: true }),
  }));
}

/** BuildKit spells `…ID`, the schemas `…Id`; Go reads either into the same field. */
function identified(
  written: string | null | undefined,
  specified: string | null | undefined,
  path: string,
): { readonly invocationId?: string } {
  if (written && specified && written !== specified) {
    throw new ProvenanceError("ambiguous", path, "it has two invocation ids");
  }
  const id = written || specified;
  return id ? { invocationId: id } : {};
}

function times(
  startedOn: string | null | undefined,
  finishedOn: string | null | undefined,
): { readonly startedOn?: string; readonly finishedOn?: string } {
  return { ...(startedOn && { startedOn }), ...(finishedOn && { finishedOn }) };
}

function unknownIn(value: unknown, prefix: string, known: Iterable<string>): readonly string[] {
  if (typeof value !== "object" || value === null) return [];
  const names = new Set(known);
  return Object.keys(value).flatMap((name) => (names.has(name) ? [] : [`${prefix}${name}`]));
}

function unknownRequest(request: unknown): readonly string[] {
  return unknownIn(request, "request.", REQUEST_FIELDS);
}

function buildkitOf(
  request: z.infer<typeof requestSchema> | null | undefined,
  builderPlatform: string | null | undefined,
  config: z.infer<typeof buildConfig>,
  metadata: z.infer<typeof buildkitMetadata>,
  hermetic: boolean | null | undefined,
): BuildKitRecord {
  const definition = config?.llbDefinition ?? [];
  const layers = Object.entries(metadata?.layers ?? {}).map(
    ([place, chains]) =>
      [place, (chains ?? []).map((chain) => (chain ?? []).map(({ digest }) => digest ?? ""))] as const,
  );
  return {
    request: requestOf(request),
    ...(builderPlatform && { builderPlatform }),
    ...(definition.length > 0 && { llb: stepsOf(definition) }),
    layers: new Map(layers),
    hermetic: hermetic ?? false,
  };
}
