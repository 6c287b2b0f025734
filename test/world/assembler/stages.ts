import { posix } from "node:path";
import { formatPlatform, type Platform } from "../../../src/image/platform.ts";
import { formatReference, pin } from "../../../src/image/reference.ts";
import type { BaseImage, BaseImages, History, RunConfig } from "./base-image.ts";
import { type Dockerfile, type Instruction, type Stage, substitute, unknownLine } from "./dockerfile.ts";
import { AssemblyFailed } from "./failure.ts";
import { changesBetween, copyInto, type FileTree, writeFile } from "./file-tree.ts";
import { createGraph, type Graph, type Vertex } from "./graph.ts";
import { type Layer, makeLayer } from "./layer.ts";
import type { AssemblyOptions } from "./options.ts";
import type { Source } from "./source.ts";

const PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/** In place of BuildKit's mark: the image itself says that nothing was run for it. */
const COMMENT = "assembled without a container engine";
/** Arguments that BuildKit sets by itself, and the assembler doesn't. */
const UNKNOWN_ARG = /^(?:TARGETVARIANT|BUILDVARIANT|TARGETSTAGE|BUILDKIT_.*|SOURCE_DATE_EPOCH|.*_proxy)$/i;

/** An image that was put on the builder's hands: what was used of it, and under which name. */
export interface UsedImage extends BaseImage {
  readonly vertex: Vertex;
}

/** What a stage has come to. */
export interface Assembled {
  /** Undefined where nothing has been put on `scratch` yet. */
  readonly vertex: Vertex | undefined;
  readonly tree: FileTree;
  readonly layers: readonly Layer[];
  readonly run: RunConfig;
  readonly history: readonly History[];
  readonly created: string | undefined;
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

/** One platform's result. */
export interface Result extends Assembled {
  readonly vertex: Vertex;
  /** By the steps that read them. */
  readonly used: ReadonlyMap<Vertex, BaseImage>;
  readonly gitVertex: Vertex;
}

/** Follows the stages that the target needs, and no others. @throws {AssemblyFailed} @throws {CouldNotLook} */
export async function assembleStages(ingredients: Ingredients): Promise<Result> {
  const { dockerfile, options } = ingredients;
  const { target } = options;
  const index = dockerfile.stages.findLastIndex(({ name }) => target === undefined || name === target.toLowerCase());
  if (index < 0) throw new AssemblyFailed(`target stage "${target}" could not be found`);
  const graph = createGraph();
  const used = new Map<Vertex, BaseImage>();
  const gitVertex = graph.step(gitOperation(options));
  const kitchen: Kitchen = { ...ingredients, graph, used, gitVertex, globals: globalsOf(ingredients), done: new Map() };
  const assembled = await stageAt(kitchen, index);
  const { vertex } = assembled;
  if (vertex === undefined) throw new AssemblyFailed("no image was generated: nothing was put on scratch");
  return { ...assembled, vertex, used, gitVertex };
}

/** BuildKit's source step for the context. */
function gitOperation({ context: { url, commit, directory } }: AssemblyOptions): Vertex["operation"] {
  const attrs = {
    "git.authheadersecret": "GIT_AUTH_HEADER",
    "git.authtokensecret": "GIT_AUTH_TOKEN",
    "git.fullurl": url,
  };
  const fragment = directory === undefined ? commit : `${commit}:${directory}`;
  return { source: { attrs, identifier: `git://${url.replace(/^https?:\/\//, "")}#${fragment}` } };
}

interface Kitchen extends Ingredients {
  readonly graph: Graph;
  readonly used: Map<Vertex, BaseImage>;
  readonly gitVertex: Vertex;
  readonly globals: ReadonlyMap<string, string>;
  readonly done: Map<number, Assembled>;
}

function globalsOf({ dockerfile, options, platform }: Ingredients): ReadonlyMap<string, string> {
  const { builderPlatform, buildArgs } = options;
  const values = new Map([
    ["TARGETPLATFORM", formatPlatform(platform)],
    ["TARGETOS", platform.os],
    ["TARGETARCH", platform.architecture],
    ["BUILDPLATFORM", formatPlatform(builderPlatform)],
    ["BUILDOS", builderPlatform.os],
    ["BUILDARCH", builderPlatform.architecture],
  ]);
  for (const { name, value, line } of dockerfile.globals) {
    const given = buildArgs.get(name) ?? value;
    if (UNKNOWN_ARG.test(name)) throw unknownLine(line, `ARG ${name}`, "it would have to set it");
    if (given !== undefined) values.set(name, given);
  }
  return values;
}

async function stageAt(kitchen: Kitchen, index: number): Promise<Assembled> {
  const known = kitchen.done.get(index);
  if (known !== undefined) return known;
  const stage = kitchen.dockerfile.stages[index]!;
  let state = await ground(kitchen, stage, index);
  const variables = new Map<string, string>();
  for (const instruction of stage.instructions) {
    try {
      state = await follow(kitchen, state, instruction, { index, variables });
    } catch (error) {
      if (!(error instanceof AssemblyFailed) || error.message.startsWith("Dockerfile:")) throw error;
      throw new AssemblyFailed(`Dockerfile:${instruction.line}: ${error.message}`, { cause: error });
    }
    // Only steps of the result's own chain and the images are in BuildKit's layer map: see `provenance.ts`.
    if (state.vertex !== undefined) state.vertex.layers = state.layers;
  }
  kitchen.done.set(index, state);
  return state;
}

/** What a FROM brings. */
async function ground(kitchen: Kitchen, { from, line }: Stage, index: number): Promise<Assembled> {
  const name = substitute(line, from, kitchen.globals);
  const earlier = earlierStage(kitchen, name, index);
  if (earlier !== undefined) return stageAt(kitchen, earlier);
  if (name === "scratch") {
    const run = { Env: [PATH], WorkingDir: "/" };
    return { vertex: undefined, tree: new Map(), layers: [], run, history: [], created: undefined };
  }
  const image = await imageNamed(kitchen, name, line);
  const { WorkingDir } = image.run;
  return { ...image, run: { ...image.run, WorkingDir: WorkingDir || "/" } };
}

function earlierStage({ dockerfile }: Kitchen, name: string, index: number): number | undefined {
  const at = dockerfile.stages.slice(0, index).findLastIndex((stage) => stage.name === name.toLowerCase());
  return at < 0 ? undefined : at;
}

async function imageNamed(kitchen: Kitchen, name: string, line: number): Promise<UsedImage> {
  const { images, platform, graph, used, options, say } = kitchen;
  const image = await images.read(name, platform);
  const identifier = `docker-image://${formatReference(pin(image.reference, image.digest))}`;
  const attrs = { "image.resolvemode": options.pull ? "pull" : "local" };
  const vertex = graph.step({ source: { attrs, identifier } }, { platform, line });
  vertex.layers = image.layers;
  used.set(vertex, image);
  say(`FROM ${formatReference(pin(image.reference, image.digest))}`);
  return { ...image, vertex };
}

interface Place {
  readonly index: number;
  /** The ARGs so far. */
  readonly variables: Map<string, string>;
}

async function follow(
  kitchen: Kitchen,
  state: Assembled,
  instruction: Instruction,
  { index, variables }: Place,
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
      if (UNKNOWN_ARG.test(name)) throw unknownLine(line, `ARG ${name}`, "it would have to set it");
      const value = options.buildArgs.get(name) ?? instruction.value ?? kitchen.globals.get(name);
      if (value !== undefined) variables.set(name, value);
      return { ...state, history: [...state.history, noted(`ARG ${name}${value === undefined ? "" : `=${value}`}`)] };
    }
    case "cmd": {
      const { args } = instruction;
      const entry = noted(`CMD [${args.map((word) => JSON.stringify(word)).join(" ")}]`);
      return { ...state, run: { ...state.run, Cmd: args, ArgsEscaped: true }, history: [...state.history, entry] };
    }
    case "run":
      return afterRun(kitchen, state, instruction, variables);
    case "copy":
      return afterCopy(kitchen, state, instruction, { index, variables });
  }
}

