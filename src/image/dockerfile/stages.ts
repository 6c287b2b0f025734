import type { Platform } from "../platform.ts";
import { PlatformError } from "../platform.ts";
import type { NamedContext, NamedContexts } from "./contexts.ts";
import { type Budget, ExpansionError, expand } from "./expansion.ts";
import { parseFromPlatform } from "./from-platform.ts";
import type { Instruction } from "./instructions.ts";
import { MountError, readMount } from "./mounts.ts";
import type { Lines } from "./reading.ts";
import { type Place, placeOf, refusal } from "./source.ts";
import { type GlobalVariables, type Literal, readLiteral } from "./variables.ts";

/** Most stages of a file. */
export const MAX_STAGES = 500;

/** Most stages and sources of `COPY --from` and mounts, those from triggers too. */
export const MAX_SOURCES = 20_000;

/** One `FROM` and what follows it. */
export interface StageNode {
  readonly kind: "stage";
  readonly index: number;
  readonly from: Instruction;
  readonly name: string | undefined;
  /** What the `FROM` names, variables put in; empty where `fault` says why. */
  readonly baseName: string;
  readonly written: string;
  readonly literal: Literal | undefined;
  readonly fault: string | undefined;
  readonly platform: Platform | undefined;
  readonly base: StageNode | undefined;
  /** What stands in for the whole stage. */
  readonly override: NamedContext | undefined;
  commands: readonly Command[];
}

/** Something that is no stage and is copied from or mounted. */
export interface SourceNode {
  readonly kind: "source";
  readonly index: number;
  readonly stage: StageNode;
  readonly command: Command["instruction"];
  readonly by: "COPY" | "RUN" | "ONBUILD";
  readonly name: string;
  readonly place: Place | undefined;
  readonly lines: Lines;
}

export type Node = StageNode | SourceNode;

/** An instruction of a stage, or of a trigger that its base has for it. */
export interface Command {
  readonly instruction: Instruction;
  readonly lines: Lines;
  readonly isTrigger: boolean;
  readonly sources: readonly Node[];
}

/** How the parts of a file hang together. */
export interface Graph {
  /** As BuildKit numbers them: the stages, and behind them each other source as it comes, which `--from=N` can name as well. */
  readonly nodes: Node[];
  readonly stages: readonly StageNode[];
  readonly byName: ReadonlyMap<string, StageNode>;
  /** Variables that name more than whole images. */
  readonly mixed: ReadonlySet<string>;
}

/** Runs a piece of work, and says on which instruction BuildKit would refuse the file. */
export function onInstruction<T>(instruction: Instruction, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof ExpansionError) && !(error instanceof MountError)) throw error;
    throw refusal(instruction.source, instruction.located, instruction.at, error.message, { cause: error });
  }
}

/**
 * Reads the stages and what each starts from. A name means the stage of that name above it, even where it would be an image, and even
 * `scratch`; and it is compared as it stands, where `COPY --from` doesn't look at the case.
 *
 * @throws {DockerfileError}
 */
export function readStages(
  instructions: readonly Instruction[],
  variables: GlobalVariables,
  contexts: NamedContexts,
  builder: Platform,
  escapeCharacter: string,
  budget: Budget,
): Graph {
  const stages: StageNode[] = [];
  const byName = new Map<string, StageNode>();
  const mixed = new Set(variables.mixed);
  const open = new Map<StageNode, Instruction[]>();
  for (const instruction of instructions) {
    const last = stages.at(-1);
    if (instruction.name !== "FROM") {
      if (last !== undefined) open.get(last)?.push(instruction);
      continue;
    }
    if (stages.length >= MAX_STAGES) throw refuseAt(instruction, `the file has more than ${MAX_STAGES} stages`);
    const stage = readStage(
      instruction,
      stages.length,
      byName,
      variables,
      mixed,
      contexts,
      builder,
      escapeCharacter,
      budget,
    );
    stages.push(stage);
    open.set(stage, []);
    if (stage.name !== undefined) byName.set(stage.name, stage);
  }
  const graph: Graph = { nodes: [...stages], stages, byName, mixed };
  for (const [stage, list] of open) {
    stage.commands = list.map((instruction) => toCommand(graph, stage, instruction, false, instruction, budget));
  }
  refuseCircles(graph);
  return graph;
}

