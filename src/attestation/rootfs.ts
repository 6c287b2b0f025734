import type { Edge, FileAction, Step } from "./llb.ts";

/** What the result of a build rests on: the end of its chain of root file systems, and what came in beside it. */
export interface RootFilesystem {
  readonly ground: Ground;
  /** The place whose file system is the result, `step7:0`: the key of BuildKit's layer map. */
  readonly result?: string;
  /** The source steps that bring in content in any way other than as the ground. */
  readonly beside: ReadonlySet<string>;
}

/** Where the chain ends. */
export type Ground =
  /** At this source step, with so many steps above that changed the file system; undefined where no bound is known. */
  | { readonly kind: "source"; readonly step: Step; readonly steps: number | undefined }
  /** At nothing: the content is all made by the steps. */
  | { readonly kind: "scratch"; readonly steps: number | undefined }
  | { readonly kind: "unknown"; readonly why: string };

/**
 * Follows the root file systems from the result downwards: of a command the mount whose output is asked for, of a file step the
 * actions' `input` (never what they copy from), of a merge the first input.
 *
 * The graph is whatever somebody wrote. One that BuildKit could not have built (a ring, a step twice, two results) answers
 * `unknown` as a whole; so does a chain that ends in something that isn't known. Iterative, for graphs of any depth.
 */
export function rootFilesystemOf(steps: readonly Step[]): RootFilesystem {
  const sources = steps.filter((step) => step.operation.kind === "source");
  const everySource = new Set(sources.map(({ id }) => id));
  const graph = readGraph(steps);
  if (typeof graph === "string") return { ground: { kind: "unknown", why: graph }, beside: everySource };

  const grounds = new Map<string, Ground>();
  const ground = groundOf(graph, grounds);
  const result = keyOf(graph.result);
  if (ground.kind === "unknown") return { ground, result, beside: everySource };
  const beside = besideTheChain(graph);
  for (const { id } of sources) {
    if (ground.kind !== "source" || ground.step.id !== id) beside.add(id);
  }
  return { ground, result, beside };
}

interface Graph {
  readonly steps: ReadonlyMap<string, Step>;
  readonly result: Edge;
}

/** The steps as a graph, or why they make none. */
function readGraph(list: readonly Step[]): Graph | string {
  const steps = new Map(list.map((step) => [step.id, step]));
  if (steps.size !== list.length) return "two steps have the same id";
  const users = new Map<string, number>(list.map(({ id }) => [id, 0]));
  for (const { id, inputs } of list) {
    for (const { step } of inputs) {
      const count = users.get(step);
      if (count === undefined) return `${id} builds on ${step}, which is not there`;
      users.set(step, count + 1);
    }
  }
  const results = list.filter(({ operation }) => operation.kind === "result");
  const [result] = results;
  if (result === undefined || results.length > 1) return `${results.length} steps are the result, not one`;
  const [edge] = result.inputs;
  if (edge === undefined || result.inputs.length > 1) return "the result has not one input";
  if (users.get(result.id) !== 0) return "a step builds on the result";

  // Takes away what nobody builds on, again and again: what is left goes round in a ring.
  const free = list.filter(({ id }) => users.get(id) === 0);
  let taken = 0;
  for (let step = free.pop(); step !== undefined; step = free.pop()) {
    taken++;
    for (const { step: id } of step.inputs) {
      const left = (users.get(id) ?? 0) - 1;
      users.set(id, left);
      const below = steps.get(id);
      if (left === 0 && below !== undefined) free.push(below);
    }
  }
  return taken === list.length ? { steps, result: edge } : "the steps build on each other in a ring";
}

/** What lies under one output of a step. */
type Below =
  | { readonly kind: "end"; readonly ground: Ground }
  /** `input` indexes the step's inputs. */
  | { readonly kind: "change"; readonly input: number }
  | { readonly kind: "merge"; readonly inputs: readonly number[] };

function below(step: Step, output: number): Below {
  const { operation } = step;
  switch (operation.kind) {
    case "source":
      return output === 0
        ? { kind: "end", ground: { kind: "source", step, steps: 0 } }
        : unknown(step, "has one output only");
    case "exec": {
      const [mount, another] = operation.mounts.filter((candidate) => candidate.output === output);
      if (mount === undefined || another !== undefined) return unknown(step, `has not one mount for output ${output}`);
      if (mount.type !== 0) return unknown(step, "puts out a mount that is no file system of the build");
      return change(step, mount.input);
    }
    case "file":
      return belowActions(step, operation.actions, output);
    case "merge":
      if (operation.inputs.length === 0 || operation.inputs.some((input) => step.inputs[input] === undefined)) {
        return unknown(step, "merges something that is not there");
      }
      return output === 0 ? { kind: "merge", inputs: operation.inputs } : unknown(step, "has one output only");
    case "diff":
      return unknown(step, "takes the difference of two file systems");
    case "build":
      return unknown(step, "is a build of its own");
    case "result":
      return unknown(step, "is a result");
    case "unknown":
      return unknown(step, `does ${operation.names.join(" and ").slice(0, 80)}, which is not known`);
  }
}