function afterRun(
  kitchen: Kitchen,
  state: Assembled,
  { command, text, append, path, line }: Instruction & { readonly kind: "run" },
  variables: ReadonlyMap<string, string>,
): Assembled {
  const { graph, platform, source } = kitchen;
  if (state.vertex === undefined) throw new AssemblyFailed("RUN on scratch: there is no shell");
  const args = [...variables].map(([name, value]) => `${name}=${value}`);
  const meta = {
    args: ["/bin/sh", "-c", command],
    cwd: state.run.WorkingDir || "/",
    env: [...(state.run.Env ?? []), ...args],
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
  { index, variables }: Place,
): Promise<Assembled> {
  const { line, add } = instruction;
  const [to = "", ...sources] = [instruction.to, ...instruction.sources].map((word) =>
    substitute(line, word, variables),
  );
  if (sources.length > 1 && !to.endsWith("/")) throw new AssemblyFailed(`"${to}" must end with / for several sources`);
  const from = await copiedFrom(kitchen, instruction, index);
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

async function copiedFrom(
  kitchen: Kitchen,
  { from, line }: Instruction & { readonly kind: "copy" },
  index: number,
): Promise<{ readonly vertex: Vertex; readonly tree: FileTree }> {
  if (from === undefined) return { vertex: kitchen.gitVertex, tree: kitchen.source.tree };
  const numbered = /^[0-9]+$/.test(from) && Number(from) < index ? Number(from) : undefined;
  const earlier = numbered ?? earlierStage(kitchen, from, index);
  if (earlier === undefined) {
    if (from === "scratch" || /^[0-9]+$/.test(from) || from.includes("$"))
      throw unknownLine(line, from, "it is no stage or image");
    return imageNamed(kitchen, from, line);
  }
  const { vertex, tree } = await stageAt(kitchen, earlier);
  if (vertex === undefined) throw new AssemblyFailed(`the stage ${from} is empty`);
  return { vertex, tree };
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
