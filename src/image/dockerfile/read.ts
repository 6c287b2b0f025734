import { formatPlatform, type Platform } from "../platform.ts";
import {
  formatReference,
  type ImageReference,
  ImageReferenceError,
  parseReference,
  withDefaultTag,
} from "../reference.ts";
import { type NamedContext, type NamedContexts, readContexts } from "./contexts.ts";
import { detectSyntax } from "./directives.ts";
import { type Budget, MAX_EXPANSION_STEPS } from "./expansion.ts";
import { readStageInputs } from "./inputs.ts";
import {
  checkInstruction,
  type Instruction,
  type Instructions,
  readInstructions,
  readOlderInstructions,
} from "./instructions.ts";
import {
  DockerfileError,
  type DockerfileReading,
  type DockerfileRequest,
  type ImageUse,
  type Lines,
  type OtherUse,
  type UnresolvedUse,
  type UseRole,
} from "./reading.ts";
import { linesOf, type Place, readSource, type Source } from "./source.ts";
import {
  type Graph,
  type Node,
  onInstruction,
  reachedFrom,
  readStages,
  type StageNode,
  toCommand,
  variableOf,
} from "./stages.ts";
import { buildArg, readGlobalVariables } from "./variables.ts";

/** Largest Dockerfile that is read, in bytes. */
export const MAX_DOCKERFILE_BYTES = 1024 * 1024;

/** The frontend's language is that of Dockerfiles where its repository is called so, be it Docker's or a mirror's. */
const DOCKERFILE_FRONTEND = /(?:^|\/)dockerfile(?:-upstream)?$/;

/** What is said of a use beside the image. */
interface Mention extends Lines {
  readonly written: string;
  readonly place: Place | undefined;
  readonly platform: Platform;
  readonly role: UseRole;
  readonly by: ImageUse["by"];
  readonly stage: string | undefined;
  readonly isReached: boolean;
}

/**
 * Reads a Dockerfile as BuildKit does, and says which images a build of it would use, and what else would go in.
 *
 * What isn't known before the build, such as variables that only a base image sets, is never guessed to anybody's favour; but only the
 * provenance of the build says what it has used.
 *
 * @throws {DockerfileError} if BuildKit refuses the file, the target or a trigger, or a limit of ours is passed. A name of an image that
 * can't be made out is no error: it is among `unresolved`.
 * @throws {RangeError} if a build context has a name that none can have.
 */
export function readDockerfile(text: Uint8Array | string, request: DockerfileRequest): DockerfileReading {
  const size = typeof text === "string" ? text.length : text.byteLength;
  if (size > MAX_DOCKERFILE_BYTES) {
    throw new DockerfileError(`the file is larger than ${MAX_DOCKERFILE_BYTES} bytes`, 1, 1);
  }
  const decoded = typeof text === "string" ? text : new TextDecoder("utf-8", { ignoreBOM: true }).decode(text);
  return new Reader(readSource(decoded), request).read();
}

class Reader {
  readonly #source: Source;
  readonly #request: DockerfileRequest;
  readonly #contexts: NamedContexts;
  readonly #builder: Platform;
  readonly #budget: Budget = { steps: MAX_EXPANSION_STEPS };
  readonly #images: ImageUse[] = [];
  readonly #unresolved: UnresolvedUse[] = [];
  readonly #others: OtherUse[] = [];

  constructor(source: Source, request: DockerfileRequest) {
    this.#source = source;
    this.#request = request;
    this.#contexts = readContexts(request.contexts ?? {});
    this.#builder = request.buildPlatform ?? request.platform;
  }