function belowActions(step: Step, actions: readonly FileAction[], output: number): Below {
  const [first, another] = actions.flatMap((action, at) => (action.output === output ? [at] : []));
  if (first === undefined || another !== undefined) return unknown(step, `has not one action for output ${output}`);
  for (let at = first; ; ) {
    const input = actions[at]?.input ?? -1;
    if (input < step.inputs.length) return change(step, input);
    // Actions build on earlier ones only.
    if (input - step.inputs.length >= at) return unknown(step, "has actions that build on later ones");
    at = input - step.inputs.length;
  }
}

function change(step: Step, input: number): Below {
  if (input === -1) return { kind: "end", ground: { kind: "scratch", steps: 1 } };
  return step.inputs[input] === undefined
    ? unknown(step, "builds on an input that is not there")
    : { kind: "change", input };
}

function unknown(step: Step, why: string): Below {
  return { kind: "end", ground: { kind: "unknown", why: `${step.id} ${why}` } };
}

/** Depth first with a stack of its own; each place is answered once, and the graph has no rings by now. */
function groundOf({ steps, result }: Graph, grounds: Map<string, Ground>): Ground {
  const open: Edge[] = [result];
  for (let edge = open.at(-1); edge !== undefined; edge = open.at(-1)) {
    const step = steps.get(edge.step);
    const under: Below | undefined = step && below(step, edge.output);
    if (grounds.has(keyOf(edge)) || step === undefined || under === undefined) {
      open.pop();
      continue;
    }
    const needed = under.kind === "end" ? [] : edgesAt(step, under.kind === "change" ? [under.input] : under.inputs);
    const missing = needed.filter((need) => !grounds.has(keyOf(need)));
    if (missing.length > 0) {
      for (const need of missing) open.push(need);
      continue;
    }
    const found = needed.flatMap((need) => grounds.get(keyOf(need)) ?? []);
    grounds.set(keyOf(edge), combine(step, under, found));
    open.pop();
  }
  return grounds.get(keyOf(result)) ?? { kind: "unknown", why: "the result is not there" };
}

function combine(step: Step, under: Below, [lower, ...upper]: readonly Ground[]): Ground {
  if (under.kind === "end") return under.ground;
  if (lower === undefined || lower.kind === "unknown")
    return lower ?? { kind: "unknown", why: `${step.id} has no input` };
  if (under.kind === "change") return { ...lower, steps: sum([lower.steps, 1]) };
  // What rests on nothing itself adds as many layers as it has steps; anything else brings layers that nobody counted.
  const foreign = upper.some(({ kind }) => kind !== "scratch");
  if (foreign && lower.kind === "scratch") {
    // "Rests on nothing" would be untrue: the layers of the other image are in the result.
    return { kind: "unknown", why: `${step.id} merges file systems that rest on something onto nothing` };
  }
  const counts = upper.map((ground) => (ground.kind === "scratch" ? ground.steps : undefined));
  return { ...lower, steps: sum([lower.steps, ...counts]) };
}

function sum(counts: readonly (number | undefined)[]): number | undefined {
  let total = 0;
  for (const count of counts) {
    if (count === undefined) return undefined;
    total += count;
  }
  // Merges of merges double: such a number bounds nothing.
  return Number.isSafeInteger(total) ? total : undefined;
}

/** The sources that are reached from the result by leaving the chain of root file systems somewhere. */
function besideTheChain({ steps, result }: Graph): Set<string> {
  const open: Edge[] = [];
  for (let edge: Edge | undefined = result; edge !== undefined; ) {
    const step = steps.get(edge.step);
    if (step === undefined) break;
    const under = below(step, edge.output);
    const chain: number | undefined =
      under.kind === "change" ? under.input : under.kind === "merge" ? under.inputs[0] : undefined;
    for (const used of edgesAt(step, usedBeside(step, edge.output, chain))) open.push(used);
    edge = chain === undefined ? undefined : step.inputs[chain];
  }
  const beside = new Set<string>();
  const seen = new Set<string>();
  for (let edge = open.pop(); edge !== undefined; edge = open.pop()) {
    const step = steps.get(edge.step);
    if (step === undefined || seen.has(step.id)) continue;
    seen.add(step.id);
    if (step.operation.kind === "source") beside.add(step.id);
    for (const input of step.inputs) open.push(input);
  }
  return beside;
}

/** The inputs of a step of the chain that it uses for something else than the root file system; the same one can be both. */
function usedBeside({ operation, inputs }: Step, output: number, chain: number | undefined): readonly number[] {
  const others = [...inputs.keys()].filter((input) => input !== chain);
  if (chain === undefined) return others;
  switch (operation.kind) {
    case "exec":
      return operation.mounts.some((mount) => mount.output !== output && mount.input === chain)
        ? [...others, chain]
        : others;
    case "file":
      // Copying from another action's output copies from what that one rests on: taken for the chain itself, to be safe.
      return operation.actions.some(({ from }) => from === chain || (from ?? -1) >= inputs.length)
        ? [...others, chain]
        : others;
    case "merge":
      return operation.inputs.indexOf(chain, 1) > 0 ? [...others, chain] : others;
    case "source":
    case "diff":
    case "build":
    case "result":
    case "unknown":
      return others;
  }
}

function edgesAt({ inputs }: Step, indexes: readonly number[]): readonly Edge[] {
  return indexes.flatMap((index) => inputs[index] ?? []);
}

function keyOf({ step, output }: Edge): string {
  return `${step}:${output}`;
}
