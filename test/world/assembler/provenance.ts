import { formatDockerPurl } from "../../../src/attestation/purl.ts";
import { type Digest, digestOf, hexOf } from "../../../src/image/digest.ts";
import { formatPlatform, type Platform } from "../../../src/image/platform.ts";
import { inOrder, type Vertex } from "./graph.ts";
import type { Layer } from "./layer.ts";
import type { AssemblyOptions } from "./options.ts";
import type { Result } from "./stages.ts";

/** What the provenance of one platform is made from. */
export interface Built {
  readonly options: AssemblyOptions;
  readonly platform: Platform;
  /** Of the platform's image. */
  readonly manifest: Digest;
  readonly result: Result;
  /** The text of the Dockerfile. */
  readonly dockerfile: string;
  readonly invocationId: string;
  readonly startedOn: string;
  readonly finishedOn: string;
}

/**
 * BuildKit's in-toto statement for one platform, mode max of SLSA v1, as BuildKit 0.25 writes it.
 *
 * It claims what BuildKit would have done with this Dockerfile; whether commands ran is not for provenance to tell.
 */
export function provenanceStatement({ options, platform, manifest, result, ...built }: Built): unknown {
  const { context, buildArgs, target } = options;
  const steps = inOrder(result.vertex);
  const ids = new Map(steps.map((vertex, index) => [vertex, `step${index}`]));
  const source = {
    uri: `${context.url}#${context.commit}`,
    digest: { [context.commit.length === 40 ? "sha1" : "sha256"]: context.commit },
  };
  const args = [
    ...[...buildArgs].map(([name, value]) => [`build-arg:${name}`, value]),
    ...(target === undefined ? [] : [["target", target]]),
  ];
  return {
    _type: "https://in-toto.io/Statement/v0.1",
    predicateType: "https://slsa.dev/provenance/v1",
    subject: options.tags.map((tag) => ({
      name: formatDockerPurl(tag, platform),
      digest: { sha256: hexOf(manifest) },
    })),
    predicate: {
      buildDefinition: {
        buildType: "https://github.com/moby/buildkit/blob/master/docs/attestations/slsa-definitions.md",
        resolvedDependencies: [...imagesOf(result, steps, platform), source],
        externalParameters: {
          configSource: { ...source, path: options.dockerfile },
          request: {
            frontend: "dockerfile.v0",
            ...(args.length > 0 && { args: Object.fromEntries(args) }),
            // BuildKit asks for them by itself where the source is git.
            secrets: ["GIT_AUTH_HEADER", "GIT_AUTH_TOKEN"].map((id) => ({ id, optional: true })),
          },
        },
        internalParameters: {
          buildConfig: definition(result.vertex),
          builderPlatform: formatPlatform(options.builderPlatform),
        },
      },
      runDetails: {
        builder: { id: options.builderId },
        metadata: {
          invocationId: built.invocationId,
          startedOn: built.startedOn,
          finishedOn: built.finishedOn,
          buildkit_metadata: {
            source: {
              locations: Object.fromEntries(steps.map((vertex) => [ids.get(vertex), locationsOf(vertex)])),
              infos: [
                {
                  filename: options.dockerfile,
                  language: "Dockerfile",
                  data: Buffer.from(built.dockerfile).toString("base64"),
                  ...definition(result.gitVertex),
                },
              ],
            },
            layers: layerMap(result, steps, ids),
          },
          // A command of a sandbox has the network, whether it uses it or not.
          ...(steps.every(({ operation }) => !("exec" in operation)) && { buildkit_hermetic: true }),
          buildkit_completeness: { request: true, resolvedDependencies: true },
        },
      },
    },
  };
}

/** The images in the order of their package URLs, each once. */
function imagesOf({ used }: Result, steps: readonly Vertex[], platform: Platform): readonly unknown[] {
  const images = steps.flatMap((vertex) => used.get(vertex) ?? []);
  const byUri = new Map(images.map(({ reference, digest }) => [formatDockerPurl(reference, platform), digest]));
  return [...byUri]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([uri, digest]) => ({ uri, digest: { sha256: hexOf(digest) } }));
}

/** The steps up to one, and a last one that says which is the result. */
function definition(result: Vertex): { readonly llbDefinition: readonly unknown[]; readonly digestMapping: unknown } {
  const steps = inOrder(result);
  const ids = new Map(steps.map((vertex, index) => [vertex, `step${index}`]));
  const last = `step${steps.length}`;
  const lastDigest = digestOf(Buffer.from(JSON.stringify([result.digest])));
  const mapping = [...steps.map((vertex) => [vertex.digest, ids.get(vertex)] as const), [lastDigest, last] as const];
  return {
    llbDefinition: [
      ...steps.map(({ operation, inputs, platform }, index) => ({
        id: `step${index}`,
        ...(inputs.length > 0 && { inputs: inputs.map((input) => `${ids.get(input)}:0`) }),
        op: {
          Op: operation,
          constraints: {},
          ...(platform && { platform: llbPlatform(platform) }),
        },
      })),
      { id: last, inputs: [`${ids.get(result)}:0`], op: { Op: {} } },
    ],
    digestMapping: Object.fromEntries(mapping.sort(([one], [other]) => (one < other ? -1 : 1))),
  };
}

function llbPlatform({ os, architecture, variant }: Platform): unknown {
  return { Architecture: architecture, OS: os, ...(variant && { Variant: variant }) };
}

function locationsOf({ lines }: Vertex): unknown {
  if (lines.length === 0) return {};
  return { locations: lines.map((line) => ({ ranges: [{ start: { line }, end: { line } }] })) };
}

/** Of each image, and of each step that the result rests on: what the result consists of up to there. Other stages aren't exported. */
function layerMap(
  { vertex: result, used }: Result,
  steps: readonly Vertex[],
  ids: ReadonlyMap<Vertex, string>,
): Readonly<Record<string, unknown>> {
  const chain = new Set<Vertex>();
  for (let vertex: Vertex | undefined = result; vertex !== undefined; vertex = below(vertex)) chain.add(vertex);
  const described = ({ mediaType, digest, bytes }: Layer) => ({ mediaType, digest, size: bytes.length });
  return Object.fromEntries(
    steps
      .filter((vertex) => used.has(vertex) || chain.has(vertex))
      .map((vertex) => [`${ids.get(vertex)}:0`, [(vertex.layers ?? []).map(described)]]),
  );
}

/** The step whose file system this one changed; undefined on scratch. */
function below({ operation, inputs }: Vertex): Vertex | undefined {
  const { actions: [first] = [] } = (operation.file ?? {}) as {
    readonly actions?: readonly { readonly input: number }[];
  };
  return first?.input === -1 ? undefined : inputs[0];
}
