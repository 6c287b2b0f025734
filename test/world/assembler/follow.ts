import { posix } from "node:path";
import type { Platform } from "../../../src/image/platform.ts";
import type { BaseImage, BaseImages, History, RunConfig } from "./base-image.ts";
import { type Dockerfile, type Instruction, substitute, unknownLine } from "./dockerfile.ts";
import { AssemblyFailed } from "./failure.ts";
import { changesBetween, copyInto, type FileTree, writeFile } from "./file-tree.ts";
import type { Graph, Vertex } from "./graph.ts";
import { type Layer, makeLayer } from "./layer.ts";
import type { AssemblyOptions } from "./options.ts";
import type { Source } from "./source.ts";

/** In place of BuildKit's mark: the image itself says that nothing was run for it. */
const COMMENT = "assembled without a container engine";
/** Arguments that BuildKit sets by itself, and the assembler doesn't. */
export const SELF_SET = /^(?:TARGETVARIANT|BUILDVARIANT|TARGETSTAGE|BUILDKIT_.*|SOURCE_DATE_EPOCH|.*_proxy)$/i;

/** ARGs by name; undefined where one was declared and got no value. */
export type Variables = ReadonlyMap<string, string | undefined>;

/** What a stage has come to. */
export interface Assembled {
  /** Undefined where nothing has been put on `scratch` yet. */
  readonly vertex: Vertex | undefined;
  readonly tree: FileTree;
  readonly layers: readonly Layer[];
  readonly run: RunConfig;
  readonly history: readonly History[];
  readonly created: string | undefined;
  /** Its ARGs, with and without value: a stage FROM it has them too. */
  readonly variables: Variables;
}

/** What the stages are made from. */
export interface Ingredients {
  readonly dockerfile: Dockerfile;
  readonly options: AssemblyOptions;
  readonly platform: Platform;
  readonly source: Source;
  readonly images: BaseImages;
  /** When the build began, in ISO's form. */
  readonly now: string;
  readonly say: (line: string) => void;
}

/** What all stages of one platform share. */
export interface Kitchen extends Ingredients {
  readonly graph: Graph;
  readonly used: Map<Vertex, BaseImage>;
  readonly gitVertex: Vertex;
  readonly globals: ReadonlyMap<string, string>;
  readonly done: Map<number, Assembled>;
}

/** What is copied from: a step, and the files that it left. */
export interface Origin {
  readonly vertex: Vertex;
  readonly tree: FileTree;
}

/** The ARGs of a stage. */
interface Arguments {
  /** From the stage that it is FROM. */
  readonly inherited: Variables;
  /** Its own so far. */
  readonly own: Map<string, string | undefined>;
}

/** Where an instruction stands. */
interface Place extends Arguments {
  readonly copiedFrom: (instruction: Instruction & { readonly kind: "copy" }) => Promise<Origin>;
}

/** The values that hold now. */
export function allOf({ inherited, own }: Arguments): Variables {
  return new Map([...inherited, ...own]);
}

/** What a stage has come to after one more instruction. @throws {AssemblyFailed} @throws {CouldNotLook} */
export async function follow(
  kitchen: Kitchen,
  state: Assembled,
  instruction: Instruction,
  place: Place,
): Promise<Assembled> {
  const { options, now } = kitchen;
  const noted = (text: string): History => ({
    created: state.created ?? now,
    created_by: text,
    comment: COMMENT,
    empty_layer: true,
  });
  switch (instruction.kind) {
    case "arg": {
      const { name, line } = instruction;
      if (SELF_SET.test(name)) throw unknownLine(line, `ARG ${name}`, "it would have to set it");
      const value = options.buildArgs.get(name) ?? instruction.value ?? kitchen.globals.get(name);
      place.own.set(name, value);
      return { ...state, history: [...state.history, noted(`ARG ${name}${value === undefined ? "" : `=${value}`}`)] };
    }
    case "cmd": {
      const { args } = instruction;
      const entry = noted(`CMD [${args.map((word) => JSON.stringify(word)).join(" ")}]`);
      return { ...state, run: { ...state.run, Cmd: args, ArgsEscaped: true }, history: [...state.history, entry] };
    }
    case "run":
      return afterRun(kitchen, state, instruction, place);
    case "copy":
      return afterCopy(kitchen, state, instruction, place);
  }
}

