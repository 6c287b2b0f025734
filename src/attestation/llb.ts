import { z } from "zod";
import type { Platform } from "../image/platform.ts";

/** Most steps of a build; large ones have some hundreds. */
const MAX_STEPS = 50_000;

/** Most inputs, mounts or actions of one step: each can be looked at once for each of the others. */
const MAX_PARTS = 1000;

/** A place among the outputs of a step. */
export interface Edge {
  readonly step: string;
  readonly output: number;
}

/** One step of a build as BuildKit recorded it: what it did, and to what. */
export interface Step {
  readonly id: string;
  readonly inputs: readonly Edge[];
  readonly operation: Operation;
  readonly platform?: Platform;
}

/** What a step does. Numbers index the step's inputs; -1 is an empty file system, or no output. */
export type Operation =
  | { readonly kind: "source"; readonly identifier: string; readonly attributes: Readonly<Record<string, string>> }
  | { readonly kind: "exec"; readonly mounts: readonly Mount[]; readonly network: number; readonly security: number }
  | { readonly kind: "file"; readonly actions: readonly FileAction[] }
  | { readonly kind: "merge"; readonly inputs: readonly number[] }
  | { readonly kind: "diff" }
  /** A build inside the build: its sources don't show. */
  | { readonly kind: "build" }
  /** The last step: it does nothing, and its input is the result. */
  | { readonly kind: "result" }
  /** One that we don't know, or several at once. */
  | { readonly kind: "unknown"; readonly names: readonly string[] };

/** A file system that a command sees. */
export interface Mount {
  readonly input: number;
  readonly output: number;
  readonly dest: string;
  /** 0 bind, 1 secret, 2 ssh, 3 cache, 4 tmpfs. */
  readonly type: number;
  /** Of a cache: what it is shared by. */
  readonly cacheId: string;
}

/** One change of a `file` step. An index beyond the step's inputs is the output of an earlier action. */
export interface FileAction {
  readonly input: number;
  /** What a copy copies from; undefined for actions that read nothing. */
  readonly from: number | undefined;
  readonly output: number;
}

/** Left out when 0, as protocol buffers do. */
const index = z.int().min(-1).max(0xffff_ffff).nullish();
const text = z.string().nullish();
const action = z.looseObject({}).nullish();

const operationSchema = z.looseObject({
  source: z.object({ identifier: text, attrs: z.record(z.string(), z.string()).nullish() }).nullish(),
  exec: z
    .object({
      mounts: z
        .array(
          z.object({
            input: index,
            output: index,
            dest: text,
            mountType: index,
            cacheOpt: z.object({ ID: text }).nullish(),
          }),
        )
        .max(MAX_PARTS)
        .nullish(),
      network: index,
      security: index,
    })
    .nullish(),
  file: z
    .object({
      actions: z
        .array(
          z.object({
            input: index,
            secondaryInput: index,
            output: index,
            Action: z.object({ copy: action, mkfile: action, mkdir: action, rm: action, symlink: action }).nullish(),
          }),
        )
        .max(MAX_PARTS)
        .nullish(),
    })
    .nullish(),
  merge: z
    .object({
      inputs: z
        .array(z.object({ input: index }))
        .max(MAX_PARTS)
        .nullish(),
    })
    .nullish(),
  diff: z.looseObject({}).nullish(),
  build: z.looseObject({}).nullish(),
});

/** The form of `llbDefinition`, each step with every field that decides something. */
export const llbSchema = z
  .array(
    z.object({
      id: text,
      inputs: z
        .array(z.string().regex(/^.{1,64}:[0-9]{1,9}$/, { error: "not of the form step:output" }))
        .max(MAX_PARTS)
        .nullish(),
      op: z
        .object({
          Op: operationSchema.nullish(),
          platform: z.object({ OS: text, Architecture: text, Variant: text, OSVersion: text }).nullish(),
        })
        .nullish(),
    }),
  )
  .max(MAX_STEPS);

/**
 * The steps, in the order of the document, which is the builder's: nothing says yet that they make a graph.
 *
 * @see moby/buildkit solver/pb/ops.proto, and json.go beside it for the upper-case keys
 */
export function stepsOf(definition: z.infer<typeof llbSchema>): readonly Step[] {
  return definition.map(({ id, inputs, op }) => {
    const platform = op?.platform;
    return {
      id: id ?? "",
      inputs: (inputs ?? []).map(edgeOf),
      operation: operationOf(op?.Op),
      ...(platform && {
        platform: {
          os: platform.OS ?? "",
          architecture: platform.Architecture ?? "",
          ...(platform.Variant && { variant: platform.Variant }),
          ...(platform.OSVersion && { osVersion: platform.OSVersion }),
        },
      }),
    };
  });
}

function edgeOf(input: string): Edge {
  const colon = input.lastIndexOf(":");
  return { step: input.slice(0, colon), output: Number(input.slice(colon + 1)) };
}

function operationOf(op: z.infer<typeof operationSchema> | null | undefined): Operation {
  const names = Object.keys(op ?? {}).filter((name) => op?.[name] !== null && op?.[name] !== undefined);
  if (!op || names.length === 0) return { kind: "result" };
  // Two members of a oneof: BuildKit takes the first of its own order, and another reader another.
  if (names.length > 1) return { kind: "unknown", names };
  if (op.source) return { kind: "source", identifier: op.source.identifier ?? "", attributes: op.source.attrs ?? {} };
  if (op.exec) {
    const mounts = (op.exec.mounts ?? []).map(({ input, output, dest, mountType, cacheOpt }) => ({
      input: input ?? 0,
      output: output ?? 0,
      dest: dest ?? "",
      type: mountType ?? 0,
      cacheId: cacheOpt?.ID ?? "",
    }));
    return { kind: "exec", mounts, network: op.exec.network ?? 0, security: op.exec.security ?? 0 };
  }
  if (op.file) {
    const actions = (op.file.actions ?? []).map(({ input, secondaryInput, output, Action }) => ({
      input: input ?? 0,
      from: readsNothing(Action) ? undefined : (secondaryInput ?? 0),
      output: output ?? 0,
    }));
    return { kind: "file", actions };
  }
  if (op.merge) return { kind: "merge", inputs: (op.merge.inputs ?? []).map(({ input }) => input ?? 0) };
  if (op.diff) return { kind: "diff" };
  if (op.build) return { kind: "build" };
  return { kind: "unknown", names };
}

/** Only where it is sure: an action that we don't know may read its second input. */
function readsNothing(action: Readonly<Record<string, unknown>> | null | undefined): boolean {
  return !action?.copy && Boolean(action?.mkfile || action?.mkdir || action?.rm || action?.symlink);
}