  read(): DockerfileReading {
    const frontend = this.#readFrontend();
    if (frontend === "foreign") return this.#foreign();
    let file: Instructions;
    try {
      file = readInstructions(this.#source, this.#budget);
      for (const instruction of file.list) checkInstruction(instruction);
      this.#refuseAmbiguity(file);
    } catch (error) {
      if (frontend === "unknown" && error instanceof DockerfileError) return this.#foreign();
      throw error;
    }
    return this.#readStages(file);
  }

  /** @returns whose language the file is in. */
  #readFrontend(): "docker" | "unknown" | "foreign" {
    const syntax = detectSyntax(this.#source);
    const given = buildArg(this.#request, "BUILDKIT_SYNTAX");
    if (given === undefined && syntax === undefined) return "docker";
    const reference = given === undefined ? (syntax?.reference ?? "") : (given.trim().split(" ", 1)[0] ?? "");
    const place = given === undefined ? syntax?.place : undefined;
    const lines = place === undefined ? { line: 1, endLine: 1 } : linesOf(this.#source, place);
    const mention: Mention = {
      ...lines,
      written: reference,
      place,
      platform: this.#builder,
      role: "frontend",
      by: "syntax",
      stage: undefined,
      isReached: true,
    };
    this.#name(reference, mention);
    const isForeign = given === undefined && syntax?.isDockerfile === false;
    if (!isForeign && this.#speaksDockerfile(reference)) return "docker";
    this.#unresolve(
      { ...mention, role: "base" },
      "a frontend other than Docker's reads this file, and may take other images from it",
    );
    return isForeign ? "foreign" : "unknown";
  }

  /**
   * A file chooses its frontend, an old one too, to which heredocs are instructions. What reads well both ways was written for that: no
   * script does.
   */
  #refuseAmbiguity({ list }: Instructions): void {
    const use = this.#images.find(({ role }) => role === "frontend");
    if (use === undefined) return;
    const cuts = (instructions: Instructions["list"]) =>
      JSON.stringify(instructions.map(({ located, line, endLine }) => [located.text, line, endLine]));
    let older: Instructions["list"];
    try {
      ({ list: older } = readOlderInstructions(this.#source, this.#budget));
      for (const instruction of older) checkInstruction(instruction);
    } catch (error) {
      // An old frontend would refuse the file.
      if (error instanceof DockerfileError) return;
      throw error;
    }
    if (cuts(older) === cuts(list)) return;
    const { reference: _, key: __, ...mention } = use;
    this.#unresolve(
      { ...mention, role: "base" },
      "an older version of the frontend would read other instructions in this file, and take other images",
    );
  }

  #speaksDockerfile(name: string): boolean {
    const context = this.#contexts(name);
    if (context !== undefined && context.kind !== "image") return false;
    const reference = readReference(context?.reference ?? name);
    return reference !== undefined && DOCKERFILE_FRONTEND.test(reference.repository);
  }

  #foreign(): DockerfileReading {
    return this.#reading([], this.#request.target ?? "");
  }

  #readStages({ list, escape: escapeCharacter }: Instructions): DockerfileReading {
    const first = list.findIndex(({ name }) => name === "FROM");
    const above = first < 0 ? list : list.slice(0, first);
    const stray = above.find(({ name }) => name !== "ARG");
    if (first < 0 || stray !== undefined) {
      const { line } = stray ?? list[0] ?? { line: 1 };
      throw new DockerfileError("nothing but ARG can stand above the first FROM", line, 1);
    }
    const targetName = this.#request.target ?? lastName(list);
    const variables = readGlobalVariables(
      above,
      this.#request,
      targetName,
      escapeCharacter,
      this.#budget,
      onInstruction,
    );
    const graph = readStages(
      list.slice(first),
      variables,
      this.#contexts,
      this.#builder,
      escapeCharacter,
      this.#budget,
    );
    const target = this.#findTarget(graph);
    const reached = this.#pullTriggers(graph, target);
    this.#refuseLaterStages(graph, reached);
    for (const node of graph.nodes) this.#nameNode(node, graph, reached);
    const isReached = (stage: StageNode) => reached.has(stage);
    this.#others.push(
      ...readStageInputs(graph.stages, isReached, variables.values, this.#request, escapeCharacter, this.#budget),
    );
    const stages = graph.stages.map((stage) => ({
      index: stage.index,
      name: stage.name,
      isReached: reached.has(stage),
      isScratch: isScratch(stage),
      from: stage.base?.index,
      line: stage.from.line,
      endLine: stage.from.endLine,
    }));
    return this.#reading(stages, nameOf(target));
  }