function readStage(
  from: Instruction,
  index: number,
  byName: ReadonlyMap<string, StageNode>,
  variables: GlobalVariables,
  mixed: Set<string>,
  contexts: NamedContexts,
  builder: Platform,
  escapeCharacter: string,
  budget: Budget,
): StageNode {
  const [word, as, alias] = from.words;
  const isPair = from.words.length === 3 && as?.text.toLowerCase() === "as";
  if (word === undefined || (from.words.length !== 1 && !isPair))
    throw refuseAt(from, "FROM takes an image, or an image AS a name");
  const name = alias?.text.toLowerCase();
  if (name !== undefined && !/^[a-z][a-z0-9_.-]*$/.test(name)) {
    throw refusal(from.source, from.located, alias?.at ?? from.at, "a stage can't be called so");
  }
  const values = variables.values;
  let fault: string | undefined;
  const resolve = (text: string) => {
    try {
      return onInstruction(from, () => expandRequired(text));
    } catch (error) {
      if (!(error instanceof Error) || !(error.cause instanceof ExpansionError) || error.cause.code !== "required")
        throw error;
      fault ??= error.message;
      return { value: "", used: new Set<string>(), unset: new Set<string>() };
    }
  };
  const expandRequired = (text: string) => expand(text, values, { escape: escapeCharacter }, budget);
  const expansion = resolve(word.text);
  const variable = /^(["']?)\$(?:([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)\})\1$/.exec(word.text);
  const whole = variable?.[1] === "'" ? undefined : (variable?.[2] ?? variable?.[3]);
  if (whole === undefined) for (const used of expansion.used) mixed.add(used);
  if (expansion.value === "") {
    const unset = [...expansion.unset].join(", ");
    fault ??= unset === "" ? "it is empty" : `it is empty, for ${unset} has no value`;
  }
  let platform: Platform | undefined;
  const flag = from.flags.find((each) => each.name === "platform");
  if (flag?.value !== undefined && flag.value !== "") {
    const wanted = resolve(flag.value);
    for (const used of wanted.used) mixed.add(used);
    try {
      platform = parseFromPlatform(wanted.value, builder);
    } catch (error) {
      if (!(error instanceof PlatformError)) throw error;
      fault ??= "its platform can't be made out";
    }
  }
  const literal = whole === undefined ? readLiteral(from, word.text, word.at, expansion.value) : undefined;
  const override = name === undefined || name === "scratch" || name === "context" ? undefined : contexts(name);
  return {
    kind: "stage",
    index,
    from,
    name,
    baseName: expansion.value,
    written: word.text,
    literal: literal ?? (whole === undefined ? undefined : variables.literals.get(whole)),
    fault,
    platform,
    base: override === undefined ? byName.get(expansion.value) : undefined,
    override,
    commands: [],
  };
}

/** The name of the variable that a `FROM` consists of, if it does. */
export function variableOf(written: string): string | undefined {
  return /^"?\$\{?([A-Za-z_][A-Za-z0-9_]*)\}?"?$/.exec(written)?.[1];
}

/**
 * Makes an instruction a command of a stage, and finds what it copies from or mounts. A mount without `from` is of `scratch` to
 * BuildKit, and so of a stage that is called that.
 *
 * @param lines - Where it is told to be: triggers of an image stand on the `FROM` that brings them.
 * @throws {DockerfileError}
 */
export function toCommand(
  graph: Graph,
  stage: StageNode,
  instruction: Instruction,
  isTrigger: boolean,
  { line, endLine }: Lines,
  budget: Budget,
): Command {
  const lines = { line, endLine };
  const sources: Node[] = [];
  const add = (name: string, at: number | undefined, by: "COPY" | "RUN") => {
    // What an image's trigger says stands in no file.
    const isHere = at !== undefined && instruction.source === stage.from.source;
    const place = isHere ? placeOf(instruction.located, at, at + name.length) : undefined;
    const named = graph.byName.get(name.toLowerCase());
    if (named !== undefined) {
      sources.push(named);
      return;
    }
    if (graph.nodes.length >= MAX_SOURCES) throw refuseAt(instruction, `the file has more than ${MAX_SOURCES} sources`);
    const node: SourceNode = {
      kind: "source",
      index: graph.nodes.length,
      stage,
      command: instruction,
      by: isTrigger ? "ONBUILD" : by,
      name,
      place,
      lines,
    };
    graph.nodes.push(node);
    sources.push(node);
  };
  if (instruction.name === "COPY") {
    const flag = instruction.flags.find(({ name }) => name === "from");
    const from = flag?.value ?? "";
    if (from !== "") {
      const { value } = onInstruction(instruction, () => expand(from, new Map(), { escape: "\\" }, budget));
      if (value !== from) throw refuseAt(instruction, "--from takes no variables");
      if (isNumber(from)) sources.push(nodeAt(graph, Number(from), instruction));
      else add(from, flag?.valueAt, "COPY");
    }
  }
  if (instruction.name === "RUN") {
    for (const flag of instruction.flags.filter(({ name }) => name === "mount")) {
      const { from, fromAt } = onInstruction(instruction, () => readMount(flag));
      add(from === "" ? "scratch" : from, from === "" ? undefined : fromAt, "RUN");
    }
  }
  return { instruction, lines, isTrigger, sources };
}

/** What Go's `Atoi` takes: a longer number is a name. */
function isNumber(text: string): boolean {
  return (
    /^[+-]?[0-9]{1,64}$/.test(text) &&
    BigInt(text.replace("+", "")) < 2n ** 63n &&
    BigInt(text.replace("+", "")) >= -(2n ** 63n)
  );
}

function nodeAt(graph: Graph, index: number, instruction: Instruction): Node {
  const node = graph.nodes[index];
  if (node === undefined) throw refuseAt(instruction, "there is no stage of that number");
  return node;
}

function refuseAt(instruction: Instruction, message: string) {
  return refusal(instruction.source, instruction.located, instruction.at, message);
}

function refuseCircles({ stages }: Graph): void {
  const done = new Set<StageNode>();
  const path = new Set<StageNode>();
  const visit = (stage: StageNode): void => {
    if (done.has(stage)) return;
    path.add(stage);
    for (const { instruction, sources } of stage.commands) {
      for (const source of sources) {
        if (source.kind !== "stage") continue;
        if (path.has(source)) throw refuseAt(instruction, "the stages need each other in a circle");
        visit(source);
      }
    }
    path.delete(stage);
    done.add(stage);
  };
  for (const stage of stages) visit(stage);
}

/** What is needed for a stage: it, what it starts from, and what it copies from or mounts, and so on. */
export function reachedFrom(target: StageNode): ReadonlySet<Node> {
  const reached = new Set<Node>();
  const open: Node[] = [target];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (reached.has(node)) continue;
    reached.add(node);
    // Of a stage that something else stands in for, nothing is built.
    if (node.kind === "source" || node.override !== undefined) continue;
    if (node.base !== undefined) open.push(node.base);
    for (const { sources } of node.commands) open.push(...sources);
  }
  return reached;
}
