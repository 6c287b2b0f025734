import { formatPlatform } from "../../../src/image/platform.ts";
import { formatReference, pin } from "../../../src/image/reference.ts";
import type { BaseImage } from "./base-image.ts";
import { type Instruction, type Stage, substitute, unknownLine } from "./dockerfile.ts";
import { AssemblyFailed } from "./failure.ts";
import { type Assembled, allOf, follow, type Ingredients, type Kitchen, type Origin, SELF_SET } from "./follow.ts";
import { createGraph, type Vertex } from "./graph.ts";
import type { AssemblyOptions } from "./options.ts";

const PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

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
    if (SELF_SET.test(name)) throw unknownLine(line, `ARG ${name}`, "it would have to set it");
    if (given !== undefined) values.set(name, given);
  }
  return values;
}

async function stageAt(kitchen: Kitchen, index: number): Promise<Assembled> {
  const known = kitchen.done.get(index);
  if (known !== undefined) return known;
  const stage = kitchen.dockerfile.stages[index]!;
  let state = await ground(kitchen, stage, index);
  const place = { inherited: state.variables, own: new Map<string, string | undefined>() };
  const copiedFrom = (instruction: Instruction & { readonly kind: "copy" }) => origin(kitchen, instruction, index);
  for (const instruction of stage.instructions) {
    try {
      state = await follow(kitchen, state, instruction, { ...place, copiedFrom });
    } catch (error) {
      if (!(error instanceof AssemblyFailed) || error.message.startsWith("Dockerfile:")) throw error;
      throw new AssemblyFailed(`Dockerfile:${instruction.line}: ${error.message}`, { cause: error });
    }
    // Only steps of the result's own chain and the images are in BuildKit's layer map: see `provenance.ts`.
    if (state.vertex !== undefined) state.vertex.layers = state.layers;
  }
  const assembled = { ...state, variables: allOf(place) };
  kitchen.done.set(index, assembled);
  return assembled;
}

/** What a FROM brings. */
async function ground(kitchen: Kitchen, { from, line }: Stage, index: number): Promise<Assembled> {
  const name = substitute(line, from, kitchen.globals);
  const earlier = earlierStage(kitchen, name, index);
  if (earlier !== undefined) return stageAt(kitchen, earlier);
  if (name === "scratch") {
    const run = { Env: [PATH], WorkingDir: "/" };
    const nothing = { layers: [], history: [], created: undefined, tree: new Map(), variables: new Map() };
    return { ...nothing, vertex: undefined, run };
  }
  const image = await imageNamed(kitchen, name, line);
  const { WorkingDir } = image.run;
  return { ...image, run: { ...image.run, WorkingDir: WorkingDir || "/" }, variables: new Map() };
}

function earlierStage({ dockerfile }: Kitchen, name: string, index: number): number | undefined {
  const at = dockerfile.stages.slice(0, index).findLastIndex((stage) => stage.name === name.toLowerCase());
  return at < 0 ? undefined : at;
}

async function imageNamed(
  kitchen: Kitchen,
  name: string,
  line: number,
): Promise<BaseImage & { readonly vertex: Vertex }> {
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

/** What a COPY or an ADD copies from. */
async function origin(
  kitchen: Kitchen,
  { from, line }: Instruction & { readonly kind: "copy" },
  index: number,
): Promise<Origin> {
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