function afterRun(
  kitchen: Kitchen,
  state: Assembled,
  { command, text, append, path, line }: Instruction & { readonly kind: "run" },
  place: Place,
): Assembled {
  const { graph, platform, source } = kitchen;
  if (state.vertex === undefined) throw new AssemblyFailed("RUN on scratch: there is no shell");
  const { inherited, own } = place;
  const written = (variables: Iterable<readonly [string, string | undefined]>) =>
    [...variables].flatMap(([name, value]) => (value === undefined ? [] : `${name}=${value}`));
  const args = [...allOf(place)].map(([name, value = ""]) => `${name}=${value}`);
  const meta = {
    args: ["/bin/sh", "-c", command],
    cwd: state.run.WorkingDir || "/",
    env: [...written([...inherited].filter(([name]) => !own.has(name))), ...(state.run.Env ?? []), ...written(own)],
    removeMountStubsRecursive: true,
  };
  const vertex = graph.step({ exec: { meta, mounts: [{ dest: "/" }] } }, { inputs: [state.vertex], platform, line });
  const tree = writeFile(state.tree, path, text, { append, createdAt: source.committedAt });
  const given = args.length === 0 ? "" : `|${args.length} ${args.join(" ")} `;
  return withLayer(kitchen, state, { vertex, tree, text: `RUN ${given}/bin/sh -c ${command}` });
}

async function afterCopy(
  kitchen: Kitchen,
  state: Assembled,
  instruction: Instruction & { readonly kind: "copy" },
  place: Place,
): Promise<Assembled> {
  const { line, add } = instruction;
  const [to = "", ...sources] = [instruction.to, ...instruction.sources].map((word) =>
    substitute(line, word, allOf(place)),
  );
  if (sources.length > 1 && !to.endsWith("/")) throw new AssemblyFailed(`"${to}" must end with / for several sources`);
  const from = await place.copiedFrom(instruction);
  const absolute = posix.resolve("/", state.run.WorkingDir || "/", to);
  const dest = /(?:^|\/)\.?$/.test(to) && absolute !== "/" ? `${absolute}/` : absolute;

  const inputs = [...new Set([state.vertex, from.vertex].filter((vertex) => vertex !== undefined))];
  let tree = state.tree;
  const actions = sources.map((name, at) => {
    const src = posix.resolve("/", name);
    tree = copyInto(tree, {
      source: from.tree,
      from: src,
      to: dest,
      unpack: add,
      createdAt: kitchen.source.committedAt,
    });
    const copy = {
      allowEmptyWildcard: true,
      allowWildcard: true,
      ...(add && { attemptUnpackDockerCompatibility: true }),
      createDestPath: true,
      dest,
      dirCopyContents: true,
      followSymlink: true,
      mode: -1,
      src,
      timestamp: -1,
    };
    return {
      Action: { copy },
      // Of an earlier action of the same step, which is counted behind the inputs.
      input: at > 0 ? inputs.length + at - 1 : state.vertex === undefined ? -1 : 0,
      output: at === sources.length - 1 ? 0 : -1,
      secondaryInput: inputs.indexOf(from.vertex),
    };
  });
  const vertex = kitchen.graph.step({ file: { actions } }, { inputs, line });
  return withLayer(kitchen, state, { vertex, tree, text: `${add ? "ADD" : "COPY"} ${sources.join(" ")} ${to}` });
}

function withLayer(
  { now, say }: Kitchen,
  state: Assembled,
  { vertex, tree, text }: { readonly vertex: Vertex; readonly tree: FileTree; readonly text: string },
): Assembled {
  say(text);
  const entry = { created: now, created_by: `${text} # assembled`, comment: COMMENT };
  const layer = makeLayer(changesBetween(state.tree, tree));
  return { ...state, vertex, tree, layers: [...state.layers, layer], history: [...state.history, entry], created: now };
}
