import type { BuildRecord } from "../../src/attestation/build-record.ts";
import { imageRecording } from "../../src/attestation/build-type.ts";
import { type Provenance, parseProvenance } from "../../src/attestation/provenance.ts";
import { parseStatement } from "../../src/attestation/statement.ts";
import { formatReference } from "../../src/image/reference.ts";
import { bytesOf } from "../image/shared.ts";

/** SHA-256 in hexadecimal that is easy to tell apart: 64 times one digit. */
export const hex = (digit: string) => digit.repeat(64);

export const buildTypeV1 = "https://github.com/moby/buildkit/blob/master/docs/attestations/slsa-definitions.md";
export const buildTypeV02 = "https://mobyproject.org/buildkit@v1";

/** What a test says of a build; everything else is as BuildKit writes it. */
export interface Build {
  readonly dependencies?: readonly unknown[];
  readonly llb?: readonly unknown[];
  readonly request?: unknown;
  readonly configSource?: unknown;
  readonly layers?: unknown;
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly externalParameters?: Readonly<Record<string, unknown>>;
}

/** BuildKit's provenance v1 of a build. */
export function predicateOf(build: Build): Record<string, unknown> {
  return {
    buildDefinition: {
      buildType: buildTypeV1,
      resolvedDependencies: build.dependencies,
      externalParameters: {
        configSource: build.configSource ?? { path: "Dockerfile" },
        request: build.request ?? { frontend: "dockerfile.v0" },
        ...build.externalParameters,
      },
      internalParameters: { builderPlatform: "linux/amd64", buildConfig: { llbDefinition: build.llb } },
    },
    runDetails: {
      builder: { id: "" },
      metadata: {
        invocationID: "id",
        buildkit_metadata: { layers: build.layers },
        buildkit_completeness: { request: true, resolvedDependencies: true },
        ...build.metadata,
      },
    },
  };
}

/** Reads a predicate as it would come from outside, bytes and all. */
export function provenanceOf(
  predicate: unknown,
  predicateType = "https://slsa.dev/provenance/v1",
): Provenance | undefined {
  const _type = "https://in-toto.io/Statement/v0.1";
  return parseProvenance(
    parseStatement(bytesOf({ _type, subject: [{ digest: { sha256: hex("0") } }], predicateType, predicate })),
  );
}

/** The record of a build. */
export function recordOf(build: Build): BuildRecord {
  const provenance = provenanceOf(predicateOf(build));
  const record = provenance && imageRecording(provenance);
  if (record === undefined) throw new Error("BuildKit's provenance records images");
  return record;
}

/** An entry of the dependency list. */
export function listed(uri: string, digit: string): unknown {
  return { uri, digest: { sha256: hex(digit) } };
}

/** A source step. */
export function source(id: string, identifier: string, attrs?: Readonly<Record<string, string>>): unknown {
  return {
    id,
    op: { Op: { source: { identifier, ...(attrs && { attrs }) } }, platform: { Architecture: "amd64", OS: "linux" } },
  };
}

/** A source step of an image under a tag. */
export function image(id: string, name: string, digit: string): unknown {
  return source(id, `docker-image://${name}@sha256:${hex(digit)}`);
}

/** A command; without mounts of its own it runs on its first input. */
export function run(id: string, inputs: readonly string[], exec: Readonly<Record<string, unknown>> = {}): unknown {
  return { id, inputs, op: { Op: { exec: { meta: { args: ["true"] }, mounts: [{ dest: "/" }], ...exec } } } };
}

/** A file step. */
export function file(id: string, inputs: readonly string[], actions: readonly unknown[]): unknown {
  return { id, inputs, op: { Op: { file: { actions } } } };
}

/** A copy from the input `from` onto the input `onto`; -1 is an empty file system. */
export function copy(onto: number, from: number, output = 0): unknown {
  return { Action: { copy: { src: "/a", dest: "/a" } }, input: onto, secondaryInput: from, output };
}

/** A merge of all its inputs, lowest first. */
export function merge(id: string, inputs: readonly string[]): unknown {
  return { id, inputs, op: { Op: { merge: { inputs: inputs.map((_, input) => (input === 0 ? {} : { input })) } } } };
}

/** The last step. */
export function result(id: string, input: string): unknown {
  return { id, inputs: [input], op: { Op: {} } };
}

/** The claims in short: `base docker.io/library/alpine:3 1 list+llb pinned`, with one digit for the digest. */
export function claimsOf({ parents }: BuildRecord): readonly string[] {
  return parents
    .map(({ role, reference, digest, recordedIn, pinned, kind }) => {
      const marks = [pinned ? " pinned" : "", kind === "image" ? "" : ` ${kind}`].join("");
      return `${role} ${formatReference(reference)} ${digest.at(-1)} ${recordedIn.join("+")}${marks}`;
    })
    .sort();
}

/** What the result rests on, in short. */
export function baseOf({ base }: BuildRecord): string {
  return base.kind === "image" ? `${formatReference(base.reference)} ${base.digest.at(-1)}` : base.kind;
}