  #findTarget({ stages, byName }: Graph): StageNode {
    const { target } = this.#request;
    const last = stages.at(-1);
    const wanted = target ?? "";
    const found =
      wanted === ""
        ? last
        : (byName.get(wanted.toLowerCase()) ?? (/^[0-9]{1,4}$/.test(wanted) ? stages[Number(wanted)] : undefined));
    if (found === undefined)
      throw new DockerfileError(`there is no stage ${JSON.stringify(wanted.slice(0, 80))}`, 1, 1);
    return found;
  }

  /** Gives stages the triggers of what they start from, until no stage that they bring in has any. */
  #pullTriggers(graph: Graph, target: StageNode): ReadonlySet<Node> {
    const done = new Set<StageNode>();
    for (;;) {
      const reached = reachedFrom(target);
      let grew = false;
      for (const stage of graph.stages) {
        if (!reached.has(stage) || done.has(stage) || stage.override !== undefined) continue;
        done.add(stage);
        const commands = this.#triggersOf(graph, stage);
        stage.commands = [...commands, ...stage.commands];
        grew ||= commands.some(({ sources }) => sources.length > 0);
      }
      if (!grew) return reachedFrom(target);
    }
  }

  #triggersOf(graph: Graph, stage: StageNode): StageNode["commands"] {
    if (stage.base !== undefined) {
      return stage.base.commands.flatMap(({ instruction, lines }) => {
        if (instruction.name !== "ONBUILD" || instruction.trigger === undefined) return [];
        const trigger = { ...instruction.trigger, ...lines };
        checkInstruction(trigger);
        return [toCommand(graph, stage, trigger, true, lines, this.#budget)];
      });
    }
    const key = this.#baseKey(stage);
    const texts = key === undefined ? undefined : this.#request.triggers?.get(key);
    return (texts ?? []).map((text) => {
      const trigger = this.#readTrigger(text, stage);
      return toCommand(graph, stage, trigger, true, stage.from, this.#budget);
    });
  }

  #readTrigger(text: string, stage: StageNode): Instruction {
    try {
      if (text.length > MAX_DOCKERFILE_BYTES) throw new DockerfileError("a trigger is too long", 1, 1);
      const { list } = readInstructions(readSource(text), this.#budget);
      const [trigger] = list;
      if (trigger === undefined || list.length !== 1 || trigger.name === "FROM") {
        throw new DockerfileError("a trigger is more or less than one instruction", 1, 1);
      }
      checkInstruction(trigger);
      // What is wrong with it is told of the FROM that brings it.
      return { ...trigger, line: stage.from.line, endLine: stage.from.endLine };
    } catch (error) {
      if (!(error instanceof DockerfileError)) throw error;
      throw new DockerfileError(`a trigger of the base image: ${error.message}`, stage.from.line, 1, { cause: error });
    }
  }

  #baseKey(stage: StageNode): string | undefined {
    if (stage.fault !== undefined || isScratch(stage)) return undefined;
    const context = this.#contextOf(stage.baseName);
    if (context !== undefined && context.kind !== "image") return undefined;
    const reference = readReference(context?.reference ?? stage.baseName);
    return reference === undefined ? undefined : keyOf(reference, stage.platform ?? this.#request.platform);
  }

  /** BuildKit refuses to copy from what it hasn't come to yet, but only in stages that it builds. */
  #refuseLaterStages({ stages }: Graph, reached: ReadonlySet<Node>): void {
    for (const stage of stages) {
      if (!reached.has(stage) || stage.override !== undefined) continue;
      for (const { sources, lines } of stage.commands) {
        const later = sources.find(
          (each) => each.kind === "stage" && each.override === undefined && each.index >= stage.index,
        );
        if (later !== undefined) throw new DockerfileError("a stage is used above where it begins", lines.line, 1);
      }
    }
  }

  #nameNode(node: Node, graph: Graph, reached: ReadonlySet<Node>): void {
    if (node.kind === "source") {
      if (node.name === "scratch") return;
      this.#name(node.name, {
        ...node.lines,
        written: node.name,
        place: node.place,
        platform: this.#request.platform,
        role: "input",
        by: node.by,
        stage: nameOf(node.stage),
        isReached: reached.has(node),
      });
      return;
    }
    const { from, literal, written } = node;
    const variable = variableOf(written);
    // A digest in a default that goes into other words too would end up in the middle of them.
    const isMovable = variable === undefined || !graph.mixed.has(variable);
    const mention: Mention = {
      line: from.line,
      endLine: from.endLine,
      written: literal !== undefined && isMovable ? literal.text : written,
      place: isMovable ? literal?.place : undefined,
      platform: node.platform ?? this.#request.platform,
      role: "base",
      by: "FROM",
      stage: nameOf(node),
      isReached: reached.has(node),
    };
    if (node.override !== undefined) {
      this.#stand(node.override, mention);
      return;
    }
    if (node.fault !== undefined) this.#unresolve(mention, node.fault);
    else if (node.base === undefined && node.baseName !== "scratch") this.#name(node.baseName, mention);
  }

  #contextOf(name: string): NamedContext | undefined {
    return readReference(name) === undefined ? undefined : this.#contexts(name);
  }

  #name(name: string, mention: Mention): void {
    const context = this.#contextOf(name);
    if (context !== undefined) {
      this.#stand(context, mention);
      return;
    }
    const reference = readReference(name);
    if (reference === undefined) this.#unresolve(mention, "it is no name that an image can have");
    else this.#use(reference, mention);
  }

  #stand(context: NamedContext, mention: Mention): void {
    const stood: Mention = { ...mention, written: context.value, place: undefined, by: "context" };
    const { line, endLine, stage, isReached } = mention;
    switch (context.kind) {
      case "scratch":
        return;
      case "unknown":
        this.#unresolve(stood, context.why);
        return;
      case "image": {
        const reference = readReference(context.reference);
        if (reference === undefined) this.#unresolve(stood, "it is no name that an image can have");
        else this.#use(reference, stood);
        return;
      }
      default: {
        const { kind, value, isPinned } = context;
        this.#others.push({ kind, text: value, isPinned, stage, isReached, line, endLine });
        if (mention.role === "frontend") this.#unresolve(stood, "the frontend comes from outside any registry");
      }
    }
  }

  #use(reference: ImageReference, mention: Mention): void {
    this.#images.push({ ...mention, reference, key: keyOf(reference, mention.platform) });
  }

  #unresolve({ place: _, platform: __, ...mention }: Mention, why: string): void {
    this.#unresolved.push({ ...mention, why });
  }

  #reading(stages: DockerfileReading["stages"], target: string): DockerfileReading {
    const byLine = <T extends Lines>(uses: readonly T[]) => uses.toSorted((a, b) => a.line - b.line);
    const images = byLine(this.#images);
    const bases = images.filter(
      ({ role, isReached, key }) => role === "base" && isReached && this.#request.triggers?.has(key) !== true,
    );
    return { images, unresolved: byLine(this.#unresolved), others: byLine(this.#others), stages, target, bases };
  }
}

function readReference(name: string): ImageReference | undefined {
  try {
    return withDefaultTag(parseReference(name));
  } catch (error) {
    if (error instanceof ImageReferenceError) return undefined;
    throw error;
  }
}

function keyOf(reference: ImageReference, platform: Platform): string {
  return `${formatReference(reference)} ${formatPlatform(platform)}`;
}

function isScratch(stage: StageNode): boolean {
  if (stage.override !== undefined) return stage.override.kind === "scratch";
  return stage.base === undefined && stage.baseName === "scratch";
}

function nameOf(stage: StageNode): string {
  return stage.name ?? `${stage.index}`;
}

function lastName(list: readonly Instruction[]): string {
  const words = list.findLast(({ name }) => name === "FROM")?.words ?? [];
  return words[2]?.text.toLowerCase() ?? "";
}
