import { type Digest, digestOf } from "../../../src/image/digest.ts";
import type { Platform } from "../../../src/image/platform.ts";
import type { Layer } from "./layer.ts";

/** One step of the build, with the steps that it builds on. */
export interface Vertex {
  /** Of what it does and builds on: equal steps are one. */
  readonly digest: Digest;
  /** In the words of BuildKit's `Op`. */
  readonly operation: Readonly<Record<string, unknown>>;
  readonly inputs: readonly Vertex[];
  readonly platform: Platform | undefined;
  /** Of the Dockerfile, for each time that it was asked for. */
  readonly lines: number[];
  /** Those of the result up to here, where the layer map has them. */
  layers: readonly Layer[] | undefined;
}

/** The steps of one platform. */
export interface Graph {
  /** The step, made or found. */
  step(
    operation: Vertex["operation"],
    options?: { readonly inputs?: readonly Vertex[]; readonly platform?: Platform; readonly line?: number },
  ): Vertex;
}

/** An empty one. */
export function createGraph(): Graph {
  const known = new Map<Digest, Vertex>();
  return {
    step(operation, { inputs = [], platform, line } = {}) {
      const content = { operation, inputs: inputs.map(({ digest }) => digest), platform };
      const digest = digestOf(Buffer.from(JSON.stringify(content)));
      const vertex = known.get(digest) ?? { digest, operation, inputs, platform, lines: [], layers: undefined };
      known.set(digest, vertex);
      if (line !== undefined) vertex.lines.push(line);
      return vertex;
    },
  };
}

/** The step and all that it builds on, each once, and after those that it builds on itself: the order of BuildKit's definitions. */
export function inOrder(result: Vertex): readonly Vertex[] {
  const done = new Set<Vertex>();
  const visit = (vertex: Vertex): void => {
    if (done.has(vertex)) return;
    vertex.inputs.forEach(visit);
    done.add(vertex);
  };
  visit(result);
  return [...done];
}
